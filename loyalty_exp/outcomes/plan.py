"""What is asked of the engine: all per-unit columns, and which of them need cross-products together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.estimators.estimator import Evidence
from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.cost_columns import COUPONS, POINTS, coupon_columns, event_columns, points_columns
from loyalty_exp.outcomes.exposure_columns import (
    EXPOSURE,
    TRIGGERED,
    complier_metrics,
    exposure_columns,
    received_block,
)
from loyalty_exp.outcomes.horizon_columns import HORIZON, horizon_columns
from loyalty_exp.outcomes.naive_columns import naive_blocks
from loyalty_exp.outcomes.returns_columns import RETURNS, returns_columns
from loyalty_exp.outcomes.tax import holds_tax, without_tax
from loyalty_exp.spec.economics import CostLine
from loyalty_exp.spec.experiment import Experiment

ECONOMICS = "$economics"
"""Name of the block that holds benefit, cost drivers and covariates together."""

BALANCE = "$balance"
"""Name of the block that holds all covariates, for the pre-period balance check: means and variances only."""


@dataclass(frozen=True, slots=True)
class Block:
    """Columns whose cross-products are asked for together.

    Attributes
    ----------
    name : str
        A metric id, ``ECONOMICS`` or ``BALANCE``.
    outcome, covariates : tuple of str
        Ids of per-unit columns. Units with a null in any of them do not enter the block.
    crossed : bool
        Whether products of different columns are asked for. Where they are not, they stand as 0 in the
        moments, and only means and variances may be read: the balance check of 15 covariates would
        otherwise pay for 105 products that it does not look at.
    cubed : str or None
        Column whose third moment is asked for.
    """

    name: str
    outcome: tuple[str, ...]
    covariates: tuple[str, ...]
    crossed: bool = True
    cubed: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, each once, outcomes first."""
        return tuple(dict.fromkeys((*self.outcome, *self.covariates)))


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the engine is asked, once."""

    columns: tuple[UnitColumn, ...]
    blocks: tuple[Block, ...]


def wants(experiment: Experiment, kind: Evidence) -> tuple[str, ...]:
    """Ids of the metrics whose estimator or readings read a kind of evidence."""
    return tuple(
        metric.id
        for metric in experiment.metrics
        if any(
            ESTIMATORS[choice.type].evidence == kind
            for choice in (experiment.estimator_of(metric), *metric.readings)
        )
    )


def balanced_for(experiment: Experiment) -> tuple[str, ...]:
    """Columns that the draw was made again for, where a method that needs rows redraws it."""
    rule = experiment.assignment.rerandomize if experiment.assignment else None
    return rule.covariates if rule is not None and wants(experiment, "rows") else ()


def cost_driver(line: CostLine, experiment: Experiment) -> str | None:
    """Id of the per-unit column that counts the events of a cost line; None for other lines."""
    if line.per_event is None:
        return None
    return (
        line.per_event
        if line.per_event not in experiment.library
        else uncapped_column(line.per_event, experiment)
    )


def money_column(metric_id: str, experiment: Experiment) -> str:
    """Id of the per-unit column that carries the benefit into the money: never capped, and without tax."""
    return f"{metric_id}__untaxed" if holds_tax(experiment) else uncapped_column(metric_id, experiment)


def uncapped_column(metric_id: str, experiment: Experiment) -> str:
    """Id of the per-unit column of a metric, never capped."""
    outcome = experiment.library[metric_id].needs(experiment.shape, experiment.library).columns[0]
    return f"{outcome.id}__uncapped" if outcome.cap else outcome.id


def plan(experiment: Experiment) -> Plan:
    """Merge what all metrics, cost lines and checks need."""
    columns: dict[str, UnitColumn] = {}
    blocks: list[Block] = []

    def ask(column: UnitColumn) -> None:
        known = columns.setdefault(column.id, column)
        if known != column:
            raise ValueError(f"two different columns are called '{column.id}'")

    covariates: dict[str, None] = {}
    for metric in experiment.metrics:
        needs = metric.needs(experiment.shape, experiment.library)
        for column in needs.columns:
            ask(column)
        cubed = needs.outcome[0] if metric.role == "primary" and metric.measure == "mean" else None
        blocks.append(Block(metric.id, needs.outcome, needs.covariates, cubed=cubed))
        covariates.update(dict.fromkeys(needs.covariates))
    if experiment.economics is not None:
        blocks.extend(_money_blocks(experiment, ask))
        for name, asked in ((POINTS, points_columns), (COUPONS, coupon_columns)):
            found = tuple(asked(experiment))
            for column in found:
                ask(column)
            if found:
                blocks.append(Block(name, tuple(c.id for c in found), (), crossed=False))
    for name, compared in naive_blocks(experiment):
        for column in compared:
            ask(column)
        blocks.append(Block(name, tuple(c.id for c in compared), ()))
    if reached := exposure_columns(experiment):
        for column in reached:
            ask(column)
        blocks.append(Block(EXPOSURE, tuple(c.id for c in reached), (), crossed=False))
        received = tuple(c.id for c in reached if c.id != TRIGGERED)
        for read in complier_metrics(experiment) if received else ():
            outcome = read.needs(experiment.shape, experiment.library).outcome
            blocks.append(Block(received_block(read.id), (*outcome, *received), ()))
    if covariates:
        blocks.append(Block(BALANCE, (), tuple(covariates), crossed=False))
    return Plan(tuple(columns.values()), tuple(blocks))


def economics_columns(experiment: Experiment) -> dict[str, UnitColumn]:
    """Columns of benefit and of what costs count, by id; never capped."""
    assert experiment.economics is not None
    library, shape = experiment.library, experiment.shape
    benefit = experiment.economics.benefit.metric
    name = money_column(benefit, experiment)
    column = replace(library[benefit].needs(shape, library).columns[0], id=name, cap=None)
    found = {name: without_tax(column) if holds_tax(experiment) else column}
    for metric_id in (c.per_event for c in experiment.economics.costs if c.per_event in library):
        assert metric_id is not None
        name = uncapped_column(metric_id, experiment)
        found[name] = replace(library[metric_id].needs(shape, library).columns[0], id=name, cap=None)
    for line in experiment.economics.costs:
        if line.per_event is not None and line.per_event not in library:
            kind = "column" if shape == "units" else "sum"
            found[line.per_event] = UnitColumn(line.per_event, kind, source=line.per_event)  # type: ignore[arg-type]
        found |= {column.id: column for column in event_columns(line, experiment)}
    return found


def _money_blocks(experiment: Experiment, ask: Callable[[UnitColumn], None]) -> Iterator[Block]:
    """Benefit and cost over the window, with revenue and orders, and by month where a horizon needs it."""
    assert experiment.economics is not None
    money, library = economics_columns(experiment), experiment.library
    covariates = library[experiment.economics.benefit.metric].needs(experiment.shape, library).covariates
    months = {c.id: c for c in horizon_columns(experiment, tuple(money.values()))}
    beside = {c.id: c for c in returns_columns(experiment, next(iter(money.values())))}
    for column in (*money.values(), *months.values(), *beside.values()):
        ask(column)
    yield Block(ECONOMICS, tuple(money), covariates)
    if beside:
        yield Block(RETURNS, (*money, *beside), covariates)
    if months:
        yield Block(HORIZON, (*money, *months), covariates)
