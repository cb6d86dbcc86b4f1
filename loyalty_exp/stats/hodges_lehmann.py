"""The Hodges-Lehmann shift: the median of all differences between the arms, without writing them out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.moments import Vector
from loyalty_exp.stats.ranks import EXACT_UNITS, finite_values, mann_whitney

_LISTED = 1 << 20
"""Differences that are written out to pick one of them."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Median of all differences of a treated and a control unit, in the unit of the metric."""

    estimate: float
    ci_lower: float
    ci_upper: float


def hodges_lehmann(
    treated: npt.ArrayLike, control: npt.ArrayLike, alpha: float, *, exact: bool = False
) -> Shift:
    """Median of the pairwise differences, and the interval that inverts the Mann-Whitney test.

    The differences are never written out: each limit is searched for by counting how many lie below a value.

    Parameters
    ----------
    treated, control : array, shapes (n_t,), (n_c,)
    alpha : float
        Two-sided.
    exact : bool
        Ranks of the limits from the exact distribution without ties; from the normal one, corrected for ties,
        otherwise.

    Raises
    ------
    NotEstimable
        With an empty arm; if all values are equal; with too few units for alpha; for exact limits of more
        than :data:`EXACT_UNITS` units.

    References
    ----------
    Hollander, Wolfe, Chicken (2014), Nonparametric Statistical Methods, 3rd edition, Wiley, sections 4.2
    (estimate) and 4.3 (limits, exact and for large samples).
    """
    test = mann_whitney(treated, control)
    if test.not_tested:
        raise NotEstimable(test.not_tested)
    x, y = np.sort(finite_values(treated)), np.sort(finite_values(control))
    pairs = len(x) * len(y)
    if exact:
        k = _exact_rank(len(x), len(y), alpha)
    else:
        k = math.floor(pairs / 2 - normal_quantile(1 - alpha / 2) * math.sqrt(test.variance) + 0.5)
    if k < 1:
        raise NotEstimable("too few units for an interval of the shift")
    pick = _selector(x, y)
    middle = (pick((pairs + 1) // 2) + pick(pairs // 2 + 1)) / 2
    return Shift(middle, pick(k), pick(pairs + 1 - k))


def _exact_rank(n_t: int, n_c: int, alpha: float) -> int:
    """Smallest k with a probability of at most k pairs above alpha/2, without ties; 0 when there is none."""
    if n_t + n_c > EXACT_UNITS:
        raise NotEstimable(f"exact limits are offered up to {EXACT_UNITS} units, not {n_t + n_c:,}")
    ways = np.zeros((n_t + 1, n_t * n_c + 1))
    ways[0, 0] = 1.0
    # Gaussian binomial coefficient: partitions into at most n_t parts of at most n_c.
    for rank in range(n_c + n_t):
        for used in range(min(rank, n_t - 1), -1, -1):
            step = rank - used
            if step <= n_t * n_c:
                ways[used + 1, step:] += ways[used, : ways.shape[1] - step]
    cdf = np.cumsum(ways[n_t]) / ways[n_t].sum()
    return int(np.searchsorted(cdf, alpha / 2, side="right"))


def _selector(x: Vector, y: Vector) -> Callable[[int], float]:
    """Give a function that finds the k-th smallest difference of sorted arrays, counted from 1.

    References
    ----------
    Monahan (1984), Algorithm 616: Fast computation of the Hodges-Lehmann location estimator, ACM TOMS 10(3),
    265-270, by bisection on the value in place of partition on pairs.
    """
    ux, times_x = np.unique(x, return_counts=True)
    uy, times_y = np.unique(y, return_counts=True)
    cumulated = np.concatenate([[0], np.cumsum(times_x)])

    def reach(v: float) -> npt.NDArray[np.intp]:
        """For each control value, how many distinct treated values exceed it by at most v."""
        return np.searchsorted(ux, uy + v, side="right")

    def pick(k: int) -> float:
        low, high = float(ux[0] - uy[-1]), float(ux[-1] - uy[0])
        low -= abs(low) * 1e-9 + 1e-9 * (high - low) + 1e-300
        high += abs(high) * 1e-9 + 1e-9 * (high - low) + 1e-300
        while True:
            below, upto = reach(low), reach(high)
            if int((upto - below).sum()) <= _LISTED:
                break
            middle = low + (high - low) / 2
            if not low < middle < high:
                break
            if int(times_y @ cumulated[reach(middle)]) >= k:
                high = middle
            else:
                low = middle
        return _among(ux, uy, times_x, times_y, below, upto, k - int(times_y @ cumulated[below]))

    return pick


def _among(
    ux: Vector,
    uy: Vector,
    times_x: npt.NDArray[np.intp],
    times_y: npt.NDArray[np.intp],
    below: npt.NDArray[np.intp],
    upto: npt.NDArray[np.intp],
    k: int,
) -> float:
    """Write out the differences left over, which may be a single value many times, and take the k-th."""
    spread = np.maximum(upto - below, 0)
    if int(spread.sum()) > _LISTED:  # equal but for rounding
        widest = int(np.argmax(spread))
        return float(ux[below[widest]] - uy[widest])
    j = np.repeat(np.arange(len(uy)), spread)
    i = np.arange(len(j)) - np.repeat(np.cumsum(spread) - spread, spread) + below[j]
    found = ux[i] - uy[j]
    order = np.argsort(found, kind="stable")
    total = np.cumsum((times_x[i] * times_y[j])[order])
    return float(found[order][min(int(np.searchsorted(total, k)), len(order) - 1)])
