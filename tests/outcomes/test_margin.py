"""Contribution margin from its parts: tax, tender, refunds, goods back, currencies, lines; both engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loyalty_exp.errors import ContractBreach
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.outcomes import Outcomes

from .ledger_data import ENGINES, ledger, write

HEADER = "m,o,at,amount,cogs,refund_of,refund_cogs,restockable,discount,currency"
PARTS = {"fulfilment_per_order": 8.0, "payment_fee_rate": 0.006, "return_handling": 6.0}
DAY = "2026-03-05T10:00:00Z"


def row(
    order: str, amount: float, cogs: float = 0.0, at: str = DAY, m: str = "t", **more: Any
) -> tuple[Any, ...]:
    cells = {
        "refund_of": None,
        "refund_cogs": None,
        "restockable": None,
        "discount": 0.0,
        "currency": "CNY",
        **more,
    }
    return (m, order, at, amount, cogs, *(cells[c] for c in HEADER.split(",")[5:]))


def margins(
    folder: Path,
    engine: str,
    *rows: tuple[Any, ...],
    metric: dict[str, Any] | None = None,
    mapped: dict[str, Any] | None = None,
    **changes: Any,
) -> Outcomes:
    """Collect the margin of one treated member; a control member has nothing but one order."""
    write(
        folder,
        {
            "members": ("m", [("t",), ("c",)]),
            "assignments": ("m,arm", [("t", "T"), ("c", "C")]),
            "orders": (HEADER, [*rows, row("other", 50.0, 20.0, m="c")]),
        },
    )
    asked = {"id": "contribution", "type": "margin", "role": "primary", **PARTS, **(metric or {})}
    revenue = {"id": "revenue", "type": "margin", "basis": "net_revenue"}
    suffix = ".parquet" if engine == "duckdb" else ""
    data = {"table": f"orders{suffix}", "order": "o", "time": "at", "amount": "amount", "cogs": "cogs"}
    data |= {"refund_of": "refund_of", **(mapped or {})}
    experiment = ledger(
        engine, metrics=(asked, revenue), data={"transactions": data}, economics=None, **changes
    )
    return collect(experiment, folder)


def of_treated(outcomes: Outcomes, metric: str = "contribution") -> float:
    return outcomes.overall[metric]["T"].mean_of(metric)


VAT = {"vat": {"rate": 0.13}}


@pytest.mark.parametrize("engine", ENGINES)
def test_an_order_brings_its_amount_less_tax_goods_fulfilment_and_fee(tmp_path: Path, engine: str) -> None:
    order = row("o1", 113.0, 40.0)
    taxed = margins(tmp_path, engine, order, program=VAT)
    assert of_treated(taxed) == pytest.approx(100 - 40 - 8 - 0.006 * 113, rel=1e-12)
    assert of_treated(taxed, "revenue") == pytest.approx(100)
    plain = margins(tmp_path, engine, order, program={"vat": {"rate": 0.13, "included": False}})
    assert of_treated(plain) == pytest.approx(113 - 40 - 8 - 0.006 * 113, rel=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("back", ["none", "refund_cogs", "restockable"])
def test_refunding_all_leaves_no_revenue_and_what_does_not_come_back(
    tmp_path: Path, engine: str, back: str
) -> None:
    mapped = {back: back} if back != "none" else {}
    rows = (
        row("o1", 113.0, 40.0),
        row("r1", -113.0, 40.0, refund_of="o1", refund_cogs=40.0, restockable=1),
    )
    outcomes = margins(tmp_path, engine, *rows, mapped=mapped, program=VAT)
    goods = 40.0 if back == "none" else 0.0
    assert of_treated(outcomes, "revenue") == pytest.approx(0, abs=1e-12)
    assert of_treated(outcomes) == pytest.approx(-goods - 8 - 0.006 * 113 - 6, rel=1e-12)
    free = dict.fromkeys(PARTS, 0.0)
    assert of_treated(margins(tmp_path, engine, *rows, mapped=mapped, metric=free)) == pytest.approx(-goods)


@pytest.mark.parametrize("engine", ENGINES)
def test_goods_that_cannot_be_sold_again_are_lost(tmp_path: Path, engine: str) -> None:
    rows = (row("o1", 100.0, 40.0), row("r1", -100.0, 40.0, refund_of="o1", restockable=0))
    outcomes = margins(tmp_path, engine, *rows, mapped={"restockable": "restockable"})
    assert of_treated(outcomes) == pytest.approx(-40 - 8 - 0.6 - 6)


@pytest.mark.parametrize("engine", ENGINES)
def test_points_and_coupons_are_a_way_to_pay(tmp_path: Path, engine: str) -> None:
    order = row("o1", 80.0, 40.0, discount=20.0)
    paid = of_treated(margins(tmp_path, engine, order, mapped={"discount": "discount"}))
    tender = {"discount_is_tender": True}
    whole = of_treated(margins(tmp_path, engine, order, mapped={"discount": "discount"}, metric=tender))
    assert whole == pytest.approx(100 - 40 - 8 - 0.006 * 80)
    assert whole - paid == pytest.approx(20)


@pytest.mark.parametrize("engine", ENGINES)
def test_fulfilment_is_paid_once_an_order_of_several_lines(tmp_path: Path, engine: str) -> None:
    rows = (
        row("o1", 60.0, 10.0),
        row("o1", 40.0, 10.0),
        row("r1", -10.0, refund_of="o1"),
        row("r1", -5.0, refund_of="o1"),
        row("o2", 10.0, 1.0),
    )
    outcomes = margins(tmp_path, engine, *rows, mapped={"lines": True})
    assert of_treated(outcomes) == pytest.approx(110 - 15 - 21 - 2 * 8 - 0.006 * 110 - 6)


RATES = {
    "program": "p",
    "currency": {"code": "CNY"},
    "fx": {"frozen_on": "2026-01-01", "rates": {"HKD": 0.92, "USD": 7.0}},
}


@pytest.mark.parametrize("engine", ENGINES)
def test_other_currencies_count_at_the_frozen_rate(tmp_path: Path, engine: str) -> None:
    rows = (
        row("o1", 100.0, 40.0),
        row("o2", 100.0, 40.0, currency="HKD"),
        row("r2", -50.0, refund_of="o2", currency="HKD"),
        row("o3", 10.0, 4.0, currency="USD"),
    )
    given = {"mapped": {"currency": "currency"}, "program": RATES}
    outcomes = margins(tmp_path, engine, *rows, **given)  # type: ignore[arg-type]
    revenue = 100 + 50 * 0.92 + 70
    assert of_treated(outcomes, "revenue") == pytest.approx(revenue, rel=1e-12)
    fee = 0.006 * (100 + 92 + 70)
    assert of_treated(outcomes) == pytest.approx(revenue - 40 - 40 * 0.92 - 28 - 3 * 8 - fee - 6, rel=1e-12)
    with pytest.raises(ContractBreach, match=r"must be CNY, or a currency with a rate.*HKD, USD") as refusal:
        margins(tmp_path, engine, *rows, row("o4", 1.0, currency="EUR"), **given)  # type: ignore[arg-type]
    assert refusal.value.breaches[0].rule == "one_currency"
    bare = {"program": "p", "currency": {"code": "CNY"}, "fx": None}
    with pytest.raises(ContractBreach, match="must be CNY in every row"):
        margins(tmp_path, engine, *rows, mapped={"currency": "currency"}, program=bare)


def test_money_that_is_not_converted_is_refused_where_currencies_mix(tmp_path: Path) -> None:
    other = {"id": "contribution", "type": "amount", "column": "refund_cogs", "role": "primary"}
    rows = (row("o1", 100.0, refund_cogs=1.0), row("o2", 9.0, refund_cogs=1.0, currency="HKD"))
    write(
        tmp_path,
        {
            "members": ("m", [("t",), ("c",)]),
            "assignments": ("m,arm", [("t", "T"), ("c", "C")]),
            "orders": (HEADER, list(rows)),
        },
    )
    mapped = {"currency": "currency", "cogs": None}
    sold = {"table": "orders.parquet", "order": "o", "time": "at", "amount": "amount", **mapped}
    experiment = ledger(program=RATES, metrics=(other,), data={"transactions": sold}, economics=None)
    with pytest.raises(ContractBreach, match="sums money that is not converted"):
        collect(experiment, tmp_path)


@pytest.mark.parametrize("engine", ENGINES)
def test_parts_that_are_not_there_or_have_the_wrong_sign_are_refused(tmp_path: Path, engine: str) -> None:
    with pytest.raises(ContractBreach, match="orders have no cost of goods") as refusal:
        margins(tmp_path, engine, row("o1", 1.0, None))  # type: ignore[arg-type]
    assert refusal.value.breaches[0].examples == ("1",)
    with pytest.raises(ContractBreach, match="as a negative amount"):
        margins(tmp_path, engine, row("o1", 1.0), row("r1", 1.0, refund_of="o1"))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_margin_before_assignment_is_a_covariate(tmp_path: Path, engine: str) -> None:
    rows = (row("o0", 100.0, 40.0, at="2026-02-20T10:00:00Z"), row("o1", 10.0, 1.0))
    outcomes = margins(tmp_path, engine, *rows, metric={"covariates": ("pre",)}, schedule={"pre_days": 20})
    block = outcomes.overall["contribution"]["T"]
    assert block.mean_of("contribution__pre") == pytest.approx(100 - 40 - 8 - 0.6)
