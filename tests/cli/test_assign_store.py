"""`assign` beside a store: the draw is recorded, a second one refused, and a table of the database filled."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from postgresql_instead import copy
from store.servers import postgresql

from loyalty_exp.workspace import write_text

ROWS, RECORD = "assignment.parquet", "assignment.json"


@pytest.fixture
def drawing(tmp_path: Path, call: Callable[..., Any]) -> Path:
    """A workspace whose spec draws its arms."""
    folder = tmp_path / "w"
    assert call("init", folder).code == 0
    spec = folder / "points_multiplier.yaml"
    line = "  assignments: {table: data/assignments.parquet, arm: arm, time: assigned_at}\n"
    text = spec.read_text("utf-8").replace(line, "")
    text = text.replace("\narms:\n", "\nassignment: {salt: pm-2026, strata: [tier]}\narms:\n")
    write_text(spec, text)
    return spec


def swap(spec: Path, old: str, new: str) -> None:
    text = spec.read_text("utf-8")
    assert old in text
    write_text(spec, text.replace(old, new))


def twin_of(spec: Path, name: str) -> Path:
    """The same experiment under another id and with another salt."""
    text = spec.read_text("utf-8").replace("experiment: points_multiplier", f"experiment: {name}")
    return write_text(spec.parent / f"{name}.yaml", text.replace("salt: pm-2026", f"salt: {name}-2026"))


def lose_the_files(spec: Path) -> None:
    for name in (ROWS, RECORD):
        (spec.parent / "results" / "points_multiplier" / name).unlink()


def shown(call: Callable[..., Any], spec: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call("show", spec, "--json").out)
    return found


def test_a_draw_is_recorded_with_its_digest_and_moves_the_state(
    call: Callable[..., Any], drawing: Path
) -> None:
    swap(drawing, "start: 2026-04-01", "start: 2030-04-01")
    swap(drawing, "end: 2026-04-28", "end: 2030-04-28")
    swap(drawing, "data_to: 2026-05-30", "data_to: 2030-05-30")
    assert call("lock", drawing).code == 0
    assert shown(call, drawing)["state"] == "locked"
    done = call("assign", drawing, "--json")
    assert done.code == 0 and "store: draw 1 recorded" in done.err
    told = json.loads(done.out)
    (run,) = shown(call, drawing)["assignment_runs"]
    assert (run["digest"], run["counts"]) == (told["digest"], told["units"])
    assert shown(call, drawing)["state"] == "running"
    again = call("assign", drawing)
    assert again.code == 0 and "same draw as draw 1" in again.err
    assert len(shown(call, drawing)["assignment_runs"]) == 1


def test_a_dry_run_and_a_workspace_without_store_record_nothing(
    call: Callable[..., Any], drawing: Path
) -> None:
    assert call("assign", drawing).code == 0
    assert not (drawing.parent / ".loyalty-exp" / "store.db").exists()
    call("lock", drawing)
    lose_the_files(drawing)
    assert call("assign", drawing, "--dry-run").code == 0
    assert shown(call, drawing)["assignment_runs"] == []


def test_a_draw_that_was_killed_before_it_was_recorded_is_recorded_by_the_next_call(
    call: Callable[..., Any], drawing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loyalty_exp.store import registration

    call("lock", drawing)
    with monkeypatch.context() as patch:
        patch.setattr(registration, "record_draw", lambda *a, **k: "killed")
        call("assign", drawing)
    assert shown(call, drawing)["assignment_runs"] == []
    assert "unchanged" in call("assign", drawing).err
    assert len(shown(call, drawing)["assignment_runs"]) == 1


@pytest.mark.parametrize("locked", [True, False])
@pytest.mark.parametrize(
    ("old", "new"),
    [("salt: pm-2026", "salt: pm-2027"), ("share: 0.5}", "share: 0.25}")],
    ids=["salt", "share"],
)
def test_a_changed_salt_or_share_is_refused_through_the_store_alone(
    call: Callable[..., Any], drawing: Path, locked: bool, old: str, new: str
) -> None:
    call("lock", drawing if locked else twin_of(drawing, "other"))
    assert call("assign", drawing).code == 0
    lose_the_files(drawing)
    swap(drawing, old, new)
    if "share" in old:
        swap(drawing, "share: 0.5", "share: 0.75")
    refused = call("assign", drawing)
    assert refused.code == 4, refused.err
    assert not (drawing.parent / "results" / "points_multiplier" / ROWS).exists()
    if locked:
        assert "not what was locked" in refused.err
        amended = call("lock", drawing, "--amend", "marketing wants more of the members treated")
        assert amended.code == 4 and "What was drawn stands" in amended.err
    else:
        assert "with another salt" in refused.err or "units are never drawn a second time" in " ".join(
            refused.err.split()
        )


def test_words_may_be_amended_after_the_draw(call: Callable[..., Any], drawing: Path) -> None:
    call("lock", drawing)
    call("assign", drawing)
    swap(drawing, "name: {en: Double points,", "name: {en: Twice the points,")
    assert call("lock", drawing, "--amend", "a better name for those who read the page").code == 0
    assert call("assign", drawing).code == 0


def test_rows_that_are_gone_come_back_only_byte_for_byte(call: Callable[..., Any], drawing: Path) -> None:
    call("lock", drawing)
    call("assign", drawing)
    before = (drawing.parent / "results" / "points_multiplier" / ROWS).read_bytes()
    lose_the_files(drawing)
    assert call("assign", drawing).code == 0
    assert (drawing.parent / "results" / "points_multiplier" / ROWS).read_bytes() == before
    lose_the_files(drawing)
    path = drawing.parent / "data" / "members.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE m AS SELECT * FROM '{path}' LIMIT 1000")
        connection.execute(f"COPY m TO '{path}' (FORMAT parquet)")
    refused = call("assign", drawing)
    assert refused.code == 4 and "the drawn rows are gone" in refused.err


def test_an_older_file_than_the_store_knows_is_refused(call: Callable[..., Any], drawing: Path) -> None:
    call("lock", twin_of(drawing, "other"))
    plan = "assignment: {salt: pm-2026, ramp: [{from: 2026-04-01, share: 0.2}, {from: 2026-04-08, share: 1}]}"
    swap(drawing, "assignment: {salt: pm-2026, strata: [tier]}", plan)
    home = drawing.parent / "results" / "points_multiplier"
    assert call("assign", drawing, "--as-of", "2026-04-02").code == 0
    old = {name: (home / name).read_bytes() for name in (ROWS, RECORD)}
    assert call("assign", drawing, "--as-of", "2026-04-09").code == 0
    first, second = (sum(r["counts"].values()) for r in shown(call, drawing)["assignment_runs"])
    assert 500 < first < 800 and second == 3170
    for name, content in old.items():
        (home / name).write_bytes(content)
    refused = call("assign", drawing, "--as-of", "2026-04-10")
    assert refused.code == 4 and f"the rows in the folder ({first:,} units) are not the draw" in refused.err


def test_nothing_is_drawn_into_what_is_decided() -> None:
    from loyalty_exp.errors import Refused
    from loyalty_exp.store.life import Facts, may_assign

    may_assign(Facts("e", locked=True, decision="extend"))
    for facts in (Facts("e", locked=True, decision="ship"), Facts("e", decision="stop", archived=True)):
        with pytest.raises(Refused, match="no units are drawn into it"):
            may_assign(facts)


def test_arms_of_another_system_are_recorded_by_their_fingerprint(
    call: Callable[..., Any], workspace: Path
) -> None:
    spec = workspace / "double_points.yaml"
    call("lock", spec)
    done = call("assign", spec, "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    (run,) = shown(call, spec)["assignment_runs"]
    assert told["status"] == "external" and run["digest"] == told["digest"] and len(run["digest"]) == 64
    path = workspace / "data" / "assignments.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE a AS SELECT * FROM '{path}' ORDER BY hash(member_id)")
        connection.execute(f"COPY a TO '{path}' (FORMAT parquet)")
        assert "same draw as draw 1" in call("assign", spec).err  # other order, same arms
        unit, arm = connection.execute("SELECT member_id, arm FROM a LIMIT 1").fetchall()[0]
        moved = "double" if arm == "control" else "control"
        connection.execute("UPDATE a SET arm = ? WHERE member_id = ?", [moved, unit])
        connection.execute(f"COPY a TO '{path}' (FORMAT parquet)")
    assert "draw 2 recorded" in call("assign", spec).err


def test_other_experiments_on_the_same_members_are_told(call: Callable[..., Any], drawing: Path) -> None:
    assert call("assign", drawing).code == 0
    twin = twin_of(drawing, "twin")
    done = call("assign", twin, "--json")
    assert "also in 'points_multiplier': 3,170 units (100.0%)" in done.err
    (overlap,) = json.loads(done.out)["overlaps"]
    assert overlap["experiment"] == "points_multiplier" and overlap["p_value"] > 0.001
    later = twin_of(drawing, "later")
    for old, new in (
        ("start: 2026-", "start: 2027-"),
        ("end: 2026-", "end: 2027-"),
        ("to: 2026-", "to: 2027-"),
    ):
        swap(later, old, new)
    assert json.loads(call("assign", later, "--json").out)["overlaps"] == []


def test_draws_that_hang_together_are_found(tmp_path: Path) -> None:
    """The same rows under another id: the arms of both are the same, which no independent draw gives."""
    from assignment.made_members import members, spec, write

    from loyalty_exp.assignment.assign import assign
    from loyalty_exp.assignment.overlap import overlaps

    write(tmp_path, members(600))
    assign(spec(), tmp_path)
    home = tmp_path / "results"
    (home / "copy").mkdir()
    (home / "copy" / ROWS).write_bytes((home / "draw" / ROWS).read_bytes())
    record = json.loads((home / "draw" / RECORD).read_text("utf-8")) | {"experiment": "copy"}
    (home / "copy" / RECORD).write_text(json.dumps(record), "utf-8")
    (found,) = overlaps(spec(), home / "draw", "500MB")
    assert found.uneven and found.share == 1.0


def database_of(drawing: Path, kind: str) -> Path:
    """Put the members into a database, and let the spec read them there."""
    path = drawing.parent / f"shop.{kind}"
    source = drawing.parent / "data"
    with duckdb.connect(str(path) if kind == "duckdb" else ":memory:") as connection:
        if kind == "duckdb":
            for name in ("members", "transactions"):
                connection.execute(f"CREATE TABLE {name} AS SELECT * FROM '{source}/{name}.parquet'")
        else:
            rows = connection.execute(f"SELECT * FROM '{source}/members.parquet'").fetchall()
            columns = [d[0] for d in connection.description or ()]
            with sqlite3.connect(path) as database:
                database.execute(f"CREATE TABLE members ({', '.join(columns)})")
                database.executemany(f"INSERT INTO members VALUES ({','.join('?' * len(columns))})", rows)
                database.execute("CREATE TABLE transactions (member_id, txn_id, ts, amount, margin)")
    swap(drawing, "data/members.parquet", "members")
    swap(drawing, "data/transactions.parquet", "transactions")
    swap(drawing, "\ndata:\n", f"\ndata:\n  engine: {kind}:///shop.{kind}\n")
    return path


def rows_in(path: Path, kind: str, query: str) -> list[Any]:
    if kind == "duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute(query).fetchall()
    with sqlite3.connect(path) as database:
        return database.execute(query).fetchall()


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_drawn_rows_are_written_into_a_table_of_the_database(
    call: Callable[..., Any], drawing: Path, kind: str
) -> None:
    path = database_of(drawing, kind)
    call("lock", drawing)
    done = call("assign", drawing, "--table", "pm_arms")
    assert done.code == 0 and "table pm_arms: 3,170 rows added" in done.err, done.err
    with duckdb.connect() as connection:
        file = drawing.parent / "results" / "points_multiplier" / ROWS
        wanted = connection.execute(
            f"SELECT member_id, arm, assigned_at::VARCHAR, tier FROM '{file}' ORDER BY 1"
        ).fetchall()
    query = "SELECT member_id, arm, CAST(assigned_at AS VARCHAR), tier FROM pm_arms ORDER BY 1"
    assert rows_in(path, kind, query) == wanted
    assert "0 rows added" in call("assign", drawing, "--table", "pm_arms").err
    taken = call("assign", drawing, "--table", "members")
    assert taken.code == 4 and ("other columns" in taken.err or "did not draw" in taken.err)
    if kind == "sqlite":
        with sqlite3.connect(path) as database:
            database.execute(
                "UPDATE pm_arms SET arm = 'x' WHERE member_id = (SELECT max(member_id) FROM pm_arms)"
            )
        alien = call("assign", drawing, "--table", "pm_arms")
        assert alien.code == 4 and "1 rows that this experiment did not draw" in alien.err


def test_drawn_rows_are_written_into_a_table_of_postgresql(call: Callable[..., Any], drawing: Path) -> None:
    """The same arms as from the file, in the team's own database; all rows or none."""
    psycopg = pytest.importorskip("psycopg")
    assert call("assign", drawing).code == 0
    folder = drawing.parent / "results" / "points_multiplier"
    query = "SELECT member_id, arm, CAST(assigned_at AS VARCHAR), tier FROM {} ORDER BY 1"
    with duckdb.connect() as connection:
        wanted = connection.execute(query.format(f"'{folder / ROWS}'")).fetchall()
    for name in (ROWS, RECORD):
        (folder / name).unlink()
    with postgresql() as url:
        copy([drawing.parent / "data" / f"{name}.parquet" for name in ("members", "transactions")], url)
        swap(drawing, "data/members.parquet", "members")
        swap(drawing, "data/transactions.parquet", "transactions")
        swap(drawing, "\ndata:\n", f"\ndata:\n  engine: {url}\n")
        done = call("assign", drawing, "--table", "pm_arms")
        assert done.code == 0, done.err
        assert "table pm_arms: 3,170 rows added" in done.err
        assert "0 rows added" in call("assign", drawing, "--table", "pm_arms").err
        with psycopg.connect(url) as connection:
            assert connection.execute(query.format("pm_arms")).fetchall() == wanted
            connection.execute("UPDATE pm_arms SET arm = 'x' WHERE member_id = 7")
            connection.execute("DELETE FROM pm_arms WHERE member_id > 2000")
            connection.commit()
            left = connection.execute("SELECT count(*) FROM pm_arms").fetchall()
            alien = call("assign", drawing, "--table", "pm_arms")
            assert (alien.code, alien.out) == (4, "")
            assert "rows that this experiment did not draw" in alien.err
            assert connection.execute("SELECT count(*) FROM pm_arms").fetchall() == left


def test_a_table_needs_a_database_and_a_name(call: Callable[..., Any], drawing: Path) -> None:
    refused = call("assign", drawing, "--table", "pm_arms")
    assert refused.code == 2 and "--table needs a database" in refused.err
    hostile = call("assign", drawing, "--table", 'x"; DROP TABLE members; --')
    assert hostile.code == 2 and "no name of a table" in hostile.err
    assert call("assign", drawing, "--memory", "1GB'; SELECT 1").code == 2
