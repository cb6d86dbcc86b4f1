"""Other readings of a relative lift than Fieller's: the delta method, and the logarithm of the ratio.

The difference and its test stay those of the adjusted means; only the interval of the lift is another one.
"""

from __future__ import annotations

import math
from dataclasses import replace

from loyalty_exp.errors import NotEstimable
from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.difference import effect
from loyalty_exp.stats.effect import Effect, RelativeLift
from loyalty_exp.stats.means import ArmMeans, adjusted
from loyalty_exp.stats.moments import Moments

NO_END = "the control mean is so near 0 that the lift has no upper end"


def estimate_delta(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Deng, Knoblich, Lu (2018), KDD: symmetric around the lift; covariates are adjusted for."""
    from loyalty_exp.stats.lift import delta_lift

    found, t, c = _by_welch("delta_lift", treated, control, outcome, covariates, alpha)
    if found.relative.estimate is None:
        return found
    (m_t, v_t), (m_c, v_c) = t.only(), c.only()
    d = delta_lift(m_t, m_c, v_t, v_c, alpha, found.absolute.df or math.inf)
    return replace(found, relative=RelativeLift(d.estimate, d.std_error, d.ci_lower, d.ci_upper))


def estimate_log(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Katz et al. (1978), method C, for means: multiplied and divided around the ratio, never below -1."""
    from loyalty_exp.stats.lift import log_lift

    found, t, c = _by_welch("log_lift", treated, control, outcome, covariates, alpha)
    if found.relative.estimate is None:
        return found
    (m_t, v_t), (m_c, v_c) = t.only(), c.only()
    try:
        lift = log_lift(m_t, m_c, v_t, v_c, alpha, t.df, c.df)
    except NotEstimable as reason:
        return replace(found, relative=RelativeLift(found.relative.estimate, None, None, None, str(reason)))
    if not math.isfinite(lift.ci_upper):
        return replace(found, relative=RelativeLift(lift.estimate, None, None, None, NO_END))
    return replace(found, relative=RelativeLift(lift.estimate, None, lift.ci_lower, lift.ci_upper))


def _by_welch(
    name: str,
    treated: Moments,
    control: Moments,
    outcome: tuple[str, ...],
    covariates: tuple[str, ...],
    alpha: float,
) -> tuple[Effect, ArmMeans, ArmMeans]:
    t, c = adjusted(treated, control, outcome, covariates)
    return effect(name, t, c, alpha, adjusted(treated, control, outcome, ()) if covariates else None), t, c


DELTA_LIFT = Estimator(
    "delta_lift",
    {
        "en": "Difference of means as by Welch, with the relative lift's interval by the delta method: "
        "symmetric, and too short where the control mean is not clearly different from 0.",
        "zh-CN": "均值差同 Welch 法，相对提升区间采用 delta 方法：区间对称，对照均值接近 0 时偏窄。",
    },
    estimate_delta,
    covariates=(0, 99),
)

LOG_LIFT = Estimator(
    "log_lift",
    {
        "en": "Difference of means as by Welch, with the relative lift's interval on the scale of the "
        "logarithm (Katz et al. 1978), for positive means.",
        "zh-CN": "均值差同 Welch 法，相对提升区间在对数尺度上求得（Katz 等 1978），适用于正的均值。",
    },
    estimate_log,
    covariates=(0, 99),
)
