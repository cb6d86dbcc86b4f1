"""Power of one standardized statistic: normal, or noncentral t computed so that it never fails."""

from __future__ import annotations

import math

import numpy as np

from loyalty_exp.stats.distributions import normal_cdf, t_quantile
from loyalty_exp.stats.power.design import Level

NORMAL_DF = 1e10
"""From here on the t distribution is the normal one to the last digit."""


def normal_power(effect: float, se_null: float, se_alternative: float, level: Level) -> float:
    """Power of a test that divides the estimate by ``se_null`` when its spread is ``se_alternative``.

    Parameters
    ----------
    effect : float
        Distance from the null hypothesis; a one-sided test looks upwards.
    se_null, se_alternative : float
        Standard errors, in the unit of the effect; positive.
    level : Level
    """
    limit = level.quantile * se_null
    distance = effect if level.sides == 1 else abs(effect)
    power = normal_cdf((distance - limit) / se_alternative)
    if level.sides == 2 and level.strict:
        power += normal_cdf((-distance - limit) / se_alternative)
    return power


def t_power(noncentrality: float, df: float, level: Level) -> float:
    """Power of a t test.

    The noncentral t is a normal mixed over the spread of the estimated standard error,
    ``P(T > c) = E Phi(delta - c S)`` with ``S = sqrt(chi2 / df)``. The mean is taken by the trapezoidal rule
    in ``log S``, where every term is positive: no tail cancels, and large df need no other formula, so that
    the power joins the normal one without a step.

    Parameters
    ----------
    noncentrality : float
        Effect over its true standard error; a one-sided test looks upwards.
    df : float
        Positive; infinity means the normal distribution.
    level : Level

    References
    ----------
    Johnson, Kotz, Balakrishnan (1995), Continuous Univariate Distributions 2, 2nd ed., chapter 31;
    Trefethen & Weideman (2014), The exponentially convergent trapezoidal rule, SIAM Review 56, 385-458.
    """
    if not df > 0:
        raise ValueError(f"a t test has positive df, not {df}")
    delta = noncentrality if level.sides == 1 else abs(noncentrality)
    if df > NORMAL_DF:
        return normal_power(delta, 1.0, 1.0, level)
    from scipy import special

    limit = -t_quantile(level.tail, df)
    spread = math.sqrt(45 / df)
    step = min((2 * spread + 45 / df) / 240, 1 / (4 * (1 + min(abs(delta), 200.0))))
    log_s = np.arange(-spread - 45 / df, spread + step, step)
    weight = np.exp(df * (log_s - 0.5 * np.expm1(2 * log_s)))
    s = np.exp(log_s)
    rejected = special.ndtr(delta - limit * s)
    if level.sides == 2 and level.strict:
        rejected += special.ndtr(-delta - limit * s)
    return float(weight @ rejected / weight.sum())
