"""The door of the page: a plan and a language become one self-contained page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from loyalty_exp.planning.plan_language import speech
from loyalty_exp.planning.plan_view import build_view
from loyalty_exp.planning.plan_words import Says, says
from loyalty_exp.report.render import template
from loyalty_exp.report.wording import Number


def render(facts: Mapping[str, Any], language: str, templates: Path | None = None) -> str:
    """Make the page.

    Parameters
    ----------
    facts : mapping
        As `Sizing.to_dict` gives it.
    language : str
        ``en`` or ``zh-CN``.
    templates : Path, optional
        A folder whose templates come before the ones of the package, file by file.
    """
    page = template("plan.html.j2", speech(language), templates)
    return page.render(p=build_view(facts, language), charts=_charts(says(facts, language)))


def _charts(say: Says) -> dict[str, Markup]:
    """Draw power and detectable effect, each for a wide and a narrow page."""
    facts = say.facts
    if not facts["power_curve"] and not facts["mde_curve"]:
        return {}
    from loyalty_exp.planning.plan_charts import curve

    words, of = say.words, facts["curve_of"]
    drawn: dict[str, str] = {"power": "", "mde": ""}
    for classes, width in (("wide", 470.0), ("narrow", 330.0)):
        if facts["power_curve"]:
            drawn["power"] += curve(
                words,
                [(p["units"], p["power"]) for p in facts["power_curve"]],
                write=lambda v: words.percent(v, step=0),
                top=1.0,
                below=words.say("units of all arms").striptags(),
                target=(facts["rule"]["power"], words.say("power aimed at").striptags()),
                there=_there(say, days=False),
                width=width,
                name="power",
                classes=classes,
            )
        if facts["mde_curve"]:
            drawn["mde"] += _mde(say, of, width, classes)
    return {k: Markup(v) for k, v in drawn.items() if v}


def _mde(say: Says, of: Mapping[str, Any], width: float, classes: str) -> str:
    from loyalty_exp.planning.plan_charts import curve

    words, points = say.words, say.facts["mde_curve"]
    days = points[0]["day"] is not None
    values = [(p["day"] if days else p["units"], p["mde_absolute"]) for p in points]
    effect = of.get("effect_absolute") or 0.0
    top = max(min(max(y for _, y in values), 3 * values[-1][1]), 1.25 * effect)

    def write(value: float) -> Number:
        return say.change(of["id"], value) if value else words.count(0)

    return curve(
        words,
        values,
        write=write,
        top=top,
        below=(words.say("days of entry") if days else words.say("units of all arms")).striptags(),
        target=(effect or 2 * top, words.say("effect to be found").striptags() if effect else ""),
        there=_there(say, days=days),
        width=width,
        name="mde",
        classes=classes,
    )


def _there(say: Says, *, days: bool) -> tuple[float, str] | None:
    there = say.facts["available_units"]
    if there is None:
        return None
    end = say.facts["mde_curve"][-1]
    at = there * end["day"] / end["units"] if days else float(there)
    return at, say.words.say("units there are").striptags()
