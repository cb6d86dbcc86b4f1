"""A made plan for tests of its page."""

from __future__ import annotations

from typing import Any

from made import experiment

from loyalty_exp.planning.size import size


def facts(analysis: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Facts of a plan with two treatments and money; keys of `sizing` can be replaced."""
    arms = {
        "from_column": "arm",
        "control": "c",
        "treatments": ["t", "u"],
        "names": {"t": "<b>Mail & more</b>"},
    }
    sizing = {
        "mde": {"spend": 3.0},
        "baseline": {"spend": {"mean": 20.0, "sd": 10.0}},
        "money": {"sd_benefit": 10.0, "sd_cost": 2.0},
        "expected_cost_per_unit": 1.0,
        "available_units": 500,
    }
    spec = experiment(
        arms=arms,
        schedule={"start": "2026-04-01", "outcome_days": 28},
        sizing=sizing | changes,
        analysis=analysis,
    )
    return size(spec).to_dict()
