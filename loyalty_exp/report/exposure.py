"""Whom the offers reached, and the effects on those reached and on triggered units, beside the headline."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.looks import this_look
from loyalty_exp.report.said import change, no_interval, span, step_of, why_not
from loyalty_exp.report.wording import interval_step


@dataclass(frozen=True, slots=True)
class ReachRow:
    """One arm: whose offer, how many units it reached, and which part of the arm."""

    arm: str
    offer: str
    reached: str
    share: str


@dataclass(frozen=True, slots=True)
class ReachedRow:
    """One metric of one arm: what it is over all assigned, and on the units that are meant."""

    metric: str
    arm: str
    assigned: str
    assigned_interval: str
    effect: str
    interval: str
    note: Markup


@dataclass(frozen=True, slots=True)
class ExposureView:
    """The section on exposure; a table without rows is left out."""

    lead: Markup
    reach: tuple[ReachRow, ...]
    compliers: tuple[ReachedRow, ...]
    triggered: tuple[ReachedRow, ...]
    money: tuple[Markup, ...]
    note: Markup


def exposure_view(facts: Facts) -> ExposureView | None:
    """Give the section; none where no data say who was reached, or the readout is not valid."""
    found = None if facts.invalid else facts.readout.get("exposure")
    if not found:
        return None
    words = facts.words
    note = words.say(
        "Intervals of the effect on those reached are the set of Anderson and Rubin, which holds however few "
        "were reached. It takes that an offer changes nothing for those it does not reach, and reaches "
        "nobody because they were not assigned. None of this decides."
    )
    told = this_look(facts)
    return ExposureView(
        lead=words.say(
            "The headline compares everybody who was assigned, reached or not. Comparing those reached with "
            "the others would compare different people."
        ),
        reach=tuple(_reach(facts, r) for r in found["reach"]),
        compliers=tuple(_complier(facts, c) for c in found["compliers"]),
        triggered=tuple(_triggered(facts, t) for t in found["triggered"]),
        money=tuple(_money(facts, m) for m in found["triggered_money"]),
        note=words.sentences([note, told]) if told else note,
    )


def _reach(facts: Facts, r: Row) -> ReachRow:
    words = facts.words
    offer = facts.arm(r["offer"]) if r["offer"] else ""
    return ReachRow(facts.arm(r["arm"]), offer, words.count(r["reached"]), words.share(r["share"]))


def _complier(facts: Facts, c: Row) -> ReachedRow:
    """Give the effect on those reached because they were assigned, with how many more assignment reached."""
    words, metric = facts.words, facts.metric(c["metric"])
    blank = _blank(facts, c)
    if c["effect"] is None:
        return blank
    value, low, high = c["effect"]["estimate"], c["robust"]["ci_lower"], c["robust"]["ci_upper"]
    whole = low is not None and high is not None
    step = step_of(metric, value, low if whole else value, high if whole else value)
    more = words.points(c["first_stage"]["estimate"], step=-1)
    if c["first_stage_f"] is None:
        told = words.say("assignment reached {more} more; nobody departed from it", more=more)
    else:
        told = words.say(
            "assignment reached {more} more (first-stage F {f})", more=more, f=words.count(c["first_stage_f"])
        )
    if c["weak"]:
        told = words.sentences(
            [told, words.say("Weak: assignment hardly changed who was reached; read the headline.")]
        )
    assigned, assigned_span = _difference(facts, metric, c["assigned"])
    return ReachedRow(
        blank.metric,
        blank.arm,
        assigned,
        assigned_span,
        change(words, metric, value, step),
        span(words, metric, low, high, step) if whole else no_interval(words, False),
        told,
    )


def _triggered(facts: Facts, t: Row) -> ReachedRow:
    """Give the effect among triggered units, and the same effect over all assigned."""
    words, metric = facts.words, facts.metric(t["metric"])
    blank = _blank(facts, t)
    if t["effect"] is None or t["diluted"] is None:
        return blank
    diluted, diluted_span = _difference(facts, metric, t["diluted"])
    effect, effect_span = _difference(facts, metric, t["effect"])
    told = words.say(
        "{share} of the assigned came to the trigger, {n} against {m}",
        share=words.share(t["share"]),
        n=words.count(t["units_treatment"]),
        m=words.count(t["units_control"]),
    )
    return ReachedRow(blank.metric, blank.arm, diluted, diluted_span, effect, effect_span, told)


def _blank(facts: Facts, found: Row) -> ReachedRow:
    reason = Markup.escape(why_not(facts.words, found["not_estimable"] or "no effect"))
    return ReachedRow(
        facts.metric_name(found["metric"]), facts.arm(found["treatment"]), "–", "", "–", "", reason
    )


def _difference(facts: Facts, metric: Row, found: Row) -> tuple[str, str]:
    value, low, high = found["estimate"], found["ci_lower"], found["ci_upper"]
    step = step_of(metric, value, low, high)
    return change(facts.words, metric, value, step), span(facts.words, metric, low, high, step)


def _money(facts: Facts, m: Row) -> Markup:
    """Say the net benefit of one arm as triggered units show it."""
    words, net = facts.words, m["net_benefit_total"]
    step = interval_step(net["estimate"], net["ci_lower"], net["ci_upper"])
    return words.say(
        "{arm}: net benefit of the test {net}, {level} interval {lower} to {upper}, read among triggered "
        "units.",
        arm=facts.arm(m["treatment"]),
        net=words.money(net["estimate"], step=step),
        level=words.level(),
        lower=words.money(net["ci_lower"], step=step),
        upper=words.money(net["ci_upper"], step=step),
    )
