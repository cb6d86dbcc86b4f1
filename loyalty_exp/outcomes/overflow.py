"""Values so large that their squares leave the range of numbers: counted, and never estimated from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa

from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.outcomes import Finding
from loyalty_exp.outcomes.unit_table import UnitTable
from loyalty_exp.stats.moments import Matrix, Moments, Vector
from loyalty_exp.warehouse.atoms import double, number
from loyalty_exp.warehouse.engine import Engine

if TYPE_CHECKING:
    from loyalty_exp.outcomes.answer import Answer

LARGEST = 1e60
"""Means and roots of sums of squares up to here can be multiplied four times, as variances of ratios are."""

VAST = 1e15
"""A value beyond it is told of as an outlier: no money, points or counts of a program are as large."""

REASON = "a value is so large that no variance can be computed"


class TooLarge(Moments):
    """Moments with a column too large to be multiplied: whoever reads its numbers is refused in words.

    Attributes
    ----------
    n, columns
        As those of other moments.
    as_summed : Moments
        What the engine gave, with sums that are not finite.
    """

    __slots__ = ("as_summed",)
    as_summed: Moments

    def __init__(self, as_summed: Moments) -> None:
        for name, value in (
            ("as_summed", as_summed),
            ("n", as_summed.n),
            ("columns", as_summed.columns),
        ):
            object.__setattr__(self, name, value)

    @property
    def mean(self) -> Vector:
        """Not to be had."""
        raise NotEstimable(REASON)

    @property
    def comoment(self) -> Matrix:
        """Not to be had."""
        raise NotEstimable(REASON)

    def __add__(self, other: Moments) -> Moments:
        """Join; what is too large stays so."""
        return TooLarge(_joined(self.as_summed, other))

    def __radd__(self, other: Moments) -> Moments:
        """Join with usual moments on the left."""
        return TooLarge(_joined(other, self.as_summed))

    def select(self, columns: Sequence[str]) -> Moments:
        """Keep some columns, which may be readable without the others."""
        return readable(self.as_summed.select(columns))

    def combine(
        self, weights: Mapping[str, Mapping[str, float]], constants: Mapping[str, float] | None = None
    ) -> Moments:
        """Moments of linear combinations of columns that are readable without the others."""
        used = tuple(dict.fromkeys(c for terms in weights.values() for c in terms))
        chosen = self.select(used)
        if isinstance(chosen, TooLarge):
            raise NotEstimable(REASON)
        return chosen.combine(weights, constants)


def _joined(first: Moments, second: Moments) -> Moments:
    first, second = as_summed(first), as_summed(second)
    with np.errstate(over="ignore", invalid="ignore"):
        return first + second


def as_summed(moments: Moments) -> Moments:
    """Give the sums of the engine, whatever they are."""
    return moments.as_summed if isinstance(moments, TooLarge) else moments


def readable(moments: Moments) -> Moments:
    """Give moments that refuse to be read where they are too large; all others as they are."""
    fits = np.abs(np.diag(moments.comoment)) <= LARGEST**2
    fits &= np.abs(moments.mean) <= LARGEST
    if fits.all():
        return moments
    return TooLarge(moments)


def outlier_findings(engine: Engine, table: UnitTable, answer: Answer) -> tuple[Finding, ...]:
    """Count the units with a vast value; asked only of columns whose sums show that there may be one."""
    found: dict[tuple[str, str], Finding] = {}
    units = int(answer.figures[:, answer.layout.labels.index(("n",))].sum())
    for name in _suspects(answer):
        value = table.values[name]
        if (value.where, value.column) in found:
            continue
        vast = sa.func.abs(double(value.expr)) > number(VAST)
        if count := int(engine.scalar(table.select(sa.func.count()).where(vast))):
            detail = {"column": value.column, "table": value.where, "limit": VAST}
            found[value.where, value.column] = Finding("outlier", count, share=count / units, detail=detail)
    return tuple(found.values())


def _suspects(answer: Answer) -> Iterable[str]:
    """Columns with a center, or a root of a sum of squares, that no column without a vast value exceeds."""
    centers = answer.layout.centers
    names: dict[str, None] = dict.fromkeys(c for c, center in centers.items() if abs(center) > VAST / 2)
    for label, sizes in zip(answer.layout.labels, np.abs(answer.figures).T, strict=True):
        if label[0] == "product" and label[2] == label[3] and not sizes.max() <= (VAST / 2) ** 2:
            names[label[2]] = None
    return names
