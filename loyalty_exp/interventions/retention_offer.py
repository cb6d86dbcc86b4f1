"""An offer to members who are about to leave, or have left."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loyalty_exp.grammar import Language
from loyalty_exp.interventions.intervention import Intervention


class RetentionOffer(Intervention):
    """Money off the next order, for members who are lapsing or lapsed.

    .. code-block:: yaml

        {type: retention_offer, face_value: 20, valid_days: 14}
    """

    type: Literal["retention_offer"]
    face_value: float = Field(gt=0, description="Money off, in the program's currency.")
    valid_days: int = Field(default=30, ge=1, le=730, description="Days until the offer lapses.")

    def words(self, language: Language) -> str:
        """Say the value and how long it lasts."""
        if language == "zh-CN":
            return f"挽回优惠 {self.face_value:g},{self.valid_days} 天有效".replace(",", "，")
        return f"{self.face_value:g} off the next order, valid {self.valid_days} days"
