"""Were the arms alike before assignment? Standardized differences, and one test for all covariates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from loyalty_exp.stats.distributions import chi2_sf
from loyalty_exp.stats.means import plain
from loyalty_exp.stats.moments import Moments
from loyalty_exp.stats.slopes import pseudo_inverse


@dataclass(frozen=True, slots=True)
class Balance:
    """One test for all covariates together.

    Attributes
    ----------
    statistic : float
    df : int
        Covariates, as far as they differ.
    p_value : float or None
        None when no covariate varies.
    """

    statistic: float
    df: int
    p_value: float | None


def standardized_difference(treated: Moments, control: Moments, column: str) -> float | None:
    """Difference of means over the root of the mean variance; None when it does not vary but differs.

    Raises
    ------
    NotEstimable
        With no unit or one unit in an arm.

    References
    ----------
    Austin (2009), Balance diagnostics for comparing the distribution of baseline covariates between treatment
    groups, Statistics in Medicine 28, 3083-3107, equation 1.
    """
    t, c = plain(treated, (column,)), plain(control, (column,))
    spread = math.sqrt((float(t.covariance[0, 0]) * t.n + float(c.covariance[0, 0]) * c.n) / 2)
    gap = float(t.mean[0] - c.mean[0])
    if spread > 0:
        return gap / spread
    return 0.0 if abs(gap) <= 1e-12 * abs(float(c.mean[0])) else None


def balance(treated: Moments, control: Moments, columns: Sequence[str]) -> Balance:
    """Test that no covariate differs between the arms.

    Parameters
    ----------
    treated, control : Moments
    columns : sequence of str
        Covariates; collinear ones count once.

    Raises
    ------
    NotEstimable
        With no unit or one unit in an arm.

    References
    ----------
    Hotelling (1931), The generalization of Student's ratio, Annals of Mathematical Statistics 2, 360-378,
    with unequal covariances and the chi-square limit.
    """
    t, c = plain(treated, columns), plain(control, columns)
    inverse, rank = pseudo_inverse(t.covariance + c.covariance)
    if rank == 0:
        return Balance(0.0, 0, None)
    gap = t.mean - c.mean
    statistic = float(gap @ inverse @ gap)
    return Balance(statistic, rank, chi2_sf(statistic, rank)[0])
