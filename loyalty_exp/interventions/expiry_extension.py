"""Points that expire later than they otherwise would."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loyalty_exp.grammar import Language
from loyalty_exp.interventions.intervention import Announced, Driver


class ExpiryExtension(Announced):
    """More time to use points.

    .. code-block:: yaml

        {type: expiry_extension, days: 90}
    """

    type: Literal["expiry_extension"]
    days: int = Field(ge=1, le=3660, description="Days by which expiry is moved.")

    def words(self, language: Language) -> str:
        """Say the days."""
        return (
            f"积分有效期延长 {self.days} 天"
            if language == "zh-CN"
            else f"points expire {self.days} days later"
        )

    def drivers(self) -> tuple[Driver, ...]:
        """Points that would have expired, and messages when members are told."""
        return ("points", *self.telling)
