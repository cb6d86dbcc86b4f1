"""What every check found, in words with its numbers."""

from __future__ import annotations

from markupsafe import Markup

from loyalty_exp.report import data_words, design_words
from loyalty_exp.report.check_names import names_of
from loyalty_exp.report.deviations import registration_words
from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.wording import Wording


def detail_words(facts: Facts, check: Row) -> Markup:
    """Say the numbers of a check."""
    words, d, p = facts.words, check["detail"] or {}, check["p_value"]
    if check["status"] == "not_run":
        if check["check"] == "guardrails":
            return words.say("No guardrail was registered.")
        if check["check"] == "pre_period_balance":
            return design_words.balance(facts, d, p)
        if check["check"] == "registration":
            return registration_words(facts, d, p)
        return words.say("This check was not run.")
    made = {
        "sample_ratio": design_words.sample_ratio,
        "sample_ratio_by_segment": design_words.by_segment,
        "registration": registration_words,
        "allocation_drift": design_words.drift,
        "outlier": data_words.outlier,
        "pre_period_balance": design_words.balance,
        "missing_outcome": data_words.missing,
        "clusters_in_two_arms": design_words.split_clusters,
        "few_clusters": design_words.few_clusters,
        "skewed_and_unequal": data_words.skewed,
        "calendar": design_words.unusual_days,
        "contamination": design_words.reached,
        "compliance": design_words.reached,
        "trigger_rate": design_words.trigger,
    }.get(check["check"])
    if made is not None:
        return made(facts, d, p)
    if check["check"] == "units_in_two_arms":
        return words.say(
            "{n} {units} in more than one group ({share}).",
            n=words.count(d.get("units") or 0),
            units=facts.units(),
            share=words.share(d.get("share") or 0.0),
        )
    if check["check"] == "maturity":
        return words.say(
            "{n} of {all} {units} still have an open outcome window.",
            n=words.count(d.get("immature") or 0),
            all=words.count(d.get("units") or 0),
            units=facts.units(),
        )
    if check["check"] == "guardrails":
        return words.say("See the guardrail table for the allowed change of each.")
    if check["check"] == "data":
        codes = [_code_name(words, c) for c in d.get("codes") or []]
        return (
            words.say("Found: {list}.", list=words.join(codes))
            if codes
            else words.say("Nothing unusual was found.")
        )
    return data_words.other(facts, d, p)


def _code_name(words: Wording, code: object) -> str:
    names = names_of(str(code))
    return str(words.say(names[1])) if names else str(code).replace("_", " ")
