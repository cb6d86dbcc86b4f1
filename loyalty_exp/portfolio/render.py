"""The door of the portfolio: a workspace and a language become one self-contained page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from loyalty_exp.portfolio.gather import Gathered
from loyalty_exp.portfolio.language import speech
from loyalty_exp.portfolio.view import build_view
from loyalty_exp.report.render import template


def render(
    found: Gathered, language: str, page_of: Callable[[str], str], templates: Path | None = None
) -> str:
    """Make the page; see `build_view` for `page_of`, and the report's `render` for `templates`."""
    page = template("portfolio.html.j2", speech(language), templates)
    return page.render(p=build_view(found, language, page_of))
