"""What every check found, in words with its numbers."""

from __future__ import annotations

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.language import N_
from loyalty_exp.report.wording import Wording

NAMES = {
    "sample_ratio": (N_("Group sizes as planned"), N_("Group sizes not as planned")),
    "units_in_two_arms": (N_("Nobody in two groups"), N_("Some in two groups at once")),
    "allocation_drift": (N_("Group shares steady over time"), N_("Group shares drift over time")),
    "clusters_in_two_arms": (N_("No cluster in two groups"), N_("Some clusters in two groups")),
    "few_clusters": (N_("Enough clusters"), N_("Few clusters")),
    "missing_outcome": (N_("Outcomes complete"), N_("Outcomes missing")),
    "pre_period_balance": (N_("Groups alike before launch"), N_("Groups differ before launch")),
    "maturity": (N_("Outcome windows complete"), N_("Outcomes still open")),
    "guardrails": (N_("Guardrails met"), N_("Guardrails need a look")),
    "data": (N_("Data as expected"), N_("Data need a look")),
    "duplicate_orders": (N_("No duplicate orders"), N_("Duplicate orders")),
    "unknown_members": (N_("All rows belong to a known unit"), N_("Rows of unknown units")),
    "after_data_to": (N_("No rows after the data date"), N_("Rows after the data date")),
    "negative_amount": (N_("No negative amounts"), N_("Negative amounts")),
    "immature": (N_("No open windows"), N_("Units with open windows")),
    "before_assignment": (N_("No activity before assignment"), N_("Activity before assignment")),
    "assigned_after_end": (N_("Nobody assigned after the end"), N_("Assigned after the end")),
    "not_assigned": (N_("All units assigned"), N_("Units not assigned")),
    "outside_population": (N_("All units in the population"), N_("Units outside the population")),
    "refund_without_order": (N_("Every refund has its order"), N_("Refunds without an order")),
    "multi_exposure": (N_("Nobody in two groups"), N_("Some in two groups at once")),
    "outlier": (N_("No implausible values"), N_("Implausible values")),
    "suspicious_uplift": (N_("Effects of a believable size"), N_("Effects of a suspicious size")),
    "skewed_and_unequal": (N_("Values not too skewed"), N_("Very skewed values")),
    "no_variance": (N_("All metrics vary"), N_("A metric does not vary")),
    "zero_control_mean": (N_("Control is above zero"), N_("Control is zero")),
}


def detail_words(facts: Facts, check: Row) -> Markup:
    """Say the numbers of a check."""
    words, d, p = facts.words, check["detail"] or {}, check["p_value"]
    if check["status"] == "not_run":
        if check["check"] == "guardrails":
            return words.say("No guardrail was registered.")
        if check["check"] == "pre_period_balance":
            return balance(facts, d, p)
        return words.say("This check was not run.")
    made = {
        "sample_ratio": sample_ratio,
        "allocation_drift": drift,
        "outlier": outlier,
        "pre_period_balance": balance,
        "missing_outcome": missing,
        "clusters_in_two_arms": split_clusters,
        "few_clusters": few_clusters,
        "skewed_and_unequal": skewed,
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
    return other(facts, d, p)


def _code_name(words: Wording, code: object) -> str:
    names = NAMES.get(str(code))
    return str(words.say(names[1])) if names else str(code).replace("_", " ")


def sample_ratio(facts: Facts, d: Row, p: float | None) -> Markup:
    """Observed counts beside planned shares."""
    words = facts.words
    planned = d.get("planned") or {}
    arms = [
        words.say(
            "{arm} {n} (planned {share})",
            arm=facts.arm(arm),
            n=words.count(n),
            share=words.percent(planned[arm], step=-1),
        )
        if arm in planned
        else words.say("{arm} {n}", arm=facts.arm(arm), n=words.count(n))
        for arm, n in (d.get("observed") or {}).items()
    ]
    if p is None:
        return words.say("{arms}.", arms=words.join(arms))
    values = {"arms": words.join(arms), "p": words.p_value(p)}
    if any(e.get("sequential") for e in facts.readout["estimates"]):
        told = words.say("{arms}; test that holds at every look, p {p}.", **values)
    else:
        told = words.say("{arms}; chi-squared test p {p}.", **values)
    return words.sentences([told, words.say("Whole clusters are counted.")]) if facts.clustered else told


def drift(facts: Facts, d: Row, p: float | None) -> Markup:
    """Whether the groups shared the units alike over the time of assignment, and where least so."""
    words, worst = facts.words, d.get("worst") or {}
    periods, p_value = words.count(d.get("periods") or 0), words.p_value(1.0 if p is None else p)
    told = words.say("Compared over {n} periods of assignment; chi-squared test p {p}.", n=periods, p=p_value)
    if p is None or p >= (d.get("threshold") or 0.0) or not worst.get("shares"):
        return told
    arms = [
        words.say("{arm} {share}", arm=facts.arm(arm), share=words.percent(share, step=-1))
        for arm, share in worst["shares"].items()
    ]
    where = words.say(
        "Furthest off in the period from {day}: {arms}.",
        day=words.day(worst["begins"]),
        arms=words.join(arms),
    )
    return words.sentences([told, where, words.say("Read the effects by phase of assignment.")])


def outlier(facts: Facts, d: Row, p: float | None) -> Markup:
    """Values that no money and no count of a program reaches."""
    words = facts.words
    return words.say(
        "{n} {units} with a value beyond {limit} in {column}; correct it, or give the metric a cap.",
        n=words.count(d.get("rows") or 0),
        units=facts.units(),
        limit=words.count(d.get("limit") or 0.0),
        column=facts.column_name(str(d.get("column", ""))),
    )


def balance(facts: Facts, d: Row, p: float | None) -> Markup:
    """The largest standardized difference before launch."""
    words, worst = facts.words, d.get("worst")
    if not worst:
        return words.say("No covariate from before launch was given, so this was not compared.")
    return words.say(
        "Largest standardized difference {value} ({column}); up to {limit} passes.",
        value=words.number(worst.get("value") or 0.0, step=-3),
        column=facts.column_name(str(worst.get("column", ""))),
        limit=words.number(d.get("threshold") or 0.1, step=-2),
    )


def split_clusters(facts: Facts, d: Row, p: float | None) -> Markup:
    """Clusters whose units are in more than one group."""
    n = d.get("clusters") or 0
    if not n:
        return facts.words.say("No cluster has {units} in more than one group.", units=facts.units())
    return facts.words.say(
        "{n} clusters have {units} in more than one group; whole clusters should share one group.",
        n=facts.words.count(n),
        units=facts.units(),
    )


def few_clusters(facts: Facts, d: Row, p: float | None) -> Markup:
    """How many clusters there are to compare."""
    words, n = facts.words, facts.words.count(d.get("clusters") or 0)
    told = words.say("{n} clusters.", n=n)
    if (d.get("clusters") or 0) >= 20:
        return told
    return words.sentences(
        [told, words.say("With fewer than 20, intervals rest on rough approximations; read them with care.")]
    )


def skewed(facts: Facts, d: Row, p: float | None) -> Markup:
    """Metrics whose intervals may miss more often on one side."""
    words = facts.words
    return words.say(
        "{metrics}: values are so skewed, in groups of unequal size or spread, that a Welch interval misses "
        "more often on one side. Consider a capped reading or a randomization test beside it.",
        metrics=words.join([facts.metric_name(str(m)) for m in d.get("metrics") or []]),
    )


def missing(facts: Facts, d: Row, p: float | None) -> Markup:
    """Missing outcomes by column."""
    words = facts.words
    columns = [c for c in d.get("columns") or [] if c.get("units")]
    if not columns:
        return words.say("No outcome is missing.")
    listed = words.join(
        [
            words.say("{name} {n}", name=facts.column_name(str(c["column"])), n=words.count(c["units"]))
            for c in columns[:4]
        ]
    )
    worst = d.get("worst_p")
    if worst is None:
        return words.say("Missing outcomes: {list}.", list=listed)
    return words.say(
        "Missing outcomes: {list}; test for a difference between groups p {p}.",
        list=listed,
        p=words.p_value(worst),
    )


def other(facts: Facts, d: Row, p: float | None) -> Markup:
    """Rows found with the money they hold, metrics named, or only a p-value."""
    words = facts.words
    if d.get("rows") is not None:
        values = {"n": words.count(d["rows"]), "share": words.share(d.get("share") or 0.0)}
        if d.get("total") is not None and not facts.invalid:
            return words.say(
                "{n} found ({share}), {amount} in all.", amount=words.exact(d["total"]), **values
            )
        return words.say("{n} found ({share}).", **values)
    if d.get("metrics"):
        return words.say(
            "Metrics: {list}.", list=words.join([facts.metric_name(str(m)) for m in d["metrics"]])
        )
    if p is not None:
        return words.say("p {p}.", p=words.p_value(p))
    return words.say("No further numbers.")
