"""Arms weighed against each other: main effects, interactions and declared contrasts, in words."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.looks import this_look
from loyalty_exp.report.marks import IntervalMark, Scale, scale_of
from loyalty_exp.report.roi import roi_interval, roi_words
from loyalty_exp.report.said import badge, change, span, standing, step_of, why_not
from loyalty_exp.report.settled import bounded
from loyalty_exp.report.wording import Number, Wording

NET: Row = {"display": "money", "direction": "increase"}
"""How net benefit, which is no metric of the spec, is written."""


@dataclass(frozen=True, slots=True)
class ContrastRow:
    """One contrast: its name, what it weighs, the difference with its interval, and how it stands."""

    name: str
    weighs: Markup
    difference: str
    interval: str
    p_value: str
    badge: str
    tone: str
    reason: str
    mark: IntervalMark | None
    added: Markup


@dataclass(frozen=True, slots=True)
class ContrastGroup:
    """All contrasts of one metric, or of net benefit; drawn on one range."""

    metric: str
    rows: tuple[ContrastRow, ...]


@dataclass(frozen=True, slots=True)
class ContrastsView:
    """The contrasts metric after metric, money last, and how to read them."""

    groups: tuple[ContrastGroup, ...]
    note: Markup


def contrasts_view(facts: Facts) -> ContrastsView | None:
    """Give the contrasts; none where the spec asks for none or the readout is not valid."""
    found = [] if facts.invalid else list(facts.readout.get("contrasts") or ())
    if not found:
        return None
    groups = []
    for metric in dict.fromkeys(c["metric"] for c in found):
        own = [c for c in found if c["metric"] == metric]
        bounds = [b for c in own if bounded(c) for b in (c["ci_lower"], c["ci_upper"])]
        scale = scale_of(bounds) if bounds else None
        groups.append(ContrastGroup(_title(facts, metric), tuple(_row(facts, c, scale) for c in own)))
    words = facts.words
    note = words.say(
        "A main effect weighs the levels of the other factors equally. An interaction is what two factors "
        "give together beyond the sum of their parts. Contrasts do not decide; p-values of metrics are "
        "adjusted by Holm within a metric, those of net benefit are not."
    )
    told = this_look(facts)
    return ContrastsView(tuple(groups), words.sentences([note, told]) if told else note)


def _title(facts: Facts, metric: str | None) -> str:
    if metric is not None:
        return facts.metric_name(metric)
    return str(facts.words.say("Net benefit per {unit}, before fixed costs", unit=facts.unit()))


def _row(facts: Facts, c: Row, scale: Scale | None) -> ContrastRow:
    words = facts.words
    metric = NET if c["metric"] is None else facts.metric(c["metric"])
    name, weighs, interaction = _named(facts, c)
    if c["estimate"] is None or not bounded(c):
        word, tone = badge(words, None)
        reason = why_not(words, c["not_estimable"])
        return ContrastRow(name, weighs, "–", "", "", word, tone, reason, None, Markup(""))
    value, lower, upper = c["estimate"], c["ci_lower"], c["ci_upper"]
    step = step_of(metric, value, lower, upper)
    p = c["p_value_adjusted"] if c["p_value_adjusted"] is not None else c["p_value"]
    found = standing(c, str(metric.get("direction")), words.alpha)
    word, tone = badge(words, found)
    if interaction and found != "unsettled":
        word, tone = str(words.say("Above zero") if value > 0 else words.say("Below zero")), "plain"
    return ContrastRow(
        name=name,
        weighs=weighs,
        difference=change(words, metric, value, step),
        interval=span(words, metric, lower, upper, step),
        p_value="" if p is None else words.say("p {p}", p=words.p_value(p)),
        badge=word,
        tone=tone,
        reason="",
        mark=scale.mark(value, lower, upper) if scale else None,
        added=_added(facts, c["added"]) if c.get("added") else Markup(""),
    )


def _added(facts: Facts, money: Row) -> Markup:
    """Say what going from one arm to the other brings with fixed costs, and the return on what it adds."""
    words, net = facts.words, money["net_benefit"]
    values = {"net": words.money(net["estimate"], step=-2, signed=True), "roi": roi_words(words, money)}
    if bounds := roi_interval(words, money):
        return words.say(
            "with fixed costs {net}; ROI of what is added {roi} ({interval})", interval=bounds, **values
        )
    return words.say("with fixed costs {net}; ROI of what is added: {roi}", **values)


def _named(facts: Facts, c: Row) -> tuple[str, Markup, bool]:
    """Give the name of a contrast, what it weighs, and whether it is an interaction."""
    words, factors = facts.words, facts.plan.get("factors") or {}
    for factor, levels in factors.items():
        if c["id"] == f"main_{factor}":
            shown = words.say("Main effect of {factor}", factor=factor.replace("_", " "))
            return str(shown), words.say("{before} → {after}", before=levels[0], after=levels[1]), False
        if str(c["id"]).startswith(f"added_{factor}_to_"):
            base = next(arm for arm, weight in c["weights"].items() if weight < 0)
            name = words.say("{factor} on top of {arm}", factor=factor.replace("_", " "), arm=facts.arm(base))
            return str(name), Markup(""), False
    for first, second in combinations(factors, 2):
        if c["id"] == f"interaction_{first}_{second}":
            told = words.say(
                "Interaction of {first} and {second}",
                first=first.replace("_", " "),
                second=second.replace("_", " "),
            )
            return str(told), Markup(""), True
    return words.name(c["name"], str(c["id"]).replace("_", " ")), _weighs(facts, c), False


def _weighs(facts: Facts, c: Row) -> Markup:
    """Write the weights of a declared contrast, those above zero first."""
    words = facts.words
    parts = [
        words.say("{weight} × {arm}", weight=_weight(words, w), arm=facts.arm(arm))
        for arm, w in sorted(c["weights"].items(), key=lambda x: -x[1])
        if w
    ]
    return words.join(parts)


def _weight(words: Wording, value: float) -> Number:
    """Write a weight with its sign and no zeros at its end, such as +1 and −0.5."""
    step = next((s for s in (0, -1, -2) if abs(value - round(value, -s)) < 1e-9), -3)
    return words.number(value, step=step, signed=True)
