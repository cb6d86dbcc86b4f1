"""One world of a rehearsal, with or without an effect: from draws to the outcomes an analysis reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from loyalty_exp.outcomes.outcomes import Evidence, Outcomes
from loyalty_exp.outcomes.plan import BALANCE, Block, Plan
from loyalty_exp.planning.history import Column, History
from loyalty_exp.planning.redraw import Arms
from loyalty_exp.planning.tally import (
    Features,
    Mask,
    Matrix,
    SizeCell,
    block_moments,
    by_cluster,
    by_stratum,
    capped,
    centers_of,
    mask_of,
    size_cells,
    skewness_of,
    unit_features,
)
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.cluster_moments import ClusterArm
from loyalty_exp.stats.moments import Moments

T = TypeVar("T")

Strata = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The values of all units in one state, without treatment or with it, ready to be summed.

    Attributes
    ----------
    parts : tuple of Features
        One a stratum; one alone without strata, or where clusters are drawn.
    cells : mapping of mask to cells
        Cluster totals by size; empty where units are drawn.
    """

    parts: tuple[Features, ...]
    cells: Mapping[Mask, tuple[SizeCell, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What every unit does without treatment, and with it.

    Attributes
    ----------
    experiment : Experiment
    asked : Plan
    history : History
    strata : tuple of (first, end, hash)
    sides : tuple of Side
        By position of the arm, control first; treatments share one object.
    """

    experiment: Experiment
    asked: Plan
    history: History
    strata: Strata
    sides: tuple[Side, ...]

    def outcomes(self, arms: Arms) -> list[Outcomes]:
        """Outcomes of each draw; `arms` has shape (draws, drawn)."""
        members = [(arms == i).astype(np.float64) for i in range(len(self.sides))]
        return self._outcomes([_summed(side, m) for side, m in zip(self.sides, members, strict=True)])

    def expected(self) -> Outcomes:
        """Outcomes of a draw in which every arm is the whole population, shrunk to its share."""
        found = []
        for side, share in zip(self.sides, self._shares(), strict=True):
            drawn = max(_size(f) for f in side.parts) if not self.strata else self.strata[-1][1]
            found.append(_scaled(_summed(side, np.ones((1, drawn))), share))
        return self._outcomes(found)[0]

    def _shares(self) -> list[float]:
        return [arm.share for arm in self.experiment.planned_arms]

    def _outcomes(self, sums: Sequence[Sums]) -> list[Outcomes]:
        whole = [s.whole for s in sums]
        blocks, draws = self.asked.blocks, range(len(whole[0]))
        overall = {b.name: self._moments(b, whole, self.sides[0].parts[0]) for b in blocks}
        strata = {
            self.history.strata[self._stratum(begin)]: {
                b.name: self._moments(b, [s.parts[i] for s in sums], self.sides[0].parts[0]) for b in blocks
            }
            for i, (begin, _, _) in enumerate(self.strata)
        }
        clusters = {
            b.name: self._clusters(b, sums) for b in blocks if self.sides[0].cells and b.name != BALANCE
        }
        skew = {b.name: self._skewness(b, whole) for b in blocks if b.cubed is not None}
        units = self._counted(("n", frozenset()), whole)
        lacking = {name: self._counted(("null", name), whole) for name in self._may_lack()}
        first, schedule = self.history.first_day, self.experiment.schedule
        # The last look is rehearsed: the offer is over, whatever day the history ends on.
        ends = max((day for day in (self.history.data_to, schedule.end) if day is not None), default=None)
        return [
            Outcomes(
                units=units[d],
                units_analyzed=units[d],
                immature=dict.fromkeys(units[d], 0),
                missing={name: found[d] for name, found in lacking.items() if any(found[d].values())},
                overall={name: found[d] for name, found in overall.items()},
                segments={},
                caps=self.history.caps,
                findings=(),
                first_assigned=first,
                last_assigned=schedule.end if schedule.start else None,
                data_to=ends,
                engine=self.history.engine,
                data_digest=self.history.digest,
                strata={
                    stratum: {name: found[d] for name, found in by_block.items()}
                    for stratum, by_block in strata.items()
                },
                evidence=Evidence(
                    clusters={None: {name: found[d] for name, found in clusters.items()}} if clusters else {}
                ),
                skewness={name: found[d] for name, found in skew.items()},
            )
            for d in draws
        ]

    def _may_lack(self) -> list[str]:
        """Columns whose gaps are missing outcomes; a window that is not over is none."""
        of_table = {
            c.id for c in self.asked.columns if self.experiment.shape == "units" or c.kind == "column"
        }
        return sorted(self.history.droppable & of_table)

    def _arms(self) -> list[str]:
        return [arm.id for arm in self.experiment.planned_arms]

    def _moments(self, block: Block, sums: Sequence[Matrix], features: Features) -> list[dict[str, Moments]]:
        mask = mask_of(block, self.history)
        return _by_draw(self._arms(), [block_moments(s, features, block, mask) for s in sums])

    def _skewness(self, block: Block, sums: Sequence[Matrix]) -> list[dict[str, float | None]]:
        mask, features = mask_of(block, self.history), self.sides[0].parts[0]
        return _by_draw(self._arms(), [[skewness_of(row, features, block, mask) for row in s] for s in sums])

    def _clusters(self, block: Block, sums: Sequence[Sums]) -> list[dict[str, ClusterArm]]:
        mask = mask_of(block, self.history)
        cells = self.sides[0].cells[mask]
        arms = []
        for s in sums:
            found = [
                block_moments(x, cell.features, block, frozenset())
                for x, cell in zip(s.cells[mask], cells, strict=True)
            ]
            sizes = [cell.size for cell in cells]
            arms.append([_cluster_arm(sizes, of_one) for of_one in zip(*found, strict=True)])
        return _by_draw(self._arms(), arms)

    def _counted(self, label: tuple[object, ...], sums: Sequence[Matrix]) -> list[dict[str, int]]:
        at = self.sides[0].parts[0].at[label]
        return _by_draw(self._arms(), [[round(x) for x in s[:, at]] for s in sums])

    def _stratum(self, begin: int) -> int:
        assert self.history.stratum is not None
        return int(self.history.stratum[begin])


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums of one arm for every draw: whole, by stratum, and by cluster size."""

    whole: Matrix
    parts: tuple[Matrix, ...]
    cells: Mapping[Mask, tuple[Matrix, ...]]


def _summed(side: Side, member: Matrix) -> Sums:
    parts = tuple(f.sums(member) for f in side.parts)
    whole = parts[0] if len(parts) == 1 else np.sum(parts, axis=0)
    return Sums(
        whole, parts, {m: tuple(c.features.sums(member) for c in cells) for m, cells in side.cells.items()}
    )


def _scaled(sums: Sums, share: float) -> Sums:
    return Sums(
        sums.whole * share,
        tuple(p * share for p in sums.parts),
        {m: tuple(x * share for x in cells) for m, cells in sums.cells.items()},
    )


def _size(features: Features) -> int:
    return len(features.matrix)


def _by_draw(arms: Sequence[str], found: Sequence[Sequence[T]]) -> list[dict[str, T]]:
    """Turn a list for each arm into a mapping of arms for each draw."""
    return [dict(zip(arms, of_one, strict=True)) for of_one in zip(*found, strict=True)]


def _cluster_arm(sizes: Sequence[int], cells: Sequence[Moments]) -> ClusterArm:
    there = [(m, c) for m, c in zip(sizes, cells, strict=True) if c.n]
    return ClusterArm(tuple(m for m, _ in there), tuple(c for _, c in there))


def world(experiment: Experiment, asked: Plan, history: History, strata: Strata) -> World:
    """Make the world in which nothing has an effect."""
    columns = capped({c.id: history.columns[c.id] for c in asked.columns}, history)
    without = _side(asked, history, strata, columns, centers_of(columns))
    cut = strata if history.cluster is None else ()
    arms = 1 + len(experiment.treatments)
    return World(experiment, asked, history, cut, (without,) * arms)


def with_effect(null: World, strata: Strata, treated: Mapping[str, Column]) -> World:
    """Make a world in which treated units have other values; control units share those of the null world."""
    history, without = null.history, null.sides[0]
    columns = {c.id: history.columns[c.id] for c in null.asked.columns} | dict(treated)
    centers = without.parts[0].centers
    with_it = _side(null.asked, history, strata, capped(columns, history), centers)
    return replace(null, sides=(without, *(with_it for _ in null.sides[1:])))


def _side(
    asked: Plan,
    history: History,
    strata: Strata,
    columns: Mapping[str, Column],
    centers: Mapping[str, float],
) -> Side:
    features = unit_features(columns, asked, history, centers)
    if history.cluster is None:
        return Side(by_stratum(features, strata), {})
    whole = by_cluster(features, history.cluster, len(history.clusters))
    return Side((whole,), size_cells(columns, asked, history, centers))
