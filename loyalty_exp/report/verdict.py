"""The verdict: label, one sentence to act on, and why, built from the codes of the decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.checks import concerns
from loyalty_exp.report.effects import said
from loyalty_exp.report.facts import Facts, Row, shortened
from loyalty_exp.report.language import N_
from loyalty_exp.report.money import money_interval, roi_interval
from loyalty_exp.report.wording import Number, interval_step

LABELS = {
    "ship": (N_("Scale"), "up"),
    "stop": (N_("Stop"), "down"),
    "iterate": (N_("Change and retest"), "watch"),
    "extend": (N_("Extend"), "watch"),
    "not_settled": (N_("Not settled"), "watch"),
    "invalid": (N_("Not valid"), "down"),
}
EVIDENCE = {
    "strong": (N_("Strong"), 3),
    "moderate": (N_("Moderate"), 2),
    "weak": (N_("Weak"), 1),
    "none": (N_("Not usable"), 0),
}
ASKS = {
    "ship": N_("Approve the roll-out"),
    "stop": N_("Agree to stop"),
    "iterate": N_("Choose what to change before the next test"),
    "extend": N_("Let the test run on"),
    "not_settled": N_("Choose between a longer test and a cheaper offer"),
    "invalid": N_("Find the cause, then run again"),
}
MOST_WORDS = 60


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


def reason(facts: Facts, code: str, **match: str) -> Row | None:
    """Find a reason by its code."""
    for r in facts.decision["reasons"]:
        if r["code"] == code and all(r.get(k) == v for k, v in match.items()):
            found: Row = r
            return found
    return None


def verdict_view(facts: Facts) -> VerdictView:
    """Give the verdict in words."""
    words = facts.words
    action = "invalid" if facts.invalid else str(facts.decision["action"])
    label, tone = LABELS.get(action, LABELS["not_settled"])
    level, dots = EVIDENCE["none" if facts.invalid else facts.readout["experiment"]["evidence_level"]]
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
        if reason(facts, "immature"):
            return words.say("Let the test run on: the outcomes are not complete yet")
        return words.say("Let the test run on: it is too early to decide")
    if reason(facts, "works_not_shown_to_pay"):
        return words.say("It works, but we cannot yet say that it pays")
    return words.say("Do not decide on this yet: the data fit both a gain and a loss")


def because(facts: Facts, action: str) -> Markup:
    """Say why, in at most 60 words; the worst caveat is always among them."""
    say: tuple[Callable[[Facts], Markup | None], ...]
    if action == "invalid":
        say = (sample_ratio_words, overlap_words, withheld_words)
    elif action == "extend":
        say = (immature_words, money_words, caveat_words, primary_words)
    elif reason(facts, "works_not_shown_to_pay"):
        say = (money_words, open_words, caveat_words, primary_words)
    elif reason(facts, "sells_more_loses_money"):
        say = (primary_words, money_words, caveat_words, rule_words)
    else:
        say = (money_words, caveat_words, rule_words, primary_words, open_words)
    chosen: list[Markup] = []
    for make in say:
        sentence = make(facts)
        if sentence is None or sentence in chosen:
            continue
        if sum(len(s.striptags().split()) for s in (*chosen, sentence)) <= MOST_WORDS:
            chosen.append(sentence)
    if not chosen:
        chosen.append(facts.words.say("The registered rule asks for more than the data show so far."))
    return facts.words.sentences(chosen)


def money_words(facts: Facts) -> Markup | None:
    """Net benefit with its interval."""
    e = facts.money_of(facts.shown)
    if e is None:
        return None
    net, words = e["net_benefit_total"], facts.words
    step = interval_step(net["estimate"], net["ci_lower"], net["ci_upper"])
    return words.say(
        "Net benefit was {net}, with a {level} interval of {interval}.",
        net=words.money(net["estimate"], step=step),
        level=words.level(),
        interval=money_interval(words, net, exact=False),
    )


def rule_words(facts: Facts) -> Markup | None:
    """The registered bar, and whether it was met."""
    words = facts.words
    for code in ("net_benefit_probability", "roi_hurdle"):
        r = reason(facts, code, arm=facts.shown)
        if r is None or r.get("probability") is None or r.get("threshold") is None:
            continue
        values = {"chance": words.chance(r["probability"]), "bar": words.percent(r["threshold"])}
        if code == "roi_hurdle":
            values["hurdle"] = words.percent(r.get("hurdle") or 0.0)
            if r["met"]:
                return words.say(
                    "The posterior probability of an ROI above {hurdle} is {chance}; the "
                    "registered bar of {bar} is met.",
                    **values,
                )
            return words.say(
                "The posterior probability of an ROI above {hurdle} is {chance}; "
                "the registered bar of {bar} is not met.",
                **values,
            )
        if r["met"]:
            return words.say(
                "The posterior probability of a net benefit above zero is {chance}; "
                "the registered bar of {bar} is met.",
                **values,
            )
        return words.say(
            "The posterior probability of a net benefit above zero is {chance}; "
            "the registered bar of {bar} is not met.",
            **values,
        )
    return None


def primary_words(facts: Facts) -> Markup | None:
    """The first primary metric with its interval."""
    found = [e for e in facts.overall("primary") if e["treatment"] == facts.shown]
    if not found:
        return None
    words, effect = facts.words, said(facts, found[0])
    name = facts.metric_name(found[0]["metric"])
    if effect.standing is None:
        return words.say("{metric} cannot be estimated: {reason}.", metric=name, reason=effect.reason)
    return words.say(
        "{metric} differs from control by {difference} ({level} interval {interval}).",
        metric=name,
        difference=Number(effect.difference),
        level=words.level(),
        interval=effect.interval,
    )


def caveat_words(facts: Facts) -> Markup | None:
    """The worst caveat: a broken guardrail, then an open one, then a provisional readout, then a warning."""
    words = facts.words
    rails = [e for e in facts.overall("guardrail") if e["treatment"] == facts.shown and e["guardrail"]]
    for status, message in (
        ("breached", N_("A guardrail is breached: {metric}.")),
        ("unsettled", N_("One guardrail is not settled yet: {metric}.")),
    ):
        bad = [facts.metric_name(e["metric"]) for e in rails if e["guardrail"]["status"] == status]
        if bad:
            return words.say(message, metric=shortened(bad[0], 40))
    if facts.readout["status"] == "provisional":
        return words.say("The readout is provisional: some outcomes are still open.")
    if concerns(facts):
        return words.say("Some checks need a look before money moves.")
    return None


def open_words(facts: Facts) -> Markup | None:
    """What a wide interval does and does not say."""
    e = facts.money_of(facts.shown)
    words = facts.words
    if e is None:
        return words.say("The interval holds both a useful change and none; the test was too small to tell.")
    if e["net_benefit_total"]["ci_lower"] > 0 or e["net_benefit_total"]["ci_upper"] < 0:
        return None
    bounds = roi_interval(words, e)
    if bounds:
        return words.say(
            "Return on investment could be anything from {interval}; the test was too small to tell.",
            interval=bounds,
        )
    return words.say("The interval holds both a gain and a loss; the test was too small to tell.")


def immature_words(facts: Facts) -> Markup | None:
    """How many units still have open outcome windows."""
    r = reason(facts, "immature")
    if r is None:
        return None
    if r.get("units") is None:
        return facts.words.say("Some outcomes are still open.")
    return facts.words.say(
        "The outcomes of {n} {units} are still open.", n=facts.words.count(r["units"]), units=facts.units()
    )


def sample_ratio_words(facts: Facts) -> Markup | None:
    """A failed sample ratio, with the counts."""
    r = reason(facts, "sample_ratio")
    check = next((c for c in facts.readout["health"] if c["check"] == "sample_ratio"), None)
    if r is None and (check is None or check["status"] != "fail"):
        return None
    words = facts.words
    arms = list(facts.readout["arms"])[:3]
    p = r.get("p_value") if r else None
    if p is None and check:
        p = check["p_value"]
    counts = words.join(
        [
            words.say("{arm} {n}", arm=shortened(facts.arm(a["id"]), 30), n=words.count(a["units"]))
            for a in arms
        ]
    )
    return words.say(
        "The group sizes are not as planned ({counts}). With a working split, counts this far apart "
        "would be very rare (p {p}), so {units} were most likely lost from one group.",
        counts=counts,
        p=words.p_value(p if p is not None else 0.0),
        units=facts.units(),
    )


def overlap_words(facts: Facts) -> Markup | None:
    """Units seen in two arms."""
    r = reason(facts, "unit_overlap")
    if r is None:
        return None
    return facts.words.say(
        "{share} of the {units} appear in two groups at once.",
        share=facts.words.share(r.get("share") or 0.0),
        units=facts.units(),
    )


def withheld_words(facts: Facts) -> Markup | None:
    """Why nothing else is shown."""
    return facts.words.say("The effect cannot be told apart from that fault.")


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
    randomized = facts.readout["experiment"]["kind"] == "randomized"
    parts = [words.say("Randomised") if randomized else words.say("Not randomised: compare with care")]
    parts.append(
        words.say("every outcome window is complete")
        if facts.readout["status"] == "mature"
        else words.say("outcomes still open")
    )
    bad = concerns(facts)
    parts.append(
        words.say("checks to look at: {n}", n=words.count(bad)) if bad else words.say("all checks pass")
    )
    e = facts.money_of(facts.shown)
    if e and e["net_benefit_total"]["ci_lower"] <= 0 <= e["net_benefit_total"]["ci_upper"]:
        parts.append(words.say("the money interval holds zero"))
    return words.say("{parts}.", parts=words.join(parts))
