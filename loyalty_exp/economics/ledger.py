"""From cost lines and metrics to a benefit and a cost for each unit, as linear combinations of moments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loyalty_exp.outcomes.plan import cost_driver, money_column
from loyalty_exp.spec.economics import CostLine
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.moments import Moments

BENEFIT, COST = "$benefit", "$cost"


def line_column(line: CostLine) -> str:
    """Name of the column that carries one cost line."""
    return f"$line:{line.id}"


@dataclass(frozen=True, slots=True)
class Ledger:
    """Benefit, cost and each variable cost line for one arm.

    Attributes
    ----------
    moments : Moments
        Columns ``BENEFIT``, ``COST``, one for each variable cost line, then the covariates; money per unit.
    constants : mapping of column to float
        Cost that every unit of the arm causes. Kept apart, because what does not vary must not be adjusted.
    """

    moments: Moments
    constants: Mapping[str, float]


def open_ledger(experiment: Experiment, arm: str, raw: Moments, covariates: tuple[str, ...]) -> Ledger:
    """Price the columns of one arm.

    Parameters
    ----------
    raw : Moments
        The economics block of the arm: benefit column, event columns, covariates.
    """
    economics = experiment.economics
    assert economics is not None
    column = money_column(economics.benefit.metric, experiment)
    worth = economics.benefit.margin or economics.benefit.value or 1.0
    weights: dict[str, Mapping[str, float]] = {BENEFIT: {column: worth}}
    constants: dict[str, float] = {}
    cost: dict[str, float] = {}
    lines: dict[str, Mapping[str, float]] = {}
    for line in economics.costs:
        if line.fixed is not None:
            continue
        name = line_column(line)
        lines[name] = {}
        if not causes(line, arm, experiment):
            continue
        driver = cost_driver(line, experiment)
        if driver is None:
            constants[name] = _price(line.per_unit)
            constants[COST] = constants.get(COST, 0.0) + constants[name]
        else:
            lines[name] = {driver: _price(line.price)}
            cost[driver] = cost.get(driver, 0.0) + _price(line.price)
    weights |= {COST: cost, **lines, **{c: {c: 1.0} for c in covariates}}
    return Ledger(raw.combine(weights), constants)


def causes(line: CostLine, arm: str, experiment: Experiment) -> bool:
    """Tell whether an arm causes a cost line: as the spec says, else treatments, and for events every arm."""
    if line.arms is not None:
        return arm in line.arms
    return line.per_event is not None or arm != experiment.control


def fixed_per_unit(experiment: Experiment, arm: str, units: Mapping[str, int]) -> dict[str, float]:
    """Fixed cost lines of an arm, each divided by the units of all arms that share it."""
    economics = experiment.economics
    assert economics is not None
    out: dict[str, float] = {}
    for line in economics.costs:
        if line.fixed is None or not causes(line, arm, experiment):
            continue
        sharing = sum(n for a, n in units.items() if causes(line, a, experiment))
        out[line.id] = line.fixed / sharing if sharing else 0.0
    return out


def _price(price: float | str | None) -> float:
    if not isinstance(price, (int, float)):
        raise TypeError(f"price '{price}' was not resolved")
    return float(price)
