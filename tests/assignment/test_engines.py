"""The same arms on every engine, for ids made to break one; and the SQL of the others as text."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest
import sqlalchemy as sa

from assignment.made_members import HOSTILE, arms, members, spec, write, written
from loyalty_exp.assignment.arms import Draw, rows_of, shares_of
from loyalty_exp.assignment.assign import assign
from loyalty_exp.assignment.draw import arm_of
from loyalty_exp.assignment.members import Members
from loyalty_exp.warehouse.connect import open_engine
from loyalty_exp.warehouse.dialects import DIALECTS, dialect_of, text_of
from loyalty_exp.warehouse.engine import Engine

GOLDEN = Path(__file__).parents[1] / "golden" / "sql"
ARMS, SHARES = ["control", "a", "b"], [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
ENGINES = ["duckdb", "sqlite:///all.db"]


@pytest.mark.parametrize("engine", ENGINES)
def test_hostile_ids_get_the_arms_of_the_published_rule(tmp_path: Path, engine: str) -> None:
    ids = [*dict.fromkeys(HOSTILE), *(f"M{i}" for i in range(3000))]
    write(tmp_path, members(ids=ids))
    assign(spec(engine=engine, population__default_exclusions=False), tmp_path)
    assert arms(tmp_path) == {u: arm_of("draw-2026", u, ARMS, SHARES) for u in ids}


@pytest.mark.parametrize("engine", ENGINES)
def test_whole_numbers_are_hashed_as_they_are_written(tmp_path: Path, engine: str) -> None:
    ids = [0, 7, 12, 9_007_199_254_740_993, *range(100, 400)]
    write(tmp_path, members(ids=ids))
    assign(spec(engine=engine, population__default_exclusions=False), tmp_path)
    assert written(tmp_path)["member_id"].dtype == "int64"
    assert arms(tmp_path) == {u: arm_of("draw-2026", str(u), ARMS, SHARES) for u in ids}


def test_decimal_ids_are_hashed_without_a_fraction(tmp_path: Path) -> None:
    import duckdb

    write(tmp_path, members(ids=list(range(1, 200))))
    path = tmp_path / "members.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE TABLE m AS SELECT * REPLACE (member_id::DECIMAL(12, 2) AS member_id) FROM '{path}'"
        )
        connection.execute(f"COPY m TO '{path}' (FORMAT parquet)")
    assign(spec(population__default_exclusions=False), tmp_path)
    assert {int(u): a for u, a in arms(tmp_path).items()} == {
        u: arm_of("draw-2026", str(u), ARMS, SHARES) for u in range(1, 200)
    }


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"assignment__ramp": [{"from": "2026-04-01", "share": 0.3}]},
        {"assignment__trigger": {"column": "joined"}},
        {"cluster": "household", "assignment__balance": ["spend", "orders"]},
        {"population__consent": "consent", "population__opt_out": "opted_out"},
        {"assignment__rerandomize": {"covariates": ["spend", "orders"], "best_of": 10}},
    ],
    ids=lambda c: "-".join(c) or "plain",
)
def test_engines_write_the_same_rows(tmp_path: Path, changes: dict[str, object]) -> None:
    import datetime as dt

    found, facts = [], []
    for i, engine in enumerate(ENGINES):
        folder = tmp_path / str(i)
        folder.mkdir()
        write(folder, members(800))
        done = assign(spec(engine=engine, **changes), folder, as_of=dt.date(2026, 4, 20))
        found.append(written(folder))
        facts.append((done.units, done.drawn, done.left_out, done.salt))
        assert len(found[-1])
    assert found[0].equals(found[1])
    assert facts[0] == facts[1]


class _Text(Engine):
    """An engine that writes and never runs."""

    def __init__(self, name: str) -> None:
        self.name_version, self.dialect = name, dialect_of(name)

    def open_table(self, name: str, role: str, unit: str) -> sa.TableClause:
        raise NotImplementedError

    columns = run = repeated = unchanged = close = open_table  # type: ignore[assignment]


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_the_sql_of_a_draw(dialect: str) -> None:
    experiment = spec(
        population={"consent": "consent", "include": [{"field": "tier", "op": "in", "value": ["gold"]}]},
        assignment={"salt": "it's", "layer": {"id": "earn", "from": 0, "to": 599}},
        program={
            "program": "p",
            "layers": [{"id": "earn", "salt": "layer-earn"}],
            "households": {"column": "household"},
        },
    )
    types = {"member_id": "BIGINT", "tier": "VARCHAR", "consent": "BOOLEAN", "household": "VARCHAR"}
    table = Members(sa.table("members"), types, "members", experiment)
    arm_ids, shares = shares_of(experiment)
    assert experiment.schedule.start is not None
    draw = Draw("it's", arm_ids, shares, experiment.schedule.start)
    text = text_of(rows_of(_Text(dialect), table, draw, None), dialect_of(dialect)) + "\n"
    golden = GOLDEN / f"assign_{dialect}.sql"
    if os.environ.get("LOYALTY_EXP_RENEW_GOLDEN"):
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")


def test_the_same_input_gives_the_same_bytes_with_more_threads(tmp_path: Path) -> None:
    digests = set()
    for threads in (1, 2):
        folder = tmp_path / str(threads)
        folder.mkdir()
        write(folder, members(5000))
        digests.add(assign(spec(assignment__strata=["tier"]), folder, threads=threads).record["digest"])
    assert len(digests) == 1


def test_an_engine_knows_its_folder(tmp_path: Path) -> None:
    write(tmp_path, members(5))
    for url in ENGINES:
        engine = open_engine(url, tmp_path)
        assert engine.folder == tmp_path
        engine.close()
