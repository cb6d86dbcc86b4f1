"""The contract of readout.json, and the forms a notebook shows."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pytest
from made import experiment, outcomes, spend

from loyalty_exp.pipeline import conclude
from loyalty_exp.readout.result import Readout
from loyalty_exp.readout.schema import readout_schema

CONTRACT = {
    "schema",
    "experiment",
    "status",
    "as_of",
    "data_to",
    "arms",
    "health",
    "estimates",
    "economics",
    "decision",
    "provenance",
}


@pytest.fixture
def readout() -> Readout:
    spec = experiment(segments=[{"id": "channel"}])
    cells = {
        ("channel", v): {"c": {"spend": spend(n, 20)}, "t": {"spend": spend(n, 22)}}
        for v, n in (("web", 400), ("phone", 580), ("fax", 20))
    }
    rows = {"c": {"spend": spend(1_000, 20)}, "t": {"spend": spend(1_000, 22)}}
    return conclude(spec, outcomes(spec, rows, segments=cells))


def test_holds_every_key_of_the_contract(readout: Readout) -> None:
    data = readout.to_dict()
    assert set(data) >= CONTRACT
    assert data["schema"] == "loyalty-exp/readout/v1"
    assert {
        "metric",
        "role",
        "treatment",
        "control",
        "segment",
        "estimator",
        "units_treatment",
        "units_control",
        "mean_treatment",
        "mean_control",
        "absolute",
        "relative",
        "sequential",
        "not_estimable",
    } <= set(data["estimates"][0])
    assert set(data["estimates"][0]["absolute"]) >= {
        "estimate",
        "std_error",
        "ci_lower",
        "ci_upper",
        "p_value",
        "p_value_adjusted",
    }
    assert {
        "treatment",
        "control",
        "window",
        "benefit",
        "cost",
        "net_benefit",
        "net_benefit_total",
        "probability_net_benefit_positive",
        "roi",
        "cost_lines",
        "points",
    } <= set(data["economics"][0])
    assert set(data["decision"]) == {"action", "arm", "rule", "reasons"}


def test_is_valid_against_the_published_schema(readout: Readout) -> None:
    jsonschema.validate(json.loads(readout.to_json()), readout_schema())


def test_the_schema_refuses_what_is_not_in_it(readout: Readout) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(readout.to_dict() | {"surprise": 1}, readout_schema())


def test_same_readout_same_bytes(readout: Readout) -> None:
    assert readout.to_json() == readout.to_json()
    assert "NaN" not in readout.to_json() and "Infinity" not in readout.to_json()


def test_a_number_that_is_not_finite_becomes_null() -> None:
    spec = experiment()
    rows = {"c": {"spend": np.zeros(100)}, "t": {"spend": np.zeros(100)}}
    json.loads(conclude(spec, outcomes(spec, rows)).to_json(), parse_constant=pytest.fail)


def test_small_cells_are_suppressed(readout: Readout) -> None:
    fax = next(e for e in readout.estimates if e.segment and e.segment["value"] == "fax")
    assert fax.suppressed and fax.absolute is None and "50" in (fax.not_estimable or "")
    assert readout.interactions[0].cells == 2


def test_frames_and_html_for_notebooks(readout: Readout) -> None:
    frame = readout.to_frame()
    assert {"effect", "ci_lower", "ci_upper", "p_value"} <= set(frame.columns)
    assert len(frame) == 4
    assert readout.economics_frame()["net_benefit"].iloc[0] == pytest.approx(1.0)
    assert "<table" in readout._repr_html_()


def test_the_plan_carries_the_prior_of_the_roll_out_and_the_names_of_prices() -> None:
    program = {
        "program": "p",
        "cost_prices": {"sms": {"price": 0.1, "name": "Text message"}, "push": {"price": 0}},
    }
    rolled = {"eligible": 100, "prior": {"mean": 0.5, "sd": 1.0}}
    spec = experiment(program=program, economics={"benefit": {"metric": "spend"}, "rollout": rolled})
    rows = {"c": {"spend": spend(100, 20)}, "t": {"spend": spend(100, 22)}}
    plan = conclude(spec, outcomes(spec, rows)).plan
    assert plan["prior"] == {"mean": 0.5, "sd": 1.0} and plan["prices"] == {"sms": "Text message"}
