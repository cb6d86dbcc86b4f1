"""Do several arms differ at all? One test for means, for proportions, for a trend, and for ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import chi2_sf, f_sf
from loyalty_exp.stats.mantel_haenszel import ChiSquare
from loyalty_exp.stats.means import enough_units
from loyalty_exp.stats.moments import Moments, checked


@dataclass(frozen=True, slots=True)
class FTest:
    """A statistic with an F reference; the logarithm of the p-value stays finite."""

    statistic: float
    df_numerator: float
    df_denominator: float
    p_value: float
    log_p_value: float


def welch_anova(arms: Sequence[Moments], column: str) -> FTest:
    """Test that all means are equal, variances apart by arm.

    Parameters
    ----------
    arms : sequence of Moments
    column : str

    Raises
    ------
    NotEstimable
        With fewer than two arms, one unit in an arm, or an arm that does not vary.

    References
    ----------
    Welch (1951), On the comparison of several mean values: an alternative approach, Biometrika 38, 330-336,
    the approximation by an F distribution.
    """
    means, variances, sizes = _of(arms, column)
    if min(variances) <= 0:
        raise NotEstimable("an arm without variation")
    k = len(means)
    weights = [n / v for n, v in zip(sizes, variances, strict=True)]
    whole = math.fsum(weights)
    center = math.fsum(w * m for w, m in zip(weights, means, strict=True)) / whole
    between = math.fsum(w * (m - center) ** 2 for w, m in zip(weights, means, strict=True)) / (k - 1)
    spread = math.fsum((1 - w / whole) ** 2 / (n - 1) for w, n in zip(weights, sizes, strict=True))
    statistic = between / (1 + 2 * (k - 2) / (k * k - 1) * spread)
    df = (k * k - 1) / (3 * spread)
    return FTest(statistic, k - 1, df, *f_sf(statistic, k - 1, df))


def classical_anova(arms: Sequence[Moments], column: str) -> FTest:
    """Test that all means are equal, one variance for all arms.

    See :func:`welch_anova` for the parameters.

    Raises
    ------
    NotEstimable
        With fewer than two arms, one unit in an arm, or when nothing varies within the arms.

    References
    ----------
    Fisher (1925), Statistical Methods for Research Workers, Oliver & Boyd, chapter 7.
    """
    means, variances, sizes = _of(arms, column)
    n, k = sum(sizes), len(sizes)
    within = math.fsum((m - 1) * v for m, v in zip(sizes, variances, strict=True)) / (n - k)
    if within <= 0:
        raise NotEstimable("nothing varies within the arms")
    center = math.fsum(m * y for m, y in zip(sizes, means, strict=True)) / n
    between = math.fsum(m * (y - center) ** 2 for m, y in zip(sizes, means, strict=True)) / (k - 1)
    return FTest(between / within, k - 1, n - k, *f_sf(between / within, k - 1, n - k))


def equal_proportions(successes: Sequence[int], units: Sequence[int]) -> ChiSquare:
    """Test that all proportions are equal, without a continuity correction.

    Parameters
    ----------
    successes, units : sequence of int
        By arm.

    Raises
    ------
    NotEstimable
        With fewer than two arms, no unit in an arm, or when all or none succeeded.

    References
    ----------
    Pearson (1900), Philosophical Magazine 50, 157-175.
    """
    p = _overall(successes, units)
    statistic = math.fsum((x - n * p) ** 2 / (n * p * (1 - p)) for x, n in zip(successes, units, strict=True))
    df = len(units) - 1
    return ChiSquare(statistic, df, *chi2_sf(statistic, df))


def trend_of_proportions(
    successes: Sequence[int], units: Sequence[int], scores: Sequence[float]
) -> ChiSquare:
    """Test for a linear trend of proportions over ordered arms, as over doses of a reward.

    Parameters
    ----------
    successes, units : sequence of int
        By arm.
    scores : sequence of float
        Place of each arm, as the size of the reward.

    Raises
    ------
    NotEstimable
        As for :func:`equal_proportions`, or when all scores are the same.

    References
    ----------
    Cochran (1954), Some methods for strengthening the common chi-square tests, Biometrics 10, 417-451,
    section 6.2; Armitage (1955), Biometrics 11, 375-386.
    """
    p, n = _overall(successes, units), sum(units)
    center = math.fsum(m * s for m, s in zip(units, scores, strict=True)) / n
    spread = math.fsum(m * (s - center) ** 2 for m, s in zip(units, scores, strict=True))
    if spread <= 0:
        raise NotEstimable("all arms have the same score")
    lean = math.fsum((x - m * p) * (s - center) for x, m, s in zip(successes, units, scores, strict=True))
    statistic = lean * lean / (p * (1 - p) * spread)
    return ChiSquare(statistic, 1, *chi2_sf(statistic, 1))


def kruskal_wallis(arms: Sequence[npt.ArrayLike]) -> ChiSquare:
    """Test that no arm tends to larger values, by ranks; ties share their mean rank.

    Parameters
    ----------
    arms : sequence of array
        Values by arm.

    Raises
    ------
    NotEstimable
        With fewer than two arms, no unit in an arm, or when all values are the same.

    References
    ----------
    Kruskal & Wallis (1952), Use of ranks in one-criterion variance analysis, JASA 47, 583-621, equation 1.3.
    """
    parts = [np.asarray(values, dtype=np.float64) for values in arms]
    if len(parts) < 2 or min(len(part) for part in parts) < 1:
        raise NotEstimable("fewer than two arms with units")
    pooled = np.concatenate(parts)
    if not np.isfinite(pooled).all():
        raise ValueError("ranks need finite values")
    _, place, ties = np.unique(pooled, return_inverse=True, return_counts=True)
    if len(ties) == 1:
        raise NotEstimable("nothing varies")
    n = len(pooled)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[place]
    ends = np.cumsum([len(part) for part in parts])[:-1]
    sums = [(float(part.mean()), len(part)) for part in np.split(ranks, ends)]
    spread = 12 / (n * (n + 1)) * math.fsum(m * (r - (n + 1) / 2) ** 2 for r, m in sums)
    tied = math.fsum((ties.astype(float) ** 3 - ties).tolist()) / (n**3 - n)
    statistic, df = spread / (1 - tied), len(parts) - 1
    return ChiSquare(statistic, df, *chi2_sf(statistic, df))


def _of(arms: Sequence[Moments], column: str) -> tuple[list[float], list[float], list[int]]:
    """Means, variances and sizes of at least two arms."""
    if len(arms) < 2:
        raise NotEstimable("fewer than two arms")
    chosen = [checked(m.select((column,))) for m in arms]
    for m in chosen:
        enough_units(m)
    return [m.mean_of(column) for m in chosen], [m.variance(column) for m in chosen], [m.n for m in chosen]


def _overall(successes: Sequence[int], units: Sequence[int]) -> float:
    """Proportion over all arms, strictly between 0 and 1."""
    if len(successes) != len(units) or any(not 0 <= x <= n for x, n in zip(successes, units, strict=True)):
        raise ValueError("successes lie between 0 and the units of their arm")
    if len(units) < 2 or min(units) < 1:
        raise NotEstimable("fewer than two arms with units")
    p = sum(successes) / sum(units)
    if p in (0, 1):
        raise NotEstimable("nothing varies")
    return p
