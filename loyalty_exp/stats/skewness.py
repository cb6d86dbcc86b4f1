"""How lopsided the tails of a comparison are when outcomes are very skewed and arms unequal."""

from __future__ import annotations

import math

from loyalty_exp.stats.distributions import normal_quantile


def skewness(n: int, mean: float, sum_squares: float, sum_cubes: float) -> float | None:
    """Skewness from sums of powers around any center; None when nothing varies or a sum left the range.

    Parameters
    ----------
    n : int
        Units.
    mean : float
        Mean of the values less the center.
    sum_squares, sum_cubes : float
        Sums of the squares and cubes of the values less the center.

    References
    ----------
    Joanes & Gill (1998), Comparing measures of sample skewness and kurtosis, The Statistician 47(1), 183-189,
    ``g1``.
    """
    if n < 2:
        return None
    square, cube = sum_squares / n, sum_cubes / n
    variance = square - mean * mean
    if not variance > 1e-13 * square:
        return None
    third = cube - 3 * mean * square + 2 * (mean * mean * mean)
    found = third / (variance * math.sqrt(variance))
    return found if math.isfinite(found) else None


def tail_excess(
    v_t: float, n_t: int, skew_t: float, v_c: float, n_c: int, skew_c: float, alpha: float
) -> float:
    """How far the upper tail of Welch's test exceeds alpha/2, and the lower falls short.

    The skewness of the difference is ``(v_t^1.5 g_t / n_t^0.5 - v_c^1.5 g_c / n_c^0.5) / v^1.5``,
    with v the variances of the arm means and of their difference. It vanishes for alike arms of equal size,
    and grows with their imbalance.

    Parameters
    ----------
    v_t, v_c : float
        Variances of the arm means.
    n_t, n_c : int
        Units.
    skew_t, skew_c : float
        Skewness of the outcome in each arm.
    alpha : float
        Two-sided.

    Returns
    -------
    float
        Negative: false losers are more frequent than false winners, as when few units of a right-skewed
        outcome are treated.

    References
    ----------
    Hall (1992), The Bootstrap and Edgeworth Expansion, Springer, chapter 2 (first term of the expansion
    of the studentized mean).
    """
    total = v_t + v_c
    if not total > 0:
        return 0.0
    lean = (_cubed(v_t) * skew_t / math.sqrt(n_t) - _cubed(v_c) * skew_c / math.sqrt(n_c)) / _cubed(total)
    z = normal_quantile(1 - alpha / 2)
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return -lean * (2 * z * z + 1) / 6 * density


def _cubed(variance: float) -> float:
    """Cube of the standard error."""
    return variance * math.sqrt(variance)
