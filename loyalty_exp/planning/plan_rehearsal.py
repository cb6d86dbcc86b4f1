"""A rehearsal on the plan page: how often the rule errs, and whether power and intervals are as promised."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from loyalty_exp.planning.plan_words import Says
from loyalty_exp.planning.rehearsal_result import SCHEMA_ID
from loyalty_exp.report.check_names import names_of
from loyalty_exp.report.language import N_
from loyalty_exp.report.verdict import LABELS

Facts = Mapping[str, Any]

ERRORS = {
    "false_ship": N_("scales what is not worth it: {rate}"),
    "missed_ship": N_("misses what is worth it: {rate}"),
    "false_stop": N_("stops what is worth it: {rate}"),
}


@dataclass(frozen=True, slots=True)
class World:
    """One scenario: what is true in it, and what the rule made of it."""

    name: Markup
    worth: Markup
    errors: tuple[Markup, ...]
    verdicts: Markup


@dataclass(frozen=True, slots=True)
class Tried:
    """One metric, or the money, over all rehearsals."""

    name: Markup
    false: str
    found: Markup
    planned: str
    covered: str
    less: str


@dataclass(frozen=True, slots=True)
class RehearsalView:
    """The section, every number already words."""

    title: Markup
    lead: Markup
    worlds_head: tuple[Markup, ...]
    worlds: tuple[World, ...]
    tried_head: tuple[Markup, ...]
    tried: tuple[Tried, ...]
    notes: tuple[Markup, ...]


def rehearsal_of(path: Path, spec_hash: str) -> dict[str, Any] | None:
    """Read a rehearsal back; None where there is none of this very spec."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    right = isinstance(found, dict) and found.get("schema") == SCHEMA_ID
    return dict(found) if right and found.get("spec_hash") == spec_hash else None


def rehearsal_view(say: Says) -> RehearsalView | None:
    """Put the rehearsal of a plan into words; None where there was none."""
    found, words = say.facts.get("rehearsal"), say.words
    if not found:
        return None
    scenarios = {s["id"]: s for s in found["scenarios"]}
    effect = scenarios.get("planted") or scenarios.get("break_even") or scenarios["null"]
    return RehearsalView(
        title=words.say("Rehearsed on the past"),
        lead=words.say(
            "{times} times, arms were drawn among {units} units of the past, analyzed and decided as this "
            "test will be. In brackets: how sure these rates are.",
            times=words.count(found["rehearsals"]),
            units=words.count(found["units"]),
        ),
        worlds_head=(
            words.say("What is true"),
            words.say("Worth scaling"),
            words.say("How often the rule errs"),
            words.say("Verdicts"),
        ),
        worlds=tuple(_world(say, s) for s in found["scenarios"]),
        tried_head=(
            words.say("Question"),
            words.say("False alarms without an effect"),
            words.say("Found: {world}", world=_name(say, effect)),
            words.say("Planned chance"),
            words.say("Interval holds the truth"),
            words.say("Variance taken away"),
        ),
        tried=tuple(
            _tried(say, null, there)
            for null, there in zip(scenarios["null"]["readings"], effect["readings"], strict=True)
        ),
        notes=_notes(say, found["scenarios"]),
    )


def _name(say: Says, scenario: Facts) -> Markup:
    words = say.words
    if scenario["id"] == "null":
        return words.say("an effect of zero")
    if scenario["id"] == "break_even":
        return words.say("an effect that just pays")
    return words.say("with {effects}", effects=words.join(list(scenario["effects"])))


def _world(say: Says, s: Facts) -> World:
    words = say.words
    arms = [say.arm(a) for a in s["worth_shipping"]]
    errors = [words.say(message, rate=_rate(say, s[key])) for key, message in ERRORS.items() if s[key]]
    verdicts = sorted(s["verdicts"].items(), key=lambda v: -v[1]["rate"])
    shown = [
        words.say("{verdict} {rate}", verdict=words.say(LABELS[action][0]), rate=words.percent(r["rate"]))
        for action, r in verdicts
    ]
    worth = words.join(list(arms)) if arms else words.say("no arm")
    return World(_name(say, s), worth, tuple(errors), words.join(list(shown)))


def _tried(say: Says, null: Facts, r: Facts) -> Tried:
    words = say.words
    kind = "net_benefit" if r["role"] == "money" else "metric"
    name = say.metric(r["metric"], kind)
    if say.several():
        name = words.say("{metric} ({arm})", metric=name, arm=say.arm(r["treatment"]))
    guards, money = r.get("held") is not None, r["role"] == "money"
    shown = r["held"] if guards else r["rejected"]
    found = Markup("–")
    if shown is not None:
        found = Markup.escape(_rate(say, shown))
        found = words.say("margin held {rate}", rate=found) if guards else found
    planned = r["planned_power"] if r["truth"] or guards else None
    quiet = null["rejected"] if not money else None
    return Tried(
        name=name,
        false=_rate(say, quiet) if quiet is not None else "–",
        found=found,
        planned=str(words.chance(planned)) if planned is not None else "–",
        covered=_rate(say, r["coverage"]) if r["coverage"] is not None else "–",
        less=str(words.percent(r["variance_reduction"])) if r["variance_reduction"] else "–",
    )


def _rate(say: Says, rate: Facts) -> str:
    """Write a rate and the interval of its rehearsals."""
    words = say.words
    return str(
        words.say(
            "{rate} [{lower}, {upper}]",
            rate=words.percent(rate["rate"]),
            lower=words.percent(rate["lower"]),
            upper=words.percent(rate["upper"]),
        ).striptags()
    )


def _notes(say: Says, scenarios: list[Facts]) -> tuple[Markup, ...]:
    """Say where runs end, which checks cry wolf, and what is not as promised."""
    words, told = say.words, []
    for s in scenarios:
        if not s["stops"] or not s["mean_units"]:
            continue
        looks = []
        for x in s["stops"]:
            share, rate = words.percent(x["share"], step=0), words.percent(x["ended"]["rate"])
            looks.append(words.say("at {share} of the units {rate}", share=share, rate=rate))
        told.append(
            words.say(
                "{world}: it ends {looks}; on average after {units} units.",
                world=_name(say, s),
                looks=words.join(list(looks)),
                units=words.count(s["mean_units"]),
            )
        )
    for check, rate in scenarios[0]["warnings"].items():
        names = names_of(check)
        told.append(
            words.say(
                "The check '{check}' cries wolf in {rate} of the rehearsals without an effect.",
                check=words.say(names[0]) if names else check.replace("_", " "),
                rate=_rate(say, rate),
            )
        )
    if any(s["alarms"] for s in scenarios):
        told.append(words.say("Not all of it is as promised: see the warnings in rehearsal.json."))
    return tuple(told)
