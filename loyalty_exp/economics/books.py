"""Points of one arm beside their cost: what a new redemption rate would change, and the revenue put off."""

from __future__ import annotations

from loyalty_exp.economics.contract_liability import defer, release
from loyalty_exp.economics.points import PointsFlow, PointsPrice, position
from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.cost_columns import BASE, BONUS, CLAWED_BACK, GOODS, PAID, WITH_SALES
from loyalty_exp.readout.points import ContractFacts
from loyalty_exp.spec.points import Points
from loyalty_exp.stats.moments import Moments


def true_up_of(
    points: Points, arm: Moments, charged: float, flow: PointsFlow | None, price: PointsPrice
) -> float | None:
    """Money by which the cost of all points of an arm would change; None where nothing says that it would.

    ``cost of a point x (points expected by now - charged)``, within what the points used so far allow
    (:func:`~loyalty_exp.economics.points.position`).

    Parameters
    ----------
    charged : float
        Points that the cost lines expect to be redeemed.
    flow : PointsFlow or None
        Points used so far, which no rate can undo; None where they are unknown, or older ones were used.
    """
    base, bonus = points.redemption_rate.base, points.redemption_rate.bonus or points.redemption_rate.base
    revised = base.revised is not None or bonus.revised is not None
    net = {BASE: arm.n * arm.mean_of(BASE), BONUS: arm.n * arm.mean_of(BONUS)}
    wanted = sum(
        net[lot] * (rate.mean if rate.revised is None else rate.revised)
        for lot, rate in ((BASE, base), (BONUS, bonus))
    )
    if flow is None or not flow.net_issued > 0:
        return (wanted - charged) * price.cost if revised else None
    found = position(flow, min(max(wanted / flow.net_issued, 0.0), 1.0), price)
    if not revised and not found.assumption_refuted:
        return None
    return found.accrual_cost - charged * price.cost


def contract_of(
    arm: Moments, redeemed: float | None, rate: float, price: PointsPrice, *, older: bool
) -> ContractFacts | None:
    """Split the price of an arm's orders between goods and points; None where there is nothing to split.

    Points count that were earned on orders, where the table names the order, less those taken back; points
    given without a sale are no part of a sale. Redeemed points are taken to be of both kinds alike. By
    :func:`~loyalty_exp.economics.contract_liability.defer` and
    :func:`~loyalty_exp.economics.contract_liability.release`.

    Parameters
    ----------
    redeemed : float or None
        Points redeemed so far, of all kinds.
    rate : float
        Ultimate redemption rate.
    older : bool
        Whether points from before were used, so that nothing tells which were.
    """
    if PAID not in arm.columns:
        return None
    net = arm.n * (arm.mean_of(BASE) + arm.mean_of(BONUS))
    sold = net
    if WITH_SALES in arm.columns:
        sold = arm.n * (arm.mean_of(WITH_SALES) - arm.mean_of(CLAWED_BACK))
    paid = arm.n * arm.mean_of(PAID)
    goods = arm.n * arm.mean_of(GOODS) if GOODS in arm.columns else paid
    if min(paid, goods, sold) <= 0:
        return None
    try:
        put_off = defer(paid, goods, sold, price.face_value, rate).deferred
    except NotEstimable:
        return None
    if redeemed is None or older:
        return ContractFacts(paid, sold, put_off, None, None)
    found = release(put_off, sold, [redeemed * sold / net], [rate])
    return ContractFacts(paid, sold, put_off, found.revenue[0], found.closing)
