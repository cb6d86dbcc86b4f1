"""Readouts made by the package itself: looks before the end, other readings, buying again, clusters."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from loyalty_exp.outcomes.collect import collect
from loyalty_exp.pipeline import conclude
from loyalty_exp.spec.experiment import Experiment

Dict = dict[str, Any]


def two(en: str, zh: str) -> Dict:
    return {"en": en, "zh-CN": zh}


NAMES = {"control": two("Control", "对照组"), "double": two("Double points", "双倍积分")}
METHODS: list[Dict] = [
    {"type": "winsorized"},
    {"type": "mann_whitney"},
    {"type": "poisson_bootstrap", "replicates": 400},
    {"type": "randomization", "draws": 400},
    {"type": "normal_prior", "prior_sd": 2.0},
    {"type": "normal_prior"},
    {"type": "msprt", "mixture_sd": 1.5},
]
SPEND: Dict = {
    "id": "spend",
    "name": two("Spend per member", "人均消费"),
    "type": "amount",
    "column": "spend",
    "role": "primary",
    "pillar": "cost",
    "covariates": ["pre"],
}
AGAIN: Dict = {
    "id": "again",
    "name": two("Bought again", "复购率"),
    "type": "repurchase",
    "within_days": 56,
    "column": "days",
    "follow_up": "seen",
    "readings": [{"type": "cox"}, {"type": "censored_rate"}],
}
LEFT: Dict = {
    "id": "left",
    "name": two("Left the program", "退会率"),
    "type": "proportion",
    "column": "gone",
    "role": "guardrail",
    "direction": "decrease",
    "margin": {"absolute": 0.03},
    "pillar": "satisfaction",
}


RATIO: Dict = {
    "id": "growth",
    "name": two("Spend over spend before", "消费增长比"),
    "type": "ratio",
    "numerator": "spend",
    "denominator": "pre",
}


def group_sequential(planned: int, *looks: float) -> Dict:
    return {"sequential": {"method": "group_sequential", "planned_units": planned, "looks": [*looks, 1.0]}}


def rows(units: int, seed: int = 7, unequal: bool = False) -> Dict:
    """Members of two arms in stores; the treatment spends a little more and comes back a little sooner."""
    rng = np.random.default_rng(seed)
    store = rng.integers(0, 18, units)
    treated = rng.random(units) < (0.1 if unequal else 0.5)
    pre = rng.lognormal(3.0, 0.6, units)
    spend = 0.6 * pre + rng.lognormal(2.3, 0.9, units) + 1.6 * treated
    days = 1 + rng.exponential(np.where(treated, 60.0, 78.0)).astype(int)
    seen = rng.choice([20, 40, 56, 70], units)
    return {
        "member_id": np.array([f"m{i:06d}" for i in range(units)]),
        "arm": np.where(treated, "double", "control"),
        "store": np.array([f"s{i:02d}" for i in store]),
        "by_store": np.where(store % 2 == 0, "double", "control"),
        "pre": pre,
        "spend": spend,
        "tier": rng.choice(["gold", "silver"], units),
        "gone": (rng.random(units) < 0.05).astype(int),
        "days": np.where(days <= seen, days, -1),
        "seen": seen,
    }


def money(**more: Any) -> Dict:
    """Benefit and costs, with whatever else the section may hold."""
    return {
        "benefit": {"metric": "spend", "margin": 0.6},
        "costs": [{"id": "mail", "name": two("Messages", "触达"), "per_unit": 0.4}],
    } | more


MARGIN: Dict = {"name": "margin", "low": 0.4, "high": 0.75}


def rolled(**more: Any) -> Dict:
    return {"eligible": 250_000, "coverage": 0.9, "fixed": 30_000} | more


@cache
def made(units: int, changes: str) -> str:
    """Read, ask and conclude as the pipeline does, from a file of one row a member."""
    import duckdb
    import pyarrow as pa

    change: Dict = json.loads(changes)
    unequal = change.pop("unequal", False)
    table = pa.table({k: pa.array(v) for k, v in rows(units, unequal=unequal).items()})
    spec = {
        "experiment": "points",
        "name": two("Points for a second visit", "二次到店积分"),
        "question": two("Do points for a second visit pay?", "二次到店积分能否盈利？"),
        "program": {"program": "house", "currency": {"code": "CNY", "symbol": "¥"}},
        "unit": "member_id",
        "data": {"units": "units.parquet"},
        "arms": {
            "from_column": "arm",
            "control": "control",
            "treatments": ["double"],
            "shares": {"control": 0.9, "double": 0.1} if unequal else {"control": 0.5, "double": 0.5},
            "names": NAMES,
        },
        "segments": [{"id": "tier", "name": two("Tier", "会员等级")}],
        "metrics": [SPEND, AGAIN, LEFT],
        "economics": {
            "benefit": {"metric": "spend"},
            "costs": [{"id": "mail", "name": two("Messages", "触达"), "per_unit": 0.4}],
        },
        "decision": {"ship_if": {"probability_net_benefit_positive": 0.95}},
    } | change
    with TemporaryDirectory() as folder:
        kept = "SELECT * REPLACE (nullif(days, -1) AS days) FROM t"
        duckdb.from_arrow(table).query("t", f"COPY ({kept}) TO '{folder}/units.parquet' (FORMAT parquet)")
        experiment = Experiment.model_validate_json(json.dumps(spec))
        return conclude(experiment, collect(experiment, Path(folder)), "points.yaml").to_json()


def state(units: int, **changes: Any) -> Callable[[], Dict]:
    text = json.dumps(changes)
    return lambda: json.loads(made(units, text))


STATES: dict[str, Callable[[], Dict]] = {
    "early_ship": state(9000, analysis=group_sequential(13_500, 0.33, 0.66)),
    "early_extend": state(1200, analysis=group_sequential(6000, 0.2, 0.6)),
    "final_look": state(9000, analysis=group_sequential(9000, 0.25, 0.5)),
    "any_time": state(1500, analysis={"sequential": {"method": "asymptotic_cs", "horizon": 8000}}),
    "no_bounds_yet": state(1500, analysis=group_sequential(4_000_000, 0.5)),
    "readings": state(1200, metrics=[SPEND | {"readings": METHODS, "covariates": []}, RATIO, LEFT]),
    "again": state(2500, metrics=[SPEND, AGAIN | {"role": "primary"}]),
    "clusters": state(
        3000,
        cluster="store",
        arms={"from_column": "by_store", "control": "control", "treatments": ["double"], "names": NAMES},
    ),
    "rollout_ship": state(
        9000, economics=money(rollout=rolled(prior={"mean": 0.0, "sd": 0.3}), assumptions=[MARGIN])
    ),
    "rollout_open": state(700, economics=money(rollout=rolled(), hurdle=0.5)),
    "rollout_at_a_look": state(
        1200, economics=money(rollout=rolled()), analysis=group_sequential(6000, 0.2, 0.6)
    ),
    "rollout_refused": state(9000, economics=money(rollout=rolled(eligible={"gold": 40_000}))),
    "skewed": state(3000, unequal=True, metrics=[SPEND | {"covariates": []}]),
}
