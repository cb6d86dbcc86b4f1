"""The verdict: label, one sentence to act on, and why, built from the codes of the decision."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.because import because
from loyalty_exp.report.checks import concerns
from loyalty_exp.report.facts import Facts, shortened
from loyalty_exp.report.faults import reason
from loyalty_exp.report.language import N_
from loyalty_exp.report.settled import deciding_net, holds_zero

LABELS = {
    "ship": (N_("Scale"), "up"),
    "stop": (N_("Stop"), "down"),
    "iterate": (N_("Change and retest"), "watch"),
    "extend": (N_("Extend"), "watch"),
    "not_settled": (N_("Not settled"), "watch"),
    "invalid": (N_("Not valid"), "down"),
    "pilot": (N_("Pilot only"), "watch"),
}
EVIDENCE = {
    "strong": (N_("Strong"), 3),
    "moderate": (N_("Moderate"), 2),
    "weak": (N_("Weak"), 1),
    "quasi_experimental": (N_("Weak"), 1),
    "none": (N_("Not usable"), 0),
}
ASKS = {
    "ship": N_("Approve the roll-out"),
    "stop": N_("Agree to stop"),
    "iterate": N_("Choose what to change before the next test"),
    "extend": N_("Let the test run on"),
    "not_settled": N_("Choose between a longer test and a cheaper offer"),
    "invalid": N_("Find the cause, then run again"),
    "pilot": N_("Agree to a pilot with a control group drawn at random"),
}


@dataclass(frozen=True, slots=True)
class VerdictView:
    """The card at the top of the page."""

    label: str
    tone: str
    headline: Markup
    because: Markup
    ask: str
    by_whom: Markup
    evidence: str
    dots: tuple[bool, bool, bool]
    evidence_why: Markup


def verdict_view(facts: Facts) -> VerdictView:
    """Give the verdict in words."""
    words = facts.words
    action = verdict_of(facts)
    label, tone = LABELS.get(action, LABELS["not_settled"])
    level, dots = EVIDENCE[strength(facts)]
    ask = ASKS.get(action, ASKS["not_settled"])
    return VerdictView(
        label=words.say(label),
        tone=tone,
        headline=headline(facts, action),
        because=because(facts, action),
        ask=words.name(facts.plan.get("ask") if action == "ship" else None, str(words.say(ask))),
        by_whom=by_whom(facts),
        evidence=words.say(level),
        dots=(dots > 0, dots > 1, dots > 2),
        evidence_why=evidence_why(facts),
    )


def verdict_of(facts: Facts) -> str:
    """Give the verdict the page speaks: without randomization, no more than a pilot follows from a win."""
    if facts.invalid:
        return "invalid"
    action = str(facts.decision["action"])
    return "pilot" if action == "ship" and not facts.randomized else action


def strength(facts: Facts) -> str:
    """Give the strength of the evidence; without randomization it is never more than weak."""
    level = str(facts.readout["experiment"]["evidence_level"])
    if facts.invalid or level == "none":
        return "none"
    return level if facts.randomized and level in EVIDENCE else "weak"


def headline(facts: Facts, action: str) -> Markup:
    """Say what to do, as one imperative sentence."""
    words = facts.words
    arm = shortened(facts.arm(facts.shown), 44)
    watched = [
        r for r in facts.decision["reasons"] if r["code"] == "guardrail" and r["status"] == "unsettled"
    ]
    broken = [r for r in facts.decision["reasons"] if r["code"] == "guardrail" and r["status"] == "breached"]
    if action == "invalid":
        return words.say("Do not use these results: the groups are not comparable")
    if action == "pilot":
        return words.say("Pilot “{arm}” against a control group drawn at random", arm=arm)
    if action == "ship":
        if watched:
            metric = shortened(facts.metric_name(watched[0]["metric"]), 30)
            return words.say(
                "Scale “{arm}” to all eligible {units}, and watch {metric}",
                arm=arm,
                units=facts.units(),
                metric=metric,
            )
        return words.say("Scale “{arm}” to all eligible {units}", arm=arm, units=facts.units())
    if reason(facts, "sells_more_loses_money"):
        if action == "stop":
            return words.say("Stop “{arm}”: it sells more and loses money", arm=arm)
        return words.say("Change “{arm}” and test again: it sells more and loses money", arm=arm)
    if action == "stop":
        worse = [r for r in facts.decision["reasons"] if r["code"] == "primary" and "worse" in r.values()]
        if worse:
            metric = shortened(facts.metric_name(worse[0]["metric"]), 30)
            return words.say("Stop “{arm}”: it makes {metric} worse", arm=arm, metric=metric)
        return words.say("Stop “{arm}”: it costs more than it brings in", arm=arm)
    if action == "iterate":
        if broken:
            metric = shortened(facts.metric_name(broken[0]["metric"]), 30)
            return words.say(
                "Change “{arm}” and test again: {metric} broke its limit", arm=arm, metric=metric
            )
        return words.say("Change “{arm}” and test it again", arm=arm)
    if action == "extend":
        if reason(facts, "immature") and facts.look is None:
            return words.say("Let the test run on: the outcomes are not complete yet")
        return words.say("Let the test run on: it is too early to decide")
    if reason(facts, "works_not_shown_to_pay"):
        return words.say("It works, but we cannot yet say that it pays")
    return words.say("Do not decide on this yet: the data fit both a gain and a loss")


def by_whom(facts: Facts) -> Markup:
    """Owner and date of the decision."""
    words = facts.words
    due, owner = facts.plan.get("due"), words.name(facts.plan.get("owner"), "")
    if due and owner:
        return words.say("by {day} · owner: {owner}", day=words.day(due), owner=owner)
    if due:
        return words.say("by {day}", day=words.day(due))
    return words.say("owner: {owner}", owner=owner) if owner else Markup("")


def evidence_why(facts: Facts) -> Markup:
    """The reasons for the strength of the evidence."""
    words = facts.words
    if facts.invalid:
        return words.say("A failed validity check cannot be repaired in the analysis.")
    parts = [words.say("Randomized") if facts.randomized else words.say("Not randomized: compare with care")]
    parts.append(
        words.say("every outcome window is complete")
        if facts.readout["status"] == "mature"
        else words.say("outcomes still open")
    )
    bad = len(concerns(facts))
    parts.append(
        words.say("checks to look at: {n}", n=words.count(bad))
        if bad
        else words.say("all checks that ran pass")
    )
    e = facts.money_of(facts.shown)
    if e and holds_zero(deciding_net(e)):
        parts.append(words.say("the money interval holds zero"))
    return words.say("{parts}.", parts=words.join(parts))
