"""Metrics read in other ways: the same effect by further methods, which never decide."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.language import N_
from loyalty_exp.report.said import change, said, step_of
from loyalty_exp.report.wording import Number, Wording

METHODS = {
    "welch": N_("Welch's t test"),
    "z": N_("Normal distribution (z)"),
    "cuped": N_("Adjusted for before launch (CUPED)"),
    "lin": N_("Adjusted by regression (Lin)"),
    "delta_lift": N_("Lift by the delta method"),
    "log_lift": N_("Lift on the logarithmic scale"),
    "stratified": N_("Within strata"),
    "post_stratified": N_("Within strata, random shares"),
    "clusters": N_("Robust to clusters"),
    "miettinen_nurminen": N_("Score test (Miettinen–Nurminen)"),
    "newcombe": N_("Score interval (Newcombe)"),
    "ratio_delta": N_("Delta method"),
    "ratio_cuped": N_("Delta method, adjusted"),
    "ratio_clusters": N_("Delta method over clusters"),
    "quantile_difference": N_("Difference of quantiles"),
    "quantile_bootstrap": N_("Bootstrap of quantiles"),
    "censored_rate": N_("Rate with open windows (Kaplan–Meier)"),
    "cox": N_("Hazard ratio (Cox), adjusted"),
    "msprt": N_("At every look (mSPRT)"),
    "normal_prior": N_("Posterior under a declared prior"),
    "winsorized": N_("Largest values capped"),
    "mann_whitney": N_("Ranks (Mann–Whitney)"),
    "poisson_bootstrap": N_("Poisson bootstrap"),
    "randomization": N_("Randomization test"),
    "bootstrap": N_("Bootstrap (BCa)"),
    "brunner_munzel": N_("Ranks (Brunner–Munzel)"),
    "fisher": N_("Exact test (Fisher)"),
    "boschloo": N_("Exact test (Boschloo)"),
    "risk_ratio": N_("Ratio of proportions"),
    "beta_binomial": N_("Posterior of both proportions"),
}


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One way to read a metric; `more` names what it read with, `result` is its p-value or why not."""

    method: str
    arm: str
    difference: str
    interval: str
    more: Markup
    result: str
    decides: bool


@dataclass(frozen=True, slots=True)
class ReadingGroup:
    """All ways one metric was read; the one in the metric table comes first."""

    metric: str
    rows: tuple[ReadingRow, ...]


def reading_groups(facts: Facts) -> tuple[ReadingGroup, ...]:
    """Give the readings metric after metric; none when the readout is not valid."""
    readings = [] if facts.invalid else list(facts.readout["readings"])
    groups = []
    for metric in dict.fromkeys(e["metric"] for e in readings):
        own = [e for e in facts.overall("primary", "secondary", "guardrail") if e["metric"] == metric]
        rows = []
        for estimate in own:
            rows.append(reading_row(facts, estimate, decides=True))
            arm = estimate["treatment"]
            rows += [
                reading_row(facts, e) for e in readings if e["metric"] == metric and e["treatment"] == arm
            ]
        groups.append(ReadingGroup(facts.metric_name(metric), tuple(rows)))
    return tuple(groups)


def reading_row(facts: Facts, estimate: Row, *, decides: bool = False) -> ReadingRow:
    """Give one reading; the first of a metric is that of the metric table."""
    words, found = facts.words, said(facts, estimate, this_look=not decides)
    key = estimate["estimator"]
    name = words.say(METHODS[key]) if key in METHODS else key.replace("_", " ")
    difference, interval = ratio_words(words, estimate) or (found.difference, found.interval)
    return ReadingRow(
        method=name,
        arm=facts.arm(estimate["treatment"]),
        difference=difference,
        interval=interval,
        more=more_words(facts, estimate),
        result=result_words(facts, estimate, found.p_value, found.reason),
        decides=decides,
    )


def ratio_words(words: Wording, estimate: Row) -> tuple[str, str] | None:
    """Write a hazard ratio and its interval; None for a difference."""
    known = estimate.get("facts") or {}
    if "hazard_ratio" not in known:
        return None
    ratio, low, high = (
        words.number(known[k], step=-2) for k in ("hazard_ratio", "hazard_ratio_lower", "hazard_ratio_upper")
    )
    return ratio, words.say("{lower} to {upper}", lower=low, upper=high)


def result_words(facts: Facts, estimate: Row, p_value: str, reason: str) -> str:
    """Give the p-value, the posterior probability, or the reason for neither."""
    words, known = facts.words, estimate.get("facts") or {}
    if estimate["absolute"] is None:
        return reason
    if p_value:
        return p_value
    if "probability_positive" in known:
        return words.say(
            "posterior probability above zero {chance}", chance=words.chance(known["probability_positive"])
        )
    return str(words.say("no p-value"))


def more_words(facts: Facts, estimate: Row) -> Markup:
    """Say what a method read with: its prior, its cap, or what its ranks say."""
    words, known = facts.words, estimate.get("facts") or {}
    if "cap" in known:
        return words.say(
            "{n} values above {cap} counted as {cap}",
            n=words.count(known.get("capped") or 0.0),
            cap=amount(facts, estimate, known["cap"]),
        )
    if "probability_larger" in known:
        return words.say(
            "larger than control in {share} of pairs, ties as half",
            share=words.share(known["probability_larger"]),
        )
    if "mixture_sd" in known:
        return words.say(
            "mixture over effects: standard deviation {sd}", sd=amount(facts, estimate, known["mixture_sd"])
        )
    if "prior_sd" in known:
        return words.say(
            "prior: normal, mean {mean}, standard deviation {sd}; the interval is a credible one",
            mean=amount(facts, estimate, known.get("prior_mean") or 0.0),
            sd=amount(facts, estimate, known["prior_sd"]),
        )
    if "probability_positive" not in known:
        return Markup("")
    if "probability_best" in known:
        return words.say(
            "prior: flat; the interval is a credible one; best of all arms with probability {chance}, "
            "control with {control}",
            chance=words.chance(known["probability_best"]),
            control=words.chance(known["probability_control_best"]),
        )
    return words.say("prior: flat; the interval is a credible one")


def amount(facts: Facts, estimate: Row, value: float) -> Number:
    """Write an amount of a metric without a plus sign."""
    metric = facts.metric(estimate["metric"])
    return Number(change(facts.words, metric, value, step_of(metric, value, value, value)).removeprefix("+"))
