"""The return on investment in words: a number where there is one, else what its quadrant means."""

from __future__ import annotations

from markupsafe import Markup

from loyalty_exp.report.facts import Row
from loyalty_exp.report.language import N_
from loyalty_exp.report.wording import Wording, interval_step, significant_step

QUADRANTS = {
    "dominant": N_("Earns more and costs less"),
    "dominated": N_("Costs money, no gain seen"),
    "save_tradeoff": N_("Saves money, gives up margin"),
    "zero_cost": N_("No cost"),
    "unstable": N_("ROI not determinable"),
    "invest": N_("ROI not determinable"),
}
QUADRANT_NOTES = {
    "dominant": N_("there is no ROI when spending falls; read net benefit"),
    "dominated": N_("extra margin is not above zero; read net benefit"),
    "save_tradeoff": N_("each {one} saved gives up {given} of margin"),
    "zero_cost": N_("a return on nothing spent has no meaning"),
    "unstable": N_("the cost difference may be zero; read net benefit"),
    "invest": N_("cost is known too loosely; read net benefit"),
}


def probability(e: Row) -> float:
    """Give the posterior probability of a net benefit above zero; without any spread it is certain."""
    found = e["probability_net_benefit_positive"]
    if found is None:
        return 1.0 if e["net_benefit"]["estimate"] > 0 else 0.0
    return float(found)


def roi_is_number(e: Row) -> bool:
    """Say whether a return may be printed as a number."""
    roi = e["roi"]
    return bool(roi["status"] == "interval" and roi["estimate"] is not None)


def roi_words(words: Wording, e: Row) -> str:
    """Write the return, or in words why there is none."""
    if roi_is_number(e):
        return words.percent(e["roi"]["estimate"])
    return words.say(QUADRANTS.get(e["roi"]["quadrant"], QUADRANTS["unstable"]))


def roi_note(words: Wording, e: Row) -> Markup:
    """Say what a return means, or what to read instead."""
    if roi_is_number(e):
        back = 1 + e["roi"]["estimate"]
        return words.say(
            "every {one} spent returned {back}", one=words.money(1.0, step=0), back=words.money(back, step=-2)
        )
    spent = spent_per_unit(e)
    given = e["benefit"]["estimate"] / spent if spent else 0.0
    return words.say(
        QUADRANT_NOTES.get(e["roi"]["quadrant"], QUADRANT_NOTES["unstable"]),
        one=words.money(1.0, step=0),
        given=words.money(given, step=-2),
    )


def roi_interval(words: Wording, e: Row) -> str:
    """Write the interval of the return; empty when there is none."""
    lower, upper = e["roi"]["ci_lower"], e["roi"]["ci_upper"]
    if not roi_is_number(e) or lower is None or upper is None:
        return ""
    return words.say("{lower} to {upper}", lower=words.percent(lower), upper=words.percent(upper))


def money_interval(words: Wording, interval: Row, *, exact: bool, signed: bool = False) -> Markup:
    """Write an interval of money with one rounding for both ends."""
    lower, upper = interval["ci_lower"], interval["ci_upper"]
    if lower is None or upper is None:
        return words.say("without bounds so far")
    if exact:
        whole = max(abs(lower), abs(upper)) >= 1000
        return words.say(
            "{lower} to {upper}",
            **{
                k: words.money(v, step=0, signed=signed) if whole else words.exact(v, signed=signed)
                for k, v in (("lower", lower), ("upper", upper))
            },
        )
    step = step_of_money(interval)
    return words.say(
        "{lower} to {upper}",
        lower=words.money(lower, step=step, signed=signed),
        upper=words.money(upper, step=step, signed=signed),
    )


def step_of_money(interval: Row) -> int:
    """Give one rounding for an amount and its bounds, where it has any."""
    value, lower, upper = interval["estimate"], interval["ci_lower"], interval["ci_upper"]
    if lower is None or upper is None:
        return significant_step(value)
    return interval_step(value, lower, upper)


def spent_per_unit(e: Row) -> float:
    """Give everything spent for one unit, fixed cost included; `cost` may or may not hold it already."""
    return float(e["benefit"]["estimate"] - e["net_benefit"]["estimate"])
