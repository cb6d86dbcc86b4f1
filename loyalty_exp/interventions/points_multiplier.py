"""More points for each purchase, as a multiple of the base rate."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from loyalty_exp.grammar import Label, Language
from loyalty_exp.interventions.caps import PointsCaps
from loyalty_exp.interventions.intervention import Announced, Driver, at_most


class PointsMultiplier(Announced):
    """Points earned on purchases are multiplied.

    .. code-block:: yaml

        {type: points_multiplier, multiplier: 2}
    """

    price_promotion: ClassVar[bool] = True

    type: Literal["points_multiplier"]
    multiplier: float = Field(gt=0, le=100, description="Points earned, as a multiple of the base rate.")
    categories: tuple[Label, ...] = Field(default=(), description="Only these categories; all when left out.")
    caps: PointsCaps | None = Field(default=None, description="Largest numbers of bonus points.")
    expiry_days: int | None = Field(
        default=None,
        ge=1,
        le=3660,
        description="Days until bonus points expire; the program's when left out.",
    )
    pending_days: int | None = Field(
        default=None,
        ge=0,
        le=365,
        description="Days until bonus points may be used; the program's when left out.",
    )

    def words(self, language: Language) -> str:
        """Say the multiple, the categories and the cap of a member."""
        chinese = language == "zh-CN"
        said = f"{self.multiplier:g} 倍积分" if chinese else f"{self.multiplier:g}x points"
        if self.categories:
            said += f"（{'、'.join(self.categories)}）" if chinese else f" on {', '.join(self.categories)}"
        if self.caps and self.caps.points_per_member:
            noun: dict[Language, str] = {"en": "bonus points a member", "zh-CN": "每位会员活动积分"}
            said += at_most(language, self.caps.points_per_member, noun)
        return said

    def drivers(self) -> tuple[Driver, ...]:
        """Points, and messages when members are told."""
        return ("points", *self.telling)

    def scope(self) -> tuple[str, ...]:
        """Categories whose points are multiplied."""
        return self.categories
