"""Readouts of points, coupons and partners' money, made by the package from tables of events."""

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
ARMS = ("control", "double", "triple")


def two(en: str, zh: str) -> Dict:
    return {"en": en, "zh-CN": zh}


def tables(units: int, arms: int, seed: int = 11) -> dict[str, Dict]:
    """Members with orders, points of two lots, coupons and messages; a higher arm gets and buys more."""
    rng = np.random.default_rng(seed)
    member = np.array([f"m{i:05d}" for i in range(units)])
    arm = rng.integers(0, arms, units)

    def events(each: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        who = np.repeat(np.arange(units), each)
        day = rng.integers(1, 28, len(who))
        return who, member[who], np.array([f"2026-03-{d:02d}T10:00:00Z" for d in day])

    buyer, orders_of, ordered = events(rng.poisson(1.1 + 0.17 * arm))
    amount = np.round(rng.lognormal(4.0, 0.5, len(buyer)), 2)
    spent = np.bincount(buyer, amount, units)
    base, bonus = np.round(spent).astype(int), np.round(spent * arm).astype(int)
    used = np.round((base + bonus) * rng.uniform(0.1, 0.5, units)).astype(int)
    old, back = np.round(0.03 * base).astype(int), np.round(0.05 * base).astype(int)
    flows = [("earn", "base", base), ("earn", "bonus", bonus), ("redeem", "base", used)]
    flows += [("expire", "base", old), ("clawback", "base", back)]
    point = [
        (m, n, kind, lot) for kind, lot, counts in flows for m, n in zip(member, counts, strict=True) if n
    ]
    coupon, coupons_of, redeemed = events(rng.binomial(1, np.where(arm > 0, 0.3, 0.0)))
    told = np.flatnonzero(arm > 0)
    return {
        "members": {"member_id": member},
        "assignments": {"member_id": member, "arm": np.array(ARMS)[arm]},
        "orders": {
            "member_id": orders_of,
            "o": np.array([f"o{i:06d}" for i in range(len(buyer))]),
            "at": ordered,
            "amount": amount,
            "cogs": np.round(0.55 * amount, 2),
        },
        "points": {
            "member_id": np.array([p[0] for p in point]),
            "at": np.full(len(point), "2026-03-28T10:00:00Z"),
            "points": np.array([p[1] for p in point]),
            "kind": np.array([p[2] for p in point]),
            "lot": np.array([p[3] for p in point]),
        },
        "coupons": {"member_id": coupons_of, "at": redeemed, "subsidy": np.full(len(coupon), 8.0)},
        "contacts": {
            "member_id": member[told],
            "at": np.full(len(told), "2026-03-02T09:00:00Z"),
            "channel": np.full(len(told), "sms"),
        },
    }


LINES: list[Dict] = [
    {"id": "base", "name": two("Base points", "基础积分"), "points": "base"},
    {"id": "bonus", "name": two("Bonus points", "活动积分"), "points": "bonus"},
    {"id": "coupons", "name": two("Coupons", "优惠券"), "coupons": "all", "funded_share": 0.5},
    {
        "id": "sms",
        "name": two("Text messages", "短信"),
        "contacts": "sms",
        "price": 0.05,
        "price_of": "sms_price",
    },
    {"id": "set_up", "name": two("Set-up", "搭建"), "fixed": 900.0},
]
MONEY: Dict = {
    "benefit": {"metric": "contribution"},
    "costs": LINES,
    "hurdle": 0.25,
    "assumptions": [
        {"name": "redemption_rate_bonus", "low": 0.7, "high": 0.95},
        {"name": "redemption_rate_base", "sd": 0.04},
        {"name": "cost_to_face", "low": 0.8, "high": 1.0},
        {"name": "sms_price", "low": 0.04, "high": 0.08},
    ],
    "rollout": {"eligible": 250_000, "coverage": 0.9, "fixed": 30_000, "prior": {"mean": 0.0, "sd": 3.0}},
}


@cache
def made(units: int, arms: int, face_value: float, changes: str) -> str:
    """Write the tables, read them with a spec and conclude."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    intervention = [{"type": "points_multiplier", "multiplier": 2.0 + i} for i in range(arms - 1)]
    names = (two("Control", "对照组"), two("Double points", "双倍积分"), two("Triple points", "三倍积分"))
    spec: Dict = {
        "experiment": "rewards",
        "name": two("Points and coupons in spring", "春季积分与优惠券"),
        "question": two("Do points and coupons pay?", "积分与优惠券能否盈利？"),
        "unit": "member_id",
        "program": {
            "program": "house",
            "currency": {"code": "CNY", "symbol": "¥"},
            "points": {
                "face_value": face_value,
                "cost_to_face": 0.9,
                "redemption_rate": {"base": {"mean": 0.72}, "bonus": {"mean": 0.85}},
            },
            "cost_prices": {"sms_price": {"price": 0.05}},
        },
        "data": {
            "members": "members.parquet",
            "assignments": {"table": "assignments.parquet", "arm": "arm"},
            "transactions": {
                "table": "orders.parquet",
                "order": "o",
                "time": "at",
                "amount": "amount",
                "cogs": "cogs",
            },
            "points": {
                "table": "points.parquet",
                "time": "at",
                "points": "points",
                "kind": "kind",
                "lot": "lot",
            },
            "coupons": {"table": "coupons.parquet", "time": "at", "subsidy": "subsidy"},
            "contacts": {"table": "contacts.parquet", "time": "at", "channel": "channel"},
        },
        "arms": [
            {"id": ARMS[i], "name": names[i], "share": 1 / arms}
            | ({"intervention": intervention[i - 1]} if i else {})
            for i in range(arms)
        ],
        "schedule": {"start": "2026-03-01", "outcome_days": 31, "refund_days": 15, "data_to": "2026-06-30"},
        "metrics": [
            {
                "id": "contribution",
                "name": two("Contribution margin", "贡献毛利"),
                "type": "margin",
                "role": "primary",
                "pillar": "cost",
            }
        ],
        "economics": MONEY,
        "decision": {"ship_if": {"probability_net_benefit_positive": 0.95}},
    }
    spec |= json.loads(changes)
    with TemporaryDirectory() as folder:
        for name, columns in tables(units, arms).items():
            pq.write_table(
                pa.table({k: pa.array(v.tolist()) for k, v in columns.items()}), f"{folder}/{name}.parquet"
            )
        experiment = Experiment.model_validate_json(json.dumps(spec))
        return conclude(experiment, collect(experiment, Path(folder)), "rewards.yaml").to_json()


def state(units: int, arms: int = 2, face_value: float = 0.02, **changes: Any) -> Callable[[], Dict]:
    text = json.dumps(changes)
    return lambda: json.loads(made(units, arms, face_value, text))


def without(*keys: str, **more: Any) -> Dict:
    return {k: v for k, v in MONEY.items() if k not in keys} | more


STATES: dict[str, Callable[[], Dict]] = {
    "rewards": state(3000, face_value=0.022),
    "rewards_of_two": state(2400, arms=3),
    "rewards_alone": state(1500, economics=without("assumptions", "rollout")),
}
