"""What changed: the metric tables, every number already words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.language import N_
from loyalty_exp.report.marks import IntervalMark, Scale, scale_of
from loyalty_exp.report.said import Said, badge, change, level, said, span, step_of
from loyalty_exp.report.settled import bounded, deciding
from loyalty_exp.report.wording import Number, Wording

PILLARS = {
    "satisfaction": N_("Satisfaction and loyalty"),
    "growth": N_("Business growth"),
    "cost": N_("Cost and benefit"),
    "advocacy": N_("Word of mouth"),
}


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A row of a metric table."""

    metric: str
    role: str
    arm: str
    parts: Markup
    control: str
    treatment: str
    said: Said
    badge: str
    tone: str
    mark: IntervalMark | None


@dataclass(frozen=True, slots=True)
class MetricTable:
    """Metrics of one pillar; `drawn` and `range` say of all pillars what the drawn intervals are and span."""

    pillar: str
    drawn: str
    range: str
    rows: tuple[MetricRow, ...]


def metric_tables(facts: Facts) -> tuple[MetricTable, ...]:
    """Give the primary and secondary metrics by pillar, every treatment."""
    estimates = facts.overall("primary", "secondary")
    scale = None if facts.look else relative_scale(estimates)
    drawn = facts.words.say("Difference, drawn") if facts.look else facts.words.say("Relative change, drawn")
    tables = []
    for pillar, title in PILLARS.items():
        rows = [e for e in estimates if facts.metric(e["metric"]).get("pillar", "growth") == pillar]
        if not rows:
            continue
        tables.append(
            MetricTable(
                pillar=facts.words.say(title),
                drawn=drawn,
                range=facts.words.say("each row has its own range")
                if facts.look
                else range_words(facts.words, scale),
                rows=tuple(metric_row(facts, e, scale) for e in rows),
            )
        )
    return tuple(tables)


def metric_row(facts: Facts, estimate: Row, scale: Scale | None) -> MetricRow:
    """Give one row; the drawing shows the relative change, or the difference that holds at every look."""
    words, metric = facts.words, facts.metric(estimate["metric"])
    words_said = said(facts, estimate)
    word, tone = badge(words, words_said.standing)
    role = {"primary": words.say("primary"), "secondary": words.say("secondary")}.get(estimate["role"], "")
    return MetricRow(
        metric=facts.metric_name(estimate["metric"]),
        role=role,
        arm=facts.arm(estimate["treatment"]),
        parts=parts_of_ratio(facts, estimate),
        control=level(words, metric, estimate["mean_control"]),
        treatment=level(words, metric, estimate["mean_treatment"]),
        said=words_said,
        badge=word,
        tone=tone,
        mark=own_mark(deciding(estimate)) if facts.look else relative_mark(estimate, scale),
    )


def parts_of_ratio(facts: Facts, estimate: Row) -> Markup:
    """Say how numerator and denominator of a ratio moved; nothing for other metrics."""
    words, known = facts.words, estimate.get("facts") or {}
    names = facts.metric(estimate["metric"]).get("parts")
    if not names or "numerator" not in known:
        return Markup("")
    told = []
    for key, name in zip(("numerator", "denominator"), names, strict=True):
        value, low, high = (known[k] for k in (key, f"{key}_lower", f"{key}_upper"))
        part = facts.metric(name)
        step = step_of(part, value, low, high)
        told.append(
            words.say(
                "{part} {difference} ({interval}) a {unit}",
                part=facts.column_name(name),
                difference=change(words, part, value, step),
                interval=span(words, part, low, high, step),
                unit=facts.unit(),
            )
        )
    return words.join(told)


def relative_scale(rows: Sequence[Row]) -> Scale | None:
    """Give a common range; very wide intervals do not squeeze the others."""
    bounds = [
        b
        for e in rows
        if _drawable(e["relative"])
        for b in (e["relative"]["ci_lower"], e["relative"]["ci_upper"])
    ]
    return scale_of(max(-1.0, min(2.0, b)) for b in bounds) if bounds else None


def relative_mark(estimate: Row, scale: Scale | None) -> IntervalMark | None:
    """Give the marks of a relative change."""
    found = estimate["relative"]
    if scale is None or not _drawable(found):
        return None
    return scale.mark(found["estimate"], found["ci_lower"], found["ci_upper"])


def own_mark(found: Row | None) -> IntervalMark | None:
    """Give the marks of a difference in a range of its own."""
    if found is None or not bounded(found):
        return None
    bounds = found["ci_lower"], found["ci_upper"]
    return scale_of((found["estimate"], *bounds)).mark(found["estimate"], *bounds)


def _drawable(relative: Row | None) -> bool:
    return relative is not None and relative["estimate"] is not None and bounded(relative)


def range_words(words: Wording, scale: Scale | None) -> str:
    """Say what the drawn intervals span."""
    if scale is None:
        return ""
    return words.say(
        "drawn from {low} to {high}",
        low=words.percent(scale.low, signed=True, step=0),
        high=words.percent(scale.high, signed=True, step=0),
    )


def changed_lead(facts: Facts) -> Markup:
    """Say in a sentence or two how the primary metrics stand."""
    words = facts.words
    primary = [e for e in facts.overall("primary") if e["treatment"] == facts.shown]
    parts = []
    for e in primary[:3]:
        found = said(facts, e)
        name = facts.metric_name(e["metric"])
        if found.standing is None:
            parts.append(
                words.say("{metric} cannot be estimated: {reason}.", metric=name, reason=found.reason)
            )
        elif found.standing == "unsettled":
            parts.append(
                words.say(
                    "{metric} is not settled: the difference is {difference} ({interval}).",
                    metric=name,
                    difference=Number(found.difference),
                    interval=found.interval,
                )
            )
        else:
            parts.append(
                words.say(
                    "{metric} changed by {difference} ({interval}), statistically significant "
                    "at the registered {alpha} level.",
                    metric=name,
                    difference=Number(found.difference),
                    interval=found.interval,
                    alpha=words.percent(words.alpha, step=0 if words.alpha >= 0.01 else None),
                )
            )
    return words.sentences(parts)
