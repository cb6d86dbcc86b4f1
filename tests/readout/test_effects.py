"""Families of p-values, and the question whether the effect is the same everywhere."""

from __future__ import annotations

import pytest
from made import experiment, outcomes, spend

from loyalty_exp.readout.effects import estimate_all, interactions

N = 400


def _metrics(*roles: str) -> list[dict]:
    return [{"id": f"m{i}", "type": "amount", "column": f"m{i}", "role": r} for i, r in enumerate(roles)]


def test_families_are_adjusted_apart() -> None:
    spec = experiment(
        metrics=_metrics("primary", "primary", "secondary", "secondary"), economics=None, decision={}
    )
    gains = (1.5, 1.0, 1.5, 1.0)
    rows = {
        "c": {f"m{i}": spend(N, 20) for i in range(4)},
        "t": {f"m{i}": spend(N, 20 + g) for i, g in enumerate(gains)},
    }
    p = [e.absolute for e in estimate_all(spec, outcomes(spec, rows))]
    assert p[0].p_value_adjusted == pytest.approx(2 * p[0].p_value)  # Holm, smallest of two
    assert p[1].p_value_adjusted == pytest.approx(max(p[1].p_value, 2 * p[0].p_value))
    assert p[2].p_value_adjusted == pytest.approx(min(2 * p[2].p_value, p[3].p_value))  # Benjamini-Hochberg
    assert p[3].p_value_adjusted == pytest.approx(p[3].p_value)


def test_adjustment_spans_treatments_and_not_rows() -> None:
    spec = experiment(
        arms={"from_column": "arm", "control": "c", "treatments": ["a", "b"]}, economics=None, decision={}
    )
    rows = {"c": {"spend": spend(N, 20)}, "a": {"spend": spend(N, 22)}, "b": {"spend": spend(N, 20)}}
    first = estimate_all(spec, outcomes(spec, rows))[0].absolute
    assert first.p_value_adjusted == pytest.approx(2 * first.p_value)


def test_interaction_finds_what_was_planted_and_nothing_else() -> None:
    spec = experiment(segments=[{"id": "same"}, {"id": "other"}])
    cells = {
        (d, v): {"c": {"spend": spend(N, 20)}, "t": {"spend": spend(N, 20 + gain)}}
        for d, v, gain in (("same", "x", 1), ("same", "y", 1.1), ("other", "x", 5), ("other", "y", -5))
    }
    rows = {"c": {"spend": spend(2 * N, 20)}, "t": {"spend": spend(2 * N, 21)}}
    found = {
        i.dimension: i for i in interactions(spec, estimate_all(spec, outcomes(spec, rows, segments=cells)))
    }
    assert found["other"].p_value_adjusted < 1e-6
    assert found["same"].p_value > 0.5
    assert found["same"].df == 1
