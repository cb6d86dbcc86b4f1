"""The door of the report: a readout and a language become one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from loyalty_exp.report.language import Speech, speech
from loyalty_exp.report.money import MoneyView
from loyalty_exp.report.outlook import OutlookView
from loyalty_exp.report.view import ReportView, build_view
from loyalty_exp.report.wording import Wording

WIDE = 870.0
"""Pixels of a chart that fills the page: on paper its words are then no smaller than 9 pixels."""


def render(readout: Mapping[str, Any], language: str, templates: Path | None = None) -> str:
    """Make the page.

    Parameters
    ----------
    readout
        The readout as `Readout.to_dict` gives it.
    language
        ``en`` or ``zh-CN``.
    templates
        A folder whose templates come before the ones of the package, file by file.

    Raises
    ------
    ValueError
        If the page does not speak the language.
    """
    view = build_view(readout, language)
    plan = readout["plan"]
    symbol = str((plan.get("currency") or {}).get("symbol") or "")
    words = Wording(speech(language), symbol, float(plan.get("alpha") or 0.05))
    page = template("report.html.j2", speech(language), templates)
    return page.render(r=view, charts=charts_of(view, words))


def template(name: str, words: Speech, templates: Path | None = None) -> Template:
    """Open a template of a page in a language; what is not known in it is an error, and all is escaped.

    Parameters
    ----------
    templates : Path, optional
        A folder whose templates come before the ones of the package, file by file.
    """
    environment = Environment(
        loader=FileSystemLoader([*([templates] if templates else []), template_folder()]),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.install_gettext_translations(words.translations)  # type: ignore[attr-defined]
    return environment.get_template(name)


def template_folder() -> Path:
    """Find the templates: beside the code in a wheel, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    bundled = package / "_bundled" / "templates"
    return bundled if bundled.is_dir() else package.parent / "reports" / "templates"


def charts_of(view: ReportView, words: Wording) -> dict[str, Markup]:
    """Draw the charts; a page without any does not load the plotting library."""
    drawn = money_charts(view.money, words) if view.money is not None else {}
    if view.outlook is not None:
        drawn |= outlook_drawn(view.outlook, words)
    for built in view.built_up:
        if built.shown and built.curve is not None:
            from loyalty_exp.report.over_time_chart import built_up

            for classes, width in (("wide", WIDE), ("narrow", 330.0)):
                drawn[built.key] = drawn.get(built.key, "") + built_up(
                    words, built.curve, width=width, name=built.key, classes=classes
                )
    for block in view.again:
        if block.shown and block.lines:
            from loyalty_exp.report import curves

            for classes, width in (("wide", WIDE), ("narrow", 330.0)):
                drawn[block.key] = drawn.get(block.key, "") + curves.bought_again(
                    words, block.lines, block.within, width=width, name=block.key, classes=classes
                )
    if view.detectable is not None:
        from loyalty_exp.report.detectable_chart import detectable

        drawn["found"] = "".join(
            detectable(words, view.detectable, width=width, name="found", classes=classes)
            for classes, width in (("wide", 520.0), ("narrow", 330.0))
        )
    return {k: Markup(v) for k, v in drawn.items()}


def money_charts(money: MoneyView, words: Wording) -> dict[str, str]:
    """Draw the charts of the money section."""
    from loyalty_exp.report import charts

    below, above = words.say("loses money").striptags(), words.say("pays").striptags()
    wide = charts.waterfall(
        words, money.waterfall, money.net_bounds, width=WIDE, labels=200, name="waterfall", classes="wide"
    )
    narrow = charts.waterfall(
        words, money.waterfall, money.net_bounds, width=320, labels=112, name="waterfall", classes="narrow"
    )
    drawn = {"waterfall": wide + narrow}
    for classes, width in (("wide", 440.0), ("narrow", 310.0)):
        drawn["sure"] = drawn.get("sure", "") + charts.likelihood(
            words, money.curve, below, above, width=width, name="sure", classes=classes
        )
        if money.costs:
            drawn["costs"] = drawn.get("costs", "") + charts.costs(
                money.costs, width=width, name="costs", classes=classes
            )
    return drawn


def outlook_drawn(outlook: OutlookView, words: Wording) -> dict[str, str]:
    """Draw the chance of every hurdle, and the assumptions where there are any."""
    from loyalty_exp.report import outlook_charts

    drawn = {"hurdles": "", "tornado": ""}
    for classes, width in (("wide", 440.0), ("narrow", 310.0)):
        if outlook.curve is not None:
            drawn["hurdles"] += outlook_charts.acceptability(
                words, outlook.curve, width=width, name="hurdles", classes=classes
            )
        if outlook.bars:
            drawn["tornado"] += outlook_charts.tornado(
                words, outlook.bars, outlook.base, width=width, name="tornado", classes=classes
            )
    return drawn
