"""Caps of interventions: how much an order, a member and the whole campaign may receive."""

from __future__ import annotations

from pydantic import Field

from loyalty_exp.grammar import Section


class PointsCaps(Section):
    """Largest numbers of bonus points; whole numbers, as points are."""

    points_per_order: int | None = Field(default=None, ge=1, description="Bonus points of one order.")
    points_per_member: int | None = Field(default=None, ge=1, description="Bonus points of one member.")
    points_in_campaign: int | None = Field(default=None, ge=1, description="Bonus points of all members.")


class PerkCaps(Section):
    """How often a perk may be used."""

    uses_per_member: int | None = Field(default=None, ge=1, description="Uses of one member in all.")
    uses_per_member_per_month: int | None = Field(
        default=None, ge=1, description="Uses of one member a month."
    )
    uses_in_campaign: int | None = Field(default=None, ge=1, description="Uses of all members.")


class CouponCaps(Section):
    """How many coupons are given, and how much money."""

    redemptions_per_member: int | None = Field(
        default=None, ge=1, description="Coupons one member may redeem."
    )
    coupons_in_campaign: int | None = Field(default=None, ge=1, description="Coupons given out in all.")
    subsidy_in_campaign: float | None = Field(
        default=None, gt=0, description="Money off in all, in the program's currency."
    )


class RewardCaps(Section):
    """How many referrals are rewarded."""

    rewards_per_member_per_month: int | None = Field(
        default=None, ge=1, description="Rewards one referrer may earn a month."
    )
    rewards_in_campaign: int | None = Field(default=None, ge=1, description="Rewards in all.")
