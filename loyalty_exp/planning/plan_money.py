"""The money of a plan in words: what to expect, what is at risk, and the cheapest shares."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.planning.plan_words import Says


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """One offer."""

    name: str
    net: str
    net_interval: Markup
    roi: str
    readable: str
    risk: str
    control: str
    reason: Markup


def money_rows(say: Says) -> tuple[MoneyRow, ...]:
    """Give the offers with the intervals to expect."""
    words, rows = say.words, []
    for m in say.facts["money"]:
        lower, upper = m["roi_lower"], m["roi_upper"]
        bounded = lower is not None and upper is not None
        text = "–"
        if bounded:
            text = str(
                words.say(
                    "{start} to {end}", start=words.percent(lower), end=words.percent(upper)
                ).striptags()
            )
        elif m["roi_status"] == "unbounded":
            text = str(words.say("no bounded interval"))
        rows.append(
            MoneyRow(
                name=say.arm(m["treatment"]),
                net=str(words.money(m["net_benefit"], signed=True)) if m["net_benefit"] is not None else "–",
                net_interval=words.say("known to ± {half}", half=words.money(m["half_width"]))
                if m["half_width"] is not None
                else Markup(""),
                roi=text,
                readable=str(words.chance(m["probability_readable"]))
                if m["probability_readable"] is not None
                else "–",
                risk=str(words.exact(m["budget_at_risk"])) if m["budget_at_risk"] is not None else "–",
                control=str(words.exact(m["control_cost"])) if m["control_cost"] is not None else "–",
                reason=say.reason(m["reason"]),
            )
        )
    return tuple(rows)


def money_notes(say: Says) -> tuple[Markup, ...]:
    """Say which shares would answer at least money."""
    words, found = say.words, say.facts["cheapest"]
    if found is None:
        return ()
    if found["reason"]:
        return (say.reason(found["reason"]),)
    parts = [
        words.say("{arm} {share}", arm=say.arm(arm), share=words.percent(share))
        for arm, share in found["shares"].items()
    ]
    told = words.say(
        "Cheapest shares: {shares}. They need {units} units and cost {cost}, against {spec} with the "
        "shares of the "
        "spec.",
        shares=words.join(list(parts)),
        units=words.count(found["units"]),
        cost=words.exact(found["cost"]),
        spec=words.exact(found["cost_of_spec"]),
    )
    return (told,)
