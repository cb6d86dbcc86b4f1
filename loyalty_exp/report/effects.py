"""What changed: the metric tables, the guardrails and the segments, every number already words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.language import N_
from loyalty_exp.report.marks import IntervalMark, Scale, scale_of
from loyalty_exp.report.wording import Number, Wording, interval_step

Standing = Literal["better", "worse", "unsettled"]

PILLARS = {
    "satisfaction": N_("Satisfaction and loyalty"),
    "growth": N_("Business growth"),
    "cost": N_("Cost and benefit"),
    "advocacy": N_("Word of mouth"),
}

NOT_ESTIMABLE = (
    (r"zero_control_mean|control mean is 0", N_("control is zero, so there is no relative change")),
    (r"no_variance|without variation", N_("every value is the same")),
    (r"no[ _]units", N_("a group holds no units")),
    (r"one unit|fewer than|too[ _]few", N_("too few units")),
    (r"denominator", N_("the denominator is zero")),
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


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A row of a metric table."""

    metric: str
    role: str
    arm: str
    control: str
    treatment: str
    said: Said
    badge: str
    tone: str
    mark: IntervalMark | None


@dataclass(frozen=True, slots=True)
class MetricTable:
    """Metrics of one pillar; `range` says what the drawn intervals of all pillars span."""

    pillar: str
    range: str
    rows: tuple[MetricRow, ...]


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


def standing(estimate: Row, direction: str, alpha: float) -> Standing | None:
    """Say whether a metric got better or worse, by the adjusted p-value where there is one."""
    found = estimate["absolute"]
    if not found or found["ci_lower"] is None or found["ci_upper"] is None:
        return None
    p = found["p_value_adjusted"] if found["p_value_adjusted"] is not None else found["p_value"]
    settled = p < alpha if p is not None else found["ci_lower"] > 0 or found["ci_upper"] < 0
    if not settled:
        return "unsettled"
    return "better" if (found["estimate"] > 0) == (direction != "decrease") else "worse"


def said(facts: Facts, estimate: Row) -> Said:
    """Put one effect into words."""
    words, metric = facts.words, facts.metric(estimate["metric"])
    found, relative = estimate["absolute"], estimate["relative"]
    reason = why_not(words, estimate.get("not_estimable"))
    if found and not reason and estimate["mean_control"] == 0:
        reason = why_not(words, "zero_control_mean")
    if not found:
        return Said("–", "", "–", "", "", None, reason or words.say("not estimable"))
    lower, upper = found["ci_lower"], found["ci_upper"]
    whole = lower is not None and upper is not None
    step = step_of(metric, found["estimate"], lower if whole else 0.0, upper if whole else 0.0)
    interval = span(words, metric, lower, upper, step) if whole else words.say("no interval")
    p = found["p_value_adjusted"] if found["p_value_adjusted"] is not None else found["p_value"]
    return Said(
        difference=change(words, metric, found["estimate"], step),
        interval=interval,
        relative=relative_words(words, relative),
        relative_interval=relative_interval(words, relative),
        p_value="" if p is None else words.say("p {p}", p=words.p_value(p)),
        standing=standing(estimate, str(metric.get("direction")), words.alpha),
        reason=reason,
    )


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


def metric_tables(facts: Facts) -> tuple[MetricTable, ...]:
    """Give the primary and secondary metrics by pillar, every treatment."""
    estimates = facts.overall("primary", "secondary")
    scale = relative_scale(estimates)
    tables = []
    for pillar, title in PILLARS.items():
        rows = [e for e in estimates if facts.metric(e["metric"]).get("pillar", "growth") == pillar]
        if not rows:
            continue
        tables.append(
            MetricTable(
                pillar=facts.words.say(title),
                range=range_words(facts.words, scale),
                rows=tuple(metric_row(facts, e, scale) for e in rows),
            )
        )
    return tuple(tables)


def metric_row(facts: Facts, estimate: Row, scale: Scale | None) -> MetricRow:
    """Give one row; the drawing shows the relative change."""
    words, metric = facts.words, facts.metric(estimate["metric"])
    words_said = said(facts, estimate)
    word, tone = badge(words, words_said.standing)
    role = {"primary": words.say("primary"), "secondary": words.say("secondary")}.get(estimate["role"], "")
    return MetricRow(
        metric=facts.metric_name(estimate["metric"]),
        role=role,
        arm=facts.arm(estimate["treatment"]),
        control=level(words, metric, estimate["mean_control"]),
        treatment=level(words, metric, estimate["mean_treatment"]),
        said=words_said,
        badge=word,
        tone=tone,
        mark=relative_mark(estimate, scale),
    )


def relative_scale(rows: Sequence[Row]) -> Scale | None:
    """Give a common range; very wide intervals do not squeeze the others."""
    bounds = [
        b
        for e in rows
        if bounded(e["relative"])
        for b in (e["relative"]["ci_lower"], e["relative"]["ci_upper"])
    ]
    return scale_of(max(-1.0, min(2.0, b)) for b in bounds) if bounds else None


def bounded(relative: Row | None) -> bool:
    """Say whether a relative change has both bounds."""
    return bool(relative) and None not in (relative["estimate"], relative["ci_lower"], relative["ci_upper"])  # type: ignore[index]


def relative_mark(estimate: Row, scale: Scale | None) -> IntervalMark | None:
    """Give the marks of a relative change."""
    found = estimate["relative"]
    if scale is None or not bounded(found):
        return None
    return scale.mark(found["estimate"], found["ci_lower"], found["ci_upper"])


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
