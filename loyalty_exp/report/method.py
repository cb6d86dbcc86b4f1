"""How this was worked out, and the words used: estimand, estimators, windows, costs, glossary."""

from __future__ import annotations

from markupsafe import Markup

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.report.deviations import AFTER_A_LOOK, LATE
from loyalty_exp.report.facts import Facts
from loyalty_exp.report.language import N_
from loyalty_exp.report.looks import look_lines
from loyalty_exp.report.wording import Wording

MULTIPLICITY = {
    "holm": N_("Holm"),
    "hochberg": N_("Hochberg"),
    "hommel": N_("Hommel"),
    "dunnett": N_("Dunnett"),
    "bonferroni": N_("Bonferroni"),
    "fixed_sequence": N_("in the order of the spec"),
    "gatekeeping": N_("Holm, once all primary metrics have passed"),
    "benjamini_hochberg": N_("Benjamini–Hochberg"),
    "benjamini_yekutieli": N_("Benjamini–Yekutieli"),
    "none": N_("no adjustment"),
}
WARNINGS = {
    "no_economics": N_("The spec names no benefit and no costs, so the page speaks of behavior only."),
    "no_covariates": N_("No covariate was given, so no estimate is adjusted."),
    "roi_unbounded": N_("Cost is known too loosely for an interval of ROI; read net benefit."),
    "provisional": N_("Some outcome windows are still open."),
    "unlocked": N_("The spec was not locked before the analysis."),
    "many_metrics": N_("Many metrics are compared at once."),
}


def method_lines(facts: Facts) -> tuple[Markup, ...]:
    """Give the method, one sentence or two for each point."""
    words = facts.words
    lines = [estimand(facts)]
    if not facts.invalid:
        lines += estimator_lines(facts)
        lines += look_lines(facts)
    lines.append(window_line(facts))
    if facts.economics:
        lines += cost_lines(facts)
    lines.append(adjustment(facts))
    lines.append(
        words.say(
            "Assumptions: one {unit} does not affect another, the records are as complete in every group, "
            "and the groups differ only in what they receive.",
            unit=facts.unit(),
        )
    )
    told = {c["check"] for c in facts.readout["health"]} | set(AFTER_A_LOOK) | set(LATE)
    lines += [warning(words, str(code)) for code in facts.readout["warnings"] if code not in told]
    return tuple(lines)


def estimand(facts: Facts) -> Markup:
    """Whom is compared with whom."""
    words = facts.words
    if facts.randomized and facts.clustered:
        return words.say(
            "Whole clusters of {units} were assigned to groups at random and are analyzed in the group they "
            "were assigned to, whether reached or not (intention to treat). Every number compares a group "
            "with control, with errors that allow for clusters.",
            units=facts.units(),
        )
    if facts.randomized:
        return words.say(
            "The {units} were assigned to groups at random and are analyzed in the "
            "group they were assigned to, "
            "whether reached or not (intention to treat). Every number compares a group with control.",
            units=facts.units(),
        )
    return words.say(
        "The groups were not formed at random. The comparison rests on the measured covariates; "
        "causes that were not measured can bias it."
    )


def estimator_lines(facts: Facts) -> list[Markup]:
    """How each metric was estimated; metrics with the same estimator share a line."""
    words = facts.words
    by: dict[str, list[str]] = {}
    for e in facts.overall("primary", "secondary", "guardrail"):
        names = by.setdefault(e["estimator"], [])
        if facts.metric_name(e["metric"]) not in names:
            names.append(facts.metric_name(e["metric"]))
    gains = [e["variance_reduction"] for e in facts.overall("primary") if e.get("variance_reduction")]
    lines = [
        words.say("{metrics}: {estimator}.", metrics=words.join(list(names)), estimator=estimator(words, key))
        for key, names in by.items()
    ]
    lines += [
        words.say("Further reading, which never decides: {estimator}.", estimator=estimator(words, key))
        for key in dict.fromkeys(e["estimator"] for e in facts.readout["readings"])
    ]
    if gains and gains[0] > 0:
        lines.append(
            words.say(
                "Adjustment for measures before launch removed {share} of the variance "
                "of the first primary metric.",
                share=words.percent(gains[0], step=0),
            )
        )
    return lines


def estimator(words: Wording, key: str) -> str:
    """Say an estimator in its own sentence; an unknown one is its id in words."""
    if key in ESTIMATORS:
        return words.name(ESTIMATORS[key].words, key).rstrip(".。")
    return key.replace("_", " ")


def window_line(facts: Facts) -> Markup:
    """When outcomes were counted."""
    words, plan = facts.words, facts.plan
    if plan.get("outcome_days") and plan.get("pre_days"):
        return words.say(
            "Outcomes are counted for {days} days from the start of each {unit}, and compared with "
            "{pre} days before. Time zone: {zone}.",
            days=words.count(plan["outcome_days"]),
            pre=words.count(plan["pre_days"]),
            unit=facts.unit(),
            zone=str(plan.get("timezone") or "UTC"),
        )
    if plan.get("outcome_days"):
        return words.say(
            "Outcomes are counted for {days} days from the start of each {unit}. Time zone: {zone}.",
            days=words.count(plan["outcome_days"]),
            unit=facts.unit(),
            zone=str(plan.get("timezone") or "UTC"),
        )
    return words.say("Outcomes are taken as the table of the experiment gives them.")


def cost_lines(facts: Facts) -> list[Markup]:
    """How benefit, costs and return were formed."""
    words, plan = facts.words, facts.plan
    benefit = plan.get("benefit") or {}
    lines = []
    if benefit.get("metric"):
        name = facts.metric_name(benefit["metric"])
        if benefit.get("margin") is not None:
            lines.append(
                words.say(
                    "Extra margin is the effect on {metric} times a margin of {margin}.",
                    metric=name,
                    margin=words.percent(benefit["margin"]),
                )
            )
        elif benefit.get("value") is not None:
            lines.append(
                words.say(
                    "Extra margin is the effect on {metric}, each valued at {value}.",
                    metric=name,
                    value=words.exact(benefit["value"]),
                )
            )
        else:
            lines.append(words.say("Extra margin is the effect on {metric}.", metric=name))
    for cost in plan.get("costs") or []:
        name = words.name(cost.get("name"), str(cost["id"]).replace("_", " "))
        if cost.get("fixed") is not None:
            lines.append(words.say("{cost}: {amount}, once.", cost=name, amount=words.exact(cost["fixed"])))
        elif isinstance(cost.get("per_unit"), (int, float)):
            lines.append(
                words.say(
                    "{cost}: {amount} for each assigned {unit}.",
                    cost=name,
                    amount=words.exact(cost["per_unit"]),
                    unit=facts.unit(),
                )
            )
        elif cost.get("per_event") and isinstance(cost.get("price"), (int, float)):
            lines.append(
                words.say(
                    "{cost}: {amount} for each {event}, beyond what control causes.",
                    cost=name,
                    amount=words.number(cost["price"]) if not words.symbol else words.money(cost["price"]),
                    event=facts.metric_name(str(cost["per_event"])),
                )
            )
    lines.append(
        words.say(
            "Net benefit is extra margin less all program costs; ROI is net "
            "benefit divided by those costs. "
            "A subsidy is a cost and never also a smaller benefit."
        )
    )
    return lines


def adjustment(facts: Facts) -> Markup:
    """Level and adjustment for many comparisons."""
    words, many = facts.words, facts.plan.get("multiplicity") or {}

    def method(role: str) -> str:
        return str(words.say(MULTIPLICITY.get(str(many.get(role)), MULTIPLICITY["none"])))

    return words.say(
        "Intervals are at {level}, each on its own. P-values are adjusted for many comparisons: "
        "primary metrics {primary}, secondary metrics {secondary}.",
        level=words.level(),
        primary=method("primary"),
        secondary=method("secondary"),
    )


def warning(words: Wording, code: str) -> Markup:
    """Say a warning; an unknown code is printed as words."""
    if code in WARNINGS:
        return words.say(WARNINGS[code])
    return words.say("Note: {note}.", note=code.replace("_", " "))
