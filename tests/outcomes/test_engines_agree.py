"""DuckDB, SQLite and plain Python give the same numbers, on both shapes of data."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import defaultdict
from pathlib import Path

import duckdb
import numpy as np
import pytest

from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.moments import Moments, from_rows

from .program_data import made, spec

ENGINES_AGREE = 1e-9
"""Relative; sums are taken in another order."""


def same(a: Moments, b: Moments) -> None:
    assert (a.n, a.columns) == (b.n, b.columns)
    np.testing.assert_allclose(a.mean, b.mean, rtol=ENGINES_AGREE)
    scale = np.sqrt(np.outer(np.diag(a.comoment), np.diag(a.comoment)))
    np.testing.assert_allclose(
        a.comoment / (scale + 1e-300), b.comoment / (scale + 1e-300), atol=ENGINES_AGREE
    )


def all_same(a: Outcomes, b: Outcomes) -> None:
    assert a.units == b.units
    assert [(f.code, f.rows) for f in a.findings] == [(f.code, f.rows) for f in b.findings]
    for block, arms in a.overall.items():
        for arm, moments in arms.items():
            same(moments, b.overall[block][arm])
    assert list(a.segments) == list(b.segments)
    for cell, blocks in a.segments.items():
        for block, arms in blocks.items():
            for arm, moments in arms.items():
                same(moments, b.segments[cell][block][arm])


@pytest.mark.parametrize("moments", [True, False], ids=["moments", "dates"])
def test_engines_agree_on_transactions(tmp_path: Path, moments: bool) -> None:
    made(tmp_path, moments=moments)
    for changes in ({}, {"schedule": {"data_to": "2026-05-10"}}):
        all_same(collect(spec(**changes), tmp_path), collect(spec("sqlite:///all.db", **changes), tmp_path))


def test_a_database_of_duckdb_agrees_with_files(tmp_path: Path) -> None:
    made(tmp_path)
    connection = duckdb.connect(str(tmp_path / "all.duckdb"))
    for name in ("members", "assignments", "transactions"):
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM '{tmp_path}/{name}.parquet'")
    connection.close()
    experiment = spec("duckdb:///all.duckdb")
    all_same(collect(spec(), tmp_path), collect(experiment, tmp_path))


@pytest.mark.parametrize("moments", [True, False], ids=["moments", "dates"])
def test_numbers_equal_a_plain_recomputation(tmp_path: Path, moments: bool) -> None:
    made(tmp_path, moments=moments)
    outcomes = collect(spec(), tmp_path)
    members = {r[0]: r for r in duckdb.sql(f"SELECT * FROM '{tmp_path}/members.parquet'").fetchall()}
    begins = {}
    for unit, arm, at in duckdb.sql(f"SELECT * FROM '{tmp_path}/assignments.parquet'").fetchall():
        moment = at.astimezone(dt.UTC) if moments else dt.datetime(at.year, at.month, at.day, tzinfo=dt.UTC)
        begins[unit] = (arm, moment)
    inside: dict[str, list[float]] = defaultdict(list)
    before: dict[str, list[float]] = defaultdict(list)
    for unit, _, at, amount, *_ in duckdb.sql(f"SELECT * FROM '{tmp_path}/transactions.parquet'").fetchall():
        if unit in begins:
            gap = at.astimezone(dt.UTC) - begins[unit][1]
            if dt.timedelta(0) <= gap < dt.timedelta(days=28):
                inside[unit].append(amount)
            elif dt.timedelta(days=-56) <= gap < dt.timedelta(0):
                before[unit].append(amount)
    for arm in ("control", "double"):
        units = [u for u, (a, _) in begins.items() if a == arm and members[u][1] in {"silver", "gold"}]
        spend, pre = [sum(inside[u]) for u in units], [sum(before[u]) for u in units]
        orders = [len(inside[u]) for u in units]
        same(outcomes.overall["spend"][arm], from_rows({"spend": spend, "spend__pre": pre}))
        same(outcomes.overall["orders"][arm], from_rows({"orders": orders}))
        same(outcomes.overall["repurchase"][arm], from_rows({"repurchase": [float(n > 0) for n in orders]}))


def per_unit_spec(engine: str, **metric: object) -> Experiment:
    document: dict[str, object] = {
        "experiment": "e",
        "question": "q",
        "unit": "id",
        "data": {"engine": engine, "units": "units.parquet" if engine == "duckdb" else "units"},
        "arms": {"from_column": "arm", "control": "a", "treatments": ("b", "c")},
        "segments": ({"id": "region"}, {"id": "tier"}),
        "metrics": (
            {
                "id": "spend",
                "type": "amount",
                "column": "spend",
                "role": "primary",
                "covariates": ("pre", "far"),
                **metric,
            },
            {"id": "bought", "type": "proportion", "column": "bought"},
            {"id": "aov", "type": "ratio", "numerator": "spend", "denominator": "orders"},
            {"id": "loose", "type": "amount", "column": "loose", "missing": "drop", "covariates": ("pre",)},
            {"id": "filled", "type": "amount", "column": "loose2", "missing": "zero"},
            {"id": "again", "type": "repurchase", "within_days": 30, "column": "days", "follow_up": "seen"},
        ),
    }
    return Experiment.model_validate(document)


def per_unit_data(folder: Path, n: int = 3000) -> dict[str, list[object]]:
    rng = np.random.default_rng(3)
    spend = np.where(rng.random(n) < 0.3, np.round(np.exp(rng.normal(3, 1, n)), 2), 0.0)
    loose = [None if u < 0.2 else float(x) for u, x in zip(rng.random(n), rng.normal(50, 5, n), strict=True)]
    data: dict[str, list[object]] = {
        "id": [f"{i:07d}" for i in rng.permutation(n)],
        "arm": rng.choice(["a", "b", "c"], n).tolist(),
        "region": [None if u < 0.05 else f"r{int(u * 10)}" for u in rng.random(n)],
        "tier": rng.choice(["x", "y"], n).tolist(),
        "spend": spend.tolist(),
        "pre": np.round(rng.gamma(2, 20, n), 2).tolist(),
        "far": (1e9 + rng.normal(0, 1, n)).tolist(),
        "bought": (spend > 0).astype(int).tolist(),
        "orders": rng.integers(0, 5, n).tolist(),
        "loose": loose,
        "loose2": list(loose),
        "days": [None if u < 0.5 else int(u * 60) for u in rng.random(n)],
        "seen": rng.integers(10, 60, n).tolist(),
    }
    types = {
        "id": "VARCHAR",
        "arm": "VARCHAR",
        "region": "VARCHAR",
        "tier": "VARCHAR",
        "bought": "INTEGER",
        "orders": "INTEGER",
        "days": "INTEGER",
        "seen": "INTEGER",
    }
    database = sqlite3.connect(folder / "units.db")
    database.execute(f"CREATE TABLE units ({', '.join(data)})")
    database.executemany(
        f"INSERT INTO units VALUES ({', '.join('?' * len(data))})", zip(*data.values(), strict=True)
    )
    database.commit()
    database.close()
    connection = duckdb.connect()
    names = ", ".join(f"{name} {types.get(name, 'DOUBLE')}" for name in data)
    connection.execute(f"CREATE TABLE units ({names})")
    connection.executemany(
        f"INSERT INTO units VALUES ({', '.join('?' * len(data))})", list(zip(*data.values(), strict=True))[:1]
    )
    connection.execute("DELETE FROM units")
    import pandas as pd

    frame = pd.DataFrame(data)
    connection.register("frame", frame)
    connection.execute("INSERT INTO units SELECT * FROM frame")
    connection.execute(f"COPY units TO '{folder}/units.parquet' (FORMAT parquet)")
    return data


@pytest.mark.parametrize(
    "cap", [None, {"quantile": 0.9, "pre_column": "pre"}, {"upper": 30.0}], ids=["plain", "quantile", "upper"]
)
def test_engines_agree_on_a_table_of_units(tmp_path: Path, cap: dict[str, object] | None) -> None:
    data = per_unit_data(tmp_path)
    change = {"cap": cap} if cap else {}
    a = collect(per_unit_spec("duckdb", **change), tmp_path)
    all_same(a, collect(per_unit_spec("sqlite:///units.db", **change), tmp_path))
    top = np.inf
    if cap:
        positive = np.sort([x for x in data["pre"] if x > 0])  # type: ignore[operator]
        top = cap.get("upper") or positive[int(np.ceil(0.9 * len(positive))) - 1]
        assert a.caps["spend"][1] == pytest.approx(top)
    for arm in ("a", "b", "c"):
        rows = [i for i, x in enumerate(data["arm"]) if x == arm]
        pick = {name: [data[name][i] for i in rows] for name in data}
        spend = np.minimum(np.array(pick["spend"], float), top)
        if not cap:
            same(a.overall["spend"][arm], from_rows({"spend": spend, "pre": pick["pre"], "far": pick["far"]}))
        assert a.overall["spend"][arm].mean_of("spend") == pytest.approx(spend.mean())
        kept = [i for i, x in enumerate(pick["loose"]) if x is not None]
        same(
            a.overall["loose"][arm],
            from_rows({"loose": [pick["loose"][i] for i in kept], "pre": [pick["pre"][i] for i in kept]}),
        )
        assert a.missing["loose"][arm] == len(rows) - len(kept)
        same(a.overall["filled"][arm], from_rows({"filled": [x or 0.0 for x in pick["loose2"]]}))
        seen = [i for i, x in enumerate(pick["seen"]) if x >= 30]  # type: ignore[operator]
        again = [float(pick["days"][i] is not None and pick["days"][i] < 30) for i in seen]  # type: ignore[operator]
        same(a.overall["again"][arm], from_rows({"again": again}))


def test_cells_of_a_segment_join_to_the_whole(tmp_path: Path) -> None:
    per_unit_data(tmp_path)
    outcomes = collect(per_unit_spec("duckdb"), tmp_path)
    for dimension in ("region", "tier"):
        cells = [blocks for cell, blocks in outcomes.segments.items() if cell.dimension == dimension]
        assert sum(c["spend"]["a"].n for c in cells) == outcomes.units["a"]
        joined = cells[0]["spend"]["a"]
        for other in cells[1:]:
            joined = joined + other["spend"]["a"]
        same(joined, outcomes.overall["spend"]["a"])


def test_the_same_data_give_the_same_bits(tmp_path: Path) -> None:
    made(tmp_path)
    digests = {collect(spec(), tmp_path).data_digest for _ in range(3)}
    assert len(digests) == 1
