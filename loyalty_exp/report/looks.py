"""Results read before the planned end: which look this is, and what its intervals are good for."""

from __future__ import annotations

from markupsafe import Markup

from loyalty_exp.report.facts import Facts
from loyalty_exp.report.language import N_

METHODS = {
    "asymptotic_cs": N_(
        "Results may be read at any time: intervals are an asymptotic confidence sequence (Robbins and "
        "Siegmund 1970; Waudby-Smith et al. 2024), shortest toward the planned {planned} {units}, and "
        "p-values are always valid."
    ),
    "group_sequential": N_(
        "Looks were planned at declared shares of {planned} {units}: intervals and p-values are those of a "
        "group sequential test with alpha spending (Lan and DeMets 1983), so they hold at all looks together."
    ),
}

SPENDING = {
    "obrien_fleming": N_("an O'Brien-Fleming-type function"),
    "pocock": N_("a Pocock-type function"),
    "power": N_("the power family (exponent {power}; Kim and DeMets 1987)"),
}


def look_words(facts: Facts) -> Markup | None:
    """Say which look this is, how far the plan is, and that the interval holds at every look."""
    look, words = facts.look, facts.words
    if look is None:
        return None
    values = {"n": words.count(look["units"]), "all": words.count(look["planned"]), "units": facts.units()}
    if not look.get("look"):
        if look["final"]:
            return words.say(
                "All {n} {units} are in ({all} planned); the interval holds at every look.", **values
            )
        return words.say(
            "This is a look at {n} of {all} planned {units}; the interval holds at every look.", **values
        )
    values["k"] = words.count(look["look"])
    if look["final"]:
        return words.say(
            "This is the final look, number {k}, at {n} of {all} planned {units}; "
            "the interval holds at every look.",
            **values,
        )
    return words.say(
        "This is look {k} at {n} of {all} planned {units}; the interval holds at every look.", **values
    )


def look_lines(facts: Facts) -> list[Markup]:
    """Give the method of looking, for the section on methods."""
    look, words = facts.look, facts.words
    if look is None:
        return []
    told = words.say(
        METHODS.get(look["method"], METHODS["asymptotic_cs"]),
        planned=words.count(look["planned"]),
        units=facts.units(),
    )
    spent = spending_words(facts)
    told = words.sentences([told, spent]) if spent else told
    rest = words.say(
        "The verdict rests on these. ROI, relative changes, guardrails, segments and further readings have "
        "only an interval of this look alone."
    )
    return [words.sentences([told, rest])]


def spending_words(facts: Facts) -> Markup | None:
    """Say at which shares the looks were planned and how alpha is spent over them."""
    plan, words = facts.plan.get("sequential") or {}, facts.words
    spending, power = plan.get("spending"), plan.get("power")
    if spending not in SPENDING or not plan.get("looks"):
        return None
    return words.say(
        "The looks are at {looks}; alpha is spent by {function}.",
        looks=words.join(
            [words.percent(x, step=0 if abs(x * 100 % 1) < 1e-9 else -1) for x in plan["looks"]]
        ),
        function=words.say(SPENDING[spending], power=words.number(power) if power else ""),
    )


def table_note(facts: Facts) -> Markup | None:
    """Say under the metric table which intervals it shows."""
    if facts.look is None:
        return None
    return facts.words.say(
        "Differences and p-values hold at every look. A relative change has no such interval and stands "
        "without one; guardrails are read by the interval of this look alone."
    )


def this_look(facts: Facts) -> Markup | None:
    """Say that intervals are those of this look alone."""
    if facts.look is None:
        return None
    return facts.words.say(
        "Intervals here are those of this look alone; the verdict rests on those that hold at every look."
    )
