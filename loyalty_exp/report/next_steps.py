"""What happens next: what follows from the verdict, the roll-out, and the registered actions."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts
from loyalty_exp.report.looks import this_look
from loyalty_exp.report.rollouts import rollout_lead, worth_of_data


@dataclass(frozen=True, slots=True)
class Step:
    """One action after the decision."""

    action: str
    owner: str
    due: str


def next_lead(facts: Facts) -> Markup:
    """Say what follows from the verdict, and what more data could be worth where it is open."""
    said = [follows(facts)]
    if facts.decision["action"] in {"extend", "not_settled"} and not facts.invalid:
        worth = worth_of_data(facts)
        said += [worth] if worth is not None else []
    return facts.words.sentences(said)


def follows(facts: Facts) -> Markup:
    """Say what follows from the verdict."""
    words = facts.words
    if facts.invalid:
        return words.say(
            "Nothing should be decided from these data. Find the cause, mend it, and run the test again."
        )
    action = facts.decision["action"]
    if action == "ship" and not facts.randomized:
        return words.say(
            "Run a pilot in which chance decides who gets the offer, and read it before any roll-out."
        )
    if action == "ship":
        return after_ship(facts)
    if action == "stop":
        return words.say("Stop the offer, and write down what was learned before the next idea is tested.")
    if action == "iterate":
        return words.say(
            "Change the offer where it falls short, and test it against control again before any roll-out."
        )
    if action == "extend":
        if facts.look is not None:
            return words.say("Keep the groups as they are. The page is made again at the next look.")
        return words.say(
            "Keep the groups as they are. The page is made again when the outcomes are complete."
        )
    return words.say(
        "This is not a finding that the program does nothing. A longer test, "
        "or a cheaper offer, could settle it."
    )


def after_ship(facts: Facts) -> Markup:
    """Say what the roll-out would bring, in total where the spec names who is eligible."""
    words, e, look = facts.words, facts.money_of(facts.shown), facts.outlook_of(facts.shown)
    rollout = look["rollout"] if look is not None else None
    if rollout is not None and rollout["total"] is not None:
        own = this_look(facts)
        keep = words.say("Keep a control group through the roll-out, so that this can be checked.")
        return words.sentences([rollout_lead(facts, rollout), keep, *([own] if own else [])])
    if e is None:
        return words.say("Keep a control group through the roll-out, so that the effect can be checked.")
    return words.say(
        "If the response holds, each further {unit} would bring about {net} after costs. "
        "Keep a control group through the roll-out, so that this can be checked.",
        unit=facts.unit(),
        net=words.exact(e["net_benefit"]["estimate"]),
    )


def steps(facts: Facts) -> tuple[Step, ...]:
    """Give the registered actions for this verdict; none of them holds when the readout is not valid."""
    words = facts.words
    if facts.invalid:
        return ()
    return tuple(
        Step(words.name(s.get("action"), ""), words.name(s.get("owner"), "–"), words.day(s.get("due")) or "–")
        for s in facts.plan.get("next_steps") or ()
        if not s.get("on") or facts.decision["action"] in s["on"]
    )
