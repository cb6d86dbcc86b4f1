"""The words of the portfolio page, over those that the report has already."""

from __future__ import annotations

from loyalty_exp.report.language import Speech, speech_of


def speech(code: str) -> Speech:
    """Load a language; see :func:`.speech_of`."""
    return speech_of("loyalty_exp.portfolio", "portfolio.po", code)
