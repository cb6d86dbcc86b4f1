"""The door of the portfolio: a workspace and a language become one self-contained page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loyalty_exp.portfolio.gather import Gathered
from loyalty_exp.portfolio.language import speech
from loyalty_exp.portfolio.view import build_view
from loyalty_exp.report.render import template_folder


def render(
    found: Gathered, language: str, page_of: Callable[[str], str], templates: Path | None = None
) -> str:
    """Make the page; see `build_view` for `page_of`, and the report's `render` for `templates`."""
    environment = Environment(
        loader=FileSystemLoader([*([templates] if templates else []), template_folder()]),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.install_gettext_translations(speech(language).translations)  # type: ignore[attr-defined]
    return environment.get_template("portfolio.html.j2").render(p=build_view(found, language, page_of))
