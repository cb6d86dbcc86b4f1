"""Further states of the page: looks at the plan, arms weighed, few and many arms, long names, odd checks."""

from __future__ import annotations

from collections.abc import Callable

from report.fixtures import (
    Dict,
    absolute,
    chance,
    check,
    decided,
    effects,
    eight_arms,
    estimate,
    money,
    segment_cells,
    ship,
    two,
)

LONG = (
    "Accelerator of bonus points for members who are about to lapse",
    "面向即将流失会员的多倍积分与专属权益叠加的长周期加速激励计划第二期方案",
)


def odd_checks() -> list[Dict]:
    """Every check the package makes beyond those of `ship`, as it makes them when something is off."""
    data = ("unknown_members", "after_data_to", "negative_amount", "before_assignment")
    data += ("assigned_after_end", "not_assigned", "outside_population", "refund_without_order")
    events = ("events_of_unknown_members", "events_after_data_to", "duplicate_events")
    events += ("taken_back_without_event",)
    outlier = {"rows": 2, "share": 2e-5, "column": "margin", "limit": 1e15}
    drifting = {"begins": "2026-08-17", "units": 9100, "shares": {"control": 0.46, "double": 0.54}}
    by_tier = {"dimension": "tier", "p_values": {"tier": 2e-5}, "threshold": 0.001}
    return [
        check("sample_ratio_by_segment", "warn", 2e-5, **by_tier),
        check("allocation_drift", "warn", 4e-6, periods=8, threshold=0.001, worst=drifting),
        check("clusters_in_two_arms", "warn", clusters=3),
        check("few_clusters", "warn", clusters=12, icc=0.03, design_effect=5.1),
        check("outlier", "warn", **outlier),
        *(check(code, "warn", rows=12, total=310.5, share=0.0004) for code in data),
        *(check(code, "warn", rows=7, share=0.0002, table="points") for code in events),
        check("suspicious_uplift", "warn", metrics=["orders"]),
        check("no_variance", "warn", metrics=["nps"]),
        check("zero_control_mean", "warn", metrics=["referrals"]),
        check("skewed_and_unequal", "warn", metrics=["margin"]),
    ]


def many_findings() -> Dict:
    r = ship()
    r["health"] += odd_checks()
    r["health"][5] = check("data", "warn", codes=["unknown_members", "duplicate_events", "outlier"])
    r["warnings"] = [c["check"] for c in r["health"] if c["status"] == "warn" and c["check"] != "data"]
    return r


def amended() -> Dict:
    """Locked late, then changed twice, once after a look."""
    r = ship()
    changes = [
        {"path": "schedule.end", "old": '"2026-09-13"', "new": '"2026-09-27"'},
        {"path": "metrics[3]", "old": "(absent)", "new": '{"id":"nps","type":"amount"}'},
        {"path": "assignment.salt", "old": None, "new": None},
    ]
    amendment = {"code": "amended", "reason": "More members were needed to reach the planned number."}
    r["plan"]["deviations"] = [
        {"code": "locked_after_start", "on": "2026-08-05", "start": "2026-08-03"},
        {**amendment, "version": 2, "on": "2026-08-20", "looks_before": 0, "after_look": [], "changes": []},
        {
            **amendment,
            "version": 3,
            "on": "2026-09-10",
            "looks_before": 2,
            "after_look": ["draw_changed", "horizon_changed", "post_hoc_metric"],
            "changes": changes,
        },
    ]
    r["warnings"] = ["locked_after_start", "draw_changed", "horizon_changed", "post_hoc_metric"]
    return r


def locked_after_look() -> Dict:
    r = ship()
    r["plan"]["deviations"] = [{"code": "locked_after_look", "on": "2026-10-12", "looks": 3}]
    r["warnings"] = ["locked_after_look"]
    return r


def unlocked() -> Dict:
    r = ship()
    r["experiment"]["lock"] = None
    return r


def weighed(id_: str, metric: str | None, weights: Dict, value: float, error: float, p: float) -> Dict:
    found = absolute(value, error, p, None if metric else p)
    found.pop("log_p_value")
    blank = {"id": id_, "name": None, "metric": metric, "weights": weights, "not_estimable": None}
    return {**blank, **found, "p_value_adjusted": p if metric else None}


def factorial() -> Dict:
    """Two factors of two levels: four arms, main effects, their interaction, and a declared contrast."""
    r = ship()
    control, double = r["arms"]
    named = {
        "double": ("Double points", "双倍积分"),
        "free": ("Free shipping", "包邮"),
        "both": ("Both", "都给"),
    }
    r["arms"] = [control | {"share_planned": 0.25, "units": 24100}]
    r["arms"] += [
        double | {"id": a, "name": two(*n), "share_planned": 0.25, "units": 24100 + i, "receives": two(*n)}
        for i, (a, n) in enumerate(named.items())
    ]
    r["estimates"] = [e for i, a in enumerate(named) for e in effects(a, 0.6 + 0.2 * i)]
    r["interactions"] = []
    r["economics"] = [money(a, benefit=3.9 + 0.5 * i, units=24100 + i) for i, a in enumerate(named)]
    r["decision"] |= {"arm": "both", "reasons": [{**chance(0.98, True), "arm": "both"}]}
    r["health"][0] = check(
        "sample_ratio",
        p=0.9,
        observed={a["id"]: a["units"] for a in r["arms"]},
        planned={a["id"]: 0.25 for a in r["arms"]},
    )
    r["plan"]["factors"] = {"bonus_points": ["off", "on"], "shipping": ["off", "on"]}
    points = {"control": -0.5, "double": 0.5, "free": -0.5, "both": 0.5}
    shipping = {"control": -0.5, "double": -0.5, "free": 0.5, "both": 0.5}
    together = {"control": 1.0, "double": -1.0, "free": -1.0, "both": 1.0}
    declared = {"both": 1.0, "double": -0.5, "free": -0.5}
    r["contrasts"] = []
    for metric, size in (("margin", 1.0), ("repurchase", 0.006), ("unsubscribed", 0.0004), (None, 0.8)):
        told = weighed("both_or_one", metric, declared, 0.4 * size, 0.5 * size, 0.42)
        r["contrasts"] += [
            told | {"name": two("Both rather than one", "两者都给，而非其一")},
            weighed("main_bonus_points", metric, points, 2.9 * size, 0.6 * size, 0.0002),
            weighed("main_shipping", metric, shipping, -1.9 * size, 0.6 * size, 0.003),
            weighed("interaction_bonus_points_shipping", metric, together, -2.6 * size, 1.0 * size, 0.02),
        ]
    sizes = {"benefit": 1.9, "cost": 1.5, "net_benefit": 0.4}
    added = {k: absolute(v, 0.3, 0.1, None) for k, v in sizes.items()}
    added = {
        k: {n: v[n] for n in ("estimate", "std_error", "ci_lower", "ci_upper")} for k, v in added.items()
    }
    roi = {"status": "interval", "quadrant": "invest", "estimate": 0.27, "ci_lower": -0.12, "ci_upper": 0.66}
    on_top = weighed("added_shipping_to_double", None, {"both": 1.0, "double": -1.0}, 0.7, 0.3, 0.02)
    r["contrasts"].append(on_top | {"added": added | {"roi": roi, "probability_net_benefit_positive": 0.9}})
    refused = dict.fromkeys(("estimate", "std_error", "ci_lower", "ci_upper", "p_value", "p_value_adjusted"))
    empty = {"metric": "orders", "not_estimable": "no units in the treatment arm", "name": None}
    r["contrasts"].append({"id": "main_shipping", "weights": shipping, **empty, **refused})
    return r


def arms(n: int) -> Callable[[], Dict]:
    """A win among so many arms, control included."""

    def made() -> Dict:
        r = eight_arms()
        kept = {a["id"] for a in r["arms"][:n]}
        r["arms"] = [a | {"share_planned": 1 / n} for a in r["arms"][:n]]
        for part in ("estimates", "economics"):
            r[part] = [e for e in r[part] if e["treatment"] in kept]
        best = r["arms"][-1]["id"]
        r["decision"] |= {"arm": best, "reasons": [{**chance(0.99, True), "arm": best}]}
        r["health"][0] = check(
            "sample_ratio",
            p=0.4,
            observed={a["id"]: a["units"] for a in r["arms"]},
            planned={a["id"]: 1 / n for a in r["arms"]},
        )
        return r

    return made


def observational() -> Dict:
    """Groups that were not formed at random: weak evidence, and no more than a pilot."""
    r = decided("ship", chance(0.98, True))
    r["experiment"] |= {"kind": "observational", "evidence_level": "weak"}
    r["plan"]["owner"] = two("Loyalty growth", "会员增长")
    return r


def provisional_ship() -> Dict:
    """A win while some windows are still open."""
    r = ship()
    r["status"] = "provisional"
    r["experiment"]["evidence_level"] = "weak"
    r["health"][4] = check("maturity", "warn", immature=900, units=96480)
    r["health"][-1] = check("guardrails", "pass", passed=2, breached=0, unsettled=0)
    for e in r["estimates"]:
        if e["guardrail"]:
            e["guardrail"]["status"] = "pass"
    r["decision"]["reasons"] = [chance(0.978, True)]
    return r


def long_names() -> Dict:
    """Names of 60 characters and more everywhere, without a space to break at in Chinese."""
    r = ship()
    name = two(*LONG)
    r["experiment"]["name"] = name
    r["arms"][0]["name"] = two("Members who keep the ordinary program without any extra offer", LONG[1])
    r["arms"][1] |= {"name": name, "receives": name}
    for m in r["plan"]["metrics"]:
        m["name"] = two(f"{LONG[0]}: {m['id']}", f"{LONG[1]}{m['id']}")
    for line in r["economics"][0]["cost_lines"]:
        line["name"] = two(f"{LONG[0]}: {line['id']}", f"{LONG[1]}{line['id']}")
    r["plan"]["segments"][0] |= {"name": name, "values": {"silver": name, "gold": name, "platinum": name}}
    r["plan"]["costs"][0]["name"] = name
    r["plan"] |= {"ask": name, "owner": name}
    r["plan"]["next_steps"][0] |= {"action": name, "owner": name}
    return r


def no_cost_data() -> Dict:
    """A benefit and no costs: nothing is spent, so there is no return."""
    r = ship()
    r["economics"] = [money(cost=0.0, status="not_applicable", quadrant="zero_cost", probability=0.999)]
    r["economics"][0]["cost_lines"] = []
    r["plan"]["costs"] = []
    return r


def zero_control_primary() -> Dict:
    """The first primary metric is zero in control: a difference, and no relative change anywhere."""
    r = ship()
    r["estimates"][0] = estimate("margin", "primary", 0.0, 4.89, 1.0)
    r["estimates"] = [e for e in r["estimates"] if e["segment"] is None]
    r["interactions"] = []
    r["health"].append(check("zero_control_mean", "warn", metrics=["margin"]))
    return r


def worse() -> Dict:
    """A treatment that makes a primary metric worse: stop, whatever the money says."""
    worsened: Dict = {"code": "primary", "metric": "repurchase", "arm": "double", "reading": "worse"}
    r = decided("stop", worsened, benefit=-2.1, cost=2.9, error=1.0, probability=0.0002)
    r["economics"][0]["roi"] |= {"status": "not_applicable", "quadrant": "dominated", "estimate": None}
    r["economics"][0]["roi"] |= {"ci_lower": None, "ci_upper": None}
    r["estimates"] = [*effects(scale=-0.6, p=0.0008), *segment_cells()]
    return r


STATES: dict[str, Callable[[], Dict]] = {
    "many_findings": many_findings,
    "amended": amended,
    "locked_after_look": locked_after_look,
    "unlocked": unlocked,
    "factorial": factorial,
    "three_arms": arms(3),
    "five_arms": arms(5),
    "observational": observational,
    "provisional_ship": provisional_ship,
    "long_names": long_names,
    "no_cost_data": no_cost_data,
    "zero_control_primary": zero_control_primary,
    "worse": worse,
}
