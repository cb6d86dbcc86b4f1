"""The four tiles of the first screen: value, what it means, its interval drawn and in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loyalty_exp.report.facts import Facts, Row, shortened
from loyalty_exp.report.marks import IntervalMark, scale_of
from loyalty_exp.report.roi import (
    money_interval,
    roi_interval,
    roi_is_number,
    roi_note,
    roi_words,
    step_of_money,
)
from loyalty_exp.report.said import level, relative_words, said
from loyalty_exp.report.settled import deciding, deciding_benefit, deciding_net


@dataclass(frozen=True, slots=True)
class Tile:
    """One number that leadership reads; `size` makes room for long values."""

    title: str
    value: str
    unit: str
    size: str
    meaning: str
    interval: str
    mark: IntervalMark | None


def tiles(facts: Facts) -> tuple[Tile, ...]:
    """Give at most four tiles; none when the readout is not valid."""
    if facts.invalid:
        return ()
    e = facts.money_of(facts.shown)
    made: list[Tile] = []
    if e is not None:
        made += [net_tile(facts, e), roi_tile(facts, e), benefit_tile(facts, e)]
    own = [x for x in facts.overall("primary", "secondary") if x["treatment"] == facts.shown]
    worth = (facts.plan.get("benefit") or {}).get("metric")
    if e is not None and len({x["metric"] for x in own}) > 1:
        primary = [x for x in own if x["role"] == "primary" and x["metric"] != worth]
        own = primary or [x for x in own if x["metric"] != worth] or own
    made += [metric_tile(facts, x) for x in own[: 4 - len(made)]]
    return tuple(made)


def _tile(
    facts: Facts,
    title: str,
    value: str,
    meaning: str,
    interval: str,
    mark: IntervalMark | None,
    *,
    holds: bool = True,
) -> Tile:
    """Give a tile; an interval that does not hold at every look is left out, and that is said."""
    unit = facts.words.points_unit()
    has_unit = value.endswith(unit)
    shown = value.removesuffix(unit) if has_unit else value
    wide = sum(2 if ord(c) > 0x2E80 else 1 for c in shown)
    return Tile(
        title=shortened(title, 60),
        value=shown,
        unit=unit.strip() if has_unit else "",
        size="words" if wide > 13 else "long" if wide > 9 else "",
        meaning=meaning,
        interval=facts.words.say("no interval that holds at every look")
        if not holds
        else facts.words.say("{level} interval: {interval}", level=facts.words.level(), interval=interval)
        if interval
        else "",
        mark=mark if holds else None,
    )


def _mark(estimate: float, lower: float | None, upper: float | None) -> IntervalMark | None:
    if lower is None or upper is None:
        return None
    return scale_of((estimate, lower, upper)).mark(estimate, lower, upper)


def net_tile(facts: Facts, e: Row) -> Tile:
    """Net benefit in total."""
    net, words = deciding_net(e), facts.words
    step = step_of_money(net)
    return _tile(
        facts,
        words.say("Net benefit"),
        words.money(net["estimate"], step=step),
        words.say("after all program costs"),
        money_interval(words, net, exact=False),
        _mark(net["estimate"], net["ci_lower"], net["ci_upper"]),
    )


def roi_tile(facts: Facts, e: Row) -> Tile:
    """Return on investment, or words when there is no number."""
    words = facts.words
    mark = (
        _mark(e["roi"]["estimate"], e["roi"]["ci_lower"], e["roi"]["ci_upper"]) if roi_is_number(e) else None
    )
    return _tile(
        facts,
        words.say("Return on investment"),
        roi_words(words, e),
        roi_note(words, e),
        roi_interval(words, e),
        mark,
        holds=facts.look is None,
    )


def benefit_tile(facts: Facts, e: Row) -> Tile:
    """Extra margin for each unit."""
    words = facts.words
    metric = (facts.plan.get("benefit") or {}).get("metric")
    own = [
        x
        for x in facts.overall("primary", "secondary")
        if x["treatment"] == facts.shown and x["metric"] == metric
    ]
    relative = relative_words(words, own[0]["relative"]) if own else "–"
    settled = deciding_benefit(e, facts.plan, own[0] if own else None)
    benefit = settled or e["benefit"]
    step = step_of_money(benefit)
    return _tile(
        facts,
        words.say("Extra margin per {unit}", unit=facts.unit()),
        words.money(benefit["estimate"], step=step, signed=True),
        words.say("before program costs")
        if relative == "–"
        else words.say("{relative} against control", relative=relative),
        money_interval(words, benefit, exact=False, signed=True),
        _mark(benefit["estimate"], benefit["ci_lower"], benefit["ci_upper"]),
        holds=settled is not None,
    )


def metric_tile(facts: Facts, e: Row) -> Tile:
    """One metric: its difference, and both levels."""
    words, metric, effect = facts.words, facts.metric(e["metric"]), said(facts, e)
    write: Callable[[float | None], str] = lambda value: level(words, metric, value)  # noqa: E731
    found = deciding(e)
    return _tile(
        facts,
        facts.metric_name(e["metric"]),
        effect.difference if found else words.say("Not estimable"),
        words.say("{before} → {after}", before=write(e["mean_control"]), after=write(e["mean_treatment"]))
        if found
        else effect.reason,
        effect.interval if found else "",
        _mark(found["estimate"], found["ci_lower"], found["ci_upper"]) if found else None,
    )
