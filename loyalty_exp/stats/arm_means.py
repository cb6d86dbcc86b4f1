"""Means of one or several outcomes in an arm as they are, with the covariance of these means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.moments import NOISE, SLACK, Matrix, Moments, Vector, checked, without_noise
from loyalty_exp.stats.unit_rows import UnitRows

if TYPE_CHECKING:
    from loyalty_exp.stats.event_counts import EventCounts


@dataclass(frozen=True, slots=True, eq=False)
class ArmMeans:
    """Means of k outcomes in one arm, and how sure we are of them.

    Attributes
    ----------
    n : int
        Units in the arm.
    columns : tuple of str, length k
    mean : array, shape (k,)
        Each in the unit of its outcome.
    covariance : array, shape (k, k)
        Covariance of the means themselves, already divided by n.
    df : float
        Degrees of freedom of the variance estimate.
    """

    n: int
    columns: tuple[str, ...]
    mean: Vector
    covariance: Matrix
    df: float

    def at(self, column: str) -> tuple[float, float]:
        """Mean of one outcome, and the variance of that mean."""
        i = self.columns.index(column)
        return float(self.mean[i]), float(self.covariance[i, i])

    def select(self, column: str) -> ArmMeans:
        """One outcome alone."""
        i = self.columns.index(column)
        return ArmMeans(self.n, (column,), self.mean[[i]], self.covariance[np.ix_([i], [i])], self.df)

    def only(self) -> tuple[float, float]:
        """Mean of the only outcome, and the variance of that mean.

        Raises
        ------
        ValueError
            With several outcomes.
        """
        if len(self.columns) != 1:
            raise ValueError(f"one outcome at a time, not {self.columns}")
        return self.mean.item(0), self.covariance.item(0)


class OneMean(ArmMeans):
    """The mean of one outcome as plain numbers: arrays of one element cost more than all of the inference."""

    __slots__ = ("_column", "_pair")
    _column: str
    _pair: tuple[float, float]

    def __init__(self, n: int, column: str, mean: float, variance: float) -> None:
        put = object.__setattr__
        put(self, "n", n)
        put(self, "_column", column)
        put(self, "_pair", (mean, variance))

    @property
    def columns(self) -> tuple[str, ...]:
        """Name of the outcome."""
        return (self._column,)

    @property
    def df(self) -> float:
        """One less than the units."""
        return self.n - 1.0

    @property
    def mean(self) -> Vector:
        """Array of shape (1,)."""
        return np.array([self._pair[0]])

    @property
    def covariance(self) -> Matrix:
        """Array of shape (1, 1)."""
        return np.array([[self._pair[1]]])

    def only(self) -> tuple[float, float]:
        """Mean of the outcome, and the variance of that mean."""
        return self._pair


def plain(moments: Moments, outcomes: Sequence[str]) -> ArmMeans:
    """Sample means.

    Parameters
    ----------
    moments : Moments
        Of one arm.
    outcomes : sequence of str, length k

    Raises
    ------
    NotEstimable
        With no unit or one unit.
    ValueError
        For moments that no data can have.

    References
    ----------
    Welch (1947), The generalization of Student's problem when several different population variances are
    involved, Biometrika 34, 28-35: variances are kept apart by arm.
    """
    enough_units(moments)
    if len(outcomes) == 1:
        return one_mean(moments, outcomes[0])
    n, chosen = moments.n, without_noise(checked(moments.select(outcomes)))
    covariance = chosen.comoment / ((n - 1) * n)
    return ArmMeans(n, chosen.columns, chosen.mean, covariance, n - 1.0)


def one_mean(moments: Moments, outcome: str) -> OneMean:
    """Mean of one outcome, as :func:`plain`, checked, without rounding noise."""
    n, i = moments.n, moments.columns.index(outcome)
    mean, square = moments.mean.item(i), moments.comoment.item(i, i)
    if not square >= -SLACK * n * mean * mean or not isfinite(square + mean):
        raise ValueError("moments must be finite, with no negative variance")
    return OneMean(n, outcome, mean, square / ((n - 1) * n) if square > n * (NOISE * mean) ** 2 else 0.0)


def enough_units(*arms: Moments | ArmMeans | UnitRows | EventCounts) -> None:
    """Refuse arms of fewer than two units, in words; of two arms the first is the treatment.

    Raises
    ------
    NotEstimable
        With no unit or one unit in an arm.
    """
    for arm in arms:
        if arm.n < 2:
            break
    else:
        return
    names = ("the treatment arm", "the control arm") if len(arms) == 2 else ("an arm",)
    for arm, name in zip(arms, names, strict=True):
        if arm.n < 1:
            raise NotEstimable(f"no units in {name}")
        if arm.n < 2:
            raise NotEstimable(f"one unit in {name}")
