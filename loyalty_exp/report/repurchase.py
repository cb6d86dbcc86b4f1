"""Did they come back sooner: the curve of each arm, who was followed, and the readings beside the rate."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.looks import this_look
from loyalty_exp.report.said import change, span, step_of, why_not
from loyalty_exp.report.settled import bounded


@dataclass(frozen=True, slots=True)
class CurveLine:
    """The curve of one arm: days, shares that bought again, and bounds of each."""

    name: str
    label: str
    control: bool
    days: tuple[int, ...]
    shares: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """One reading of the time to the next purchase; `decides` marks that of the metric table."""

    name: str
    value: str
    interval: str
    result: str
    decides: bool


@dataclass(frozen=True, slots=True)
class RepurchaseBlock:
    """One metric and one treatment; `key` makes the ids of its drawing."""

    key: str
    title: Markup
    described: Markup
    note: Markup
    within: int
    lines: tuple[CurveLine, ...]
    days: tuple[str, ...]
    at_risk: tuple[tuple[str, tuple[str, ...]], ...]
    shares: tuple[tuple[str, tuple[str, ...]], ...]
    readings: tuple[Beside, ...]
    readings_note: Markup
    shown: bool


def repurchase_blocks(facts: Facts) -> tuple[RepurchaseBlock, ...]:
    """Give a block for each repurchase metric and treatment; none when the readout is not valid."""
    found = [] if facts.invalid else list(facts.readout["repurchase"])
    return tuple(repurchase_block(facts, r, f"again{i}") for i, r in enumerate(found))


def repurchase_block(facts: Facts, r: Row, key: str) -> RepurchaseBlock:
    """Put the curves and readings of one metric and one treatment into words."""
    words = facts.words
    lines = tuple(
        curve_line(facts, arm, r["curves"][arm])
        for arm in (r["control"], r["treatment"])
        if r["curves"].get(arm)
    )
    days = marked_days(r)
    points = {
        arm: {p["day"]: p for p in r["curves"].get(arm) or ()} for arm in (r["control"], r["treatment"])
    }
    arms = [(facts.arm(arm), by_day) for arm, by_day in points.items() if by_day]
    return RepurchaseBlock(
        key=key,
        title=words.say(
            "{metric}: {arm} against control",
            metric=facts.metric_name(r["metric"]),
            arm=facts.arm(r["treatment"]),
        ),
        described=described(facts, r),
        note=curve_note(facts),
        within=r["within_days"],
        lines=lines,
        days=tuple(words.say("Day {n}", n=words.count(d)) for d in days),
        at_risk=tuple(
            (name, tuple(words.count(by[d]["at_risk"]) if d in by else "–" for d in days))
            for name, by in arms
        ),
        shares=tuple(
            (name, tuple(words.share(by[d]["share"]) if d in by else "–" for d in days)) for name, by in arms
        ),
        readings=readings(facts, r),
        readings_note=readings_note(facts, r),
        shown=r["treatment"] == facts.shown,
    )


def curve_note(facts: Facts) -> Markup:
    """Say what a curve is, and what its band is where it has one."""
    words = facts.words
    if facts.clustered:
        return words.say(
            "Share that has bought again, Kaplan–Meier estimate drawn upwards: {units} whose time is not "
            "over count for as long as they were followed. Without bands, as whole clusters were drawn.",
            units=facts.units(),
        )
    return words.say(
        "Share that has bought again, Kaplan–Meier estimate drawn upwards: {units} whose time is not "
        "over count for as long as they were followed. Bands are {level} intervals of each day alone.",
        units=facts.units(),
        level=words.level(),
    )


def curve_line(facts: Facts, arm: str, points: list[Row]) -> CurveLine:
    """Give the curve of one arm with the label at its end."""
    return CurveLine(
        name=facts.arm(arm),
        label=facts.words.share(points[-1]["share"]),
        control=arm == facts.control,
        days=tuple(p["day"] for p in points),
        shares=tuple(p["share"] for p in points),
        lower=tuple(p["share"] if p["ci_lower"] is None else p["ci_lower"] for p in points),
        upper=tuple(p["share"] if p["ci_upper"] is None else p["ci_upper"] for p in points),
    )


def marked_days(r: Row) -> tuple[int, ...]:
    """Give five days of the curve, first and last among them, evenly spread."""
    days = sorted({p["day"] for points in r["curves"].values() for p in points} | {r["within_days"]})
    wanted = [r["within_days"] * i / 4 for i in range(5)]
    return tuple(dict.fromkeys(min(days, key=lambda d, w=w: abs(d - w)) for w in wanted))  # type: ignore[misc]


def described(facts: Facts, r: Row) -> Markup:
    """Say the end of both curves; the text alternative of the drawing."""
    words = facts.words
    ends = [
        words.say(
            "{arm} {share} by day {day}",
            arm=facts.arm(arm),
            share=words.share(points[-1]["share"]),
            day=words.count(points[-1]["day"]),
        )
        for arm, points in r["curves"].items()
        if points
    ]
    if not ends:
        return words.say(
            "The curves cannot be drawn: {reason}.", reason=why_not(words, r["not_estimable"] or "-")
        )
    return words.say("Share that bought again: {arms}.", arms=words.join(ends))


def readings(facts: Facts, r: Row) -> tuple[Beside, ...]:
    """Give the rate twice, the time without a purchase, and the tests of the whole curve."""
    words, metric, within = facts.words, facts.metric(r["metric"]), facts.words.count(r["within_days"])
    mean, hazard = r["restricted_mean"], r["hazard_ratio"]
    rows = [
        difference(
            facts,
            words.say("Rate on mature {units}", units=facts.units()),
            metric,
            r["rate_of_mature_units"],
            decides=True,
        ),
        difference(
            facts, words.say("Rate, open windows counted as far as they go"), metric, r["rate_by_censoring"]
        ),
    ]
    name = words.say("Days without a purchase, up to day {n}", n=within)
    rows.append(difference(facts, name, {"display": "number"}, mean))
    if r["log_rank_p_value"] is not None:
        rows.append(
            Beside(
                words.say("Whole curve (log-rank test)"),
                "–",
                "",
                words.say("p {p}", p=words.p_value(r["log_rank_p_value"])),
                decides=False,
            )
        )
    if hazard is not None and hazard["estimate"] is not None:
        rows.append(hazard_row(facts, r, hazard))
    return tuple(rows)


def difference(facts: Facts, name: str, metric: Row, found: Row | None, *, decides: bool = False) -> Beside:
    """Give a difference with its interval and p-value."""
    words = facts.words
    if found is None:
        return Beside(name, "–", "", words.say("not estimable"), decides)
    lower, upper, whole = found["ci_lower"], found["ci_upper"], bounded(found)
    value = found["estimate"]
    step = step_of(metric, value, lower if whole else value, upper if whole else value)
    p = found["p_value"]
    return Beside(
        name=name,
        value=change(words, metric, value, step),
        interval=span(words, metric, lower, upper, step) if whole else words.say("no interval"),
        result="" if p is None else words.say("p {p}", p=words.p_value(p)),
        decides=decides,
    )


def hazard_row(facts: Facts, r: Row, hazard: Row) -> Beside:
    """Give the hazard ratio with the test of what it assumes."""
    words, p = facts.words, r["proportional_p_value"]
    interval = (
        words.say(
            "{lower} to {upper}",
            lower=words.number(hazard["ci_lower"], step=-2),
            upper=words.number(hazard["ci_upper"], step=-2),
        )
        if bounded(hazard)
        else words.say("no interval")
    )
    return Beside(
        words.say("Hazard ratio (Cox)"),
        words.number(hazard["estimate"], step=-2),
        interval,
        "" if p is None else words.say("proportional hazards: p {p}", p=words.p_value(p)),
        decides=False,
    )


def readings_note(facts: Facts, r: Row) -> Markup:
    """Say which reading is that of the metric table, and when the hazard ratio is not to be read."""
    words, p = facts.words, r["proportional_p_value"]
    parts = [
        words.say(
            "The rate on mature {units} is that of the metric table; the others never decide.",
            units=facts.units(),
        )
    ]
    if p is not None and p < words.alpha:
        parts.append(
            words.say(
                "The hazards are not proportional, so one hazard ratio does not describe the whole time."
            )
        )
    told = this_look(facts)
    return words.sentences([*parts, *([told] if told else [])])
