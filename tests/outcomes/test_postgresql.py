"""PostgreSQL gives the numbers of the other engines; it keeps nothing of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgresql_instead import copy
from store.servers import postgresql

from loyalty_exp.errors import EngineError
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.warehouse.connect import open_engine

from .test_engines_agree import per_unit_data, per_unit_spec

TESTS = Path(__file__).parents[1]
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


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(EngineError, match="PostgreSQL cannot be reached"):
        open_engine(f"postgresql://u@/d?host={tmp_path}", tmp_path)
