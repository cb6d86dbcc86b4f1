"""Ratio of two proportions by the score method, shown as a relative lift."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.estimators.miettinen_nurminen import estimate as score_estimate
from loyalty_exp.estimators.miettinen_nurminen import successes
from loyalty_exp.stats.effect import Effect, RelativeLift
from loyalty_exp.stats.moments import Moments

NO_END = "nothing happened in the control arm, so the lift has no upper end"
NOTHING = "it happened in neither arm, so every lift agrees with the data"


def estimate(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226, equations 11-13 (ratio)."""
    from loyalty_exp.stats.risk_ratio import miettinen_nurminen_ratio

    found = score_estimate(treated, control, outcome, (), alpha)
    (column,) = outcome
    x_t, n_t, x_c, n_c = *successes(treated, column), *successes(control, column)
    if x_t == x_c == 0:
        return replace(found, estimator="risk_ratio", relative=RelativeLift(None, None, None, None, NOTHING))
    ratio = miettinen_nurminen_ratio(x_t, n_t, x_c, n_c, alpha)
    if ratio.estimate is None or not isfinite(ratio.ci_upper) or not isfinite(ratio.estimate):
        lift = RelativeLift(None, None, None, None, NO_END)
    else:
        lift = RelativeLift(ratio.estimate - 1, None, ratio.ci_lower - 1, ratio.ci_upper - 1)
    return replace(found, estimator="risk_ratio", relative=lift)


RISK_RATIO = Estimator(
    "risk_ratio",
    {
        "en": "Ratio of proportions with the score interval of Miettinen and Nurminen (1985), which holds "
        "for rare "
        "events.",
        "zh-CN": "比例之比，采用 Miettinen 与 Nurminen（1985）得分区间，稀有事件亦适用。",
    },
    estimate,
    fits=("proportion",),
)
