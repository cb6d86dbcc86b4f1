"""The bootstrap on arrays whose rows are units: replicates of any statistic of one or several arms.

A unit is what was randomized. Where outcomes are finer (orders of a member), sum them to units first with
:func:`unit_totals`; resampling the orders themselves gives a standard error that is too small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.moments import Matrix, Vector
from loyalty_exp.stats.replicates import Replicates

Statistic = Callable[..., Vector]
"""Takes one array of shape (batch, units, k) for each arm, gives an array of shape (batch,)."""

_CELLS = 1 << 20
"""Values drawn at once: what bounds the memory."""
_COMPLETE = 200_000
"""Largest number of resamples that :func:`every_resample` writes out."""


def bootstrap(
    arms: Sequence[Matrix], statistic: Statistic, replicates: int, rng: np.random.Generator
) -> Replicates:
    """Draw units with replacement, arm by arm, each arm keeping its size.

    Parameters
    ----------
    arms : sequence of arrays, shapes (n_1, k), (n_2, k), ...
        One row a unit.
    statistic : callable
        As :func:`mean_difference`, :func:`ratio_difference`, :func:`ratio`.
    replicates : int
    rng : numpy.random.Generator

    Raises
    ------
    NotEstimable
        With fewer than two units in an arm, or where the statistic is not finite in the data or a resample.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, Chapman & Hall, algorithms 6.1 and 8.1.
    """
    rows = _checked(arms)
    at_once = max(1, _CELLS // max(a.size for a in rows))
    found = []
    for start in range(0, replicates, at_once):
        size = min(at_once, replicates - start)
        found.append(statistic(*(a[rng.integers(0, len(a), size=(size, len(a)))] for a in rows)))
    return Replicates(_estimate(rows, statistic), _finite(np.concatenate(found)))


def every_resample(arm: Matrix, statistic: Statistic) -> Replicates:
    """The ideal bootstrap of one small arm: all ``n^n`` resamples, without chance.

    Parameters
    ----------
    arm : array, shape (n, k)
        One row a unit.

    Raises
    ------
    NotEstimable
        With more than 200,000 resamples (7 units or more), and as :func:`bootstrap`.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, Chapman & Hall, section 6.2.
    """
    (rows,) = _checked([arm])
    n = len(rows)
    if n**n > _COMPLETE:
        raise NotEstimable(f"{n} units have more than {_COMPLETE:,} resamples")
    index = np.stack(np.unravel_index(np.arange(n**n), (n,) * n), axis=1)
    return Replicates(_estimate((rows,), statistic), _finite(statistic(rows[index])), complete=True)


def mean_difference(treated: Matrix, control: Matrix) -> Vector:
    """Treated minus control mean of the first column.

    Parameters
    ----------
    treated, control : array, shape (batch, units, k)
        Resampled rows; what is returned has shape (batch,).
    """
    return np.asarray(treated[..., 0].mean(axis=-1) - control[..., 0].mean(axis=-1))


def ratio(rows: Matrix) -> Vector:
    """Sum of the first column over sum of the second; infinite or not a number where the latter is 0.

    Parameters
    ----------
    rows : array, shape (batch, units, 2)
        Resampled rows; what is returned has shape (batch,).
    """
    sums = rows.sum(axis=-2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1])


def ratio_difference(treated: Matrix, control: Matrix) -> Vector:
    """Treated minus control :func:`ratio`.

    Parameters
    ----------
    treated, control : array, shape (batch, units, 2)
        Resampled rows; what is returned has shape (batch,).
    """
    return ratio(treated) - ratio(control)


def acceleration(arms: Sequence[Matrix], statistic: Statistic) -> float:
    """Skewness of the statistic's jackknife influence, over 6; units are left out one at a time.

    The cost grows with the square of the number of units.

    Parameters
    ----------
    arms : sequence of arrays, shapes (n_1, k), (n_2, k), ...
        One row a unit.

    Raises
    ------
    NotEstimable
        If no unit matters, or the statistic does not exist without one of them.

    References
    ----------
    Davison & Hinkley (1997), Bootstrap Methods and their Application, Cambridge, equation 5.23 with the
    jackknife values of equation 2.42 as influence; several samples as in section 5.3.
    """
    rows = _checked(arms)
    cubes = squares = 0.0
    for i, arm in enumerate(rows):
        without = _left_out(rows, i, statistic)
        influence = (len(arm) - 1) * (without.mean() - without)
        cubes += float((influence**3).sum()) / len(arm) ** 3
        squares += float((influence**2).sum()) / len(arm) ** 2
    if squares <= 0:
        raise NotEstimable("no unit changes the statistic")
    return float(cubes / (6 * squares**1.5))


def _left_out(rows: Sequence[Matrix], i: int, statistic: Statistic) -> Vector:
    """Values of the statistic without each unit of arm i in turn."""
    batch = [a[None] for a in rows]
    found = []
    for j in range(len(rows[i])):
        batch[i] = np.delete(rows[i], j, axis=0)[None]
        found.append(float(statistic(*batch)[0]))
    return _finite(np.array(found))


def _checked(arms: Sequence[Matrix]) -> tuple[Matrix, ...]:
    rows = tuple(np.asarray(a, dtype=np.float64) for a in arms)
    if any(a.ndim != 2 or not np.isfinite(a).all() for a in rows):
        raise ValueError("an arm is a table of finite values, one row a unit")
    if min(len(a) for a in rows) < 2:
        raise NotEstimable("fewer than two units in an arm")
    return rows


def _estimate(rows: Sequence[Matrix], statistic: Statistic) -> float:
    return float(_finite(statistic(*(a[None] for a in rows)))[0])


def _finite(values: Vector) -> Vector:
    missing = int((~np.isfinite(values)).sum())
    if missing:
        raise NotEstimable(f"the statistic does not exist in {missing:,} of {len(values):,} resamples")
    return values
