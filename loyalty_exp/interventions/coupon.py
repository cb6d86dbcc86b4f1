"""Money off an order: a fixed sum, or a part of the price."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from loyalty_exp.grammar import Label, Language
from loyalty_exp.interventions.caps import CouponCaps
from loyalty_exp.interventions.intervention import Announced, Driver


class Coupon(Announced):
    """A coupon.

    .. code-block:: yaml

        {type: coupon, face_value: 20, min_spend: 99, code: WB20}
    """

    price_promotion: ClassVar[bool] = True

    type: Literal["coupon"]
    face_value: float | None = Field(
        default=None, gt=0, description="Money off, in the program's currency; or give percent."
    )
    percent: float | None = Field(
        default=None, gt=0, le=100, description="Per cent off, as 20; or give face_value."
    )
    min_spend: float = Field(default=0.0, ge=0, description="Smallest order on which it may be used.")
    valid_days: int = Field(default=30, ge=1, le=730, description="Days until it lapses.")
    stacking: Literal["exclusive", "with_points", "with_all"] = Field(
        default="exclusive", description="Which other offers may be used in the same order."
    )
    code: Label | None = Field(default=None, description="Code, as the coupons table spells it.")
    caps: CouponCaps | None = Field(default=None, description="How many coupons, and how much money.")

    @model_validator(mode="after")
    def _one_way(self) -> Coupon:
        if (self.face_value is None) == (self.percent is None):
            raise ValueError("a coupon has either a face_value or a percent; write face_value: 20")
        return self

    def words(self, language: Language) -> str:
        """Say what is taken off, and from which order on."""
        value = f"{self.face_value:g}" if self.face_value is not None else f"{self.percent:g}%"
        if language == "zh-CN":
            return f"{value} 优惠券" + (f"（满 {self.min_spend:g} 可用）" if self.min_spend else "")
        return f"{value} off" + (
            f" an order of {self.min_spend:g} or more" if self.min_spend else " an order"
        )

    def drivers(self) -> tuple[Driver, ...]:
        """Coupons, and messages when members are told."""
        return ("coupons", *self.telling)
