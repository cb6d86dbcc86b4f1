"""What one treatment earned and cost, as the readout tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from loyalty_exp.readout.figures import Interval, Relative, SequentialInterval
from loyalty_exp.readout.points import BreakEvenFacts, PointsFacts
from loyalty_exp.stats.benefit_cost import Roi


@dataclass(frozen=True, slots=True)
class RoiFacts:
    """Return on investment, or why there is none."""

    status: Literal["interval", "unbounded", "not_applicable"]
    quadrant: str
    estimate: float | None
    ci_lower: float | None
    ci_upper: float | None


def roi_facts(found: Roi) -> RoiFacts:
    """Give a return as the readout tells it."""
    return RoiFacts(found.status, found.quadrant, found.estimate, found.ci_lower, found.ci_upper)


@dataclass(frozen=True, slots=True)
class AddedMoney:
    """What one arm brings and costs more than another, a unit, fixed costs included; ROI is of what it adds.

    The return on a second factor on top of the first: together they may pay only because the first does.
    """

    benefit: Interval
    cost: Interval
    net_benefit: Interval
    probability_net_benefit_positive: float | None
    roi: RoiFacts


@dataclass(frozen=True, slots=True)
class CostLineFacts:
    """One cost line: what the treatment causes beyond control, per assigned unit and in total.

    ``per_unit`` and ``total`` are without what a partner pays, which is ``funded``; both together are gross.
    """

    id: str
    per_unit: float
    total: float
    name: Any
    funded: float = 0.0
    funded_total: float = 0.0


@dataclass(frozen=True, slots=True)
class CouponFacts:
    """Coupons of a treatment against control, per assigned unit unless it says total.

    ``incremental_share`` is the part of the redemptions that were extra orders; the subsidy of the others is
    ``deadweight_subsidy``. ``break_even`` is the share at which the coupons pay for themselves.
    """

    redemptions: float
    subsidy: float
    incremental_orders: float
    incremental_share: float | None
    deadweight_subsidy: float | None
    deadweight_subsidy_total: float | None
    cost_per_incremental_order: float | None
    break_even: BreakEvenFacts | None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class SpendFacts:
    """What the money spent brought, treatment less control: revenue and orders a unit, and over the cost.

    ``iroas`` is extra revenue for each unit of money spent, ``cost_per_order`` money for each extra order;
    null with a reason. Revenue is net of refunds and tax, before coupons and points that are a way to pay.
    """

    revenue: Interval | None = None
    iroas: Relative | None = None
    iroas_not_estimable: str | None = None
    orders: Interval | None = None
    cost_per_order: Relative | None = None
    cost_per_order_not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class EconomicsFacts:
    """Money of one treatment against control; per assigned unit unless it says total."""

    treatment: str
    control: str
    window: str
    benefit: Interval
    cost: Interval
    net_benefit: Interval
    net_benefit_total: Interval
    probability_net_benefit_positive: float | None
    probability_roi_above_hurdle: float | None
    roi: RoiFacts
    fixed_per_unit: float
    units: int
    cost_lines: tuple[CostLineFacts, ...]
    points: PointsFacts | None
    net_benefit_sequential: SequentialInterval | None = None
    coupons: CouponFacts | None = None
    spend: SpendFacts | None = None
