"""What `size` promises of a history is what `rehearse` finds in it: the whole pipeline, design by design."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_rehearsal import BANDS, scenarios, table, written
from test_rehearsal_looks import ALWAYS, BEHAVIOR

from loyalty_exp.planning.past_window import read_baselines
from loyalty_exp.planning.rehearsal import judged
from loyalty_exp.planning.result import Answer
from loyalty_exp.planning.size import size
from loyalty_exp.planning.staging import NULL, PLANTED
from loyalty_exp.spec.read import read

SPEND: dict[str, Any] = {"id": "spend", "type": "amount", "column": "spend", "role": "primary"}
PLAIN = SPEND | {"id": "plain"}
ORDERS = {"id": "orders", "type": "count"}
AOV = {"id": "aov", "type": "ratio", "numerator": "plain", "denominator": "orders", "role": "primary"}
ADJUSTED = SPEND | {"covariates": ["before"]}
VISIT: dict[str, Any] = {"id": "visit", "type": "proportion", "column": "visit", "role": "guardrail"}
GROUP = {"method": "group_sequential", "planned_units": 3000, "looks": [0.5, 1.0]}
DUNNETT = {"primary": "dunnett"}
TIMES = 200


def frame(n: int = 3000) -> pd.DataFrame:
    """Spend that the value before half predicts and that is alike within households."""
    rng = np.random.default_rng(4)
    rows = table(n).drop(columns="arm")
    home = np.unique(rows["household"], return_inverse=True)[1]
    taste = rng.gamma(4.0, 1.0, n)
    rows["spend"] = np.round(2 * taste + 2 * rng.gamma(4.0, 1.0, n)[home] + rng.gamma(4.0, 1.0, n), 2)
    rows["before"] = np.round(2 * taste + rng.gamma(4.0, 1.0, n), 2)
    rows["orders"] = rng.integers(1, 4, n)
    return rows


def promised(path: Path, effect: float) -> dict[tuple[str, str, str | None], Answer]:
    """Answers of a plan for the units of the history, at an effect on all metrics."""
    spec = json.loads(path.read_text("utf-8"))
    spec["sizing"] = {"relative_mde": effect, "history": {}}
    planned = path.with_name("planned.yaml")
    planned.write_text(json.dumps(spec), encoding="utf-8")
    experiment = read(planned)
    plan = size(experiment, read_baselines(experiment, path.parent))
    return {(a.kind, a.id, a.treatment): a for a in plan.answers}


DESIGNS: dict[str, dict[str, Any]] = {
    "unequal": {"effect": 0.028, "metrics": [ADJUSTED], "shares": {"c": 0.7, "t": 0.3}},
    "metrics": {"effect": 0.028, "metrics": [ADJUSTED, PLAIN], "multiplicity": {"primary": "bonferroni"}},
    "arms": {"effect": 0.05, "metrics": [SPEND], "treatments": ["t", "u"], "multiplicity": DUNNETT},
    "clusters": {"effect": 0.04, "metrics": [SPEND], "cluster": "household"},
    "looks": {"effect": 0.026, "metrics": [ADJUSTED], "sequential": GROUP},
    "always": {"effect": 0.03, "metrics": [ADJUSTED], "sequential": ALWAYS},
    "ratio": {"effect": 0.05, "metrics": [AOV, PLAIN | {"role": "secondary"}, ORDERS]},
}


@pytest.mark.parametrize("name", DESIGNS)
def test_power_is_that_of_the_rehearsal(tmp_path: Path, name: str) -> None:
    design = DESIGNS[name]
    primary = next(m["id"] for m in design["metrics"] if m["role"] == "primary")
    treatments = design.get("treatments", ["t"])
    arms = {"from_column": "arm", "control": "c", "treatments": treatments, "shares": design.get("shares")}
    analysis = {k: design[k] for k in ("multiplicity", "sequential") if k in design}
    path = written(
        tmp_path, frame(), arms={k: v for k, v in arms.items() if v}, metrics=design["metrics"],
        analysis=analysis, cluster=design.get("cluster"), **BEHAVIOR,
    )  # fmt: skip
    effect = design["effect"]
    plan = promised(path, effect)
    on = "plain" if primary == "aov" else primary
    planted = scenarios(path, TIMES, f"{on}=+{effect:.1%}", judge=judged)[PLANTED]
    for reading in (r for r in planted.readings if r.metric == primary):
        answer = plan["metric", primary, reading.treatment]
        assert answer.power is not None and reading.planned_power is not None
        assert 0.3 < answer.power < 0.97
        assert reading.rejected is not None
        slack = BANDS * (answer.power * (1 - answer.power) / TIMES) ** 0.5
        # Spend that is scaled varies a little more; the rehearsal's own promise knows how much.
        assert reading.planned_power == pytest.approx(answer.power, abs=0.04)
        assert reading.rejected.rate == pytest.approx(reading.planned_power, abs=slack + 0.02)


@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_a_guardrail_holds_as_often_as_is_planned(tmp_path: Path, direction: str) -> None:
    guard = VISIT | {"margin": {"absolute": 0.05}, "direction": direction}
    path = written(tmp_path, frame(), metrics=[SPEND, guard], **BEHAVIOR)
    found = next(r for r in scenarios(path, TIMES)[NULL].readings if r.metric == "visit")
    answer = promised(path, 0.1)["guardrail", "visit", "t"]
    assert found.held is not None and answer.power is not None and 0.3 < answer.power < 0.97
    assert found.planned_power == pytest.approx(answer.power, abs=0.02)
    slack = BANDS * (answer.power * (1 - answer.power) / TIMES) ** 0.5
    assert found.held.rate == pytest.approx(answer.power, abs=slack + 0.02)
