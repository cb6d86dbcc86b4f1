"""The readout as tidy tables: nothing is lost, and every row says what it belongs to."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from report.states import readout

from loyalty_exp.readout.tables import as_csv, tables


def numbers_of(value: Any) -> list[float]:
    """Every number inside a JSON value."""
    if isinstance(value, dict):
        return [n for v in value.values() for n in numbers_of(v)]
    if isinstance(value, list):
        return [n for v in value for n in numbers_of(v)]
    return [] if isinstance(value, (bool, str)) or value is None else [value]


def test_every_number_of_every_list_is_in_a_table() -> None:
    for state in ("ship", "again", "rewards_of_two", "readings"):
        r = readout(state)
        held = {n for t in tables(r).values() for row in t.rows for n in numbers_of(list(row))}
        lists = [v for v in r.values() if isinstance(v, list)]
        assert set(numbers_of(lists)) - held == set()


def test_rows_of_a_nested_table_say_whose_they_are() -> None:
    r = readout("rewards_of_two")
    lines = tables(r)["economics_cost_lines"]
    assert lines.header[:3] == ("treatment", "control", "id")
    first = r["economics"][0]
    wanted = [(first["treatment"], "control", line["id"], line["per_unit"]) for line in first["cost_lines"]]
    assert [row[:4] for row in lines.rows[: len(wanted)]] == wanted


def test_lists_side_by_side_are_read_together_and_curves_name_their_arm() -> None:
    r = readout("again")
    chance = r["outlook"][0]["acceptability"]
    found = tables(r)["outlook_acceptability"]
    assert found.header == ("treatment", "hurdles", "probabilities")
    assert [row[1:] for row in found.rows] == list(
        zip(chance["hurdles"], chance["probabilities"], strict=True)
    )
    curves = tables(r)["repurchase_curves"]
    at = {name: curves.header.index(name) for name in ("arm", "day", "share")}
    point = r["repurchase"][0]["curves"]["double"][1]
    row = next(x for x in curves.rows if x[at["arm"]] == "double" and x[at["day"]] == point["day"])
    assert row[at["share"]] == point["share"]


def test_numbers_of_checks_stand_one_a_row() -> None:
    found = tables(readout("ship"))
    assert found["health"].header == ("check", "status", "p_value")
    assert ("sample_ratio", "observed.control", 48170) in found["health_numbers"].rows
    assert ("guardrails", "unsettled", 1) in found["health_numbers"].rows


def test_csv_reads_back_to_the_same_numbers() -> None:
    table = tables(readout("ship"))["estimates"]
    rows = list(csv.DictReader(io.StringIO(as_csv(table.header, table.rows))))
    at = table.header.index("absolute.estimate")
    assert [float(r["absolute.estimate"]) for r in rows if r["absolute.estimate"]] == [
        row[at] for row in table.rows if row[at] is not None
    ]
    assert len(rows) == len(table.rows)


def test_a_part_that_is_not_known_here_is_a_table_too() -> None:
    r = {"schema": "x", "later": [{"treatment": "a", "steps": [{"day": 1, "to": [1, 2]}]}], "plain": [1, 2]}
    found = tables(r)
    assert list(found) == ["later", "later_steps"]
    assert found["later_steps"].header == ("treatment", "day", "to")
    assert found["later_steps"].rows == (("a", 1, json.dumps([1, 2])),)
