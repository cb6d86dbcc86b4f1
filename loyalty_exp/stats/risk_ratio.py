"""The ratio of two proportions, and of their odds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.proportions import counted

_FAR = 60.0
"""Logarithm of a ratio beyond all counts."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio, treated over control.

    Attributes
    ----------
    estimate : float or None
        None for nothing over nothing; infinite for something over nothing.
    ci_lower, ci_upper : float
        From 0 to infinity.
    """

    estimate: float | None
    ci_lower: float
    ci_upper: float


def katz(x_t: int, n_t: int, x_c: int, n_c: int, alpha: float) -> Ratio:
    """Ratio of proportions with the interval on the scale of its logarithm.

    Parameters
    ----------
    x_t, n_t, x_c, n_c : int
        Successes and units, treated and control.
    alpha : float
        Two-sided.

    Raises
    ------
    NotEstimable
        With no unit or no success in an arm.

    References
    ----------
    Katz, Baptista, Azen, Pike (1978), Obtaining confidence intervals for the risk ratio in cohort studies,
    Biometrics 34, 469-474, method C.
    """
    counted(x_t, n_t, x_c, n_c)
    if not (x_t and x_c):
        raise NotEstimable("the logarithm of a ratio needs successes in both arms")
    ratio = x_t * n_c / (x_c * n_t)
    variance = (n_t - x_t) / (x_t * n_t) + (n_c - x_c) / (x_c * n_c)
    return _around(ratio, variance, alpha)


def woolf(x_t: int, n_t: int, x_c: int, n_c: int, alpha: float) -> Ratio:
    """Odds ratio with the interval on the scale of its logarithm.

    See :func:`katz` for the parameters.

    Raises
    ------
    NotEstimable
        With no unit, no success or no failure in an arm.

    References
    ----------
    Woolf (1955), On estimating the relation between blood group and disease, Annals of Human Genetics 19,
    251-253.
    """
    counted(x_t, n_t, x_c, n_c)
    cells = (x_t, n_t - x_t, x_c, n_c - x_c)
    if not all(cells):
        raise NotEstimable("the logarithm of odds needs successes and failures in both arms")
    ratio = cells[0] * cells[3] / (cells[1] * cells[2])
    return _around(ratio, math.fsum(1 / k for k in cells), alpha)


def _around(ratio: float, variance: float, alpha: float) -> Ratio:
    factor = math.exp(normal_quantile(1 - alpha / 2) * math.sqrt(variance))
    return Ratio(ratio, ratio / factor, ratio * factor)


def ratio_score(x_t: int, n_t: int, x_c: int, n_c: int, ratio: float, corrected: bool = True) -> float:
    """Score statistic of the hypothesis that the ratio of the proportions is ``ratio``; signed.

    Parameters
    ----------
    x_t, n_t, x_c, n_c : int
        Successes and units, treated and control.
    ratio : float
        Positive.
    corrected : bool
        Whether the variance carries the factor ``n / (n - 1)``.

    References
    ----------
    Miettinen & Nurminen (1985), Comparative analysis of two rates, Statistics in Medicine 4, 213-226,
    equations 11-13; without the factor, Koopman (1984), Biometrics 40, 513-517.
    """
    n = n_t + n_c
    a, total = n * ratio, x_t + x_c
    b = n_t * ratio + x_t + n_c + x_c * ratio
    # The smaller root, written so that it does not cancel.
    p_c = 2 * total / (b + math.sqrt(max(b * b - 4 * a * total, 0.0)))
    p_t = min(ratio * p_c, 1.0)
    variance = p_t * (1 - p_t) / n_t + ratio * ratio * p_c * max(1 - p_c, 0.0) / n_c
    if corrected:
        variance *= n / (n - 1)
    gap = x_t / n_t - ratio * (x_c / n_c)
    if variance <= 0:
        return 0.0 if gap == 0 else math.copysign(math.inf, gap)
    return gap / math.sqrt(variance)


def miettinen_nurminen_ratio(
    x_t: int, n_t: int, x_c: int, n_c: int, alpha: float, corrected: bool = True
) -> Ratio:
    """Ratio of proportions with the interval that inverts the score test.

    Holds for rare events too: with no success in treatment it begins at 0, with none in control it has no
    end.

    Parameters
    ----------
    x_t, n_t, x_c, n_c : int
        Successes and units, treated and control.
    alpha : float
        Two-sided.
    corrected : bool
        Without the factor ``n / (n - 1)`` this is Koopman's interval.

    Raises
    ------
    NotEstimable
        With no unit in an arm, or no success in either.

    References
    ----------
    Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226, equations 11-13; Koopman (1984),
    Confidence intervals for the ratio of two binomial proportions, Biometrics 40, 513-517.
    """
    counted(x_t, n_t, x_c, n_c)
    if x_t == x_c == 0:
        raise NotEstimable("no success in either arm: every ratio agrees with the data")
    z = normal_quantile(1 - alpha / 2)

    low = 0.0 if x_t == 0 else _inverted(x_t, n_t, x_c, n_c, z, corrected)
    high = math.inf if x_c == 0 else _inverted(x_t, n_t, x_c, n_c, -z, corrected)
    estimate = x_t * n_c / (x_c * n_t) if x_c else math.inf
    return Ratio(estimate, low, high)


def _inverted(x_t: int, n_t: int, x_c: int, n_c: int, target: float, corrected: bool) -> float:
    """Ratio at which the score statistic, which falls with the ratio, equals ``target``."""
    from scipy.optimize import brentq

    def excess(log_ratio: float) -> float:
        found = ratio_score(x_t, n_t, x_c, n_c, math.exp(log_ratio), corrected) - target
        return min(max(found, -1e9), 1e9)

    return math.exp(brentq(excess, -_FAR, _FAR, xtol=1e-14, rtol=1e-14))
