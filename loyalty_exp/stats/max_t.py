"""Several metrics of the same units, adjusted by how they vary together when the arms are drawn anew."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.moments import Matrix

_BATCH = 512
_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class MaxT:
    """Step-down adjustment by the largest statistic.

    Attributes
    ----------
    statistics : tuple of float
        Welch's t of every metric.
    p_values, adjusted : tuple of float
        Of every metric alone, and adjusted for all. Two-sided, never 0.
    draws : int
        Assignments looked at, the observed one among them.
    exhaustive : bool
        Whether these were all there are.
    """

    statistics: tuple[float, ...]
    p_values: tuple[float, ...]
    adjusted: tuple[float, ...]
    draws: int
    exhaustive: bool


def max_t(
    values: npt.ArrayLike,
    treated: npt.ArrayLike,
    rng: np.random.Generator,
    draws: int = 10_000,
) -> MaxT:
    """Adjust for several metrics, making use of their dependence.

    Parameters
    ----------
    values : array, shape (n, k)
        One row a unit, one column a metric.
    treated : array of bool, shape (n,)
        Arms drawn at random with fixed sizes.
    rng : numpy.random.Generator
        Used only when there are more assignments than ``draws``.
    draws : int
        Assignments to look at; all, when there are no more than these.

    Raises
    ------
    NotEstimable
        With fewer than two units in an arm, or a metric that does not vary.

    References
    ----------
    Westfall & Young (1993), Resampling-Based Multiple Testing, Wiley, algorithm 4.1 (step-down maxT); the
    observed assignment counts as one draw, Phipson & Smyth (2010), SAGMB 9(1), article 39.
    """
    y, arm = np.asarray(values, dtype=np.float64), np.asarray(treated, dtype=bool)
    if y.ndim != 2 or arm.shape != y.shape[:1] or not np.isfinite(y).all():
        raise ValueError("values are a finite table of units by metrics, with one arm a unit")
    n, n_t = len(arm), int(arm.sum())
    if min(n_t, n - n_t) < 2:
        raise NotEstimable("fewer than two units in an arm")
    y = y - y.mean(axis=0)
    if (np.abs(y).max(axis=0) == 0).any():
        raise NotEstimable("a metric that does not vary")
    observed = _welch(arm[None, :], y)[0]
    order = np.argsort(-np.abs(observed), kind="stable")
    exhaustive = math.comb(n, n_t) <= draws
    alone, beaten, count = np.zeros(y.shape[1]), np.zeros(y.shape[1]), 0
    limit = np.abs(observed) * (1 - _TIE)
    for batch in _all(n, n_t) if exhaustive else _drawn(arm, draws, rng):
        t = np.abs(_welch(batch, y))
        alone += (t >= limit).sum(axis=0)
        # The largest of the metrics that are not yet rejected, from the weakest up.
        largest = np.maximum.accumulate(t[:, order[::-1]], axis=1)[:, ::-1]
        beaten += (largest >= limit[order]).sum(axis=0)
        count += len(batch)
    adjusted = np.empty(y.shape[1])
    adjusted[order] = np.maximum.accumulate(beaten / count)
    return MaxT(
        tuple(observed.tolist()), tuple((alone / count).tolist()), tuple(adjusted.tolist()), count, exhaustive
    )


def _welch(arms: npt.NDArray[np.bool_], y: Matrix) -> Matrix:
    """Welch's t of every metric for every assignment, shape (assignments, k)."""
    a = arms.astype(np.float64)
    n, n_t = y.shape[0], a.sum(axis=1, keepdims=True)
    n_c = n - n_t
    sum_t, square_t = a @ y, a @ (y * y)
    mean_t, mean_c = sum_t / n_t, (y.sum(axis=0) - sum_t) / n_c
    v_t = np.maximum(square_t / n_t - mean_t**2, 0.0) / (n_t - 1)
    v_c = np.maximum(((y * y).sum(axis=0) - square_t) / n_c - mean_c**2, 0.0) / (n_c - 1)
    gap, scale = mean_t - mean_c, np.sqrt(v_t + v_c)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Matrix = np.where(gap == 0, 0.0, gap / scale)
    return found


def _all(n: int, n_t: int) -> Iterator[npt.NDArray[np.bool_]]:
    """Every assignment of ``n_t`` of ``n`` units, in batches."""
    chosen = list(combinations(range(n), n_t))
    for start in range(0, len(chosen), _BATCH):
        part = chosen[start : start + _BATCH]
        arms = np.zeros((len(part), n), dtype=bool)
        np.put_along_axis(arms, np.array(part), True, axis=1)
        yield arms


def _drawn(
    arm: npt.NDArray[np.bool_], draws: int, rng: np.random.Generator
) -> Iterator[npt.NDArray[np.bool_]]:
    """The observed assignment, and others drawn at random, in batches."""
    yield arm[None, :]
    left = draws - 1
    while left > 0:
        size = min(left, _BATCH)
        yield rng.permuted(np.tile(arm, (size, 1)), axis=1)
        left -= size
