"""Cluster inference by drawing again: the wild cluster bootstrap, and the jackknife over clusters."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.clusters import cr1s_factor
from loyalty_exp.stats.moments import Matrix, Vector

_MAX_EXACT = 16
"""Up to this many clusters all sign vectors are visited."""


@dataclass(frozen=True, slots=True)
class WildBootstrap:
    """Test of no difference by the wild cluster bootstrap.

    Attributes
    ----------
    t : float
        Observed CR1S t.
    p_symmetric, p_equal_tail : float
        Share of draws at least as far from 0; twice the smaller tail. The observed draw counts.
    draws : int
    exact : bool
        Whether every sign vector was visited.
    """

    t: float
    p_symmetric: float
    p_equal_tail: float
    draws: int
    exact: bool


def wild_bootstrap(
    totals: npt.ArrayLike,
    sizes: npt.ArrayLike,
    treated: npt.ArrayLike,
    rng: np.random.Generator | None = None,
    draws: int = 9_999,
) -> WildBootstrap:
    """Test the difference of member means with the null imposed and Rademacher signs by cluster.

    Parameters
    ----------
    totals, sizes, treated : array, shape (G,)
        Outcome total, members and arm (1 or 0) of every cluster.
    rng : numpy.random.Generator, optional
        Needed beyond 16 clusters, where signs are drawn; below that all of them are visited.
    draws : int
        Sign vectors drawn, beside the observed one.

    Raises
    ------
    NotEstimable
        With fewer than two clusters in an arm, or when nothing varies between clusters.

    References
    ----------
    Cameron, Gelbach, Miller (2008), Bootstrap-based improvements for inference with clustered errors, Review
    of Economics and Statistics 90(3), 414-427, appendix B (WCR).
    """
    y, m = np.asarray(totals, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    arm = np.asarray(treated).astype(bool)
    g = len(y)
    if min(arm.sum(), (~arm).sum()) < 2:
        raise NotEstimable("fewer than two clusters in an arm")
    null = m * (y.sum() / m.sum())
    residual = y - null
    signs = _signs(g, rng, draws)
    t = _t_statistics(null + signs * residual, m, arm)
    observed = float(t[0])
    if not math.isfinite(observed):
        raise NotEstimable("nothing varies between the clusters of an arm")
    slack = 1e-9 * max(abs(observed), 1.0)  # equal draws must tie whatever their rounding
    symmetric = float(np.mean(np.abs(t) >= abs(observed) - slack))
    tails = float(np.mean(t >= observed - slack)), float(np.mean(t <= observed + slack))
    return WildBootstrap(observed, symmetric, min(2 * min(tails), 1.0), len(t), g <= _MAX_EXACT)


def _signs(g: int, rng: np.random.Generator | None, draws: int) -> Matrix:
    """Sign vectors by row; the first is the observed one, all ones."""
    if g <= _MAX_EXACT:
        bits = (np.arange(2**g)[:, None] >> np.arange(g)) & 1
        return (1.0 - 2.0 * bits).astype(np.float64)
    if rng is None:
        raise ValueError(f"{g} clusters are too many to visit all signs: a generator is needed")
    return np.vstack([np.ones(g), 1.0 - 2.0 * rng.integers(0, 2, (draws, g))])


def _t_statistics(totals: Matrix, m: Vector, arm: npt.NDArray[np.bool_]) -> Vector:
    """CR1S t of each row of cluster totals; infinite where a row does not vary within arms."""
    estimate, variance = np.zeros(len(totals)), np.zeros(len(totals))
    for side, sign in ((arm, 1.0), (~arm, -1.0)):
        n = m[side].sum()
        mean = totals[:, side].sum(axis=1) / n
        r = totals[:, side] - mean[:, None] * m[side]
        r[np.abs(r) <= 1e-12 * np.abs(mean)[:, None] * m[side]] = 0.0
        estimate += sign * mean
        variance += (r * r).sum(axis=1) / n**2
    n_rows = int(m.sum())
    variance *= cr1s_factor(len(m), n_rows, 2) if n_rows > 2 else 1.0
    scale = np.where(variance > 0, np.sqrt(np.where(variance > 0, variance, 1.0)), 1.0)
    return np.where(variance > 0, estimate / scale, np.copysign(np.inf, estimate))


def jackknife(totals: npt.ArrayLike, statistic: Callable[[Vector], float]) -> tuple[float, float]:
    """Value and standard error of a function of totals, leaving out one cluster at a time.

    Parameters
    ----------
    totals : array, shape (G, k)
        Totals of k columns by cluster.
    statistic : function of an array, shape (k,)
        Of the summed totals, as ``lambda s: s[0] / s[1]``.

    Returns
    -------
    (value, std_error) : tuple

    Raises
    ------
    NotEstimable
        With fewer than two clusters.

    References
    ----------
    Efron & Stein (1981), The jackknife estimate of variance, Annals of Statistics 9(3), 586-596.
    """
    x = np.asarray(totals, dtype=np.float64)
    g = len(x)
    if g < 2:
        raise NotEstimable("fewer than two clusters")
    whole = x.sum(axis=0)
    left = np.array([statistic(whole - row) for row in x])
    spread = left - left.mean()
    return float(statistic(whole)), math.sqrt((g - 1) / g * float(spread @ spread))
