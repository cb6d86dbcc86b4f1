"""An offer to members who are about to leave, or have left: one, or a ladder of them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from loyalty_exp.grammar import Language, Section
from loyalty_exp.interventions.caps import CouponCaps
from loyalty_exp.interventions.intervention import Announced, Driver


class Step(Section):
    """One rung of a ladder of offers."""

    after_days: int = Field(ge=0, le=3660, description="Days after assignment on which it is sent.")
    face_value: float = Field(gt=0, description="Money off, in the program's currency.")
    min_spend: float = Field(default=0.0, ge=0, description="Smallest order on which it may be used.")
    valid_days: int = Field(default=30, ge=1, le=730, description="Days until the offer lapses.")
    unless: Literal["returned"] | None = Field(
        default=None, description="`returned`: not sent to members who have bought since assignment."
    )


class RetentionOffer(Announced):
    """Money off the next order, for members who are lapsing or lapsed.

    .. code-block:: yaml

        {type: retention_offer, face_value: 20, valid_days: 14}
    """

    price_promotion: ClassVar[bool] = True

    type: Literal["retention_offer"]
    face_value: float | None = Field(
        default=None, gt=0, description="Money off, in the program's currency; or give a ladder."
    )
    valid_days: int = Field(default=30, ge=1, le=730, description="Days until the offer lapses.")
    min_spend: float = Field(default=0.0, ge=0, description="Smallest order on which it may be used.")
    ladder: tuple[Step, ...] = Field(
        default=(), max_length=20, description="Several offers, one after the other, in place of face_value."
    )
    caps: CouponCaps | None = Field(default=None, description="How many offers, and how much money.")

    @model_validator(mode="after")
    def _one_way(self) -> RetentionOffer:
        if (self.face_value is None) == (not self.ladder):
            raise ValueError("an offer has either a face_value or a ladder; write face_value: 20")
        days = [step.after_days for step in self.ladder]
        if days != sorted(set(days)):
            raise ValueError("the steps of a ladder follow one another; let after_days rise")
        return self

    def words(self, language: Language) -> str:
        """Say the value, or the values, and how long it lasts."""
        if self.ladder:
            values = " / ".join(f"{step.face_value:g}" for step in self.ladder)
            return (
                f"阶梯挽回优惠 {values}"
                if language == "zh-CN"
                else f"offers of {values}, one after the other"
            )
        if language == "zh-CN":
            return f"挽回优惠 {self.face_value:g}，{self.valid_days} 天有效"
        return f"{self.face_value:g} off the next order, valid {self.valid_days} days"

    def drivers(self) -> tuple[Driver, ...]:
        """Coupons, and messages when members are told."""
        return ("coupons", *self.telling)
