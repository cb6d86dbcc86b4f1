"""How it built up: net benefit by day since assignment, and when the money was back."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.language import N_
from loyalty_exp.report.moved import Moved, moved_tables
from loyalty_exp.report.roi import money_interval
from loyalty_exp.report.said import why_not

PAYBACKS = (
    ("first_crossing", N_("Above zero for the first time")),
    ("sustained", N_("Above zero for good")),
    ("conservative", N_("Lower end of the interval of each day above zero for good")),
    ("always_valid", N_("Lower end of the band above zero for good")),
)


@dataclass(frozen=True, slots=True)
class TimeCurve:
    """The drawing: money in total by day, the band around it, and what is marked."""

    days: tuple[int, ...]
    sums: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    offer_days: int | None
    paid_back: int | None


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day of the table, money in total."""

    day: str
    benefit: str
    cost: str
    net: str
    interval: str
    band: str


@dataclass(frozen=True, slots=True)
class OverTimeBlock:
    """The money of one treatment through the days; `key` makes the ids of its drawing."""

    key: str
    arm: str
    shown: bool
    described: Markup
    note: Markup
    curve: TimeCurve | None
    rows: tuple[DayRow, ...]
    paybacks: tuple[tuple[str, str], ...]
    moved: tuple[Moved, ...]


def over_time_blocks(facts: Facts) -> tuple[OverTimeBlock, ...]:
    """Give a block for each treatment, the one shown first; none when the readout is not valid."""
    found = [] if facts.invalid else list(facts.readout.get("over_time") or ())
    found.sort(key=lambda o: o["treatment"] != facts.shown)
    return tuple(over_time_block(facts, o, f"built{i}") for i, o in enumerate(found))


def over_time_block(facts: Facts, o: Row, key: str) -> OverTimeBlock:
    """Put the curve of one treatment into words."""
    words, points = facts.words, o["points"]
    return OverTimeBlock(
        key=key,
        arm=facts.arm(o["treatment"]),
        shown=o["treatment"] == facts.shown,
        described=words.sentences([curve_words(facts, o), payback_words(facts, o)])
        if points
        else words.say(
            "Net benefit by day is not known: {reason}.", reason=why_not(words, o["not_estimable"] or "-")
        ),
        note=words.say(
            "The same {units} stand behind all days. An order counts on its day, with its refunds; costs "
            "that come with assignment, and fixed costs, are spent at the start. The band holds the true "
            "curve on all days together in {level} of such tests, so it is wider than the interval of one "
            "day. Nothing is projected beyond the window.",
            units=facts.units(),
            level=words.level(),
        ),
        curve=time_curve(o) if points else None,
        rows=tuple(day_row(facts, o, p) for p in points),
        paybacks=payback_rows(facts, o),
        moved=moved_tables(facts, o),
    )


def time_curve(o: Row) -> TimeCurve:
    """Give the drawing its numbers; where the band has no width yet, it is the curve."""
    n, points = o["units_treatment"], o["points"]
    sums = tuple(n * p["net_benefit"]["estimate"] for p in points)
    return TimeCurve(
        days=tuple(p["day"] for p in points),
        sums=sums,
        lower=tuple(
            s if p["band_lower"] is None else n * p["band_lower"] for s, p in zip(sums, points, strict=True)
        ),
        upper=tuple(
            s if p["band_upper"] is None else n * p["band_upper"] for s, p in zip(sums, points, strict=True)
        ),
        offer_days=(o["pulled_forward"] or {}).get("offer_days"),
        paid_back=o["payback"]["sustained"],
    )


def day_row(facts: Facts, o: Row, p: Row) -> DayRow:
    """Give one day of the table."""
    words, n = facts.words, o["units_treatment"]
    return DayRow(
        day=words.count(p["day"]),
        benefit=words.exact(n * p["benefit"]),
        cost=words.exact(n * p["cost"]),
        net=words.exact(n * p["net_benefit"]["estimate"]),
        interval=money_interval(words, times(n, p["net_benefit"]), exact=True),
        band=band_words(facts, o, p),
    )


def times(n: int, interval: Row) -> Row:
    """Scale an interval from a unit to all units."""
    return {name: n * value for name, value in interval.items()}


def band_words(facts: Facts, o: Row, p: Row) -> str:
    """Write the band of one day; a dash where nothing varies yet."""
    if p["band_lower"] is None:
        return "–"
    n = o["units_treatment"]
    found = {"estimate": n * p["net_benefit"]["estimate"]}
    found |= {"ci_lower": n * p["band_lower"], "ci_upper": n * p["band_upper"]}
    return money_interval(facts.words, found, exact=True)


def curve_words(facts: Facts, o: Row) -> Markup:
    """Say where the curve begins and ends; with the payback, the text alternative of the drawing."""
    words, first, last = facts.words, o["points"][0], o["points"][-1]
    n = o["units_treatment"]
    return words.say(
        "Net benefit of the {n} {units} of {arm} stood at {first} after day {early} and at {last} after "
        "day {late} (band {band}).",
        n=words.count(n),
        units=facts.units(),
        arm=facts.arm(o["treatment"]),
        first=words.exact(n * first["net_benefit"]["estimate"]),
        early=words.count(first["day"]),
        last=words.exact(n * last["net_benefit"]["estimate"]),
        late=words.count(last["day"]),
        band=band_words(facts, o, last),
    )


def payback_words(facts: Facts, o: Row) -> Markup:
    """Say when the money was back for good, and how sure that is; never beyond what was observed."""
    words, back = facts.words, o["payback"]
    last = words.count(o["points"][-1]["day"])
    if back["sustained"] is None:
        if back["first_crossing"] is None:
            return words.say("The money was not back within the {days} days observed.", days=last)
        return words.say(
            "It was above zero after day {day} for the first time and fell below again: the money was not "
            "back for good within the {days} days observed.",
            day=words.count(back["first_crossing"]),
            days=last,
        )
    day = words.count(back["sustained"])
    if back["always_valid"] is None:
        return words.say(
            "The money was back after day {day} and stayed so; the band does not settle it, as its lower end "
            "was not above zero for good within the {days} days observed.",
            day=day,
            days=last,
        )
    return words.say(
        "The money was back after day {day} and stayed so; even the lower end of the band stayed above zero "
        "from day {safe} on.",
        day=day,
        safe=words.count(back["always_valid"]),
    )


def payback_rows(facts: Facts, o: Row) -> tuple[tuple[str, str], ...]:
    """Give the payback in all its readings; nothing where the money was never back."""
    words, back = facts.words, o["payback"]
    if back is None or back["first_crossing"] is None:
        return ()
    return tuple(
        (
            words.say(name),
            words.say("not within what was observed")
            if back[key] is None
            else words.say("Day {n}", n=words.count(back[key])),
        )
        for key, name in PAYBACKS
    )
