"""Can we trust it: every check of the readout as a name, a badge and a sentence with its numbers."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.language import N_
from loyalty_exp.report.wording import Wording

NAMES = {
    "sample_ratio": (N_("Group sizes as planned"), N_("Group sizes not as planned")),
    "units_in_two_arms": (N_("Nobody in two groups"), N_("Some in two groups at once")),
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
    "suspicious_uplift": (N_("Effects of a believable size"), N_("Effects of a suspicious size")),
    "no_variance": (N_("All metrics vary"), N_("A metric does not vary")),
    "zero_control_mean": (N_("Control is above zero"), N_("Control is zero")),
}
ORDER = (
    "sample_ratio",
    "units_in_two_arms",
    "pre_period_balance",
    "missing_outcome",
    "maturity",
    "data",
    "guardrails",
)
FINDINGS = frozenset(
    [
        "duplicate_orders",
        "unknown_members",
        "after_data_to",
        "negative_amount",
        "immature",
        "before_assignment",
        "assigned_after_end",
        "not_assigned",
        "outside_population",
        "refund_without_order",
        "multi_exposure",
    ]
)
"""Findings in the data: the check `data` speaks for them."""


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check; `tone` picks the icon."""

    name: str
    tone: str
    badge: str
    detail: Markup


def check_rows(facts: Facts) -> tuple[CheckRow, ...]:
    """Give all checks, in the order of the readout."""
    return tuple(check_row(facts, c) for c in facts.readout["health"] if not _withheld(facts, c))


def strip(facts: Facts) -> tuple[CheckRow, ...]:
    """Give the six checks of the first screen: the bad ones first, then the ones that matter most."""
    severity = {"fail": 0, "warn": 1, "pass": 2, "not_run": 3}
    rank = {name: i for i, name in enumerate(ORDER)}
    found = [
        c
        for c in facts.readout["health"]
        if c["check"] in rank or (c["status"] in {"warn", "fail"} and c["check"] not in FINDINGS)
    ]
    found = [c for c in found if c["status"] != "not_run" and not _withheld(facts, c)]
    found.sort(key=lambda c: (severity[c["status"]], rank.get(c["check"], 99)))
    return tuple(check_row(facts, c) for c in found[:6])


def concerns(facts: Facts) -> list[Row]:
    """Give the checks that need a look; what the check of the data gathers is told once."""
    bad = [c for c in facts.readout["health"] if c["status"] in {"warn", "fail"}]
    return [c for c in bad if c["check"] not in FINDINGS]


def _withheld(facts: Facts, check: Row) -> bool:
    twice = check["check"] == "missing_outcome" and "rows" in (check["detail"] or {})
    return twice or (facts.invalid and check["check"] in {"guardrails", "suspicious_uplift"})


def check_row(facts: Facts, check: Row) -> CheckRow:
    """Put one check into words."""
    words, status = facts.words, check["status"]
    names = NAMES.get(check["check"])
    good = status in {"pass", "not_run"} and not (check["detail"] or {}).get("rows")
    badge, tone = {
        "pass": (words.say("Pass"), "pass"),
        "warn": (words.say("Look"), "watch"),
        "fail": (words.say("Fail"), "fail"),
        "not_run": (words.say("Not run"), "plain"),
    }[status]
    name = str(words.say(names[0] if good else names[1])) if names else check["check"].replace("_", " ")
    if check["check"] == "guardrails" and status != "not_run":
        d = check["detail"]
        name = str(
            words.say(
                "Guardrails: {met} met, {breached} breached, {open} unsettled",
                met=words.count(_size(d.get("passed"))),
                breached=words.count(_size(d.get("breached"))),
                open=words.count(_size(d.get("unsettled"))),
            ).striptags()
        )
    return CheckRow(name=name, tone=tone, badge=badge, detail=detail_words(facts, check))


def _size(value: object) -> float:
    if isinstance(value, (list, tuple)):
        return float(len(value))
    return float(value) if isinstance(value, (int, float)) else 0.0


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
        "pre_period_balance": balance,
        "missing_outcome": missing,
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
    return words.say("{arms}; chi-squared test p {p}.", arms=words.join(arms), p=words.p_value(p))


def balance(facts: Facts, d: Row, p: float | None) -> Markup:
    """The largest standardised difference before launch."""
    words, worst = facts.words, d.get("worst")
    if not worst:
        return words.say("No covariate from before launch was given, so this was not compared.")
    return words.say(
        "Largest standardised difference {value} ({column}); up to {limit} passes.",
        value=words.number(worst.get("value") or 0.0, step=-3),
        column=facts.column_name(str(worst.get("column", ""))),
        limit=words.number(d.get("threshold") or 0.1, step=-2),
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
