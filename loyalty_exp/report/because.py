"""Why: the sentences under the verdict, at most 60 words, with the numbers and the worst caveat inside."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from loyalty_exp.report.checks import check_row, concerns
from loyalty_exp.report.facts import Facts, shortened
from loyalty_exp.report.faults import fault_words, overlap_words, reason, sample_ratio_words, withheld_words
from loyalty_exp.report.language import N_
from loyalty_exp.report.looks import look_words
from loyalty_exp.report.roi import money_interval, roi_interval, step_of_money
from loyalty_exp.report.said import said
from loyalty_exp.report.settled import bounded, deciding, deciding_net, holds_zero
from loyalty_exp.report.wording import Number

MOST_WORDS = 60


def because(facts: Facts, action: str) -> Markup:
    """Say why, in at most 60 words; the worst caveat is always among them."""
    say: tuple[Callable[[Facts], Markup | None], ...]
    if action == "pilot":
        say = (not_random_words, money_words, primary_words, caveat_words)
    elif action == "invalid":
        say = (sample_ratio_words, overlap_words, fault_words, withheld_words)
    elif action == "extend":
        say = (immature_words, money_words, look_words, caveat_words, primary_words)
        if facts.look is not None:
            say = (look_words, money_words, primary_words, caveat_words, immature_words)
    elif reason(facts, "works_not_shown_to_pay"):
        say = (money_words, look_words, open_words, caveat_words, primary_words)
    elif reason(facts, "sells_more_loses_money"):
        say = (primary_words, money_words, look_words, caveat_words, rule_words)
    elif action == "not_settled":
        say = (money_words, look_words, zero_words, open_words, caveat_words, rule_words, primary_words)
    elif facts.money_of(facts.shown) is None:
        say = (primary_words, look_words, caveat_words)
    else:
        say = (money_words, look_words, rule_words, caveat_words, primary_words)
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
    net, words = deciding_net(e), facts.words
    if not bounded(net):
        return words.say(
            "Net benefit was {net}; so early a look gives its interval no bounds.",
            net=words.money(net["estimate"]),
        )
    step = step_of_money(net)
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
            values["hurdle"] = words.whole_percent(r.get("hurdle") or 0.0)
            if r["met"]:
                return words.say(
                    "Under a flat prior, the posterior probability of an ROI above {hurdle} is {chance}; the "
                    "registered bar of {bar} is met.",
                    **values,
                )
            return words.say(
                "Under a flat prior, the posterior probability of an ROI above {hurdle} is {chance}; "
                "the registered bar of {bar} is not met.",
                **values,
            )
        if r["met"]:
            return words.say(
                "Under a flat prior, the posterior probability of a net benefit above zero is {chance}; "
                "the registered bar of {bar} is met.",
                **values,
            )
        return words.say(
            "Under a flat prior, the posterior probability of a net benefit above zero is {chance}; "
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
    looks = concerns(facts)
    if looks:
        return words.say("To look at before money moves: {check}.", check=check_row(facts, looks[0]).name)
    return None


def not_random_words(facts: Facts) -> Markup:
    """Why no more than a pilot follows."""
    return facts.words.say(
        "The groups were not formed at random, so other causes can explain the difference; a pilot with a "
        "random control group can tell."
    )


def open_words(facts: Facts) -> Markup | None:
    """What a wide interval does and does not say."""
    e = facts.money_of(facts.shown)
    words = facts.words
    if e is None:
        first = next((x for x in facts.overall("primary") if x["treatment"] == facts.shown), None)
        if first is None or not holds_zero(deciding(first)):
            return None
        return words.say("The interval holds both a useful change and none; the test was too small to tell.")
    if not holds_zero(deciding_net(e)):
        return None
    if facts.look is not None:
        return words.say("The interval holds both a gain and a loss.")
    bounds = roi_interval(words, e)
    if bounds:
        return words.say(
            "Return on investment could be anything from {interval}; the test was too small to tell.",
            interval=bounds,
        )
    return words.say("The interval holds both a gain and a loss; the test was too small to tell.")


def zero_words(facts: Facts) -> Markup | None:
    """The registered bar is met and the interval still holds zero: the stricter decides."""
    if reason(facts, "interval_includes_zero") is None:
        return None
    return facts.words.say("The stricter reading decides: the interval holds zero.")


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
