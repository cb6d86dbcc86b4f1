"""`type: margin` in a spec: what it needs, what it may be benefit of, and what is told of it."""

from __future__ import annotations

import pytest

from loyalty_exp.spec.not_yet_run import refuse_what_is_not_run
from loyalty_exp.spec.read import check_text, read_text

SPEC = """\
experiment: beauty
question: Do double points pay?
program: {program: shop, vat: {rate: 0.13}, currency: {code: CNY}}
unit: m
data:
  members: m.parquet
  transactions: {table: t.parquet, order: o, time: at, amount: amount, cogs: cogs, discount: cut}
  assignments: {table: a.parquet}
  coupons: {table: c.parquet, time: at, subsidy: cut}
arms:
  - {id: control, share: 0.5}
  - {id: coupon, share: 0.5}
schedule: {start: 2026-03-02, outcome_days: 28, data_to: 2026-06-30}
metrics:
  - {id: contribution, type: margin, role: primary, discount_is_tender: true, return_handling: 6}
economics:
  benefit: {metric: contribution}
  costs:
    - {id: coupons, coupons: all}
"""


def told(text: str, severity: str = "error") -> list[tuple[str, str]]:
    return [(p.path, p.message) for p in check_text(text)[1] if p.severity == severity]


def changed(*pairs: tuple[str, str]) -> str:
    text = SPEC
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


def test_a_margin_is_a_benefit_with_tax_and_coupons_and_nothing_is_left_out() -> None:
    assert told(SPEC) == []
    refuse_what_is_not_run(read_text(SPEC))
    column = read_text(SPEC).metrics[0].needs("transactions", {}).columns[0]
    assert (column.kind, column.of_transactions) == ("margin", True)
    assert column.parts is not None and column.parts.return_handling == 6


REFUSED = [
    ([(", cogs: cogs", "")], "metrics[0].type", "needs data.transactions.cogs"),
    ([(", discount: cut}", "}")], "metrics[0].discount_is_tender", "needs data.transactions.discount"),
    (
        [("{metric: contribution}", "{metric: contribution, margin: 0.4}")],
        "economics.benefit.margin",
        "already",
    ),
    (
        [("{metric: contribution}", "{metric: contribution, value: 4}")],
        "economics.benefit.value",
        "is an amount",
    ),
]


@pytest.mark.parametrize(("pairs", "path", "words"), REFUSED, ids=[r[1] for r in REFUSED])
def test_what_it_lacks_is_told_at_its_place(pairs: list[tuple[str, str]], path: str, words: str) -> None:
    found = told(changed(*pairs))
    assert [p for p, _ in found] == [path]
    assert words in found[0][1]


def test_net_revenue_needs_no_cost_of_goods() -> None:
    assert told(changed((", cogs: cogs", ""), ("type: margin,", "type: margin, basis: net_revenue,"))) == []


def test_a_per_unit_table_has_no_orders_to_make_a_margin_of() -> None:
    start, end = SPEC.index("data:"), SPEC.index("schedule:")
    units = "data: {units: u.parquet}\narms: {from_column: arm, control: a, treatments: [b]}\n"
    text = SPEC[:start] + units + SPEC[end:].replace("coupons: all", "per_unit: 1")
    assert ("metrics[0].type", "is made of orders and refunds; a per-unit table has none") in [
        (p, m.split(" | ")[0]) for p, m in told(text)
    ]


def test_coupons_in_cost_and_off_the_revenue_are_a_notice() -> None:
    path = "economics.costs[0].coupons"
    assert path not in dict(told(SPEC, "notice"))
    twice = dict(told(changed(("discount_is_tender: true, ", "")), "notice"))
    assert "counts twice" in twice[path]
