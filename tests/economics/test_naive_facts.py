"""Comparisons that are not causal, from tables to the readout: by hand, on both shapes and both engines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from outcomes.ledger_data import ENGINES, ledger, write

from loyalty_exp.outcomes.collect import collect
from loyalty_exp.pipeline import conclude
from loyalty_exp.readout.naive import NaiveFigureFacts
from loyalty_exp.readout.result import Readout
from loyalty_exp.spec.experiment import Experiment

MEMBERS = [(f"m{i}", "1" if i < 6 else "0") for i in range(9)]
"""Six members, then three people outside the program."""

ARM = {"m0": "T", "m1": "T", "m2": "T", "m3": "T", "m4": "C", "m5": "C"}
ORDERS = [
    ("m0", 40.0, "2026-02-20"), ("m0", 60.0, "2026-03-05"),
    ("m1", 20.0, "2026-02-25"), ("m1", 30.0, "2026-03-09"),
    ("m2", 10.0, "2026-03-20"),
    ("m4", 12.0, "2026-02-15"), ("m4", 30.0, "2026-03-02"),
    ("m6", 8.0, "2026-03-03"), ("m7", 4.0, "2026-03-04"), ("m7", 99.0, "2026-02-03"),
]  # fmt: skip
SCHEDULE = {"pre_days": 62, "outcome_days": 31, "refund_days": 0}
OUTSIDE = {"compare": "members", "outside": [{"field": "enrolled", "op": "==", "value": "0"}]}


def tables(folder: Path) -> None:
    orders = [
        (m, f"o{i}", f"{day}T10:00:00Z", amount, 0.0, None) for i, (m, amount, day) in enumerate(ORDERS)
    ]
    write(
        folder,
        {
            "members": ("m,enrolled", MEMBERS),
            "assignments": ("m,arm", list(ARM.items())),
            "orders": ("m,o,at,amount,cogs,refund_of", orders),
            "coupons": (
                "m,at,subsidy,code",
                [(m, "2026-03-06T10:00:00Z", 5.0, "A") for m in ("m0", "m3", "m4")],
            ),
            "exposures": ("m,at", [("m0", "2026-03-02T10:00:00Z"), ("m1", "2026-03-02T10:00:00Z")]),
        },
    )


def spec(engine: str, *naive: Any, **changes: Any) -> Experiment:
    given: dict[str, Any] = {
        "schedule": SCHEDULE,
        "metrics": ({"id": "spend", "type": "amount", "column": "amount", "role": "primary"},),
        "economics": {"benefit": {"metric": "spend"}, "costs": (), "naive": naive},
        "analysis": {"min_cell": 2},
    } | changes
    found = ledger(engine, ("coupons",), **given)
    suffix = ".parquet" if engine == "duckdb" else ""
    exposures = {"table": f"exposures{suffix}", "time": "at"}
    plain = json.loads(found.model_dump_json(by_alias=True))
    plain["data"]["exposures"] = exposures
    return Experiment.model_validate_json(json.dumps(plain))


def read(experiment: Experiment, folder: Path) -> Readout:
    return conclude(experiment, collect(experiment, folder))


def figures(experiment: Experiment, folder: Path) -> list[NaiveFigureFacts]:
    (found,) = read(experiment, folder).naive
    assert (found.treatment, found.control, found.metric) == ("T", "C", "spend")
    return list(found.figures)


@pytest.mark.parametrize("engine", ENGINES)
def test_before_and_after_takes_as_many_days_before(tmp_path: Path, engine: str) -> None:
    tables(tmp_path)
    asked = {"compare": "before_after", "market_growth": 0.25}
    plain, adjusted = figures(spec(engine, asked), tmp_path)
    # 62 days before hold 40 + 20, so 31 of them hold half of it: 7.5 a member of four. After: 100 / 4.
    assert (plain.units, plain.units_other) == (4, 4)
    assert (plain.mean, plain.mean_other) == (pytest.approx(25.0), pytest.approx(7.5))
    assert plain.difference == pytest.approx(17.5) and plain.relative == pytest.approx(25 / 7.5 - 1)
    assert adjusted.mean_other == pytest.approx(7.5 * 1.25)
    assert adjusted.relative == pytest.approx(25 / 9.375 - 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_who_took_part_stands_in_the_exposures_else_in_the_coupons(tmp_path: Path, engine: str) -> None:
    tables(tmp_path)
    (seen,) = figures(spec(engine, "participated"), tmp_path)
    assert (seen.units, seen.units_other) == (2, 2)
    assert (seen.mean, seen.mean_other) == (pytest.approx(45.0), pytest.approx(5.0))
    assert seen.relative == pytest.approx(8.0)
    (redeemed,) = figures(spec(engine, {"compare": "participated", "table": "coupons"}), tmp_path)
    assert (redeemed.units, redeemed.units_other) == (2, 2)
    assert (redeemed.mean, redeemed.mean_other) == (pytest.approx(30.0), pytest.approx(20.0))


@pytest.mark.parametrize("engine", ENGINES)
def test_members_are_compared_with_people_outside_the_program(tmp_path: Path, engine: str) -> None:
    tables(tmp_path)
    (found,) = figures(spec(engine, OUTSIDE), tmp_path)
    assert (found.units, found.units_other) == (4, 3)
    assert (found.mean, found.mean_other) == (pytest.approx(25.0), pytest.approx(4.0))
    assert found.relative == pytest.approx(5.25)
    capped = (
        {"id": "spend", "type": "amount", "column": "amount", "role": "primary", "cap": {"upper": 6.0}},
    )
    (low,) = figures(spec(engine, OUTSIDE, metrics=capped), tmp_path)
    assert (low.mean, low.mean_other) == (pytest.approx(4.5), pytest.approx(10 / 3))


def test_what_the_data_do_not_have_is_said(tmp_path: Path) -> None:
    tables(tmp_path)
    share = ({"id": "spend", "type": "proportion", "role": "primary"},)
    worth = {"benefit": {"metric": "spend", "value": 10.0}, "costs": (), "naive": ("before_after", OUTSIDE)}
    before, members = figures(spec("duckdb", metrics=share, economics=worth), tmp_path)
    assert before.not_estimable is not None and "31 days" in before.not_estimable
    assert before.mean is None and members.not_estimable is None
    nobody = OUTSIDE | {"outside": [{"field": "enrolled", "op": "==", "value": "9"}]}
    (found,) = figures(spec("duckdb", nobody), tmp_path)
    assert found.not_estimable == "no one outside the program was found"
    write(tmp_path, {"exposures": ("m,at", [(m, "2026-03-02T10:00:00Z") for m in ARM])})
    (found,) = figures(spec("duckdb", "participated"), tmp_path)
    assert found.not_estimable == "everybody took part"


def test_a_group_as_small_as_a_hidden_segment_is_hidden(tmp_path: Path) -> None:
    tables(tmp_path)
    asked = ("before_after", "participated", OUTSIDE)
    before, took, outside = figures(spec("duckdb", *asked, analysis={"min_cell": 4}), tmp_path)
    assert before.mean is not None
    for hidden in (took, outside):
        assert hidden.not_estimable == "fewer than 4 units in a group"
        assert (hidden.units, hidden.units_other, hidden.mean) == (None, None, None)


def test_people_outside_have_no_window_where_arms_began_on_different_days(tmp_path: Path) -> None:
    tables(tmp_path)
    rows = [(m, arm, f"2026-03-0{1 + i % 2}T00:00:00Z") for i, (m, arm) in enumerate(ARM.items())]
    write(tmp_path, {"assignments": ("m,arm,at", rows)})
    data = {"assignments": {"table": "assignments.parquet", "arm": "arm", "time": "at"}}
    (found,) = figures(spec("duckdb", OUTSIDE, data=data), tmp_path)
    assert found.not_estimable is not None and "different days" in found.not_estimable


def test_nothing_that_decides_changes_with_the_panel(tmp_path: Path) -> None:
    tables(tmp_path)
    asked = ({"compare": "before_after", "market_growth": 0.25}, "participated", OUTSIDE)
    with_panel, without = (read(spec("duckdb", *naive), tmp_path).to_dict() for naive in (asked, ()))
    assert with_panel["naive"] and not without["naive"]
    for key in ("estimates", "economics", "outlook", "decision", "health", "status"):
        assert with_panel[key] == without[key]


def per_unit(folder: Path, *naive: Any) -> Experiment:
    rows = [
        ("a", "t", 10.0, 4.0, 1, 1), ("b", "t", 2.0, 2.0, 0, 1), ("c", "t", 3.0, 6.0, 0, 1),
        ("h", "t", 5.0, 4.0, 1, 1), ("d", "c", 4.0, 4.0, 0, 1), ("e", "c", 2.0, 2.0, 0, 1),
        ("f", "", 1.0, 1.0, 0, 0), ("g", "", 2.0, 1.0, 0, 0),
    ]  # fmt: skip
    connection = duckdb.connect()
    connection.execute("CREATE TABLE u (id TEXT, arm TEXT, spend DOUBLE, was DOUBLE, came INT, enrolled INT)")
    connection.executemany("INSERT INTO u VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.execute(f"COPY u TO '{folder}/units.csv' (HEADER)")
    document = {
        "experiment": "x",
        "question": "Does it pay?",
        "unit": "id",
        "data": {"units": "units.csv"},
        "population": {"include": [{"field": "enrolled", "op": "==", "value": 1}]},
        "arms": {"from_column": "arm", "control": "c", "treatments": ["t"]},
        "metrics": [{"id": "spend", "type": "amount", "column": "spend", "role": "primary"}],
        "economics": {"benefit": {"metric": "spend"}, "naive": list(naive)},
        "analysis": {"min_cell": 2},
    }
    return Experiment.model_validate_json(json.dumps(document))


def test_a_per_unit_table_names_its_columns(tmp_path: Path) -> None:
    members = {"compare": "members", "outside": [{"field": "enrolled", "op": "==", "value": 0}]}
    before_after = {"compare": "before_after", "column": "was"}
    took_part = {"compare": "participated", "column": "came"}
    asked = per_unit(tmp_path, before_after, took_part, members)
    (found,) = read(asked, tmp_path).naive
    before, took, outside = found.figures
    assert (before.mean, before.mean_other, before.relative) == (5.0, 4.0, pytest.approx(0.25))
    assert (took.units, took.mean, took.mean_other) == (2, pytest.approx(7.5), pytest.approx(2.5))
    assert (outside.units_other, outside.mean_other, outside.relative) == (2, 1.5, pytest.approx(5 / 1.5 - 1))
