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
        ``whole_line`` excludes nothing; ``empty`` excludes everything, as when a numerator that is not 0
        stands over a denominator that is 0 for certain.
    lower, upper : float or None
        None for the whole line, and for the missing end of a half-line.
    g : float
        ``quantile^2 * v_dd / denominator^2``: the set is an interval exactly when this is below 1.
    """

    shape: Literal["interval", "complement", "whole_line", "empty"]
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
    Fieller (1954), Some problems in interval estimation, JRSS B 16(2), 175-185.
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
        holds = numerator * numerator <= q2 * v_nn
        return RatioSet("whole_line" if holds else "empty", None, None, g)
    end = (numerator * numerator - q2 * v_nn) / (2 * b)
    return RatioSet("complement", None, end, g) if b > 0 else RatioSet("complement", end, None, g)


def delta_variance(numerator: float, denominator: float, v_nn: float, v_nd: float, v_dd: float) -> float:
    """Variance of a ratio by the delta method.

    Parameters
    ----------
    numerator, denominator : float
        Estimates.
    v_nn, v_nd, v_dd : float
        Their variances and covariance.

    References
    ----------
    Deng, Knoblich, Lu (2018), Applying the delta method in metric analytics, KDD, on percent changes.
    """
    r = numerator / denominator
    squared = denominator * denominator  # 0 by underflow, too
    return max(v_nn - 2 * r * v_nd + r * r * v_dd, 0.0) / squared if squared else math.inf


def is_zero(mean: float, variance: float) -> bool:
    """Whether a mean is 0 up to rounding: a billionth of its standard error, or less.

    Parameters
    ----------
    mean, variance : float
        An estimate and its variance.
    """
    return mean * mean <= 1e-18 * variance if mean else True


def relative_lift(
    treated_mean: float,
    control_mean: float,
    v_t: float,
    v_c: float,
    alpha: float,
    df: float,
    quantile: float | None = None,
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
        Degrees of freedom of the reference t distribution; infinity for the normal one. With those of the
        difference the interval excludes 0 exactly when the difference is significant.
    quantile : float, optional
        The ``1 - alpha / 2`` quantile of that distribution, where it is at hand.

    References
    ----------
    Fieller (1954), JRSS B 16(2), 175-185; standard error by the delta method.
    """
    if is_zero(control_mean, v_c):
        return RelativeLift(None, None, None, None, CONTROL_IS_ZERO)
    size = abs(control_mean)
    ratio = treated_mean / control_mean
    squared = control_mean * control_mean  # 0 by underflow, too
    estimate = (treated_mean - control_mean) / size
    std_error = math.sqrt((v_t + ratio * ratio * v_c) / squared) if squared else math.inf
    if quantile is None:
        quantile = t_quantile(1 - alpha / 2, df)
    # Fieller's quadratic, as in `fieller`, for independent arms and a bounded set.
    q2 = quantile * quantile
    a = squared - q2 * v_c
    if a <= 0:
        return RelativeLift(estimate, std_error, None, None, CONTROL_NEAR_ZERO)
    spread = treated_mean * treated_mean * v_c + squared * v_t - q2 * v_t * v_c
    half = math.sqrt(q2 * spread) / a if spread > 0 else 0.0
    center = treated_mean * control_mean / a
    if control_mean > 0:
        return RelativeLift(estimate, std_error, center - half - 1, center + half - 1)
    return RelativeLift(estimate, std_error, 1 - center - half, 1 - center + half)
