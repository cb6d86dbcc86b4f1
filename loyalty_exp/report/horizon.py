"""A longer time than was observed: what was seen, what each declared way adds, how much is assumed."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.customer_value import ValueView, value_view
from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.looks import this_look
from loyalty_exp.report.marks import IntervalMark, Scale, scale_of
from loyalty_exp.report.roi import money_interval
from loyalty_exp.report.said import why_not


@dataclass(frozen=True, slots=True)
class HorizonRow:
    """One line: what is taken to happen, how likely that is held, and the net benefit of a unit."""

    name: str
    weight: str
    value: str
    interval: str
    mark: IntervalMark
    sum: bool


@dataclass(frozen=True, slots=True)
class HorizonBlock:
    """The horizon of one arm; `why` says why there is none."""

    arm: str
    shown: bool
    title: Markup
    heading: Markup
    rows: tuple[HorizonRow, ...]
    why: Markup
    note: Markup
    value: ValueView | None


def horizon_blocks(facts: Facts) -> tuple[HorizonBlock, ...]:
    """Give the horizon of every arm that has money, the one shown first."""
    found = [
        (e["treatment"], look["horizon"])
        for e in facts.economics
        if (look := facts.outlook_of(e["treatment"])) is not None and look.get("horizon")
    ]
    ordered = sorted(found, key=lambda pair: pair[0] != facts.shown)
    return tuple(horizon_block(facts, arm, h) for arm, h in ordered)


def horizon_block(facts: Facts, arm: str, h: Row) -> HorizonBlock:
    """Give one arm."""
    words, whole = facts.words, h["mixture"] is not None
    reason = why_not(words, h["not_estimable"])
    return HorizonBlock(
        arm=facts.arm(arm),
        shown=arm == facts.shown,
        title=words.say("Over {days} days", days=words.count(h["days"])),
        heading=words.say("Net benefit of each {unit}", unit=facts.unit()),
        rows=horizon_rows(facts, h) if whole else (),
        why=Markup("") if whole else words.say("There is no longer view: {reason}.", reason=reason),
        note=horizon_note(facts, h) if whole else Markup(""),
        value=value_view(facts, h.get("customer_value")),
    )


def horizon_rows(facts: Facts, h: Row) -> tuple[HorizonRow, ...]:
    """Give what was observed, then each way it may go on, then all of them by weight."""
    words = facts.words
    values = [h["observed"], h["mixture"], *(s["value"] for s in h["scenarios"])]
    scale = scale_of(v[k] for v in values for k in ("ci_lower", "ci_upper"))
    seen = words.say("Observed, {days} days", days=words.count(h["days_observed"]))
    rows = [horizon_row(facts, seen, "", h["observed"], scale, last=not h["scenarios"])]
    for s in h["scenarios"]:
        weight = words.whole_percent(s["weight"])
        rows.append(horizon_row(facts, way(facts, s["rho_monthly"]), weight, s["value"], scale, last=False))
    if h["scenarios"]:
        rows.append(
            horizon_row(facts, words.say("All of these, by weight"), "", h["mixture"], scale, last=True)
        )
    return tuple(rows)


def way(facts: Facts, rho: float) -> Markup:
    """Say how the effect goes on."""
    words = facts.words
    if rho == 0:
        return words.say("The effect ends with the test")
    if rho == 1:
        return words.say("The effect stays as it was")
    return words.say("{share} of the effect is left a month later", share=words.whole_percent(rho))


def horizon_row(facts: Facts, name: str, weight: str, value: Row, scale: Scale, *, last: bool) -> HorizonRow:
    """Give one line, drawn on the common range."""
    words = facts.words
    return HorizonRow(
        name=name,
        weight=weight or "–",
        value=words.exact(value["estimate"]),
        interval=money_interval(words, value, exact=True),
        mark=scale.mark(value["estimate"], value["ci_lower"], value["ci_upper"]),
        sum=last,
    )


def horizon_note(facts: Facts, h: Row) -> Markup:
    """Say how much is assumed, always; then what it repeats, and what the last interval holds."""
    words = facts.words
    if not h["scenarios"]:
        said = [words.say("All of it was observed: nothing is assumed.")]
    else:
        said = [assumed(facts, h), *beyond(facts, h)]
    if h["discount_annual"]:
        said += [
            words.say("Discounted at {rate} a year.", rate=words.whole_percent(h["discount_annual"])),
            words.say(
                "What was observed is discounted, too, so it differs a little from the net benefit above."
            ),
        ]
    own = this_look(facts)
    return words.sentences([*said, *([own] if own else [])])


def assumed(facts: Facts, h: Row) -> Markup:
    """Say which part of the value was not observed; as a share where both parts have one sign."""
    words, share = facts.words, h["extrapolated_share"]
    total, seen = h["mixture"]["estimate"], h["observed"]["estimate"]
    amounts = {
        "total": words.exact(total),
        "observed": words.exact(seen),
        "added": words.exact(total - seen, signed=True),
    }
    if share is None or not 0 <= share <= 1:
        return words.say("Of {total}, {observed} was observed and {added} is assumed.", **amounts)
    return words.say(
        "Of {total}, {observed} was observed and {added} is assumed: {share} of it.",
        share=words.percent(share, step=0),
        **amounts,
    )


def beyond(facts: Facts, h: Row) -> list[Markup]:
    """Say what is repeated, and what the interval of the last line adds."""
    words = facts.words
    return [
        words.say(
            "What is assumed repeats the last {days} days and lets them fade; "
            "costs paid at the start are not repeated.",
            days=words.count(h["period_days"]),
        ),
        words.say(
            "The interval of the last line holds the doubt between the ways too: its standard error is "
            "{whole}, and {sampling} from sampling alone.",
            whole=words.exact(h["mixture"]["std_error"]),
            sampling=words.exact(h["sampling_std_error"]),
        ),
    ]
