"""Who was reached: planted truth comes back, both engines agree, and what cannot be read says why."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from loyalty_exp.outcomes.collect import collect
from loyalty_exp.pipeline import conclude
from loyalty_exp.report.render import render
from loyalty_exp.spec.experiment import Experiment

COMPLIER_EFFECT = 3.0
ALIKE = "the visit is logged before the offer is chosen"


def made_units(n: int = 20_000, seed: int = 5, leak: float = 0.003) -> pd.DataFrame:
    """Two in five come to the trigger, of whom three in five take the offer; they spend more anyway."""
    rng = np.random.default_rng(seed)
    treated, came = rng.random(n) < 0.5, rng.random(n) < 0.4
    takes = came & (rng.random(n) < 0.6)
    seen = (takes & treated) | (came & ~treated & (rng.random(n) < leak))
    spend = rng.gamma(2, 10, n) + 5.0 * takes + COMPLIER_EFFECT * seen
    return pd.DataFrame(
        {
            "uid": [f"u{i:06d}" for i in range(n)],
            "arm": np.where(treated, "mail", "none"),
            "home": [f"h{i // 4}" for i in range(n)],
            "tier": np.where(rng.random(n) < 0.5, "a", "b"),
            "seen": seen.astype(int),
            "came": came.astype(int),
            "spend": spend.round(2),
        }
    )


def written(folder: Path, frame: pd.DataFrame) -> Path:
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        connection.execute(f"COPY frame TO '{folder}/units.parquet' (FORMAT parquet)")
    with sqlite3.connect(folder / "units.db") as database:
        frame.to_sql("units", database, index=False, if_exists="replace")
    return folder


def spec(**changes: Any) -> Experiment:
    document: dict[str, Any] = {
        "experiment": "reach",
        "question": "Does it pay?",
        "unit": "uid",
        "data": {"units": "units.parquet", "exposed": "seen", "triggered": "came"},
        "arms": {"from_column": "arm", "control": "none", "treatments": ["mail"]},
        "metrics": [{"id": "spend", "type": "amount", "column": "spend", "role": "primary"}],
        "economics": {
            "benefit": {"metric": "spend", "margin": 0.4},
            "costs": [{"id": "mail", "per_unit": 0.1}, {"id": "setup", "fixed": 100}],
        },
        "analysis": {"trigger_alike": ALIKE},
    }
    for path, value in changes.items():
        *above, key = path.split("__")
        here = document
        for part in above:
            here = here.setdefault(part, {})
        here[key] = value
    return Experiment.model_validate_json(json.dumps(document))


def readout(folder: Path, experiment: Experiment) -> dict[str, Any]:
    return conclude(experiment, collect(experiment, folder)).to_dict()


def check(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(h for h in found["health"] if h["check"] == name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("reach"), made_units())


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    return readout(folder, spec())


def test_counts_of_the_reached_are_those_of_the_rows(folder: Path, found: dict[str, Any]) -> None:
    frame = made_units()
    wanted = frame.groupby("arm")["seen"].agg(["sum", "count"])
    got = {r["arm"]: (r["reached"], r["units"]) for r in found["exposure"]["reach"]}
    assert got == {arm: (int(n), int(m)) for arm, (n, m) in wanted.iterrows()}
    assert check(found, "contamination")["status"] == "pass"
    assert check(found, "compliance")["status"] == "pass"


def test_the_effect_on_the_reached_is_that_of_two_stage_least_squares(found: dict[str, Any]) -> None:
    frame = made_units()
    z, d, y = (
        (frame["arm"] == "mail").to_numpy(dtype=float),
        *(frame[c].to_numpy(dtype=float) for c in ("seen", "spend")),
    )
    wald = (y[z == 1].mean() - y[z == 0].mean()) / (d[z == 1].mean() - d[z == 0].mean())
    (row,) = found["exposure"]["compliers"]
    assert row["effect"]["estimate"] == pytest.approx(wald, rel=1e-9)
    residual = y - wald * d
    variance = sum(residual[z == a].var(ddof=1) / (z == a).sum() for a in (0, 1))
    first = d[z == 1].mean() - d[z == 0].mean()
    assert row["effect"]["std_error"] == pytest.approx(np.sqrt(variance) / abs(first), rel=1e-9)
    assert row["robust"]["ci_lower"] < COMPLIER_EFFECT < row["robust"]["ci_upper"]
    assert row["first_stage_f"] > 1000 and not row["weak"]
    (headline,) = [e for e in found["estimates"] if e["metric"] == "spend"]
    assert row["assigned"]["estimate"] == pytest.approx(headline["absolute"]["estimate"], rel=1e-12)


def test_triggered_units_give_the_same_effect_with_less_noise(found: dict[str, Any]) -> None:
    (row,) = found["exposure"]["triggered"]
    frame = made_units()
    came = frame[frame["came"] == 1]
    means = came.groupby("arm")["spend"].mean()
    assert row["effect"]["estimate"] == pytest.approx(means["mail"] - means["none"], rel=1e-9)
    assert row["share"] == pytest.approx(len(came) / len(frame))
    assert row["diluted"]["estimate"] == pytest.approx(row["share"] * row["effect"]["estimate"], rel=1e-12)
    (headline,) = found["estimates"]
    assert row["diluted"]["std_error"] < 0.75 * headline["absolute"]["std_error"]
    (money,), (whole,) = found["exposure"]["triggered_money"], found["economics"]
    assert money["net_benefit_total"]["std_error"] < 0.75 * whole["net_benefit_total"]["std_error"]
    units = whole["units"]
    wanted = units * (0.4 * row["diluted"]["estimate"] - 0.1) - 100
    assert money["net_benefit_total"]["estimate"] == pytest.approx(wanted, rel=1e-9)


def test_before_the_planned_end_a_fixed_cost_is_shared_by_the_units_that_are_planned(folder: Path) -> None:
    asked = spec(analysis__sequential={"method": "asymptotic_cs", "horizon": 80_000})
    found = readout(folder, asked)
    (row,), (money,) = found["exposure"]["triggered"], found["exposure"]["triggered_money"]
    (whole,) = found["economics"]
    assert whole["fixed_per_unit"] < 0.3 * 100 / whole["units"]
    wanted = 0.4 * row["diluted"]["estimate"] - 0.1 - whole["fixed_per_unit"]
    assert money["net_benefit"]["estimate"] == pytest.approx(wanted, rel=1e-9)


def test_both_engines_give_the_same_numbers(folder: Path, found: dict[str, Any]) -> None:
    other = readout(folder, spec(data__engine="sqlite:///units.db", data__units="units"))
    assert_same(found["exposure"], other["exposure"])


def assert_same(a: Any, b: Any) -> None:
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    elif isinstance(a, float):
        assert a == pytest.approx(b, rel=1e-9, abs=1e-300)
    else:
        assert a == b


def test_without_a_word_on_the_trigger_it_is_refused(folder: Path) -> None:
    found = readout(folder, spec(analysis__trigger_alike=None))
    (row,) = found["exposure"]["triggered"]
    assert row["effect"] is None and "trigger_alike" in row["not_estimable"]
    assert found["exposure"]["triggered_money"] == []
    assert check(found, "trigger_rate")["detail"]["declared"] is False


def test_a_trigger_that_differs_between_the_arms_is_refused(tmp_path: Path) -> None:
    frame = made_units()
    rng = np.random.default_rng(1)
    opened = (frame["arm"] == "mail") & (rng.random(len(frame)) < 0.05)
    frame["came"] = ((frame["came"] == 1) | opened).astype(int)
    found = readout(written(tmp_path, frame), spec())
    (row,) = found["exposure"]["triggered"]
    assert row["effect"] is None and "not reached alike" in row["not_estimable"]
    assert check(found, "trigger_rate")["status"] == "warn"
    assert "trigger_rate" in found["warnings"]


def test_a_control_that_saw_the_offer_is_told(tmp_path: Path) -> None:
    found = readout(written(tmp_path, made_units(leak=0.2)), spec())
    told = check(found, "contamination")
    assert told["status"] == "warn" and told["detail"]["reach"][0]["share"] > 0.05
    (row,) = found["exposure"]["compliers"]
    assert row["robust"]["ci_lower"] < COMPLIER_EFFECT < row["robust"]["ci_upper"]


def test_an_offer_that_reached_nobody_more_has_no_bounded_effect(tmp_path: Path) -> None:
    frame = made_units(4000)
    frame["seen"] = (np.random.default_rng(2).random(len(frame)) < 0.3).astype(int)
    found = readout(written(tmp_path, frame), spec())
    (row,) = found["exposure"]["compliers"]
    assert (
        row["weak"]
        and row["robust"]["ci_lower"] is None
        and "did not clearly change" in row["robust"]["not_bounded"]
    )
    assert check(found, "compliance")["status"] == "warn"
    frame["seen"] = 0
    found = readout(written(tmp_path, frame), spec())
    (row,) = found["exposure"]["compliers"]
    assert row["effect"] is None and "no difference" in row["not_estimable"]


def test_full_compliance_is_the_headline(tmp_path: Path) -> None:
    frame = made_units(4000)
    frame["seen"] = (frame["arm"] == "mail").astype(int)
    found = readout(written(tmp_path, frame), spec())
    (row,) = found["exposure"]["compliers"]
    assert row["first_stage_f"] is None and not row["weak"]
    assert row["effect"]["estimate"] == pytest.approx(row["assigned"]["estimate"], rel=1e-12)
    assert row["effect"]["std_error"] == pytest.approx(row["assigned"]["std_error"], rel=1e-12)


def test_strata_and_clusters_are_read_as_they_were_drawn(folder: Path, tmp_path: Path) -> None:
    plain = readout(folder, spec())["exposure"]["compliers"][0]
    strata = readout(folder, spec(assignment={"salt": "s", "strata": ["tier"]}))["exposure"]["compliers"][0]
    assert strata["effect"]["estimate"] == pytest.approx(plain["effect"]["estimate"], rel=0.05)
    assert strata["effect"]["estimate"] != plain["effect"]["estimate"]
    frame = made_units()
    heads = frame.groupby("home")["arm"].transform("first")
    rng = np.random.default_rng(4)
    mood = frame["home"].map(
        dict(zip(frame["home"].unique(), rng.normal(0, 20, frame["home"].nunique()), strict=True))
    )
    frame["seen"] = np.where(heads == "mail", frame["came"], 0)
    frame["arm"], frame["spend"] = heads, frame["spend"] + mood
    homes = written(tmp_path, frame)
    alone = readout(homes, spec())["exposure"]["compliers"][0]
    found = readout(homes, spec(cluster="home"))["exposure"]
    row = found["compliers"][0]
    assert row["effect"]["estimate"] == pytest.approx(alone["effect"]["estimate"], rel=1e-9)
    assert row["effect"]["std_error"] > 1.4 * alone["effect"]["std_error"]
    assert "over clusters" in found["triggered"][0]["not_estimable"]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_page_says_it(found: dict[str, Any], language: str) -> None:
    text = render(found, language)
    for words in {
        "en": ("Whom the offers reached", "Of those reached", "first-stage F", "read among triggered units"),
        "zh-CN": ("优惠触达了谁", "按被触达者", "第一阶段 F 值", "由触发人群读出"),
    }[language]:
        assert words in text
    assert "&lt;span" not in text


def test_the_tables_hold_it_and_have_titles(found: dict[str, Any]) -> None:
    from loyalty_exp.readout.tables import tables
    from loyalty_exp.report.files import TITLES

    mine = {name: table for name, table in tables(found).items() if "exposure" in name or "reach" in name}
    assert set(mine) <= set(TITLES) and len(mine) == 5
    assert len(mine["exposure_compliers"].rows) == 1


# Members and transactions: tables of exposures and triggers.

START = pd.Timestamp("2026-04-01")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three arms, whose offers are logged by arm; some of an arm saw the offer of the other."""
    folder = tmp_path_factory.mktemp("program")
    rng = np.random.default_rng(8)
    n = 3000
    unit = np.array([f"M{i:05d}" for i in range(n)])
    arm = rng.choice(["control", "sms", "push"], n)
    came = rng.random(n) < 0.5
    own = came & (arm != "control") & (rng.random(n) < 0.8)
    wrong = came & (arm == "sms") & (rng.random(n) < 0.05)
    day = lambda k: START + pd.to_timedelta(rng.integers(0, 28, k), unit="D")  # noqa: E731
    late = rng.random(n) < 0.02
    seen = pd.concat(
        [
            pd.DataFrame({"member_id": unit[own], "day": day(own.sum()), "offer": arm[own]}),
            pd.DataFrame({"member_id": unit[own][:100], "day": day(100), "offer": arm[own][:100]}),
            pd.DataFrame({"member_id": unit[wrong], "day": day(wrong.sum()), "offer": "push"}),
            pd.DataFrame({"member_id": unit[late], "day": START + pd.Timedelta(days=40), "offer": "sms"}),
            pd.DataFrame({"member_id": unit[late], "day": START - pd.Timedelta(days=3), "offer": "sms"}),
        ]
    )
    bought = unit[rng.random(n) < 0.7]
    tables = {
        "members": pd.DataFrame({"member_id": unit, "tier": rng.choice(["a", "b"], n)}),
        "assignments": pd.DataFrame({"member_id": unit, "arm": arm}),
        "seen": seen,
        "came": pd.DataFrame({"member_id": unit[came], "day": day(came.sum())}),
        "transactions": pd.DataFrame(
            {
                "member_id": bought,
                "txn": [f"T{i}" for i in range(len(bought))],
                "day": day(len(bought)),
                "amount": rng.gamma(2, 10, len(bought)).round(2),
            }
        ),
    }
    with duckdb.connect() as connection, sqlite3.connect(folder / "all.db") as database:
        for name, frame in tables.items():
            if "day" in frame:
                frame["day"] = frame["day"].dt.strftime("%Y-%m-%d")
            connection.register("frame", frame)
            days = " REPLACE (day::DATE AS day)" if "day" in frame else ""
            connection.execute(
                f"COPY (SELECT *{days} FROM frame) TO '{folder}/{name}.parquet' (FORMAT parquet)"
            )
            frame.to_sql(name, database, index=False)
    own_seen = {"sms": set(unit[own & (arm == "sms")]), "push": set(unit[own & (arm == "push")])}
    facts = {"sms": len(own_seen["sms"]), "push": len(own_seen["push"]), "wrong": int(wrong.sum())}
    (folder / "truth.json").write_text(json.dumps(facts), "utf-8")
    return folder


def windowed(engine: str, **changes: Any) -> Experiment:
    end = ".parquet" if engine == "duckdb" else ""
    document: dict[str, Any] = {
        "experiment": "offers",
        "question": "Which offer pays?",
        "unit": "member_id",
        "data": {
            "engine": engine,
            "members": f"members{end}",
            "assignments": {"table": f"assignments{end}"},
            "transactions": {
                "table": f"transactions{end}",
                "order": "txn",
                "time": "day",
                "amount": "amount",
            },
            "exposures": {"table": f"seen{end}", "time": "day", "arm": "offer"},
            "triggers": {"table": f"came{end}", "time": "day"},
        },
        "arms": [
            {"id": "control", "share": "1/3"},
            {"id": "sms", "share": "1/3"},
            {"id": "push", "share": "1/3"},
        ],
        "schedule": {"start": "2026-04-01", "outcome_days": 28, "data_to": "2026-06-30"},
        "metrics": [
            {"id": "spend", "type": "amount", "column": "amount", "role": "primary"},
            {"id": "buyers", "type": "proportion"},
        ],
        "analysis": {"trigger_alike": ALIKE},
    }
    document["data"] |= changes
    return Experiment.model_validate_json(json.dumps(document))


def test_tables_of_exposures_are_read_by_offer_and_alike_on_both_engines(program: Path) -> None:
    truth = json.loads((program / "truth.json").read_text("utf-8"))
    found = readout(program, windowed("duckdb"))
    reach = {(r["arm"], r["offer"]): r["reached"] for r in found["exposure"]["reach"]}
    assert reach["sms", "sms"] == truth["sms"] and reach["push", "push"] == truth["push"]
    assert reach["sms", "push"] == truth["wrong"] and reach["control", "push"] == 0
    assert check(found, "contamination")["status"] == "warn"
    assert {(c["metric"], c["treatment"]) for c in found["exposure"]["compliers"]} == {
        (m, t) for m in ("spend", "buyers") for t in ("sms", "push")
    }
    assert all(t["effect"] for t in found["exposure"]["triggered"])
    other = readout(program, windowed("sqlite:///all.db"))
    assert_same(found["exposure"], other["exposure"])


def test_without_a_column_of_the_arm_any_exposure_counts(program: Path) -> None:
    table = {"table": "seen.parquet", "time": "day"}
    found = readout(program, windowed("duckdb", exposures=table, triggers=None))
    assert {r["offer"] for r in found["exposure"]["reach"]} == {None} and len(found["exposure"]["reach"]) == 3
    assert found["exposure"]["triggered"] == []


def test_a_spec_without_exposures_says_nothing_of_them(program: Path) -> None:
    found = readout(program, windowed("duckdb", exposures=None, triggers=None))
    assert found["exposure"] is None
    assert not {h["check"] for h in found["health"]} & {"contamination", "compliance", "trigger_rate"}
