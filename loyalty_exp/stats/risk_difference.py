"""Two proportions by textbook means: z tests, their intervals, the G test and the distance of angles.

The default is the score method in :mod:`loyalty_exp.stats.proportions`; these stand beside it, for comparison
with other programs and for studies of coverage.
"""

from __future__ import annotations

import math

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import chi2_sf, normal_quantile, normal_two_sided
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.mantel_haenszel import ChiSquare
from loyalty_exp.stats.proportions import counted


def wald(
    x_t: int, n_t: int, x_c: int, n_c: int, alpha: float, pooled: bool = False, continuity: bool = False
) -> Difference:
    """Difference of proportions with a z test and the interval around it.

    Unreliable for rare events. When nothing varies there is no test: the p-value is None.

    Parameters
    ----------
    x_t, n_t, x_c, n_c : int
        Successes and units, treated and control.
    alpha : float
        Two-sided.
    pooled : bool
        Whether the standard error is that of equal proportions; the test is then the root of chi-square.
    continuity : bool
        Whether the difference is brought half a unit closer to 0, Yates' correction.

    Raises
    ------
    NotEstimable
        With no unit in an arm.

    References
    ----------
    Fleiss, Levin, Paik (2003), Statistical Methods for Rates and Proportions, Wiley, chapter 3 (pooled
    and not); Yates (1934), Supplement to JRSS 1, 217-235.
    """
    counted(x_t, n_t, x_c, n_c)
    p_t, p_c = x_t / n_t, x_c / n_c
    estimate = p_t - p_c
    if pooled:
        p = (x_t + x_c) / (n_t + n_c)
        std_error = math.sqrt(p * (1 - p) * (1 / n_t + 1 / n_c))
    else:
        std_error = math.sqrt(p_t * (1 - p_t) / n_t + p_c * (1 - p_c) / n_c)
    if std_error == 0:
        return Difference(estimate, 0.0, estimate, estimate, None)
    shift = 0.5 * (1 / n_t + 1 / n_c) if continuity else 0.0
    half = normal_quantile(1 - alpha / 2) * std_error + shift
    p_value, log_p = normal_two_sided(max(abs(estimate) - shift, 0.0) / std_error)
    return Difference(estimate, std_error, estimate - half, estimate + half, p_value, log_p)


def agresti_caffo(x_t: int, n_t: int, x_c: int, n_c: int, alpha: float) -> tuple[float, float]:
    """Wald's interval after one more success and one more failure in each arm, cut at -1 and 1.

    See :func:`wald` for the parameters and what is raised.

    References
    ----------
    Agresti & Caffo (2000), Simple and effective confidence intervals for proportions and differences of
    proportions, American Statistician 54, 280-288, section 3.
    """
    counted(x_t, n_t, x_c, n_c)
    found = wald(x_t + 1, n_t + 2, x_c + 1, n_c + 2, alpha)
    return max(found.ci_lower, -1.0), min(found.ci_upper, 1.0)


def g_test(x_t: int, n_t: int, x_c: int, n_c: int, continuity: bool = False) -> ChiSquare:
    """Likelihood-ratio test that two proportions are equal.

    Parameters
    ----------
    x_t, n_t, x_c, n_c : int
        Successes and units, treated and control.
    continuity : bool
        Whether every count is brought up to half a unit closer to what is expected.

    Raises
    ------
    NotEstimable
        With no unit in an arm, or when both arms are all 0 or all 1.

    References
    ----------
    Wilks (1935), The likelihood test of independence in contingency tables, Annals of Mathematical Statistics
    6, 190-196.
    """
    counted(x_t, n_t, x_c, n_c)
    total, n = x_t + x_c, n_t + n_c
    if total in (0, n):
        raise NotEstimable("nothing varies")
    terms = []
    for x, m in ((x_t, n_t), (x_c, n_c)):
        for k, expected in ((x, m * total / n), (m - x, m * (n - total) / n)):
            gap = k - expected
            count = expected + math.copysign(max(abs(gap) - 0.5, 0.0), gap) if continuity else k
            terms.append(_deviance(count, expected))
    statistic = max(math.fsum(terms), 0.0)
    return ChiSquare(statistic, 1, *chi2_sf(statistic, 1))


def _deviance(count: float, expected: float) -> float:
    """``2 (count log(count / expected) - (count - expected))``; the last terms sum to 0 over a table."""
    if count == 0:
        return 2 * expected
    gap = count - expected
    share = gap / expected
    # Without the linear terms, large counts close to what is expected would cancel.
    return 2 * (count * math.log1p(share) - gap)


def cohen_h(x_t: int, n_t: int, x_c: int, n_c: int) -> float:
    """Difference of the angles whose squared sines are the proportions; its variance hardly depends on them.

    References
    ----------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd edition, equation 6.2.1.
    """
    counted(x_t, n_t, x_c, n_c)
    return 2 * math.asin(math.sqrt(x_t / n_t)) - 2 * math.asin(math.sqrt(x_c / n_c))
