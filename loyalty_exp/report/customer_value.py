"""Projected customer value of an arm against control, called what it is: a surrogate that rests on models."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.marks import IntervalMark, scale_of
from loyalty_exp.report.roi import money_interval
from loyalty_exp.report.said import why_not


@dataclass(frozen=True, slots=True)
class ValueRow:
    """Projected value of a customer of one arm, or the difference of both with its interval."""

    name: str
    customers: str
    value: str
    interval: str
    mark: IntervalMark | None
    sum: bool


@dataclass(frozen=True, slots=True)
class ValueView:
    """The projection of one arm; `why` says why there is no difference."""

    title: Markup
    rows: tuple[ValueRow, ...]
    why: Markup
    note: Markup


def value_view(facts: Facts, found: Row | None) -> ValueView | None:
    """Give the projection; none where the spec asks for none."""
    if found is None:
        return None
    words, difference = facts.words, found["difference"]
    rows = [value_row(facts, arm) for arm in found["arms"]]
    if difference is not None:
        rows.append(difference_row(facts, difference))
    why = words.say(
        "The values of the arms are not compared: {reason}.", reason=why_not(words, found["not_estimable"])
    )
    return ValueView(
        title=words.say(
            "Customer value in the {days} days after the window, projected",
            days=words.count(found["projected_days"]),
        ),
        rows=tuple(rows),
        why=Markup("") if difference is not None else why,
        note=value_note(facts, found),
    )


def value_row(facts: Facts, arm: Row) -> ValueRow:
    """Give one arm."""
    words = facts.words
    customers = words.say(
        "{bought} of {all} {units} bought",
        bought=words.count(arm["bought"]),
        all=words.count(arm["customers"]),
        units=facts.units(),
    )
    return ValueRow(facts.arm(arm["arm"]), customers, words.exact(arm["value"]), "", None, sum=False)


def difference_row(facts: Facts, difference: Row) -> ValueRow:
    """Give the difference, in a range of its own."""
    words, bounds = facts.words, (difference["ci_lower"], difference["ci_upper"])
    return ValueRow(
        name=words.say("Difference"),
        customers="",
        value=words.exact(difference["estimate"], signed=True),
        interval=money_interval(words, difference, exact=True),
        mark=scale_of(bounds).mark(difference["estimate"], *bounds),
        sum=True,
    )


def value_note(facts: Facts, found: Row) -> Markup:
    """Say what the projection rests on, how far it was off where that is known, and what it assumes."""
    words = facts.words
    said = [
        words.say(
            "A surrogate and not a measurement: purchases by BG/NBD and spend by Gamma-Gamma, fitted to "
            "each arm on the {history} days after the first {washout}. It never decides.",
            history=words.count(found["history_days"]),
            washout=words.count(found["washout_days"]),
        )
    ]
    if found["difference"] is not None:
        said.append(
            words.say(
                "The interval comes from {n} resamples, each fitted again, and adds the error of the "
                "backtest.",
                n=words.count(found["replicates"]),
            )
        )
    if found["backtest_error"] is not None:
        said.append(
            words.say(
                "From the first half of these days, purchases of the second were forecast {error} off "
                "at most.",
                error=words.percent(found["backtest_error"], step=0),
            )
        )
    together = [a["frequency_value_correlation"] for a in found["arms"]]
    if together and None not in together:
        said.append(
            words.say(
                "Spend is taken not to depend on how often a customer buys; their correlation in the arms "
                "is {list}.",
                list=words.join([words.number(c, step=-2) for c in together]),
            )
        )
    return words.sentences(said)
