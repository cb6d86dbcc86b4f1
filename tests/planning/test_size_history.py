"""Baselines of the team's own data: the same numbers as the rows give, on both engines and both shapes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from loyalty_exp.errors import Refused
from loyalty_exp.planning.past_window import read_baselines
from loyalty_exp.planning.size import size
from loyalty_exp.spec.experiment import Experiment

AS_OF = dt.date(2026, 2, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("history")
    rng = np.random.default_rng(3)
    members = pd.DataFrame({"member_id": [f"m{i:04}" for i in range(1200)]})
    members["home"] = [f"h{i // 3}" for i in range(1200)]
    members["tier"] = rng.choice(["gold", "base"], 1200)
    taste = np.repeat(rng.gamma(2.0, 1.0, 400), 3) * rng.gamma(2.0, 0.5, 1200)
    rows = []
    for i, weight in enumerate(taste):
        for _ in range(rng.poisson(2.0 * weight)):
            day = AS_OF + dt.timedelta(days=int(rng.integers(-28, 40)))
            amount = round(float(rng.gamma(2.0, 10.0)), 2)
            rows.append((f"m{i:04}", f"o{len(rows)}", day, amount, round(0.3 * amount, 2)))
    orders = pd.DataFrame(rows, columns=["member_id", "order_id", "day", "amount", "margin"])
    con = duckdb.connect()
    for name, frame in {"members": members, "orders": orders}.items():
        con.register("frame", frame)
        con.execute(f"COPY (SELECT * FROM frame) TO '{where / name}.parquet' (FORMAT parquet)")
        con.unregister("frame")
    return where


def spec(**changes: Any) -> Experiment:
    base = {
        "experiment": "planned",
        "question": "Does it pay?",
        "unit": "member_id",
        "data": {
            "members": "members.parquet",
            "transactions": {
                "table": "orders.parquet",
                "order": "order_id",
                "time": "day",
                "amount": "amount",
            },
        },
        "assignment": {"salt": "s"},
        "arms": [
            {"id": "c", "share": 0.5},
            {"id": "t", "share": 0.5, "intervention": {"type": "points_multiplier", "multiplier": 2}},
        ],
        "schedule": {"start": "2026-04-01", "end": "2026-04-28", "outcome_days": 28, "pre_days": 28},
        "metrics": [
            {"id": "spend", "type": "amount", "column": "amount", "role": "primary", "covariates": ["pre"]},
            {"id": "again", "type": "repurchase", "within_days": 28},
            {"id": "aov", "type": "ratio", "numerator": "spend", "denominator": "orders"},
            {"id": "orders", "type": "count"},
        ],
        "sizing": {"relative_mde": 0.1, "history": {"as_of": AS_OF.isoformat()}},
    } | changes
    import json

    return Experiment.model_validate_json(json.dumps(base))


def rows(folder: Path) -> pd.DataFrame:
    return (
        duckdb.connect()
        .execute(
            f"""SELECT member_id, home, tier,
            coalesce(sum(amount) FILTER (day >= DATE '2026-02-01' AND day < DATE '2026-03-01'), 0) AS y,
            count(order_id) FILTER (day >= DATE '2026-02-01' AND day < DATE '2026-03-01') AS n,
            coalesce(sum(amount) FILTER (day >= DATE '2026-01-04' AND day < DATE '2026-02-01'), 0) AS x
            FROM '{folder}/members.parquet' LEFT JOIN '{folder}/orders.parquet' USING (member_id)
            GROUP BY ALL ORDER BY member_id"""
        )
        .df()
    )


def test_baselines_are_those_of_the_rows(folder: Path) -> None:
    found, r = read_baselines(spec(), folder), rows(folder)
    assert found.units == 1200
    y, x = r.y.to_numpy(), r.x.to_numpy()
    known = found.metrics["spend"]
    assert known.mean == pytest.approx(y.mean())
    assert known.sd == pytest.approx(y.std(ddof=1))
    assert known.correlation == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-6)
    assert known.zero_share == pytest.approx((y == 0).mean())
    assert found.metrics["again"].mean == pytest.approx((r.n > 0).mean())
    assert found.metrics["orders"].sd == pytest.approx(r.n.std())
    ratio = y.sum() / r.n.sum()
    assert found.metrics["aov"].mean == pytest.approx(ratio)
    assert found.metrics["aov"].sd == pytest.approx(((y - ratio * r.n) / r.n.mean()).std(), rel=1e-6)


def test_those_who_bought_before_are_a_narrower_population(folder: Path) -> None:
    found, r = read_baselines(spec(), folder), rows(folder)
    part = found.narrower["spend"][0]
    before = r[r.x != 0]
    assert part.share == pytest.approx(len(before) / len(r))
    assert part.known.mean == pytest.approx(before.y.mean())
    assert part.known.sd == pytest.approx(before.y.std(ddof=0), rel=1e-9)


def test_households_bring_their_likeness(folder: Path) -> None:
    from statsmodels.stats.anova import anova_lm

    found = read_baselines(spec(cluster="home"), folder)
    known, r = found.metrics["orders"], rows(folder)
    assert found.cluster_size == pytest.approx(3.0) and found.cluster_cv == pytest.approx(0.0, abs=1e-9)
    from statsmodels.formula.api import ols

    table = anova_lm(ols("n ~ C(home)", r).fit())
    between, within = table["mean_sq"]
    assert known.icc == pytest.approx((between - within) / (between + 2 * within), rel=1e-6)
    # For equal clusters the readout's variance is 1 + (m - 1) icc times the plain one.
    assert known.design_effect == pytest.approx(1 + 2 * (known.icc or 0.0), rel=0.01)


def test_population_and_segments_narrow_the_history(folder: Path) -> None:
    gold = {"include": [{"field": "tier", "op": "==", "value": "gold"}]}
    found, r = read_baselines(spec(population=gold), folder), rows(folder)
    assert found.units == int((r.tier == "gold").sum())
    cut = read_baselines(spec(segments=[{"id": "tier"}]), folder)
    assert ("tier", "gold") in {p.name for p in cut.narrower["spend"]}


def test_money_is_priced_as_in_the_readout(folder: Path) -> None:
    economics = {
        "benefit": {"metric": "spend", "margin": 0.3},
        "costs": [{"id": "mail", "per_unit": 0.5}, {"id": "set_up", "fixed": 1000.0}],
    }
    found, r = read_baselines(spec(economics=economics), folder), rows(folder)
    money = found.money["t"]
    assert money.cost_gap == pytest.approx(0.5)
    x, y = r.x.to_numpy(), 0.3 * r.y.to_numpy()
    left = np.var(y, ddof=1) * (1 - np.corrcoef(x, y)[0, 1] ** 2)
    assert money.control[0] == pytest.approx(left, rel=1e-3)


def test_a_cost_that_counts_events_is_not_known_from_the_past(folder: Path) -> None:
    economics = {
        "benefit": {"metric": "spend", "margin": 0.3},
        "costs": [{"id": "points", "per_event": "margin", "price": 0.1}],
    }
    asked = spec(economics=economics, decision={"ship_if": {"probability_net_benefit_positive": 0.95}})
    plan = size(asked, read_baselines(asked, folder))
    reason = next(a.reason for a in plan.answers if a.kind == "net_benefit")
    assert reason == "the expected cost is not known from the past: give sizing.expected_cost_per_unit"


def test_a_history_shorter_than_the_window_is_refused(folder: Path) -> None:
    late = {"relative_mde": 0.1, "history": {"as_of": "2026-03-01"}}
    with pytest.raises(Refused, match=r"shorter than the window.* or earlier"):
        read_baselines(spec(sizing=late), folder)
    early = {"relative_mde": 0.1, "history": {"as_of": "2026-01-10"}}
    with pytest.raises(Refused, match=r"shorter than the pre-period.* or later"):
        read_baselines(spec(sizing=early), folder)
    assert read_baselines(spec(sizing={"history": {}}), folder).last_day == dt.date(2026, 3, 12)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_per_unit_table_gives_its_control_arm_or_everyone(folder: Path, tmp_path: Path, kind: str) -> None:
    r = rows(folder)
    r["arm"] = ["c", "t"] * 600
    con = duckdb.connect()
    con.register("frame", r)
    for name, columns in {"with": "*", "without": "* EXCLUDE (arm)"}.items():
        con.execute(f"COPY (SELECT {columns} FROM frame) TO '{tmp_path / name}.{kind}' (FORMAT {kind})")
    for name, kept in {"with": r[r.arm == "c"], "without": r}.items():
        asked = spec(
            data={"units": f"{name}.{kind}"},
            assignment=None,
            arms={"from_column": "arm", "control": "c", "treatments": ["t"]},
            metrics=[{"id": "y", "type": "amount", "column": "y", "role": "primary", "covariates": ["x"]}],
            sizing={"relative_mde": 0.1, "history": {}},
        )
        found = read_baselines(asked, tmp_path)
        assert found.units == len(kept)
        assert found.metrics["y"].mean == pytest.approx(kept.y.mean())
        assert found.metrics["y"].zero_share == pytest.approx((kept.y == 0).mean())
