"""Can we trust it: every check of the readout as a name, a badge and a sentence with its numbers."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.check_names import FINDINGS, names_of
from loyalty_exp.report.check_words import detail_words
from loyalty_exp.report.deviations import registration
from loyalty_exp.report.facts import Facts, Row

ORDER = (
    "sample_ratio",
    "units_in_two_arms",
    "pre_period_balance",
    "missing_outcome",
    "maturity",
    "registration",
    "data",
    "guardrails",
)


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check; `tone` picks the icon."""

    name: str
    tone: str
    badge: str
    detail: Markup


def all_checks(facts: Facts) -> list[Row]:
    """Give the checks of the readout, then whether the plan is the one that was registered."""
    return [*facts.readout["health"], registration(facts)]


def check_rows(facts: Facts) -> tuple[CheckRow, ...]:
    """Give all checks, in the order of the readout."""
    return tuple(check_row(facts, c) for c in all_checks(facts) if not _withheld(facts, c))


def strip(facts: Facts) -> tuple[CheckRow, ...]:
    """Give the six checks of the first screen: the bad ones first, then the ones that matter most."""
    severity = {"fail": 0, "warn": 1, "pass": 2, "not_run": 3}
    rank = {name: i for i, name in enumerate(ORDER)}
    found = [
        c
        for c in all_checks(facts)
        if c["check"] in rank or (c["status"] in {"warn", "fail"} and c["check"] not in FINDINGS)
    ]
    found = [c for c in found if c["status"] != "not_run" and not _withheld(facts, c)]
    found.sort(key=lambda c: (severity[c["status"]], rank.get(c["check"], 99)))
    return tuple(check_row(facts, c) for c in found[:6])


def concerns(facts: Facts) -> list[Row]:
    """Give the checks that need a look; what the check of the data gathers is told once."""
    bad = [c for c in all_checks(facts) if c["status"] in {"warn", "fail"}]
    return [c for c in bad if c["check"] not in FINDINGS]


def _withheld(facts: Facts, check: Row) -> bool:
    twice = check["check"] == "missing_outcome" and "rows" in (check["detail"] or {})
    return twice or (facts.invalid and check["check"] in {"guardrails", "suspicious_uplift"})


def check_row(facts: Facts, check: Row) -> CheckRow:
    """Put one check into words."""
    words, status = facts.words, check["status"]
    names = names_of(check["check"])
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
