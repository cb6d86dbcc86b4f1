"""Does the effect differ between segments, even in sign, and how far should each be believed?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import chi2_sf


def homogeneity(estimates: Sequence[float], std_errors: Sequence[float]) -> tuple[float, int, float]:
    """Test that independent estimates share one true value.

    Parameters
    ----------
    estimates, std_errors : sequence of float, length k
        One of each for every segment.

    Returns
    -------
    (statistic, df, p_value) : tuple
        ``df`` is ``k - 1``.

    Raises
    ------
    NotEstimable
        With fewer than two segments, or a standard error of 0.

    References
    ----------
    Cochran (1954), The combination of estimates from different experiments, Biometrics 10, 101-129,
    section 3.
    """
    _testable(estimates, std_errors)
    weights = [1 / (s * s) for s in std_errors]
    pooled = math.fsum(w * e for w, e in zip(weights, estimates, strict=True)) / math.fsum(weights)
    statistic = math.fsum(w * (e - pooled) ** 2 for w, e in zip(weights, estimates, strict=True))
    df = len(estimates) - 1
    return statistic, df, chi2_sf(statistic, df)[0]


def qualitative(estimates: Sequence[float], std_errors: Sequence[float]) -> tuple[float, float, float]:
    """Test that the effect has the same sign in all segments.

    Parameters
    ----------
    estimates, std_errors : sequence of float, length k
        One of each for every segment.

    Returns
    -------
    (q_plus, q_minus, p_value) : tuple
        Squared z summed over positive, and over negative effects; the smaller one is the statistic. When all
        effects have one sign it is 0 and the p-value 1: nothing speaks for a change of sign.

    Raises
    ------
    NotEstimable
        With fewer than two segments, or a standard error of 0.

    References
    ----------
    Gail & Simon (1985), Testing for qualitative interactions between treatment effects and patient subsets,
    Biometrics 41, 361-372 (likelihood ratio test).
    """
    _testable(estimates, std_errors)
    squares = [(e / s) ** 2 for e, s in zip(estimates, std_errors, strict=True)]
    positive = math.fsum(q for q, e in zip(squares, estimates, strict=True) if e > 0)
    negative = math.fsum(q for q, e in zip(squares, estimates, strict=True) if e < 0)
    statistic = min(positive, negative)
    if statistic == 0:
        return positive, negative, 1.0
    k = len(squares) - 1
    terms = (math.comb(k, h) * chi2_sf(statistic, h)[0] for h in range(1, k + 1))
    return positive, negative, math.fsum(terms) / 2**k


def james_stein(estimates: Sequence[float], variance: float) -> tuple[float, tuple[float, ...]]:
    """Shrink estimates of equal, known variance towards their mean.

    Parameters
    ----------
    estimates : sequence of float, length k
    variance : float
        Of each of them.

    Returns
    -------
    (factor, shrunken) : tuple
        The factor, 0 to 1, multiplies each distance to the mean.

    Raises
    ------
    NotEstimable
        With fewer than four estimates, where shrinking towards their own mean does not help.

    References
    ----------
    Efron & Morris (1973), Stein's estimation rule and its competitors, JASA 68, 117-130; positive part.
    """
    if not variance > 0:
        raise ValueError("a variance above 0")
    k = len(estimates)
    if k < 4:
        raise NotEstimable("fewer than four estimates")
    mean = math.fsum(estimates) / k
    spread = math.fsum((e - mean) ** 2 for e in estimates)
    factor = max(1 - (k - 3) * variance / spread, 0.0) if spread > 0 else 0.0
    return factor, tuple(mean + factor * (e - mean) for e in estimates)


def _testable(estimates: Sequence[float], std_errors: Sequence[float]) -> None:
    """Refuse what cannot be compared between segments."""
    if len(estimates) != len(std_errors):
        raise ValueError("as many standard errors as estimates")
    if len(estimates) < 2:
        raise NotEstimable("fewer than two segments")
    if not all(s > 0 and math.isfinite(s) for s in std_errors):
        raise NotEstimable("a segment without variation")
