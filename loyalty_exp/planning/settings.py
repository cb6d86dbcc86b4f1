"""What a made program is like, and what its campaign is made to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

DAY = 86_400


@dataclass(frozen=True, slots=True)
class ProgramSettings:
    """A program of members in households, and one campaign with a treatment and a control.

    Days count from ``start``, midnight UTC, when all members are assigned. The campaign lasts
    ``[0, campaign_days)``; outcomes count in ``[0, campaign_days + post_days)``, and refunds of those orders
    for ``refund_days`` more, where the data end. Money is without tax.

    Attributes
    ----------
    members : int
    household_sizes : tuple of float
        Shares of households with 1, 2, ... members.
    household_share : float
        Correlation of purchase rates within a household, 0 to 1.
    tiers : mapping of tier to share
        The lowest first; better buyers are in higher tiers, with error.
    regions, segments : mapping of name to share
        Drawn without regard to purchases.
    start : date
    pre_days, campaign_days, post_days, refund_days : int
    never_buyers : float
        Share of members who never order.
    frailty : float
        Shape of the gamma distribution of purchase rates, so that counts of active members are negative
        binomial; smaller is more unequal.
    orders_per_day : float
        Mean of buyers before churn.
    churn_per_day : float
        Hazard of leaving for good.
    basket : float
        Mean money of an order.
    basket_spread, basket_noise : float
        Standard deviation of log money between members, and between orders of a member.
    promoted_share : float
        Share of orders in the promoted category, without the campaign.
    margin_promoted, margin_other : float
        Gross margin of the two categories.
    fulfillment, return_handling : float
        Money for an order sent, and for a refund.
    payment_fee : float
        Share of the order, not given back.
    refund_rate, full_refund_share, restockable_share : float
        Share of orders refunded; of these, in full; and with goods that can be sold again.
    refund_delay : float
        Mean days from order to refund, exponential.
    points_per_money : float
        Base points for one unit of merchandise after coupons; floor of each order.
    point_value : float
        Face value of one point.
    cost_to_face, base_redemption_rate, bonus_redemption_rate : float
        What an issued point costs: face value times these two.
    pending_days : int
        Days until points may be used.
    base_expiry_days, bonus_expiry_days : int
        Life of points; they expire on the next boundary of a grid of ``expiry_grid`` days.
    expiry_grid : int
    redeem_chance, redeem_most : float
        Chance that an order is paid partly in points, and the largest part of it.
    redeem_step : int
        Points are redeemed in multiples of this.
    draw : str
        Whether members or households are drawn.
    share : float
        Planned share of the treatment.
    salt : str
        Of the draw; made from the seed if empty.
    treatment : str
        Id of the arm beside ``control``.
    more_orders : float
        Planted change of orders in the campaign, as 0.1; negative takes orders away.
    pull_forward : float
        Part of the added orders that is taken from the days after the campaign.
    larger_basket : float
        Planted change of money an order in the campaign.
    switched : float
        Part of the other orders in the campaign that moves to the promoted category.
    churn_reduction : float
        Planted change of the hazard from ``start`` on: 0.2 makes the remaining life 1 / 0.8 times as long.
    effect_of_segment : mapping of segment to float
        What multiplies `more_orders` and `larger_basket`; 1 when not named.
    spill_over : float
        Part of the added orders, apart from those pulled forward, that an untreated member makes when someone
        of the household is treated.
    points_multiplier : float
        Of the treatment in the campaign; points above base are bonus points.
    coupon, coupon_min_spend, coupon_chance : float
        Face, least order, and chance that an order that qualifies uses it; one a member.
    perk_cost, perk_chance : float
        Money for a use, and chance that an order in the campaign uses it.
    contacts : int
        Messages to a treated member.
    contact_cost, contact_failures : float
        Money for a message, also for one that fails; share that fails.
    referral_rate, more_referrals, referral_reward : float
        New members a member brings in during the campaign, untreated; planted change; money for each, in both
        arms. What new members buy is not part of this.
    fixed_cost : float
        Money once.
    """

    members: int = 4_000
    household_sizes: tuple[float, ...] = (0.45, 0.30, 0.13, 0.09, 0.03)
    household_share: float = 0.3
    tiers: Mapping[str, float] = field(default_factory=lambda: {"bronze": 0.6, "silver": 0.3, "gold": 0.1})
    regions: Mapping[str, float] = field(
        default_factory=lambda: {"north": 0.3, "south": 0.3, "east": 0.25, "west": 0.15}
    )
    segments: Mapping[str, float] = field(default_factory=lambda: {"online": 0.55, "store": 0.45})
    start: dt.date = dt.date(2026, 4, 1)
    pre_days: int = 120
    campaign_days: int = 28
    post_days: int = 42
    refund_days: int = 30
    never_buyers: float = 0.15
    frailty: float = 0.8
    orders_per_day: float = 1 / 25
    churn_per_day: float = 1 / 500
    basket: float = 60.0
    basket_spread: float = 0.5
    basket_noise: float = 0.6
    promoted_share: float = 0.35
    margin_promoted: float = 0.34
    margin_other: float = 0.42
    fulfillment: float = 4.0
    return_handling: float = 3.0
    payment_fee: float = 0.012
    refund_rate: float = 0.10
    full_refund_share: float = 0.55
    restockable_share: float = 0.75
    refund_delay: float = 9.0
    points_per_money: float = 1.0
    point_value: float = 0.01
    cost_to_face: float = 1.0
    base_redemption_rate: float = 0.75
    bonus_redemption_rate: float = 0.85
    pending_days: int = 7
    base_expiry_days: int = 180
    bonus_expiry_days: int = 60
    expiry_grid: int = 30
    redeem_chance: float = 0.25
    redeem_most: float = 0.5
    redeem_step: int = 50
    draw: Literal["member", "household"] = "member"
    share: float = 0.5
    salt: str = ""
    treatment: str = "offer"
    more_orders: float = 0.15
    pull_forward: float = 0.3
    larger_basket: float = 0.05
    switched: float = 0.05
    churn_reduction: float = 0.1
    effect_of_segment: Mapping[str, float] = field(default_factory=dict)
    spill_over: float = 0.0
    points_multiplier: float = 2.0
    coupon: float = 6.0
    coupon_min_spend: float = 50.0
    coupon_chance: float = 0.3
    perk_cost: float = 1.5
    perk_chance: float = 0.3
    contacts: int = 2
    contact_cost: float = 0.05
    contact_failures: float = 0.04
    referral_rate: float = 0.02
    more_referrals: float = 0.0
    referral_reward: float = 5.0
    fixed_cost: float = 0.0

    def __post_init__(self) -> None:
        if (
            self.members < 2
            or min(self.campaign_days, self.post_days, self.expiry_grid, self.redeem_step) < 1
        ):
            raise ValueError(
                "a program has 2 members, and campaign, post-period, grid and step of at least 1"
            )
        if self.frailty <= 0 or not 0 < self.share < 1:
            raise ValueError("frailty is above 0, and the share of the treatment between 0 and 1")
        if not 0 <= self.pull_forward <= 1 or min(self.effect_of_segment.values(), default=0.0) < 0:
            raise ValueError("pull_forward is from 0 to 1, and no segment turns an effect around")
        if (
            self.more_orders < -1
            or self.larger_basket <= -1
            or self.churn_reduction >= 1
            or self.more_referrals < 0
        ):
            raise ValueError("an effect cannot take away more than there is")
        if self.more_orders > 0 and self.moved_chance > 1:
            raise ValueError("more orders are pulled forward than the post-period holds; make it longer")
        if self.points_multiplier < 1 or self.pending_days >= min(
            self.base_expiry_days, self.bonus_expiry_days
        ):
            raise ValueError("a multiplier is at least 1, and points live longer than they are pending")

    @property
    def outcome_days(self) -> int:
        """Days in which outcomes count."""
        return self.campaign_days + self.post_days

    @property
    def data_days(self) -> int:
        """Days after ``start`` that the data hold."""
        return self.outcome_days + self.refund_days

    @property
    def first(self) -> int:
        """First second of the data."""
        return -self.pre_days * DAY

    @property
    def campaign_end(self) -> int:
        """Second after the campaign."""
        return self.campaign_days * DAY

    @property
    def outcome_end(self) -> int:
        """Second after the outcome window."""
        return self.outcome_days * DAY

    @property
    def data_end(self) -> int:
        """Second after the data."""
        return self.data_days * DAY

    @property
    def moved_chance(self) -> float:
        """Chance that an order of the post-period is pulled forward, so that `pull_forward` is met."""
        return max(self.more_orders, 0.0) * self.pull_forward * self.campaign_days / self.post_days

    @property
    def base_point_cost(self) -> float:
        """Money that one issued base point costs."""
        return self.point_value * self.cost_to_face * self.base_redemption_rate

    @property
    def bonus_point_cost(self) -> float:
        """Money that one issued bonus point costs."""
        return self.point_value * self.cost_to_face * self.bonus_redemption_rate

    def without_effect(self) -> ProgramSettings:
        """Give the same program with a campaign that does and costs nothing (A/A)."""
        from dataclasses import replace

        return replace(
            self,
            more_orders=0.0,
            larger_basket=0.0,
            switched=0.0,
            churn_reduction=0.0,
            points_multiplier=1.0,
            coupon=0.0,
            perk_chance=0.0,
            contacts=0,
            more_referrals=0.0,
            fixed_cost=0.0,
        )
