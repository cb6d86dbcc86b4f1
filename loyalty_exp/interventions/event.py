"""Something members are invited to: a member day, a tasting, a launch."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field, model_validator

from loyalty_exp.grammar import Language, Text, in_language
from loyalty_exp.interventions.intervention import Announced, Driver


class Event(Announced):
    """An event.

    .. code-block:: yaml

        {type: event, from: 2026-03-18, to: 2026-03-18, place: Shanghai}
    """

    type: Literal["event"]
    from_: dt.date = Field(alias="from", description="First day.")
    to: dt.date = Field(description="Last day, included.")
    place: Text | None = Field(default=None, description="Where it is held.")

    @model_validator(mode="after")
    def _in_order(self) -> Event:
        if self.to < self.from_:
            raise ValueError("to lies before from; swap them, or correct one")
        return self

    def words(self, language: Language) -> str:
        """Say the days and the place."""
        days = f"{self.from_}" if self.from_ == self.to else f"{self.from_} – {self.to}"
        where = in_language(self.place, language)
        if language == "zh-CN":
            return f"会员活动（{days}{'，' + where if where else ''}）"
        return f"an event{' in ' + where if where else ''} ({days})"

    def drivers(self) -> tuple[Driver, ...]:
        """What the event costs as a whole, and messages when members are told."""
        return ("fixed", *self.telling)
