"""Tables of a ledger, written once as Parquet and once into SQLite, and specs that read either."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from loyalty_exp.spec.experiment import Experiment

ENGINES = ("duckdb", "sqlite:///all.db")

TYPES = {
    "amount": "DOUBLE",
    "cogs": "DOUBLE",
    "refund_cogs": "DOUBLE",
    "restockable": "INTEGER",
    "discount": "DOUBLE",
    "points": "BIGINT",
    "subsidy": "DOUBLE",
    "quantity": "DOUBLE",
    "reward": "DOUBLE",
}
"""All other columns are text, but times."""

Rows = Sequence[Sequence[Any]]


def write(folder: Path, tables: Mapping[str, tuple[str, Rows]], **types: str) -> None:
    """Write tables: their columns in one text, and their rows."""
    database = sqlite3.connect(folder / "all.db")
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name, (header, rows) in tables.items():
        columns = header.split(",")
        kinds = {**TYPES, "day": "DATE", "at": "TIMESTAMPTZ", **types}
        described = ", ".join(f'"{c}" {kinds.get(c, "VARCHAR")}' for c in columns)
        connection.execute(f"CREATE OR REPLACE TABLE t ({described})")
        marks = ", ".join("?" * len(columns))
        if rows:
            connection.executemany(f"INSERT INTO t VALUES ({marks})", [list(row) for row in rows])
        connection.execute(f"COPY t TO '{folder}/{name}.parquet' (FORMAT parquet)")
        lite = ", ".join(
            f'"{c}" {"TEXT" if kinds.get(c, "VARCHAR") in {"VARCHAR", "DATE", "TIMESTAMPTZ"} else kinds[c]}'
            for c in columns
        )
        database.execute(f"DROP TABLE IF EXISTS {name}")
        database.execute(f"CREATE TABLE {name} ({lite})")
        database.executemany(f"INSERT INTO {name} VALUES ({marks})", [list(row) for row in rows])
    database.commit()
    database.close()
    connection.close()


EVENTS: dict[str, dict[str, str]] = {
    "points": {"time": "at", "points": "points", "kind": "kind", "lot": "lot"},
    "coupons": {"time": "at", "subsidy": "subsidy", "code": "code"},
    "perks": {"time": "at", "perk": "perk", "quantity": "quantity"},
    "contacts": {"time": "at", "channel": "channel"},
    "referrals": {"time": "at", "reward": "reward"},
}

POINTS = {"face_value": 0.01, "redemption_rate": {"base": {"mean": 0.72}, "bonus": {"mean": 0.85}}}


def ledger(engine: str = "duckdb", events: Sequence[str] = (), **changes: Any) -> Experiment:
    """A two-arm experiment with orders, a margin and event tables; any section can be changed."""
    suffix = ".parquet" if engine == "duckdb" else ""
    document: dict[str, Any] = {
        "experiment": "ledger",
        "question": "What do points cost?",
        "unit": "m",
        "program": {"program": "p", "points": POINTS},
        "data": {
            "engine": engine,
            "members": f"members{suffix}",
            "transactions": {
                "table": f"orders{suffix}",
                "order": "o",
                "time": "at",
                "amount": "amount",
                "cogs": "cogs",
                "refund_of": "refund_of",
            },
            "assignments": {"table": f"assignments{suffix}", "arm": "arm"},
            **{name: {"table": f"{name}{suffix}", **EVENTS[name]} for name in events},
        },
        "arms": (
            {"id": "C", "share": 0.5},
            {"id": "T", "share": 0.5, "intervention": {"type": "points_multiplier", "multiplier": 3.0}},
        ),
        "schedule": {"start": "2026-03-01", "outcome_days": 31, "refund_days": 15, "data_to": "2026-06-30"},
        "metrics": (
            {"id": "contribution", "type": "margin", "role": "primary"},
            {"id": "revenue", "type": "margin", "basis": "net_revenue"},
        ),
        "economics": {"benefit": {"metric": "contribution"}, "costs": ({"id": "points", "points": "all"},)},
    }
    for key, value in changes.items():
        known = document.get(key)
        both = isinstance(known, dict) and isinstance(value, dict)
        document[key] = {**known, **value} if both else value
    return Experiment.model_validate(document)
