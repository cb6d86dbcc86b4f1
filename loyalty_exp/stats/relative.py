"""Ratios with honest intervals: Fieller's set, which may be unbounded, and the relative lift."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from loyalty_exp.stats.distributions import t_quantile
from loyalty_exp.stats.effect import RelativeLift

CONTROL_IS_ZERO = "the control mean is 0"
CONTROL_NEAR_ZERO = (
    "the control mean is not clearly different from 0, so the relative lift has no bounded interval"
)


@dataclass(frozen=True, slots=True)
class RatioSet:
    """All values of a ratio that the data do not contradict.

    Attributes
    ----------
    shape : str
        ``interval`` is ``[lower, upper]``; ``complement`` is everything outside ``(lower, upper)``;
        ``whole_line`` excludes nothing.
    lower, upper : float or None
        None for the whole line, and for the missing end of a half-line.
    g : float
        ``quantile^2 * v_dd / denominator^2``: the set is an interval exactly when this is below 1.
    """

    shape: Literal["interval", "complement", "whole_line"]
    lower: float | None
    upper: float | None
    g: float


def fieller(
    numerator: float, denominator: float, v_nn: float, v_nd: float, v_dd: float, quantile: float
) -> RatioSet:
    """Solve ``(numerator - r * denominator)^2 <= quantile^2 * (v_nn - 2 r v_nd + r^2 v_dd)`` for r.

    Parameters
    ----------
    numerator, denominator : float
        Estimates.
    v_nn, v_nd, v_dd : float
        Their variances and covariance.
    quantile : float
        Of the reference distribution, as 1.96.

    References
    ----------
    Fieller (1954), Some problems in interval estimation, JRSS B 16(2), 175-185, equation 5.
    """
    q2 = quantile * quantile
    a = denominator * denominator - q2 * v_dd
    b = numerator * denominator - q2 * v_nd
    spread = numerator**2 * v_dd - 2 * numerator * denominator * v_nd + denominator**2 * v_nn
    disc = q2 * (spread - q2 * (v_nn * v_dd - v_nd * v_nd))
    squared = denominator * denominator  # 0 by underflow, too
    g = q2 * v_dd / squared if squared else math.inf
    if a > 0:
        root = math.sqrt(max(disc, 0.0))
        return RatioSet("interval", (b - root) / a, (b + root) / a, g)
    if a == 0:
        return _half_line(numerator, b, q2, v_nn, g)
    if disc <= 0:
        return RatioSet("whole_line", None, None, g)
    root = math.sqrt(disc)
    return RatioSet("complement", (b + root) / a, (b - root) / a, g)


def _half_line(numerator: float, b: float, q2: float, v_nn: float, g: float) -> RatioSet:
    """Fieller's set when the quadratic term vanishes: ``numerator^2 - q2 v_nn <= 2 b r``."""
    if b == 0:
        return RatioSet("whole_line", None, None, g)
    end = (numerator * numerator - q2 * v_nn) / (2 * b)
    return RatioSet("complement", None, end, g) if b > 0 else RatioSet("complement", end, None, g)


def delta_variance(numerator: float, denominator: float, v_nn: float, v_nd: float, v_dd: float) -> float:
    """Variance of a ratio by the delta method.

    References
    ----------
    Deng, Knoblich, Lu (2018), Applying the delta method in metric analytics, KDD, equation 3.
    """
    r = numerator / denominator
    squared = denominator * denominator  # 0 by underflow, too
    return max(v_nn - 2 * r * v_nd + r * r * v_dd, 0.0) / squared if squared else math.inf


def relative_lift(
    treated_mean: float, control_mean: float, v_t: float, v_c: float, alpha: float, df: float
) -> RelativeLift:
    """Difference as a fraction of the size of the control mean, ``(treated - control) / |control|``.

    A positive lift always means that the treated mean is the higher one, also where the control mean is
    negative.

    Parameters
    ----------
    treated_mean, control_mean : float
        Of independent arms.
    v_t, v_c : float
        Variances of these means.
    alpha : float
        Two-sided.
    df : float
        Degrees of freedom of the reference t distribution; infinity for the normal one.

    References
    ----------
    Fieller (1954), JRSS B 16(2), 175-185, equation 5; standard error by the delta method.
    """
    if control_mean == 0:
        return RelativeLift(None, None, None, None, CONTROL_IS_ZERO)
    size = abs(control_mean)
    estimate = (treated_mean - control_mean) / size
    std_error = math.sqrt(delta_variance(treated_mean, control_mean, v_t, 0.0, v_c))
    found = fieller(treated_mean, control_mean, v_t, 0.0, v_c, t_quantile(1 - alpha / 2, df))
    if found.shape != "interval" or found.lower is None or found.upper is None:
        return RelativeLift(estimate, std_error, None, None, CONTROL_NEAR_ZERO)
    if control_mean > 0:
        return RelativeLift(estimate, std_error, found.lower - 1, found.upper - 1)
    return RelativeLift(estimate, std_error, 1 - found.upper, 1 - found.lower)
