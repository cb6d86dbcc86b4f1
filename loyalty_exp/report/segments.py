"""Who responded: the segment forest, one block for each dimension, metric and treatment."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.readout.small_cells import FEW, UNNAMED
from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.looks import this_look
from loyalty_exp.report.marks import IntervalMark, Scale, scale_of
from loyalty_exp.report.said import Said, change, level, said, step_of


@dataclass(frozen=True, slots=True)
class CellRow:
    """One segment cell; a small one says only that it is not shown."""

    name: str
    units: str
    control: str
    said: Said
    mark: IntervalMark | None
    suppressed: bool
    overall: bool


@dataclass(frozen=True, slots=True)
class SegmentBlock:
    """The cells of one dimension for one metric and one treatment."""

    title: Markup
    range: str
    rows: tuple[CellRow, ...]
    test: Markup


@dataclass(frozen=True, slots=True)
class SegmentsView:
    """All blocks; only those of the shown arm stand open."""

    note: Markup
    blocks: tuple[SegmentBlock, ...]
    folded: tuple[SegmentBlock, ...]


def segments_view(facts: Facts) -> SegmentsView | None:
    """Give section 6; none without segments."""
    cells = facts.cells()
    if not cells:
        return None
    keys: list[tuple[str, str, str]] = []
    for e in cells:
        key = (e["segment"]["dimension"], e["metric"], e["treatment"])
        if key not in keys:
            keys.append(key)
    first = next((k[1] for k in keys), "")
    shown = [k for k in keys if k[2] == facts.shown and k[1] == first]
    others = [k for k in keys if k not in shown]
    words = facts.words
    values = {(e["segment"]["dimension"], e["segment"]["value"]) for e in cells}
    return SegmentsView(
        note=noted(
            facts,
            words.say(
                "Exploratory: {n} segments were looked at and none was registered as a target. "
                "The order of the estimates does not show who responded most; only the "
                "test for a difference does. "
                "Cells with fewer than {least} {units} in a group are not shown.",
                n=words.count(len(values)),
                least=words.count(facts.plan.get("min_cell") or 0),
                units=facts.units(),
            ),
        ),
        blocks=tuple(block(facts, k, cells) for k in shown),
        folded=tuple(block(facts, k, cells) for k in others),
    )


def noted(facts: Facts, note: Markup) -> Markup:
    """Add to a note what the intervals are good for at a look before the end."""
    told = this_look(facts)
    return facts.words.sentences([note, told]) if told else note


def block(facts: Facts, key: tuple[str, str, str], cells: list[Row]) -> SegmentBlock:
    """Give one forest with the effect of all units as its first row."""
    dimension, metric, arm = key
    words = facts.words
    own = [e for e in cells if (e["segment"]["dimension"], e["metric"], e["treatment"]) == key]
    whole = [
        e
        for e in facts.overall("primary", "secondary", "guardrail")
        if e["metric"] == metric and e["treatment"] == arm
    ][:1]
    bounds = [
        b for e in (*whole, *own) if _drawn(e) for b in (e["absolute"]["ci_lower"], e["absolute"]["ci_upper"])
    ]
    scale = scale_of(bounds) if bounds else None
    plan: Row = next((s for s in facts.plan["segments"] if s["id"] == dimension), {})
    found = whole[0]["absolute"] if whole else None
    every = found["estimate"] if found else None
    most = max((units_of(e) for e in own if not e["suppressed"]), default=0)
    rows = [cell_row(facts, e, str(words.say("All {units}", units=facts.units())), scale) for e in whole]
    rows += [
        cell_row(facts, e, value_name(facts, plan, str(e["segment"]["value"])), scale, every, most)
        for e in own
    ]
    drawn = words.say(
        "The dotted line is the effect on all {units}; the larger a dot, the more {units} it stands for.",
        units=facts.units(),
    )
    return SegmentBlock(
        title=words.say(
            "{metric} by {dimension}: {arm} against control",
            metric=facts.metric_name(metric),
            dimension=facts.segment_name(dimension),
            arm=facts.arm(arm),
        ),
        range=range_words(facts, metric, scale),
        rows=tuple(rows),
        test=words.sentences([test_words(facts, key), *([drawn] if every is not None else [])]),
    )


def value_name(facts: Facts, plan: Row, value: str) -> str:
    """Name a value as the spec does; values that few units share are not named."""
    if value == UNNAMED:
        return str(facts.words.say("Values with fewer than {n} {units}", n=FEW, units=facts.units()))
    return facts.words.name((plan.get("values") or {}).get(value), value)


def _drawn(e: Row) -> bool:
    found = e["absolute"]
    return bool(
        found and not e["suppressed"] and found["ci_lower"] is not None and found["ci_upper"] is not None
    )


def units_of(e: Row) -> int:
    """Count the units of both arms."""
    return int(e["units_treatment"] + e["units_control"])


def cell_row(
    facts: Facts, e: Row, name: str, scale: Scale | None, every: float | None = None, most: int = 0
) -> CellRow:
    """Give one cell, its dot as large as its part of the largest cell, beside the effect of all units."""
    found = e["absolute"]
    mark = None
    if scale is not None and _drawn(e):
        weight = units_of(e) / most if most else None
        mark = scale.mark(
            found["estimate"], found["ci_lower"], found["ci_upper"], overall=every, weight=weight
        )
    metric = facts.metric(e["metric"])
    return CellRow(
        name=name,
        units="" if e["suppressed"] else facts.words.count(units_of(e)),
        control="" if e["suppressed"] else level(facts.words, metric, e["mean_control"]),
        said=said(facts, e, this_look=True),
        mark=mark,
        suppressed=bool(e["suppressed"]),
        overall=e["segment"] is None,
    )


def range_words(facts: Facts, metric: str, scale: Scale | None) -> str:
    """Say what the drawn intervals span."""
    if scale is None:
        return ""
    step = step_of(facts.metric(metric), scale.high - scale.low, scale.low, scale.high)
    return facts.words.say(
        "drawn from {low} to {high}",
        low=change(facts.words, facts.metric(metric), scale.low, step),
        high=change(facts.words, facts.metric(metric), scale.high, step),
    )


def test_words(facts: Facts, key: tuple[str, str, str]) -> Markup:
    """Say what the test for a difference between the cells found."""
    words = facts.words
    found = next(
        (i for i in facts.readout["interactions"] if (i["dimension"], i["metric"], i["treatment"]) == key),
        None,
    )
    if found is None or (found["p_value"] is None and found["p_value_adjusted"] is None):
        return words.say("A difference between the segments could not be tested.")
    if found["p_value_adjusted"] is not None:
        return words.say(
            "Test for any difference between the segments: p {p}, adjusted for the number of tests.",
            p=words.p_value(found["p_value_adjusted"]),
        )
    return words.say(
        "Test for any difference between the segments: p {p}.", p=words.p_value(found["p_value"])
    )
