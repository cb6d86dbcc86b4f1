"""The past is read alike on every engine; `size` and `rehearse` take the same members and the same days."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from loyalty_exp.errors import Refused
from loyalty_exp.outcomes.plan import plan
from loyalty_exp.planning.history import History, read_history
from loyalty_exp.planning.past_window import read_baselines
from loyalty_exp.planning.rehearsal import rehearse
from loyalty_exp.planning.size import size
from loyalty_exp.planning.staging import rehearsed
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.read import read

TABLES = ("members", "orders", "units")


def frames(n: int = 400) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(8)
    ids = [f"m{i:03}" for i in range(n)]
    joined = [(dt.date(2026, 2, 1) + dt.timedelta(days=int(d))).isoformat() for d in rng.integers(0, 60, n)]
    members = pd.DataFrame(
        {
            "member_id": ids,
            "home": [f"h{i // 2}" for i in range(n)],
            "tier": rng.choice(["gold", "base"], n),
            "is_test": (np.arange(n) < 25).astype(int),
            "opted_out": (np.arange(n) % 40 == 39).astype(int),
            "joined": joined,
        }
    )
    day = pd.Series([(dt.date(2026, 1, 1) + dt.timedelta(days=int(d))).isoformat()
                     for d in rng.integers(0, 100, 8 * n)])  # fmt: skip
    day.iloc[:2] = ["2026-01-01", "2026-04-10"]
    amount = np.round(rng.gamma(2.0, 10.0, 8 * n), 2)
    orders = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(8 * n)],
            "member_id": rng.choice(ids, 8 * n),
            "day": day,
            "amount": amount,
            "margin": np.round(0.3 * amount, 2),
        }
    )
    units = pd.DataFrame(
        {
            "member_id": ids,
            "arm": rng.choice(["c", "t"], n),
            "spend": np.round(rng.gamma(1.0, 20.0, n), 2),
            "before": np.round(rng.gamma(1.0, 20.0, n), 2),
            "again": rng.integers(0, 2, n),
        }
    )
    assigned = pd.DataFrame({"member_id": ids, "arm": "c", "on_day": np.sort(joined)})
    return {"members": members, "orders": orders, "units": units, "assigned": assigned}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str, str]]:
    """Folder, engine and suffix of table names: files, a DuckDB database, a SQLite database."""
    folder = tmp_path_factory.mktemp("engines")
    base = duckdb.connect(str(folder / "rows.duckdb"))
    lite = sqlite3.connect(folder / "rows.sqlite")
    for name, frame in frames().items():
        base.register("frame", frame)
        typed = {"orders": "* REPLACE (day::DATE AS day)", "members": "* REPLACE (joined::DATE AS joined)",
                 "assigned": "* REPLACE (on_day::DATE AS on_day)"}  # fmt: skip
        base.execute(f"CREATE TABLE {name} AS SELECT {typed.get(name, '*')} FROM frame")
        base.execute(f"COPY {name} TO '{folder / name}.parquet' (FORMAT parquet)")
        base.unregister("frame")
        frame.to_sql(name, lite, index=False)
    base.close()
    lite.close()
    return {
        "files": (folder, "duckdb", ".parquet"),
        "duckdb": (folder, "duckdb:///rows.duckdb", ""),
        "sqlite": (folder, "sqlite:///rows.sqlite", ""),
    }


def of_orders(engine: str, suffix: str, **changes: Any) -> dict[str, Any]:
    arms: list[dict[str, Any]] = [{"id": "c", "share": 0.5}]
    arms.append({"id": "t", "share": 0.5, "intervention": {"type": "message", "channel": "email"}})
    return {
        "experiment": "planned",
        "question": "Does it pay?",
        "unit": "member_id",
        "cluster": "home",
        "data": {
            "engine": engine,
            "members": f"members{suffix}",
            "transactions": {
                "table": f"orders{suffix}",
                "order": "order_id",
                "time": "day",
                "amount": "amount",
            },
        },
        "assignment": {"salt": "s"},
        "population": {"opt_out": "opted_out"},
        "arms": arms,
        "schedule": {"start": "2026-05-01", "end": "2026-05-28", "outcome_days": 28, "pre_days": 28},
        "metrics": [
            {"id": "spend", "type": "amount", "column": "amount", "role": "primary", "covariates": ["pre"]},
            {"id": "again", "type": "repurchase", "within_days": 14},
            {"id": "orders", "type": "count"},
            {"id": "aov", "type": "ratio", "numerator": "spend", "denominator": "orders"},
            {"id": "margin", "type": "amount", "column": "margin"},
        ],
        "economics": {
            "benefit": {"metric": "margin"},
            "costs": [{"id": "mail", "per_unit": 0.5}, {"id": "set_up", "fixed": 50.0}],
        },
        "decision": {"ship_if": {"probability_net_benefit_positive": 0.95}},
        "sizing": {"relative_mde": 0.1, "history": {}},
    } | changes


def of_units(engine: str, suffix: str) -> dict[str, Any]:
    return {
        "experiment": "planned",
        "question": "Does it pay?",
        "unit": "member_id",
        "data": {"engine": engine, "units": f"units{suffix}"},
        "arms": {"from_column": "arm", "control": "c", "treatments": ["t"]},
        "metrics": [
            {"id": "spend", "type": "amount", "column": "spend", "role": "primary", "covariates": ["before"]},
            {"id": "again", "type": "proportion", "column": "again"},
        ],
        "sizing": {"relative_mde": 0.1, "history": {}},
    }


def written(document: dict[str, Any], folder: Path, name: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def history(path: Path) -> History:
    experiment, _ = rehearsed(read(path))
    return read_history(experiment, plan(experiment), path.parent)


def numbers(value: Any) -> Any:
    """Values without what names the engine."""
    if isinstance(value, dict):
        return {k: numbers(v) for k, v in value.items() if k not in {"engine", "digest", "data_digest"}}
    return [numbers(v) for v in value] if isinstance(value, (list, tuple)) else value


def same(a: Any, b: Any) -> None:
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif isinstance(a, float):
        assert a == pytest.approx(b, rel=1e-9, abs=1e-12)
    else:
        assert a == b


def test_a_table_of_assignments_says_how_many_enter_a_day(places: dict[str, tuple[Path, str, str]]) -> None:
    days = frames()["assigned"]["on_day"].map(dt.date.fromisoformat)
    for place, (folder, engine, suffix) in places.items():
        changes: dict[str, Any] = {"assignment": None, "cluster": None, "population": None}
        document = of_orders(engine, suffix, **changes)
        document["data"]["assignments"] = {"table": f"assigned{suffix}", "time": "on_day"}
        path = written({k: v for k, v in document.items() if v is not None}, folder, f"assigned_{place}")
        known = read_baselines(read(path), folder)
        assert known.entry_per_day == pytest.approx(400 / ((days.max() - days.min()).days + 1))
        assert known.units == 400
        document["data"]["assignments"]["table"] = f"not_there_yet{suffix}"
        path = written({k: v for k, v in document.items() if v is not None}, folder, f"assigned_{place}")
        assert read_baselines(read(path), folder).entry_per_day is None


@pytest.mark.parametrize("shape", [of_orders, of_units])
def test_all_engines_give_the_same_baselines_and_rows(
    places: dict[str, tuple[Path, str, str]], shape: Any
) -> None:
    found = []
    for name, (folder, engine, suffix) in places.items():
        path = written(shape(engine, suffix), folder, f"{shape.__name__}_{name}")
        experiment = read(path)
        known = read_baselines(experiment, folder)
        facts = size(experiment, known).to_dict()
        facts["experiment"].pop("spec_hash")
        facts.pop("history")
        found.append((numbers(asdict(known)), facts, history(path)))
    for known, facts, rows in found[1:]:
        same(known, found[0][0])
        same(facts, found[0][1])
        np.testing.assert_array_equal(rows.hashes, found[0][2].hashes)
        for column, x in rows.columns.items():
            np.testing.assert_allclose(x, found[0][2].columns[column], rtol=1e-9, err_msg=column)


@pytest.mark.parametrize("place", ["files", "duckdb", "sqlite"])
def test_size_and_rehearse_look_at_the_same_members_on_the_same_days(
    places: dict[str, tuple[Path, str, str]], place: str
) -> None:
    folder, engine, suffix = places[place]
    path = written(of_orders(engine, suffix), folder, f"both_{place}")
    known, rows = read_baselines(read(path), folder), history(path)
    members = frames()["members"]
    eligible = ((members["is_test"] == 0) & (members["opted_out"] == 0)).sum()
    assert known.units == rows.n == eligible
    assert known.as_of == rows.first_day == dt.date(2026, 3, 14)
    assert known.metrics["spend"].mean == pytest.approx(rows.columns["spend"].mean())
    found = rehearse(path, 5)
    assert found.units == eligible and found.clusters == len(rows.clusters)


def test_members_who_enter_one_by_one_begin_on_their_own_day(
    places: dict[str, tuple[Path, str, str]],
) -> None:
    """A birthday or a joining day says when each enters; past ones stand for those to come."""
    for place, (folder, engine, suffix) in places.items():
        changes: dict[str, Any] = {
            "assignment": {"salt": "s", "trigger": {"column": "joined"}},
            "cluster": None,
        }
        changes["schedule"] = {
            "start": "2026-05-01",
            "end": "2026-05-14",
            "outcome_days": 20,
            "pre_days": 10,
        }
        looks = {"method": "group_sequential", "planned_units": 500, "looks": [0.5, 1.0]}
        changes["analysis"] = {"sequential": looks}
        document = of_orders(engine, suffix, **changes)
        path = written({k: v for k, v in document.items() if v is not None}, folder, f"entry_{place}")
        known, rows = read_baselines(read(path), folder), history(path)
        first = dt.date(2026, 4, 10) - dt.timedelta(days=20 + 14 - 2)
        assert known.as_of == first
        members = frames()["members"]
        entered = members[(members["is_test"] == 0) & (members["opted_out"] == 0)]
        days = pd.to_datetime(entered["joined"]).dt.date
        inside = (days >= first) & (days < first + dt.timedelta(days=14))
        assert known.units == rows.n == inside.sum() > 30
        assert known.entry_per_day == pytest.approx(inside.sum() / 14)
        assert rows.begins is not None and len(np.unique(rows.begins)) == days[inside].nunique()


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (
            {"outcome_days": 80, "pre_days": 28},
            "shorter than the window: 28 days before and 80 days of outcomes",
        ),
        (
            {"outcome_days": 20, "pre_days": 90},
            "shorter than the window: 90 days before and 20 days of outcomes",
        ),
    ],
)
def test_a_history_shorter_than_the_windows_is_refused_by_both(
    places: dict[str, tuple[Path, str, str]], days: dict[str, int], words: str
) -> None:
    folder, engine, suffix = places["files"]
    schedule = {"start": "2026-05-01", "end": "2026-05-28", **days}
    path = written(of_orders(engine, suffix, schedule=schedule), folder, "short")
    with pytest.raises(Refused, match=words):
        read_baselines(read(path), folder)
    with pytest.raises(Refused, match=words):
        rehearse(path, 1)
    good = written(of_orders(engine, suffix), folder, "good")
    with pytest.raises(Refused, match=r"ends on 2026-04-10. Set --begins to 2026-03-14 or earlier"):
        rehearse(good, 1, begins=dt.date(2026, 4, 1))
    with pytest.raises(Refused, match=r"begins on 2026-01-01. Set --begins to 2026-01-29 or later"):
        rehearse(good, 1, begins=dt.date(2026, 1, 5))


def test_the_last_whole_window_leaves_room_for_refunds(places: dict[str, tuple[Path, str, str]]) -> None:
    folder, engine, suffix = places["files"]
    schedule = {"start": "2026-05-01", "end": "2026-05-28", "outcome_days": 28, "pre_days": 28}
    for refunds, first in ((10, "2026-03-04"), (60, "2026-01-29")):
        spec = of_orders(engine, suffix, schedule=schedule | {"refund_days": refunds})
        path = written(spec, folder, "refunds")
        found = read_baselines(Experiment.model_validate(read(path)), folder)
        assert found.as_of == dt.date.fromisoformat(first)
