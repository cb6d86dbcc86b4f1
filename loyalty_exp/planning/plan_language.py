"""The words of the plan page, over those that the report has already."""

from __future__ import annotations

from loyalty_exp.report.language import Speech, speech_of


def speech(code: str) -> Speech:
    """Load a language; see :func:`.speech_of`."""
    return speech_of("loyalty_exp.planning", "plan.po", code)
