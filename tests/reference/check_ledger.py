"""Reference cases: the ledger of members from their orders, through both engines."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from case import Case
from outcomes.ledger_data import ENGINES, ledger, write

from loyalty_exp.economics.appraise import appraise
from loyalty_exp.economics.ledger import COST, open_ledger
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.cost_columns import BASE, BONUS
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.spec.experiment import Experiment


def event_ledger(case: Case) -> dict[str, Any]:
    """Write the orders as tables; ask for each member as an experiment of one, then for all."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_orders(folder, case.inputs)
        for engine in ENGINES:
            for goods_back in ("refund_cogs", "restockable"):
                found.append(_ledger_of(folder, engine, goods_back, case))
    for other in found[1:]:
        _same(other, found[0])
    return found[0]


def _same(a: Any, b: Any) -> None:
    """Engines, and both ways of writing what a refund brings back, agree to 1e-9."""
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            _same(a[key], b[key])
    elif isinstance(a, float):
        assert abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1e-3)
    else:
        assert a == b


def _write_orders(folder: Path, i: dict[str, Any]) -> None:
    orders: list[tuple[Any, ...]] = []
    for o in i["orders"]:
        for part in ("beauty", "other"):
            at = f"{o['date']}T12:00:00Z"
            if o[part]:
                orders.append((o["m"], o["o"], at, o[part], part, o[f"cogs_{part}"], None, None, None))
            if o[f"refund_{part}"]:
                goods = o.get(f"refund_cogs_{part}", 0.0)
                back = goods if o["restock"] else 0.0
                at = f"{o['refund_date']}T12:00:00Z"
                row = (f"r{o['o']}", at, -o[f"refund_{part}"], part, goods, o["o"], back, int(o["restock"]))
                orders.append((o["m"], *row))
    write(
        folder,
        {
            "members": ("m", [(x["member"],) for x in i["members"]]),
            "assignments": ("m,arm", [(x["member"], x["arm"]) for x in i["members"]]),
            "orders": ("m,o,at,amount,part,cogs,refund_of,refund_cogs,restockable", orders),
        },
    )


def _spec(engine: str, goods_back: str, i: dict[str, Any]) -> Experiment:
    r = i["rules"]
    suffix = ".parquet" if engine == "duckdb" else ""
    offer = {
        "type": "points_multiplier",
        "multiplier": r["multiplier_in_scope"],
        "categories": tuple(r["scope"]),
        "caps": {"points_per_member": r["bonus_cap_per_member"]},
    }
    points = {
        "earn": {"per_money": r["base_points_per_cny"]},
        "face_value": r["point_face_value"],
        "cost_to_face": r["cost_to_face"],
        "redemption_rate": {"base": {"mean": r["urr_base"]}, "bonus": {"mean": r["urr_bonus"]}},
    }
    parts = ("fulfilment_per_order", "payment_fee_rate", "return_handling")
    mapped = {"table": f"orders{suffix}", "order": "o", "time": "at", "amount": "amount", "category": "part"}
    mapped |= {"cogs": "cogs", "refund_of": "refund_of", goods_back: goods_back, "lines": True}
    return ledger(
        engine,
        program={"program": "p", "vat": {"rate": r["vat"]}, "points": points},
        data={"transactions": mapped},
        arms=({"id": "C", "share": 0.5}, {"id": "T", "share": 0.5, "intervention": offer}),
        schedule={"start": r["window_start"], "outcome_days": 31, "refund_days": r["refund_maturity_days"]},
        metrics=(
            {"id": "contribution", "type": "margin", "role": "primary", **{k: r[k] for k in parts}},
            {"id": "revenue", "type": "margin", "basis": "net_revenue"},
        ),
    )


def _ledger_of(folder: Path, engine: str, goods_back: str, case: Case) -> dict[str, Any]:
    i = case.inputs
    spec = _spec(engine, goods_back, i)
    outcomes = collect(spec, folder)
    money = appraise(spec, outcomes)[0]
    means = {arm: outcomes.overall["revenue"][arm].mean_of("revenue") for arm in "TC"}
    return {
        "per_member": {x["member"]: _member(folder, engine, goods_back, i, x) for x in i["members"]},
        "delta_B": money.benefit.estimate,
        "delta_C": money.cost.estimate,
        "net_benefit": money.net_benefit.estimate,
        "delta_net_revenue": means["T"] - means["C"],
    }


def _member(
    folder: Path, engine: str, goods_back: str, i: dict[str, Any], x: dict[str, str]
) -> dict[str, Any]:
    """Read one member from the moments of two: the other arm needs a member as well."""
    other = next(y["member"] for y in i["members"] if y["arm"] != x["arm"])
    spec = _spec(engine, goods_back, i)
    pair = {"include": ({"field": "m", "op": "in", "value": [x["member"], other]},)}
    spec = spec.model_copy(update={"population": type(spec.population).model_validate(pair)})
    outcomes: Outcomes = collect(spec, folder)
    block = outcomes.overall[ECONOMICS][x["arm"]]
    assert block.n == 1
    return {
        "arm": x["arm"],
        "net_revenue_ex_vat": outcomes.overall["revenue"][x["arm"]].mean_of("revenue"),
        "B": block.mean_of("contribution"),
        "base_points": block.mean_of(BASE),
        "bonus_points": block.mean_of(BONUS),
        "C": open_ledger(spec, x["arm"], block, ()).moments.mean_of(COST),
    }


CHECKS = {"R03_event_ledger_points_caps_refunds": event_ledger}
REFUSED: dict[str, str] = {}
NOT_COMPARED: dict[str, str] = {}
