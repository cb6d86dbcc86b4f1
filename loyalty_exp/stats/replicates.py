"""Values of a statistic in resamples, and what they say: standard error, four intervals, and a p-value.

Percentile and basic limits are order statistics of the replicates, the ``(R + 1) alpha / 2``-th from either
end, rounded outward. So ``p <= alpha`` exactly when the percentile interval leaves 0 out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import normal_cdf, normal_quantile
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.moments import Vector


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """A statistic and its values in resamples, in the unit of the statistic.

    Attributes
    ----------
    estimate : float
        In the data.
    values : array, shape (replicates,)
    complete : bool
        Every possible resample is there once; nothing was drawn.
    """

    estimate: float
    values: Vector
    complete: bool = False

    @property
    def std_error(self) -> float:
        """Standard deviation of the replicates.

        Raises
        ------
        NotEstimable
            With fewer than two replicates.
        """
        if len(self.values) < 2:
            raise NotEstimable("fewer than two replicates")
        return float(self.values.std(ddof=0 if self.complete else 1))

    @property
    def bias(self) -> float:
        """Mean of the replicates minus the estimate."""
        return float((self.values - self.estimate).mean())


def percentile_interval(found: Replicates, alpha: float) -> tuple[float, float]:
    """Order statistics of the replicates.

    References
    ----------
    Davison & Hinkley (1997), Bootstrap Methods and their Application, Cambridge, equation 5.18.
    """
    ordered = np.sort(found.values)
    k = _rank(len(ordered), alpha)
    return float(ordered[k - 1]), float(ordered[-k])


def basic_interval(found: Replicates, alpha: float) -> tuple[float, float]:
    """The percentile interval turned around the estimate.

    References
    ----------
    Davison & Hinkley (1997), Bootstrap Methods and their Application, Cambridge, equation 5.6.
    """
    low, high = percentile_interval(found, alpha)
    return 2 * found.estimate - high, 2 * found.estimate - low


def normal_interval(found: Replicates, alpha: float) -> tuple[float, float]:
    """Normal limits around the estimate less its bootstrap bias.

    References
    ----------
    Davison & Hinkley (1997), Bootstrap Methods and their Application, Cambridge, equation 5.5.
    """
    half = normal_quantile(1 - alpha / 2) * found.std_error
    center = found.estimate - found.bias
    return center - half, center + half


def bca_interval(found: Replicates, a: float, alpha: float) -> tuple[float, float]:
    """Percentile limits corrected for median bias and for a standard error that changes with the value.

    Parameters
    ----------
    found : Replicates
    a : float
        From :func:`~loyalty_exp.stats.bootstrap.acceleration`.
    alpha : float
        Two-sided.

    Raises
    ------
    NotEstimable
        If all replicates lie on one side of the estimate, or the corrected limits lie beyond the replicates.

    References
    ----------
    Efron (1987), Better bootstrap confidence intervals, JASA 82, 171-185, section 3; replicates equal to
    the estimate count one half in the bias.
    """
    below = ((found.values < found.estimate).sum() + 0.5 * (found.values == found.estimate).sum()) / len(
        found.values
    )
    if not 0 < below < 1:
        raise NotEstimable("all replicates lie on one side of the estimate")
    z0 = normal_quantile(float(below))
    ordered, limits = np.sort(found.values), []
    for z in (normal_quantile(alpha / 2), normal_quantile(1 - alpha / 2)):
        if a * (z0 + z) >= 1:
            raise NotEstimable("the acceleration is too large for a BCa interval")
        level = normal_cdf(z0 + (z0 + z) / (1 - a * (z0 + z)))
        if not 1 <= level * (len(ordered) + 1) <= len(ordered):
            raise NotEstimable("too few replicates for a BCa interval at this alpha")
        limits.append(float(np.quantile(ordered, level, method="weibull")))
    return limits[0], limits[1]


def p_value(found: Replicates) -> float:
    """Two-sided p-value of 0, by inverting the percentile interval; at least ``2 / (R + 1)``.

    References
    ----------
    Davison & Hinkley (1997), Bootstrap Methods and their Application, Cambridge, section 4.4 and equation
    4.11.
    """
    below, above = int((found.values <= 0).sum()), int((found.values >= 0).sum())
    return min(1.0, 2 * (1 + min(below, above)) / (len(found.values) + 1))


def percentile_difference(treated: Replicates, control: Replicates, alpha: float) -> Difference:
    """Difference of two independent arms, with percentile interval and its p-value.

    Raises
    ------
    NotEstimable
        If nothing varies, or with too few replicates for alpha.
    """
    found = Replicates(treated.estimate - control.estimate, treated.values - control.values)
    size = max(float(np.abs(r.values).max()) for r in (treated, control))
    if found.std_error <= 1e-12 * size:
        raise NotEstimable("no variation in either arm")
    low, high = percentile_interval(found, alpha)
    p = p_value(found)
    return Difference(found.estimate, found.std_error, low, high, p, math.log(p))


def _rank(replicates: int, alpha: float) -> int:
    k = math.floor((replicates + 1) * alpha / 2 + 1e-9)
    if k < 1:
        raise NotEstimable(f"{replicates:,} replicates are too few for alpha {alpha:g}")
    return k
