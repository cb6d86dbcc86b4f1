"""The ledger: what points, coupons, perks, contacts and referrals cost, and what the page is told of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes.ledger_data import ledger, write

from loyalty_exp.economics.appraise import appraise
from loyalty_exp.economics.outlook import outlook
from loyalty_exp.economics.summaries import points_of_arm
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.cost_columns import (
    BASE,
    BONUS,
    CLAWED_BACK,
    EXPIRED,
    ISSUED_BASE,
    ISSUED_BONUS,
    REDEEMED,
)
from loyalty_exp.readout.money import EconomicsFacts
from loyalty_exp.stats.moments import from_rows

N, FIXED = 200, 400.0
MEMBERS = [f"m{i:03d}" for i in range(N)]
ARM = {m: "CT"[i % 2] for i, m in enumerate(MEMBERS)}
ALL = ("points", "coupons", "perks", "contacts", "referrals")
LINES: tuple[dict[str, Any], ...] = (
    {"id": "points", "points": "all"},
    {"id": "coupons", "coupons": "all"},
    {"id": "shipping", "perks": "free_shipping", "price": 8.0},
    {"id": "sms", "contacts": "sms", "price": 0.05, "arms": ("T",)},
    {"id": "friends", "referrals": "all", "funded_share": 0.25},
    {"id": "set_up", "fixed": 500.0, "funded_share": 0.4},
)


def moment(rng: np.random.Generator) -> str:
    return f"2026-03-{rng.integers(1, 31):02d}T{rng.integers(0, 24):02d}:00:00Z"


def tables(scale: float = 1.0, seed: int = 11) -> dict[str, tuple[str, list[tuple[Any, ...]]]]:
    """Orders of which half use a coupon in treatment; points earned, taken back, redeemed and expired."""
    rng = np.random.default_rng(seed)
    orders, coupons, points, perks, contacts, referrals = ([] for _ in range(6))
    for m in MEMBERS:
        treated = ARM[m] == "T"
        for k in range(int(rng.poisson(2.4 if treated else 2.0))):
            at, amount = moment(rng), float(np.round(rng.gamma(3, 30), 2)) * scale
            off = 5.0 * scale if treated and rng.random() < 0.5 else 0.0
            orders.append((m, f"{m}.{k}", at, amount - off, 0.4 * amount, None, off))
            if off:
                coupons.append((m, at, off, "A"))
            points.append((m, at, int(amount / scale), "earn", "base"))
            if treated:
                points.append((m, at, 2 * int(amount / scale), "earn", "bonus"))
            if rng.random() < 0.3:
                points.append((m, at, int(amount / scale) // 4, "clawback", "base"))
            if rng.random() < 0.4:
                points.append((m, at, int(amount / scale) // 2, "redeem", None))
            if rng.random() < 0.1:
                points.append((m, at, 3, "expire", "base"))
        perks += [(m, moment(rng), "free_shipping", 1.0)] * int(rng.poisson(0.3))
        contacts += [(m, moment(rng), "sms")] * int(rng.poisson(2))
        referrals += [(m, moment(rng), 20.0 * scale)] * int(rng.poisson(0.1))
    return {
        "members": ("m", [(m,) for m in MEMBERS]),
        "assignments": ("m,arm", [(m, ARM[m]) for m in MEMBERS]),
        "orders": ("m,o,at,amount,cogs,refund_of,discount", orders),
        "points": ("m,at,points,kind,lot", points),
        "coupons": ("m,at,subsidy,code", coupons),
        "perks": ("m,at,perk,quantity", perks),
        "contacts": ("m,at,channel", contacts),
        "referrals": ("m,at,reward", referrals),
    }


def money(
    folder: Path, lines: tuple[dict[str, Any], ...] = LINES, tender: bool = True, **points: Any
) -> EconomicsFacts:
    sold = {"table": "orders.parquet", "order": "o", "time": "at", "amount": "amount", "cogs": "cogs"}
    sold |= {"refund_of": "refund_of", "discount": "discount"}
    valued = {
        "face_value": 0.01,
        "cost_to_face": 0.9,
        "redemption_rate": {"base": {"mean": 0.72}, "bonus": {"mean": 0.85}},
        **points,
    }
    experiment = ledger(
        events=ALL,
        data={"transactions": sold},
        program={"points": valued},
        metrics=({"id": "contribution", "type": "margin", "role": "primary", "discount_is_tender": tender},),
        economics={"benefit": {"metric": "contribution"}, "costs": lines},
    )
    return appraise(experiment, collect(experiment, folder))[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("ledger")
    write(made, tables())
    return made


def per_unit(name: str, value: Any, when: Any = lambda row: True) -> float:
    """Mean of treatment less mean of control, by hand."""
    sums = dict.fromkeys("CT", 0.0)
    for row in tables()[name][1]:
        if when(row):
            sums[ARM[row[0]]] += value(row)
    return (sums["T"] - sums["C"]) / (N / 2)


def net_points(lot: str) -> float:
    sign = {"earn": 1, "clawback": -1}
    return per_unit("points", lambda r: sign.get(r[3], 0) * r[2], lambda r: (r[4] or "base") == lot)


def test_each_line_costs_what_its_events_cost(folder: Path) -> None:
    facts = money(folder)
    lines = {c.id: c for c in facts.cost_lines}
    wanted = {
        "points": 0.009 * (0.72 * net_points("base") + 0.85 * net_points("bonus")),
        "coupons": per_unit("coupons", lambda r: r[2]),
        "shipping": 8 * per_unit("perks", lambda r: r[3]),
        "sms": 0.05 * per_unit("contacts", lambda r: 1.0, lambda r: ARM[r[0]] == "T"),
        "friends": 0.75 * per_unit("referrals", lambda r: r[2]),
        "set_up": 0.6 * 500 / (N / 2),
    }
    assert {k: c.per_unit for k, c in lines.items()} == pytest.approx(wanted, rel=1e-9)
    assert sum(c.per_unit for c in lines.values()) == pytest.approx(facts.cost.estimate, rel=1e-12)
    assert lines["friends"].funded == pytest.approx(lines["friends"].per_unit / 3)
    assert lines["set_up"].funded_total == pytest.approx(200)
    assert lines["points"].funded == 0


def test_a_partner_who_pays_all_leaves_the_gross_to_be_seen(folder: Path) -> None:
    (line,) = money(folder, ({"id": "c", "coupons": "all", "funded_share": 1.0},)).cost_lines
    assert line.per_unit == 0
    assert line.funded == pytest.approx(per_unit("coupons", lambda r: r[2]))


def test_a_coupon_as_a_cost_or_off_the_revenue_leaves_the_net_benefit(folder: Path) -> None:
    gross = money(folder, ({"id": "c", "coupons": "all"}, {"id": "mail", "per_unit": 0.1}))
    net = money(folder, ({"id": "mail", "per_unit": 0.1},), tender=False)
    assert gross.net_benefit.estimate == pytest.approx(net.net_benefit.estimate, rel=1e-12)
    assert gross.net_benefit.std_error == pytest.approx(net.net_benefit.std_error, rel=1e-9)
    assert gross.benefit.estimate > net.benefit.estimate


def test_all_money_times_seven_is_seven_times_the_money(tmp_path: Path, folder: Path) -> None:
    write(tmp_path, tables(7.0))
    lines = tuple({**x, **({"price": 7 * x["price"]} if "price" in x else {})} for x in LINES[:-1])
    one, seven = money(folder, LINES[:-1]), money(tmp_path, lines, face_value=0.07)
    assert seven.net_benefit.estimate == pytest.approx(7 * one.net_benefit.estimate, rel=1e-9)
    assert seven.net_benefit.std_error == pytest.approx(7 * one.net_benefit.std_error, rel=1e-9)
    assert seven.points is not None and one.points is not None
    assert seven.points.break_even.value == pytest.approx(one.points.break_even.value)


def test_points_accrue_to_what_is_burned_and_what_is_owed(folder: Path) -> None:
    facts = money(folder)
    points = facts.points
    assert points is not None
    for arm in points.arms:
        assert arm.units == N / 2
        assert arm.net_issued == pytest.approx(arm.issued_base + arm.issued_bonus - arm.clawed_back)
        assert arm.outstanding == pytest.approx(arm.net_issued - arm.redeemed - arm.expired)
        assert arm.accrual_cost == pytest.approx(arm.burn_cost + arm.closing_liability, rel=1e-12)
        assert not arm.opening_balance_used and not arm.assumption_refuted
    assert points.arms[1].issued_bonus == 0 < points.arms[1].issued_base
    gap = points.per_unit
    assert gap.net_issued == pytest.approx(net_points("base") + net_points("bonus"))
    assert gap.accrual_cost == pytest.approx(gap.burn_cost + gap.closing_liability, rel=1e-12)
    (line,) = (c for c in facts.cost_lines if c.id == "points")
    assert gap.accrual_cost == pytest.approx(line.per_unit, rel=1e-9)
    assert points.total.accrual_cost == pytest.approx(line.total, rel=1e-9)
    assert points.cost_per_point == pytest.approx(0.009)


def test_at_the_break_even_rate_the_net_benefit_is_nothing(folder: Path) -> None:
    found = money(folder, (*LINES[:1], {"id": "set_up", "fixed": FIXED})).points
    assert found is not None and found.break_even.status == "inside"
    rate = {"base": {"mean": found.break_even.value}}
    even = money(folder, (*LINES[:1], {"id": "set_up", "fixed": FIXED}), redemption_rate=rate)
    assert even.net_benefit.estimate == pytest.approx(0, abs=1e-9)
    assert money(folder, LINES[1:2]).points is None
    cheap = money(folder, LINES[:1], face_value=1e-9).points
    assert cheap is not None and cheap.break_even.value is None
    assert cheap.break_even.status == "profitable_at_any_rate"


def test_points_from_before_that_are_used_make_what_is_owed_fall(tmp_path: Path) -> None:
    made = tables()
    made["points"] = (made["points"][0], [("m001", "2026-03-04T10:00:00Z", 100, "redeem", "base")])
    write(tmp_path, made)
    points = money(tmp_path, LINES[:1]).points
    assert points is not None
    treated = points.arms[0]
    assert treated.opening_balance_used and treated.outstanding is None
    assert (treated.accrual_cost, treated.burn_cost) == (0, pytest.approx(0.9))
    assert treated.closing_liability == pytest.approx(-0.9)


def test_coupons_tell_extra_orders_from_those_that_would_have_come(folder: Path) -> None:
    facts = money(folder, (LINES[1], {"id": "mail", "per_unit": 0.1}))
    coupons = facts.coupons
    assert coupons is not None and coupons.not_estimable is None
    orders = per_unit("orders", lambda r: 1.0)
    redeemed = per_unit("coupons", lambda r: 1.0)
    assert coupons.redemptions == pytest.approx(redeemed)
    assert coupons.incremental_orders == pytest.approx(orders)
    assert coupons.incremental_share == pytest.approx(min(max(orders / redeemed, 0), 1))
    assert coupons.deadweight_subsidy == pytest.approx(5 * (redeemed - orders))
    assert coupons.deadweight_subsidy_total == pytest.approx(coupons.deadweight_subsidy * N / 2)
    assert coupons.cost_per_incremental_order == pytest.approx(facts.cost.estimate / orders)
    even = coupons.break_even
    assert even is not None and even.status == "inside"
    assert (coupons.incremental_share > even.value) == (facts.net_benefit.estimate > 0)


def test_coupons_that_nobody_redeemed_have_a_reason_and_no_numbers(tmp_path: Path) -> None:
    made = tables()
    made["coupons"] = (made["coupons"][0], [])
    write(tmp_path, made)
    coupons = money(tmp_path, LINES[1:2]).coupons
    assert coupons is not None and coupons.not_estimable == "not more coupons were redeemed than in control"
    assert coupons.incremental_share is None and coupons.break_even is None


def test_coupons_of_other_codes_and_what_a_partner_pays_stay_out_of_the_reading(folder: Path) -> None:
    whole = money(folder, LINES[1:2]).coupons
    named = money(folder, ({"id": "c", "coupons": ("A",)},)).coupons
    none = money(folder, ({"id": "c", "coupons": ("B",)},)).coupons
    half = money(folder, ({"id": "c", "coupons": "all", "funded_share": 0.5},)).coupons
    assert whole == named
    assert whole is not None and none is not None and half is not None
    assert (none.redemptions, none.subsidy) == (0, 0)
    assert half.subsidy == whole.subsidy
    assert half.deadweight_subsidy == pytest.approx(whole.deadweight_subsidy / 2)


@given(
    flows=st.lists(st.tuples(*(st.integers(0, 10_000) for _ in range(5))), min_size=2, max_size=12),
    rates=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
@settings(max_examples=60, deadline=None)
def test_whatever_members_did_the_cost_is_what_was_burned_and_what_is_owed(
    flows: list[tuple[int, ...]], rates: tuple[float, float]
) -> None:
    """Earned base and bonus, taken back, redeemed, expired: also where points from before are used."""
    base, bonus, back, redeemed, expired = (np.array(x, dtype=float) for x in zip(*flows, strict=True))
    back = np.minimum(back, base)
    rows = {BASE: base - back, BONUS: bonus, ISSUED_BASE: base, ISSUED_BONUS: bonus}
    rows |= {CLAWED_BACK: back, REDEEMED: redeemed, EXPIRED: expired}
    valued = {
        "face_value": 0.01,
        "redemption_rate": {"base": {"mean": rates[0]}, "bonus": {"mean": rates[1]}},
    }
    arm = points_of_arm(ledger(program={"points": valued}), "T", from_rows(rows))
    assert arm.burn_cost is not None and arm.closing_liability is not None
    assert arm.accrual_cost == pytest.approx(arm.burn_cost + arm.closing_liability, rel=1e-9, abs=1e-9)
    assert arm.opening_balance_used == (arm.outstanding is None)
    if not arm.assumption_refuted:
        wanted = 0.01 * (rates[0] * (base - back).sum() + rates[1] * bonus.sum())
        assert arm.accrual_cost == pytest.approx(wanted, rel=1e-6, abs=1e-9)
    if arm.outstanding is not None:
        assert 0 <= arm.expected_future <= arm.outstanding + 1e-6


def test_a_new_redemption_rate_is_told_apart_and_leaves_the_money(folder: Path) -> None:
    planned = {"base": {"mean": 0.72}, "bonus": {"mean": 0.85}}
    revised = {"base": {"mean": 0.72, "revised": 0.8}, "bonus": {"mean": 0.85}}
    before, now = money(folder), money(folder, redemption_rate=revised)
    later = money(folder, redemption_rate={**planned, "base": {"mean": 0.8}})
    assert before.points is not None and now.points is not None and later.points is not None
    assert before.points.per_unit.true_up is None and before.points.arms[0].true_up is None
    assert (now.net_benefit, now.cost, now.roi) == (before.net_benefit, before.cost, before.roi)
    assert now.points.per_unit.accrual_cost == before.points.per_unit.accrual_cost
    found = now.points.per_unit.true_up
    assert found == pytest.approx(0.009 * 0.08 * net_points("base"))
    assert found == pytest.approx(later.cost.estimate - before.cost.estimate)
    assert now.points.total.true_up == pytest.approx(found * N / 2)


def by_hand(arm: str, with_orders: bool) -> tuple[float, float, float, float]:
    """Price paid, goods before coupons, points given with sales, and redeemed points of one arm."""
    made = tables()
    orders = [r for r in made["orders"][1] if ARM[r[0]] == arm]
    points = [r for r in made["points"][1] if ARM[r[0]] == arm]
    sign = {"earn": 1, "clawback": -1}
    net = sum(
        sign.get(kind, 0) * p
        for _, _, p, kind, lot in points
        if not (with_orders and kind == "earn" and lot == "bonus")
    )
    paid = sum(r[3] for r in orders)
    return paid, paid + sum(r[6] for r in orders), net, sum(r[2] for r in points if r[3] == "redeem")


@pytest.mark.parametrize("engine", ["duckdb", "sqlite:///all.db"])
@pytest.mark.parametrize("with_orders", [False, True])
def test_revenue_is_put_off_for_points_given_with_sales(
    tmp_path: Path, engine: str, with_orders: bool
) -> None:
    """With a column of the order, bonus points here are for no sale, and no part of it."""
    made = tables()
    rows = [(*r, None if r[4] == "bonus" else "o1") for r in made["points"][1]]
    made["points"] = ("m,at,points,kind,lot,order_id", rows)
    write(tmp_path, made)
    suffix = ".parquet" if engine == "duckdb" else ""
    sold = {
        "table": f"orders{suffix}",
        "order": "o",
        "time": "at",
        "amount": "amount",
        "discount": "discount",
    }
    held: dict[str, Any] = {"table": f"points{suffix}", "time": "at", "points": "points", "kind": "kind"}
    held |= {"lot": "lot", **({"order": "order_id"} if with_orders else {})}
    experiment = ledger(engine, data={"transactions": {**sold, "cogs": "cogs"}, "points": held})
    points = appraise(experiment, collect(experiment, tmp_path))[0].points
    assert points is not None
    for arm in points.arms:
        paid, goods, given, redeemed = by_hand(arm.arm, with_orders)
        own = given * 0.01 * arm.redemption_rate
        assert arm.contract is not None and arm.contract.released is not None
        assert arm.contract.price == pytest.approx(paid)
        assert arm.contract.points == pytest.approx(given)
        assert arm.contract.deferred == pytest.approx(paid * own / (goods + own), rel=1e-9)
        used = redeemed / arm.net_issued / arm.redemption_rate
        assert arm.contract.released == pytest.approx(arm.contract.deferred * used)
        assert arm.contract.liability == pytest.approx(arm.contract.deferred - arm.contract.released)


@pytest.mark.parametrize("bonus", [{"mean": 0.85, "sd": 0.06}, None])
def test_what_is_not_known_of_redemption_rates_widens_the_money_as_the_program_says(
    folder: Path, bonus: dict[str, float] | None
) -> None:
    """One line counts both lots: each rate moves the points of its own lot, or of both where there is one."""
    rates = {"base": {"mean": 0.72, "sd": 0.04}, **({"bonus": bonus} if bonus else {})}
    valued = {"face_value": 0.01, "cost_to_face": 0.9, "redemption_rate": rates}
    experiment = ledger(events=("points",), program={"points": valued})
    found = collect(experiment, folder)
    (facts,) = appraise(experiment, found)
    (look,) = outlook(experiment, (facts,), lambda *_: (0.0, 0.0))
    each = {
        "redemption_rate_base": -0.009 * net_points("base"),
        "redemption_rate_bonus": -0.009 * net_points("bonus"),
    }
    sds = {"redemption_rate_base": 0.04, "redemption_rate_bonus": 0.06}
    if bonus is None:
        each = {"redemption_rate_base": sum(each.values())}
    assert {a.name for a in look.assumptions} == set(each)
    for a in look.assumptions:
        moved = a.net_benefit_at_high - facts.net_benefit.estimate
        assert moved == pytest.approx(each[a.name] * (a.high - a.base), rel=1e-9)
        assert a.high == pytest.approx(min(a.base + 1.959963984540054 * sds[a.name], 1.0))
    both = look.net_benefit_with_assumptions
    assert both is not None
    variance = facts.net_benefit.std_error**2 + sum((each[n] * sds[n]) ** 2 for n in each)
    assert both.std_error == pytest.approx(variance**0.5, rel=1e-9)


def test_a_rate_that_the_spec_assumes_is_not_assumed_twice(folder: Path) -> None:
    valued = {"face_value": 0.01, "redemption_rate": {"base": {"mean": 0.72, "sd": 0.04}}}
    money = {
        "benefit": {"metric": "contribution"},
        "costs": LINES[:1],
        "assumptions": ({"name": "redemption_rate_base", "low": 0.5, "high": 0.9},),
    }
    experiment = ledger(events=("points",), program={"points": valued}, economics=money)
    found = appraise(experiment, collect(experiment, folder))
    (look,) = outlook(experiment, found, lambda *_: (0.0, 0.0))
    assert [(a.low, a.base, a.high) for a in look.assumptions] == [(0.5, 0.72, 0.9)]
