"""Readouts for every state of the page, as `Readout.to_dict` gives them; all numbers are invented."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

Dict = dict[str, Any]
HOSTILE = "<script>alert(1)</script> {{7*7}} {x} ${y} %(z)s \"'&"


def two(en: str, zh: str) -> Dict:
    return {"en": en, "zh-CN": zh}


def absolute(estimate: float, error: float, p: float = 0.001, adjusted: float | None = None) -> Dict:
    return {
        "estimate": estimate,
        "std_error": error,
        "ci_lower": estimate - 1.96 * error,
        "ci_upper": estimate + 1.96 * error,
        "p_value": p,
        "p_value_adjusted": p if adjusted is None else adjusted,
        "log_p_value": None,
    }


def estimate(
    metric: str,
    role: str,
    control: float,
    effect: float,
    error: float,
    *,
    arm: str = "double",
    p: float = 0.0004,
    segment: Dict | None = None,
    guardrail: Dict | None = None,
    units: int = 48310,
) -> Dict:
    relative = None
    if control:
        relative = {
            "estimate": effect / control,
            "std_error": error / control,
            "ci_lower": (effect - 1.96 * error) / control,
            "ci_upper": (effect + 1.96 * error) / control,
            "not_bounded": None,
        }
    return {
        "metric": metric,
        "role": role,
        "treatment": arm,
        "control": "control",
        "segment": segment,
        "estimator": "cuped",
        "units_treatment": units,
        "units_control": units - 140,
        "mean_treatment": control + effect,
        "mean_control": control,
        "absolute": absolute(effect, error, p),
        "relative": relative,
        "sequential": None,
        "not_estimable": None if control else "zero_control_mean",
        "variance_reduction": 0.31 if role == "primary" else None,
        "guardrail": guardrail,
        "suppressed": False,
        "facts": None,
    }


def interval(value: float, error: float) -> Dict:
    return {
        "estimate": value,
        "std_error": error,
        "ci_lower": value - 1.96 * error,
        "ci_upper": value + 1.96 * error,
    }


def money(
    arm: str = "double",
    *,
    benefit: float = 4.89,
    cost: float = 2.88,
    error: float = 1.0,
    probability: float = 0.978,
    status: str = "interval",
    quadrant: str = "invest",
    units: int = 48310,
) -> Dict:
    net = benefit - cost
    roi: Dict = {"status": status, "quadrant": quadrant, "estimate": None, "ci_lower": None, "ci_upper": None}
    if status == "interval":
        roi |= {"estimate": benefit / cost - 1, "ci_lower": 0.0182, "ci_upper": 1.378}
    lines = [
        ("points", 0.56, two("Points redeemed", "积分核销")),
        ("vouchers", 0.24, two("Vouchers", "优惠券")),
    ]
    lines += [
        ("messages", 0.06, two("Messages", "触达")),
        ("setup", 0.14, two("Set-up and staff", "搭建与人力")),
    ]
    return {
        "treatment": arm,
        "control": "control",
        "window": "outcome",
        "benefit": interval(benefit, error),
        "cost": interval(cost, error * 0.1),
        "net_benefit": interval(net, error),
        "net_benefit_total": interval(net * units, error * units),
        "probability_net_benefit_positive": probability,
        "probability_roi_above_hurdle": max(0.0, probability - 0.05),
        "roi": roi,
        "fixed_per_unit": cost * 0.14,
        "units": units,
        "cost_lines": [
            {"id": i, "per_unit": cost * s, "total": cost * s * units, "name": n} for i, s, n in lines
        ],
        "points": None,
        "net_benefit_sequential": None,
    }


def check(name: str, status: str = "pass", p: float | None = None, **detail: Any) -> Dict:
    return {"check": name, "status": status, "p_value": p, "detail": detail}


METRICS: list[Dict] = [
    {
        "id": "margin",
        "name": two("Gross margin per member", "人均毛利"),
        "type": "amount",
        "role": "primary",
        "direction": "increase",
        "pillar": "cost",
        "display": "money",
        "covariates": ["pre"],
        "within_days": None,
        "definition": two("Revenue less returns, goods and delivery.", "销售额减去退货、商品与履约成本。"),
    },
    {
        "id": "repurchase",
        "name": two("Repurchase rate", "复购率"),
        "type": "repurchase",
        "role": "primary",
        "direction": "increase",
        "pillar": "growth",
        "display": "percent",
        "covariates": [],
        "within_days": 56,
        "definition": None,
    },
    {
        "id": "orders",
        "name": two("Orders per member", "人均订单数"),
        "type": "count",
        "role": "secondary",
        "direction": "increase",
        "pillar": "growth",
        "display": "number",
        "covariates": [],
        "within_days": None,
        "definition": None,
    },
    {
        "id": "nps",
        "name": two("Net promoter score", "净推荐值"),
        "type": "amount",
        "role": "secondary",
        "direction": "increase",
        "pillar": "satisfaction",
        "display": "number",
        "covariates": [],
        "within_days": None,
        "definition": None,
    },
    {
        "id": "referrals",
        "name": two("Referrals per member", "人均推荐数"),
        "type": "count",
        "role": "secondary",
        "direction": "increase",
        "pillar": "advocacy",
        "display": "number",
        "covariates": [],
        "within_days": None,
        "definition": None,
    },
    {
        "id": "unsubscribed",
        "name": two("Unsubscribed", "退订率"),
        "type": "proportion",
        "role": "guardrail",
        "direction": "decrease",
        "pillar": "satisfaction",
        "display": "percent",
        "covariates": [],
        "within_days": None,
        "definition": None,
    },
    {
        "id": "margin_rate",
        "name": two("Gross-margin rate", "毛利率"),
        "type": "ratio",
        "role": "guardrail",
        "direction": "increase",
        "pillar": "cost",
        "display": "percent",
        "covariates": [],
        "within_days": None,
        "definition": None,
    },
]


def effects(arm: str = "double", scale: float = 1.0, p: float = 0.0002) -> list[Dict]:
    return [
        estimate("margin", "primary", 38.42, 4.89 * scale, 1.0, arm=arm, p=p),
        estimate("repurchase", "primary", 0.2143, 0.022 * scale, 0.0026, arm=arm, p=p),
        estimate("orders", "secondary", 0.3113, 0.035 * scale, 0.0042, arm=arm, p=p),
        estimate("nps", "secondary", 31.2, 1.3 * scale, 1.1, arm=arm, p=0.24),
        estimate("referrals", "secondary", 0.0312, 0.0041 * scale, 0.0017, arm=arm, p=0.018),
        estimate(
            "unsubscribed",
            "guardrail",
            0.0062,
            0.0002,
            0.0005,
            arm=arm,
            p=0.7,
            guardrail={"margin": 0.0015, "status": "pass"},
        ),
        estimate(
            "margin_rate",
            "guardrail",
            0.2741,
            -0.005,
            0.0031,
            arm=arm,
            p=0.1,
            guardrail={"margin": 0.01, "status": "unsettled"},
        ),
    ]


def segment_cells(arm: str = "double") -> list[Dict]:
    rows = [("silver", 6.72, 1.55, 41260), ("gold", 4.31, 1.66, 33900), ("platinum", 2.27, 2.13, 21320)]
    cells = [
        estimate(
            "margin", "primary", 38.0, e, s, arm=arm, segment={"dimension": "tier", "value": v}, units=n // 2
        )
        for v, e, s, n in rows
    ]
    small = copy.deepcopy(cells[0])
    small |= {
        "segment": {"dimension": "tier", "value": "diamond"},
        "suppressed": True,
        "absolute": None,
        "relative": None,
        "mean_treatment": None,
        "mean_control": None,
        "not_estimable": "too_few_units",
    }
    return [*cells, small]


def ship() -> Dict:
    """A win with one open guardrail: two arms, economics, segments."""
    return {
        "schema": "loyalty-exp/readout/v1",
        "experiment": {
            "id": "LOY-2026-014",
            "name": two("Points accelerator for lapsing Silver members", "积分加速计划·即将流失的银卡会员"),
            "kind": "randomized",
            "evidence_level": "moderate",
            "lock": "2026-08-01",
            "spec_hash": "3f9a1c0de2b4c21e",
        },
        "status": "mature",
        "as_of": "2026-10-12T02:00:00+08:00",
        "data_to": "2026-10-11",
        "arms": [
            {
                "id": "control",
                "is_control": True,
                "units": 48170,
                "clusters": None,
                "share_planned": 0.5,
                "share_observed": 0.4993,
                "name": two("Control", "对照组"),
                "receives": None,
            },
            {
                "id": "double",
                "is_control": False,
                "units": 48310,
                "clusters": None,
                "share_planned": 0.5,
                "share_observed": 0.5007,
                "name": two("Double points", "双倍积分"),
                "receives": two("Twice the base points for eight weeks", "八周双倍基础积分"),
            },
        ],
        "health": [
            check(
                "sample_ratio",
                p=0.65,
                observed={"control": 48170, "double": 48310},
                planned={"control": 0.5, "double": 0.5},
            ),
            check("units_in_two_arms", units=0, share=0.0),
            check("missing_outcome", columns=[], worst_p=None),
            check(
                "pre_period_balance",
                worst={"column": "orders_pre", "treatment": "double", "value": 0.012},
                threshold=0.1,
                covariates=12,
            ),
            check("maturity", immature=0, units=96480),
            check("data", "warn", codes=["duplicate_orders"]),
            check("duplicate_orders", "warn", rows=31, total=4120.5, share=0.00015),
            check("guardrails", "warn", passed=1, breached=0, unsettled=1),
        ],
        "estimates": [*effects(), *segment_cells()],
        "interactions": [
            {
                "metric": "margin",
                "treatment": "double",
                "dimension": "tier",
                "cells": 3,
                "statistic": 2.1,
                "df": 2,
                "p_value": 0.35,
                "p_value_adjusted": 0.41,
                "not_estimable": None,
            }
        ],
        "readings": [],
        "repurchase": [],
        "economics": [money()],
        "decision": {
            "action": "ship",
            "arm": "double",
            "rule": {"ship_if": {"probability_net_benefit_positive": 0.95}, "stop_if": {}},
            "reasons": [
                {
                    "code": "net_benefit_probability",
                    "arm": "double",
                    "probability": 0.978,
                    "threshold": 0.95,
                    "met": True,
                },
                {"code": "guardrail", "metric": "margin_rate", "arm": "double", "status": "unsettled"},
            ],
        },
        "warnings": [],
        "plan": {
            "question": two(
                "Do double points bring lapsing members back at a profit?", "双倍积分能否带来有利润的回流？"
            ),
            "name": None,
            "unit": "member",
            "currency": {"code": "CNY", "symbol": "¥"},
            "timezone": "Asia/Shanghai",
            "alpha": 0.05,
            "languages": ["en", "zh-CN"],
            "start": "2026-08-03",
            "end": "2026-09-27",
            "outcome_days": 56,
            "pre_days": 90,
            "windows": "auto",
            "hurdle": 0.0,
            "benefit": {"metric": "margin", "margin": None, "value": None},
            "costs": [
                {
                    "id": "points",
                    "name": two("Points redeemed", "积分核销"),
                    "per_unit": None,
                    "per_event": "points_redeemed",
                    "price": 0.0083,
                    "fixed": None,
                    "arms": None,
                },
                {
                    "id": "messages",
                    "name": two("Messages", "触达"),
                    "per_unit": 0.17,
                    "per_event": None,
                    "price": None,
                    "fixed": None,
                    "arms": None,
                },
                {
                    "id": "setup",
                    "name": two("Set-up and staff", "搭建与人力"),
                    "per_unit": None,
                    "per_event": None,
                    "price": None,
                    "fixed": 19478.0,
                    "arms": None,
                },
            ],
            "metrics": copy.deepcopy(METRICS),
            "segments": [
                {
                    "id": "tier",
                    "name": two("Tier", "会员等级"),
                    "values": {
                        "silver": two("Silver", "银卡"),
                        "gold": two("Gold", "金卡"),
                        "platinum": two("Platinum", "白金卡"),
                        "diamond": two("Diamond", "钻石卡"),
                    },
                }
            ],
            "ask": two(
                "Approve a ¥1,180,000 points budget for the fourth quarter", "批准四季度 ¥1,180,000 积分预算"
            ),
            "owner": two("Loyalty growth", "会员增长"),
            "due": "2026-11-13",
            "next_steps": [
                {
                    "action": two(
                        "Extend the program to all lapsing Silver members", "推广到全部即将流失的银卡会员"
                    ),
                    "owner": two("Loyalty growth", "会员增长"),
                    "due": "2026-11-16",
                },
                {
                    "action": two("Keep a 5% hold-out until March", "保留 5% 长期对照组至明年三月"),
                    "owner": two("Data science", "数据科学"),
                    "due": "2026-11-16",
                },
            ],
            "multiplicity": {"primary": "holm", "secondary": "benjamini_hochberg"},
            "min_cell": 50,
            "sample_ratio_threshold": 0.001,
            "caps": {},
            "spec_file": "LOY-2026-014.yaml",
        },
        "provenance": {
            "versions": {"loyalty-exp": "0.1.0", "python": "3.12"},
            "engine": "duckdb",
            "salt": "never-print-this-salt",
            "data_digest": "9c4e77aa01",
            "seed": 20260803,
            "duration_s": 4.2,
            "command": "loyalty-exp report LOY-2026-014.yaml",
        },
    }


def decided(action: str, *reasons: Dict, **economics: Any) -> Dict:
    """The same experiment under another verdict."""
    r = ship()
    r["decision"] = {
        "action": action,
        "arm": "double",
        "rule": r["decision"]["rule"],
        "reasons": list(reasons),
    }
    if economics:
        r["economics"] = [money(**economics)]
    return r


def chance(value: float, met: bool) -> Dict:
    return {
        "code": "net_benefit_probability",
        "arm": "double",
        "probability": value,
        "threshold": 0.95,
        "met": met,
    }


def stop() -> Dict:
    r = decided("stop", chance(0.004, False), benefit=0.62, cost=2.88, error=0.85, probability=0.004)
    r["economics"][0]["roi"] |= {"estimate": -0.78, "ci_lower": -1.36, "ci_upper": -0.2}
    r["estimates"] = [*effects(scale=0.127, p=0.5), *segment_cells()]
    return r


def iterate() -> Dict:
    r = decided(
        "iterate",
        chance(0.978, True),
        {"code": "guardrail", "metric": "margin_rate", "arm": "double", "status": "breached"},
    )
    for e in r["estimates"]:
        if e["metric"] == "margin_rate":
            e["absolute"] = absolute(-0.022, 0.003)
            e["guardrail"]["status"] = "breached"
    r["health"][-1] = check("guardrails", "warn", passed=1, breached=1, unsettled=0)
    return r


def extend() -> Dict:
    r = decided("extend", {"code": "immature", "units": 12400})
    r["status"] = "provisional"
    r["health"][4] = check("maturity", "warn", immature=12400, units=96480)
    return r


def not_settled() -> Dict:
    r = decided(
        "not_settled",
        chance(0.62, False),
        {"code": "interval_includes_zero", "arm": "double"},
        benefit=1.1,
        cost=0.8,
        error=1.4,
        probability=0.585,
    )
    r["economics"][0]["roi"] |= {"estimate": 0.375, "ci_lower": -2.1, "ci_upper": 2.9}
    r["estimates"] = [*effects(scale=0.2, p=0.3), *segment_cells()]
    return r


def works_not_shown_to_pay() -> Dict:
    r = decided(
        "not_settled",
        {"code": "works_not_shown_to_pay", "arm": "double"},
        chance(0.67, False),
        benefit=3.32,
        cost=2.88,
        error=1.0,
        probability=0.67,
    )
    r["economics"][0]["roi"] |= {"estimate": 0.15, "ci_lower": -0.53, "ci_upper": 0.83}
    return r


def sells_more_loses_money() -> Dict:
    r = decided(
        "iterate",
        {"code": "sells_more_loses_money", "arm": "double", "metric": "repurchase"},
        chance(0.012, False),
        benefit=2.4,
        cost=4.9,
        error=1.1,
        probability=0.012,
    )
    r["economics"][0]["roi"] |= {"estimate": -0.51, "ci_lower": -0.94, "ci_upper": -0.07}
    return r


def invalid() -> Dict:
    r = decided("invalid", {"code": "sample_ratio", "p_value": 1e-90})
    r["status"], r["decision"]["arm"], r["experiment"]["evidence_level"] = "invalid", None, "none"
    r["arms"][0]["units"], r["arms"][1]["units"] = 46118, 52904
    r["health"][0] = check(
        "sample_ratio",
        "fail",
        1e-90,
        observed={"control": 46118, "double": 52904},
        planned={"control": 0.5, "double": 0.5},
    )
    return r


def dominant() -> Dict:
    return decided(
        "ship",
        chance(0.999, True),
        benefit=3.2,
        cost=-1.1,
        error=0.9,
        probability=0.9999,
        status="not_applicable",
        quadrant="dominant",
    )


def unbounded() -> Dict:
    return decided(
        "not_settled",
        chance(0.7, False),
        benefit=1.3,
        cost=0.2,
        error=2.1,
        probability=0.7,
        status="unbounded",
        quadrant="unstable",
    )


def quadrant(name: str) -> Callable[[], Dict]:
    b, c = {"dominated": (-1.2, 2.0), "save_tradeoff": (-0.9, -2.1), "zero_cost": (2.0, 0.0)}[name]
    return lambda: decided(
        "not_settled",
        chance(0.5, False),
        benefit=b,
        cost=c,
        error=1.8,
        probability=0.5,
        status="not_applicable",
        quadrant=name,
    )


def no_economics() -> Dict:
    r = decided(
        "ship",
        {"code": "primary", "metric": "repurchase", "arm": "double", "standing": "better"},
        {"code": "no_economics"},
    )
    r["economics"] = []
    r["plan"] |= {"benefit": None, "costs": [], "currency": None, "hurdle": None}
    r["warnings"] = ["no_economics"]
    return r


def zero_control_mean() -> Dict:
    r = ship()
    r["estimates"][4] = estimate("referrals", "secondary", 0.0, 0.0041, 0.0017, p=0.02)
    r["estimates"][2] |= {"absolute": None, "relative": None, "not_estimable": "no_variance"}
    r["health"].append(check("zero_control_mean", "warn", metrics=["referrals"]))
    r["health"].append(check("pre_launch_traffic", "not_run"))
    return r


def no_covariates() -> Dict:
    r = ship()
    r["health"][3] = check("pre_period_balance", "not_run")
    r["plan"] |= {"pre_days": None, "currency": None}
    r["warnings"] = ["no_covariates"]
    for e in r["estimates"]:
        e |= {"estimator": "difference_in_means", "variance_reduction": None}
    return r


def eight_arms() -> Dict:
    r = ship()
    names = [f"arm{i}" for i in range(1, 8)]
    r["arms"] = [{**r["arms"][0], "share_planned": 0.125}]
    r["estimates"], r["economics"], r["interactions"] = [], [], []
    for i, arm in enumerate(names):
        r["arms"].append(
            {
                "id": arm,
                "is_control": False,
                "units": 12000 + i,
                "clusters": None,
                "share_planned": 0.125,
                "share_observed": 0.125,
                "name": two(f"{i + 2}-fold points", f"{i + 2} 倍积分"),
                "receives": two(f"{i + 2} times the base points", f"{i + 2} 倍基础积分"),
            }
        )
        r["estimates"] += effects(arm, 0.3 + i * 0.1)
        r["economics"].append(money(arm, benefit=4.0 + i * 0.3, units=12000 + i))
    r["decision"] |= {"arm": "arm7", "reasons": [{**chance(0.99, True), "arm": "arm7"}]}
    r["health"][0] = check(
        "sample_ratio",
        p=0.4,
        observed={a["id"]: a["units"] for a in r["arms"]},
        planned={a["id"]: 0.125 for a in r["arms"]},
    )
    return r


def forty_segments() -> Dict:
    r = ship()
    r["estimates"] = effects()
    for i in range(40):
        r["estimates"].append(
            estimate(
                "margin",
                "primary",
                38.0,
                3 + (i % 7) * 0.5,
                2.0 + i % 3,
                segment={"dimension": "store", "value": f"store-{i:02d}"},
                units=1200,
            )
        )
    r["interactions"][0] |= {"dimension": "store", "cells": 40, "df": 39}
    r["plan"]["segments"] = [{"id": "store", "name": two("Store", "门店"), "values": {}}]
    return r


def hostile() -> Dict:
    r = ship()
    r["experiment"]["name"] = HOSTILE * 3
    r["arms"][1] |= {"name": HOSTILE + "W" * 40, "receives": HOSTILE}
    for m in r["plan"]["metrics"]:
        m |= {"name": HOSTILE + m["id"], "definition": HOSTILE}
    for c in r["economics"][0]["cost_lines"]:
        c["name"] = HOSTILE
    r["plan"] |= {"question": HOSTILE, "ask": HOSTILE, "owner": HOSTILE}
    r["plan"]["segments"][0] |= {"name": HOSTILE, "values": {"silver": HOSTILE, "gold": "无" * 60}}
    r["plan"]["next_steps"][0] |= {"action": HOSTILE, "owner": HOSTILE}
    return r


STATES: dict[str, Callable[[], Dict]] = {
    "ship": ship,
    "stop": stop,
    "iterate": iterate,
    "extend": extend,
    "not_settled": not_settled,
    "works_not_shown_to_pay": works_not_shown_to_pay,
    "sells_more_loses_money": sells_more_loses_money,
    "invalid": invalid,
    "dominant": dominant,
    "unbounded": unbounded,
    "dominated": quadrant("dominated"),
    "save_tradeoff": quadrant("save_tradeoff"),
    "zero_cost": quadrant("zero_cost"),
    "no_economics": no_economics,
    "zero_control_mean": zero_control_mean,
    "no_covariates": no_covariates,
    "eight_arms": eight_arms,
    "forty_segments": forty_segments,
    "hostile": hostile,
}
