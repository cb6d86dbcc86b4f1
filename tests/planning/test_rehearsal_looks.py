"""Rehearsals of plans that look before the end: what each look sees, where runs stop, what stopping costs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from test_rehearsal import BANDS, document, scenarios, stage_of, table, written

from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import plan
from loyalty_exp.pipeline import conclude
from loyalty_exp.planning.interim import blocks_of, deciding, first_seen
from loyalty_exp.planning.looks import READS
from loyalty_exp.planning.rehearsal import judged, rehearse
from loyalty_exp.planning.staging import NULL, PLANTED, Stage
from loyalty_exp.readout.result import Readout
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.read import read
from loyalty_exp.stats.moments import Moments, from_rows

GROUP = {"method": "group_sequential", "planned_units": 500, "looks": [0.3, 0.6, 1.0], "spending": "pocock"}
ALWAYS = {"method": "asymptotic_cs", "horizon": 3000}
BEHAVIOR = {"economics": None, "decision": None}
SPEND = [{"id": "spend", "type": "amount", "column": "spend", "role": "primary", "covariates": ["before"]}]


def looking(folder: Path, frame: pd.DataFrame | None = None, plan: Any = GROUP, **changes: Any) -> Path:
    return written(folder, frame, analysis={"sequential": plan}, **changes)


def rows_seen(stage: Stage, look: int, arm: int, arms: np.ndarray[Any, Any]) -> Moments:
    """Moments of spend and its covariate over the units in an arm that a look sees, unit by unit."""
    history = stage.history
    ends = max(c.end for c in stage.worlds[NULL].cuts)
    first = np.empty(ends, dtype=int)
    for c in stage.worlds[NULL].cuts:
        first[c.first : c.end] = c.look
    drawn = history.cluster if history.cluster is not None else np.arange(ends)
    there = (first[drawn] <= look) & (arms[drawn] == arm)
    return from_rows({name: history.columns[name][there] for name in ("spend", "before")})


@pytest.mark.parametrize("changes", [{}, {"cluster": "household"}])
def test_a_look_sees_the_units_that_came_first(tmp_path: Path, changes: dict[str, Any]) -> None:
    stage = stage_of(looking(tmp_path, **changes))
    arms = stage.redraw.arms(0, 1)
    looks = stage.worlds[NULL].at_looks(arms, blocks_of(stage.experiment))
    assert len(looks) == 3
    for i, outcomes in enumerate(looks):
        for place, arm in enumerate(("c", "t")):
            found = outcomes[0].overall["spend"][arm]
            expected = rows_seen(stage, i, place, arms[0])
            assert outcomes[0].units[arm] == found.n == expected.n
            np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-10)
            np.testing.assert_allclose(found.comoment, expected.comoment, rtol=1e-9)
    share = sum(looks[0][0].units.values()) / stage.history.n
    assert share == pytest.approx(0.3, abs=0.005)
    if changes:
        assert looks[0][0].evidence.clusters[None]["spend"]["t"].n_clusters < 0.6 * len(
            stage.history.clusters
        )


def test_strata_are_cut_by_look_and_keep_their_draw(tmp_path: Path) -> None:
    stage = stage_of(looking(tmp_path, assignment={"salt": "s", "strata": ["tier"]}))
    cuts = stage.worlds[NULL].cuts
    assert {(c.stratum, c.look) for c in cuts} == {(s, k) for s in range(3) for k in range(3)}
    drawn = stage.redraw.arms(0, 1)
    last = stage.worlds[NULL].at_looks(drawn)[-1][0]
    for name, blocks in last.strata.items():
        at = stage.history.stratum == stage.history.strata.index(name)
        assert blocks["spend"]["t"].n == int(drawn[0][at].sum())
        assert abs(blocks["spend"]["t"].n - at.sum() / 2) <= 1


def test_units_come_in_the_order_in_which_they_began() -> None:
    rng = np.random.default_rng(1)
    hashes = rng.integers(0, 2**63, 1000).astype(np.uint64)
    begins = rng.integers(0, 50, 1000).astype(float)
    look = first_seen(hashes, np.ones(1000), begins, (0.25, 0.5, 1.0))
    assert [int((look == k).sum()) for k in range(3)] == [250, 250, 500]
    assert (
        begins[look == 0].max()
        <= begins[look == 1].min()
        <= begins[look == 1].max()
        <= begins[look == 2].min()
    )
    by_chance = first_seen(hashes, np.ones(1000), None, (0.25, 0.5, 1.0))
    assert abs(np.corrcoef(by_chance, begins)[0, 1]) < 0.1
    # A household of half of the units is in one piece: the look at a quarter sees nobody and is left out.
    big = np.array([50.0, *np.ones(50)])
    assert set(first_seen(hashes[:51], big, np.arange(51.0), (0.25, 1.0))) <= {0, 1}


def test_moments_of_assignment_decide_who_is_seen_first(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    n = 400
    days = pd.to_datetime("2026-03-01") + pd.to_timedelta(rng.integers(0, 20, n), "D")
    ids = [f"m{i}" for i in range(n)]
    frames = {
        "members": pd.DataFrame({"member_id": ids}),
        "assigned": pd.DataFrame({"member_id": ids, "arm": rng.choice(["c", "t"], n), "at": days}),
        "orders": pd.DataFrame(
            {
                "member_id": rng.choice(ids, 2000),
                "order_id": np.arange(2000),
                "day": pd.to_datetime("2026-02-20") + pd.to_timedelta(rng.integers(0, 60, 2000), "D"),
                "amount": rng.gamma(2.0, 10.0, 2000),
            }
        ),
    }
    with duckdb.connect() as connection:
        for name, frame in frames.items():
            connection.register("rows", frame)
            dates = [c for c in ("at", "day") if c in frame]
            cast = f'* REPLACE ("{dates[0]}"::DATE AS "{dates[0]}")' if dates else "*"
            connection.execute(
                f"COPY (SELECT {cast} FROM rows) TO '{tmp_path / name}.parquet' (FORMAT parquet)"
            )
    spec = document(
        unit="member_id",
        data={
            "members": "members.parquet",
            "transactions": {
                "table": "orders.parquet",
                "order": "order_id",
                "time": "day",
                "amount": "amount",
            },
            "assignments": {"table": "assigned.parquet", "arm": "arm", "time": "at"},
        },
        arms=[
            {"id": "c", "share": 0.5},
            {"id": "t", "share": 0.5, "intervention": {"type": "message", "channel": "email"}},
        ],
        schedule={"start": "2026-03-01", "end": "2026-03-20", "outcome_days": 14},
        metrics=[{"id": "spend", "type": "amount", "column": "amount", "role": "primary"}],
        analysis={"sequential": GROUP},
        **BEHAVIOR,
    )
    path = tmp_path / "spec.yaml"
    path.write_text(json.dumps({k: v for k, v in spec.items() if v is not None}), encoding="utf-8")
    stage = stage_of(path)
    begins, ends = stage.history.begins, [[] for _ in range(3)]  # type: ignore[var-annotated]
    assert begins is not None and len(np.unique(begins)) == 20
    for c in stage.worlds[NULL].cuts:
        ends[c.look] += begins[c.first : c.end].tolist()
    assert max(ends[0]) <= min(ends[1]) and max(ends[1]) <= min(ends[2])


def test_what_decides_before_the_end_reads_as_the_whole_analysis_would(tmp_path: Path) -> None:
    stage = stage_of(looking(tmp_path), "nb=0.6")
    assert {m.id for m in stage.early.metrics} == {"spend"}
    arms = stage.redraw.arms(0, 40)
    every = frozenset(b.name for b in plan(stage.experiment).blocks)
    world = stage.worlds[PLANTED]
    few, all_ = world.at_looks(arms, blocks_of(stage.experiment))[1], world.at_looks(arms, every)[1]
    for a, b in zip(few, all_, strict=True):
        early, whole = judged(stage.early, a).decision, conclude(stage.experiment, b).decision
        assert (early.action, early.arm) == (whole.action, whole.arm)


def test_a_ratio_that_decides_brings_what_it_is_made_of(tmp_path: Path) -> None:
    spec = document(analysis={"sequential": GROUP})
    spec["metrics"][4] |= {"role": "guardrail", "margin": {"relative": 0.1}}
    path = written(tmp_path)
    path.write_text(json.dumps(spec), encoding="utf-8")
    assert [m.id for m in deciding(read(path)).metrics] == ["spend", "orders", "aov"]


def test_looks_keep_the_error_and_naive_looks_do_not(tmp_path: Path) -> None:
    """Without an effect, a plan with looks ships as rarely as promised; reading z at each look does not."""
    times = 500
    path = looking(tmp_path, table(3000), metrics=SPEND, **BEHAVIOR)
    null = scenarios(path, times, judge=judged)[NULL]
    assert null.false_ship is not None
    assert abs(null.false_ship.rate - 0.025) < BANDS * np.sqrt(0.025 * 0.975 / times)
    (reading,) = null.readings
    assert reading.rejected is not None and reading.coverage is not None
    assert abs(reading.rejected.rate - 0.05) < BANDS * np.sqrt(0.05 * 0.95 / times)
    assert abs(reading.coverage.rate - 0.95) < BANDS * np.sqrt(0.05 * 0.95 / times)
    assert null.alarms == ()

    def naive(experiment: Experiment, outcomes: Outcomes) -> Readout:
        """Read the fixed p-value at each look as if it were the only one."""
        found = conclude(experiment, outcomes)
        first = found.estimates[0]
        assert first.absolute is not None and first.sequential is not None
        p = first.absolute.p_value
        wrong = replace(first.sequential, p_value=p, ci_lower=first.absolute.ci_lower,
                        ci_upper=first.absolute.ci_upper)  # fmt: skip
        action = "extend" if p is None or p >= 0.05 else "ship" if first.absolute.estimate > 0 else "stop"
        return replace(
            found,
            estimates=(replace(first, sequential=wrong), *found.estimates[1:]),
            decision=replace(found.decision, action=action, arm="t"),
        )

    found = scenarios(path, times, judge=naive)[NULL].readings[0]
    assert found.rejected is not None and found.rejected.lower > 0.06


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
def test_power_over_all_looks_is_as_planned(tmp_path: Path, spending: str) -> None:
    path = looking(tmp_path, table(3000), GROUP | {"spending": spending}, metrics=SPEND, **BEHAVIOR)
    planted = scenarios(path, 400, "spend=+30%", judge=judged)[PLANTED]
    (reading,) = planted.readings
    assert reading.rejected is not None and reading.planned_power is not None
    assert 0.3 < reading.planned_power < 0.95
    assert reading.rejected.rate == pytest.approx(reading.planned_power, abs=0.09)
    assert len(planted.stops) == 3 and sum(x.ended.count for x in planted.stops) == 400
    assert [x.share for x in planted.stops] == pytest.approx([0.3, 0.6, 1.0], abs=0.001)
    assert planted.stops[0].ended.count + planted.stops[1].ended.count > 40
    assert planted.mean_units is not None and 900 < planted.mean_units < 3000


def test_an_always_valid_plan_never_cries_wolf_more_often_than_it_says(tmp_path: Path) -> None:
    path = looking(tmp_path, table(3000), ALWAYS, metrics=SPEND, **BEHAVIOR)
    found = scenarios(path, 300, "spend=+20%", judge=judged)
    null, planted = found[NULL].readings[0], found[PLANTED].readings[0]
    assert null.rejected is not None and null.rejected.rate <= 0.05 + BANDS * np.sqrt(0.05 * 0.95 / 300)
    assert null.coverage is not None and null.coverage.rate >= 0.95 - BANDS * np.sqrt(0.05 * 0.95 / 300)
    assert found[NULL].alarms == () and len(found[NULL].stops) == READS
    assert planted.rejected is not None and planted.planned_power is not None
    assert planted.rejected.rate == pytest.approx(planted.planned_power, abs=0.09)


def test_a_fixed_cost_does_not_stop_an_offer_at_its_first_look(tmp_path: Path) -> None:
    """A set-up cost is shared by all planned units, at every look; else each early look shows a loss."""
    costs = [{"id": "set_up", "fixed": 3000}]
    money = {"benefit": {"metric": "spend", "margin": 0.4}, "costs": costs}
    path = looking(tmp_path, table(3000), GROUP, metrics=SPEND, economics=money)
    found = scenarios(path, 300, "nb=1.5", judge=judged)
    planted = found[PLANTED]
    assert planted.false_stop is not None and planted.false_stop.rate < 0.02
    money_read = planted.readings[-1]
    assert money_read.planned_power is not None and money_read.rejected is not None
    assert money_read.rejected.rate == pytest.approx(money_read.planned_power, abs=0.1)
    assert money_read.coverage is not None and money_read.coverage.rate > 0.95 - 0.045
    even = found["break_even"]
    assert even.false_ship is not None and even.false_ship.upper < 0.06
    stage = stage_of(path)
    first = stage.worlds[NULL].at_looks(stage.redraw.arms(0, 1), blocks_of(stage.experiment))[0][0]
    (early,) = judged(stage.early, first).economics
    assert early.fixed_per_unit == pytest.approx(
        3000 / (3000 * first.units["t"] / sum(first.units.values())), rel=1e-3
    )


def test_looks_are_the_same_whatever_interrupts(tmp_path: Path) -> None:
    path, part = looking(tmp_path, metrics=SPEND), tmp_path / "x.part"
    whole = rehearse(path, 90, effects=["spend=+5%"]).to_json()

    class Stop(BaseException):
        pass

    calls: list[str] = []

    def tell(words: str) -> None:
        calls.append(words)
        if len(calls) > 50:
            raise Stop

    with pytest.raises(Stop):
        rehearse(path, 90, effects=["spend=+5%"], state_file=part, progress=tell)
    assert 0 < len(json.loads(part.read_text())["records"][NULL]) < 90
    assert rehearse(path, 90, effects=["spend=+5%"], state_file=part).to_json() == whole
