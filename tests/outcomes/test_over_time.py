"""Money by period since assignment: each day holds what a window that ends on that day would hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loyalty_exp.errors import ContractBreach
from loyalty_exp.outcomes.clock import Clock, midnight
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.outcomes import OFFER, Outcomes, OverTime, Sums
from loyalty_exp.outcomes.periods import periods_of
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.moments import from_rows

from .ledger_data import ENGINES, POINTS, ledger, write
from .program_data import made, spec
from .test_engines_agree import same

MEMBERS = [f"m{i}" for i in range(60)]
HOME = {m: f"h{i // 3}" for i, m in enumerate(MEMBERS)}
START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def money(outcomes: Outcomes) -> OverTime:
    assert outcomes.over_time is not None
    return outcomes.over_time


def on(outcomes: Outcomes, day: int) -> Sums:
    found = money(outcomes)
    return found.at[found.ends.index(day)]


def all_same(a: Sums, b: Sums) -> None:
    assert (a.overall.keys(), a.strata.keys(), a.clusters.keys()) == (
        b.overall.keys(),
        b.strata.keys(),
        b.clusters.keys(),
    )
    for arm, moments in a.overall.items():
        same(moments, b.overall[arm])
    for name, arms in a.strata.items():
        for arm, moments in arms.items():
            same(moments, b.strata[name][arm])
    for arm, clusters in a.clusters.items():
        assert clusters.sizes == b.clusters[arm].sizes
        for one, other in zip(clusters.cells, b.clusters[arm].cells, strict=True):
            same(one, other)


def whole(outcomes: Outcomes) -> Sums:
    """The moments that the headline is read from, in the form of the draw."""
    if outcomes.evidence.clusters:
        return Sums(clusters=outcomes.evidence.clusters[None][ECONOMICS])
    if outcomes.strata:
        return Sums(strata={name: blocks[ECONOMICS] for name, blocks in outcomes.strata.items()})
    return Sums(outcomes.overall[ECONOMICS])


def written(folder: Path, seed: int = 5) -> None:
    """Members of twenty homes with orders in lines, refunds, points with claw-backs, coupons and contacts."""
    rng = np.random.default_rng(seed)

    def at(low: int = -86_400 * 9, high: int = 86_400 * 45) -> str:
        return (START + dt.timedelta(seconds=int(rng.integers(low, high)))).isoformat()

    orders: list[tuple[Any, ...]] = []
    points: list[tuple[Any, ...]] = []
    coupons: list[tuple[Any, ...]] = []
    for i in range(500):
        m, moment, amount = str(rng.choice(MEMBERS)), at(), float(rng.integers(100, 9_000)) / 100
        goods = str(rng.choice(["beauty", "food"]))
        orders.append((m, f"o{i}", moment, amount, amount * 0.4, goods, None))
        if rng.random() < 0.4:
            orders.append((m, f"o{i}", moment, amount / 2, amount * 0.2, "food", None))
        if rng.random() < 0.2:
            late = (
                dt.datetime.fromisoformat(moment) + dt.timedelta(days=int(rng.integers(1, 30)))
            ).isoformat()
            orders.append((m, f"r{i}", late, -amount / 2, 0.0, goods, f"o{i}"))
            points.append((m, late, int(amount / 2), "clawback", "base", f"o{i}"))
        points.append((m, moment, int(amount), "earn", str(rng.choice(["base", "bonus"])), f"o{i}"))
        if rng.random() < 0.3:
            coupons.append((m, moment, float(rng.integers(1, 9)), "SPRING"))
    contacts = [(m, at(), "sms") for m in MEMBERS for _ in range(3)]
    write(
        folder,
        {
            "members": ("m,home,tier", [(m, HOME[m], "xy"[int(m[1:]) % 3 == 0]) for m in MEMBERS]),
            "assignments": ("m,arm", [(m, "CT"[int(HOME[m][1:]) % 2]) for m in MEMBERS]),
            "orders": ("m,o,at,amount,cogs,category,refund_of", orders),
            "points": ("m,at,points,kind,lot,o", points),
            "coupons": ("m,at,subsidy,code", coupons),
            "contacts": ("m,at,channel", contacts),
        },
    )


EARN = {"earn": {"per_money": 1.0, "rounding": "floor_per_order"}}
TRIPLE = {"type": "points_multiplier", "multiplier": 3.0}
COSTS: tuple[dict[str, Any], ...] = (
    {"id": "points", "points": "all"},
    {"id": "coupons", "coupons": "all"},
    {"id": "sms", "contacts": "sms", "price": 0.5},
    {"id": "shipping", "per_event": "orders", "price": 4.0},
)
COUNTED = {"id": "orders", "type": "count"}
MARGIN = {"id": "contribution", "type": "margin", "role": "primary", "fulfilment_per_order": 8.0}
LATE = {"schedule": {"refund_days": 60, "data_to": "2026-12-31"}}
"""Refunds and claw-backs count however late, so that a shorter window takes back as much of what it holds."""


def program(engine: str, **changes: Any) -> Experiment:
    suffix = ".parquet" if engine == "duckdb" else ""
    sold = {"table": f"orders{suffix}", "order": "o", "time": "at", "amount": "amount", "cogs": "cogs"}
    sold |= {"refund_of": "refund_of", "category": "category", "lines": True}
    table = {"table": f"points{suffix}", "time": "at", "points": "points", "kind": "kind", "lot": "lot"}
    base: dict[str, Any] = {
        "data": {"transactions": sold, "points": table | {"order": "o"}},
        "metrics": ({**MARGIN, "covariates": ("pre",)}, COUNTED),
        "economics": {"benefit": {"metric": "contribution"}, "costs": COSTS},
        **LATE,
    }
    base["schedule"] = {**LATE["schedule"], "pre_days": 8, **changes.pop("schedule", {})}
    base["data"] |= changes.pop("data", {})
    return ledger(engine, ("coupons", "contacts"), **{**base, **changes})


CASES: Mapping[str, dict[str, Any]] = {
    "event tables": {},
    "households": {"cluster": "home"},
    "strata": {"assignment": {"salt": "s", "strata": ("tier",)}},
    "points by rule under a cap": {
        "program": {"points": {**POINTS, **EARN}},
        "data": {"points": None},
        "arms": (
            {"id": "C", "share": 0.5},
            {"id": "T", "share": 0.5, "intervention": {**TRIPLE, "caps": {"points_per_member": 150}}},
        ),
        "economics": {"benefit": {"metric": "contribution"}, "costs": COSTS[:2]},
    },
    "households with points under a cap": {
        "cluster": "home",
        "program": {"points": {**POINTS, **EARN}},
        "data": {"points": None},
        "arms": (
            {"id": "C", "share": 0.5},
            {"id": "T", "share": 0.5, "intervention": {**TRIPLE, "caps": {"points_per_member": 150}}},
        ),
        "economics": {"benefit": {"metric": "contribution"}, "costs": COSTS[:1]},
    },
    "whether anything was bought": {
        "metrics": ({"id": "bought", "type": "proportion", "role": "primary"},),
        "economics": {"benefit": {"metric": "bought", "value": 30.0}, "costs": COSTS[1:2]},
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made_here = tmp_path_factory.mktemp("over_time")
    written(made_here)
    return made_here


@pytest.mark.parametrize("case", CASES)
def test_every_day_holds_what_a_window_that_ends_on_it_holds(folder: Path, case: str) -> None:
    found = collect(program("duckdb", **CASES[case]), folder)
    assert money(found).ends == tuple(range(1, 32))
    for day in (1, 2, 9, 17, 30, 31):
        shorter = {**CASES[case], "schedule": {"outcome_days": day}}
        all_same(on(found, day), whole(collect(program("duckdb", **shorter), folder)))


@pytest.mark.parametrize("case", CASES)
def test_engines_give_the_same_money_by_day(folder: Path, case: str) -> None:
    changes = {"economics": {**program("duckdb", **CASES[case]).economics.model_dump(), "post_days": 10}}  # type: ignore[union-attr]
    one, other = (money(collect(program(engine, **{**CASES[case], **changes}), folder)) for engine in ENGINES)
    assert one.ends == other.ends
    for a, b in zip(one.at, other.at, strict=True):
        all_same(a, b)
    assert one.beside is not None and other.beside is not None
    all_same(one.beside, other.beside)


@pytest.mark.parametrize("moments", [True, False], ids=["moments", "dates"])
def test_engines_agree_where_members_enter_on_many_days(tmp_path: Path, moments: bool) -> None:
    made(tmp_path, moments=moments)
    changes: dict[str, Any] = {"assignment": {"salt": "s", "strata": ("tier",)}}
    one, other = (collect(spec(engine, **changes), tmp_path) for engine in ENGINES)
    for a, b in zip(money(one).at, money(other).at, strict=True):
        all_same(a, b)
    all_same(money(one).at[-1], whole(one))


def test_a_window_past_the_data_is_followed_for_those_whose_window_is_over(tmp_path: Path) -> None:
    made(tmp_path, moments=False)
    found = collect(spec(schedule={"data_to": "2026-05-10"}), tmp_path)
    assert any(found.immature.values())
    all_same(money(found).at[-1], whole(found))
    units = {arm: m.n for arm, m in found.overall[ECONOMICS].items()}
    assert units == found.units_analyzed
    assert all({arm: m.n for arm, m in sums.overall.items()} == units for sums in money(found).at)

    none = collect(spec(schedule={"data_to": "2026-04-20"}), tmp_path)
    assert all(m.n == 0 for sums in money(none).at for m in sums.overall.values())


def small(folder: Path, rows: list[tuple[Any, ...]], **changes: Any) -> Outcomes:
    """Four members, A and B in control; orders of 100 with goods for 40, unless a row says otherwise."""
    write(
        folder,
        {
            "members": ("m", [(m,) for m in "ABCD"]),
            "assignments": ("m,arm", [("A", "C"), ("B", "C"), ("C", "T"), ("D", "T")]),
            "orders": ("m,o,at,amount,cogs,category,refund_of", rows),
            "coupons": ("m,at,subsidy,code", [("C", "2026-03-02T09:00:00Z", 5.0, "X")]),
        },
    )
    sold = {"table": "orders.parquet", "order": "o", "time": "at", "amount": "amount", "cogs": "cogs"}
    sold |= {"refund_of": "refund_of", "category": "category"}
    base: dict[str, Any] = {
        "data": {"transactions": sold},
        "schedule": {"outcome_days": 4, "refund_days": 3},
        "metrics": ({"id": "contribution", "type": "margin", "role": "primary"},),
        "economics": {"benefit": {"metric": "contribution"}, "costs": ({"id": "c", "coupons": "all"},)},
    }
    return collect(ledger("duckdb", ("coupons",), **{**base, **changes}), folder)


def order(m: str, o: str, at: str, goods: str = "food", amount: float = 100.0, of: str | None = None) -> Any:
    return (m, o, f"2026-03-{at}Z", amount, 40.0 if of is None else 0.0, goods, of)


ROWS = [
    order("A", "1", "01T00:00:00"),
    order("A", "2", "04T23:59:59", "beauty"),
    order("A", "3", "05T00:00:00"),
    order("C", "4", "02T10:00:00", "beauty"),
    order("C", "5", "03T10:00:00", "beauty", amount=-100.0, of="4"),
    order("C", "6", "04T10:00:00"),
    order("D", "7", "03T00:00:00"),
    order("D", "8", "07T23:00:00", amount=-10.0, of="7"),
    order("D", "9", "08T00:00:00", amount=-20.0, of="7"),
]
"""A refund comes back without its goods: order 4 brings 60 and takes back 100, both on day 2."""


def test_by_hand(tmp_path: Path) -> None:
    found = money(small(tmp_path, ROWS))
    assert (found.step, found.ends, found.beside) == (1, (1, 2, 3, 4), None)
    benefit = {"A": (60, 60, 60, 120), "B": (0, 0, 0, 0), "C": (0, -40, -40, 20), "D": (0, 0, 50, 50)}
    coupons = {"A": (0, 0, 0, 0), "B": (0, 0, 0, 0), "C": (0, 5, 5, 5), "D": (0, 0, 0, 0)}
    for i in range(4):
        for arm, members in (("C", "AB"), ("T", "CD")):
            rows = {"contribution": [benefit[m][i] for m in members]}
            rows["$coupons:all"] = [coupons[m][i] for m in members]
            same(found.at[i].overall[arm], from_rows(rows))


def test_the_offer_and_the_promoted_goods_by_hand(tmp_path: Path) -> None:
    offer = {"type": "points_multiplier", "multiplier": 2.0, "categories": ("beauty",)}
    economics = {
        "benefit": {"metric": "contribution"},
        "costs": ({"id": "c", "coupons": "all"},),
        "post_days": 2,
    }
    arms = ({"id": "C", "share": 0.5}, {"id": "T", "share": 0.5, "intervention": offer})
    found = money(small(tmp_path, ROWS, economics=economics, arms=arms))
    assert (found.offer_days, found.scopes) == (2, {"$scope:0": ("beauty",)})
    assert found.beside is not None
    for arm, rows in (
        ("C", {"contribution": [120, 0], OFFER: [60, 0], "$scope:0": [60, 0]}),
        ("T", {"contribution": [20, 50], OFFER: [-40, 0], "$scope:0": [-40, 0]}),
    ):
        same(found.beside.overall[arm], from_rows(rows))


def test_an_order_whose_lines_stand_at_several_times_counts_once_on_its_first_day(tmp_path: Path) -> None:
    rows = [order("A", "1", "01T10:00:00"), order("A", "1", "02T10:00:00"), order("C", "2", "01T10:00:00")]
    sold = {"table": "orders.parquet", "order": "o", "time": "at", "amount": "amount", "cogs": "cogs"}
    metric = {"id": "contribution", "type": "margin", "role": "primary", "fulfilment_per_order": 8.0}
    found = small(tmp_path, rows, metrics=(metric,), data={"transactions": sold | {"lines": True}})
    assert money(found).at[0].overall["C"].mean_of("contribution") == pytest.approx(112 / 2)
    all_same(money(found).at[-1], whole(found))


def test_a_category_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    offer = {"type": "points_multiplier", "multiplier": 2.0, "categories": ("beauty",)}
    arms = ({"id": "C", "share": 0.5}, {"id": "T", "share": 0.5, "intervention": offer})
    sold = {"table": "orders.parquet", "order": "o", "time": "at", "amount": "amount", "cogs": "cogs"}
    with pytest.raises(ContractBreach, match="shelf"):
        small(tmp_path, ROWS, arms=arms, data={"transactions": sold | {"category": "shelf"}})


def test_days_are_those_of_the_wall_clock_where_clocks_change(tmp_path: Path) -> None:
    """Clocks in Berlin went forward on 29 March 2026, so the second day has 23 hours."""
    rows = [
        order("A", "1", "28T22:59:59"),
        order("A", "2", "28T23:00:00"),
        order("A", "3", "29T21:59:59"),
        order("A", "4", "29T22:00:00"),
        order("C", "5", "30T21:59:59"),
        order("C", "6", "30T22:00:00"),
    ]
    found = money(
        small(
            tmp_path,
            rows,
            program={"timezone": "Europe/Berlin"},
            schedule={"start": "2026-03-28", "outcome_days": 4},
        )
    )
    orders = {"C": (1, 3, 4, 4), "T": (0, 0, 1, 2)}
    for i in range(4):
        for arm in "CT":
            assert found.at[i].overall[arm].mean_of("contribution") * 2 == pytest.approx(60 * orders[arm][i])


def test_offsets_change_at_the_second_clocks_do() -> None:
    clock = Clock(True, "Europe/Berlin", "UTC", None, dt.date(2026, 3, 1), dt.date(2026, 10, 1))
    hour = 3_600_000_000
    spring = midnight(dt.date(2026, 3, 29), "UTC") + hour
    autumn = midnight(dt.date(2026, 10, 25), "UTC") + hour
    assert periods_of(clock, 40, 9).offsets == ((spring, hour), (autumn, 2 * hour), (None, hour))
    assert periods_of(Clock(True, "UTC", "UTC", None, clock.first, clock.last), 40, 9).offsets == ((None, 0),)


@pytest.mark.parametrize(
    ("days", "units", "step", "count"),
    [
        (1, 0, 1, 1),
        (31, 300_000, 1, 31),
        (32, 300_000, 7, 5),
        (217, 300_000, 7, 31),
        (218, 300_000, 14, 16),
        (3660, 300_000, 119, 31),
        (28, 357_142, 1, 28),
        (28, 357_143, 7, 4),
        (28, 2_500_001, 14, 2),
        (28, 100_000_000, 28, 1),
    ],
)
def test_periods_are_days_or_whole_weeks_and_few(days: int, units: int, step: int, count: int) -> None:
    clock = Clock(False, "UTC", "UTC", None, dt.date(2026, 3, 1), dt.date(2026, 3, 1))
    found = periods_of(clock, days, units)
    assert (found.step, len(found.ends), found.ends[-1]) == (step, count, days)


def test_without_economics_or_on_a_per_unit_table_nothing_is_followed(tmp_path: Path) -> None:
    made(tmp_path)
    assert collect(spec(economics=None, decision={}), tmp_path).over_time is None
