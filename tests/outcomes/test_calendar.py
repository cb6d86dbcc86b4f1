"""Censored days of the calendar count nowhere; what is read is a plain recomputation without them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from loyalty_exp.errors import Refused
from loyalty_exp.grammar import canonical
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.pipeline import conclude
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.not_yet_run import refuse_what_is_not_run

from .program_data import made, spec

FIRST, LAST = "2026-04-10", "2026-04-14"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("calendar")
    made(place, members=400, rows=9000)
    return place


def with_event(engine: str, policy: str | None, first: str = FIRST, last: str = LAST) -> Experiment:
    document: dict[str, Any] = canonical(spec(engine))
    document["program"] |= {"calendar": [{"id": "618", "from": first, "to": last}]}
    conflicts = [{"event": "618", "policy": policy}] if policy else []
    document["schedule"]["calendar_conflicts"] = conflicts
    return Experiment.model_validate_json(json.dumps(document))


def recomputed(folder: Path, column: str) -> dict[str, float]:
    """Sums by arm over windows of 28 days from assignment, without the days of the event (UTC)."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.execute(
            f"SELECT a.arm, sum(t.{column}) FROM '{folder}/assignments.parquet' a "
            f"JOIN '{folder}/members.parquet' m USING (member_id) "
            f"JOIN '{folder}/transactions.parquet' t USING (member_id) "
            "WHERE m.tier IN ('silver', 'gold') AND t.ts >= a.assigned_at "
            "AND t.ts < a.assigned_at + INTERVAL 672 HOUR "
            f"AND NOT (t.ts >= TIMESTAMPTZ '{FIRST}' AND t.ts < TIMESTAMPTZ '{LAST}' + INTERVAL 24 HOUR) "
            "GROUP BY 1"
        ).fetchall()
    return dict(rows)


@pytest.mark.parametrize("engine", ["duckdb", "sqlite:///all.db"])
def test_censored_days_are_left_out_of_benefit_and_cost_alike(folder: Path, engine: str) -> None:
    found = collect(with_event(engine, "censor"), folder)
    for metric, column in (("spend", "amount"), ("margin", "margin")):
        wanted = recomputed(folder, column)
        for arm, moments in found.overall[metric].items():
            assert moments.n * float(moments.mean[0]) == pytest.approx(wanted[arm], rel=1e-9)
    money = found.overall["$economics"]
    wanted = recomputed(folder, "reward_cost")
    for arm, moments in money.items():
        assert moments.n * moments.mean_of("reward_cost") == pytest.approx(wanted[arm], rel=1e-9)


def test_other_policies_leave_the_numbers_alone_and_are_told(folder: Path) -> None:
    plain = collect(spec("duckdb"), folder)
    for policy in ("annotate", None):
        experiment = with_event("duckdb", policy)
        found = collect(experiment, folder)
        for arm, moments in found.overall["spend"].items():
            assert moments.mean[0] == plain.overall["spend"][arm].mean[0]
        (told,) = [h for h in conclude(experiment, found).health if h.check == "calendar"]
        assert told.status == "pass"
        (event,) = told.detail["events"]
        assert (event["event"], event["policy"], event["days"]) == ("618", "annotate", 5)
    censored = with_event("duckdb", "censor")
    (told,) = [h for h in conclude(censored, collect(censored, folder)).health if h.check == "calendar"]
    assert told.detail["events"][0]["policy"] == "censor"


def test_an_event_outside_the_windows_changes_nothing(folder: Path) -> None:
    experiment = with_event("duckdb", "censor", "2027-01-01", "2027-01-09")
    found, plain = collect(experiment, folder), collect(spec("duckdb"), folder)
    assert found.overall["spend"]["double"].mean[0] == plain.overall["spend"]["double"].mean[0]
    assert not [h for h in conclude(experiment, found).health if h.check == "calendar"]


def test_a_window_of_which_nothing_is_left_is_refused(folder: Path) -> None:
    with pytest.raises(Refused, match="nothing is left of the outcome windows"):
        collect(with_event("duckdb", "censor", "2026-03-01", "2026-07-31"), folder)


def test_a_per_unit_table_cannot_leave_days_out() -> None:
    document: dict[str, Any] = {
        "experiment": "e",
        "question": "q",
        "unit": "id",
        "program": {"program": "p", "calendar": [{"id": "618", "from": FIRST, "to": LAST}]},
        "data": {"units": "u.parquet"},
        "arms": {"from_column": "arm", "control": "a", "treatments": ["b"]},
        "schedule": {"start": "2026-04-01", "calendar_conflicts": [{"event": "618", "policy": "censor"}]},
        "metrics": [{"id": "spend", "type": "amount", "column": "spend", "role": "primary"}],
    }
    with pytest.raises(Refused, match="none can be left out"):
        refuse_what_is_not_run(Experiment.model_validate_json(json.dumps(document)))


@pytest.mark.parametrize(
    ("event", "policy", "words", "severity"),
    [
        ("618", "forbid", "is forbidden, and the window meets it", "error"),
        ("618", "annotate", "meets 618", "notice"),
        ("617", "forbid", "the program has no event '617'", "error"),
    ],
)
def test_the_spec_is_told_before_anybody_is_drawn(event: str, policy: str, words: str, severity: str) -> None:
    from loyalty_exp.spec.coherence import incoherent
    from loyalty_exp.spec.draft import draft

    document: dict[str, Any] = canonical(with_event("duckdb", None))
    document["schedule"]["calendar_conflicts"] = [{"event": event, "policy": policy}]
    found = [f for f in incoherent(draft(document)) if words in f.message]
    assert [f.severity for f in found] == [severity]
