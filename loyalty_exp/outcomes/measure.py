"""From the per-unit table to moments: ask once, check the answer, ask again only where digits were lost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import Breach, ContractBreach
from loyalty_exp.outcomes.answer import Answer, shown
from loyalty_exp.outcomes.breaches import arm_breaches, value_breaches
from loyalty_exp.outcomes.exposure_columns import TRIGGERED
from loyalty_exp.outcomes.outcomes import ArmMoments, Cell, Finding
from loyalty_exp.outcomes.overflow import TooLarge, outlier_findings, readable
from loyalty_exp.outcomes.plan import Plan
from loyalty_exp.outcomes.products import grouped, moments_of, sampled, skewness_of
from loyalty_exp.outcomes.unit_table import UnitTable
from loyalty_exp.warehouse.engine import Engine

STRATUM = "assignment.strata"
"""Dimension of the strata of the draw; no segment can have this id."""

JOINT = 50_000
"""Groups of one query; with more, each dimension is asked alone."""

MOST_VALUES = 1_000
"""Values of one segment; a column with more is no segment."""

ILL = 1e6
"""Square of the distance of center and mean, in variances, beyond which products are taken again."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the grouped query gave."""

    units: Mapping[str, int]
    missing: Mapping[str, Mapping[str, int]]
    overall: Mapping[str, ArmMoments]
    segments: Mapping[Cell, Mapping[str, ArmMoments]]
    strata: Mapping[str, Mapping[str, ArmMoments]]
    skewness: Mapping[str, Mapping[str, float | None]]
    findings: tuple[Finding, ...] = ()
    triggered: Mapping[str, ArmMoments] = field(default_factory=dict)


@np.errstate(over="ignore", invalid="ignore")
def measure(engine: Engine, table: UnitTable, plan: Plan, arms: Sequence[str]) -> Measured:
    """Ask for all moments.

    Raises
    ------
    ContractBreach
        If arms or values break the contract.
    """
    centers = provisional_centers(engine, table)
    if table.stratum is not None:
        table = replace(table, dimensions={**table.dimensions, STRATUM: table.stratum})
    if table.triggered is not None:
        table = replace(table, dimensions={**table.dimensions, TRIGGERED: table.triggered})
    sets = _key_sets(engine, table, len(arms))
    answers = [_ask(engine, table, plan, centers, keys, checks=i == 0) for i, keys in enumerate(sets)]
    breaches = [*arm_breaches(engine, table, answers[0], arms), *value_breaches(engine, table, answers[0])]
    if breaches:
        raise ContractBreach(tuple(breaches))
    missing = _missing(answers[0], arms)
    outliers = outlier_findings(engine, table, answers[0])
    if exact := _ill_conditioned(answers[0], table, plan, arms):
        centers = {**centers, **exact}
        answers = [_ask(engine, table, plan, centers, keys, checks=False) for keys in sets]
    cells = _segments(answers, table, plan, arms)
    return Measured(
        {arm: int(answers[0].of(arm)[answers[0].layout.labels.index(("n",))]) for arm in arms},
        missing,
        {
            b.name: {arm: _moments(answers[0], answers[0].of(arm), b, table) for arm in arms}
            for b in plan.blocks
        },
        {cell: blocks for cell, blocks in cells.items() if cell.dimension not in {STRATUM, TRIGGERED}},
        {cell.value: blocks for cell, blocks in cells.items() if cell.dimension == STRATUM},
        {
            b.name: {arm: skewness_of(_row(answers[0], arm), answers[0].layout, b, table) for arm in arms}
            for b in plan.blocks
            if b.cubed is not None
        },
        outliers,
        cells.get(Cell(TRIGGERED, "1"), {}),
    )


def provisional_centers(engine: Engine, table: UnitTable) -> dict[str, float]:
    """Choose a center where the first rows lie far from zero; most columns have none and pay nothing."""
    if not table.values:
        return {}
    row = engine.fetch(sampled(table))[0]
    centers = {}
    for i, name in enumerate(table.values):
        mean, low, high = (float(x) if x is not None else math.nan for x in row[3 * i : 3 * i + 3])
        if math.isfinite(mean) and low * high > 0 and abs(mean) > 2 * (high - low):
            centers[name] = mean
    return centers


def _key_sets(engine: Engine, table: UnitTable, arms: int) -> list[tuple[str, ...]]:
    import sqlalchemy as sa

    names = tuple(table.dimensions)
    if not names:
        return [()]
    head = table.select(*(table.dimensions[d].label(d) for d in names)).limit(20_000).subquery("head")
    counts = engine.fetch(sa.select(*(sa.func.count(head.c[d].distinct()) for d in names)).select_from(head))[
        0
    ]
    if many := [d for d, count in zip(names, counts, strict=True) if count > MOST_VALUES]:
        raise ContractBreach(
            tuple(
                Breach(
                    table.name, d, "segment", f"has more than {MOST_VALUES:,} values and cannot be a segment"
                )
                for d in many
            )
        )
    if arms * math.prod(count + 1 for count in counts) <= JOINT:
        return [names]
    return [(d,) for d in names]


def _ask(
    engine: Engine,
    table: UnitTable,
    plan: Plan,
    centers: Mapping[str, float],
    keys: tuple[str, ...],
    checks: bool,
) -> Answer:
    query, layout = grouped(table, plan, centers, keys, checks)
    rows = engine.fetch(query)
    k = len(layout.keys)
    figures = np.array(
        [[float(x) if x is not None else 0.0 for x in row[k:]] for row in rows], dtype=np.float64
    )
    return Answer(layout, [row[:k] for row in rows], figures.reshape(len(rows), len(layout.labels)))


def _moments(answer: Answer, figures: npt.NDArray[np.float64], block: Any, table: UnitTable) -> Any:
    return readable(moments_of((*answer.layout.keys, *figures), answer.layout, block, table))


def _row(answer: Answer, arm: str) -> tuple[Any, ...]:
    """Figures of an arm, all cells added up, in the place of a result row."""
    return (*answer.layout.keys, *answer.of(arm))


def _missing(answer: Answer, arms: Sequence[str]) -> dict[str, dict[str, int]]:
    labels = answer.layout.labels
    counts = {arm: answer.of(arm) for arm in arms}
    n = labels.index(("n",))
    found = {}
    for i, label in enumerate(labels):
        if label[0] in {"present", "null"}:
            lacking = {arm: int(f[n] - f[i]) for arm, f in counts.items()}
            if any(lacking.values()):
                found[label[1]] = lacking
    return found


def _ill_conditioned(answer: Answer, table: UnitTable, plan: Plan, arms: Sequence[str]) -> dict[str, float]:
    """Give exact means of columns whose center was too far off."""
    exact: dict[str, float] = {}
    centers = answer.layout.centers
    for block in plan.blocks:
        for arm in arms:
            m = _moments(answer, answer.of(arm), block, table)
            if m.n < 2 or isinstance(m, TooLarge):
                continue
            gap = m.mean - np.array([centers.get(c, 0.0) for c in m.columns])
            ill = m.n * gap**2 > ILL * np.diag(m.comoment)
            ill &= (np.abs(gap) > 1e-9 * np.abs(m.mean)) & (m.mean != 0)
            for name, mean, bad in zip(m.columns, m.mean, ill, strict=True):
                if bad:
                    exact.setdefault(name, float(mean))
    return exact


def _segments(
    answers: Sequence[Answer], table: UnitTable, plan: Plan, arms: Sequence[str]
) -> dict[Cell, dict[str, ArmMoments]]:
    cells: dict[Cell, dict[str, ArmMoments]] = {}
    for dimension in table.dimensions:
        answer = next(a for a in answers if dimension in a.layout.keys)
        position = answer.layout.keys.index(dimension) - 1
        for value in sorted({shown(key[1 + position]) for key in answer.keys}):
            figures = {arm: answer.of(arm, position, value) for arm in arms}
            cells[Cell(dimension, value)] = {
                b.name: {arm: _moments(answer, figures[arm], b, table) for arm in arms} for b in plan.blocks
            }
    return cells


def missing_findings(measured: Measured) -> tuple[Finding, ...]:
    """Tell of columns that some units lack, and of values too large to be squared."""
    total = sum(measured.units.values())
    return measured.findings + tuple(
        Finding(
            "missing_outcome",
            sum(by_arm.values()),
            share=sum(by_arm.values()) / total if total else None,
            severity="note",
            detail={"column": name, **{f"arm {arm}": n for arm, n in by_arm.items()}},
        )
        for name, by_arm in measured.missing.items()
    )
