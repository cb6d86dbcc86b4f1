"""Made experiments for tests: specs from a few words, outcomes from arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from loyalty_exp.outcomes.outcomes import Cell, Finding, Outcomes
from loyalty_exp.outcomes.plan import plan
from loyalty_exp.outcomes.returns_columns import RETURNS
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.moments import Moments, empty, from_rows

Rows = Mapping[str, np.ndarray]


def experiment(**changes: Any) -> Experiment:
    """A two-arm experiment on a per-unit table, with money; any section can be replaced."""
    spec = {
        "experiment": "made",
        "question": "Does it pay?",
        "unit": "id",
        "data": {"units": "units.parquet"},
        "arms": {"from_column": "arm", "control": "c", "treatments": ["t"]},
        "metrics": [{"id": "spend", "type": "amount", "column": "spend", "role": "primary"}],
        "economics": {"benefit": {"metric": "spend"}, "costs": [{"id": "mail", "per_unit": 1.0}]},
        "decision": {"ship_if": {"probability_net_benefit_positive": 0.95}},
    } | changes
    return Experiment.model_validate_json(json.dumps({k: v for k, v in spec.items() if v is not None}))


def outcomes(
    spec: Experiment,
    rows: Mapping[str, Rows],
    *,
    segments: Mapping[tuple[str, str], Mapping[str, Rows]] | None = None,
    immature: int = 0,
    findings: tuple[Finding, ...] = (),
    units: Mapping[str, int] | None = None,
) -> Outcomes:
    """Outcomes of arrays by arm and column."""
    arms = [a.id for a in spec.planned_arms]
    counts = {a: len(next(iter(rows[a].values()))) for a in arms}
    return Outcomes(
        units=units or counts,
        units_analyzed=counts,
        immature=dict.fromkeys(arms, immature),
        missing={},
        overall=_blocks(spec, rows),
        segments={Cell(*key): _blocks(spec, cell) for key, cell in (segments or {}).items()},
        caps={},
        findings=findings,
        first_assigned=None,
        last_assigned=None,
        data_to=None,
        engine="arrays",
        data_digest="0" * 64,
    )


def _blocks(spec: Experiment, rows: Mapping[str, Rows]) -> dict[str, dict[str, Moments]]:
    return {
        block.name: {
            arm: from_rows({c: rows[arm][c] for c in block.columns})
            if len(next(iter(rows[arm].values())))
            else empty(block.columns)
            for arm in (a.id for a in spec.planned_arms)
        }
        for block in plan(spec).blocks
        if block.name != RETURNS or all(set(block.columns) <= set(arm) for arm in rows.values())
    }


def spend(n: int, mean: float, sd: float = 10.0) -> np.ndarray:
    """Values with exactly this mean and sample standard deviation."""
    x = np.linspace(-1, 1, n)
    return mean + sd * (x - x.mean()) / x.std(ddof=1)
