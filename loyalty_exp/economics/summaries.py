"""What points and coupons did in a treatment against control, beside the money."""

from __future__ import annotations

from loyalty_exp.economics.books import contract_of, true_up_of
from loyalty_exp.economics.break_even import break_even_redemption_rate
from loyalty_exp.economics.coupons import CouponCampaign, read_coupons
from loyalty_exp.economics.ledger import points_price, redemption_rate
from loyalty_exp.economics.points import PointsFlow, position
from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.cost_columns import (
    BASE,
    BONUS,
    CLAWED_BACK,
    COUPONS,
    EXPIRED,
    ISSUED_BASE,
    ISSUED_BONUS,
    ORDERS,
    POINTS,
    REDEEMED,
    REDEMPTIONS,
    SUBSIDY,
)
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS, money_column
from loyalty_exp.readout.money import CouponFacts
from loyalty_exp.readout.points import BreakEvenFacts, PointsArmFacts, PointsDifference, PointsFacts
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.benefit_cost import BenefitCost
from loyalty_exp.stats.moments import Moments


def points_facts(
    experiment: Experiment,
    outcomes: Outcomes,
    treatment: str,
    pair: BenefitCost,
    at_one: tuple[float, ...],
    points_cost: float,
) -> PointsFacts | None:
    """Summarize points; None where no cost line counts them.

    Parameters
    ----------
    at_one : tuple of float
        Cost of the points lines, treatment less control, money a unit, if every point were redeemed: of base
        and of bonus points. Without what partners pay, as the next.
    points_cost : float
        The same as priced.
    """
    block = outcomes.overall.get(POINTS)
    if block is None:
        return None
    price = points_price(experiment)
    arms = tuple(points_of_arm(experiment, arm, block[arm]) for arm in (treatment, experiment.control))
    found = break_even_redemption_rate(
        pair.delta_benefit, pair.delta_cost - points_cost, pair.fixed, sum(at_one) / price.cost, price
    )
    return PointsFacts(
        arms,
        _difference(arms[0], arms[1], 1),
        _difference(arms[0], arms[1], arms[0].units),
        price.cost,
        BreakEvenFacts(found.value, found.status),
        at_one[0],
        at_one[1],
    )


def points_of_arm(experiment: Experiment, arm: str, moments: Moments) -> PointsArmFacts:
    """Points of one arm, what they cost, and what is still owed (:func:`.points.position`) of them.

    Where more was used than issued, points from before were used: what is owed falls by as much.
    """
    n, price = moments.n, points_price(experiment)

    def total(name: str) -> float:
        return n * moments.mean_of(name)

    net = total(BASE) + total(BONUS)
    wanted = sum(redemption_rate(experiment, lot) * total(c) for c, lot in ((BASE, "base"), (BONUS, "bonus")))
    rate = wanted / net if net > 0 else redemption_rate(experiment, "base")
    points = experiment.program.points
    assert points is not None
    if ISSUED_BASE not in moments.columns:
        unknown = None
        return PointsArmFacts(
            arm, n, unknown, unknown, unknown, net, unknown, unknown, unknown, unknown, rate,
            assumption_refuted=False, opening_balance_used=False,
            accrual_cost=wanted * price.cost, burn_cost=None, closing_liability=None,
            true_up=true_up_of(points, moments, wanted, None, price),
            contract=contract_of(moments, None, rate, price, older=False),
        )  # fmt: skip
    issued = total(ISSUED_BASE), total(ISSUED_BONUS)
    back, redeemed, expired = total(CLAWED_BACK), total(REDEEMED), total(EXPIRED)
    opening, flow = net - redeemed - expired < 0, None
    if opening:
        burn = redeemed * price.cost
        accrual = wanted * price.cost
        outstanding, future, refuted, owed = None, None, False, accrual - burn
    else:
        # Sums of moments are a hair off whole points.
        flow = PointsFlow(net + back, back, redeemed, expired)
        found = position(flow, min(max(rate, 0.0), 1.0), price)
        rate, refuted = found.redemption_rate, found.assumption_refuted
        outstanding, future = found.outstanding, found.expected_future
        accrual, burn, owed = found.accrual_cost, found.burn_cost, found.closing_liability
    return PointsArmFacts(
        arm, n, *issued, back, net, redeemed, expired, outstanding, future, rate,
        assumption_refuted=refuted, opening_balance_used=opening,
        accrual_cost=accrual, burn_cost=burn, closing_liability=owed,
        true_up=true_up_of(points, moments, wanted, flow, price),
        contract=contract_of(moments, redeemed, min(max(rate, 0.0), 1.0), price, older=opening),
    )  # fmt: skip


def _difference(treated: PointsArmFacts, control: PointsArmFacts, units: int) -> PointsDifference:
    """What a treated unit has more than a control unit, times a number of units."""
    if min(treated.units, control.units) < 1:
        raise NotEstimable("no unit in an arm")

    def gap(first: float | None, second: float | None) -> float | None:
        if first is None or second is None:
            return None
        return units * (first / treated.units - second / control.units)

    return PointsDifference(
        units * (treated.net_issued / treated.units - control.net_issued / control.units),
        gap(treated.redeemed, control.redeemed),
        units * (treated.accrual_cost / treated.units - control.accrual_cost / control.units),
        gap(treated.burn_cost, control.burn_cost),
        gap(treated.closing_liability, control.closing_liability),
        _true_up(treated, control, units),
    )


def _true_up(treated: PointsArmFacts, control: PointsArmFacts, units: int) -> float | None:
    """The same of the true-up: an arm whose rates still hold has none, which is 0."""
    if treated.true_up is None and control.true_up is None:
        return None
    return units * ((treated.true_up or 0.0) / treated.units - (control.true_up or 0.0) / control.units)


def coupon_facts(
    experiment: Experiment, outcomes: Outcomes, treatment: str, pair: BenefitCost, coupons_cost: float
) -> CouponFacts | None:
    """Summarize coupons; None where no cost line counts them.

    ``coupons_cost`` is that of the coupon lines, treatment less control, without what partners pay: money a
    unit. The margin of an order that would have come anyway is that of the orders of control. The margin of a
    redeemed order is then the one at which the measured benefit comes out.

    Parameters
    ----------
    coupons_cost : float
        Money a redeemed coupon costs the treatment arm a member.
    """
    block = outcomes.overall.get(COUPONS)
    if block is None:
        return None
    arms = block[treatment], block[experiment.control]
    redeemed, subsidy, orders = (
        arms[0].mean_of(name) - arms[1].mean_of(name) for name in (REDEMPTIONS, SUBSIDY, ORDERS)
    )
    try:
        anyway = _margin_of_an_order(experiment, outcomes, arms[1])
        if redeemed <= 0:
            raise NotEstimable("not more coupons were redeemed than in control")
        other = pair.total_cost - coupons_cost
        if coupons_cost < 0 or other < -1e-9 * abs(coupons_cost):
            raise NotEstimable("the other costs are less than in control")
        margin = (pair.delta_benefit + (redeemed - orders) * anyway) / redeemed
        each = coupons_cost / redeemed
        read = read_coupons(CouponCampaign(redeemed, orders, each, margin, anyway, max(other, 0.0)))
    except NotEstimable as reason:
        return CouponFacts(redeemed, subsidy, orders, None, None, None, None, None, str(reason))
    return CouponFacts(
        redeemed,
        subsidy,
        orders,
        read.incremental_share,
        read.deadweight_subsidy,
        arms[0].n * read.deadweight_subsidy,
        read.cost_per_incremental_order,
        BreakEvenFacts(read.break_even.value, read.break_even.status),
    )


def _margin_of_an_order(experiment: Experiment, outcomes: Outcomes, control: Moments) -> float:
    """Mean margin of an order of control, money."""
    economics = experiment.economics
    assert economics is not None
    orders = control.mean_of(ORDERS)
    if orders <= 0:
        raise NotEstimable("control has no orders")
    worth = economics.benefit.margin or economics.benefit.value or 1.0
    column = money_column(economics.benefit.metric, experiment)
    benefit = outcomes.overall[ECONOMICS][experiment.control].mean_of(column)
    return worth * benefit / orders
