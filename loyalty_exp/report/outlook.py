"""Beyond the test: the chance of every hurdle, what the answer owes to assumptions, and the doubt of both."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.language import N_
from loyalty_exp.report.looks import this_look
from loyalty_exp.report.marks import IntervalMark, scale_of
from loyalty_exp.report.roi import money_interval, probability
from loyalty_exp.report.wording import Number, Wording

SHOWN_HURDLES = (-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""Hurdles in the table; the line has more."""

ASSUMED = {
    "redemption_rate_base": N_("Redemption rate of base points"),
    "redemption_rate_bonus": N_("Redemption rate of bonus points"),
    "cost_to_face": N_("Cost of one unit of face value"),
    "margin": N_("Margin"),
}
AS_SHARE = ("redemption_rate_base", "redemption_rate_bonus", "margin")


@dataclass(frozen=True, slots=True)
class HurdleCurve:
    """The line of chances by hurdle, both as fractions, with the registered hurdle where it lies on it."""

    hurdles: tuple[float, ...]
    chances: tuple[float, ...]
    asked: tuple[float, float] | None
    described: Markup
    note: Markup
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AssumptionBar:
    """One assumption: net benefit in total at both ends of its range, as numbers to draw and as words."""

    name: str
    lower: float
    upper: float
    lower_label: str
    upper_label: str
    range: str
    used: str
    at_low: str
    at_high: str
    share: str


@dataclass(frozen=True, slots=True)
class DoubtRow:
    """The net benefit with one kind of doubt, or with both."""

    name: str
    interval: str
    chance: str
    mark: IntervalMark


@dataclass(frozen=True, slots=True)
class OutlookView:
    """What is said beyond the test of the arm that is shown."""

    arm: str
    curve: HurdleCurve | None
    bars: tuple[AssumptionBar, ...]
    base: float
    bars_words: Markup
    doubt: tuple[DoubtRow, ...]
    doubt_words: Markup


def outlook_view(facts: Facts) -> OutlookView | None:
    """Give the outlook of the arm shown; none when the readout holds nothing to say."""
    e, look = facts.money_of(facts.shown), facts.outlook_of(facts.shown)
    if e is None or look is None:
        return None
    curve, bars = hurdle_curve(facts, e, look), assumption_bars(facts, e, look)
    if curve is None and not bars:
        return None
    return OutlookView(
        arm=facts.arm(e["treatment"]),
        curve=curve,
        bars=bars,
        base=e["net_benefit_total"]["estimate"],
        bars_words=bars_words(facts, e, bars) if bars else Markup(""),
        doubt=doubt_rows(facts, e, look),
        doubt_words=doubt_words(facts, look),
    )


def hurdle_curve(facts: Facts, e: Row, look: Row) -> HurdleCurve | None:
    """Give the line of chances; none where a return says nothing or nothing varies."""
    words, found = facts.words, look["acceptability"]
    pairs = [
        (float(h), float(p))
        for h, p in zip(found["hurdles"], found["probabilities"], strict=True)
        if p is not None
    ]
    if len(pairs) < 2:
        return None
    hurdle, above = facts.plan.get("hurdle") or 0.0, e["probability_roi_above_hurdle"]
    inside = above is not None and pairs[0][0] <= hurdle <= pairs[-1][0]
    told = {h: p for h, p in pairs if h in SHOWN_HURDLES}
    if above is not None:
        told[hurdle] = above
    said = [words.say("{chance} above {hurdle}", chance=words.chance(p), hurdle=words.whole_percent(h))
            for h, p in sorted(told.items()) if h in (0.0, 0.5, 1.0, hurdle)]  # fmt: skip
    note = words.say(
        "Under a flat prior, sampling error only. A hurdle is the return that is asked for; "
        "the one of the spec is {hurdle}.",
        hurdle=words.whole_percent(hurdle),
    )
    own = this_look(facts)
    return HurdleCurve(
        hurdles=tuple(h for h, _ in pairs),
        chances=tuple(p for _, p in pairs),
        asked=(hurdle, float(above)) if above is not None and inside else None,
        described=words.say("Posterior probability of the return: {list}.", list=words.join(list(said))),
        note=words.sentences([note, own]) if own else note,
        rows=tuple((words.whole_percent(h), words.chance(p)) for h, p in sorted(told.items())),
    )


def assumption_bars(facts: Facts, e: Row, look: Row) -> tuple[AssumptionBar, ...]:
    """Give the assumptions, the one that moves the net benefit most first."""
    return tuple(assumption_bar(facts, e, a) for a in look["assumptions"])


def assumption_bar(facts: Facts, e: Row, a: Row) -> AssumptionBar:
    """Give one assumption in words and in money of the whole arm."""
    words, units, key = facts.words, e["units"], str(a["name"])
    low, base, high = (assumed_value(words, a, a[k]) for k in ("low", "base", "high"))
    ends = [(units * a["net_benefit_at_low"], low), (units * a["net_benefit_at_high"], high)]
    (lower, at_lower), (upper, at_upper) = sorted(ends, key=lambda end: end[0])
    share = a["share_of_variance"]
    return AssumptionBar(
        name=words.say(ASSUMED[key]) if key in ASSUMED else price_name(facts, key),
        lower=lower,
        upper=upper,
        lower_label=end_label(words, lower, at_lower),
        upper_label=end_label(words, upper, at_upper),
        range=words.say("{lower} to {upper}", lower=low, upper=high),
        used=base,
        at_low=words.exact(ends[0][0]),
        at_high=words.exact(ends[1][0]),
        share="–" if share is None else words.share(share),
    )


def end_label(words: Wording, amount: float, value: Number) -> str:
    """Say the net benefit at one end of a range, for the chart."""
    return str(words.say("{amount} at {value}", amount=words.exact(amount), value=value).striptags())


def price_name(facts: Facts, name: str) -> str:
    """Name a price of the program: by its own name, else as a cost line of the same id, else by the id."""
    own = (facts.plan.get("prices") or {}).get(name)
    line = {"name": own} if own else next((c for c in facts.plan.get("costs") or [] if c["id"] == name), None)
    return facts.words.name(line.get("name") if line else None, name.replace("_", " ").capitalize())


def assumed_value(words: Wording, a: Row, value: float) -> Number:
    """Write a value of an assumption: a share, a plain number, or money."""
    if a["name"] in AS_SHARE:
        ends = (a["low"], a["base"], a["high"])
        whole = all(abs(x * 100 - round(x * 100)) < 1e-9 for x in ends)
        return words.percent(value, step=0 if whole else -1)
    if a["name"] == "cost_to_face":
        return words.number(value, step=-2)
    return words.exact(value)


def bars_words(facts: Facts, e: Row, bars: tuple[AssumptionBar, ...]) -> Markup:
    """Say which assumption moves the net benefit most, and how far."""
    words, first = facts.words, bars[0]
    said = words.say(
        "Net benefit is {net} with the values used. {name} moves it most: from {lower} to {upper}.",
        net=words.exact(e["net_benefit_total"]["estimate"]),
        name=first.name,
        lower=words.exact(first.lower),
        upper=words.exact(first.upper),
    )
    if first.lower < 0 < first.upper:
        return words.sentences([said, words.say("Within its range, a gain turns into a loss.")])
    return said


def doubt_rows(facts: Facts, e: Row, look: Row) -> tuple[DoubtRow, ...]:
    """Set the interval with sampling error alone beside the one with assumptions as well."""
    words, both = facts.words, look["net_benefit_with_assumptions"]
    if both is None:
        return ()
    whole = {k: e["units"] * both[k] for k in ("estimate", "ci_lower", "ci_upper")}
    own: Row = e["net_benefit_total"]
    scale = scale_of(x[k] for x in (own, whole) for k in ("ci_lower", "ci_upper"))
    chances = (probability(e), look["probability_with_assumptions"])
    names = (words.say("Sampling error only"), words.say("Sampling error and assumptions"))
    return tuple(
        DoubtRow(
            name=name,
            interval=money_interval(words, x, exact=True),
            chance="–" if chance is None else words.chance(chance),
            mark=scale.mark(x["estimate"], x["ci_lower"], x["ci_upper"]),
        )
        for name, x, chance in zip(names, (own, whole), chances, strict=True)
    )


def doubt_words(facts: Facts, look: Row) -> Markup:
    """Say what the assumptions add, and that their doubt is declared and not measured."""
    words = facts.words
    shares = [a["share_of_variance"] for a in look["assumptions"] if a["share_of_variance"] is not None]
    if not shares:
        return Markup("")
    said = words.say(
        "Assumptions make up {share} of the variance. Sampling error is measured; the doubt about "
        "assumptions is declared in the spec and taken as normal and independent.",
        share=words.share(sum(shares)),
    )
    own = this_look(facts)
    return words.sentences([said, own]) if own else said
