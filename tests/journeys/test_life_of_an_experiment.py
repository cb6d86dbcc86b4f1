"""From who is eligible to an archived decision, at the command line: one experiment in a team's database."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

EFFECT = 6.0
N = 6000

SPEC = """\
experiment: offer
question: Does the offer pay?
unit: member_id
program: program.yaml
data:
  engine: duckdb:///shop.duckdb
  members: members
  transactions: {table: sales, order: txn, time: day, amount: amount}
  exposures: {table: seen, time: day}
  triggers: {table: visits, time: day}
  points: {table: points, time: day, points: points, kind: kind}
population:
  as_of: 2026-04-01
  include: [{field: tier, op: in, value: [silver, gold]}]
  consent: consent
assignment: {salt: offer-2026, strata: [tier], balance: [spend]}
arms:
  - {id: control, share: 0.5}
  - {id: offer, share: 0.5, intervention: {type: points_bonus, trigger: purchase, points: 10}}
schedule: {start: 2026-04-01, end: 2026-04-28, outcome_days: 28, data_to: 2026-05-31}
analysis: {trigger_alike: visits are logged before the offer is chosen}
metrics:
  - {id: spend, type: amount, column: amount, role: primary}
economics:
  benefit: {metric: spend, margin: 0.4}
  costs: [{id: points, points: all}, {id: setup, fixed: 50}]
decision: {ship_if: {probability_net_benefit_positive: 0.95}}
"""

PROGRAM = """\
program: club
points:
  {face_value: 0.01, cost_to_face: 0.8, redemption_rate: {base: {mean: 0.7, sd: 0.05}}, earn: {per_money: 1}}
"""


def members() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "member_id": [f"M{i:05d}" for i in range(N)],
            "tier": rng.choice(["bronze", "silver", "gold"], N),
            "consent": rng.random(N) < 0.95,
            "is_employee": rng.random(N) < 0.02,
            "spend": rng.gamma(2, 10, N).round(2),
        }
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A database whose tables of what happened are still empty but for one row of nobody's."""
    people = members()
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.register("people", people)
        connection.execute("CREATE TABLE members AS SELECT * FROM people")
        connection.execute("CREATE TABLE sales (member_id TEXT, txn TEXT, day DATE, amount DOUBLE)")
        connection.execute("CREATE TABLE seen (member_id TEXT, day DATE)")
        connection.execute("CREATE TABLE visits (member_id TEXT, day DATE)")
        connection.execute("CREATE TABLE points (member_id TEXT, day DATE, points BIGINT, kind TEXT)")
    (tmp_path / "offer.yaml").write_text(SPEC, "utf-8")
    (tmp_path / "program.yaml").write_text(PROGRAM, "utf-8")
    return tmp_path


def happen(shop: Path) -> None:
    """Half of the members visit; the offer reaches most visitors of its arm, who spend more for points."""
    rng = np.random.default_rng(2)
    with duckdb.connect(str(shop / "shop.duckdb")) as connection:
        drawn = connection.execute("SELECT member_id, arm FROM offer_arms ORDER BY 1").df()
        visits = rng.random(len(drawn)) < 0.5
        seen = visits & (drawn["arm"] == "offer") & (rng.random(len(drawn)) < 0.8)
        day = dt.date(2026, 4, 10)
        sales = pd.DataFrame(
            {
                "member_id": drawn["member_id"],
                "txn": [f"T{i}" for i in range(len(drawn))],
                "day": day,
                "amount": (rng.gamma(2, 10, len(drawn)) + 10 * visits + EFFECT * seen).round(2),
            }
        )
        earned = pd.DataFrame(
            {"member_id": drawn["member_id"][seen], "day": day, "points": 10, "kind": "earn"}
        )
        tables = {
            "sales": sales,
            "seen": pd.DataFrame({"member_id": drawn["member_id"][seen], "day": day}),
            "visits": pd.DataFrame({"member_id": drawn["member_id"][visits], "day": day}),
            "points": earned,
        }
        for name, frame in tables.items():
            connection.register("frame", frame)
            connection.execute(f"INSERT INTO {name} SELECT * FROM frame")


def test_an_experiment_lives_from_lock_to_archive(call: Callable[..., Any], shop: Path) -> None:
    spec = shop / "offer.yaml"
    assert call("lock", spec).code == 0
    drawn = call("assign", spec, "--table", "offer_arms", "--json")
    assert drawn.code == 0, drawn.err
    told = json.loads(drawn.out)
    people = members()
    eligible = people[people["tier"].isin(["silver", "gold"]) & people["consent"] & ~people["is_employee"]]
    assert sum(told["units"].values()) == len(eligible)
    assert told["left_out"]["no_consent"] == int((~people["consent"]).sum())
    happen(shop)
    done = call("run", spec, "--json")
    assert done.code == 0, done.err
    readout = json.loads(done.out)
    assert readout["status"] == "mature" and readout["experiment"]["lock"]
    (complier,) = readout["exposure"]["compliers"]
    assert complier["robust"]["ci_lower"] < EFFECT < complier["robust"]["ci_upper"]
    (money,) = readout["exposure"]["triggered_money"]
    (whole,) = readout["economics"]
    assert money["net_benefit_total"]["std_error"] < whole["net_benefit_total"]["std_error"]
    assert call("assign", spec, "--table", "offer_arms").code == 0
    page = (shop / "results" / "offer" / "report.en.html").read_text("utf-8")
    assert "Whom the offers reached" in page and "offer-2026" not in page and "M00001" not in page
    action = readout["decision"]["action"]
    assert (
        call("decide", spec, "--by", "Ann", "--because", "the rule says so and the money is there").code == 0
    )
    refused = call("assign", spec)
    assert refused.code == 4 and f"is decided ({action})" in refused.err
    learned = "points on visits pay where members come by themselves anyway"
    assert call("archive", spec, "--learning", learned).code == 0
    shown = json.loads(call("show", spec, "--json").out)
    assert shown["state"] == "archived" and shown["assignment_runs"][0]["digest"] == told["digest"]
    index = json.loads(call("portfolio", "--workspace", shop, "--json").out)
    (row,) = index["experiments"]
    assert row["state"] == "archived" and row["points_liability"]["amount"] > 0
    assert "Points liability created" in (shop / "results" / "portfolio.en.html").read_text("utf-8")
