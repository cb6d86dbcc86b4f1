"""The view of a plan: everything the template may print, every number already words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from loyalty_exp.planning.plan_fixed import Words, fixed
from loyalty_exp.planning.plan_money import MoneyRow, money_notes, money_rows
from loyalty_exp.planning.plan_notes import notes
from loyalty_exp.planning.plan_rehearsal import RehearsalView, rehearsal_view
from loyalty_exp.planning.plan_rule import Step, calendar, method, rule
from loyalty_exp.planning.plan_words import Says, says
from loyalty_exp.readout.tables import tables
from loyalty_exp.report.files import FileLink, links
from loyalty_exp.report.language import N_

FILES = {
    "arms": N_("The groups"),
    "why": N_("What stands in the way"),
    "ways": N_("What would change that"),
    "answers": N_("What each question takes"),
    "money": N_("The money to expect"),
    "power_curve": N_("Chance to find the effect, by units"),
    "mde_curve": N_("Smallest effect found"),
    "calendar": N_("Calendar"),
}
"""Titles of the tables of a plan as files."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One number and what it means."""

    title: Markup
    value: str
    size: str
    meaning: Markup


@dataclass(frozen=True, slots=True)
class WayLine:
    """One change that would let the test answer."""

    text: Markup
    tone: str
    enough: Markup
    cost: Markup


@dataclass(frozen=True, slots=True)
class Row:
    """One question of the test."""

    name: Markup
    role: Markup
    baseline: str
    about: tuple[Markup, ...]
    effect: str
    relative: str
    units: str
    arms: Markup
    power: str
    mde: str
    mde_relative: str
    days: str
    tone: str
    standing: Markup
    reason: Markup


@dataclass(frozen=True, slots=True)
class PlanView:
    """One page. What the template may use is exactly what is declared here."""

    language: str
    id: str
    title: str
    question: str
    w: Words
    tone: str
    label: Markup
    headline: Markup
    why: tuple[Markup, ...]
    side: tuple[tuple[Markup, str], ...]
    tiles: tuple[Tile, ...]
    ways: tuple[WayLine, ...]
    rows: tuple[Row, ...]
    notes: tuple[Markup, ...]
    money: tuple[MoneyRow, ...]
    money_notes: tuple[Markup, ...]
    rehearsal: RehearsalView | None
    calendar: tuple[Step, ...]
    rule: tuple[Markup, ...]
    method: tuple[Markup, ...]
    has_curves: bool
    power_points: tuple[tuple[str, str], ...]
    mde_points: tuple[tuple[str, str], ...]
    files: tuple[FileLink, ...]
    footer: tuple[Markup, ...]


def build_view(facts: Mapping[str, Any], language: str) -> PlanView:
    """Put a plan into the words of a language."""
    say = says(facts, language)
    words, good = say.words, bool(facts["answerable"])
    return PlanView(
        language=language,
        id=facts["experiment"]["id"],
        title=words.name(facts["experiment"]["name"], facts["experiment"]["id"]),
        question=words.name(facts["experiment"]["question"], ""),
        w=fixed(say),
        tone="up" if good else "down",
        label=words.say("Can answer") if good else words.say("Cannot answer"),
        headline=say.headline(),
        why=tuple(say.why(w) for w in facts["why"]) or _good(say),
        side=_side(say),
        tiles=_tiles(say),
        ways=tuple(_way(say, w) for w in facts["ways"]),
        rows=tuple(_row(say, a) for a in facts["answers"]),
        notes=notes(say),
        money=money_rows(say),
        money_notes=money_notes(say),
        rehearsal=rehearsal_view(say),
        calendar=calendar(say),
        rule=rule(say),
        method=method(say),
        has_curves=bool(facts["power_curve"] or facts["mde_curve"]),
        power_points=tuple(
            (words.count(p["units"]), words.chance(p["power"])) for p in _spread(facts["power_curve"])
        ),
        mde_points=tuple(
            (
                words.count(p["units"] if p["day"] is None else p["day"]),
                say.change(facts["curve_of"]["id"], p["mde_absolute"]),
            )
            for p in _spread(facts["mde_curve"])
        ),
        files=links(words, f"{facts['experiment']['id']}.plan", tables(facts), FILES),
        footer=(
            words.say("spec {hash}", hash=facts["experiment"]["spec_hash"][:16]),
            words.say("to make this page again: {command}", command="loyalty-exp size"),
        ),
    )


def _spread(points: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Give some points of a curve, the first and the last among them."""
    last = len(points) - 1
    return [points[i] for i in sorted({round(last * k / 8) for k in range(9)})] if points else []


def _good(say: Says) -> tuple[Markup, ...]:
    words, facts = say.words, say.facts
    if facts["required_units"] is None:
        return ()
    if facts["available_units"] is None:
        return (words.say("How many units there are is not known: give sizing.available_units."),)
    return (words.say("{there} units are there.", there=words.count(facts["available_units"])),)


def _side(say: Says) -> tuple[tuple[Markup, str], ...]:
    words, facts = say.words, say.facts
    found: list[tuple[Markup, str]] = []
    for arm in facts["arms"]:
        if arm["units_required"] is not None:
            share = words.percent(arm["share"], step=-1)
            text = words.say("{units} units ({share})", units=words.count(arm["units_required"]), share=share)
            found.append((Markup.escape(say.arm(arm["id"])), text))
    return tuple(found)


def _tiles(say: Says) -> tuple[Tile, ...]:
    words, facts = say.words, say.facts
    dash = "–"
    required, there = facts["required_units"], facts["available_units"]
    of = facts["curve_of"]
    shown = next(
        (a for a in facts["answers"] if of and (a["kind"], a["id"], a["treatment"]) == _key(of)), None
    )
    tiles = [
        Tile(
            words.say("Units needed"),
            words.count(required) if required else dash,
            _size(words.count(required) if required else dash),
            words.say("all arms; {there} are there", there=words.count(there))
            if there is not None
            else words.say("all arms; how many are there is not known"),
        )
    ]
    if shown is not None and shown["mde_absolute"] is not None:
        text = say.change(shown["id"], shown["mde_absolute"])
        meaning = words.say(
            "{metric}, with the units there are", metric=say.metric(shown["id"], shown["kind"])
        )
        tiles.append(Tile(words.say("Smallest effect found"), text, _size(text), meaning))
    if facts["calendar"]:
        last = facts["calendar"][-1]
        text = words.count(last["day"])
        meaning = (
            words.say("from the first unit to final data, {date}", date=words.day(last["date"]))
            if last["date"]
            else words.say("from the first unit to final data")
        )
        tiles.append(Tile(words.say("Days"), text, "", meaning))
    risk = [m["budget_at_risk"] for m in facts["money"] if m["budget_at_risk"] is not None]
    if risk:
        text = words.exact(sum(risk))
        meaning = words.say("offers and fixed cost of the test")
        tiles.append(Tile(words.say("Budget at risk"), text, _size(text), meaning))
    return tuple(tiles)


def _key(of: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    return of["kind"], of["id"], of["treatment"]


def _size(text: str) -> str:
    return "long" if len(text) > 9 else ""


def _way(say: Says, way: Mapping[str, Any]) -> WayLine:
    words = say.words
    tone, enough = (
        ("pass", words.say("enough alone")) if way["enough"] else ("watch", words.say("not enough alone"))
    )
    return WayLine(say.way(way), tone, enough, say.cost(way))


ROLES = ("primary", "secondary", "guardrail", "money")


def _row(say: Says, a: Mapping[str, Any]) -> Row:
    words = say.words
    name = say.metric(a["id"], a["kind"])
    if say.several() and a["treatment"]:
        name = words.say("{metric} ({arm})", metric=name, arm=say.arm(a["treatment"]))
    base = a["baseline"]
    effect, mde = a["effect_absolute"], a["mde_absolute"]
    good, must = a["answerable"], a["required"]
    standing = (
        words.say("not planned")
        if a["reason"]
        else words.say("enough units")
        if good
        else words.say("too few units")
    )
    tone = "pass" if good else "fail" if must else "watch"
    return Row(
        name=name,
        role=_role(say, a),
        baseline=str(say.level(a["id"], base["mean"])) if base else "–",
        about=_about(say, a) if base else (),
        effect=str(say.change(a["id"], effect)) if effect is not None else "–",
        relative=str(words.percent(a["effect_relative"])) if a["effect_relative"] is not None else "",
        units=str(words.count(a["n_total"])) if a["n_total"] is not None else "–",
        arms=words.say(
            "{treatment} and {control} in the two arms",
            treatment=words.count(a["n_treatment"]),
            control=words.count(a["n_control"]),
        )
        if say.several() and a["n_treatment"] is not None
        else Markup(""),
        power=str(words.chance(a["power"])) if a["power"] is not None else "–",
        mde=str(say.change(a["id"], mde)) if mde is not None else "–",
        mde_relative=str(words.percent(a["mde_relative"])) if a["mde_relative"] is not None else "",
        days=str(words.count(a["days_to_answer"])) if a["days_to_answer"] is not None else "–",
        tone=tone,
        standing=standing,
        reason=say.reason(a["reason"]),
    )


def _about(say: Says, a: Mapping[str, Any]) -> tuple[Markup, ...]:
    """Say what else is known of a metric before the test."""
    words, base, told = say.words, a["baseline"], []
    counted = say.display(a["id"]) != "percent"
    if counted:
        told.append(words.say("spread {sd}", sd=say.change(a["id"], base["sd_left"])))
    if counted and base["zero_share"]:
        told.append(words.say("{share} at 0", share=words.percent(base["zero_share"])))
    if base["correlation"] >= 0.005:
        told.append(words.say("correlation {value}", value=words.number(base["correlation"], step=-2)))
    if base["icc"] is not None:
        told.append(words.say("likeness in clusters {value}", value=words.number(base["icc"], step=-3)))
    return tuple(told)


def _role(say: Says, a: Mapping[str, Any]) -> Markup:
    words = say.words
    if a["kind"] == "guardrail":
        return words.say("guardrail: the effect is the margin")
    if a["kind"] in {"net_benefit", "roi"}:
        return words.say("part of the rule") if a["required"] else words.say("not part of the rule")
    if a["role"] == "primary":
        return words.say("decides")
    return words.say("secondary")
