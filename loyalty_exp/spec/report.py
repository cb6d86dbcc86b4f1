"""`report:` languages of the page."""

from __future__ import annotations

from pydantic import Field

from loyalty_exp.grammar import Language, Section


class Report(Section):
    """The page."""

    languages: tuple[Language, ...] = Field(
        default=("en", "zh-CN"), min_length=1, description="One page each."
    )
