"""Was the plan kept: what was registered late or changed after it was locked, in words."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from loyalty_exp.report.facts import Facts, Row
from loyalty_exp.report.language import N_

AFTER_A_LOOK = {
    "horizon_changed": N_(
        "The period of the test was changed after a look at the outcomes; p-values that hold for a fixed "
        "period only are left out."
    ),
    "post_hoc_metric": N_("A metric was added after a look at the outcomes."),
    "draw_changed": N_("Arms, units or population were changed after a look at the outcomes."),
}
LATE = {
    "locked_after_look": N_("The plan was locked after a look at the outcomes."),
    "locked_after_start": N_("The plan was locked after the start of the test."),
}
GONE = "(absent)"
"""What the store writes for a key that one of two versions does not have."""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One key of the spec that an amendment changed, with what was registered and what stands now."""

    version: str
    place: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class DeviationsView:
    """Departures from the plan that was registered first: a sentence each, and the keys that changed."""

    lines: tuple[Markup, ...]
    changes: tuple[ChangeRow, ...]


def deviations_of(facts: Facts) -> list[Row]:
    """Give the departures as the readout tells them."""
    return list(facts.plan.get("deviations") or ())


def registration(facts: Facts) -> Row:
    """Give the registration as a check like the others: a change after a look warns."""
    told = deviations_of(facts)
    late = any(d["code"] in LATE or d.get("after_look") for d in told)
    locked = bool(facts.readout["experiment"]["lock"])
    status = "not_run" if not locked else "warn" if late else "pass"
    return {"check": "registration", "status": status, "p_value": None, "detail": {"deviations": len(told)}}


def registration_words(facts: Facts, d: Row, p: float | None) -> Markup:
    """Say how the plan that was analyzed stands to the one that was registered."""
    words, n = facts.words, d["deviations"]
    if not facts.readout["experiment"]["lock"]:
        return words.say("The plan was not locked before the results, so nothing shows what was planned.")
    if not n:
        return words.say("The plan was locked and has not changed since.")
    return words.say("Departures from the registered plan: {n}; they are listed below.", n=words.count(n))


def deviations_view(facts: Facts) -> DeviationsView | None:
    """Give the departures; none where the plan was kept or never locked."""
    told = deviations_of(facts)
    if not told:
        return None
    lines: list[Markup] = []
    changes: list[ChangeRow] = []
    for d in told:
        lines.append(_line(facts, d))
        lines += [facts.words.say(AFTER_A_LOOK[c]) for c in d.get("after_look") or () if c in AFTER_A_LOOK]
        changes += [_change(facts, d, c) for c in d.get("changes") or ()]
    return DeviationsView(tuple(lines), tuple(changes))


def _line(facts: Facts, d: Row) -> Markup:
    words, on = facts.words, facts.words.day(d.get("on"))
    if d["code"] == "locked_after_look":
        return words.say(
            "The plan was locked on {day}, after looks at the outcomes: {n}.",
            day=on,
            n=words.count(d.get("looks") or 0),
        )
    if d["code"] == "locked_after_start":
        return words.say(
            "The plan was locked on {day}; the test began on {start}.",
            day=on,
            start=words.day(d.get("start")),
        )
    values = {"n": words.count(d.get("version") or 0), "day": on, "reason": str(d.get("reason") or "–")}
    if d.get("looks_before"):
        return words.say(
            "Version {n} of {day}, after looks at the outcomes ({looks}): {reason}",
            looks=words.count(d["looks_before"]),
            **values,
        )
    return words.say("Version {n} of {day}, before any look at the outcomes: {reason}", **values)


def _change(facts: Facts, d: Row, change: Row) -> ChangeRow:
    words = facts.words

    def written(value: str | None) -> str:
        if value is None:
            return str(words.say("kept out of the page"))
        return str(words.say("not there")) if value == GONE else value

    return ChangeRow(
        words.count(d.get("version") or 0),
        str(change["path"]),
        written(change.get("old")),
        written(change.get("new")),
    )
