"""A fixed number of points for doing something once."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loyalty_exp.grammar import Language
from loyalty_exp.interventions.intervention import Intervention


class PointsBonus(Intervention):
    """A fixed number of bonus points.

    .. code-block:: yaml

        {type: points_bonus, points: 500}
    """

    type: Literal["points_bonus"]
    points: int = Field(gt=0, description="Bonus points, a whole number.")

    def words(self, language: Language) -> str:
        """Say the points."""
        return f"奖励 {self.points:,} 积分" if language == "zh-CN" else f"{self.points:,} bonus points"
