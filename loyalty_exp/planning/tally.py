"""Sufficient statistics of many draws at once: one matrix product of who is where with what each unit adds.

A unit adds its centered values, their products and, where skewness is asked for, a cube; an arm's sums are
the row of 0 and 1 that says who is in it times that matrix. The sums become the same `Moments` that the
engine's grouped query gives, and everything after that is the code of an analysis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from loyalty_exp.outcomes.plan import BALANCE, Block, Plan
from loyalty_exp.outcomes.products import ROUNDING
from loyalty_exp.planning.history import Column, History
from loyalty_exp.stats.moments import Moments
from loyalty_exp.stats.skewness import skewness

Matrix = npt.NDArray[np.float64]
Mask = frozenset[str]
Where = slice | npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What each unit, or each cluster, adds to the sums of its arm.

    Attributes
    ----------
    at : mapping of label to position
        As the labels of the grouped query: ``("n", mask)``, ``("sum", mask, column)``, ``("product", mask, a,
        b)``, ``("cube", mask, column)`` and ``("null", column)``.
    matrix : array, shape (rows, positions)
    centers : mapping of column to float
    where : slice or array
        Positions among what is drawn.
    """

    at: Mapping[tuple[Any, ...], int]
    matrix: Matrix
    centers: Mapping[str, float]
    where: Where

    def sums(self, member: Matrix) -> Matrix:
        """Sums for each draw; `member` has shape (draws, drawn) and says who is in the arm."""
        found: Matrix = member[:, self.where] @ self.matrix
        return found


def capped(columns: Mapping[str, Column], history: History) -> dict[str, Column]:
    """Apply the caps of the spec."""
    out = dict(columns)
    for name, (lower, upper) in history.caps.items():
        if name in out:
            out[name] = np.clip(out[name], lower, upper) if (lower, upper) != (None, None) else out[name]
    return out


def mask_of(block: Block, history: History) -> Mask:
    """Columns of a block that units may lack."""
    return frozenset(c for c in block.columns if c in history.droppable)


def centers_of(columns: Mapping[str, Column]) -> dict[str, float]:
    """Means, to be taken off before anything is multiplied."""
    return {
        name: float(np.nanmean(x)) if not np.isnan(x).all() else 0.0 for name, x in columns.items() if len(x)
    }


def unit_features(
    columns: Mapping[str, Column], asked: Plan, history: History, centers: Mapping[str, float]
) -> Features:
    """Features of single units, over all of them."""
    parts: dict[tuple[Any, ...], Column] = {("n", frozenset()): np.ones(history.n)}
    for name in sorted(history.droppable):
        parts["null", name] = np.isnan(columns[name]).astype(np.float64)
    centered = {name: np.nan_to_num(x) - centers[name] for name, x in columns.items()}
    for block in asked.blocks:
        _add(parts, block, mask_of(block, history), columns, centered)
    return Features(
        {label: i for i, label in enumerate(parts)},
        np.column_stack(list(parts.values())),
        centers,
        slice(None),
    )


def _add(
    parts: dict[tuple[Any, ...], Column],
    block: Block,
    mask: Mask,
    columns: Mapping[str, Column],
    centered: Mapping[str, Column],
) -> None:
    there = None
    if mask:
        there = np.logical_and.reduce([~np.isnan(columns[m]) for m in sorted(mask)]).astype(np.float64)
        parts.setdefault(("n", mask), there)

    def put(label: tuple[Any, ...], x: Column) -> None:
        if label not in parts:
            parts[label] = x if there is None else x * there

    for name in block.columns:
        put(("sum", mask, name), centered[name])
    for a, b in pairs_of(block):
        put(("product", mask, a, b), centered[a] * centered[b])
    if block.cubed is not None:
        put(("cube", mask, block.cubed), centered[block.cubed] ** 3)


def pairs_of(block: Block) -> list[tuple[str, str]]:
    """Pairs of columns whose products a block needs, each in alphabetical order."""
    names = block.columns
    if not block.crossed:
        return [(name, name) for name in names]
    return [(min(a, b), max(a, b)) for i, a in enumerate(names) for b in names[i:]]


def by_cluster(features: Features, cluster: npt.NDArray[np.int64], clusters: int) -> Features:
    """Sum the features of units over what is drawn."""
    summed = np.zeros((clusters, features.matrix.shape[1]))
    np.add.at(summed, cluster, features.matrix)
    return Features(features.at, summed, features.centers, slice(None))


@dataclass(frozen=True, slots=True)
class Cut:
    """Neighbors among what is drawn, of one stratum, whose outcomes are in at the same look.

    Attributes
    ----------
    first, end : int
    stratum : int
        Position among the names of the strata; 0 without any.
    look : int
        First look, counted from 0, that sees them.
    """

    first: int
    end: int
    stratum: int
    look: int


def by_cut(features: Features, cuts: Sequence[Cut]) -> tuple[Features, ...]:
    """Cut features into neighbors."""
    if len(cuts) == 1:
        return (features,)
    return tuple(
        Features(features.at, features.matrix[c.first : c.end], features.centers, slice(c.first, c.end))
        for c in cuts
    )


def block_moments(sums: Matrix, features: Features, block: Block, mask: Mask) -> list[Moments]:
    """Moments of a block for each row of sums."""
    names, at = block.columns, features.at
    k = len(names)
    n = np.rint(sums[:, at["n", mask]]).astype(np.int64)
    count = np.maximum(n, 1)[:, None]
    totals = sums[:, [at["sum", mask, name] for name in names]]
    mean = totals / count + np.array([features.centers[name] for name in names])
    raw = np.zeros((len(sums), k, k))
    place = {name: i for i, name in enumerate(names)}
    for a, b in pairs_of(block):
        i, j = place[a], place[b]
        raw[:, i, j] = raw[:, j, i] = sums[:, at["product", mask, a, b]]
    comoment = raw - totals[:, :, None] * totals[:, None, :] / count[:, :, None]
    if not block.crossed:
        comoment *= np.eye(k)
    diagonal = np.einsum("bii->bi", comoment)
    flat = diagonal <= ROUNDING * np.einsum("bii->bi", raw)
    comoment[flat] = 0.0
    np.swapaxes(comoment, 1, 2)[flat] = 0.0
    mean[n == 0] = 0.0
    comoment[n == 0] = 0.0
    return [Moments(int(c), names, mean[i], comoment[i]) for i, c in enumerate(n)]


def skewness_of(row: Matrix, features: Features, block: Block, mask: Mask) -> float | None:
    """Skewness of the column whose cubes a block asked for."""
    at, name = features.at, block.cubed
    assert name is not None
    n = round(row[at["n", mask]])
    if not n:
        return None
    mean = float(row[at["sum", mask, name]]) / n
    return skewness(n, mean, float(row[at["product", mask, name, name]]), float(row[at["cube", mask, name]]))


@dataclass(frozen=True, slots=True, eq=False)
class SizeCell:
    """Totals of the clusters of one look with one number of members that count, for the blocks of a mask."""

    size: int
    look: int
    features: Features


def size_cells(
    columns: Mapping[str, Column],
    asked: Plan,
    history: History,
    cuts: Sequence[Cut],
    centers: Mapping[str, float],
) -> dict[Mask, tuple[SizeCell, ...]]:
    """Features of cluster totals, by the columns that must be there, by size and by look."""
    assert history.cluster is not None
    look_of = np.concatenate([np.full(c.end - c.first, c.look) for c in cuts])
    out: dict[Mask, tuple[SizeCell, ...]] = {}
    masks: dict[Mask, list[Block]] = {}
    for block in asked.blocks:
        if block.name != BALANCE:
            masks.setdefault(mask_of(block, history), []).append(block)
    for mask, blocks in masks.items():
        there = np.ones(history.n)
        for name in mask:
            there *= ~np.isnan(columns[name])
        sizes = np.rint(np.bincount(history.cluster, there, len(history.clusters))).astype(np.int64)
        names = dict.fromkeys(c for b in blocks for c in b.columns)
        totals = {
            c: np.bincount(
                history.cluster, (np.nan_to_num(columns[c]) - centers[c]) * there, len(history.clusters)
            )
            for c in names
        }
        cells = []
        for size, look in sorted({(int(s), int(k)) for s, k in zip(sizes, look_of, strict=True) if s}):
            at = np.flatnonzero((sizes == size) & (look_of == look))
            parts: dict[tuple[Any, ...], Column] = {("n", frozenset()): np.ones(len(at))}
            chosen = {c: x[at].astype(np.float64) for c, x in totals.items()}
            for b in blocks:
                _add(parts, Block(b.name, b.outcome, b.covariates, b.crossed), frozenset(), chosen, chosen)
            features = Features(
                {label: i for i, label in enumerate(parts)},
                np.column_stack(list(parts.values())),
                {c: size * centers[c] for c in names},
                at,
            )
            cells.append(SizeCell(size, look, features))
        out[mask] = tuple(cells)
    return out
