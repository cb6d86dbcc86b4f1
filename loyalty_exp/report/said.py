"""One effect in words: its difference, its interval, its relative change, and how it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.language import N_
from loyalty_exp.report.settled import bounded, deciding
from loyalty_exp.report.wording import Number, Wording, interval_step

Standing = Literal["better", "worse", "unsettled"]

NOT_ESTIMABLE = (
    (r"zero_control_mean|control mean is 0", N_("control is zero, so there is no relative change")),
    (
        r"no_variance|without variation|no variation|nothing varies|are equal|no unit changes",
        N_("every value is the same"),
    ),
    (r"no event came", N_("no event came to any unit")),
    (r"covariates? (are collinear|separate)", N_("the covariates leave no room for the arms")),
    (r"tied around", N_("too many units share the value of the quantile")),
    (r"do not overlap", N_("all values of one group are above those of the other")),
    (r"no[ _](units|clusters)", N_("a group holds no units")),
    (r"one unit|one cluster|fewer than|too[ _]few", N_("too few units")),
    (r"so large", N_("a value is too large for a variance")),
    (r"smallest value", N_("a cap would leave no variation")),
    (r"more than [\d,]+ units", N_("so many units need no drawn reference")),
    (r"too many tables", N_("so many units need no exact test")),
    (r"all units only", N_("this method reads all units only")),
    (r"trigger_alike", N_("the spec does not say how the trigger is logged alike in all arms")),
    (r"trigger is not reached alike", N_("the arms do not come to the trigger alike")),
    (r"triggered units are not", N_("triggered units are not read over clusters")),
    (r"came to the trigger", N_("too few units came to the trigger")),
    (r"no difference to taking", N_("no more were reached in the arm than in control")),
    (r"denominator", N_("the denominator is zero")),
    (r"nobody is eligible", N_("nobody is eligible")),
    (r"has no stratum", N_("a stratum of the roll-out is not in the test")),
    (r"coupons? w(as|ere) redeemed", N_("not more coupons were redeemed than in control")),
    (r"other costs are less", N_("the other costs are less than in control")),
    (r"control has no orders", N_("control has no orders")),
    (r"time to a purchase is not", N_("the time to a purchase is not compared over clusters")),
    (r"units as independent", N_("this method takes units as independent, and whole clusters were drawn")),
    (r"no margin", N_("an order brings no margin")),
    (r"could not be fitted in", N_("the models could not be fitted in every resample")),
    (r"backtest is off", N_("the models forecast too badly in a backtest")),
    (
        r"runs off|likelihood (is flat|has no)|no maximum|bought again|last purchase|mean is infinite",
        N_("the models do not fit these data"),
    ),
    (r"days were observed", N_("nothing says how many days were observed")),
    (r"whole window only", N_("benefit or cost is known for the whole window only")),
    (r"body took part", N_("all of the arm took part, or none of it")),
    (r"no one outside", N_("no one outside the program was found")),
    (r"assigned on different days", N_("people who were not assigned have no window of their own")),
    (r"no days after the offer", N_("the outcome window holds no days after the offer")),
    (r"holds the category", N_("no column of the purchases holds the category")),
    (
        r"campaign window is (not clearly|0)",
        N_("what the offer brought is not clearly different from zero"),
    ),
    (
        r"promoted category is (not clearly|0)",
        N_("what the promoted goods gained is not clearly different from zero"),
    ),
    (r"the cost is (not clearly|0)", N_("what was spent is not clearly different from zero")),
    (r"the cost is negative", N_("less was spent than in control")),
    (r"incremental outcomes is (not clearly|0)", N_("the orders are not clearly more than in control")),
    (r"incremental outcomes is negative", N_("there were fewer orders than in control")),
    (r"campaign window is negative", N_("the offer brought less margin, not more")),
    (r"promoted category is negative", N_("the promoted goods brought less margin, not more")),
    (r"a share over", N_("a share needs as many days before as after")),
)


@dataclass(frozen=True, slots=True)
class Said:
    """One effect in words: difference, its interval, relative change and its interval."""

    difference: str
    interval: str
    relative: str
    relative_interval: str
    p_value: str
    standing: Standing | None
    reason: str


def level(words: Wording, metric: Row, value: float | None) -> str:
    """Write a mean of a metric in its own unit."""
    if value is None:
        return "–"
    display = metric.get("display")
    if display == "money":
        return words.exact(value)
    return words.share(value) if display == "percent" else words.number(value)


def change(words: Wording, metric: Row, value: float, step: int) -> Number:
    """Write a difference of a metric, with its sign, rounded to 10**step of what is printed."""
    display = metric.get("display")
    if display == "money":
        return words.money(value, step=step, signed=True)
    return (
        words.points(value, step=step)
        if display == "percent"
        else words.number(value, step=step, signed=True)
    )


def step_of(metric: Row, estimate: float, lower: float, upper: float) -> int:
    """Give one rounding for a difference and its interval."""
    display = metric.get("display")
    if display == "percent":
        widest = max(abs(lower), abs(upper), abs(estimate)) * 100
        return -1 if widest >= 1 or widest == 0 else -2 if widest >= 0.1 else -3
    step = interval_step(estimate, lower, upper)
    return min(0, step) if display != "money" else -2 if step in (-2, -1) else min(0, step)


def standing(found: Row, direction: str, alpha: float) -> Standing | None:
    """Say whether a metric got better or worse, by the adjusted p-value where there is one."""
    if not bounded(found):
        return "unsettled" if found["p_value"] is not None else None
    p = found["p_value_adjusted"] if found["p_value_adjusted"] is not None else found["p_value"]
    settled = p < alpha if p is not None else found["ci_lower"] > 0 or found["ci_upper"] < 0
    if not settled:
        return "unsettled"
    return "better" if (found["estimate"] > 0) == (direction != "decrease") else "worse"


def said(facts: Facts, estimate: Row, *, this_look: bool = False) -> Said:
    """Put one effect into words, with the interval that decides or with that of this look alone.

    A relative change has no interval that holds at every look, and then stands without one.
    """
    words, metric = facts.words, facts.metric(estimate["metric"])
    found, relative = estimate["absolute"] if this_look else deciding(estimate), estimate["relative"]
    repeated = not this_look and bool(estimate.get("sequential"))
    reason = why_not(words, estimate.get("not_estimable"))
    if found and not reason and estimate["mean_control"] == 0:
        reason = why_not(words, "zero_control_mean")
    if not found:
        return Said("–", "", "–", "", "", None, reason or words.say("not estimable"))
    value, lower, upper = found["estimate"], found["ci_lower"], found["ci_upper"]
    whole = bounded(found)
    step = step_of(metric, value, lower if whole else value, upper if whole else value)
    interval = span(words, metric, lower, upper, step) if whole else no_interval(words, repeated)
    p = found["p_value_adjusted"] if found["p_value_adjusted"] is not None else found["p_value"]
    return Said(
        difference=change(words, metric, value, step),
        interval=interval,
        relative=relative_words(words, relative),
        relative_interval="" if repeated else relative_interval(words, relative),
        p_value="" if p is None else words.say("p {p}", p=words.p_value(p)),
        standing=standing(found, str(metric.get("direction")), words.alpha),
        reason=reason,
    )


def no_interval(words: Wording, repeated: bool) -> Markup:
    """Say why there is no interval."""
    return words.say("without bounds so far") if repeated else words.say("no interval")


def span(words: Wording, metric: Row, lower: float, upper: float, step: int) -> Markup:
    """Write an interval of a difference; percentage points are named once."""
    first = change(words, metric, lower, step)
    if metric.get("display") == "percent":
        first = Number(first.removesuffix(words.points_unit()))
    return words.say("{lower} to {upper}", lower=first, upper=change(words, metric, upper, step))


def relative_words(words: Wording, relative: Row | None) -> str:
    """Write a relative change; a dash where control is zero."""
    if not relative or relative["estimate"] is None:
        return "–"
    return words.percent(relative["estimate"], signed=True, step=-1)


def relative_interval(words: Wording, relative: Row | None) -> str:
    """Write the interval of a relative change, or that it has no bounds."""
    if not relative or relative["estimate"] is None:
        return ""
    if relative["ci_lower"] is None or relative["ci_upper"] is None:
        return words.say("not bounded")
    return words.say(
        "{lower} to {upper}",
        lower=words.percent(relative["ci_lower"], signed=True, step=-1),
        upper=words.percent(relative["ci_upper"], signed=True, step=-1),
    )


def why_not(words: Wording, reason: str | None) -> str:
    """Say why something cannot be estimated; a reason unknown here is said in general words."""
    if not reason:
        return ""
    for pattern, message in NOT_ESTIMABLE:
        if re.search(pattern, reason):
            return str(words.say(message))
    return str(words.say("the data do not allow it"))


def badge(words: Wording, found: Standing | None) -> tuple[str, str]:
    """Give the word and the tone of a badge."""
    if found is None:
        return str(words.say("Not estimable")), "plain"
    return {
        "better": (str(words.say("Better")), "pass"),
        "worse": (str(words.say("Worse")), "fail"),
        "unsettled": (str(words.say("Not settled")), "plain"),
    }[found]
