"""More points for each purchase, as a multiple of the base rate."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loyalty_exp.grammar import Language
from loyalty_exp.interventions.intervention import Intervention


class PointsMultiplier(Intervention):
    """Points earned on purchases are multiplied.

    .. code-block:: yaml

        {type: points_multiplier, multiplier: 2}
    """

    type: Literal["points_multiplier"]
    multiplier: float = Field(gt=0, le=100, description="Points earned, as a multiple of the base rate.")

    def words(self, language: Language) -> str:
        """Say the multiple."""
        return f"{self.multiplier:g} 倍积分" if language == "zh-CN" else f"{self.multiplier:g}x points"
