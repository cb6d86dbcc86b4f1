"""Made members of a program, and a spec that draws them."""

from __future__ import annotations

import copy
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from loyalty_exp.assignment.ledger import ROWS
from loyalty_exp.spec.experiment import Experiment

HOSTILE = [
    "0", "00012", "12", "012", "1e5", "NULL", "null", "-1", "123456789012345678901234567890", " ", "a b",
    "会员1", "é", "é", "ñ", "😀", "a:b", ":", "=1+2", "<img onerror>", "'; DROP TABLE members; --",
    '" OR 1=1', "x" * 300, "tab\there", "line\nbreak", "\\", "%s", "{{7*7}}", "ﬀ", "\u202eabc",
]  # fmt: skip


def members(n: int = 2000, seed: int = 3, ids: Sequence[Any] | None = None) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = len(ids) if ids is not None else n
    days = pd.date_range("2026-04-01", periods=60).strftime("%Y-%m-%d")
    return pd.DataFrame(
        {
            "member_id": list(ids) if ids is not None else [f"M{i:06d}" for i in range(n)],
            "household": [f"H{i}" for i in rng.integers(0, max(n // 3, 1), n)],
            "tier": rng.choice(["bronze", "silver", "gold"], n),
            "region": rng.choice(["north", "south", None], n),  # type: ignore[arg-type]
            "spend": np.round(np.exp(rng.normal(3, 1, n)), 2),
            "orders": rng.poisson(3, n),
            "consent": rng.random(n) < 0.9,
            "opted_out": rng.random(n) < 0.05,
            "is_employee": rng.random(n) < 0.02,
            "joined": rng.choice(days, n),
        }
    )


def write(folder: Path, frame: pd.DataFrame) -> Path:
    """Write members.parquet and all.db."""
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        connection.execute(
            "COPY (SELECT * REPLACE (joined::DATE AS joined) FROM frame) "
            f"TO '{folder}/members.parquet' (FORMAT parquet)"
        )
    (folder / "all.db").unlink(missing_ok=True)
    with sqlite3.connect(folder / "all.db") as database:
        text = frame["member_id"].map(lambda v: isinstance(v, str)).all()
        kinds = ", ".join(f'"{c}"' + (" TEXT" if c == "member_id" and text else "") for c in frame.columns)
        database.execute(f"CREATE TABLE members ({kinds})")
        rows = [
            [None if v is None else getattr(v, "item", lambda v=v: v)() for v in r]
            for r in frame.itertuples(index=False)
        ]
        database.executemany(f"INSERT INTO members VALUES ({', '.join('?' * frame.shape[1])})", rows)
    return folder


def spec(**changes: Any) -> Experiment:
    """Give a spec that draws; keys with dots reach inside: ``{"schedule.end": ...}``."""
    engine = changes.pop("engine", "duckdb")
    suffix = ".parquet" if engine == "duckdb" else ""
    document: dict[str, Any] = {
        "experiment": "draw",
        "question": "Does it pay?",
        "unit": "member_id",
        "data": {
            "engine": engine,
            "members": f"members{suffix}",
            "transactions": {"table": "t.parquet", "order": "o", "time": "ts", "amount": "a"},
        },
        "assignment": {"salt": "draw-2026"},
        "arms": [{"id": "control", "share": 0.5}, {"id": "a", "share": "1/3"}, {"id": "b", "share": "1/6"}],
        "schedule": {"start": "2026-04-01", "end": "2026-04-28", "outcome_days": 28},
        "metrics": [{"id": "spend", "type": "amount", "column": "amount", "role": "primary"}],
    }
    document["arms"][0]["control"] = True
    for path, value in changes.items():
        *above, key = path.split("__")
        here = document
        for part in above:
            here = here.setdefault(part, {})
        here[key] = copy.deepcopy(value)
    return Experiment.model_validate_json(json.dumps(document))


def written(folder: Path, experiment: str = "draw") -> pd.DataFrame:
    path = folder / "results" / experiment / ROWS
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT * FROM read_parquet('{path}')").df()


def arms(folder: Path, experiment: str = "draw", unit: str = "member_id") -> dict[Any, str]:
    frame = written(folder, experiment)
    return dict(zip(frame[unit], frame["arm"], strict=True))
