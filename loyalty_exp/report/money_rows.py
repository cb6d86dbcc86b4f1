"""The lines of benefit and cost: bars of the waterfall, rows of the money tables."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row, shortened
from loyalty_exp.report.roi import spent_per_unit
from loyalty_exp.report.wording import Wording


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the waterfall or of the costs; `label` is its amount, `share` its part of all costs."""

    name: str
    amount: float
    label: str
    total: bool
    share: str = ""


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """A row of a money table: name, per unit, in total, share of cost; gross and what partners pay of it."""

    name: str
    per_unit: str
    total: str
    share: str
    sum: bool
    gross: str = ""
    funded: str = ""


def partner_paid(e: Row) -> float:
    """Give what partners pay of the costs of one treatment, in total."""
    return float(sum(c.get("funded_total") or 0.0 for c in e["cost_lines"]))


def is_funded(e: Row) -> bool:
    """Say whether a partner pays any cost line, so that gross and net differ."""
    return any(c.get("funded_total") for c in e["cost_lines"])


def funded_words(facts: Facts, e: Row) -> Markup:
    """Say that costs are net of what partners pay; empty where none does on any treatment."""
    if not any(is_funded(o) for o in facts.economics):
        return Markup("")
    words, spent, paid = facts.words, spent_per_unit(e) * e["units"], partner_paid(e)
    return words.say(
        "Costs are net of what partners pay: {gross} gross, of which partners pay {funded}.",
        gross=words.exact(spent + paid),
        funded=words.exact(paid),
    )


def cost_rows(words: Wording, e: Row) -> tuple[MoneyRow, ...]:
    """Give the cost lines of one treatment, largest first, and their sum."""
    total = spent_per_unit(e) * e["units"]
    lines = sorted(e["cost_lines"], key=lambda c: -abs(c["total"]))
    rows = [
        MoneyRow(
            name=words.name(c["name"], c["id"].replace("_", " ")),
            per_unit=words.exact(c["per_unit"]),
            total=words.exact(c["total"]),
            share=share_of(words, c["total"], total),
            sum=False,
            gross=words.exact(c["total"] + (c.get("funded_total") or 0.0)),
            funded=words.exact(c.get("funded_total") or 0.0),
        )
        for c in lines
    ]
    paid = partner_paid(e)
    rows.append(
        MoneyRow(
            name=words.say("All costs"),
            per_unit=words.exact(spent_per_unit(e)),
            total=words.exact(total),
            share=words.percent(1.0) if total > 0 else "–",
            sum=True,
            gross=words.exact(total + paid),
            funded=words.exact(paid),
        )
    )
    return tuple(rows)


def share_of(words: Wording, amount: float, total: float) -> str:
    """Give the share of a cost in all costs; none where either is below zero."""
    return words.percent(amount / total, step=0) if total > 0 and amount >= 0 else "–"


def waterfall_bars(words: Wording, e: Row) -> tuple[Bar, ...]:
    """Give benefit, every cost line and net benefit; more than eight lines are gathered."""
    benefit = e["benefit"]["estimate"] * e["units"]
    net = e["net_benefit_total"]["estimate"]
    lines = sorted(e["cost_lines"], key=lambda c: -abs(c["total"]))
    kept, rest = (lines, []) if len(lines) <= 8 else (lines[:7], lines[7:])
    bars = [Bar(words.say("Extra margin"), benefit, words.exact(benefit), True)]
    for c in kept:
        name = shortened(words.name(c["name"], c["id"].replace("_", " ")), 26)
        bars.append(Bar(name, -c["total"], words.exact(-c["total"], signed=True), False))
    if rest:
        other = sum(c["total"] for c in rest)
        bars.append(Bar(words.say("Other costs"), -other, words.exact(-other, signed=True), False))
    return (*bars, Bar(words.say("Net benefit"), net, words.exact(net), True))
