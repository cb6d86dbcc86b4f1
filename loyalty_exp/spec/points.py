"""`points:` of the program: how points are earned, what one is worth, and how many are ever used."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from loyalty_exp.grammar import Section


class Earn(Section):
    """How points are earned on purchases; points are whole numbers, rounded once an order."""

    per_money: float = Field(gt=0, description="Points for one unit of money paid.")
    rounding: Literal["floor_per_order", "round_per_order", "ceil_per_order"] = Field(
        default="floor_per_order", description="How the points of an order become a whole number."
    )
    pending_days: int = Field(default=0, ge=0, le=365, description="Days until points may be used.")


class Rate(Section):
    """A share that is known only so well."""

    mean: float = Field(ge=0, le=1, description="Expected share.")
    sd: float = Field(default=0.0, ge=0, le=0.5, description="Its standard deviation.")
    revised: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="What it is estimated to be by now: what that would change is told on a line of its own "
        "(true-up), and results keep `mean`.",
    )


class RedemptionRate(Section):
    """Share of net issued points that are ever redeemed; base and bonus points have their own.

    .. code-block:: yaml

        redemption_rate: {base: {mean: 0.75, sd: 0.04}, bonus: {mean: 0.85, sd: 0.06}}
    """

    base: Rate = Field(description="Of base points.")
    bonus: Rate | None = Field(default=None, description="Of bonus points; as of base points if left out.")


class Points(Section):
    """The points of a program."""

    earn: Earn | None = Field(default=None, description="How points are earned on purchases.")
    face_value: float = Field(gt=0, description="Money one point is worth when it is redeemed.")
    cost_to_face: float = Field(
        default=1.0,
        gt=0,
        le=2,
        description="Cost of one unit of face value; 1 is the careful choice, and right for points paid on "
        "own goods.",
    )
    redemption_rate: RedemptionRate = Field(description="Share of issued points that are ever redeemed.")
    expiry_days: int | None = Field(
        default=None, ge=1, le=36600, description="Days until points expire; never if left out."
    )
    burn_order: Literal["earliest_expiry_first", "oldest_first"] = Field(
        default="earliest_expiry_first", description="Which points are used first."
    )
    clawback: Literal["recompute_on_kept_amount", "proportional", "none"] = Field(
        default="recompute_on_kept_amount", description="What a refund takes back."
    )
    negative_balance: Literal["net_against_future_earn", "write_off", "not_allowed"] = Field(
        default="net_against_future_earn", description="What happens when a refund takes more than is there."
    )

    @model_validator(mode="after")
    def _usable_before_expiry(self) -> Points:
        if self.expiry_days is not None and self.earn and self.earn.pending_days >= self.expiry_days:
            raise ValueError("points expire before they may be used; correct pending_days or expiry_days")
        return self
