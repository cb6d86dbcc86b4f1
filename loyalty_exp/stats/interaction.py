"""Does the effect differ between segments?"""

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
    if len(estimates) != len(std_errors):
        raise ValueError("as many standard errors as estimates")
    if len(estimates) < 2:
        raise NotEstimable("fewer than two segments")
    if not all(s > 0 and math.isfinite(s) for s in std_errors):
        raise NotEstimable("a segment without variation")
    weights = [1 / (s * s) for s in std_errors]
    pooled = math.fsum(w * e for w, e in zip(weights, estimates, strict=True)) / math.fsum(weights)
    statistic = math.fsum(w * (e - pooled) ** 2 for w, e in zip(weights, estimates, strict=True))
    df = len(estimates) - 1
    return statistic, df, chi2_sf(statistic, df)[0]
