"""A message without money, by one channel."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loyalty_exp.grammar import Language
from loyalty_exp.interventions.intervention import CHANNELS, Channel, Driver, Intervention


class Message(Intervention):
    """A message.

    .. code-block:: yaml

        {type: message, channel: email}
    """

    type: Literal["message"]
    channel: Channel = Field(description="How it reaches the member.")

    def words(self, language: Language) -> str:
        """Name the channel."""
        return CHANNELS[self.channel][language]

    def drivers(self) -> tuple[Driver, ...]:
        """Messages."""
        return ("contacts",)
