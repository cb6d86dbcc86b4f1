"""Power of the difference of two ratios of sums: the spread of the linearized ratio, for :mod:`.means`."""

from __future__ import annotations

import math

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.relative import delta_variance


def linearized_sd(
    mean_numerator: float, mean_denominator: float, v_nn: float, v_nd: float, v_dd: float
) -> float:
    """Standard deviation of the linearized ratio of one unit, in the unit of the ratio.

    Give it to :func:`.means.power`, :func:`.means.sample_size` or :func:`.means.detectable_effect`: the ratio
    estimator is the mean of this column.

    Parameters
    ----------
    mean_numerator, mean_denominator : float
        A unit.
    v_nn, v_nd, v_dd : float
        Variances and covariance of numerator and denominator over units.

    Raises
    ------
    NotEstimable
        If the mean of the denominator is 0.
    ValueError
        If no data have such variances.

    References
    ----------
    Deng, Knoblich, Lu (2018), Applying the delta method in metric analytics, KDD, on cluster randomization.
    """
    if mean_denominator == 0:
        raise NotEstimable("the mean of the denominator is 0")
    if v_nn < 0 or v_dd < 0 or abs(v_nd) > math.sqrt(v_nn * v_dd) * (1 + 1e-9):
        raise ValueError("no data have a negative variance, or a covariance beyond both standard deviations")
    return math.sqrt(delta_variance(mean_numerator, mean_denominator, v_nn, v_nd, v_dd))
