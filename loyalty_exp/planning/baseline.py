"""What is known before the test: of each metric, of the money, of the clusters and of the units there are."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Known:
    """One metric without the offer.

    Attributes
    ----------
    mean : float
        A unit; of a ratio, the ratio.
    sd : float
        Standard deviation over units of the column that the test compares: a ratio linearized.
    sd_left : float
        What is left of it by the estimator of the spec: after covariates and strata.
    zero_share : float or None
        Part of the units at exactly 0.
    design_effect : float
        Variance with clusters drawn whole over that with units drawn one by one; at least 1.
    icc : float or None
        Intraclass correlation by analysis of variance.
    source : str
        ``history`` or ``spec``.
    """

    mean: float
    sd: float
    sd_left: float
    zero_share: float | None = None
    design_effect: float = 1.0
    icc: float | None = None
    source: str = "spec"

    @property
    def correlation(self) -> float:
        """Of the metric with everything that is adjusted for, 0 to 1."""
        if self.sd == 0:
            return 0.0
        return math.sqrt(max(0.0, 1 - (self.sd_left / self.sd) ** 2))


@dataclass(frozen=True, slots=True)
class Narrow:
    """A part of the population: a declared segment value, or those who bought before.

    Attributes
    ----------
    name : tuple of str
        Dimension and value; ``("", "")`` for those with a pre-period value other than 0.
    share : float
        Of the units.
    known : Known
    """

    name: tuple[str, str]
    share: float
    known: Known


@dataclass(frozen=True, slots=True)
class MoneyKnown:
    """Benefit and cost of one unit at the baseline, priced as in a treatment arm and as in control.

    Attributes
    ----------
    cost_gap : float or None
        Variable cost a unit that treatment causes more than control; None where a line counts events, for
        nobody knows from the past how many the offer will cause.
    cost_mean : float
        Variable cost a unit at the baseline, at the prices of treatment.
    treatment, control : tuple of float
        ``(v_bb, v_bc, v_cc)``: variances and covariance of one unit, money squared.
    """

    cost_gap: float | None
    cost_mean: float
    treatment: tuple[float, float, float]
    control: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Baselines:
    """Everything known before the test.

    Attributes
    ----------
    metrics : mapping of metric id to Known
    reasons : mapping of metric id to str
        Why a metric is not known.
    money : mapping of treatment to MoneyKnown
    narrower : mapping of metric id to tuple of Narrow
    units : int or None
        In the population on the day of history.
    entry_per_day : float or None
    cluster_size, cluster_cv : float or None
    as_of, last_day : date or None
        Of the window that was read.
    engine, digest : str
    """

    metrics: Mapping[str, Known]
    reasons: Mapping[str, str] = field(default_factory=dict)
    money: Mapping[str, MoneyKnown] = field(default_factory=dict)
    narrower: Mapping[str, tuple[Narrow, ...]] = field(default_factory=dict)
    units: int | None = None
    entry_per_day: float | None = None
    cluster_size: float | None = None
    cluster_cv: float | None = None
    as_of: dt.date | None = None
    last_day: dt.date | None = None
    engine: str = ""
    digest: str = ""
