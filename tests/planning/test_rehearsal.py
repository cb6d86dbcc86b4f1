"""Rehearsals: sums of a draw are those of its rows, truth is what was planted, rates are as promised."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from loyalty_exp.errors import ContractBreach, Refused, UsageError
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import BALANCE, plan
from loyalty_exp.pipeline import conclude
from loyalty_exp.planning.history import read_history
from loyalty_exp.planning.plant import wishes_of
from loyalty_exp.planning.redraw import Redraw, cuts_of, salts_of
from loyalty_exp.planning.rehearsal import played, rehearse, summarized_of
from loyalty_exp.planning.rehearsal_data import world
from loyalty_exp.planning.rehearsal_rates import uniform_p_value
from loyalty_exp.planning.rehearsal_result import Scenario, rate_of
from loyalty_exp.planning.rehearsal_state import State
from loyalty_exp.planning.staging import NULL, PLANTED, Stage, drawn_from, rehearsed, staged
from loyalty_exp.readout.result import Readout
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.read import read
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.poisson_bootstrap import unit_hashes

EXPERIMENTS = Path(__file__).parents[2] / "experiments"

BANDS = 3.3
"""Monte-Carlo standard errors, as everywhere in the validity studies."""


def table(n: int = 1200, seed: int = 3) -> pd.DataFrame:
    """Heavy-tailed, zero-inflated spend that the value before half predicts; some units lack a score."""
    rng = np.random.default_rng(seed)
    heavy = rng.gamma(1.0, 1.0, n)
    buys = rng.random(n) < np.clip(0.15 + 0.15 * heavy, 0, 0.9)
    spend = np.round(np.where(buys, heavy * rng.lognormal(3.0, 0.9, n), 0.0), 2)
    household = np.repeat(np.arange(n), rng.integers(1, 4, n))[:n]
    return pd.DataFrame(
        {
            "id": [f"U{i:05d}" for i in range(n)],
            "arm": np.where(rng.random(n) < 0.5, "c", "t"),
            "tier": rng.choice(["gold", "silver", "tin"], n, p=[0.2, 0.5, 0.3]),
            "household": [f"H{h}" for h in household],
            "spend": spend,
            "before": np.round(heavy * rng.lognormal(3.0, 0.4, n), 2),
            "orders": buys * rng.integers(1, 4, n),
            "visit": (buys | (rng.random(n) < 0.2)).astype(int),
            "score": np.where(rng.random(n) < 0.1, np.nan, rng.normal(7, 2, n)),
            "coupons": buys * (rng.random(n) < 0.4),
        }
    )


def document(**changes: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "experiment": "tried",
        "question": "Does it pay?",
        "unit": "id",
        "data": {"units": "units.parquet"},
        "arms": {"from_column": "arm", "control": "c", "treatments": ["t"]},
        "metrics": [
            {"id": "spend", "type": "amount", "column": "spend", "role": "primary", "covariates": ["before"]},
            {"id": "orders", "type": "count"},
            {"id": "visit", "type": "proportion"},
            {"id": "score", "type": "amount", "column": "score", "missing": "drop"},
            {"id": "aov", "type": "ratio", "numerator": "spend", "denominator": "orders"},
        ],
        "economics": {
            "benefit": {"metric": "spend", "margin": 0.4},
            "costs": [
                {"id": "mail", "per_unit": 0.5},
                {"id": "coupon", "per_event": "coupons", "price": 2.0},
                {"id": "set_up", "fixed": 300},
            ],
        },
        "decision": {"ship_if": {"probability_net_benefit_positive": 0.975}},
    }
    return {k: v for k, v in (spec | changes).items() if v is not None}


def written(folder: Path, frame: pd.DataFrame | None = None, **changes: Any) -> Path:
    frame = table() if frame is None else frame
    with duckdb.connect() as connection:
        connection.register("rows", frame)
        connection.execute(f"COPY (SELECT * FROM rows) TO '{folder / 'units.parquet'}' (FORMAT parquet)")
    path = folder / "spec.yaml"
    path.write_text(json.dumps(document(**changes)), encoding="utf-8")
    return path


def stage_of(path: Path, *effects: str, seed: int = 1) -> Stage:
    experiment, left_out = rehearsed(read(path))
    asked = plan(experiment)
    history = read_history(experiment, asked, path.parent)
    return staged(experiment, asked, history, wishes_of(effects, experiment), seed, left_out)


def scenarios(path: Path, times: int, *effects: str, judge: Any = conclude) -> dict[str, Scenario]:
    stage, state = stage_of(path, *effects), State(None, "")
    played(stage, times, state, lambda _: None, judge)
    return {s.id: s for s in summarized_of(read(path), stage, times, state.records).scenarios}


def near(a: Any, b: Any) -> None:
    assert a.n == b.n
    assert a.columns == b.columns
    np.testing.assert_allclose(a.mean, b.mean, rtol=1e-10, atol=1e-12)
    size = np.sqrt(np.outer(np.diag(b.comoment), np.diag(b.comoment))) + 1e-9
    np.testing.assert_allclose(a.comoment / size, b.comoment / size, rtol=0, atol=1e-10)


def as_drawn(path: Path, frame: pd.DataFrame, by: str = "id") -> tuple[Outcomes, Outcomes]:
    """Outcomes of the arms in the table: as the engine collects them, and as a rehearsal sums them."""
    experiment = read(path)
    asked = plan(experiment)
    history = read_history(experiment, asked, path.parent)
    history, redraw, cuts = drawn_from(experiment, history, 0)
    arm = dict(zip(unit_hashes(frame[by]).tolist(), frame["arm"] == "t", strict=True))
    arms = np.array([[arm[int(h)] for h in redraw.hashes]], dtype=np.uint8)
    return collect(experiment, path.parent), world(experiment, asked, history, cuts).outcomes(arms)[0]


def test_a_draw_sums_to_what_the_engine_would_collect(tmp_path: Path) -> None:
    frame = table()
    frame["tier"] = frame["tier"].astype(str)
    path = written(tmp_path, frame, assignment={"salt": "s", "strata": ["tier"]})
    collected, summed = as_drawn(path, frame)
    assert summed.units == collected.units
    assert summed.missing == collected.missing
    for name, by_arm in collected.overall.items():
        for arm, moments in by_arm.items():
            near(summed.overall[name][arm], moments)
    assert set(summed.strata) == set(collected.strata) == {"gold", "silver", "tin"}
    for stratum, blocks in collected.strata.items():
        for name, by_arm in blocks.items():
            for arm, moments in by_arm.items():
                near(summed.strata[stratum][name][arm], moments)
    for arm, skew in collected.skewness["spend"].items():
        assert summed.skewness["spend"][arm] == pytest.approx(skew, rel=1e-9)


def test_a_draw_of_households_sums_to_what_the_engine_would_collect(tmp_path: Path) -> None:
    frame = table()
    frame["arm"] = np.where(frame["household"].str[-1].astype(int) % 2 == 0, "c", "t")
    path = written(tmp_path, frame, cluster="household")
    collected, summed = as_drawn(path, frame, by="household")
    found, wanted = summed.evidence.clusters[None], collected.evidence.clusters[None]
    assert set(found) == set(wanted) == set(collected.overall) - {BALANCE}
    for name, by_arm in wanted.items():
        for arm, clusters in by_arm.items():
            assert found[name][arm].sizes == clusters.sizes
            for a, b in zip(found[name][arm].cells, clusters.cells, strict=True):
                near(a, b)
    for arm, moments in collected.overall["spend"].items():
        near(summed.overall["spend"][arm], moments)


def test_windows_of_transactions_are_those_of_an_analysis() -> None:
    path = EXPERIMENTS / "double_points.yaml"
    experiment, _ = rehearsed(read(path))
    asked = plan(experiment)
    history = read_history(experiment, asked, path.parent)
    history, redraw, cuts = drawn_from(experiment, history, 0)
    rows = duckdb.sql(
        f"SELECT member_id::VARCHAR, arm FROM '{path.parent}/data/assignments.parquet'"
    ).fetchall()
    arm = dict(zip(unit_hashes(r[0] for r in rows).tolist(), (r[1] == "double" for r in rows), strict=True))
    arms = np.array([[arm[int(h)] for h in redraw.hashes]], dtype=np.uint8)
    summed = world(experiment, asked, history, cuts).outcomes(arms)[0]
    collected = collect(experiment, path.parent)
    for name, by_arm in collected.overall.items():
        for arm_id, moments in by_arm.items():
            near(summed.overall[name][arm_id], moments)
    of_sums, of_engine = conclude(experiment, summed), conclude(experiment, collected)
    assert of_sums.decision.action == of_engine.decision.action
    assert of_sums.economics[0].net_benefit.estimate == pytest.approx(
        of_engine.economics[0].net_benefit.estimate
    )


def test_moments_of_one_rehearsal_are_those_of_its_rows(tmp_path: Path) -> None:
    stage = stage_of(written(tmp_path), "spend=+5%")
    arms = stage.redraw.arms(0, 3)
    block = ("spend", "before")
    for name, changed in ((NULL, 1.0), (PLANTED, 1.05)):
        for i, found in enumerate(stage.worlds[name].outcomes(arms)):
            for position, arm in enumerate(("c", "t")):
                mine = arms[i] == position
                rows = {c: stage.history.columns[c][mine] for c in block}
                rows["spend"] = rows["spend"] * (changed if arm == "t" else 1.0)
                near(found.overall["spend"][arm], from_rows(rows))


def test_draws_have_their_shares_and_are_independent() -> None:
    hashes = unit_hashes(f"M{i:08d}" for i in range(4000))
    arms = Redraw(hashes, (), (0.5, 0.3, 0.2), 9).arms(0, 400)
    for position, share in enumerate((0.5, 0.3, 0.2)):
        each = (arms == position).sum(axis=1)
        assert abs(each.mean() - 4000 * share) < BANDS * np.sqrt(4000 * share * (1 - share) / 400)
        assert each.var() == pytest.approx(4000 * share * (1 - share), rel=BANDS * np.sqrt(2 / 400))
    treated = (arms > 0).astype(float) - 0.5
    between_units = (treated[:, ::2] * treated[:, 1::2]).mean()
    between_rehearsals = (treated[::2] * treated[1::2]).mean()
    assert max(abs(between_units), abs(between_rehearsals)) < BANDS * 0.25 / np.sqrt(treated.size / 2)


def test_a_rehearsal_is_drawn_by_its_number_alone() -> None:
    redraw = Redraw(unit_hashes(map(str, range(50))), (), (0.5, 0.5), 2)
    assert (redraw.arms(0, 20)[7:12] == redraw.arms(7, 5)).all()
    assert (redraw.arms(0, 5) != replace(redraw, seed=3).arms(0, 5)).any()
    assert len(set(salts_of(1, 0, 1000).tolist())) == 1000
    assert cuts_of((0.5, 0.5)) == (2**63,)


def test_strata_are_cut_at_ranks_and_every_unit_has_its_chance() -> None:
    strata = ((0, 7, 11), (7, 10, 12), (10, 200, 13))
    arms = Redraw(unit_hashes(map(str, range(200))), strata, (0.5, 0.3, 0.2), 5).arms(0, 3000)
    for first, end, _ in strata:
        for position, share in enumerate((0.5, 0.3, 0.2)):
            each = (arms[:, first:end] == position).sum(axis=1)
            assert np.abs(each - share * (end - first)).max() < 1 + 1e-9
    for position, share in enumerate((0.5, 0.3, 0.2)):
        of_unit = (arms == position).mean(axis=0)
        assert np.abs(of_unit - share).max() < 4.5 * np.sqrt(share * (1 - share) / 3000)


def test_strata_and_households_of_a_spec_are_drawn_as_declared(tmp_path: Path) -> None:
    path = written(tmp_path, assignment={"salt": "s", "strata": ["tier"]})
    stage = stage_of(path)
    for found in stage.worlds[NULL].outcomes(stage.redraw.arms(0, 20)):
        for blocks in found.strata.values():
            by_arm = blocks["spend"]
            assert abs(by_arm["c"].n - by_arm["t"].n) <= 1
    frame = table()
    frame["tier"] = "all"
    path = written(tmp_path, frame, cluster="household", assignment={"salt": "s", "strata": ["tier"]})
    stage = stage_of(path)
    for found in stage.worlds[NULL].outcomes(stage.redraw.arms(0, 5)):
        by_arm = found.evidence.clusters[None]["spend"]
        assert abs(by_arm["c"].n_clusters - by_arm["t"].n_clusters) <= 1
        assert sum(a.n_clusters for a in by_arm.values()) == frame["household"].nunique()
        assert {a: x.n for a, x in by_arm.items()} == found.units


def test_without_an_effect_the_level_is_kept_and_p_values_are_uniform(tmp_path: Path) -> None:
    null = scenarios(written(tmp_path, table(3000)), 600)[NULL]
    for reading in null.readings:
        assert reading.coverage is not None
        assert abs(reading.coverage.rate - 0.95) < BANDS * np.sqrt(0.05 * 0.95 / 600), reading.metric
        if reading.role != "money":
            assert reading.truth == 0
            assert reading.uniform_p_value is not None
            assert reading.uniform_p_value > 0.001
    assert null.alarms == ()
    spend = null.readings[0]
    assert spend.variance_reduction is not None
    assert spend.variance_reduction > 0.05
    assert spend.sd_estimate == pytest.approx(spend.mean_std_error, rel=0.11)


def test_a_planted_effect_is_covered_and_found_as_planned(tmp_path: Path) -> None:
    found = scenarios(written(tmp_path, table(4000)), 500, "nb=0.9")
    planted = found[PLANTED]
    by_name = {r.metric: r for r in planted.readings}
    money = by_name["net_benefit"]
    assert money.truth == pytest.approx(0.9, rel=1e-9)
    assert planted.worth_shipping == ("t",)
    for reading in planted.readings:
        assert reading.coverage is not None
        assert abs(reading.coverage.rate - 0.95) < BANDS * np.sqrt(0.05 * 0.95 / 500), reading.metric
    for reading in (money, by_name["spend"]):
        assert reading.rejected is not None
        assert reading.planned_power is not None
        assert reading.rejected.rate == pytest.approx(reading.planned_power, abs=0.08)
        assert 0.1 < reading.planned_power < 0.99
    assert planted.missed_ship is not None
    assert 0.02 < planted.missed_ship.rate < 0.98
    even = found["break_even"]
    assert even.worth_shipping == ()
    assert even.missed_ship is None
    assert even.false_ship is not None
    assert abs(even.false_ship.rate - 0.025) < BANDS * np.sqrt(0.025 * 0.975 / 500)


def test_a_wrong_analysis_is_found_out(tmp_path: Path) -> None:
    """Members of a household are treated together; errors that forget it reject far too often."""
    frame = table(3000)
    leader = frame.groupby("household")["spend"].transform("first")
    frame["spend"] = np.round(leader * 0.9 + frame["spend"] * 0.1, 2)
    path = written(tmp_path, frame, cluster="household", economics=None, decision=None)
    right = scenarios(path, 400)[NULL]
    spec = document(cluster="household", economics=None, decision=None)
    spec["metrics"] = [{"id": "spend", "type": "amount", "column": "spend", "role": "primary"}]
    path.write_text(json.dumps(spec), encoding="utf-8")
    naive = read(path).model_copy(update={"cluster": None})

    def wrong(experiment: Experiment, outcomes: Outcomes) -> Readout:
        return conclude(naive, outcomes)

    found = scenarios(path, 400, judge=wrong)[NULL]
    reading = found.readings[0]
    assert reading.rejected is not None
    assert reading.rejected.lower > 0.05
    assert any("not uniform" in words or "rejects" in words for words in found.alarms)
    assert not any("spend" in words and "rejects" in words for words in right.alarms)


def test_the_same_seed_gives_the_same_bytes_whatever_interrupts(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = rehearse(path, 150, effects=["spend=+5%"], state_file=tmp_path / "whole.part").to_json()
    again = rehearse(path, 150, effects=["spend=+5%"]).to_json()
    assert whole == again
    part = tmp_path / "cut.part"

    class Stop(BaseException):
        pass

    def until(limit: int) -> Any:
        calls = 0

        def tell(words: str) -> None:
            nonlocal calls
            calls += words.startswith("rehearsing")
            if calls > limit:
                raise Stop

        return tell

    for limit in (40, 60):
        with pytest.raises(Stop):
            rehearse(path, 150, effects=["spend=+5%"], state_file=part, progress=until(limit))
        assert part.is_file()
    done = json.loads(part.read_text())
    assert 80 <= len(done["records"][NULL]) < 150
    assert rehearse(path, 150, effects=["spend=+5%"], state_file=part).to_json() == whole
    assert rehearse(path, 150, effects=["spend=+5%"], seed=8).to_json() != whole


def test_a_state_of_other_data_or_another_effect_is_not_taken_up(tmp_path: Path) -> None:
    path, part = written(tmp_path), tmp_path / "x.part"
    rehearse(path, 10, effects=["spend=+5%"], state_file=part)
    plain = rehearse(path, 10, effects=["spend=+6%"]).to_json()
    assert rehearse(path, 10, effects=["spend=+6%"], state_file=part).to_json() == plain
    part.write_text('{"schema": "loyalty-exp/rehearsal-st')
    assert rehearse(path, 10, effects=["spend=+6%"], state_file=part).to_json() == plain


def truths(path: Path, *effects: str) -> tuple[Mapping[str, float | None], Mapping[str, float | None]]:
    stage = stage_of(path, *effects)
    truth = stage.truths[PLANTED]
    return truth.effects, truth.levels


@pytest.mark.parametrize(
    ("effect", "metric", "change", "within"),
    [
        ("basket=+5%", "spend", 0.05, 1e-12),
        ("basket=-5%", "aov", -0.05, 1e-12),
        ("spend=+10%", "spend", 0.10, 1e-12),
        ("aov=+10%", "aov", 0.10, 1e-12),
        ("frequency=+20%", "orders", 0.20, 0.03),
        ("frequency=-20%", "spend", -0.20, 0.06),
        ("orders=+30%", "orders", 0.30, 0.04),
        ("visit=+10%", "visit", 0.10, 0.002),
        ("visit=-10%", "visit", -0.10, 0.002),
    ],
)
def test_what_is_planted_is_what_is_true(
    tmp_path: Path, effect: str, metric: str, change: float, within: float
) -> None:
    effects, levels = truths(written(tmp_path), effect)
    level, moved = levels[metric], effects[metric]
    assert level is not None
    assert moved is not None
    assert moved / level == pytest.approx(change, abs=within)


def test_absolute_effects_churn_and_redemption(tmp_path: Path) -> None:
    path = written(tmp_path)
    effects, _ = truths(path, "spend=+1.5")
    assert effects["spend"] == pytest.approx(1.5)
    lost, _ = truths(path, "churn=+20%")
    won, _ = truths(path, "churn=-20%")
    assert (lost["spend"] or 0) < 0 < (won["spend"] or 0)
    assert (lost["visit"] or 0) < 0 < (won["visit"] or 0)
    stage = stage_of(path, "redemption=+50%")
    money = stage.truths
    per_unit = 2.0 * float(stage.history.columns["coupons"].mean())
    assert money[PLANTED].effects["spend"] == 0
    assert money[PLANTED].net_benefit["t"] == pytest.approx(
        money[NULL].net_benefit["t"] - 0.5 * per_unit, abs=0.01
    )
    assert money[NULL].net_benefit["t"] == pytest.approx(-0.5 - 300 / 600)


@pytest.mark.parametrize(
    "effect",
    ["spend", "spend=5 %", "nothing=+5%", "basket=5", "nb=+5%", "spend=-100%", "churn=1", "nb=-9999"],
)
def test_what_cannot_be_planted_is_said(tmp_path: Path, effect: str) -> None:
    with pytest.raises(UsageError, match="--effect"):
        stage_of(written(tmp_path), effect)


def test_designs_that_sums_cannot_stand_for_are_refused(tmp_path: Path) -> None:
    metrics = document()["metrics"]
    metrics[0] = {**metrics[0], "estimator": "mann_whitney", "covariates": []}
    with pytest.raises(Refused, match="reads every row"):
        rehearsed(read(written(tmp_path, metrics=metrics)))
    metrics = [*document()["metrics"], {"id": "p9", "type": "quantile", "column": "spend", "quantile": 0.9}]
    experiment, left_out = rehearsed(read(written(tmp_path, metrics=metrics)))
    assert "p9" not in experiment.library
    assert left_out == ("metric p9: a quantile is no sum",)


def test_values_that_break_the_contract_are_told(tmp_path: Path) -> None:
    frame = table(50)
    frame.loc[3, "spend"] = None
    with pytest.raises(ContractBreach, match=r"units\.parquet\.spend: values are missing.*1 row"):
        stage_of(written(tmp_path, frame))


def test_a_table_from_before_the_launch_needs_no_arm(tmp_path: Path) -> None:
    path = written(tmp_path)
    with_arm = stage_of(path).history
    path = written(tmp_path, table().drop(columns="arm"))
    assert stage_of(path).history.digest == with_arm.digest


def test_members_that_nobody_assigned_begin_on_the_last_day_with_a_whole_window(tmp_path: Path) -> None:
    days = pd.date_range("2026-01-01", "2026-03-31")
    rng = np.random.default_rng(4)
    members = pd.DataFrame(
        {"member_id": [f"M{i}" for i in range(300)], "is_test": [i < 20 for i in range(300)]}
    )
    orders = pd.DataFrame(
        {
            "txn_id": np.arange(4000),
            "member_id": [f"M{i}" for i in rng.integers(0, 300, 4000)],
            "ts": rng.choice(days[:-1], 4000),
            "amount": np.round(rng.lognormal(3, 1, 4000), 2),
        }
    )
    orders.loc[0, "ts"] = days[-1]
    with duckdb.connect() as connection:
        for name, frame in (("members", members), ("orders", orders)):
            connection.register("rows", frame)
            kept = "* REPLACE (ts::DATE AS ts)" if name == "orders" else "*"
            connection.execute(
                f"COPY (SELECT {kept} FROM rows) TO '{tmp_path / name}.parquet' (FORMAT parquet)"
            )
    spec = {
        "experiment": "to_come",
        "question": "Will it pay?",
        "unit": "member_id",
        "data": {
            "members": "members.parquet",
            "transactions": {"table": "orders.parquet", "order": "txn_id", "time": "ts", "amount": "amount"},
        },
        "assignment": {"salt": "to-come"},
        "arms": [
            {"id": "control", "share": 0.5},
            {"id": "mail", "share": 0.5, "intervention": {"type": "message", "channel": "email"}},
        ],
        "schedule": {"start": "2026-05-01", "end": "2026-05-28", "outcome_days": 28, "pre_days": 28},
        "metrics": [
            {"id": "spend", "type": "amount", "column": "amount", "role": "primary", "covariates": ["pre"]}
        ],
    }
    path = tmp_path / "spec.yaml"
    path.write_text(json.dumps(spec), encoding="utf-8")
    found = rehearse(path, 20)
    assert found.units == 280
    assert found.first_day == "2026-03-04"
    window = orders[(orders["ts"] >= "2026-03-04") & ~orders["member_id"].isin(members["member_id"][:20])]
    stage = stage_of(path)
    assert stage.history.columns["spend"].sum() == pytest.approx(window["amount"].sum())
    assert rehearse(path, 20).to_json() == found.to_json()


def test_p_values_are_held_against_the_uniform_law() -> None:
    from scipy import stats

    rng = np.random.default_rng(0)
    x = rng.random(500)
    assert uniform_p_value(x.tolist()) == pytest.approx(stats.kstest(x, "uniform").pvalue, abs=0.01)
    assert (uniform_p_value((x**1.5).tolist()) or 0) < 0.001
    assert uniform_p_value([]) is None
    assert rate_of(0, 10).lower == 0
