"""The bootstrap of a quantile without resampling: which order statistic a resample picks is a beta number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.quantiles import quantile_rank
from loyalty_exp.stats.replicates import Replicates


def quantile_replicates(
    values: npt.ArrayLike, q: float, replicates: int, rng: np.random.Generator
) -> Replicates:
    """Quantile of an arm (R's type 1), and its value in every resample.

    The k-th smallest of n draws with replacement is the value at the place ``ceil(n U)`` of the data in
    rising order, where U, the k-th smallest of n uniform numbers, has the beta distribution of k and
    ``n - k + 1``. So a resample costs one number, whatever the units.

    Parameters
    ----------
    values : array, shape (n,)
        Finite.
    q : float
        Between 0 and 1.
    replicates : int
    rng : numpy.random.Generator

    Raises
    ------
    NotEstimable
        With fewer than two units.

    References
    ----------
    Maritz & Jarrett (1978), A note on estimating the variance of the sample median, JASA 73, 194-196 (the
    distribution of the order statistic of a resample); Efron (1979), Bootstrap methods: another look at the
    jackknife, Annals of Statistics 7(1), 1-26.
    """
    x = np.sort(np.asarray(values, dtype=np.float64))
    if x.ndim != 1 or not np.isfinite(x).all():
        raise ValueError("a quantile needs one row of finite values")
    if not 0 < q < 1:
        raise ValueError(f"a quantile needs 0 < q < 1, not {q}")
    n = len(x)
    if n < 2:
        raise NotEstimable("fewer than two units")
    k = quantile_rank(n, q)
    place = np.ceil(n * rng.beta(k, n - k + 1, size=replicates)).astype(np.int64)
    return Replicates(float(x[k - 1]), x[np.clip(place, 1, n) - 1])
