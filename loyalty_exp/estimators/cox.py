"""Cox's hazard ratio of the treatment with covariates, on rows; a secondary reading of a repurchase."""

from __future__ import annotations

import math

from loyalty_exp.errors import NotEstimable
from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.effect import Effect, RelativeLift
from loyalty_exp.stats.unit_rows import UnitRows

MOST_UNITS = 200_000
"""Above this many units the hazard ratio from counts by day, which every repurchase has, must do."""

TIME, EVENT = "$time", "$event"
"""Columns of the rows: days until the event or the end of follow-up, and which of the two it was."""


def estimate(
    treated: UnitRows, control: UnitRows, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Cox (1972), JRSS B 34, 187-220, ties by Efron (1977): the log hazard ratio, and the ratio less 1.

    The means are the shares of units whose event was seen.

    Raises
    ------
    NotEstimable
        With more than :data:`MOST_UNITS` units, and as :func:`loyalty_exp.stats.cox.cox`.
    """
    import numpy as np

    from loyalty_exp.stats.arm_means import enough_units
    from loyalty_exp.stats.cox import cox

    enough_units(treated, control)
    if treated.n + control.n > MOST_UNITS:
        raise NotEstimable(f"more than {MOST_UNITS:,} units; the hazard ratio from counts by day serves here")
    arm = np.repeat([1.0, 0.0], [treated.n, control.n])
    both = {c: np.concatenate([treated.values[c], control.values[c]]) for c in (TIME, EVENT, *covariates)}
    varying = [c for c in covariates if np.ptp(both[c]) > 0]
    fit = cox(both[TIME], both[EVENT], {"$arm": arm} | {c: both[c] for c in varying}, alpha)
    log_ratio = fit.log_ratio("$arm")
    if max(abs(log_ratio.ci_lower), abs(log_ratio.ci_upper)) > 700:
        raise NotEstimable("the likelihood has no maximum: the interval of the hazard ratio has no end")
    ratio, low, high = (math.exp(x) for x in (log_ratio.estimate, log_ratio.ci_lower, log_ratio.ci_upper))
    shares = float(treated.values[EVENT].mean()), float(control.values[EVENT].mean())
    return Effect(
        "cox",
        treated.n,
        control.n,
        *shares,
        log_ratio,
        RelativeLift(ratio - 1, None, low - 1, high - 1),
        facts={"hazard_ratio": ratio, "hazard_ratio_lower": low, "hazard_ratio_upper": high},
    )


COX = Estimator(
    "cox",
    {
        "en": "Cox's proportional hazards (1972) with the covariates of the metric: how much faster units of "
        "the treatment group buy again, taken to be constant over time.",
        "zh-CN": "Cox 比例风险模型（1972），纳入该指标的协变量：干预组复购速度的倍数，假定不随时间变化。",
    },
    estimate,
    "follow_up",
    ("time",),
    covariates=(0, 99),
    beside=True,
)
