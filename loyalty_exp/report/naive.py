"""The panel of comparisons that are not causal, with the randomized one of the same metric as last line."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.language import N_
from loyalty_exp.report.marks import IntervalMark, Scale, scale_of
from loyalty_exp.report.said import change, level, relative_words, said, step_of, why_not
from loyalty_exp.report.settled import bounded, deciding

NAMES = {
    "before_after": N_("Before and after"),
    "before_after_market_adjusted": N_("Before and after, less market growth"),
    "participated": N_("Took part or not"),
    "members": N_("Members or not"),
}
WHY = {
    "before_after": N_("mixes in the season, the market and the return to the usual"),
    "before_after_market_adjusted": N_("takes these members for the market"),
    "participated": N_("who takes part chose to, and may have bought anyway"),
    "members": N_("who joins often bought more already"),
}


@dataclass(frozen=True, slots=True)
class NaiveRow:
    """One comparison: its two groups, how they differ, and a dot without an interval; or the causal line."""

    name: str
    why: str
    first: str
    first_units: str
    other: str
    other_units: str
    difference: str
    more: str
    mark: IntervalMark | None
    causal: bool


@dataclass(frozen=True, slots=True)
class NaiveGroup:
    """The comparisons of one arm."""

    arm: str
    metric: str
    rows: tuple[NaiveRow, ...]


def naive_groups(facts: Facts) -> tuple[NaiveGroup, ...]:
    """Give the comparisons of every arm, the one shown first; none when the readout is not valid."""
    found = () if facts.invalid else facts.readout.get("naive") or ()
    ordered = sorted(found, key=lambda n: n["treatment"] != facts.shown)
    return tuple(naive_group(facts, n) for n in ordered)


def naive_group(facts: Facts, found: Row) -> NaiveGroup:
    """Give one arm; all lines are drawn on one range."""
    causal = next(
        (
            e
            for e in facts.overall("primary", "secondary", "guardrail")
            if (e["metric"], e["treatment"]) == (found["metric"], found["treatment"])
        ),
        None,
    )
    own = deciding(causal) if causal else None
    values = [f["difference"] for f in found["figures"] if f["difference"] is not None]
    if own is not None:
        values += [own[k] for k in ("estimate", "ci_lower", "ci_upper") if own[k] is not None]
    scale = scale_of(values)
    rows = [naive_row(facts, found["metric"], f, scale) for f in found["figures"]]
    if causal is not None:
        rows.append(causal_row(facts, causal, own, scale))
    return NaiveGroup(facts.arm(found["treatment"]), facts.metric_name(found["metric"]), tuple(rows))


def naive_row(facts: Facts, metric_id: str, f: Row, scale: Scale) -> NaiveRow:
    """Give one comparison, or why there is none."""
    words, metric, key = facts.words, facts.metric(metric_id), f["comparison"]
    name, why = words.say(NAMES[key]), words.say(WHY[key])
    value = f["difference"]
    if value is None:
        return NaiveRow(
            name, why, "–", "", "–", "", "–", why_not(words, f["not_estimable"]), None, causal=False
        )
    return NaiveRow(
        name=name,
        why=why,
        first=level(words, metric, f["mean"]),
        first_units=units(facts, f["units"]),
        other=level(words, metric, f["mean_other"]),
        other_units=units(facts, f["units_other"]),
        difference=change(words, metric, value, step_of(metric, value, value, value)),
        more="" if f["relative"] is None else relative_words(words, {"estimate": f["relative"]}),
        mark=scale.mark(value, value, value),
        causal=False,
    )


def causal_row(facts: Facts, estimate: Row, own: Row | None, scale: Scale) -> NaiveRow:
    """Give the randomized comparison, with the interval that decides."""
    words, metric, told = facts.words, facts.metric(estimate["metric"]), said(facts, estimate)
    whole = own is not None and bounded(own)
    return NaiveRow(
        name=words.say("Randomized comparison"),
        why=words.say("the arm against control; chance made the groups alike"),
        first=level(words, metric, estimate["mean_treatment"]),
        first_units=units(facts, estimate["units_treatment"]),
        other=level(words, metric, estimate["mean_control"]),
        other_units=units(facts, estimate["units_control"]),
        difference=told.difference,
        more=told.reason
        or Markup(" · ").join(x for x in (told.relative, told.interval) if x not in ("", "–")),
        mark=scale.mark(own["estimate"], own["ci_lower"], own["ci_upper"]) if own and whole else None,
        causal=True,
    )


def units(facts: Facts, count: int) -> Markup:
    """Write a number of units."""
    return facts.words.say("{n} {units}", n=facts.words.count(count), units=facts.units())
