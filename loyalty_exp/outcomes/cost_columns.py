"""Which per-unit columns a cost line counts, and which columns the summaries of points and coupons need."""

from __future__ import annotations

from collections.abc import Iterator

from loyalty_exp.grammar import Predicate
from loyalty_exp.metrics.needs import MarginParts, UnitColumn
from loyalty_exp.spec.economics import CostLine
from loyalty_exp.spec.experiment import Experiment

POINTS, COUPONS = "$points", "$coupons"
"""Names of the blocks behind the summaries of points and coupons: means and variances only."""

BASE, BONUS = "$points:base", "$points:bonus"
"""Net points of each lot."""

ISSUED_BASE, ISSUED_BONUS = "$points:issued:base", "$points:issued:bonus"
WITH_SALES, PAID, GOODS = "$points:with_sales", "$points:paid", "$points:goods"
"""Points earned on orders, net revenue of all orders, and the same before coupons and points that paid."""

CLAWED_BACK, REDEEMED, EXPIRED = "$points:clawed_back", "$points:redeemed", "$points:expired"
REDEMPTIONS, SUBSIDY, ORDERS = "$coupons:redemptions", "$coupons:subsidy", "$orders"


def event_columns(line: CostLine, experiment: Experiment) -> tuple[UnitColumn, ...]:
    """Columns of event tables that a cost line is made of; none where it counts no events of a table."""
    data = experiment.data
    if line.points is not None:
        lots = ("base", "bonus") if line.points == "all" else (line.points,)
        return tuple(c for c in net_points(experiment) if c.lot in lots)
    if line.coupons is not None:
        assert data.coupons is not None
        chosen = None if line.coupons == "all" else sorted(line.coupons)
        where = _is(data.coupons.code, chosen) if chosen else ()
        name = "all" if chosen is None else "|".join(chosen)
        return (_summed(f"$coupons:{name}", "coupons", data.coupons.subsidy, where),)
    if line.perks is not None:
        assert data.perks is not None
        where = _is(data.perks.perk, [line.perks])
        return (_summed(f"$perks:{line.perks}", "perks", data.perks.quantity, where),)
    if line.contacts is not None:
        assert data.contacts is not None
        where = _is(data.contacts.channel, [line.contacts])
        return (_summed(f"$contacts:{line.contacts}", "contacts", None, where),)
    if line.referrals is not None:
        assert data.referrals is not None
        return (_summed("$referrals:all", "referrals", data.referrals.reward, ()),)
    return ()


def net_points(experiment: Experiment) -> tuple[UnitColumn, UnitColumn]:
    """Net points of both lots: of the points table, else by the rule of the program."""
    table = experiment.data.points
    if table is None:
        return (
            UnitColumn(BASE, "sum", "base", table="earned", lot="base"),
            UnitColumn(BONUS, "sum", "bonus", table="earned", lot="bonus"),
        )
    return (
        UnitColumn(BASE, "net", table.points, table="points", lot="base"),
        UnitColumn(BONUS, "net", table.points, table="points", lot="bonus"),
    )


def counts_points(experiment: Experiment) -> bool:
    """Tell whether a cost line counts points."""
    economics = experiment.economics
    return economics is not None and any(line.points is not None for line in economics.costs)


def counts_coupons(experiment: Experiment) -> bool:
    """Tell whether a cost line counts coupons."""
    economics = experiment.economics
    return economics is not None and any(line.coupons is not None for line in economics.costs)


def points_columns(experiment: Experiment) -> Iterator[UnitColumn]:
    """Columns of the points summary."""
    if not counts_points(experiment):
        return
    yield from net_points(experiment)
    yield UnitColumn(PAID, "margin", parts=MarginParts(basis="net_revenue"))
    sold = experiment.data.transactions
    if sold is not None and sold.discount is not None:
        yield UnitColumn(GOODS, "margin", parts=MarginParts(basis="net_revenue", discount_is_tender=True))
    table = experiment.data.points
    if table is None:
        return
    earned = _is(table.kind, ["earn"])
    if table.order is not None:
        ordered = (*earned, Predicate(field=table.order, op="not_null"))
        yield UnitColumn(WITH_SALES, "sum", table.points, where=ordered, table="points")
    yield UnitColumn(ISSUED_BASE, "sum", table.points, where=earned, table="points", lot="base")
    yield UnitColumn(ISSUED_BONUS, "sum", table.points, where=earned, table="points", lot="bonus")
    for name, kind in ((CLAWED_BACK, "clawback"), (REDEEMED, "redeem"), (EXPIRED, "expire")):
        yield _summed(name, "points", table.points, _is(table.kind, [kind]))


def coupon_columns(experiment: Experiment) -> Iterator[UnitColumn]:
    """Columns of the coupons summary: redemptions of the coupons that cost lines count, subsidy, orders."""
    table = experiment.data.coupons
    if table is None or not counts_coupons(experiment):
        return
    where = coupon_codes(experiment)
    redeemed = (*where, Predicate(field=table.subsidy, op=">", value=0.0))
    yield UnitColumn(REDEMPTIONS, "events", where=redeemed, table="coupons")
    yield _summed(SUBSIDY, "coupons", table.subsidy, where)
    yield UnitColumn(ORDERS, "orders")


def coupon_codes(experiment: Experiment) -> tuple[Predicate, ...]:
    """Condition of the coupons that cost lines count; none where a line counts all, or no line counts any."""
    assert experiment.economics is not None and experiment.data.coupons is not None
    named = [line.coupons for line in experiment.economics.costs if line.coupons is not None]
    codes = sorted({code for given in named if given != "all" for code in given})
    return _is(experiment.data.coupons.code, codes) if codes and "all" not in named else ()


def _is(name: str | None, values: list[str]) -> tuple[Predicate, ...]:
    assert name is not None
    return (Predicate(field=name, op="in", value=list(values)),)


def _summed(name: str, table: str, source: str | None, where: tuple[Predicate, ...]) -> UnitColumn:
    return UnitColumn(name, "sum" if source else "events", source, where=where, table=table)  # type: ignore[arg-type]
