"""Answers that hold at every look up to a declared end, and with a reserve after it.

A normal mixture keeps its level over all time, and most of that level lies beyond the end of any real test.
Up to a declared end the same curve is crossed far less often, and by how much is known: in the limit the
statistic is a Brownian motion, whose chance to cross a curve is a matter of recursive integration. So the
curve may be lowered until it is crossed with nine tenths of alpha before the end. One tenth is kept for looks
after it, by the mixture as it stands, so that the answers hold at every look for ever.

At the end the interval is 2.63 standard errors wide where the mixture alone needs 3.06 (alpha .05), and it is
the shorter of the two from about a fifth of the way on.
"""

from __future__ import annotations

import math
from itertools import pairwise

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.confidence_sequence import NOTHING_VARIES, AlwaysValid
from loyalty_exp.stats.mixture_boundary import log_mixture_ratio

TUNED = 4.0
"""Mixture variance over the variance of the estimate at the end: the larger, the earlier the curve is low."""
RESERVE = 0.1
"""Share of alpha for looks after the end."""

CHANCES = (
    (1.0, 1.0),
    (0.9, 0.8102),
    (0.8, 0.6488),
    (0.7, 0.5117),
    (0.6, 0.3945),
    (0.5, 0.2941),
    (0.4, 0.2082),
    (0.3, 0.1355),
    (0.25, 0.1039),
    (0.2, 0.07540),
    (0.15, 0.05020),
    (0.1, 0.02855),
    (0.05, 0.01106),
    (0.02, 3.222e-3),
    (0.01, 1.281e-3),
    (5e-3, 5.124e-4),
    (1e-3, 6.217e-5),
    (1e-4, 3.128e-6),
    (1e-5, 1.608e-7),
    (1e-6, 8.380e-9),
    (1e-8, 2.342e-11),
    (1e-10, 6.703e-14),
)
"""Level of the mixture, and the chance that a Brownian motion crosses its curve before the end.

By :func:`loyalty_exp.stats.crossing.crossing` at 400 and 1,600 looks, extrapolated to all looks by the square
root of their distance; the tests compute it anew.
"""

_LOGS = tuple((math.log(level), math.log(chance)) for level, chance in CHANCES)


def log_chance(log_level: float) -> float:
    """Logarithm of the chance that the curve of a mixture is crossed before the end.

    Between the entries of :data:`CHANCES` the chord lies above the convex curve, and below the last one the
    ratio is held: both err on the safe side.

    Parameters
    ----------
    log_level : float
        Logarithm of the level of the mixture; 0 and above count as certain.
    """
    if log_level >= 0:
        return 0.0
    for (x_1, y_1), (x_0, y_0) in pairwise(_LOGS):
        if log_level >= x_0:
            return y_0 + (y_1 - y_0) * (log_level - x_0) / (x_1 - x_0)
    return log_level + _LOGS[-1][1] - _LOGS[-1][0]


def log_level(log_of_chance: float) -> float:
    """Logarithm of the level whose curve is crossed with a chance: the inverse of :func:`log_chance`.

    Parameters
    ----------
    log_of_chance : float
        0 and above count as certain.
    """
    if log_of_chance >= 0:
        return 0.0
    for (x_1, y_1), (x_0, y_0) in pairwise(_LOGS):
        if log_of_chance >= y_0:
            return x_0 + (x_1 - x_0) * (log_of_chance - y_0) / (y_1 - y_0)
    return log_of_chance + _LOGS[-1][0] - _LOGS[-1][1]


def horizon_sequence(
    estimate: float, std_error: float, n: float, horizon: float, alpha: float
) -> AlwaysValid:
    """Interval and p-value of an estimate that hold at every look, short up to a declared end.

    Parameters
    ----------
    estimate, std_error : float
        Of a difference of two arms that is a mean in the limit.
    n : float
        Units behind the estimate, over both arms.
    horizon : float
        Units at the declared end, over both arms; fixed in advance.
    alpha : float
        Two-sided, over all looks.

    Raises
    ------
    NotEstimable
        When the standard error is 0, or with fewer than two units.

    References
    ----------
    Robbins & Siegmund (1970), Boundary crossing probabilities for the Wiener process and sample sums, Annals
    of Mathematical Statistics 41(5), 1410-1429 (the curves, and the limit); Jennison & Turnbull (2000), Group
    Sequential Methods, Chapman & Hall, chapter 19 (the chances before the end).
    """
    if n < 2:
        raise NotEstimable("fewer than two units")
    if not (horizon > 0 and math.isfinite(horizon)):
        raise ValueError("the horizon must be positive and finite")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1, not {alpha}")
    if not std_error > 0:
        raise NotEstimable(NOTHING_VARIES)
    v, before = TUNED * n / horizon, n <= horizon
    reached = -log_mixture_ratio(estimate / std_error, v)
    if before:
        level = log_level(math.log((1 - RESERVE) * alpha))
        log_p = log_chance(reached) - math.log(1 - RESERVE)
    else:
        level, log_p = math.log(RESERVE * alpha), reached - math.log(RESERVE)
    half = std_error * math.sqrt((1 + 1 / v) * (math.log1p(v) - 2 * level))
    log_p = min(log_p, 0.0)
    return AlwaysValid(estimate, std_error, estimate - half, estimate + half, math.exp(log_p), log_p)
