"""`assignment:` how members were or will be drawn."""

from __future__ import annotations

from pydantic import Field

from loyalty_exp.grammar import Column, Section, Words


class Assignment(Section):
    """The draw: salt and strata. This version reads assignments; it does not draw them."""

    salt: Words = Field(description="Text that makes this draw different from all others; never reuse one.")
    strata: tuple[Column, ...] = Field(default=(), description="Attributes balanced by the draw.")
