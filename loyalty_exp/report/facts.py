"""The readout as the page reads it: names in the language of the page, and the lookups between its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loyalty_exp.report.language import N_
from loyalty_exp.report.wording import Wording

Row = Mapping[str, Any]

_UNITS = {
    "member": N_("members"),
    "household": N_("households"),
    "store": N_("stores"),
    "customer": N_("customers"),
    "": N_("units"),
}
_UNIT = {
    "member": N_("member"),
    "household": N_("household"),
    "store": N_("store"),
    "customer": N_("customer"),
    "": N_("unit"),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """One readout with the words for it."""

    readout: Row
    words: Wording

    @property
    def plan(self) -> Row:
        """The part of the spec that the page needs."""
        plan: Row = self.readout["plan"]
        return plan

    @property
    def decision(self) -> Row:
        """What the rule says."""
        decision: Row = self.readout["decision"]
        return decision

    @property
    def look(self) -> Row | None:
        """The look at the data, where the spec planned to look before the end."""
        return next((r for r in self.decision["reasons"] if r["code"] == "sequential"), None)

    @property
    def clustered(self) -> bool:
        """True when whole clusters were assigned and not single units."""
        return any(a["clusters"] is not None for a in self.readout["arms"])

    @property
    def randomized(self) -> bool:
        """True when the groups were formed at random, so that their difference is an effect."""
        return bool(self.readout["experiment"]["kind"] == "randomized")

    @property
    def invalid(self) -> bool:
        """True when effects and money must not be shown."""
        return bool(self.readout["status"] == "invalid" or self.decision["action"] == "invalid")

    @property
    def treatments(self) -> tuple[str, ...]:
        """Ids of the arms that are compared with control."""
        return tuple(a["id"] for a in self.readout["arms"] if not a["is_control"])

    @property
    def control(self) -> str:
        """Id of the control arm."""
        return next((str(a["id"]) for a in self.readout["arms"] if a["is_control"]), "control")

    @property
    def shown(self) -> str:
        """The arm the page speaks of: the one decided on, else the one with the best money or effect."""
        if self.decision.get("arm") in self.treatments:
            return str(self.decision["arm"])
        money = self.economics
        if money:
            return str(max(money, key=lambda e: e["net_benefit_total"]["estimate"])["treatment"])
        primary = [e for e in self.overall("primary") if e["absolute"]]
        if primary:
            first = [e for e in primary if e["metric"] == primary[0]["metric"]]
            sign = 1 if self.metric(first[0]["metric"]).get("direction") != "decrease" else -1
            return str(max(first, key=lambda e: sign * e["absolute"]["estimate"])["treatment"])
        return self.treatments[0] if self.treatments else self.control

    @property
    def economics(self) -> tuple[Row, ...]:
        """Money by treatment; none when the readout is not valid."""
        return () if self.invalid else tuple(self.readout["economics"])

    def money_of(self, arm: str) -> Row | None:
        """Give the money of one treatment."""
        return next((e for e in self.economics if e["treatment"] == arm), None)

    def outlook_of(self, arm: str) -> Row | None:
        """Give what is said beyond the test of one treatment; none when the readout is not valid."""
        looks = () if self.invalid else self.readout.get("outlook") or ()
        return next((o for o in looks if o["treatment"] == arm), None)

    def overall(self, *roles: str) -> list[Row]:
        """Give the estimates for all units, metric after metric as planned; none when not valid."""
        if self.invalid:
            return []
        found = [e for e in self.readout["estimates"] if e["segment"] is None and e["role"] in roles]
        order = {m["id"]: i for i, m in enumerate(self.plan["metrics"])}
        return sorted(found, key=lambda e: order.get(e["metric"], len(order)))

    def cells(self) -> list[Row]:
        """Give the estimates for segment cells; none when not valid."""
        return [] if self.invalid else [e for e in self.readout["estimates"] if e["segment"] is not None]

    def arm(self, arm: str) -> str:
        """Give the name of an arm."""
        for found in self.readout["arms"]:
            if found["id"] == arm:
                return self.words.name(found["name"], arm)
        return arm

    def metric(self, metric: str) -> Row:
        """Give what the plan says about a metric."""
        found = next((m for m in self.plan["metrics"] if m["id"] == metric), None)
        return found or {
            "id": metric,
            "name": None,
            "display": "number",
            "direction": "increase",
            "pillar": "growth",
        }

    def metric_name(self, metric: str) -> str:
        """Give the name of a metric."""
        return self.words.name(self.metric(metric).get("name"), metric.replace("_", " "))

    def column_name(self, column: str) -> str:
        """Give the name of a column; the pre-period of a metric is named after the metric."""
        metric = column.removesuffix("__pre")
        if metric != column:
            return str(self.words.say("{metric} before launch", metric=self.metric_name(metric)).striptags())
        known = any(m["id"] == column for m in self.plan["metrics"])
        return self.metric_name(column) if known else column.replace("_", " ")

    def segment_name(self, dimension: str) -> str:
        """Give the name of a segment."""
        plan: Row = next((s for s in self.plan["segments"] if s["id"] == dimension), {})
        return self.words.name(plan.get("name"), dimension.replace("_", " "))

    def units(self) -> str:
        """Say what the units are, many of them."""
        unit = _noun(self.plan.get("unit"))
        return str(self.words.say(_UNITS.get(unit, _UNITS[""])))

    def unit(self) -> str:
        """Say what a unit is, one of it."""
        unit = _noun(self.plan.get("unit"))
        return str(self.words.say(_UNIT.get(unit, _UNIT[""])))

    def name(self) -> str:
        """Give the name of the experiment."""
        return self.words.name(self.readout["experiment"]["name"], str(self.readout["experiment"]["id"]))


def _noun(unit: object) -> str:
    """Give the noun in the name of a unit or of its column, such as `member` of `member_id`."""
    return str(unit or "").lower().removesuffix("_id").removesuffix("s")


def shortened(name: str, width: int) -> str:
    """Cut a name to a width in Latin letters; a CJK character counts as two."""
    used = 0
    for i, character in enumerate(name):
        used += 2 if ord(character) > 0x2E80 else 1
        if used > width:
            return name[:i].rstrip() + "…"
    return name
