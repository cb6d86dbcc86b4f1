"""What an estimator is: a name, what it reads, a sentence for the page, and a function to an effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from loyalty_exp.stats.effect import Effect

Evidence = Literal["moments", "strata", "clusters", "order_statistics", "event_counts", "follow_up", "rows"]
"""What an estimator reads of each arm.

``moments``
    `Moments` of outcome and covariates: what the one grouped query returns.
``strata``
    A tuple of `Moments`, one a stratum, the strata in the same order in both arms.
``clusters``
    `ClusterArm`: moments of cluster totals by cluster size.
``order_statistics``
    `OrderStatistics` around the quantile.
``event_counts``
    `EventCounts`: events and censorings a day; of a repurchase.
``follow_up``
    `UnitRows` with the days of follow-up, how they ended, and the covariates; of a repurchase.
``rows``
    `UnitRows`: the values of every unit, with a hash of its id.
"""

Measure = Literal["mean", "proportion", "ratio", "quantile", "time"]
"""What a metric is, as far as estimators care; ``time`` is that to the event of a repurchase, read beside."""


Estimate = Callable[..., Effect]
"""Compares one treatment arm with control: ``(treated, control, outcome, covariates, alpha, **parameters)``.

``treated`` and ``control`` are what the estimator's evidence says; ``outcome`` is (value,) or (numerator,
denominator); ``alpha`` is two-sided; parameters come by name. Raises ``NotEstimable`` with the reason for
the page.
"""


@dataclass(frozen=True, slots=True)
class Estimator:
    """One way to compare two arms.

    Attributes
    ----------
    name : str
    words : mapping of language to str
        One sentence for the section on methods, ``en`` and ``zh-CN``.
    estimate : callable
        See :data:`Estimate`.
    evidence : str
        What it reads, see :data:`Evidence`.
    fits : tuple of str
        Kinds of metric it can read, see :data:`Measure`.
    parameters : mapping of name to number
        Those that a spec may set, with their usual values.
    covariates : tuple of int
        Least and largest number of covariate columns that it uses; others are left unread.
    required : tuple of name
        Parameters without a usual value: a spec sets them.
    clustered : bool
        Whether it allows for whole clusters that were drawn.
    beside : bool
        Whether it is a reading beside another estimator only, and never decides.
    """

    name: str
    words: Mapping[str, str]
    estimate: Estimate
    evidence: Evidence = "moments"
    fits: tuple[Measure, ...] = ("mean", "proportion")
    parameters: Mapping[str, float] = field(default_factory=dict)
    covariates: tuple[int, int] = (0, 0)
    required: tuple[str, ...] = ()
    clustered: bool = False
    beside: bool = False
