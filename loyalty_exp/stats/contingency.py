"""Are rows and columns of a table of counts independent? Segments by arm, for one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import chi2_sf
from loyalty_exp.stats.mantel_haenszel import ChiSquare


def independence(counts: npt.ArrayLike) -> ChiSquare:
    """Pearson's chi-square test of a table, without continuity correction.

    Parameters
    ----------
    counts : array, shape (rows, columns)
        Rows and columns without any unit are left out.

    Raises
    ------
    NotEstimable
        With fewer than two rows or columns that hold units.

    References
    ----------
    Pearson (1900), Philosophical Magazine 50, 157-175; degrees of freedom by Fisher (1922), JRSS 85, 87-94.
    """
    x = np.asarray(counts, dtype=np.float64)
    if x.ndim != 2 or not np.isfinite(x).all() or (x < 0).any():
        raise ValueError("a table of counts, each at least 0")
    x = x[x.sum(axis=1) > 0][:, x.sum(axis=0) > 0]
    if min(x.shape) < 2:
        raise NotEstimable("fewer than two rows or columns hold units")
    expected = np.outer(x.sum(axis=1), x.sum(axis=0)) / x.sum()
    statistic = float(((x - expected) ** 2 / expected).sum())
    df = (x.shape[0] - 1) * (x.shape[1] - 1)
    return ChiSquare(statistic, df, *chi2_sf(statistic, df))
