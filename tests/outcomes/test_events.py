"""Event tables become one row a member: sums equal a plain recomputation, and a broken table is refused."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loyalty_exp.errors import ContractBreach
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.cost_columns import BASE, BONUS, CLAWED_BACK, EXPIRED, POINTS, REDEEMED
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.stats.moments import from_rows

from .ledger_data import ENGINES, EVENTS, ledger, write
from .test_engines_agree import all_same, same

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
MEMBERS = [f"m{i:03d}" for i in range(120)]
ARM = {m: "CT"[i % 2] for i, m in enumerate(MEMBERS)}

LINES = (
    {"id": "base", "points": "base"},
    {"id": "bonus", "points": "bonus"},
    {"id": "codes", "coupons": ("A", "B")},
    {"id": "all_coupons", "coupons": "all"},
    {"id": "shipping", "perks": "free_shipping", "price": 8.0},
    {"id": "sms", "contacts": "sms", "price": 0.05},
    {"id": "friends", "referrals": "all"},
)
ALL = ("points", "coupons", "perks", "contacts", "referrals")

Table = list[tuple[Any, ...]]


def moment(rng: np.random.Generator) -> dt.datetime:
    return START + dt.timedelta(seconds=int(rng.integers(-20 * 86400, 80 * 86400)))


def made_events(seed: int = 5, rows: int = 3000) -> dict[str, Table]:
    rng = np.random.default_rng(seed)

    def who() -> str:
        return str(rng.choice([*MEMBERS, "stranger"]))

    def at() -> str:
        return moment(rng).isoformat()

    kinds = ("earn", "earn", "earn", "clawback", "redeem", "expire", "pending")
    lots = ("base", "bonus", None, "other")
    return {
        "points": [
            (who(), at(), int(rng.integers(1, 500)), str(rng.choice(kinds)), lots[rng.integers(0, 4)])
            for _ in range(rows)
        ],
        "coupons": [
            (
                who(),
                at(),
                float(rng.integers(1, 50)) * (1 if rng.random() < 0.9 else -1),
                str(rng.choice(list("ABC"))),
            )
            for _ in range(rows // 3)
        ],
        "perks": [
            (who(), at(), str(rng.choice(["free_shipping", "lounge"])), float(rng.integers(1, 4)))
            for _ in range(rows // 3)
        ],
        "contacts": [(who(), at(), str(rng.choice(["sms", "push"]))) for _ in range(rows // 3)],
        "referrals": [(who(), at(), float(rng.integers(1, 30))) for _ in range(rows // 5)],
    }


HEADERS = {
    "points": "m,at,points,kind,lot",
    "coupons": "m,at,subsidy,code",
    "perks": "m,at,perk,quantity",
    "contacts": "m,at,channel",
    "referrals": "m,at,reward",
}


def rest() -> dict[str, tuple[str, Table]]:
    return {
        "members": ("m", [(m,) for m in MEMBERS]),
        "assignments": ("m,arm", [(m, ARM[m]) for m in MEMBERS]),
        "orders": (
            "m,o,at,amount,cogs,refund_of",
            [(m, f"o{m}", "2026-03-05T10:00:00Z", 100.0 + i, 40.0, None) for i, m in enumerate(MEMBERS)],
        ),
    }


def written(folder: Path, events: dict[str, Table], **types: str) -> None:
    write(folder, rest() | {name: (HEADERS[name], rows) for name, rows in events.items()}, **types)


def spec(
    engine: str = "duckdb", lines: tuple[Any, ...] = LINES, events: tuple[str, ...] = ALL, **changes: Any
) -> Any:
    economics = {"benefit": {"metric": "contribution"}, "costs": lines}
    return ledger(engine, events, economics=economics, **changes)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Table]]:
    folder = tmp_path_factory.mktemp("ledger")
    events = made_events()
    written(folder, events)
    return folder, events


def recomputed(events: dict[str, Table]) -> dict[str, dict[str, dict[str, float]]]:
    """Sum by hand: days of 24 hours in UTC from one day of assignment."""
    ends, late = START + 31 * DAY, START + 46 * DAY
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def inside(at: str, back: bool = False) -> bool:
        return START <= dt.datetime.fromisoformat(at) < (late if back else ends)

    for m, at, points, kind, lot in events["points"]:
        name = BONUS if lot == "bonus" else BASE
        if not inside(at, kind == "clawback"):
            continue
        sums[m][name] += {"earn": points, "clawback": -points}.get(kind, 0)
        if kind in {"clawback", "redeem", "expire"}:
            sums[m][{"clawback": CLAWED_BACK, "redeem": REDEEMED, "expire": EXPIRED}[kind]] += points
    for m, at, subsidy, code in events["coupons"]:
        if inside(at, subsidy < 0):
            sums[m]["$coupons:all"] += subsidy
            sums[m]["$coupons:A|B"] += subsidy if code in "AB" else 0
    for m, at, perk, quantity in events["perks"]:
        sums[m]["$perks:free_shipping"] += quantity if inside(at) and perk == "free_shipping" else 0
    for m, at, channel in events["contacts"]:
        sums[m]["$contacts:sms"] += inside(at) and channel == "sms"
    for m, at, reward in events["referrals"]:
        sums[m]["$referrals:all"] += reward if inside(at) else 0
    names = sorted({name for row in sums.values() for name in row})
    return {
        arm: {name: [sums[m][name] for m in MEMBERS if ARM[m] == arm] for name in names}  # type: ignore[misc]
        for arm in "CT"
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_sums_equal_a_plain_recomputation(data: tuple[Path, dict[str, Table]], engine: str) -> None:
    folder, events = data
    outcomes = collect(spec(engine), folder)
    wanted = recomputed(events)
    for arm in "CT":
        block = outcomes.overall[ECONOMICS][arm]
        columns = [c for c in block.columns if c.startswith("$")]
        assert len(columns) == 7
        same(block.select(columns), from_rows({c: wanted[arm][c] for c in columns}))
        summary = outcomes.overall[POINTS][arm]
        for name in (CLAWED_BACK, REDEEMED, EXPIRED):
            assert summary.mean_of(name) == pytest.approx(np.mean(wanted[arm][name]), rel=1e-12)


def test_engines_agree_on_event_tables(data: tuple[Path, dict[str, Table]]) -> None:
    a, b = (collect(spec(engine), data[0]) for engine in ENGINES)
    all_same(a, b)
    codes = {(f.code, f.detail.get("table")) for f in a.findings}
    assert {("events_of_unknown_members", name) for name in ALL} <= codes
    early = {"data_to": "2026-05-10"}
    a, b = (collect(spec(engine, schedule=early), data[0]) for engine in ENGINES)
    all_same(a, b)
    late = [f for f in a.findings if f.code == "events_after_data_to"]
    assert {f.detail["table"] for f in late} == set(ALL)


def test_another_order_of_rows_changes_nothing_and_doubled_rows_are_told(
    tmp_path: Path, data: tuple[Path, dict[str, Table]]
) -> None:
    _, events = data
    written(tmp_path, {name: rows[::-1] for name, rows in events.items()})
    all_same(collect(spec(), tmp_path), collect(spec(), data[0]))
    written(tmp_path, {name: rows + rows for name, rows in events.items()})
    for engine in ENGINES:
        twice = collect(spec(engine), tmp_path)
        told = {f.detail["table"]: f.rows for f in twice.findings if f.code == "duplicate_events"}
        assert all(told[name] >= len(events[name]) for name in ALL)
        column = twice.overall[ECONOMICS]["T"].mean_of(BASE)
        assert column == pytest.approx(2 * np.mean(recomputed(events)["T"][BASE]))


def blocks(outcomes: Outcomes, arm: str) -> dict[str, float]:
    m = outcomes.overall[ECONOMICS][arm]
    return {c: m.mean_of(c) for c in m.columns}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_table_without_rows_is_as_no_table(tmp_path: Path, engine: str) -> None:
    written(tmp_path, {name: [] for name in ALL})
    empty = collect(spec(engine), tmp_path)
    none = collect(spec(engine, lines=(), events=()), tmp_path)
    for arm in "CT":
        found = blocks(empty, arm)
        assert all(found[c] == 0 for c in found if c.startswith("$"))
        assert found["contribution"] == blocks(none, arm)["contribution"]
    assert empty.findings == none.findings


CUT = [
    ("2026-03-01T00:00:00Z", True, True),
    ("2026-02-28T23:59:59Z", False, False),
    ("2026-03-31T23:59:59Z", True, True),
    ("2026-04-01T00:00:00Z", False, True),
    ("2026-04-15T23:59:59Z", False, True),
    ("2026-04-16T00:00:00Z", False, False),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("at", "earned", "taken"), CUT, ids=[c[0] for c in CUT])
def test_windows_are_half_open_and_what_is_taken_back_has_the_refund_days(
    tmp_path: Path, engine: str, at: str, earned: bool, taken: bool
) -> None:
    written(
        tmp_path,
        {
            "points": [("m001", at, 7, "earn", "base"), ("m003", at, 7, "clawback", "base")],
            "coupons": [("m001", at, 3.0, "A"), ("m003", at, -3.0, "A")],
        },
    )
    lines = ({"id": "p", "points": "all"}, {"id": "c", "coupons": "all"})
    found = blocks(collect(spec(engine, lines, ("points", "coupons")), tmp_path), "T")
    n = len(MEMBERS) / 2
    assert n * found[BASE] == pytest.approx(7 * earned - 7 * taken)
    assert n * found["$coupons:all"] == pytest.approx(3 * earned - 3 * taken)


@pytest.mark.parametrize("engine", ENGINES)
def test_points_of_a_refund_belong_to_the_order_they_were_earned_with(tmp_path: Path, engine: str) -> None:
    rows = [
        ("m001", "2026-02-20T10:00:00Z", 50, "earn", "base", "before"),
        ("m001", "2026-03-02T10:00:00Z", 50, "clawback", "base", "before"),
        ("m001", "2026-03-03T10:00:00Z", 20, "earn", "base", "inside"),
        ("m001", "2026-04-10T10:00:00Z", 5, "clawback", "base", "inside"),
        ("m001", "2026-04-03T10:00:00Z", 30, "earn", "base", "after"),
        ("m001", "2026-04-04T10:00:00Z", 30, "clawback", "base", "after"),
        ("m001", "2026-03-09T10:00:00Z", 9, "clawback", "base", "nowhere"),
        ("m001", "2026-03-09T10:00:00Z", 2, "clawback", "base", None),
    ]
    write(tmp_path, rest() | {"points": ("m,at,points,kind,lot,o", rows)})
    mapped = {
        "table": "points" + (".parquet" if engine == "duckdb" else ""),
        **EVENTS["points"],
        "order": "o",
    }
    experiment = spec(engine, ({"id": "p", "points": "all"},), (), data={"points": mapped})
    outcomes = collect(experiment, tmp_path)
    assert blocks(outcomes, "T")[BASE] * len(MEMBERS) / 2 == pytest.approx(20 - 5 - 2)
    assert [f.rows for f in outcomes.findings if f.code == "taken_back_without_event"] == [1]


BROKEN = {
    "fraction": (
        ("m001", "2026-03-02T10:00:00Z", 1.5, "earn", "base"),
        "whole",
        "points must be whole numbers",
    ),
    "negative": (("m001", "2026-03-02T10:00:00Z", -1.0, "earn", "base"), "non_negative", "the kind says"),
    "empty": (("m001", "2026-03-02T10:00:00Z", None, "earn", "base"), "not_null", "values are missing"),
    "kind": (("m001", "2026-03-02T10:00:00Z", 1.0, "gift", "base"), "known_kind", "earn, clawback, redeem"),
    "no kind": (("m001", "2026-03-02T10:00:00Z", 1.0, None, "base"), "known_kind", "earn, clawback, redeem"),
    "no unit": ((None, "2026-03-02T10:00:00Z", 1.0, "earn", "base"), "unit_not_null", "unit id is missing"),
    "infinite": (("m001", "2026-03-02T10:00:00Z", float("inf"), "earn", "base"), "finite", "infinite"),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_points_table_is_refused_with_count_and_rows(tmp_path: Path, engine: str, name: str) -> None:
    row, rule, words = BROKEN[name]
    good = ("m001", "2026-03-02T10:00:00Z", 4.0, "earn", "base")
    written(tmp_path, {"points": [good, row, good, row, row, row]}, points="DOUBLE")
    with pytest.raises(ContractBreach, match=words) as refusal:
        collect(spec(engine, ({"id": "p", "points": "all"},), ("points",)), tmp_path)
    breach = next(b for b in refusal.value.breaches if b.rule == rule)
    assert (breach.count, breach.examples) == (4, ("2", "4", "5"))
    assert "m001" not in str(refusal.value)


def test_columns_that_are_not_there_and_events_of_strangers_are_refused(tmp_path: Path) -> None:
    written(tmp_path, {"contacts": [("nobody", "2026-03-02T10:00:00Z", "sms")] * 3, "referrals": []})
    with pytest.raises(ContractBreach, match="units that are not in the members table"):
        collect(spec(lines=({"id": "s", "contacts": "sms", "price": 1.0},), events=("contacts",)), tmp_path)
    write(tmp_path, {"contacts": ("m,at,chanel", []), "referrals": ("m,at,rewards", [])})
    lines = ({"id": "s", "contacts": "sms", "price": 1.0}, {"id": "r", "referrals": "all"})
    with pytest.raises(ContractBreach) as refusal:
        collect(spec(lines=lines, events=("contacts", "referrals")), tmp_path)
    assert [b.column for b in refusal.value.breaches] == ["channel", "reward"]
    assert "did you mean chanel" in str(refusal.value)


@pytest.mark.parametrize("engine", ENGINES)
def test_days_of_events_are_local_days_where_orders_have_moments(tmp_path: Path, engine: str) -> None:
    days = ("2026-02-28", "2026-03-01", "2026-03-31", "2026-04-01")
    rows = [("m001", day, "sms") for day in days]
    write(tmp_path, rest() | {"contacts": ("m,day,channel", rows)})
    mapped = {
        "table": "contacts" + (".parquet" if engine == "duckdb" else ""),
        "time": "day",
        "channel": "channel",
    }
    for zone in ("America/New_York", "Asia/Shanghai", "UTC"):
        experiment = spec(
            engine,
            ({"id": "s", "contacts": "sms", "price": 1.0},),
            (),
            data={"contacts": mapped},
            program={"timezone": zone},
        )
        assert blocks(collect(experiment, tmp_path), "T")["$contacts:sms"] * len(
            MEMBERS
        ) / 2 == pytest.approx(2)


@pytest.mark.parametrize("engine", ENGINES)
def test_clusters_and_segments_carry_the_ledger(tmp_path: Path, engine: str) -> None:
    """Cells of a segment join to the whole, and households give the same means as single members."""
    from loyalty_exp.economics.appraise import appraise

    made = rest() | {name: (HEADERS[name], rows) for name, rows in made_events().items()}
    homes = [(m, f"h{i // 4}{ARM[m]}", "new" if i % 3 else "old") for i, m in enumerate(MEMBERS)]
    made["members"] = ("m,home,age", homes)
    write(tmp_path, made)
    alone = spec(engine, segments=({"id": "age"},))
    outcomes = collect(alone, tmp_path)
    for arm in "CT":
        cells = [blocks[ECONOMICS][arm] for blocks in outcomes.segments.values()]
        same(cells[0] + cells[1], outcomes.overall[ECONOMICS][arm])
    together = spec(engine, cluster="home")
    single, joined = (appraise(s, collect(s, tmp_path))[0] for s in (alone, together))
    assert joined.cost.estimate == pytest.approx(single.cost.estimate, rel=1e-9)
    assert joined.cost.std_error != pytest.approx(single.cost.std_error, rel=1e-3)
    assert joined.points is not None and single.points is not None
    assert joined.points.per_unit.net_issued == pytest.approx(single.points.per_unit.net_issued)


def test_csv_tables_with_days_or_moments_as_text_are_read_alike(tmp_path: Path) -> None:
    written(tmp_path, {})
    (tmp_path / "points.csv").write_text(
        "m,at,points,kind,lot\nm001,2026-03-01T00:30:00+01:00,7,earn,base\nm001,2026-03-02T10:00:00Z,5,earn,bonus\n"
    )
    (tmp_path / "contacts.csv").write_text("m,day,channel\nm001,2026-02-28,sms\nm001,2026-03-01,sms\n")
    data = {
        "points": {"table": "points.csv", **EVENTS["points"]},
        "contacts": {"table": "contacts.csv", "time": "day", "channel": "channel"},
    }
    lines = ({"id": "p", "points": "all"}, {"id": "s", "contacts": "sms", "price": 1.0})
    found = blocks(
        collect(spec(lines=lines, events=(), data=data, program={"timezone": "Asia/Tokyo"}), tmp_path), "T"
    )
    n = len(MEMBERS) / 2
    assert [n * found[c] for c in (BASE, BONUS, "$contacts:sms")] == pytest.approx([7, 5, 1])
    (tmp_path / "points.csv").write_text("m,at,points,kind,lot\nm001,2026-03-02T10:00:00Z,7.5,earn,base\n")
    with pytest.raises(ContractBreach, match="whole numbers"):
        collect(spec(lines=lines, events=(), data=data), tmp_path)


@pytest.mark.parametrize("engine", ENGINES)
def test_units_whose_window_is_open_leave_the_ledger(tmp_path: Path, engine: str) -> None:
    """Members assigned on two days, by moments; the data end before the windows of the second day do."""
    first, second = "2026-03-01T09:00:00Z", "2026-03-20T09:00:00Z"
    late = set(MEMBERS[60:])
    made = rest()
    made["assignments"] = ("m,arm,at", [(m, ARM[m], second if m in late else first) for m in MEMBERS])
    rows = [(m, second if m in late else first, 10, "earn", "base") for m in MEMBERS]
    rows += [(m, "2026-03-01T08:59:59Z", 99, "earn", "base") for m in MEMBERS]
    write(tmp_path, made | {"points": ("m,at,points,kind,lot", rows)})
    suffix = ".parquet" if engine == "duckdb" else ""
    experiment = spec(
        engine,
        ({"id": "p", "points": "all"},),
        ("points",),
        data={"assignments": {"table": f"assignments{suffix}", "arm": "arm", "time": "at"}},
        schedule={"start": None, "data_to": "2026-04-10"},
    )
    outcomes = collect(experiment, tmp_path)
    block = outcomes.overall[ECONOMICS]["T"]
    assert (block.n, outcomes.immature["T"]) == (30, 30)
    assert block.mean_of(BASE) == 10
    assert outcomes.overall[POINTS]["T"].n == 30
