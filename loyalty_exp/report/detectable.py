"""What the test could have found: the smallest effect on the first primary metric, as units come in.

Drawn from the standard error that was reached, which shrinks with the root of the units. The effect that was
seen is a line across and never a power of its own: "observed power" says nothing that the p-value does not
(Hoenig and Heisey 2001, The American Statistician 55(1), 19-24).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.said import change, step_of
from loyalty_exp.report.wording import Number
from loyalty_exp.stats.distributions import normal_quantile

POWER = 0.8
SHARES = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0)
"""Units of the table, as parts of those there were."""


@dataclass(frozen=True, slots=True)
class DetectableView:
    """The curve, the point that was reached, the effect that was seen, and the same in words."""

    metric: Row
    title: Markup
    described: Markup
    note: Markup
    reached: tuple[float, float]
    seen: float
    step: int
    here: str
    across: str
    below: str
    rows: tuple[tuple[str, str], ...]
    figures: tuple[tuple[float, float], ...]


def detectable_view(facts: Facts) -> DetectableView | None:
    """Give the chart; none without a standard error, and none where looks were planned before the end."""
    found = next((e for e in facts.overall("primary") if e["treatment"] == facts.shown), None)
    if found is None or facts.look is not None or not found["absolute"] or not facts.randomized:
        return None
    error, units = found["absolute"]["std_error"], found["units_treatment"]
    if not error or not units:
        return None
    words, metric = facts.words, facts.metric(found["metric"])
    least = (normal_quantile(1 - words.alpha / 2) + normal_quantile(POWER)) * error
    seen = found["absolute"]["estimate"]
    step = step_of(metric, least, least, least)

    def written(value: float) -> Number:
        return Number(change(words, metric, value, step).removeprefix("+"))

    figures = tuple((units * s, least / math.sqrt(s)) for s in SHARES)
    values = {"n": words.count(units), "units": facts.units(), "least": written(least)}
    return DetectableView(
        metric=metric,
        title=words.say(
            "What could this test have found? {metric}", metric=facts.metric_name(found["metric"])
        ),
        described=words.say(
            "With {n} {units} in the arm, a true difference of {least} or more is found in {power} of such "
            "tests; smaller ones are often missed. The difference seen is {seen}.",
            power=words.percent(POWER, step=0),
            seen=change(words, metric, seen, step),
            **values,
        ),
        note=words.say(
            "Two-sided test at the registered level, from the standard error that was reached; with four "
            "times the units, half the difference is found. The line across is the difference seen, which "
            "says nothing about power."
        ),
        reached=(float(units), least),
        seen=abs(seen),
        step=step,
        here=str(words.say("{n}: {least}", **values).striptags()),
        across=str(words.say("seen: {value}", value=change(words, metric, seen, step)).striptags()),
        below=str(words.say("{units} in the arm", units=facts.units()).striptags()),
        rows=tuple((words.count(n), written(difference)) for n, difference in figures),
        figures=figures,
    )
