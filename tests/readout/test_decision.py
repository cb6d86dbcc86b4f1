"""The verdict follows the rule, and never contradicts its own interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import experiment, outcomes, spend

from loyalty_exp.pipeline import conclude
from loyalty_exp.readout.result import Readout

N = 1_000
SE = 10 * (2 / N) ** 0.5


def _readout(gain: float, **changes: object) -> Readout:
    spec = experiment(**changes)
    return conclude(spec, outcomes(spec, {"c": {"spend": spend(N, 20)}, "t": {"spend": spend(N, 20 + gain)}}))


def _codes(readout: Readout) -> list[str]:
    return [r["code"] for r in readout.decision.reasons]


def test_ships_what_pays() -> None:
    readout = _readout(1 + 3 * SE)
    assert (readout.decision.action, readout.decision.arm) == ("ship", "t")
    assert readout.economics[0].net_benefit.ci_lower > 0


def test_a_probability_of_96_percent_does_not_ship_when_the_interval_reaches_below_zero() -> None:
    readout = _readout(1 + 1.75 * SE)
    money = readout.economics[0]
    assert 0.95 < money.probability_net_benefit_positive < 0.975
    assert money.net_benefit.ci_lower < 0
    assert readout.decision.action == "not_settled"
    assert "interval_includes_zero" in _codes(readout)


def test_stops_what_loses_money() -> None:
    assert _readout(1 - 3 * SE).decision.action == "stop"


def test_sells_more_and_loses_money_is_said() -> None:
    readout = _readout(
        4 * SE,
        economics={"benefit": {"metric": "spend", "margin": 0.1}, "costs": [{"id": "mail", "per_unit": 1.0}]},
    )
    assert readout.decision.action == "stop"
    assert "sells_more_loses_money" in _codes(readout)


def test_works_but_not_shown_to_pay() -> None:
    readout = _readout(
        4 * SE, economics={"benefit": {"metric": "spend"}, "costs": [{"id": "mail", "per_unit": 4 * SE}]}
    )
    assert readout.decision.action == "not_settled"
    assert "works_not_shown_to_pay" in _codes(readout)


def test_a_failed_sample_ratio_withholds_money_and_keeps_effects() -> None:
    spec = experiment()
    rows = {"c": {"spend": spend(N, 20)}, "t": {"spend": spend(N + 400, 30)}}
    readout = conclude(spec, outcomes(spec, rows))
    assert readout.status == "invalid"
    assert readout.decision.action == "invalid"
    assert readout.decision.arm is None
    assert readout.economics == ()
    assert readout.estimates[0].absolute is not None
    assert readout.experiment.evidence_level == "none"
    assert "sample_ratio" in readout.warnings


def test_planned_weights_are_respected() -> None:
    spec = experiment(
        arms={"from_column": "arm", "control": "c", "treatments": ["t"], "shares": {"c": 1, "t": 3}}
    )
    rows = {"c": {"spend": spend(N, 20)}, "t": {"spend": spend(3 * N, 30)}}
    assert conclude(spec, outcomes(spec, rows)).status == "mature"


def test_open_windows_extend() -> None:
    spec = experiment()
    rows = {"c": {"spend": spend(N, 20)}, "t": {"spend": spend(N, 30)}}
    readout = conclude(spec, outcomes(spec, rows, immature=10))
    assert (readout.status, readout.decision.action) == ("provisional", "extend")


def test_without_money_the_primary_decides() -> None:
    assert _readout(5 * SE, economics=None, decision={}).decision.action == "ship"
    assert _readout(-5 * SE, economics=None, decision={}).decision.action == "stop"
    assert _readout(0.5 * SE, economics=None, decision={}).decision.action == "not_settled"


def test_a_breached_guardrail_asks_for_a_change() -> None:
    metrics = [
        {"id": "spend", "type": "amount", "column": "spend", "role": "primary"},
        {"id": "returns", "type": "amount", "column": "returns", "role": "guardrail",
         "direction": "decrease", "margin": {"absolute": 0.5}},
    ]  # fmt: skip
    spec = experiment(metrics=metrics)
    base = {"spend": spend(N, 20), "returns": spend(N, 5, 1)}
    for rise, status, action in (
        (0.1, "pass", "ship"),
        (0.5, "unsettled", "not_settled"),
        (2, "breached", "iterate"),
    ):
        rows = {"c": base, "t": {"spend": spend(N, 30), "returns": spend(N, 5 + rise, 1)}}
        readout = conclude(spec, outcomes(spec, rows))
        assert readout.decision.action == action
        guardrail = next(e for e in readout.estimates if e.metric == "returns").guardrail
        assert guardrail is not None and guardrail.status == status


def test_the_best_of_several_arms_is_named() -> None:
    spec = experiment(arms={"from_column": "arm", "control": "c", "treatments": ["a", "b"]})
    rows = {k: {"spend": spend(N, m)} for k, m in {"c": 20, "a": 24, "b": 27}.items()}
    assert conclude(spec, outcomes(spec, rows)).decision.arm == "b"


@settings(max_examples=150, deadline=None)
@given(gain=st.floats(-5, 5), cost=st.floats(0, 3), threshold=st.floats(0.51, 0.99))
def test_no_verdict_contradicts_its_interval(gain: float, cost: float, threshold: float) -> None:
    readout = _readout(
        gain,
        economics={"benefit": {"metric": "spend"}, "costs": [{"id": "mail", "per_unit": cost}]},
        decision={"ship_if": {"probability_net_benefit_positive": threshold}},
    )
    net = readout.economics[0].net_benefit
    if readout.decision.action == "ship":
        assert net.ci_lower > 0
    if readout.decision.action == "stop":
        assert net.ci_lower <= 0


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_nothing_varies_is_a_reason_and_not_a_number(value: float) -> None:
    spec = experiment()
    rows = {"c": {"spend": np.zeros(50)}, "t": {"spend": np.full(50, value)}}
    readout = conclude(spec, outcomes(spec, rows))
    absolute = readout.estimates[0].absolute
    assert absolute is None or absolute.p_value is None
    assert readout.decision.action != "ship"
