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
    Cut,
    Features,
    Mask,
    Matrix,
    SizeCell,
    block_moments,
    by_cluster,
    by_cut,
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

Cuts = tuple[Cut, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The values of all units in one state, without treatment or with it, ready to be summed.

    Attributes
    ----------
    parts : tuple of Features
        One a cut.
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
    cuts : tuple of Cut
    sides : tuple of Side
        By position of the arm, control first; treatments share one object.
    """

    experiment: Experiment
    asked: Plan
    history: History
    cuts: Cuts
    sides: tuple[Side, ...]

    def outcomes(self, arms: Arms) -> list[Outcomes]:
        """Outcomes of each draw at the end; `arms` has shape (draws, drawn)."""
        return self.at_looks(arms)[-1]

    def at_looks(self, arms: Arms, deciding: frozenset[str] = frozenset()) -> list[list[Outcomes]]:
        """Outcomes of each draw at every look; before the last one, of the deciding blocks only."""
        members = [(arms == i).astype(np.float64) for i in range(len(self.sides))]
        sums = [_summed(side, m) for side, m in zip(self.sides, members, strict=True)]
        last = max(c.look for c in self.cuts)
        chosen = tuple(b for b in self.asked.blocks if b.name in deciding)
        return [self._outcomes(sums, look, chosen) for look in range(last)] + [
            self._outcomes(sums, last, self.asked.blocks, over=True)
        ]

    def expected(self) -> Outcomes:
        """Outcomes of a draw in which every arm is the whole population, shrunk to its share."""
        everyone = np.ones((1, self.cuts[-1].end))
        shares = [arm.share for arm in self.experiment.planned_arms]
        found = [
            _scaled(_summed(side, everyone), share) for side, share in zip(self.sides, shares, strict=True)
        ]
        last = max(c.look for c in self.cuts)
        whole = self._outcomes(found, last, self.asked.blocks, over=True)[0]
        binary = {b.name for b in self.asked.blocks if self._is_share(b)}
        overall = {
            name: {arm: _whole_successes(m) for arm, m in arms.items()} if name in binary else arms
            for name, arms in whole.overall.items()
        }
        return replace(whole, overall=overall)

    def _is_share(self, block: Block) -> bool:
        """Whether a block is one column of 0 and 1 and nothing else."""
        if len(block.columns) != 1:
            return False
        x = self.history.columns[block.columns[0]]
        return bool(((x == 0) | (x == 1) | np.isnan(x)).all())

    def _outcomes(
        self, sums: Sequence[Sums], look: int, blocks: Sequence[Block], *, over: bool = False
    ) -> list[Outcomes]:
        """Outcomes at one look; `over` when it is the last one."""
        seen = [c.look <= look for c in self.cuts]
        whole = [_added(s.parts, seen) for s in sums]
        draws = range(len(whole[0]))
        overall = {b.name: self._moments(b, whole, self.sides[0].parts[0]) for b in blocks}
        strata = {
            self.history.strata[i]: {b.name: self._moments(b, parts, self.sides[0].parts[0]) for b in blocks}
            for i, parts in self._by_stratum(sums, seen).items()
        }
        clusters = {
            b.name: self._clusters(b, sums, look) for b in blocks if self.sides[0].cells and b.name != BALANCE
        }
        skew = {b.name: self._skewness(b, whole) for b in blocks if b.cubed is not None}
        units = self._counted(("n", frozenset()), whole)
        lacking = {name: self._counted(("null", name), whole) for name in self._may_lack()}
        first, schedule = self.history.first_day, self.experiment.schedule
        # At the last look the offer is over, whatever day the history ends on; before, it is not.
        days = [day for day in (self.history.data_to, schedule.end) if day is not None and over]
        ends = max(days, default=None)
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

    def _clusters(self, block: Block, sums: Sequence[Sums], look: int) -> list[dict[str, ClusterArm]]:
        mask = mask_of(block, self.history)
        at: dict[int, list[int]] = {}
        for i, cell in enumerate(self.sides[0].cells[mask]):
            if cell.look <= look:
                at.setdefault(cell.size, []).append(i)
        arms = []
        for s in sums:
            found = [
                block_moments(
                    _sum_of([s.cells[mask][i] for i in places]),
                    self.sides[0].cells[mask][places[0]].features,
                    block,
                    frozenset(),
                )
                for places in at.values()
            ]
            arms.append([_cluster_arm(list(at), of_one) for of_one in zip(*found, strict=True)])
        return _by_draw(self._arms(), arms)

    def _by_stratum(self, sums: Sequence[Sums], seen: Sequence[bool]) -> dict[int, list[Matrix]]:
        """Sums of each arm by stratum; nothing where there are none, or clusters are drawn."""
        if not self.history.strata or self.history.cluster is not None:
            return {}
        there = dict.fromkeys(c.stratum for c, yes in zip(self.cuts, seen, strict=True) if yes)
        return {
            i: [
                _added(s.parts, [yes and c.stratum == i for c, yes in zip(self.cuts, seen, strict=True)])
                for s in sums
            ]
            for i in there
        }

    def _counted(self, label: tuple[object, ...], sums: Sequence[Matrix]) -> list[dict[str, int]]:
        at = self.sides[0].parts[0].at[label]
        return _by_draw(self._arms(), [[round(x) for x in s[:, at]] for s in sums])


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums of one arm for every draw: by cut, and by cell of clusters."""

    parts: tuple[Matrix, ...]
    cells: Mapping[Mask, tuple[Matrix, ...]]


def _summed(side: Side, member: Matrix) -> Sums:
    return Sums(
        tuple(f.sums(member) for f in side.parts),
        {m: tuple(c.features.sums(member) for c in cells) for m, cells in side.cells.items()},
    )


def _scaled(sums: Sums, share: float) -> Sums:
    return Sums(
        tuple(p * share for p in sums.parts),
        {m: tuple(x * share for x in cells) for m, cells in sums.cells.items()},
    )


def _added(parts: Sequence[Matrix], which: Sequence[bool]) -> Matrix:
    return _sum_of([p for p, yes in zip(parts, which, strict=True) if yes])


def _sum_of(parts: Sequence[Matrix]) -> Matrix:
    found: Matrix = parts[0] if len(parts) == 1 else np.sum(parts, axis=0)
    return found


def _whole_successes(m: Moments) -> Moments:
    """Part of a population has a part of a success; an arm has whole ones."""
    if not m.n:
        return m
    p = round(m.n * float(m.mean[0])) / m.n
    return Moments(m.n, m.columns, np.array([p]), np.array([[m.n * p * (1 - p)]]))


def _by_draw(arms: Sequence[str], found: Sequence[Sequence[T]]) -> list[dict[str, T]]:
    """Turn a list for each arm into a mapping of arms for each draw."""
    return [dict(zip(arms, of_one, strict=True)) for of_one in zip(*found, strict=True)]


def _cluster_arm(sizes: Sequence[int], cells: Sequence[Moments]) -> ClusterArm:
    there = [(m, c) for m, c in zip(sizes, cells, strict=True) if c.n]
    return ClusterArm(tuple(m for m, _ in there), tuple(c for _, c in there))


def world(experiment: Experiment, asked: Plan, history: History, cuts: Cuts) -> World:
    """Make the world in which nothing has an effect."""
    columns = capped({c.id: history.columns[c.id] for c in asked.columns}, history)
    without = _side(asked, history, cuts, columns, centers_of(columns))
    arms = 1 + len(experiment.treatments)
    return World(experiment, asked, history, cuts, (without,) * arms)


def with_effect(null: World, treated: Mapping[str, Column]) -> World:
    """Make a world in which treated units have other values; control units share those of the null world."""
    history, without = null.history, null.sides[0]
    columns = {c.id: history.columns[c.id] for c in null.asked.columns} | dict(treated)
    centers = without.parts[0].centers
    with_it = _side(null.asked, history, null.cuts, capped(columns, history), centers)
    return replace(null, sides=(without, *(with_it for _ in null.sides[1:])))


def _side(
    asked: Plan, history: History, cuts: Cuts, columns: Mapping[str, Column], centers: Mapping[str, float]
) -> Side:
    features = unit_features(columns, asked, history, centers)
    if history.cluster is None:
        return Side(by_cut(features, cuts), {})
    drawn = by_cluster(features, history.cluster, len(history.clusters))
    return Side(by_cut(drawn, cuts), size_cells(columns, asked, history, cuts, centers))
