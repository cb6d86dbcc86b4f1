"""Which transactions count: boundaries to the second, clock changes, refunds, maturity, look-ahead."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from loyalty_exp.errors import ContractBreach, EngineError
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.spec.read import read

from .program_data import made, spec

MEMBERS = "member_id,tier,segment\nA,gold,x\nB,gold,y\nC,gold,x\nD,gold,y\n"


def outcomes_of(
    folder: Path,
    rows: list[str],
    *,
    assigned: str = "2026-04-01",
    zone: str = "Europe/Berlin",
    refunds: bool = False,
    data_to: str = "2026-06-30",
    transactions: dict[str, object] | None = None,
    header: str = "",
    assignments: str = "",
    **schedule: object,
) -> Outcomes:
    """Collect spend and orders of four members; A and B in control, C and D in double."""
    (folder / "members.csv").write_text(MEMBERS)
    text = "".join(
        f"{m},{arm},{assigned}\n"
        for m, arm in zip("ABCD", ("control", "control", "double", "double"), strict=True)
    )
    (folder / "assignments.csv").write_text(assignments or f"member_id,arm,assigned_at\n{text}")
    header = header or "member_id,txn_id,ts,amount,margin,reward_cost" + (",refund_of" if refunds else "")
    (folder / "transactions.csv").write_text("\n".join([header, *rows, ""]))
    mapped = {
        "table": "transactions.csv",
        "unit": "member_id",
        "order": "txn_id",
        "time": "ts",
        "amount": "amount",
    }
    if refunds:
        mapped["refund_of"] = "refund_of"
    experiment = spec(
        program={"program": "p", "timezone": zone},
        data={
            "members": "members.csv",
            "assignments": {"table": "assignments.csv", "arm": "arm", "time": "assigned_at"},
            "transactions": {**mapped, **(transactions or {})},
        },
        schedule={"data_to": data_to, **schedule},
        segments=(),
        population={},
        economics=None,
    )
    return collect(experiment, folder)


def spent(outcomes: Outcomes, arm: str = "control", column: str = "spend") -> float:
    block = "orders" if column == "orders" else "spend"
    moments = outcomes.overall[block][arm]
    return moments.mean_of(column) * moments.n


def assigned(*rows: str) -> str:
    return "".join(f"{row}\n" for row in ("member_id,arm,assigned_at", *rows))


BOUNDARIES = [
    ("before the first day, the last second", "2026-03-31T23:59:59+02:00", 0, 1),
    ("the first second of the first day", "2026-04-01T00:00:00+02:00", 1, 0),
    ("the same moment in another offset", "2026-03-31T22:00:00Z", 1, 0),
    ("the last second of the last day", "2026-04-28T23:59:59+02:00", 1, 0),
    ("the first second after the window", "2026-04-29T00:00:00+02:00", 0, 0),
    ("the first second of the pre-period, in winter time", "2026-02-04T00:00:00+01:00", 0, 1),
    ("the last second before the pre-period", "2026-02-03T23:59:59+01:00", 0, 0),
]


@pytest.mark.parametrize(("name", "time", "inside", "before"), BOUNDARIES, ids=[b[0] for b in BOUNDARIES])
def test_local_days_are_half_open(tmp_path: Path, name: str, time: str, inside: int, before: int) -> None:
    outcomes = outcomes_of(tmp_path, [f"A,T1,{time},10,1,0"])
    assert spent(outcomes) == 10 * inside
    assert spent(outcomes, column="spend__pre") == 10 * before


def test_a_day_with_a_clock_change_has_23_hours(tmp_path: Path) -> None:
    rows = [
        "A,T1,2026-03-30T00:00:00+02:00,1,0,0",
        "A,T2,2026-03-29T23:59:59+02:00,10,0,0",
        "A,T3,2026-03-29T00:00:00+01:00,100,0,0",
        "A,T4,2026-03-28T23:59:59+01:00,1000,0,0",
    ]
    outcomes = outcomes_of(tmp_path, rows, assigned="2026-03-29", outcome_days=1, start="2026-03-29")
    assert spent(outcomes) == 110


def test_utc_seconds_begin_at_the_moment_of_assignment(tmp_path: Path) -> None:
    rows = [
        "A,T1,2026-04-01T10:00:00+02:00,1,0,0",
        "A,T2,2026-04-01T09:59:59+02:00,10,0,0",
        "A,T3,2026-04-29T09:59:59+02:00,100,0,0",
        "A,T4,2026-04-29T10:00:00+02:00,1000,0,0",
    ]
    outcomes = outcomes_of(tmp_path, rows, assigned="2026-04-01T08:00:00Z")
    assert spent(outcomes) == 101
    assert spent(outcomes, column="spend__pre") == 10


def test_local_days_may_be_asked_for_with_moments(tmp_path: Path) -> None:
    rows = ["A,T1,2026-04-02T00:00:00+02:00,1,0,0", "A,T2,2026-04-01T23:59:59+02:00,10,0,0"]
    outcomes = outcomes_of(tmp_path, rows, assigned="2026-04-01T22:30:00Z", windows="local_days")
    assert spent(outcomes) == 1


def test_dates_compare_with_dates_whatever_the_zone(tmp_path: Path) -> None:
    rows = [
        "A,T1,2026-04-01,1,0,0",
        "A,T2,2026-03-31,10,0,0",
        "A,T3,2026-04-28,100,0,0",
        "A,T4,2026-04-29,1000,0,0",
    ]
    outcomes = outcomes_of(tmp_path, rows, zone="America/Los_Angeles")
    assert spent(outcomes) == 101


def test_units_have_their_own_windows(tmp_path: Path) -> None:
    assignments = assigned(
        "A,control,2026-04-01", "B,control,2026-04-10", "C,double,2026-04-02", "D,double,2026-04-01"
    )
    rows = [
        f"{m},{m}{i},2026-04-{day}T12:00:00+02:00,{amount},0,0"
        for m in "AB"
        for i, (day, amount) in enumerate((("05", 1), ("30", 10)))
    ]
    outcomes = outcomes_of(tmp_path, rows, assignments=assignments)
    assert spent(outcomes) == 11
    assert {f.code: f.rows for f in outcomes.findings} == {"before_assignment": 1}
    assert outcomes.last_assigned == dt.date(2026, 4, 10)


def test_refunds_count_at_the_time_of_their_order(tmp_path: Path) -> None:
    rows = [
        "A,T1,2026-04-28T12:00:00+02:00,100,0,0,",
        "A,R1,2026-05-03T12:00:00+02:00,-40,0,0,T1",
        "A,R2,2026-05-20T12:00:00+02:00,-30,0,0,T1",
        "B,T2,2026-03-20T12:00:00+01:00,50,0,0,",
        "B,R3,2026-04-05T12:00:00+02:00,-50,0,0,T2",
    ]
    outcomes = outcomes_of(tmp_path, rows, refunds=True, refund_days=14)
    assert spent(outcomes) == 60
    assert spent(outcomes, column="orders") == 1
    assert spent(outcomes, column="spend__pre") == 50
    negative = next(f for f in outcomes.findings if f.code == "negative_amount")
    assert (negative.rows, negative.total, negative.severity) == (3, -120.0, "note")


def test_units_whose_window_is_open_are_left_out(tmp_path: Path) -> None:
    assignments = assigned(
        "A,control,2026-04-01", "B,control,2026-04-10", "C,double,2026-04-02", "D,double,2026-04-03"
    )
    rows = [f"{m},T{m},2026-04-12T12:00:00+02:00,10,0,0" for m in "ABCD"]
    outcomes = outcomes_of(tmp_path, rows, assignments=assignments, data_to="2026-04-30")
    assert outcomes.units == {"control": 2, "double": 2}
    assert outcomes.immature == {"control": 1, "double": 0}
    assert outcomes.units_analyzed == {"control": 1, "double": 2}
    assert outcomes.overall["spend"]["control"].n == 1
    assert outcomes.overall["$balance"]["control"].n == 2
    kept = outcomes_of(tmp_path, rows, assignments=assignments, data_to="2026-04-30", immature="include")
    assert kept.overall["spend"]["control"].n == 2
    last_day = outcomes_of(tmp_path, rows, assignments=assignments, data_to="2026-05-07")
    assert last_day.immature == {"control": 0, "double": 0}


def test_what_lies_after_the_last_complete_day_is_counted_and_left_out(tmp_path: Path) -> None:
    rows = ["A,T1,2026-04-28T23:59:59+02:00,1,0,0", "A,T2,2026-04-29T00:00:00+02:00,10,0,0"]
    outcomes = outcomes_of(tmp_path, rows, outcome_days=20, data_to="2026-04-28")
    late = next(f for f in outcomes.findings if f.code == "after_data_to")
    assert (late.rows, late.total) == (1, 10.0)


def test_who_was_assigned_after_the_end_is_left_out(tmp_path: Path) -> None:
    assignments = assigned(
        "A,control,2026-04-01", "B,control,2026-04-29", "C,double,2026-04-02", "D,double,2026-04-28"
    )
    outcomes = outcomes_of(tmp_path, ["A,T1,2026-04-05T12:00:00Z,1,0,0"], assignments=assignments)
    assert outcomes.units == {"control": 1, "double": 2}
    assert [(f.code, f.rows) for f in outcomes.findings] == [("assigned_after_end", 1)]


def test_orders_that_stand_twice_count_once(tmp_path: Path) -> None:
    row = "A,T1,2026-04-05T12:00:00Z,5,0,0"
    outcomes = outcomes_of(tmp_path, [row, "A,T2,2026-04-05T12:00:00Z,1,0,0", row])
    assert spent(outcomes) == 6
    assert [(f.code, f.rows) for f in outcomes.findings] == [("duplicate_orders", 1)]


def test_lines_of_an_order_are_one_order(tmp_path: Path) -> None:
    row = "A,T1,2026-04-05T12:00:00Z,5,0,0"
    outcomes = outcomes_of(
        tmp_path, [row, "A,T2,2026-04-05T12:00:00Z,1,0,0", row], transactions={"lines": True}
    )
    assert spent(outcomes) == 11
    assert spent(outcomes, column="orders") == 2


def test_wall_clock_times_need_a_zone(tmp_path: Path) -> None:
    rows = ["A,T1,2026-04-01T00:00:00,1,0,0", "A,T2,2026-03-31T23:59:59,10,0,0"]
    with pytest.raises(ContractBreach, match="naive_time_zone"):
        outcomes_of(tmp_path, rows)
    assert spent(outcomes_of(tmp_path, rows, transactions={"naive_time_zone": "Europe/Berlin"})) == 1


def test_numbers_of_seconds_are_no_times(tmp_path: Path) -> None:
    with pytest.raises(ContractBreach, match="must hold a time"):
        outcomes_of(tmp_path, ["A,T1,1775000000,1,0,0"], transactions={"naive_time_zone": "UTC"})


def test_transactions_of_nobody_are_counted(tmp_path: Path) -> None:
    outcomes = outcomes_of(tmp_path, ["A,T1,2026-04-05T12:00:00Z,30,0,0", "Z,T2,2026-04-05T12:00:00Z,10,0,0"])
    found = outcomes.findings[0]
    assert (found.code, found.rows, found.total, found.detail["share_of_amount"]) == (
        "unknown_members",
        1,
        10.0,
        0.25,
    )


def test_a_member_in_two_arms_breaks_a_small_experiment(tmp_path: Path) -> None:
    assignments = assigned(
        "A,control,2026-04-01", "A,double,2026-04-01", "C,double,2026-04-02", "B,control,2026-04-28"
    )
    with pytest.raises(ContractBreach, match="more than one arm"):
        outcomes_of(tmp_path, ["A,T1,2026-04-05T12:00:00Z,1,0,0"], assignments=assignments)


TYPES = ["TIMESTAMPTZ", "TIMESTAMPTZ_NS", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S", "DATE"]


@pytest.mark.parametrize("kind", TYPES)
def test_all_types_of_times_are_read(tmp_path: Path, kind: str) -> None:
    rows = (
        "('A', 1, '2026-04-01 00:00:00', 1), ('A', 2, '2026-03-31 23:59:59', 10), ('C', 3, '2026-04-28', 5)"
    )
    names = f"m AS member_id, t AS txn_id, w::{kind} AS ts, a::DOUBLE AS amount, a AS margin"
    select = f"SELECT {names} FROM (VALUES {rows})"
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"COPY ({select} v(m, t, w, a)) TO '{tmp_path}/sales.parquet' (FORMAT parquet)")
    change = {"table": "sales.parquet", "naive_time_zone": "UTC"}
    outcomes = outcomes_of(tmp_path, ["A,T1,2026-04-01,1,1,1"], zone="UTC", transactions=change)
    assert (spent(outcomes), spent(outcomes, column="spend__pre"), spent(outcomes, "double")) == (1, 10, 5)


def test_a_span_of_years_is_read_and_a_mistaken_one_refused(tmp_path: Path) -> None:
    sale = ["A,T1,2026-04-05T12:00:00Z,1,0,0"]
    rows = ["A,control,2026-04-01", "B,control,2028-04-10", "C,double,2026-04-02", "D,double,2026-04-03"]
    outcomes = outcomes_of(tmp_path, sale, assignments=assigned(*rows), end=None)
    assert outcomes.immature == {"control": 1, "double": 0}
    rows[1] = "B,control,9026-04-10"
    with pytest.raises(EngineError, match="surely a mistake"):
        outcomes_of(tmp_path, sale, assignments=assigned(*rows))


def test_a_fall_day_with_a_clock_change_has_25_hours(tmp_path: Path) -> None:
    rows = [
        "A,T1,2026-10-25T23:59:59+01:00,1,0,0",
        "A,T2,2026-10-26T00:00:00+01:00,10,0,0",
        "A,T3,2026-10-25T00:00:00+02:00,100,0,0",
    ]
    dates = {"start": "2026-10-25", "end": "2026-10-25", "outcome_days": 1}
    outcomes = outcomes_of(tmp_path, rows, assigned="2026-10-25", data_to="2026-12-31", **dates)
    assert spent(outcomes) == 101


def test_lost_ids_arms_and_units_are_refused(tmp_path: Path) -> None:
    sale = ["A,T1,2026-04-05T12:00:00Z,1,0,0"]
    for rows, words in (
        (["A,control,2026-04-01", "Z,double,2026-04-01"], "assigned units are not in members.csv"),
        (["A,control,2026-04-01", "B,treble,2026-04-01"], "does not name: 'treble'"),
        (["A,control,2026-04-01", ",double,2026-04-01"], "the unit id is missing"),
        (["A,control,2026-04-01", "B,,2026-04-01"], "the arm is missing"),
        (["A,control,2026-04-01", "B,double,"], "must hold a time"),
        (["A,control,2026-04-01", "B,control,2026-04-01"], "arm double has 0 members"),
    ):
        with pytest.raises(ContractBreach, match=words):
            outcomes_of(tmp_path, sale, assignments=assigned(*rows))
    for sale, words in (
        (["A,T1,2026-04-05T12:00:00Z,,0,0"], "values are missing"),
        (["A,T1,2026-04-05T12:00:00Z,inf,0,0"], "NaN or infinite"),
        (["A,T1,2026-04-05T12:00:00Z,1,x,0"], "not a number"),
        (["A,T1,someday,1,0,0"], "must hold a time"),
        (["A,,2026-04-05T12:00:00Z,1,0,0"], "the order id is missing"),
    ):
        with pytest.raises(ContractBreach, match=words):
            outcomes_of(tmp_path, sale)


def test_seconds_are_refused_where_the_data_hold_only_dates(tmp_path: Path) -> None:
    spec = Path(__file__).parents[2] / "experiments" / "double_points.yaml"
    text = spec.read_text(encoding="utf-8").replace("data/", f"{spec.parent}/data/")
    text = text.replace("data_to:", "windows: utc_seconds, data_to:")
    text = text.replace("program: program.yaml", f"program: {spec.parent}/program.yaml")
    copy = tmp_path / "seconds.yaml"
    copy.write_text(text, encoding="utf-8")
    with pytest.raises(EngineError, match=r"utc_seconds, but the times of data.assignments are dates"):
        collect(read(copy), tmp_path)


@pytest.mark.parametrize(("spelled", "refused"), [("lower(member_id)", True), ("member_id", False)])
def test_tables_that_do_not_belong_together_are_refused(tmp_path: Path, spelled: str, refused: bool) -> None:
    made(tmp_path)
    duckdb.sql(
        f"COPY (SELECT * REPLACE ({spelled} AS member_id) FROM '{tmp_path}/transactions.parquet') "
        f"TO '{tmp_path}/other.parquet' (FORMAT parquet)"
    )
    (tmp_path / "other.parquet").replace(tmp_path / "transactions.parquet")
    if refused:
        with pytest.raises(ContractBreach, match=r"100% of the transactions .* spell the unit alike"):
            collect(spec(), tmp_path)
    else:
        assert "unknown_members" in {f.code for f in collect(spec(), tmp_path).findings}
