"""PostgreSQL gives the numbers of the other engines; it keeps nothing of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from assignment.made_members import members, spec, write
from postgresql_instead import copy
from store.servers import begin, postgresql, restart, stop

from loyalty_exp.assignment.assign import assign
from loyalty_exp.errors import EngineError
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.pipeline import compute
from loyalty_exp.warehouse import connect
from loyalty_exp.warehouse.connect import open_engine
from loyalty_exp.warehouse.postgresql_engine import PostgreSQLEngine

from .test_engines_agree import per_unit_data, per_unit_spec

TESTS = Path(__file__).parents[1]
PLANNED = (
    "test_all_engines_give_the_same_baselines_and_rows",
    "test_a_table_of_assignments_says_how_many_enter_a_day",
)
CHOSEN = "sqlite or engines or both or reading or everything or clusters or states or transactions"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


def test_what_holds_on_sqlite_holds_on_postgresql(server: str) -> None:
    """Ledgers, windows, evidence of every kind, derived columns, draws: the same tests, another engine."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "postgresql_instead", "-p", "no:cacheprovider"),
            *(TESTS / "outcomes", TESTS / "assignment"),
            *(f"{TESTS / 'planning' / 'test_history_engines.py'}::{name}" for name in PLANNED),
            f"--ignore={__file__}",
            *("-k", f"({CHOSEN}) and not duckdb"),
        ],
        env=os.environ | {"PYTHONPATH": str(TESTS), "PYTEST_ADDOPTS": ""},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert done.stdout.count(".") > 60


def test_a_table_that_is_not_there_is_told_with_those_that_are(tmp_path: Path, server: str) -> None:
    per_unit_data(tmp_path)
    copy([tmp_path / "units.parquet"], server)
    engine = open_engine(server, tmp_path)
    with pytest.raises(EngineError, match=r"the database has no table 'unit'; it has units"):
        engine.open_table("unit", "units", "id")
    engine.close()


def test_nothing_is_left_in_the_database(tmp_path: Path, server: str) -> None:
    import psycopg

    per_unit_data(tmp_path)
    copy([tmp_path / "units.parquet"], server)
    cap = {"quantile": 0.9, "pre_column": "pre"}
    assert collect(per_unit_spec(server, cap=cap), tmp_path).units
    with psycopg.connect(server) as connection:
        query = "SELECT relname FROM pg_class WHERE relpersistence = 't'"
        assert connection.execute(query).fetchall() == []


class Falls:
    """Let the server fall at one of the statements of an engine."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int, fall: Callable[[], None]) -> None:
        as_before, self.calls = PostgreSQLEngine.run, 0

        def run(engine: PostgreSQLEngine, text: str) -> list[tuple[Any, ...]]:
            self.calls += 1
            if self.calls == at:
                fall()
            return as_before(engine, text)

        patch.setattr(PostgreSQLEngine, "run", run)


def test_f11_a_server_that_is_restarted_while_it_is_read_gives_the_same_numbers(
    tmp_path: Path, server: str
) -> None:
    """The whole reading is begun anew: one snapshot, whatever came before."""
    per_unit_data(tmp_path)
    copy([tmp_path / "units.parquet"], server)
    (tmp_path / "units.yaml").write_text(
        f"experiment: units\nquestion: Does it pay?\nunit: id\ndata: {{engine: '{server}', units: units}}\n"
        "arms: {from_column: arm, control: a, treatments: [b, c]}\n"
        "metrics: [{id: spend, type: amount, column: spend, role: primary}]\n",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        counting = Falls(patch, 0, lambda: None)
        wanted = compute(tmp_path / "units.yaml")
    for at in (1, counting.calls // 2, counting.calls):
        with pytest.MonkeyPatch.context() as patch:
            seen = Falls(patch, at, lambda: restart(server))
            found = compute(tmp_path / "units.yaml")
        assert seen.calls == counting.calls + at
        assert found.estimates == wanted.estimates


def test_f11_a_server_that_is_restarted_amid_a_draw_draws_the_same_bytes(tmp_path: Path, server: str) -> None:
    folders = [tmp_path / name for name in ("still", "fallen")]
    for folder in folders:
        folder.mkdir()
        write(folder, members(500))
    copy([folders[0] / "members.parquet"], server)
    drawn = spec(engine=server, data__members="members")
    with pytest.MonkeyPatch.context() as patch:
        counting = Falls(patch, 0, lambda: None)
        assign(drawn, folders[0])
    with pytest.MonkeyPatch.context() as patch:
        Falls(patch, counting.calls, lambda: restart(server))
        assert assign(drawn, folders[1]).status == "drawn"
    first, second = (
        {p.name: p.read_bytes() for p in (folder / "results" / "draw").iterdir()} for folder in folders
    )
    assert first == second


def test_f11_a_server_that_stays_away_is_told_after_a_while(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    per_unit_data(tmp_path)
    copy([tmp_path / "units.parquet"], server)
    monkeypatch.setattr(connect, "PATIENCE", 0.5)
    with pytest.MonkeyPatch.context() as patch:
        Falls(patch, 2, lambda: stop(server))
        try:
            with pytest.raises(EngineError, match="PostgreSQL cannot be reached"):
                connect.through_restarts(lambda: collect(per_unit_spec(server), tmp_path))
        finally:
            begin(server)
    assert collect(per_unit_spec(server), tmp_path).units


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(EngineError, match="PostgreSQL cannot be reached"):
        open_engine(f"postgresql://u@/d?host={tmp_path}", tmp_path)
