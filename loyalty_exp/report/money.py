"""What it earned and what it cost: benefit, cost lines, net benefit and return, in words."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.looks import this_look
from loyalty_exp.report.money_rows import (
    Bar,
    MoneyRow,
    cost_rows,
    funded_words,
    share_of,
    waterfall_bars,
)
from loyalty_exp.report.roi import (
    money_interval,
    probability,
    roi_interval,
    roi_is_number,
    roi_note,
    roi_words,
    spent_per_unit,
)
from loyalty_exp.report.settled import bounded, deciding_net


@dataclass(frozen=True, slots=True)
class ArmMoney:
    """One treatment in the table that compares them."""

    arm: str
    units: str
    benefit: str
    cost: str
    net: str
    net_interval: str
    roi: str
    roi_interval: str
    chance: str
    shown: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """The normal curve of the net benefit of one arm, for the chart of how sure."""

    center: float
    spread: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class MoneyView:
    """Section 3 for the arm that is shown, and the comparison of all arms."""

    lead: Markup
    warning: str
    arm: str
    funded: Markup
    rows: tuple[MoneyRow, ...]
    waterfall: tuple[Bar, ...]
    waterfall_words: Markup
    net_bounds: tuple[float, float] | None
    costs: tuple[Bar, ...]
    costs_words: Markup
    curve: Curve
    sure_title: Markup
    sure_words: Markup
    sure_note: Markup
    sure_rows: tuple[tuple[str, str], ...]
    arms: tuple[ArmMoney, ...]
    other_lines: tuple[tuple[str, tuple[MoneyRow, ...]], ...]


def money_view(facts: Facts) -> MoneyView | None:
    """Give section 3; none when the spec has no economics or the readout is not valid."""
    e = facts.money_of(facts.shown)
    if e is None:
        return None
    words, net, units = facts.words, deciding_net(e), e["units"]
    whole = bounded(net)
    own = e["net_benefit_total"]
    benefit, spent = e["benefit"]["estimate"] * units, spent_per_unit(e) * units
    lead = money_lead(facts, e, benefit, spent)
    bars = waterfall_bars(words, e)
    rows = cost_rows(words, e)
    cost_bars = tuple(
        Bar(b.name, -b.amount, words.exact(-b.amount), False, share_of(words, -b.amount, spent))
        for b in sorted((b for b in bars if not b.total), key=lambda b: -abs(b.amount))
    )
    chance = probability(e)
    sells = any(r["code"] == "sells_more_loses_money" for r in facts.decision["reasons"])
    return MoneyView(
        lead=lead,
        warning=words.say("It sells more and loses money: the extra margin does not cover the cost.")
        if sells
        else "",
        arm=facts.arm(e["treatment"]),
        funded=funded_words(facts, e),
        rows=(
            MoneyRow(
                words.say("Extra margin"),
                words.exact(e["benefit"]["estimate"]),
                words.exact(benefit),
                "",
                True,
            ),
            *rows,
            MoneyRow(
                words.say("Net benefit"),
                words.exact(e["net_benefit"]["estimate"]),
                words.exact(net["estimate"]),
                "",
                True,
            ),
        ),
        waterfall=bars,
        waterfall_words=lead,
        net_bounds=(net["ci_lower"], net["ci_upper"]) if whole else None,
        costs=cost_bars,
        costs_words=words.say(
            "All costs are {total}; the largest is {name} with {amount}.",
            total=words.exact(spent),
            name=cost_bars[0].name if cost_bars else words.say("All costs"),
            amount=cost_bars[0].label if cost_bars else words.exact(spent),
        ),
        curve=Curve(own["estimate"], own["std_error"], own["ci_lower"], own["ci_upper"]),
        sure_title=words.say("How sure are we that it pays?"),
        sure_words=words.say(
            "Curve of the net benefit: center {net}, {level} interval {interval}, "
            "with {chance} of it above zero.",
            net=words.exact(net["estimate"]),
            level=words.level(),
            interval=money_interval(words, own, exact=True),
            chance=words.chance(chance),
        ),
        sure_note=words.sentences(
            [
                roi_line(facts, e),
                words.say(
                    "Posterior under a flat prior and a normal approximation. It holds sampling error only; "
                    "cost and margin assumptions are taken as exact."
                ),
                *([told] if (told := this_look(facts)) else []),
            ]
        ),
        sure_rows=sure_rows(facts, e),
        arms=tuple(arm_money(facts, row) for row in facts.economics),
        other_lines=tuple(
            (facts.arm(o["treatment"]), cost_rows(words, o)) for o in facts.economics if o is not e
        ),
    )


def money_lead(facts: Facts, e: Row, benefit: float, spent: float) -> Markup:
    """Say margin, cost and net benefit in a sentence; a fall of either is said as a change."""
    words = facts.words
    same = {
        "n": words.count(e["units"]),
        "units": facts.units(),
        "arm": facts.arm(e["treatment"]),
        "net": words.exact(e["net_benefit_total"]["estimate"]),
        "level": words.level(),
        "interval": money_interval(words, deciding_net(e), exact=True),
    }
    if benefit < 0 or spent < 0:
        return words.say(
            "Against control, the {n} {units} of {arm} changed margin by {benefit} "
            "and program cost by {cost}; net benefit is {net} ({level} interval {interval}).",
            benefit=words.exact(benefit, signed=True),
            cost=words.exact(spent, signed=True),
            **same,
        )
    return words.say(
        "The {n} {units} of {arm} brought in {benefit} of extra margin beyond control. "
        "After {cost} of program cost, {net} is left ({level} interval {interval}).",
        benefit=words.exact(benefit),
        cost=words.exact(spent),
        **same,
    )


def sure_rows(facts: Facts, e: Row) -> tuple[tuple[str, str], ...]:
    """Give the numbers of the chart of how sure, as a table."""
    words, chance = facts.words, e["probability_net_benefit_positive"]
    rows: list[tuple[str, str]] = [
        (words.say("Net benefit"), words.exact(e["net_benefit_total"]["estimate"])),
        (
            words.say("{level} interval", level=words.level()),
            money_interval(words, e["net_benefit_total"], exact=True),
        ),
        (words.say("Posterior probability of a net benefit above zero"), words.chance(chance)),
    ]
    above = e["probability_roi_above_hurdle"]
    if above is not None:
        hurdle = words.whole_percent(facts.plan.get("hurdle") or 0.0)
        rows.append(
            (words.say("Posterior probability of an ROI above {hurdle}", hurdle=hurdle), words.chance(above))
        )
    rows.append((words.say("Return on investment"), roi_words(words, e)))
    if roi_interval(words, e):
        rows.append((words.say("{level} interval of ROI", level=words.level()), roi_interval(words, e)))
    return tuple(rows)


def roi_line(facts: Facts, e: Row) -> Markup:
    """Say the return in one sentence under the chart."""
    words = facts.words
    if not roi_is_number(e):
        return words.say("{roi}: {note}.", roi=roi_words(words, e), note=roi_note(words, e))
    bounds = roi_interval(words, e)
    if not bounds:
        return words.say(
            "Return on investment {roi}: {note}.", roi=roi_words(words, e), note=roi_note(words, e)
        )
    return words.say(
        "Return on investment {roi} ({level} interval {interval}): {note}.",
        roi=roi_words(words, e),
        level=words.level(),
        interval=bounds,
        note=roi_note(words, e),
    )


def arm_money(facts: Facts, e: Row) -> ArmMoney:
    """Give one treatment for the comparison."""
    words = facts.words
    return ArmMoney(
        arm=facts.arm(e["treatment"]),
        units=words.count(e["units"]),
        benefit=words.exact(e["benefit"]["estimate"] * e["units"]),
        cost=words.exact(spent_per_unit(e) * e["units"]),
        net=words.exact(e["net_benefit_total"]["estimate"]),
        net_interval=money_interval(words, deciding_net(e), exact=True),
        roi=roi_words(words, e),
        roi_interval=roi_interval(words, e),
        chance=words.chance(probability(e)),
        shown=e["treatment"] == facts.shown,
    )
