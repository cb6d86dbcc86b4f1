"""From cost lines and metrics to a benefit and a cost for each unit, as linear combinations of moments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loyalty_exp.economics.points import PointsPrice
from loyalty_exp.outcomes.cost_columns import BASE, BONUS, ORDERS, counts_points, event_columns
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS, cost_driver, money_column
from loyalty_exp.outcomes.returns_columns import REVENUE, revenue_among
from loyalty_exp.readout.sequential import Look
from loyalty_exp.spec.economics import CostLine
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.moments import Moments

BENEFIT, COST = "$benefit", "$cost"

POINTS_AT_ONE = {BASE: "$points_at_one:base", BONUS: "$points_at_one:bonus"}
"""Columns of the cost of all points lines if every point of a lot were redeemed, by the points they count."""


def line_column(line: CostLine) -> str:
    """Name of the column that carries one cost line."""
    return f"$line:{line.id}"


@dataclass(frozen=True, slots=True)
class Ledger:
    """Benefit, cost and each variable cost line for one arm.

    The cost is without what partners pay; the lines are gross.

    Attributes
    ----------
    moments : Moments
        Columns ``BENEFIT``, ``COST``, one for each variable cost line, then the covariates; money per unit.
        ``REVENUE`` and ``ORDERS`` too, where the block tells them.
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
    at_one: dict[str, dict[str, float]] = {BASE: {}, BONUS: {}}
    lines: dict[str, Mapping[str, float]] = {}
    for line in economics.costs:
        if line.fixed is not None:
            continue
        name = line_column(line)
        lines[name] = {}
        if not causes(line, arm, experiment):
            continue
        own = 1 - line.funded_share
        drivers = prices(line, experiment)
        if drivers is None:
            constants[name] = _price(line.per_unit)
            constants[COST] = constants.get(COST, 0.0) + own * constants[name]
            continue
        lines[name] = drivers
        for driver, price in drivers.items():
            cost[driver] = cost.get(driver, 0.0) + own * price
            if line.points is not None:
                lot = at_one[driver]
                lot[driver] = lot.get(driver, 0.0) + own * points_price(experiment).cost
    if counts_points(experiment):
        lines |= {POINTS_AT_ONE[lot]: counted for lot, counted in at_one.items()}
    if (revenue := revenue_among(raw.columns, experiment, column)) is not None:
        lines[REVENUE] = {revenue: 1.0}
    if ORDERS in raw.columns:
        lines[ORDERS] = {ORDERS: 1.0}
    weights |= {COST: cost, **lines, **{c: {c: 1.0} for c in covariates}}
    return Ledger(raw.combine(weights), constants)


def prices(line: CostLine, experiment: Experiment) -> dict[str, float] | None:
    """Give the columns a line counts with the money for one of each; None for a line that counts nothing.

    Points cost face value x cost to face x redemption rate of their lot; coupons and rewards are money.
    """
    driver = cost_driver(line, experiment)
    if driver is not None:
        return {driver: _price(line.price)}
    columns = event_columns(line, experiment)
    if not columns:
        return None
    if line.points is not None:
        cost = points_price(experiment).cost
        return {c.id: cost * redemption_rate(experiment, c.lot) for c in columns}
    return {c.id: 1.0 if line.price is None else _price(line.price) for c in columns}


def points_price(experiment: Experiment) -> PointsPrice:
    """What a redeemed point of the program costs.

    Raises
    ------
    ValueError
        If the program has no points.
    """
    points = experiment.program.points
    if points is None:
        raise ValueError("the program has no points")
    return PointsPrice(points.face_value, points.cost_to_face)


def redemption_rate(experiment: Experiment, lot: str | None) -> float:
    """Assumed share of net issued points of a lot that is ever redeemed."""
    assert experiment.program.points is not None
    rates = experiment.program.points.redemption_rate
    return (rates.bonus if lot == "bonus" and rates.bonus is not None else rates.base).mean


def causes(line: CostLine, arm: str, experiment: Experiment) -> bool:
    """Tell whether an arm causes a cost line: as the spec says, else treatments, and for events every arm."""
    if line.arms is not None:
        return arm in line.arms
    return line.driver not in {"per_unit", "fixed"} or arm != experiment.control


def fixed_per_unit(experiment: Experiment, arm: str, units: Mapping[str, float]) -> dict[str, float]:
    """Fixed cost lines of an arm, gross, each divided by the units of all arms that share it.

    Parameters
    ----------
    units : mapping of arm to float
        Assigned units, as of :func:`sharing_units`.
    """
    economics = experiment.economics
    assert economics is not None
    out: dict[str, float] = {}
    for line in economics.costs:
        if line.fixed is None or line.scope == "rollout" or not causes(line, arm, experiment):
            continue
        sharing = sum(n for a, n in units.items() if causes(line, a, experiment))
        out[line.id] = line.fixed / sharing if sharing else 0.0
    return out


def _price(price: float | str | None) -> float:
    if not isinstance(price, (int, float)):
        raise TypeError(f"price '{price}' was not resolved")
    return float(price)


def own_fixed(experiment: Experiment, gross: Mapping[str, float]) -> float:
    """Sum fixed cost lines without what partners pay.

    Parameters
    ----------
    gross : mapping of line to float
        Money a unit, as of :func:`fixed_per_unit`.
    """
    assert experiment.economics is not None
    own = {line.id: 1 - line.funded_share for line in experiment.economics.costs}
    return sum(x * own[name] for name, x in gross.items())


def sharing_units(outcomes: Outcomes, look: Look | None) -> dict[str, int]:
    """Count the units of each arm that share a fixed cost.

    Before the planned end it is shared by the units that are planned, not by those there so far.
    """
    grows = look.grows_by if look is not None else 1.0
    return {arm: round(moments.n * grows) for arm, moments in outcomes.overall[ECONOMICS].items()}
