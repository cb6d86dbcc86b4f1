"""Why a readout is not valid, in words; and the reasons of a decision by their codes."""

from __future__ import annotations

from markupsafe import Markup

from loyalty_exp.report.checks import check_row
from loyalty_exp.report.facts import Facts, Row, shortened


def reason(facts: Facts, code: str, **match: str) -> Row | None:
    """Find a reason by its code."""
    for r in facts.decision["reasons"]:
        if r["code"] == code and all(r.get(k) == v for k, v in match.items()):
            found: Row = r
            return found
    return None


def sample_ratio_words(facts: Facts) -> Markup | None:
    """A failed sample ratio, with the counts."""
    r = reason(facts, "sample_ratio")
    check = next((c for c in facts.readout["health"] if c["check"] == "sample_ratio"), None)
    if r is None and (check is None or check["status"] != "fail"):
        return None
    words = facts.words
    arms = list(facts.readout["arms"])[:3]
    p = r.get("p_value") if r else None
    if p is None and check:
        p = check["p_value"]
    counts = words.join(
        [
            words.say("{arm} {n}", arm=shortened(facts.arm(a["id"]), 30), n=words.count(a["units"]))
            for a in arms
        ]
    )
    return words.say(
        "The group sizes are not as planned ({counts}). With a working split, counts this far apart "
        "would be very rare (p {p}), so {units} were most likely lost from one group.",
        counts=counts,
        p=words.p_value(p if p is not None else 0.0),
        units=facts.units(),
    )


def overlap_words(facts: Facts) -> Markup | None:
    """Units seen in two arms."""
    r = reason(facts, "unit_overlap") or reason(facts, "units_in_two_arms")
    if r is None:
        return None
    return facts.words.say(
        "{share} of the {units} appear in two groups at once.",
        share=facts.words.share(r.get("share") or 0.0),
        units=facts.units(),
    )


def fault_words(facts: Facts) -> Markup | None:
    """Any other check that failed, by its name."""
    failed = [
        c
        for c in facts.readout["health"]
        if c["status"] == "fail" and c["check"] not in {"sample_ratio", "units_in_two_arms", "guardrails"}
    ]
    if not failed:
        return None
    return facts.words.say("A check failed: {check}.", check=check_row(facts, failed[0]).name)


def withheld_words(facts: Facts) -> Markup | None:
    """Why nothing else is shown."""
    return facts.words.say("The effect cannot be told apart from that fault.")
