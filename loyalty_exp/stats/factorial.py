"""Several factors at once: simple effects, main effects and interactions as contrasts of arm means.

A main effect weighs the levels of the other factors equally, whatever the sizes of the cells: it answers
"what does this factor do, on average over the designs we might run". The covariance of several outcomes
(benefit and cost) is kept through every contrast.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import known
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.means import ArmMeans
from loyalty_exp.stats.moments import Matrix, Vector

Cell = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """A weighted sum of the means of independent arms.

    Attributes
    ----------
    columns : tuple of str, length k
    estimate : array, shape (k,)
    covariance : array, shape (k, k)
        Of the estimates.
    df : array, shape (k,)
        Satterthwaite degrees of freedom of each variance; infinite where nothing varies.
    """

    columns: tuple[str, ...]
    estimate: Vector
    covariance: Matrix
    df: Vector

    def test(self, column: str, alpha: float) -> Difference:
        """Interval and test of one outcome against 0."""
        i = self.columns.index(column)
        std_error = math.sqrt(float(self.covariance[i, i]))
        return known(float(self.estimate[i]), std_error, alpha, float(self.df[i]))


def contrast(weights: Sequence[float], arms: Sequence[ArmMeans]) -> Contrast:
    """Sum ``weight * mean`` over independent arms.

    Parameters
    ----------
    weights : sequence of float, length a
        As ``(1, -1)`` for a difference.
    arms : sequence of ArmMeans, length a
        Of the same k outcomes in the same order.

    References
    ----------
    Satterthwaite (1946), An approximate distribution of estimates of variance components, Biometrics Bulletin
    2(6), 110-114, equation 17.
    """
    if len(weights) != len(arms) or not arms:
        raise ValueError("as many weights as arms, and at least one")
    if len({a.columns for a in arms}) > 1:
        raise ValueError("all arms need the same columns in the same order")
    k = len(arms[0].columns)
    estimate, covariance, squares = np.zeros(k), np.zeros((k, k)), np.zeros(k)
    for w, arm in zip(weights, arms, strict=True):
        estimate = estimate + w * arm.mean
        part = w * w * arm.covariance
        covariance = covariance + part
        squares = squares + np.diag(part) ** 2 / arm.df
    df = np.full(k, math.inf)
    np.divide(np.diag(covariance) ** 2, squares, out=df, where=squares > 0)
    return Contrast(arms[0].columns, estimate, covariance, df)


def factorial_effect(cells: Mapping[Cell, ArmMeans], factors: Iterable[int]) -> Contrast:
    """Main effect of one factor, or interaction of several, in a complete design with two levels each.

    With two factors the interaction is ``y11 - y10 - y01 + y00``: what both give beyond the sum of their
    parts. Other factors are averaged over with equal weights.

    Parameters
    ----------
    cells : mapping of levels to ArmMeans
        Keys as ``(1, 0)``: one level, 0 or 1, for each factor. All ``2^f`` must be there.
    factors : iterable of int
        Positions of the factors, at least one.

    Raises
    ------
    NotEstimable
        When a cell is missing; the reason names it.

    References
    ----------
    Dasgupta, Pillai, Rubin (2015), Causal inference from 2^K factorial designs by using potential outcomes,
    JRSS B 77(4), 727-753; interactions here without the division by 2 per further factor.
    """
    chosen = frozenset(factors)
    n_factors = _complete(cells)
    if not chosen or not chosen <= set(range(n_factors)):
        raise ValueError(f"factors are positions from 0 to {n_factors - 1}")
    scale = 2.0 ** (len(chosen) - n_factors)
    weights = [scale * math.prod(2 * cell[f] - 1 for f in chosen) for cell in cells]
    return contrast(weights, list(cells.values()))


def simple_effect(cells: Mapping[Cell, ArmMeans], to: Cell, base: Cell) -> Contrast:
    """One cell against another, as ``(1, 1)`` against ``(1, 0)``: a second factor on top of the first.

    Raises
    ------
    NotEstimable
        When one of the two cells is missing.
    """
    for cell in (to, base):
        if cell not in cells:
            raise NotEstimable(f"no arm with the levels {cell}")
    return contrast((1.0, -1.0), (cells[to], cells[base]))


def _complete(cells: Mapping[Cell, ArmMeans]) -> int:
    """Count the factors, and see that every combination of levels is there."""
    lengths = {len(c) for c in cells}
    if len(lengths) != 1 or any(level not in (0, 1) for c in cells for level in c):
        raise ValueError("cells are tuples of 0 and 1, all of one length")
    n_factors = lengths.pop()
    for code in range(2**n_factors):
        cell = tuple((code >> i) & 1 for i in range(n_factors))
        if cell not in cells:
            raise NotEstimable(f"no arm with the levels {cell}")
    return n_factors
