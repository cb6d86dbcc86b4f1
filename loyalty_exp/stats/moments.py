"""Counts, means and centered cross-products of per-unit columns: all that inference needs to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import isfinite

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]

NOISE = 1e-12
"""A standard deviation below this fraction of the mean is rounding error: the column is constant."""

SLACK = 1e-9
"""Share of the sums of squares by which sums computed in another order may differ."""


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

        Notes
        -----
        A combination that cancels to a variance below 0 by rounding does not vary: it is set to exactly 0.
        """
        names = tuple(weights)
        a = np.zeros((len(names), len(self.columns)))
        for i, terms in enumerate(weights.values()):
            for column, weight in terms.items():
                a[i, self.columns.index(column)] += weight
        shift = np.array([(constants or {}).get(name, 0.0) for name in names])
        comoment = a @ self.comoment @ a.T
        gone = np.diag(comoment) < 0
        if gone.any():
            comoment[gone, :] = 0.0
            comoment[:, gone] = 0.0
        return Moments(self.n, names, a @ self.mean + shift, comoment)


def empty(columns: Sequence[str]) -> Moments:
    """Moments of no units."""
    k = len(columns)
    return Moments(0, tuple(columns), np.zeros(k), np.zeros((k, k)))


def from_rows(columns: Mapping[str, npt.ArrayLike]) -> Moments:
    """Moments of plain arrays of equal length, two-pass.

    Parameters
    ----------
    columns : mapping of name to array, shape (n,)
        One value a unit.

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


def without_noise(moments: Moments) -> Moments:
    """Set the variance of columns that are constant up to rounding to exactly 0."""
    floor = moments.n * (NOISE * np.abs(moments.mean)) ** 2
    constant = moments.comoment.diagonal() <= floor
    if not constant.any():
        return moments
    comoment = moments.comoment.copy()
    comoment[constant, :] = 0.0
    comoment[:, constant] = 0.0
    return Moments(moments.n, moments.columns, moments.mean, comoment)


def checked(moments: Moments) -> Moments:
    """Refuse moments that no data can have, such as ``|cov| > sd * sd``.

    Raises
    ------
    ValueError
        For a negative count or variance, a value that is not finite, an asymmetric matrix, or a covariance
        beyond the product of the standard deviations.
    """
    m = moments.comoment
    variances = m.diagonal()
    if moments.n < 0 or not isfinite(float(moments.mean.sum() + m.sum())):
        raise ValueError("moments must be finite, with a count of at least 0")
    # Sums that were centered elsewhere are exact to rounding of the sums of squares, not of what is left.
    size = np.sqrt(np.maximum(variances, 0.0) + moments.n * moments.mean**2)
    slack = SLACK * size[:, None] * size[None, :]
    if (variances < -slack.diagonal()).any():
        raise ValueError("moments with a negative variance")
    scale = np.sqrt(np.maximum(variances, 0.0))
    bound = scale[:, None] * scale[None, :] * (1 + SLACK) + slack
    if (np.abs(m - m.T) > slack).any():
        raise ValueError("moments with an asymmetric covariance matrix")
    if (np.abs(m) > bound).any():
        raise ValueError("moments with a covariance beyond the product of the standard deviations")
    return moments
