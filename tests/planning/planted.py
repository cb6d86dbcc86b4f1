"""A made program, written and analyzed as if it were real."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from loyalty_exp.pipeline import compute
from loyalty_exp.planning.synthetic import SyntheticProgram
from loyalty_exp.planning.write import write
from loyalty_exp.readout.result import Readout

EVENTS = {
    "points": {"points": "points", "kind": "kind", "lot": "lot", "order": "txn_id"},
    "coupons": {"subsidy": "subsidy", "code": "code", "order": "txn_id"},
    "perks": {"perk": "perk", "quantity": "quantity"},
    "contacts": {"channel": "channel", "failed": "failed"},
    "referrals": {"reward": "reward"},
}
"""Columns of the event tables."""


def rehearse(made: SyntheticProgram, folder: Path, *, events: bool = False) -> Readout:
    """Write the files and a spec, and read the result out; costs are of the event tables if so told."""
    write(made, folder, only=() if events else ("members", "assignments", "transactions"))
    path = folder / "spec.yaml"
    document = with_events(made, folder) if events else spec(made)
    path.write_text(json.dumps(document), encoding="utf-8")
    return compute(path)


def with_events(made: SyntheticProgram, folder: Path) -> dict[str, Any]:
    """Costs are of the event tables, and the price of a point is of the program file."""
    s, document = made.settings, spec(made)
    rates = {"base": {"mean": s.base_redemption_rate}, "bonus": {"mean": s.bonus_redemption_rate}}
    points = {"face_value": s.point_value, "cost_to_face": s.cost_to_face, "redemption_rate": rates}
    program = {"program": "made", "points": points}
    (folder / "program.yaml").write_text(json.dumps(program), encoding="utf-8")
    for name, columns in EVENTS.items():
        document["data"][name] = {"table": f"{name}.parquet", "time": "ts", **columns}
    document["economics"]["costs"] = [
        {"id": "base", "points": "base"},
        {"id": "bonus", "points": "bonus"},
        {"id": "coupons", "coupons": "all"},
        {"id": "perks", "perks": "free_shipping", "price": s.perk_cost},
        {"id": "messages", "contacts": "sms", "price": s.contact_cost},
        {"id": "referrals", "referrals": "all"},
        {"id": "set_up", "fixed": s.fixed_cost},
    ]
    return document | {"program": "program.yaml"}


def spec(made: SyntheticProgram) -> dict[str, Any]:
    """Costs are columns of the transactions: points, coupons and perks; messages are a price a member."""
    s = made.settings
    costs: list[dict[str, object]] = [
        {"id": "base", "per_event": "base_points", "price": s.base_point_cost},
        {"id": "bonus", "per_event": "bonus_points", "price": s.bonus_point_cost},
        {"id": "coupons", "per_event": "discount", "price": 1.0},
        {"id": "perks", "per_event": "perk_uses", "price": s.perk_cost},
        {"id": "messages", "per_unit": s.contacts * s.contact_cost},
        {"id": "set_up", "fixed": s.fixed_cost},
    ]
    first = s.start.isoformat()
    last = (s.start + dt.timedelta(days=s.data_days - 1)).isoformat()
    end = (s.start + dt.timedelta(days=s.campaign_days - 1)).isoformat()
    return {
        "experiment": "rehearsal",
        "question": "Is the planted truth found?",
        "unit": "member_id",
        **({"cluster": "household_id"} if s.draw == "household" else {}),
        "data": {
            "members": "members.parquet",
            "transactions": {
                "table": "transactions.parquet",
                "order": "txn_id",
                "time": "ts",
                "amount": "amount",
                "refund_of": "refund_of",
            },
            "assignments": {"table": "assignments.parquet", "arm": "arm", "time": "assigned_at"},
        },
        "arms": [
            {"id": "control", "share": 1 - s.share},
            {
                "id": s.treatment,
                "share": s.share,
                "intervention": {"type": "points_multiplier", "multiplier": 2},
            },
        ],
        "schedule": {
            "start": first,
            "end": end,
            "outcome_days": s.outcome_days,
            "pre_days": min(s.pre_days, 56),
            "refund_days": s.refund_days,
            "data_to": last,
        },
        "metrics": [
            {"id": "margin", "type": "amount", "column": "margin", "role": "primary"},
            {"id": "spend", "type": "amount", "column": "amount"},
            {"id": "orders", "type": "count"},
        ],
        "economics": {"benefit": {"metric": "margin"}, "costs": costs},
        "decision": {"ship_if": {"probability_net_benefit_positive": 0.95}},
    }
