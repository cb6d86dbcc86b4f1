"""Calendar, rule and method of a plan in words."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.planning.plan_words import Says
from loyalty_exp.report.language import N_

STEPS = {
    "first_unit": N_("First unit enters"),
    "last_unit": N_("Last unit enters"),
    "outcomes_over": N_("Last outcome window is over"),
    "data_final": N_("Refunds and late rows are in: data are final"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the calendar."""

    name: Markup
    day: str
    date: str


def calendar(say: Says) -> tuple[Step, ...]:
    """Give the steps of the test."""
    words = say.words
    return tuple(
        Step(_name(say, s["step"]), words.count(s["day"]), words.day(s["date"]) or "–")
        for s in say.facts["calendar"]
    )


def _name(say: Says, step: str) -> Markup:
    if step in STEPS:
        return say.words.say(STEPS[step])
    return say.words.say("Look {number}", number=say.words.count(int(step.rpartition("_")[2])))


def rule(say: Says) -> tuple[Markup, ...]:
    """Give the rule, a sentence each."""
    words, r = say.words, say.facts["rule"]
    told = []
    if r["primary"]:
        metrics = words.join([say.metric(m) for m in r["primary"]])
        told.append(words.say("Decides: {metrics}.", metrics=metrics))
    if r["guardrails"]:
        metrics = words.join([say.metric(m) for m in r["guardrails"]])
        told.append(words.say("Must not get worse than its margin: {metrics}.", metrics=metrics))
    told.append(
        words.say(
            "Error rate {alpha} in all, two-sided; power {power}.",
            alpha=words.percent(r["alpha"]),
            power=words.percent(r["power"], step=0),
        )
    )
    ship = r["ship_if"] or {}
    if ship.get("probability_net_benefit_positive"):
        told.append(
            words.say(
                "Scale when net benefit is above zero with a probability of at least {p}.",
                p=words.chance(ship["probability_net_benefit_positive"]),
            )
        )
    if ship.get("probability_roi_above_hurdle"):
        told.append(
            words.say(
                "Scale when ROI is above {hurdle} with a probability of at least {p}.",
                hurdle=words.percent(r["hurdle"] or 0.0),
                p=words.chance(ship["probability_roi_above_hurdle"]),
            )
        )
    if ship.get("net_benefit_lower_above") is not None:
        told.append(
            words.say(
                "Scale when the interval of net benefit lies above {bound}.",
                bound=words.money(ship["net_benefit_lower_above"]),
            )
        )
    if ship.get("primary_improves"):
        told.append(words.say("Scale when every primary metric is better."))
    if r["hurdle"] is not None:
        told.append(words.say("Nothing is scaled while the interval of net benefit holds zero."))
    told += _stops(say)
    told.append(_looks(say))
    return tuple(told)


def _stops(say: Says) -> list[Markup]:
    words, stop, told = say.words, say.facts["rule"]["stop_if"] or {}, []
    limit = stop.get("probability_net_benefit_positive")
    if limit is not None and say.facts["rule"]["hurdle"] is not None:
        told.append(
            words.say(
                "Stop when net benefit is above zero with a probability of at most {p}, and its interval "
                "lies below zero.",
                p=words.chance(limit),
            )
        )
    if stop.get("primary_worsens"):
        told.append(
            words.say("Stop when a primary metric is worse.")
            if say.facts["rule"]["hurdle"] is None
            else words.say("Stop when a primary metric is worse and net benefit is not above zero.")
        )
    return told


def _looks(say: Says) -> Markup:
    words, plan = say.words, say.facts["rule"]["sequential"]
    if plan is None:
        return words.say("Results are read once, when outcomes are complete.")
    if plan["method"] == "group_sequential":
        shares = words.join([words.percent(share) for share in plan["looks"]])
        return words.say(
            "Results are read at {shares} of the units, at bounds that keep the error rate.", shares=shares
        )
    return words.say("Results may be read on any day, by intervals that hold at all looks together.")


def method(say: Says) -> tuple[Markup, ...]:
    """Say where the numbers come from."""
    words, h = say.words, say.facts["history"]
    told = []
    if h["as_of"]:
        told.append(
            words.say(
                "Baselines are those of {units} units of the population on {day}, outcomes until "
                "{last}, read by the "
                "same windows and estimators as the readout.",
                units=words.count(h["units"]),
                day=words.day(h["as_of"]),
                last=words.day(h["last_day"]),
            )
        )
    elif h["units"]:
        told.append(
            words.say(
                "Baselines are those of {units} units of control in the per-unit table.",
                units=words.count(h["units"]),
            )
        )
    else:
        told.append(words.say("Baselines are given by hand in the spec."))
    if h["entry_per_day"] and not say.facts["rule"]["entry_per_day"]:
        told.append(
            words.say("{rate} units enter a day, as in the past.", rate=words.number(h["entry_per_day"]))
        )
    if h["cluster_size"]:
        told.append(words.say("A cluster has {size} units on average.", size=words.number(h["cluster_size"])))
    told.append(
        words.say(
            "The spread of a metric is what its estimator leaves: after covariates, strata and, "
            "where whole clusters "
            "are drawn, with their likeness."
        )
    )
    told.append(
        words.say(
            "A plan holds as far as the past is like the time of the test; prices, seasons and "
            "offers of others "
            "are not in it."
        )
    )
    if say.facts["money"]:
        told.append(
            words.say(
                "A cost that counts events is taken to vary in proportion to its mean, as it did in the past."
            )
        )
    return tuple(told)
