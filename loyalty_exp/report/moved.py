"""What was moved and not gained: purchases pulled forward, and purchases taken from other goods."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.roi import money_interval
from loyalty_exp.report.said import why_not
from loyalty_exp.report.wording import Wording


@dataclass(frozen=True, slots=True)
class MovedRow:
    """Extra margin of one part: a unit with its interval, and in total."""

    name: str
    per_unit: str
    interval: str
    total: str
    sum: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """The benefit split in two; `says` is the share that was moved, or why it is not known."""

    title: Markup
    rows: tuple[MovedRow, ...]
    says: Markup
    note: Markup


def moved_tables(facts: Facts, o: Row) -> tuple[Moved, ...]:
    """Give what the days after the offer and the goods beside it lost, where the spec lets it be known."""
    found = []
    if o["pulled_forward"] is not None:
        found.append(pulled_forward(facts, o, o["pulled_forward"]))
    if o["cannibalization"] is not None:
        found.append(cannibalized(facts, o, o["cannibalization"]))
    return tuple(found)


def pulled_forward(facts: Facts, o: Row, p: Row) -> Moved:
    """Compare the days of the offer with those after it."""
    words = facts.words
    rows: tuple[MovedRow, ...] = ()
    if p["during"] is not None:
        names = (
            words.say("In the {n} days of the offer", n=words.count(p["offer_days"])),
            words.say("In the {n} days after it", n=words.count(p["post_days"])),
        )
        rows = two_rows(words, o, names, p["during"], p["after"])
    if p["share"] is None:
        says = words.say(
            "Whether purchases were pulled forward is not known: {reason}.",
            reason=why_not(words, p["not_estimable"]),
        )
    elif p["share"]["estimate"] < 0:
        says = words.say(
            "The gain went on after the offer: on balance nothing was taken back (share taken back {share}, "
            "{level} interval {interval}).",
            **share_words(words, p["share"]),
        )
    else:
        says = words.say(
            "{share} of what the offer brought was taken back in the days after it ({level} interval "
            "{interval}).",
            **share_words(words, p["share"]),
        )
    return Moved(
        title=words.say("Were purchases pulled forward?"),
        rows=rows,
        says=says,
        note=words.say("Extra margin beyond control, before costs, by day of the order."),
    )


def cannibalized(facts: Facts, o: Row, c: Row) -> Moved:
    """Compare the promoted categories with all others."""
    words = facts.words
    rows: tuple[MovedRow, ...] = ()
    if c["within"] is not None:
        names = (
            words.say("In {goods}", goods=words.join(list(c["categories"]))),
            words.say("In all other goods"),
        )
        rows = two_rows(words, o, names, c["within"], c["outside"])
    if c["share"] is None:
        says = words.say(
            "Whether other goods lost what the promoted ones gained is not known: {reason}.",
            reason=why_not(words, c["not_estimable"]),
        )
    elif c["share"]["estimate"] < 0:
        says = words.say(
            "Other goods gained, too: on balance nothing was lost there (share lost {share}, {level} "
            "interval {interval}).",
            **share_words(words, c["share"]),
        )
    else:
        says = words.say(
            "{share} of the gain in the promoted goods was lost in others ({level} interval {interval}).",
            **share_words(words, c["share"]),
        )
    return Moved(
        title=words.say("Did other goods lose what the promoted ones gained?"),
        rows=rows,
        says=says,
        note=words.say("Extra margin beyond control, before costs, over the whole window."),
    )


def two_rows(words: Wording, o: Row, names: tuple[str, str], first: Row, second: Row) -> tuple[MovedRow, ...]:
    """Give both parts and their sum."""
    n, last = o["units_treatment"], o["points"][-1]["benefit"]
    parts = [
        MovedRow(
            name,
            words.exact(part["estimate"]),
            money_interval(words, part, exact=True),
            words.exact(n * part["estimate"]),
            sum=False,
        )
        for name, part in zip(names, (first, second), strict=True)
    ]
    whole = MovedRow(words.say("Together"), words.exact(last), "", words.exact(n * last), sum=True)
    return (*parts, whole)


def share_words(words: Wording, share: Row) -> dict[str, object]:
    """Write a share with its interval."""
    step = -1 if abs(share["estimate"]) < 0.02 else 0
    return {
        "share": words.percent(share["estimate"], step=step),
        "level": words.level(),
        "interval": words.say(
            "{lower} to {upper}",
            lower=words.percent(share["ci_lower"], step=step),
            upper=words.percent(share["ci_upper"], step=step),
        ),
    }
