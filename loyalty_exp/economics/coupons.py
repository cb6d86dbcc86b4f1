"""Coupons: which redemptions were extra, what went to orders that would have come anyway, what pays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loyalty_exp.economics.naive import NaiveFigure
from loyalty_exp.errors import NotEstimable

ShareStatus = Literal["inside", "profitable_at_any_share", "never"]


@dataclass(frozen=True, slots=True)
class CouponCampaign:
    """A coupon campaign for each assigned treated member.

    Attributes
    ----------
    redemptions : float
        Redeemed orders a member, those of members who would have bought anyway included.
    incremental_orders : float
        Orders a member more than control; a random difference, so it may be negative or exceed redemptions.
    subsidy : float
        Money off an average redeemed order.
    margin_redeemed : float
        Margin of an average redeemed order before the coupon, money.
    margin_organic : float
        Margin of an average order that would have come anyway, money.
    other_cost : float
        Contact and fixed cost a member, money.
    """

    redemptions: float
    incremental_orders: float
    subsidy: float
    margin_redeemed: float
    margin_organic: float
    other_cost: float

    def __post_init__(self) -> None:
        if not min(self.redemptions, self.subsidy, self.other_cost) >= 0:
            raise ValueError("redemptions, subsidy and cost are not negative")


@dataclass(frozen=True, slots=True)
class BreakEvenShare:
    """Share of redemptions that must be incremental for the net benefit to be 0.

    Attributes
    ----------
    value : float or None
        Between 0 and 1; None where there is none.
    status : str
        ``inside``; ``profitable_at_any_share``: even if nothing is incremental; ``never``: not even if
        everything is.
    if_same_basket : float
        The usual formula, ``(subsidy + other / redemptions) / margin``: it takes the orders that would have
        come anyway for as large as the redeemed ones.
    """

    value: float | None
    status: ShareStatus
    if_same_basket: float


@dataclass(frozen=True, slots=True)
class CouponReading:
    """What a coupon campaign did, a member.

    Attributes
    ----------
    incremental_share, deadweight_share : float
        Of redemptions, from 0 to 1, summing to 1.
    deadweight_subsidy : float
        Money that went to orders which would have come anyway.
    total_cost : float
        Subsidy of all redemptions, contact and fixed, money.
    cost_per_incremental_order : float or None
        Money; None when there are no incremental orders.
    net_benefit : float
        Money.
    break_even : BreakEvenShare
    """

    incremental_share: float
    deadweight_share: float
    deadweight_subsidy: float
    total_cost: float
    cost_per_incremental_order: float | None
    net_benefit: float
    break_even: BreakEvenShare


def read_coupons(campaign: CouponCampaign) -> CouponReading:
    """Work out the incremental share, the deadweight and the break-even of a campaign.

    The break-even is that of :func:`break_even_share`; shares are of redeemed orders.

    Raises
    ------
    NotEstimable
        When nothing was redeemed, or orders that would have come anyway bring no margin.
    """
    r, extra = campaign.redemptions, campaign.incremental_orders
    if r == 0:
        raise NotEstimable("no coupon was redeemed")
    share = min(max(extra / r, 0.0), 1.0)
    total = r * campaign.subsidy + campaign.other_cost
    return CouponReading(
        incremental_share=share,
        deadweight_share=1 - share,
        deadweight_subsidy=campaign.subsidy * r * (1 - share),
        total_cost=total,
        cost_per_incremental_order=total / extra if extra > 0 else None,
        net_benefit=r * campaign.margin_redeemed - (r - extra) * campaign.margin_organic - total,
        break_even=break_even_share(campaign),
    )


def break_even_share(campaign: CouponCampaign) -> BreakEvenShare:
    """Share of redemptions that must be incremental: ``1 - (m_r - s - c / r) / m_0``.

    Raises
    ------
    NotEstimable
        When nothing was redeemed, or an order brings no margin.
    """
    r, m_r, m_0 = campaign.redemptions, campaign.margin_redeemed, campaign.margin_organic
    if r == 0:
        raise NotEstimable("no coupon was redeemed")
    if not min(m_r, m_0) > 0:
        raise NotEstimable("orders bring no margin, so there is no break-even share")
    cost = campaign.subsidy + campaign.other_cost / r
    share = 1 - (m_r - cost) / m_0
    if share <= 0:
        return BreakEvenShare(None, "profitable_at_any_share", cost / m_r)
    if share >= 1:
        return BreakEvenShare(None, "never", cost / m_r)
    return BreakEvenShare(share, "inside", cost / m_r)


def revenue_per_contact_cost(redemptions: float, paid: float, contact: float) -> NaiveFigure:
    """Revenue of all redeemed orders over the cost of contact: counts what would have come anyway.

    Parameters
    ----------
    redemptions : float
        A member.
    paid : float
        Money paid for an average redeemed order, after the coupon.
    contact : float
        Money a member.

    Raises
    ------
    NotEstimable
        When contact cost nothing.
    """
    if contact == 0:
        raise NotEstimable("contact cost nothing")
    return NaiveFigure("revenue_per_contact_cost", redemptions * paid / contact)


def attributed_roi(campaign: CouponCampaign) -> NaiveFigure:
    """Return when the margin of every redeemed order is credited to the campaign.

    Raises
    ------
    NotEstimable
        When the campaign cost nothing.
    """
    total = campaign.redemptions * campaign.subsidy + campaign.other_cost
    if total == 0:
        raise NotEstimable("the campaign cost nothing")
    return NaiveFigure("attributed_roi", campaign.redemptions * campaign.margin_redeemed / total - 1)
