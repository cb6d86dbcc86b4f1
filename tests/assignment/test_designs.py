"""Each way to draw runs from spec to readout: by trigger, by household, in cells, in strata, redrawn."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from assignment.made_members import arms, members, spec, write, written
from loyalty_exp.assignment.assign import assign
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.pipeline import conclude
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.draws import Complete
from loyalty_exp.stats.redraws import Rerandomized, whitened

EFFECT = 8.0
TWO = [
    {"id": "control", "share": 0.5, "control": True},
    {"id": "a", "share": 0.5, "intervention": {"type": "points_bonus", "trigger": "purchase", "points": 10}},
]


def sell(folder: Path, frame: pd.DataFrame, treated: dict[Any, float], seed: int = 2) -> None:
    """One order a member and week from April to July; an arm adds to each what it is worth."""
    rng = np.random.default_rng(seed)
    rows = []
    for week in range(16):
        day = dt.date(2026, 4, 1) + dt.timedelta(days=7 * week)
        amount = 20 + frame["spend"].to_numpy() / 4 + rng.normal(0, 3, len(frame))
        extra = np.array([treated.get(unit, 0.0) for unit in frame["member_id"]])
        rows.append(
            pd.DataFrame(
                {
                    "member_id": frame["member_id"],
                    "o": [f"O{week}-{i}" for i in range(len(frame))],
                    "ts": day.isoformat(),
                    "a": (amount + extra).round(2),
                }
            )
        )
    sales = pd.concat(rows)
    with duckdb.connect() as connection, sqlite3.connect(folder / "all.db") as database:
        connection.register("sales", sales)
        connection.execute(
            f"COPY (SELECT * REPLACE (ts::DATE AS ts) FROM sales) TO '{folder}/t.parquet' (FORMAT parquet)"
        )
        sales.to_sql("t", database, index=False, if_exists="replace")


def drawn_and_read(folder: Path, experiment: Experiment, effect: dict[str, float]) -> dict[str, Any]:
    """Draw, let each arm spend what it is worth, and read out."""
    frame = members(1200)
    write(folder, frame)
    assign(experiment, folder, as_of=dt.date(2026, 7, 31))
    worth = {unit: effect.get(arm, 0.0) for unit, arm in arms(folder).items()}
    sell(folder, frame, worth)
    return conclude(experiment, collect(experiment, folder)).to_dict()


def spend(found: dict[str, Any], treatment: str = "a") -> dict[str, Any]:
    return next(
        e
        for e in found["estimates"]
        if e["metric"] == "spend" and e["treatment"] == treatment and e["segment"] is None
    )


def holds(estimate: dict[str, Any], truth: float, noise: float = 4.0) -> bool:
    a = estimate["absolute"]
    return bool(abs(a["estimate"] - truth) < noise * a["std_error"])


SPEND = {"id": "spend", "type": "amount", "column": "a", "role": "primary"}


@pytest.mark.parametrize("engine", ["duckdb", "sqlite:///all.db"])
def test_entry_by_trigger_counts_from_the_day_of_each_member(tmp_path: Path, engine: str) -> None:
    table = {"table": "t.parquet" if engine == "duckdb" else "t", "order": "o", "time": "ts", "amount": "a"}
    experiment = spec(
        engine=engine,
        arms=TWO,
        metrics=[SPEND],
        data__transactions=table,
        assignment__trigger={"column": "joined"},
        schedule__end="2026-05-20",
        schedule__data_to="2026-07-20",
    )
    found = drawn_and_read(tmp_path, experiment, {"a": EFFECT})
    entered = written(tmp_path)["assigned_at"]
    assert entered.nunique() > 30 and found["status"] == "mature"
    assert holds(spend(found), 4 * EFFECT)  # four weekly orders in any 28 days
    assert next(h for h in found["health"] if h["check"] == "allocation_drift")["status"] == "pass"


def test_households_are_drawn_and_members_measured(tmp_path: Path) -> None:
    experiment = spec(arms=TWO, metrics=[SPEND], cluster="household", schedule__data_to="2026-07-20")
    found = drawn_and_read(tmp_path, experiment, {"a": EFFECT})
    assert spend(found)["estimator"] == "clusters" and holds(spend(found), 4 * EFFECT)
    checks = {h["check"]: h for h in found["health"]}
    assert checks["clusters_in_two_arms"]["status"] == "pass"
    drawn = arms(tmp_path)
    frame = members(1200)
    homes = frame[frame["member_id"].isin(drawn)].groupby("household")["member_id"].apply(set)
    assert all(len({drawn[m] for m in home}) == 1 for home in homes)
    assert sum(a["clusters"] for a in found["arms"]) == len(homes)


def test_cells_of_factors_give_main_effects_and_their_interaction(tmp_path: Path) -> None:
    cells = [
        {
            "id": points + perk,
            "share": 0.25,
            "factors": {"points": points, "perk": perk},
            **({"control": True} if points + perk == "00" else {"intervention": TWO[1]["intervention"]}),
        }
        for points in "01"
        for perk in "01"
    ]
    experiment = spec(
        arms=cells,
        factors={"points": ["0", "1"], "perk": ["0", "1"]},
        metrics=[SPEND],
        schedule__data_to="2026-07-20",
    )
    found = drawn_and_read(tmp_path, experiment, {"10": 4.0, "01": 2.0, "11": 9.0})
    contrasts = {c["id"]: c for c in found["contrasts"] if c["metric"] == "spend"}
    for name, truth in (("main_points", 5.5), ("main_perk", 3.5), ("interaction_points_perk", 3.0)):
        c = contrasts[name]
        assert abs(c["estimate"] - 4 * truth) < 4 * c["std_error"], name


def test_strata_are_exact_and_take_their_noise_away(tmp_path: Path) -> None:
    experiment = spec(
        arms=TWO, metrics=[SPEND], assignment__strata=["tier", "region"], schedule__data_to="2026-07-20"
    )
    found = drawn_and_read(tmp_path, experiment, {"a": EFFECT})
    assert spend(found)["estimator"] == "stratified" and holds(spend(found), 4 * EFFECT)
    frame = members(1200).merge(written(tmp_path)[["member_id", "arm"]], on="member_id")
    counts = frame.groupby(["tier", "region", "arm"], dropna=False).size().unstack()
    assert (counts["a"] - counts["control"]).abs().max() <= 1


RANDOMIZATION = {"type": "randomization", "draws": 400}


@pytest.mark.parametrize("engine", ["duckdb", "sqlite:///all.db"])
@pytest.mark.parametrize("rule", [{"threshold": 0.05}, {"best_of": 25}], ids=["threshold", "best_of"])
def test_a_rerandomized_draw_is_tested_by_the_same_redraws(
    tmp_path: Path, rule: dict[str, Any], engine: str
) -> None:
    table = {"table": "t.parquet" if engine == "duckdb" else "t", "order": "o", "time": "ts", "amount": "a"}
    experiment = spec(
        engine=engine,
        arms=TWO,
        metrics=[SPEND | {"readings": [RANDOMIZATION]}],
        data__transactions=table,
        assignment__rerandomize={"covariates": ["spend", "orders"]} | rule,
        schedule__data_to="2026-07-20",
    )
    found = drawn_and_read(tmp_path, experiment, {"a": EFFECT})
    (reading,) = found["readings"]
    seen, plain = reading["absolute"], spend(found)["absolute"]
    assert reading["not_estimable"] is None and seen["ci_lower"] < 4 * EFFECT < seen["ci_upper"]
    # Balance on what predicts spending takes most of its noise away: redrawing the same way knows that.
    assert seen["ci_upper"] - seen["ci_lower"] < 0.5 * (plain["ci_upper"] - plain["ci_lower"])


def test_an_interval_without_a_standard_error_is_no_lack_of_variation(tmp_path: Path) -> None:
    experiment = spec(
        arms=TWO,
        metrics=[SPEND | {"estimator": RANDOMIZATION}],
        data__transactions={"table": "t.parquet", "order": "o", "time": "ts", "amount": "a"},
        schedule__data_to="2026-07-20",
    )
    found = drawn_and_read(tmp_path, experiment, {"a": EFFECT})
    seen = spend(found)["absolute"]
    assert seen["std_error"] is None and seen["ci_lower"] is not None
    assert "no_variance" not in found["warnings"]


def test_both_engines_redraw_alike(tmp_path: Path) -> None:
    found = []
    for engine in ("duckdb", "sqlite:///all.db"):
        place = tmp_path / engine[:6]
        place.mkdir()
        table = {
            "table": "t.parquet" if engine == "duckdb" else "t",
            "order": "o",
            "time": "ts",
            "amount": "a",
        }
        experiment = spec(
            engine=engine,
            arms=TWO,
            metrics=[SPEND | {"readings": [RANDOMIZATION]}],
            data__transactions=table,
            assignment__rerandomize={"covariates": ["spend"], "threshold": 0.5},
            schedule__data_to="2026-07-20",
        )
        found.append(drawn_and_read(place, experiment, {"a": EFFECT})["readings"][0]["absolute"])
    for key in ("estimate", "ci_lower", "ci_upper", "p_value"):
        assert found[0][key] == pytest.approx(found[1][key], rel=1e-9)


def test_three_arms_are_redrawn_two_at_a_time_by_a_threshold_only(tmp_path: Path) -> None:
    three = [TWO[0] | {"share": 0.4}, *(TWO[1] | {"id": i, "share": 0.3} for i in ("a", "b"))]
    for rule, words in (({"threshold": 1.0}, None), ({"best_of": 10}, "two arms only")):
        place = tmp_path / str(words)
        place.mkdir()
        experiment = spec(
            arms=three,
            metrics=[SPEND | {"readings": [RANDOMIZATION]}],
            assignment__rerandomize={"covariates": ["spend"]} | rule,
            schedule__data_to="2026-07-20",
        )
        for reading in drawn_and_read(place, experiment, {"a": EFFECT})["readings"]:
            if words:
                assert words in reading["not_estimable"]
            else:
                assert reading["absolute"]["p_value"] is not None


def test_covariates_that_changed_since_the_draw_are_told(tmp_path: Path) -> None:
    experiment = spec(
        arms=TWO,
        metrics=[SPEND | {"readings": [RANDOMIZATION]}],
        assignment__rerandomize={"covariates": ["spend"], "threshold": 0.001},
        schedule__data_to="2026-07-20",
    )
    drawn_and_read(tmp_path, experiment, {})
    frame = members(1200)
    moved = frame.assign(spend=np.where(frame["member_id"].map(arms(tmp_path)) == "a", 100.0, frame["spend"]))
    write(tmp_path, moved)
    sell(tmp_path, frame, {})
    (reading,) = conclude(experiment, collect(experiment, tmp_path)).to_dict()["readings"]
    assert "not those that were balanced" in reading["not_estimable"]


def test_households_are_redrawn_whole(tmp_path: Path) -> None:
    experiment = spec(
        arms=TWO,
        metrics=[SPEND | {"readings": [RANDOMIZATION]}],
        cluster="household",
        assignment__rerandomize={"covariates": ["spend"], "threshold": 0.5},
        schedule__data_to="2026-07-20",
    )
    (reading,) = drawn_and_read(tmp_path, experiment, {"a": EFFECT})["readings"]
    assert reading["absolute"]["ci_lower"] < 4 * EFFECT < reading["absolute"]["ci_upper"]


def test_only_acceptable_assignments_are_listed() -> None:
    """All 924 choices of 6 from 12: those up to the threshold, by the distance of the textbook."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(12, 2))
    x -= x.mean(axis=0)
    inverse = np.linalg.inv(np.cov(x.T))
    where, _ = whitened(x, np.array(["a"] * 6 + ["b"] * 6))
    draw = Rerandomized(Complete(12, 6), where, threshold=1.0)
    got = np.concatenate([z for z, _ in draw.every()])

    def distance(z: np.ndarray) -> float:
        gap = x[z].mean(axis=0) - x[~z].mean(axis=0)
        return float(6 * 6 / 12 * gap @ inverse @ gap)

    everything = np.concatenate([z for z, _ in Complete(12, 6).every()])
    wanted = np.array([z for z in everything if distance(z) <= 1.0])
    assert len(got) == len(wanted) and (got == wanted).all()
    sampled = draw.sample(rng, 50)
    assert len(sampled) == 50 and all(distance(z) <= 1.0 for z in sampled)
    best = Rerandomized(Complete(12, 6), where, best_of=200).sample(rng, 5)
    assert max(distance(z) for z in best) < 0.2


def test_the_test_keeps_its_level_when_the_draw_was_rerandomized() -> None:
    """Under the sharp null, p-values are uniform by construction: at 0.2 a fifth is below."""
    from loyalty_exp.stats.randomization import randomization_test

    rng = np.random.default_rng(7)
    x = rng.normal(size=(40, 1))
    x -= x.mean(axis=0)
    where, _ = whitened(x, np.array(["a"] * 20 + ["b"] * 20))
    draw = Rerandomized(Complete(40, 20), where, threshold=0.05)
    y = 3 * x[:, 0] + rng.normal(size=40)
    hits = sum(
        randomization_test(y, z, draw, rng=rng, draws=99).p_value <= 0.2 for z in draw.sample(rng, 400)
    )
    assert abs(hits / 400 - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 400)


@pytest.mark.parametrize("engine", ["duckdb", "sqlite:///all.db"])
@pytest.mark.parametrize("trigger", [{"after_days": 180}, {"yearly": True}], ids=["silence", "birthday"])
def test_a_day_of_entry_is_counted_from_a_day_of_the_member(
    tmp_path: Path, engine: str, trigger: dict[str, Any]
) -> None:
    frame = members(900)
    rng = np.random.default_rng(1)
    born = [dt.date(1980, 1, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 15_000, 900)]
    quiet = [dt.date(2025, 9, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 120, 900)]
    days = born if trigger.get("yearly") else quiet
    frame["joined"], frame["is_employee"] = [d.isoformat() for d in days], False
    write(tmp_path, frame)
    experiment = spec(engine=engine, assignment__trigger={"column": "joined"} | trigger)
    assign(experiment, tmp_path, as_of=dt.date(2026, 4, 20))
    wanted = {}
    for unit, day in zip(frame["member_id"], days, strict=True):
        if trigger.get("yearly"):
            leap = (day.month, day.day) == (2, 29)
            entry = dt.date(2026, day.month, 28 if leap else day.day)
        else:
            entry = day + dt.timedelta(days=180)
        if dt.date(2026, 4, 1) <= entry <= dt.date(2026, 4, 20):
            wanted[unit] = entry
    rows = written(tmp_path)
    got = {u: d.date() for u, d in zip(rows["member_id"], rows["assigned_at"], strict=True)}
    assert got == wanted and len(wanted) > 20


def test_february_29_and_the_turn_of_the_year() -> None:
    from loyalty_exp.assignment.members import days_of
    from loyalty_exp.spec.assignment import Trigger

    yearly = Trigger(column="born", yearly=True)
    around = [dt.date(2026, 12, 30) + dt.timedelta(days=i) for i in range(62)]
    found = days_of(around, yearly)
    assert found["12-31"] == "2026-12-31" and found["01-01"] == "2027-01-01"
    assert found["02-28"] == found["02-29"] == "2027-02-28"
    leap = days_of([dt.date(2028, 2, 28), dt.date(2028, 2, 29)], yearly)
    assert leap == {"02-28": "2028-02-28", "02-29": "2028-02-29"}
