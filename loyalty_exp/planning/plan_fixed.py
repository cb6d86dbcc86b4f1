"""The fixed words of the plan page."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.planning.plan_words import Says


@dataclass(frozen=True, slots=True)
class Words:
    """The fixed words of the page."""

    skip: Markup
    eyebrow: Markup
    answer: Markup
    at_a_glance: Markup
    ways: Markup
    ways_lead: Markup
    questions: Markup
    questions_lead: Markup
    head: tuple[Markup, ...]
    curves: Markup
    power_title: Markup
    power_text: Markup
    mde_title: Markup
    mde_text: Markup
    money: Markup
    money_lead: Markup
    money_head: tuple[Markup, ...]
    calendar: Markup
    calendar_head: tuple[Markup, ...]
    rule: Markup
    rule_lead: Markup
    method: Markup
    table: Markup
    power_head: tuple[Markup, Markup]
    mde_head: tuple[Markup, Markup]


def _power_text(say: Says) -> Markup:
    """Say in a sentence what the curve of power shows."""
    words, points = say.words, say.facts["power_curve"]
    if not points:
        return Markup("")
    first, last = points[0], points[-1]
    return words.say(
        "The curve rises from {low} with {first} units of all arms to {high} with {last}; the dashed line is "
        "the power aimed at, {power}.",
        low=words.chance(first["power"]),
        first=words.count(first["units"]),
        high=words.chance(last["power"]),
        last=words.count(last["units"]),
        power=words.percent(say.facts["rule"]["power"], step=0),
    )


def _mde_text(say: Says) -> Markup:
    """Say what the curve of the smallest effect shows, and where the effect planned for lies."""
    words, points, of = say.words, say.facts["mde_curve"], say.facts["curve_of"]
    if not points:
        return Markup("")
    first, last = points[0], points[-1]
    said = words.say(
        "The curve falls from {high} with {first} units of all arms to {low} with {last}.",
        high=say.change(of["id"], first["mde_absolute"]),
        first=words.count(first["units"]),
        low=say.change(of["id"], last["mde_absolute"]),
        last=words.count(last["units"]),
    )
    if not of.get("effect_absolute"):
        return said
    wanted = words.say(
        "The dashed line is the effect to be found, {effect}.",
        effect=say.change(of["id"], abs(of["effect_absolute"])),
    )
    return words.sentences([said, wanted])


def fixed(say: Says) -> Words:
    """Say them in the language of a page."""
    words = say.words
    of = say.facts["curve_of"]
    days = bool(say.facts["mde_curve"]) and say.facts["mde_curve"][0]["day"] is not None
    name = say.metric(of["id"], of["kind"]) if of else ""
    there = say.words.say("Smallest effect at the units there are")
    return Words(
        skip=words.say("Skip to the plan"),
        eyebrow=words.say("Test plan"),
        answer=words.say("Can this test answer its question?"),
        at_a_glance=words.say("At a glance"),
        ways=words.say("What would change that"),
        ways_lead=words.say("The cheapest changes, those that are enough alone first."),
        questions=words.say("What each question takes"),
        questions_lead=words.say(
            "Units are those of all arms. Every number is that of the test which the readout will "
            "run, at a power of "
            "{power}.",
            power=words.percent(say.facts["rule"]["power"], step=0),
        ),
        head=(
            words.say("Question"),
            words.say("Baseline"),
            words.say("Effect to be found"),
            words.say("Units needed"),
            words.say("Chance to find it with the units there are"),
            there,
            words.say("Days"),
        ),
        curves=words.say("How far more units carry"),
        power_title=words.say("Chance to find the effect: {metric}", metric=name),
        power_text=_power_text(say),
        mde_title=words.say("Smallest effect that is found: {metric}", metric=name),
        mde_text=_mde_text(say),
        money=words.say("The money to expect"),
        money_lead=words.say(
            "If the effect planned for is there, at the size of this test. The cost of the control "
            "is the net benefit "
            "that its units go without."
        ),
        money_head=(
            words.say("Offer"),
            words.say("Net benefit a unit"),
            words.say("ROI interval to expect"),
            words.say("Chance that ROI can be read"),
            words.say("Budget at risk"),
            words.say("Cost of the control"),
        ),
        calendar=words.say("Calendar"),
        calendar_head=(words.say("Step"), words.say("Day of the test"), words.say("Date")),
        rule=words.say("The rule, written down before"),
        rule_lead=words.say(
            "Locking the spec freezes this rule; whatever changes later is shown as a deviation."
        ),
        method=words.say("How this was planned"),
        table=words.say("Show the figures as a table"),
        power_head=(words.say("units of all arms"), words.say("Chance to find it")),
        mde_head=(
            words.say("days of entry") if days else words.say("units of all arms"),
            words.say("Smallest effect found"),
        ),
    )
