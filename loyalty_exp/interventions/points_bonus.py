"""A fixed number of points for doing something once."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from loyalty_exp.grammar import Language
from loyalty_exp.interventions.caps import PointsCaps
from loyalty_exp.interventions.intervention import Announced, Driver


class PointsBonus(Announced):
    """A fixed number of bonus points.

    .. code-block:: yaml

        {type: points_bonus, points: 500}
    """

    price_promotion: ClassVar[bool] = True

    type: Literal["points_bonus"]
    points: int = Field(gt=0, description="Bonus points, a whole number.")
    trigger: Literal["purchase", "action"] = Field(
        default="purchase",
        description="Earned by buying, or by an action without a sale, such as a review.",
    )
    caps: PointsCaps | None = Field(default=None, description="Largest numbers of bonus points.")
    expiry_days: int | None = Field(
        default=None, ge=1, le=3660, description="Days until they expire; the program's when left out."
    )
    pending_days: int | None = Field(
        default=None, ge=0, le=365, description="Days until they may be used; the program's when left out."
    )

    def words(self, language: Language) -> str:
        """Say the points."""
        return f"奖励 {self.points:,} 积分" if language == "zh-CN" else f"{self.points:,} bonus points"

    def drivers(self) -> tuple[Driver, ...]:
        """Points, and messages when members are told."""
        return ("points", *self.telling)
