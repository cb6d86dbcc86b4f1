"""`assign` and `export` at the command line, and the way from made members to a readout."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from loyalty_exp.cli.export import file_name
from loyalty_exp.readout.tables import as_csv


@pytest.fixture
def drawn_spec(tmp_path: Path, call: Callable[..., object]) -> Path:
    """A fresh workspace whose spec draws its arms."""
    folder = tmp_path / "w"
    assert call("init", folder).code == 0  # type: ignore[attr-defined]
    spec = folder / "points_multiplier.yaml"
    text = spec.read_text("utf-8")
    line = "  assignments: {table: data/assignments.parquet, arm: arm, time: assigned_at}\n"
    assert line in text
    spec.write_text(
        text.replace(line, "").replace("\narms:\n", "\nassignment: {salt: pm-2026, strata: [tier]}\narms:\n")
    )
    (folder / "data" / "assignments.parquet").unlink()
    return spec


def test_assign_says_counts_and_checks_and_prints_one_object(
    call: Callable[..., object], drawn_spec: Path
) -> None:
    dry = call("assign", drawn_spec, "--dry-run")
    assert (
        (dry.code, dry.out) == (0, "") and "nothing is written" in dry.err and "sample ratio: p =" in dry.err
    )
    assert not (drawn_spec.parent / "results").exists()
    done = call("assign", drawn_spec, "--json")
    told = json.loads(done.out)
    assert done.code == 0 and told["status"] == "drawn" and set(told["units"]) == {"control", "double"}
    assert "pm-2026" not in done.out + done.err
    again = call("assign", drawn_spec)
    assert again.code == 0 and "unchanged" in again.err


def test_nobody_is_named(call: Callable[..., object], drawn_spec: Path) -> None:
    path = drawn_spec.parent / "data" / "members.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE TABLE m AS SELECT * REPLACE ('person-' || member_id AS member_id) FROM '{path}'"
        )
        connection.execute("INSERT INTO m SELECT * FROM m LIMIT 5")
        connection.execute(f"COPY m TO '{path}' (FORMAT parquet)")
    refused = call("assign", drawn_spec)
    assert refused.code == 3 and "5 ids stand in more than one row" in refused.err
    assert "person-" not in refused.err


def test_made_members_are_drawn_and_read_out(call: Callable[..., object], drawn_spec: Path) -> None:
    before = call("analyze", drawn_spec)
    assert before.code == 4 and "nobody is assigned yet" in before.err
    assert call("assign", drawn_spec).code == 0
    done = call("run", drawn_spec, "--json")
    assert done.code == 0, done.err
    readout = json.loads(done.out)
    folder = drawn_spec.parent / "results" / "points_multiplier"
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT arm, count(*) FROM '{folder}/assignment.parquet' GROUP BY 1"
        ).fetchall()
    assert {a["id"]: a["units"] for a in readout["arms"]} == dict(rows)
    assert readout["status"] != "invalid"


def test_a_changed_salt_is_refused_everywhere(call: Callable[..., object], drawn_spec: Path) -> None:
    assert call("assign", drawn_spec).code == 0
    drawn_spec.write_text(drawn_spec.read_text("utf-8").replace("pm-2026", "pm-2027"))
    for command in ("assign", "analyze", "export"):
        refused = call(command, drawn_spec)
        assert refused.code == 4 and "has changed since: the salt" in refused.err


@pytest.mark.parametrize("form", ["csv", "parquet", "json"])
def test_arm_lists_hold_every_unit_once(call: Callable[..., object], drawn_spec: Path, form: str) -> None:
    call("assign", drawn_spec)
    done = call("export", drawn_spec, "--format", form, "--json")
    assert done.code == 0, done.err
    files = json.loads(done.out)["files"]
    assert [Path(p).name for p in files.values()] == [f"00_control_suppression.{form}", f"01_double.{form}"]
    reader = {"csv": "read_csv", "parquet": "read_parquet", "json": "read_json"}[form]
    with duckdb.connect() as connection:
        got = connection.execute(
            " UNION ALL ".join(
                f"SELECT member_id::BIGINT AS u, arm, list FROM {reader}('{p}')" for p in files.values()
            )
        ).fetchall()
        wanted = connection.execute(
            f"SELECT member_id, arm, if(arm = 'control', 'suppression', 'treatment') "
            f"FROM '{drawn_spec.parent}/results/points_multiplier/assignment.parquet'"
        ).fetchall()
    assert sorted(got) == sorted(wanted)


def test_tables_of_the_readout(call: Callable[..., object], spec: Path) -> None:
    assert call("export", spec, "--what", "tables").code == 4
    assert call("analyze", spec).code == 0
    done = call("export", spec, "--what", "tables", "--json")
    told = json.loads(done.out)
    readout = json.loads((spec.parent / "results" / "hillstrom_email" / "readout.json").read_text("utf-8"))
    assert told["rows"]["estimates"] == len(readout["estimates"])
    with Path(told["files"]["estimates"]).open(encoding="utf-8") as stream:
        first = next(csv.DictReader(stream))
    assert float(first["absolute.estimate"]) == readout["estimates"][0]["absolute"]["estimate"]


def test_external_arms_are_checked_and_exported(call: Callable[..., object], spec: Path) -> None:
    done = call("assign", spec)
    assert done.code == 0 and "assigned elsewhere" in done.err
    assert call("export", spec, "--json").code == 0


def test_csv_cells_are_data_in_a_spreadsheet() -> None:
    cells = ["=1+2", "+1", "-x", "@a", "\tb", "\rc", "a=b", "", None, -5, -0.5, True]
    got = list(csv.reader(as_csv(["=h", *"bcdefghijkl"], [cells]).splitlines()[:1]))
    assert got[0][0] == "'=h"
    line = as_csv([*"abcdefghijkl"], [cells]).split("\n", 1)[1]
    row = next(csv.reader([line.replace("\r", "<CR>").rstrip("\n")]))
    assert row == ["'=1+2", "'+1", "'-x", "'@a", "'\tb", "'<CR>c", "a=b", "", "", "-5", "-0.5", "True"]


def test_file_names_of_arms_stay_in_their_folder() -> None:
    assert file_name(0, "../../evil", True) == "00_______evil_suppression"
    assert file_name(1, "双倍", False) != file_name(2, "三倍", False)


def test_a_list_of_hostile_ids_is_data_in_a_spreadsheet(
    call: Callable[..., object], drawn_spec: Path
) -> None:
    path = drawn_spec.parent / "data" / "members.parquet"
    bad = ["=1+2", "+49 30 1", "-1", "@x", "\tb", 'quote"d', "a,b", "line\nbreak", "007", "会员"]
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE TABLE m AS SELECT * REPLACE ('M' || member_id AS member_id) FROM '{path}' "
        )
        connection.executemany("INSERT INTO m VALUES (?, 'gold', 'online')", [[b] for b in bad])
        connection.execute(f"COPY m TO '{path}' (FORMAT parquet)")
    assert call("assign", drawn_spec).code == 0
    files = json.loads(call("export", drawn_spec, "--json").out)["files"]
    got = set()
    for name in files.values():
        with Path(name).open(encoding="utf-8", newline="") as stream:
            got |= {row["member_id"] for row in csv.DictReader(stream)}
    wanted = {f"'{b}" if b[0] in "=+-@\t" else b for b in bad}
    assert wanted <= got and not [u for u in got if u[0] in "=+-@\t\r"]
