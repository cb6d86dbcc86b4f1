"""Computed columns of members: quintiles with ties and never-buyers, lifecycle states to the day."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import sqlalchemy as sa

from loyalty_exp.assignment.derived import derived_columns, sources, with_derived
from loyalty_exp.errors import ContractBreach
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.connect import open_engine

COLUMNS = ("member_id", "days", "orders", "spend", "joined", "last")

LIFECYCLE = (
    {"id": "new", "joined_within_days": 30},
    {"id": "active", "last_order_within_days": 90},
    {"id": "at_risk", "last_order_within_days": 180},
    {"id": "lost", "last_order_over_days": 180},
)


def spec(engine: str, **changes: Any) -> Experiment:
    suffix = "" if engine.startswith("sqlite") else ".parquet"
    return Experiment.model_validate(
        {
            "experiment": "e",
            "question": "q",
            "unit": "member_id",
            "program": {"program": "p", "timezone": "Asia/Shanghai", "lifecycle": LIFECYCLE},
            "data": {
                "engine": engine,
                "members": f"members{suffix}",
                "joined": "joined",
                "last_order": "last",
                "transactions": {"table": "t", "order": "o", "time": "ts", "amount": "amount"},
            },
            "population": {
                "as_of": "2026-03-01",
                "rfm": {"recency": "days", "frequency": "orders", "monetary": "spend"},
                "include": (
                    {"field": "lifecycle", "op": "in", "value": ["active"]},
                    {"field": "rfm_score", "op": ">=", "value": 3},
                    {"field": "rfm_recency", "op": ">=", "value": 1},
                    {"field": "rfm_frequency", "op": ">=", "value": 1},
                    {"field": "rfm_monetary", "op": ">=", "value": 1},
                ),
            },
            "arms": ({"id": "control", "share": 0.5}, {"id": "x", "share": 0.5, "control": False}),
            "schedule": {"start": "2026-03-02", "outcome_days": 28},
            "metrics": ({"id": "spend", "type": "amount", "column": "amount", "role": "primary"},),
        }
        | changes
    )


def rows_of(folder: Path, rows: list[tuple[Any, ...]], kind: str, engine: str) -> dict[str, dict[str, Any]]:
    """Write members, read them with the computed columns."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "CREATE TABLE m (member_id VARCHAR, days INTEGER, orders INTEGER, spend DOUBLE, "
            f"joined {kind}, last {kind})"
        )
        connection.executemany("INSERT INTO m VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.execute(f"COPY m TO '{folder}/members.parquet' (FORMAT parquet)")
    with sqlite3.connect(folder / "all.db") as database:
        database.execute(f"CREATE TABLE members ({', '.join(COLUMNS)})")
        database.executemany("INSERT INTO members VALUES (?, ?, ?, ?, ?, ?)", rows)
    database.close()
    asked = spec(engine if engine == "duckdb" else "sqlite:///all.db")
    opened = open_engine(asked.data.engine, folder)
    table = opened.open_table(asked.data.members or "", "members", "member_id")
    found, types = with_derived(asked, table, opened.columns(table), "members", opened.dialect.name)
    names = ["member_id", *derived_columns(asked)]
    assert set(derived_columns(asked)) <= set(types)
    got = opened.fetch(sa.select(*(sa.column(n) for n in names)).select_from(found))
    opened.close()
    return {row[0]: dict(zip(names[1:], row[1:], strict=True)) for row in got}


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_scores_are_quintiles_with_ties_and_never_buyers(tmp_path: Path, engine: str) -> None:
    rng = np.random.default_rng(2)
    orders = rng.poisson(1.0, 500)
    rows = []
    for i, n in enumerate(orders):
        bought = bool(n)
        rows.append(
            (
                f"m{i}",
                int(rng.integers(1, 400)) if bought else None,
                int(n),
                float(round(n * 20 + rng.random(), 2)) if bought else 0.0,
                "2025-01-01",
                "2026-01-01",
            )
        )
    got = rows_of(tmp_path, rows, "DATE", engine)

    def score(values: list[float | None], descending: bool) -> list[int]:
        known = np.array([v for v in values if v is not None])
        ahead = (lambda v: (known > v).sum()) if descending else (lambda v: (known < v).sum())
        return [1 if v is None else 1 + int(5 * ahead(v) // len(known)) for v in values]

    recency = score([r[1] for r in rows], True)
    frequency, monetary = score([r[2] for r in rows], False), score([r[3] for r in rows], False)
    for i, row in enumerate(rows):
        found = got[row[0]]
        assert (found["rfm_recency"], found["rfm_frequency"], found["rfm_monetary"]) == (
            recency[i],
            frequency[i],
            monetary[i],
        )
        assert found["rfm_score"] == recency[i] + frequency[i] + monetary[i]
    assert {got[r[0]]["rfm_frequency"] for r in rows if not r[2]} == {1}
    assert {got[r[0]]["rfm_recency"] for r in rows} == {1, 2, 3, 4, 5}


STATES = [
    ("joined on the last day that counts", "2026-01-30", "2025-01-01", "new"),
    ("joined a day too early", "2026-01-29", "2025-12-01", "active"),
    ("ordered on the last day that counts", "2020-01-01", "2025-12-01", "active"),
    ("ordered a day too early", "2020-01-01", "2025-11-30", "at_risk"),
    ("ordered long ago", "2020-01-01", "2025-09-01", "lost"),
    ("never ordered", "2020-01-01", None, "lost"),
    ("joined on the day itself", "2026-03-01", None, "new"),
    ("joined after the day", "2026-03-02", "2026-02-01", "active"),
]


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_states_are_right_to_the_day(tmp_path: Path, engine: str) -> None:
    rows = [(name, 1, 1, 1.0, joined, last) for name, joined, last, _ in STATES]
    got = rows_of(tmp_path, rows, "DATE", engine)
    assert {name: got[name]["lifecycle"] for name, *_ in STATES} == {name: s for name, _, _, s in STATES}


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_days_of_moments_are_those_of_the_program(tmp_path: Path, engine: str) -> None:
    """90 days before March 1 in Shanghai begin on 2025-11-30 at 16:00 UTC."""
    rows = [
        ("inside", 1, 1, 1.0, "2020-01-01T00:00:00+00:00", "2025-11-30T16:00:00+00:00"),
        ("outside", 1, 1, 1.0, "2020-01-01T00:00:00+00:00", "2025-11-30T15:59:59+00:00"),
    ]
    got = rows_of(tmp_path, rows, "TIMESTAMPTZ", engine)
    assert (got["inside"]["lifecycle"], got["outside"]["lifecycle"]) == ("active", "at_risk")


def test_only_what_is_asked_for_is_computed() -> None:
    plain = spec("duckdb", population={})
    assert derived_columns(plain) == () and sources(plain) == ()
    table = sa.table("members")
    assert with_derived(plain, table, {"days": "INTEGER"}, "members", "duckdb")[0] is table


def test_a_column_of_that_name_is_a_breach() -> None:
    asked = spec("duckdb")
    types = dict.fromkeys((*COLUMNS, "lifecycle"), "VARCHAR")
    with pytest.raises(ContractBreach, match="rename the column"):
        with_derived(asked, sa.table("members"), types, "members", "duckdb")
