"""Made data of a loyalty program: members, assignments and transactions, as Parquet and in SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import duckdb
import numpy as np

from loyalty_exp.spec.experiment import Experiment

START = "2026-04-01"


def made(folder: Path, members: int = 400, rows: int = 6000, seed: int = 7, moments: bool = True) -> None:
    """Write members.parquet, assignments.parquet, transactions.parquet and all.db."""
    rng = np.random.default_rng(seed)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    tier = rng.choice(["base", "silver", "gold"], members)
    segment = rng.choice(["online", "store"], members)
    arm = rng.choice(["control", "double"], members)
    late = rng.integers(0, 28 * 86_400, members)
    unit = rng.integers(0, members + 5, rows)
    second = rng.integers(-56 * 86_400, 62 * 86_400, rows)
    amount = np.round(np.exp(rng.normal(3, 1, rows)), 2)
    age = rng.integers(18, 80, members)
    table = {
        "members": {
            "i": np.arange(members),
            "tier": tier.astype(object),
            "segment": segment.astype(object),
            "age": age,
        },
        "assignments": {"i": np.arange(members), "arm": arm.astype(object), "late": late},
        "transactions": {"i": unit, "n": np.arange(rows), "second": second, "amount": amount},
    }
    selects = {
        "members": "SELECT 'M' || lpad(i::VARCHAR, 5, '0') AS member_id, tier, segment, age",
        "assignments": "SELECT 'M' || lpad(i::VARCHAR, 5, '0') AS member_id, arm, "
        + (
            f"TIMESTAMPTZ '{START} 00:00:00+00' + to_seconds(late)"
            if moments
            else f"DATE '{START}' + (late // 86400)::INT"
        )
        + " AS assigned_at",
        "transactions": "SELECT 'M' || lpad(i::VARCHAR, 5, '0') AS member_id, 'T' || n AS txn_id, "
        f"TIMESTAMPTZ '{START} 00:00:00+00' + to_seconds(second) AS ts, amount, "
        "round(amount * 0.3, 2) AS margin, "
        "round(amount * 0.01, 2) AS reward_cost",
    }
    database = sqlite3.connect(folder / "all.db")
    for name, arrays in table.items():
        raw = {k: (v.tolist() if v.dtype == object else v) for k, v in arrays.items()}
        import pandas as pd

        connection.register("raw", pd.DataFrame(raw))
        connection.execute(f"COPY ({selects[name]} FROM raw) TO '{folder}/{name}.parquet' (FORMAT parquet)")
        got = connection.execute(f"SELECT * FROM '{folder}/{name}.parquet'")
        columns = [d[0] for d in got.description]
        database.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
        rows_out = [[str(x) if hasattr(x, "year") else x for x in row] for row in got.fetchall()]
        database.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})", rows_out)
    database.commit()
    database.close()


def spec(engine: str = "duckdb", **changes: object) -> Experiment:
    """Give the second spec of the grammar, with changes."""
    suffix = ".parquet" if engine == "duckdb" else ""
    document: dict[str, object] = {
        "experiment": "double_points",
        "question": "Do double points for mid tiers pay for themselves within 28 days?",
        "unit": "member_id",
        "data": {
            "engine": engine,
            "members": f"members{suffix}",
            "transactions": {
                "table": f"transactions{suffix}",
                "unit": "member_id",
                "order": "txn_id",
                "time": "ts",
                "amount": "amount",
            },
            "assignments": {"table": f"assignments{suffix}", "arm": "arm", "time": "assigned_at"},
        },
        "population": {"include": ({"field": "tier", "op": "in", "value": ["silver", "gold"]},)},
        "arms": (
            {"id": "control", "share": 0.5},
            {"id": "double", "share": 0.5, "intervention": {"type": "points_multiplier", "multiplier": 2.0}},
        ),
        "schedule": {
            "start": START,
            "end": "2026-04-28",
            "outcome_days": 28,
            "pre_days": 56,
            "data_to": "2026-06-30",
        },
        "segments": ({"id": "segment"},),
        "metrics": (
            {"id": "spend", "type": "amount", "column": "amount", "role": "primary", "covariates": ("pre",)},
            {"id": "orders", "type": "count"},
            {
                "id": "aov",
                "type": "ratio",
                "numerator": "spend",
                "denominator": "orders",
                "covariates": ("pre",),
            },
            {"id": "repurchase", "type": "repurchase", "within_days": 28},
            {"id": "margin", "type": "amount", "column": "margin"},
        ),
        "economics": {
            "benefit": {"metric": "margin"},
            "costs": (
                {"id": "points", "per_event": "reward_cost", "price": 1.0},
                {"id": "set_up", "fixed": 12000.0},
            ),
        },
        "decision": {"ship_if": {"probability_net_benefit_positive": 0.95}},
    }
    for key, value in changes.items():
        known = document.get(key)
        document[key] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return Experiment.model_validate(document)
