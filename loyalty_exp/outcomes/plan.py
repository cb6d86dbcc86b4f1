"""What is asked of the engine: all per-unit columns, and which of them need cross-products together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.estimators.estimator import Evidence
from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.cost_columns import COUPONS, POINTS, coupon_columns, event_columns, points_columns
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


def cost_driver(line: CostLine, experiment: Experiment) -> str | None:
    """Id of the per-unit column that counts the events of a cost line; None for other lines."""
    if line.per_event is None:
        return None
    return (
        line.per_event
        if line.per_event not in experiment.library
        else money_column(line.per_event, experiment)
    )


def money_column(metric_id: str, experiment: Experiment) -> str:
    """Id of the per-unit column that carries a metric into the money: never capped."""
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
        blocks.append(_economics_block(experiment, ask))
        for name, asked in ((POINTS, points_columns), (COUPONS, coupon_columns)):
            found = tuple(asked(experiment))
            for column in found:
                ask(column)
            if found:
                blocks.append(Block(name, tuple(c.id for c in found), (), crossed=False))
    if covariates:
        blocks.append(Block(BALANCE, (), tuple(covariates), crossed=False))
    return Plan(tuple(columns.values()), tuple(blocks))


def _economics_block(experiment: Experiment, ask: Callable[[UnitColumn], None]) -> Block:
    assert experiment.economics is not None
    library, shape = experiment.library, experiment.shape
    outcome: dict[str, None] = {}
    for metric_id in (
        experiment.economics.benefit.metric,
        *(c.per_event for c in experiment.economics.costs if c.per_event in library),
    ):
        assert metric_id is not None
        column = library[metric_id].needs(shape, library).columns[0]
        name = money_column(metric_id, experiment)
        ask(replace(column, id=name, cap=None))
        outcome[name] = None
    for line in experiment.economics.costs:
        if line.per_event is not None and line.per_event not in library:
            kind = "column" if shape == "units" else "sum"
            ask(UnitColumn(line.per_event, kind, source=line.per_event))  # type: ignore[arg-type]
            outcome[line.per_event] = None
        for column in event_columns(line, experiment):
            ask(column)
            outcome[column.id] = None
    benefit = library[experiment.economics.benefit.metric].needs(shape, library)
    return Block(ECONOMICS, tuple(outcome), benefit.covariates)
