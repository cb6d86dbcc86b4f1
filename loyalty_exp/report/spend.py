"""What the money bought: extra revenue and orders, revenue for each unit spent, money for an extra order."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.language import N_
from loyalty_exp.report.roi import money_interval, spent_per_unit
from loyalty_exp.report.said import why_not


@dataclass(frozen=True, slots=True)
class SpendRow:
    """One line: a number with its interval, or the reason why there is none."""

    name: str
    value: str
    interval: Markup
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SpendBlock:
    """What the money of one treatment bought."""

    arm: str
    shown: bool
    rows: tuple[SpendRow, ...]
    note: Markup


def spend_blocks(facts: Facts) -> tuple[SpendBlock, ...]:
    """Give what the money of every treatment bought, the one shown first."""
    found = [e for e in facts.economics if e.get("spend") and spent_per_unit(e)]
    return tuple(_block(facts, e) for e in sorted(found, key=lambda e: bool(e["treatment"] != facts.shown)))


def _block(facts: Facts, e: Row) -> SpendBlock:
    words, s = facts.words, e["spend"]
    rows = []
    if s["revenue"]:
        name = words.say("Extra revenue per {unit}", unit=facts.unit())
        value = words.money(s["revenue"]["estimate"], step=-2, signed=True)
        rows += [
            SpendRow(str(name), value, money_interval(words, s["revenue"], exact=False, signed=True)),
            _ratio(facts, N_("Extra revenue for {one} spent (iROAS)"), s["iroas"], s["iroas_not_estimable"]),
        ]
    if s["orders"]:
        name, found = words.say("Extra orders per {unit}", unit=facts.unit()), s["orders"]
        lower, value, upper = (
            words.number(found[key], step=-3, signed=True) for key in ("ci_lower", "estimate", "ci_upper")
        )
        reason = s["cost_per_order_not_estimable"]
        rows += [
            SpendRow(str(name), value, words.say("{lower} to {upper}", lower=lower, upper=upper)),
            _ratio(facts, N_("Cost per incremental order"), s["cost_per_order"], reason),
        ]
    note = words.say(
        "Treatment less control, fixed costs included. Revenue is net of refunds and tax and not yet margin: "
        "an iROAS above 1 can still lose money. What decides is net benefit. Both are adjusted as the margin "
        "is, so they may differ a little from metrics of the same name."
    )
    return SpendBlock(facts.arm(e["treatment"]), bool(e["treatment"] == facts.shown), tuple(rows), note)


def _ratio(facts: Facts, name: str, found: Row | None, reason: str | None) -> SpendRow:
    words = facts.words
    said = words.say(name, one=words.money(1.0, step=0))
    if found is None:
        return SpendRow(said, "–", Markup(""), why_not(words, reason))
    return SpendRow(said, words.exact(found["estimate"]), money_interval(words, found, exact=True))
