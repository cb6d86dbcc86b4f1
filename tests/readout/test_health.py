"""Checks say pass, warn, fail, or that they did not run."""

from __future__ import annotations

import numpy as np
import pytest
from made import experiment, outcomes, spend

from loyalty_exp.outcomes.outcomes import Finding
from loyalty_exp.pipeline import conclude
from loyalty_exp.readout.health import check_health
from loyalty_exp.readout.result import HealthCheck, Readout

N = 1_000


def _check(readout: Readout, name: str) -> HealthCheck:
    return next(h for h in readout.health if h.check == name)


def _rows(**arms: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    return arms


def test_a_check_that_cannot_run_never_passes() -> None:
    spec = experiment()
    readout = conclude(spec, outcomes(spec, _rows(c={"spend": spend(N, 20)}, t={"spend": spend(N, 21)})))
    assert _check(readout, "pre_period_balance").status == "not_run"
    assert _check(readout, "guardrails").status == "not_run"


def test_groups_that_differ_before_launch_warn() -> None:
    metrics = [{"id": "spend", "type": "amount", "column": "spend", "role": "primary", "covariates": ["pre"]}]
    spec = experiment(metrics=metrics)
    for gap, status in ((0.5, "pass"), (2.0, "warn")):
        rows = _rows(
            c={"spend": spend(N, 20), "pre": spend(N, 10)},
            t={"spend": spend(N, 20), "pre": spend(N, 10 + gap)},
        )
        check = _check(conclude(spec, outcomes(spec, rows)), "pre_period_balance")
        assert check.status == status
        assert check.detail["worst"]["value"] == pytest.approx(gap / 10)


def test_findings_in_the_data_are_shown_and_do_not_invalidate() -> None:
    spec = experiment()
    findings = (
        Finding("duplicate_orders", 12, 340.0, 0.001),
        Finding("before_assignment", 40, severity="note"),
        Finding("multi_exposure", 3, share=0.0015),
    )
    rows = _rows(c={"spend": spend(N, 20)}, t={"spend": spend(N, 30)})
    readout = conclude(spec, outcomes(spec, rows, findings=findings))
    assert readout.status == "mature"
    assert _check(readout, "duplicate_orders").status == "warn"
    assert _check(readout, "before_assignment").status == "pass"
    assert _check(readout, "units_in_two_arms").detail["units"] == 3
    assert {"duplicate_orders", "units_in_two_arms"} <= set(readout.warnings)
    assert "before_assignment" not in readout.warnings


def test_a_lift_too_good_to_be_true_warns() -> None:
    spec = experiment()
    rows = _rows(c={"spend": spend(N, 10)}, t={"spend": spend(N, 20)})
    assert _check(conclude(spec, outcomes(spec, rows)), "suspicious_uplift").detail["metrics"] == ["spend"]


def test_an_empty_arm_is_a_failed_sample_ratio() -> None:
    spec = experiment()
    readout = conclude(spec, outcomes(spec, _rows(c={"spend": spend(N, 10)}, t={"spend": np.zeros(0)})))
    assert readout.status == "invalid"
    assert readout.estimates[0].not_estimable


def test_a_sample_ratio_p_value_that_underflows_keeps_its_logarithm() -> None:
    spec = experiment()
    rows = _rows(c={"spend": spend(N, 10)}, t={"spend": spend(N, 10)})
    readout = conclude(spec, outcomes(spec, rows, units={"c": 10_000_000, "t": 11_000_000}))
    check = _check(readout, "sample_ratio")
    assert check.p_value is not None and check.p_value < 1e-300
    assert -1e9 < check.detail["log_p_value"] < -690


def test_a_p_value_that_underflows_to_zero_is_no_missing_p_value() -> None:
    spec = experiment()
    rows = _rows(c={"spend": spend(N, 10, 0.01)}, t={"spend": spend(N, 20, 0.01)})
    readout = conclude(spec, outcomes(spec, rows))
    absolute = readout.estimates[0].absolute
    assert absolute is not None and absolute.p_value_adjusted == 0.0
    assert _check(readout, "suspicious_uplift").status == "warn"


def test_shares_that_drift_warn_at_the_threshold_of_the_sample_ratio() -> None:
    rows = _rows(c={"spend": spend(N, 20)}, t={"spend": spend(N, 20)})
    for p, cluster, statuses in (
        (1e-4, None, ["warn"]),
        (0.01, None, ["pass"]),
        (0.0, None, ["warn"]),
        (0.0, "household", []),
    ):
        spec = experiment(cluster=cluster)
        drift = Finding("allocation_drift", 2 * N, severity="note", detail={"p_value": p, "periods": 7})
        health = check_health(spec, outcomes(spec, rows, findings=(drift,)), ())
        assert [h.status for h in health if h.check == "allocation_drift"] == statuses
        assert all(h.p_value == p for h in health if h.check == "allocation_drift")
