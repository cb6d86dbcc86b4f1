"""The sums of the portfolio as tiles: a number, what it means, and its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from loyalty_exp.portfolio.language import speech
from loyalty_exp.portfolio.totals import Totals
from loyalty_exp.report.marks import IntervalMark, scale_of
from loyalty_exp.report.roi import money_interval
from loyalty_exp.report.wording import Wording, interval_step


@dataclass(frozen=True, slots=True)
class Tile:
    """One number, what it means, and its interval."""

    title: Markup
    value: str
    size: str
    meaning: Markup
    interval: Markup
    mark: IntervalMark | None


def tiles_of(language: str, totals: tuple[Totals, ...], holdout: str | None) -> tuple[Tile, ...]:
    """Give the tiles of each currency; one without any is only told of where it is the only one."""
    summed = [t for t in totals if t.sums is not None]
    return tuple(tile for t in summed or totals[:1] for tile in _tiles(language, t, holdout))


def _tiles(language: str, totals: Totals, holdout: str | None) -> list[Tile]:
    words = Wording(speech(language), totals.symbol, totals.alpha)
    if totals.sums is None:
        nothing = words.say("Nothing was scaled so far, so there is no sum.")
        return [Tile(words.say("Claimed"), "–", "", nothing, Markup(""), None), *_owed(words, totals)]
    sums = totals.sums
    shrunk = {"estimate": sums.shrunken, "ci_lower": sums.ci_lower, "ci_upper": sums.ci_upper}
    n = words.count(totals.shipped)
    made = [
        _money_tile(
            words,
            words.say("Claimed"),
            {"estimate": sums.claimed},
            words.say("net benefit of what was scaled, added up as reported: {n}", n=n),
        )
    ]
    if totals.experiments > 1:
        everything = words.count(totals.experiments)
        meaning = words.say("each pulled toward the average of all {n} experiments, losers too", n=everything)
        made.append(_money_tile(words, words.say("After shrinkage"), shrunk, meaning))
    if totals.realized is None:
        return [*made, *_owed(words, totals)]
    made.append(
        _money_tile(
            words,
            words.say("Realized"),
            totals.realized,
            words.say("the whole program against its holdout {id}", id=holdout),
        )
    )
    ratio = totals.realized_over_claimed
    if ratio is not None:
        meaning = words.say("of what was claimed is seen against the holdout")
        made.append(
            Tile(words.say("Realized over claimed"), words.percent(ratio), "", meaning, Markup(""), None)
        )
    return [*made, *_owed(words, totals)]


def _owed(words: Wording, totals: Totals) -> list[Tile]:
    """Give the points liability that the experiments created; nothing where no offer gives points."""
    if totals.owed is None:
        return []
    meaning = (
        words.say("cost of points still open at the end of the tests, at most: redemptions are not known")
        if totals.owed.most
        else words.say("cost of points still open at the end of the tests, beyond control")
    )
    return [
        _money_tile(words, words.say("Points liability created"), {"estimate": totals.owed.amount}, meaning)
    ]


def _money_tile(words: Wording, title: Markup, value: Any, meaning: Markup) -> Tile:
    estimate, lower, upper = value["estimate"], value.get("ci_lower"), value.get("ci_upper")
    step = interval_step(estimate, lower or 0.0, upper or 0.0) if lower is not None else None
    text = words.money(estimate, step=step)
    if lower is None or upper is None:
        return Tile(title, text, _size(text), meaning, Markup(""), None)
    interval = words.say(
        "{level} interval: {interval}",
        level=words.level(),
        interval=money_interval(words, value, exact=False),
    )
    mark = scale_of((estimate, lower, upper)).mark(estimate, lower, upper)
    return Tile(title, text, _size(text), meaning, interval, mark)


def _size(text: str) -> str:
    return "long" if len(text) > 9 else ""
