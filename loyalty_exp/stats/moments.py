"""Counts, means and centered cross-products of per-unit columns: all that inference needs to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """First and second moments of k named columns over n units.

    Attributes
    ----------
    n : int
        Units, each with a value in every column.
    columns : tuple of str, length k
        Names of the columns, in the order of the arrays.
    mean : array, shape (k,)
        Means, each in the unit of its column; zeros when ``n`` is 0.
    comoment : array, shape (k, k)
        Centered sums of products: ``sum_i (x_ij - mean_j)(x_ik - mean_k)``, not divided by anything.
    """

    n: int
    columns: tuple[str, ...]
    mean: Vector
    comoment: Matrix

    def __add__(self, other: Moments) -> Moments:
        """Join the moments of two disjoint sets of units, exactly.

        References
        ----------
        Chan, Golub, LeVeque (1979), Updating formulae and a pairwise algorithm for computing sample
        variances, Stanford STAN-CS-79-773, equation 2.1 and its cross-product form.
        """
        if self.columns != other.columns:
            raise ValueError(f"moments of different columns: {self.columns} and {other.columns}")
        n = self.n + other.n
        if n == 0:
            return self
        gap = other.mean - self.mean
        weight = other.n / n
        return Moments(
            n,
            self.columns,
            self.mean + gap * weight,
            self.comoment + other.comoment + np.outer(gap, gap) * (self.n * weight),
        )

    def variance(self, column: str) -> float:
        """Sample variance (divisor n - 1) of a column."""
        return self.covariance(column, column)

    def covariance(self, first: str, second: str) -> float:
        """Sample covariance (divisor n - 1) of two columns.

        Raises
        ------
        NotEstimable
            With fewer than two units.
        """
        if self.n < 2:
            raise NotEstimable("fewer than two units")
        return float(self.comoment[self.columns.index(first), self.columns.index(second)] / (self.n - 1))

    def mean_of(self, column: str) -> float:
        """Mean of a column.

        Raises
        ------
        NotEstimable
            With no unit.
        """
        if self.n < 1:
            raise NotEstimable("no units")
        return float(self.mean[self.columns.index(column)])

    def select(self, columns: Sequence[str]) -> Moments:
        """Keep some columns, in the order given."""
        at = [self.columns.index(c) for c in columns]
        return Moments(self.n, tuple(columns), self.mean[at], self.comoment[np.ix_(at, at)])

    def combine(
        self, weights: Mapping[str, Mapping[str, float]], constants: Mapping[str, float] | None = None
    ) -> Moments:
        """Moments of linear combinations of the columns.

        Parameters
        ----------
        weights : mapping of new column to mapping of column to weight
            As ``{"cost": {"points": 0.01, "sms": 0.045}}``.
        constants : mapping of new column to float, optional
            Added to the mean; adds no variance.
        """
        names = tuple(weights)
        a = np.zeros((len(names), len(self.columns)))
        for i, terms in enumerate(weights.values()):
            for column, weight in terms.items():
                a[i, self.columns.index(column)] += weight
        shift = np.array([(constants or {}).get(name, 0.0) for name in names])
        return Moments(self.n, names, a @ self.mean + shift, a @ self.comoment @ a.T)


def empty(columns: Sequence[str]) -> Moments:
    """Moments of no units."""
    k = len(columns)
    return Moments(0, tuple(columns), np.zeros(k), np.zeros((k, k)))


def from_rows(columns: Mapping[str, npt.ArrayLike]) -> Moments:
    """Moments of plain arrays of equal length, two-pass.

    Raises
    ------
    ValueError
        If a value is not finite.
    """
    names = tuple(columns)
    x = np.column_stack([np.asarray(columns[name], dtype=np.float64) for name in names])
    if not np.isfinite(x).all():
        raise ValueError("moments need finite values")
    mean = x.mean(axis=0) if len(x) else np.zeros(len(names))
    centered = x - mean
    return Moments(len(x), names, mean, centered.T @ centered)


def merge(parts: Iterable[Moments], columns: Sequence[str]) -> Moments:
    """Join any number of disjoint sets; the moments of no units when there are none."""
    return reduce(lambda a, b: a + b, parts, empty(columns))


def checked(moments: Moments) -> Moments:
    """Refuse moments that no data can have.

    Raises
    ------
    ValueError
        For a negative count or variance, a value that is not finite, an asymmetric matrix, or a covariance
        beyond the product of the standard deviations.
    """
    m = moments.comoment
    if moments.n < 0 or not (np.isfinite(moments.mean).all() and np.isfinite(m).all()):
        raise ValueError("moments must be finite, with a count of at least 0")
    scale = np.sqrt(np.abs(np.diag(m)))
    bound = np.outer(scale, scale)
    if (np.diag(m) < 0).any():
        raise ValueError("moments with a negative variance")
    if not np.allclose(m, m.T, rtol=1e-9, atol=1e-12 * (1 + bound.max(initial=0.0))):
        raise ValueError("moments with an asymmetric covariance matrix")
    if (np.abs(m) > bound * (1 + 1e-9) + 1e-300).any():
        raise ValueError("moments with a covariance beyond the product of the standard deviations")
    return moments
