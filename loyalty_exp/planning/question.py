"""One question of a test: its level, its baseline, and the effect to be found."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from loyalty_exp.errors import NotEstimable
from loyalty_exp.planning.baseline import Baselines, Known
from loyalty_exp.planning.families import Test
from loyalty_exp.planning.result import Kind
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.sizing import Effect, Sizing
from loyalty_exp.stats.power.arms import adjusted_level
from loyalty_exp.stats.power.clusters import Clusters
from loyalty_exp.stats.power.design import Level

Amount = Callable[[float], float]
"""Effect to be found, by units of all arms: fixed costs thin out as they grow."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question before it is answered.

    Attributes
    ----------
    test : Test or None
        None where `reason` says why there is none.
    weights : mapping of arm to float
        Of a contrast; treatment 1 and control -1 elsewhere.
    effect : function or None
        None where no effect is named.
    mean : float or None
        Against which relative effects are taken.
    """

    kind: Kind
    id: str
    treatment: str | None
    role: str
    required: bool
    level: Level
    test: Test | None
    name: str
    known: Known | None
    weights: dict[str, float]
    effect: Amount | None
    mean: float | None
    days: int
    reason: str | None = None


def constant(amount: float | None) -> Amount | None:
    """Make an effect that does not depend on the units; None stays None."""
    return None if amount is None else lambda units: amount


def level_of(experiment: Experiment, role: str) -> Level:
    """Level of one comparison: primary metrics share alpha over treatments, too; a margin has one side.

    Holm, Hochberg and Hommel reject at least what Bonferroni does, so the plan for Bonferroni holds for them.
    Dunnett's method shares alpha over treatments by what they have in common, the control, and over metrics
    as Bonferroni does; over several looks the readout's rule is Holm's. In a fixed sequence each comparison
    has all of alpha, once those before it have passed.
    """
    analysis, rule = experiment.analysis, experiment.analysis.multiplicity.primary
    if role == "guardrail":
        return Level(analysis.alpha / 2, 1)
    if role != "primary" or rule in {"none", "fixed_sequence"}:
        return Level(analysis.alpha)
    primaries = sum(m.role == "primary" for m in experiment.metrics)
    if rule == "dunnett" and analysis.sequential is None:
        shares = {a.id: a.share for a in experiment.planned_arms}
        control = shares[experiment.control]
        parts = [shares[arm] / (shares[arm] + control) for arm in experiment.treatments]
        one = adjusted_level(Level(analysis.alpha), primaries)
        return adjusted_level(one, len(parts), "dunnett", parts)
    return adjusted_level(Level(analysis.alpha), primaries * len(experiment.treatments))


def baseline_of(sizing: Sizing, baselines: Baselines, metric_id: str) -> Known:
    """Give the baseline by hand, else that of history.

    Raises
    ------
    NotEstimable
        If there is none, or nothing varies.
    """
    given = sizing.baseline.get(metric_id)
    if given is None:
        if metric_id in baselines.metrics:
            known = baselines.metrics[metric_id]
        else:
            raise NotEstimable(
                baselines.reasons.get(metric_id)
                or "no baseline is known: give sizing.baseline, or sizing.history"
            )
    else:
        sd = given.sd
        if sd is None:
            if not 0 <= given.mean <= 1:
                raise NotEstimable("a baseline that is no share needs its sd: give it under sizing.baseline")
            sd = math.sqrt(given.mean * (1 - given.mean))
        left = sd * math.sqrt(1 - given.correlation**2)
        known = Known(
            given.mean, sd, left, given.zero_share, effect_of_clusters(sizing, baselines), sizing.icc
        )
    if sizing.icc is not None and known.source == "history":
        known = Known(
            known.mean, known.sd, known.sd_left, known.zero_share, effect_of_clusters(sizing, baselines),
            sizing.icc, known.source,
        )  # fmt: skip
    if known.sd_left == 0:
        raise NotEstimable("nothing varies in the baseline, so no test can be planned")
    return known


def shape_of(sizing: Sizing, baselines: Baselines, effect: float) -> Clusters | None:
    """Clusters that have a design effect; None where their size is not known."""
    size = sizing.cluster_size or baselines.cluster_size
    if size is None:
        return None
    cv = sizing.cluster_size_cv if sizing.cluster_size else (baselines.cluster_cv or 0.0)
    room = (1 + cv * cv) * size - 1
    return Clusters(size, min(max((effect - 1) / room, 0.0), 1.0) if room > 0 else 0.0, cv)


def effect_of_clusters(sizing: Sizing, baselines: Baselines) -> float:
    """Design effect of the likeness and the sizes that are known; 1 where one of them is not."""
    size = sizing.cluster_size or baselines.cluster_size
    if sizing.icc is None or size is None:
        return 1.0
    cv = sizing.cluster_size_cv if sizing.cluster_size else (baselines.cluster_cv or 0.0)
    return Clusters(size, sizing.icc, cv).design_effect


def effect_of(sizing: Sizing, metric_id: str, mean: float) -> float | None:
    """Give the effect to be found in the unit of the metric; None where none is named.

    Raises
    ------
    NotEstimable
        For a relative effect on a mean of 0.
    """
    asked: Effect | None = sizing.mde.get(metric_id)
    if asked is None and sizing.relative_mde is not None:
        asked = Effect(relative=sizing.relative_mde)
    if asked is None:
        return None
    if asked.absolute is not None:
        return asked.absolute
    assert asked.relative is not None
    if mean == 0:
        raise NotEstimable("the baseline mean is 0, so an effect relative to it is nothing; name it absolute")
    return asked.relative * abs(mean)


UNLIKE = "how alike the units of a cluster are is not known: give sizing.icc, or sizing.history"
