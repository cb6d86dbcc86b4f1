"""The planted truth: what each member would do in each world, and the effect on the members as a whole.

Nothing here is estimated. Every member has an outcome in every world, made from the same random numbers, so
that an effect is the mean of differences, exact for these members.

Where members of a household are drawn apart, there are two effects to speak of, and both are given:

- ``all_or_nobody``: everyone treated against nobody treated, which is what a roll-out brings;
- ``as_drawn``: treated against untreated members as the draw mixes them, so that control holds members who
  live with treated ones. This is what a comparison of the arms estimates. It is the mean over draws:
  a member of a household of m lives with a treated one with chance 1 - (1 - share)^(m - 1).

The two are the same when households are drawn, or when nothing spills over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.planning.campaign import Referrals, World
from loyalty_exp.planning.members import Flags, Floats
from loyalty_exp.planning.points import PointsLedger
from loyalty_exp.planning.purchases import Orders
from loyalty_exp.planning.settings import ProgramSettings

MEASURES = (
    "margin",
    "cost",
    "revenue",
    "orders",
    "campaign_orders",
    "post_orders",
    "repurchased",
    "promoted_revenue",
    "other_revenue",
    "base_points",
    "bonus_points",
    "redeemed_points",
    "coupons",
    "incremental_coupons",
    "subsidy",
    "perks",
    "contacts",
    "referrals",
    "refunded",
)
"""What is known of each member in each world, in the outcome window, net of refunds; money, not cents."""


@dataclass(frozen=True, slots=True)
class Truth:
    """An effect on these members; differences are a member, treated less untreated.

    Attributes
    ----------
    members : int
    benefit, variable_cost, fixed_cost, net_benefit : float
        Money for a member; the fixed cost is shared by the treated members of the draw.
    roi : float or None
        ``benefit / (variable_cost + fixed_cost) - 1``; None where there is no cost to return.
    revenue, orders, repurchased : float
        Differences of money, of orders, and of the share of members with an order.
    pull_forward : float or None
        Less orders after the campaign for one more in it; None without more orders in it.
    cannibalization : float or None
        Less revenue of other goods for one more of promoted ones; None without more of those.
    points_issued, points_redeemed : float
        Differences, net of points taken back.
    coupons, incremental_coupons : float
        Coupons used for each treated member, and those on orders that would not have happened.
    incremental_share : float or None
        Of coupons, those on incremental orders; None without coupons.
    deadweight_subsidy : float
        Money off orders that would have happened, for each treated member, before refunds.
    difference : mapping of measure to float
        All of `MEASURES`.
    treated, untreated : mapping of measure to float
        The means behind it.
    """

    members: int
    benefit: float
    variable_cost: float
    fixed_cost: float
    net_benefit: float
    roi: float | None
    revenue: float
    orders: float
    repurchased: float
    pull_forward: float | None
    cannibalization: float | None
    points_issued: float
    points_redeemed: float
    coupons: float
    incremental_coupons: float
    incremental_share: float | None
    deadweight_subsidy: float
    difference: Mapping[str, float]
    treated: Mapping[str, float]
    untreated: Mapping[str, float]


Measured = Mapping[str, Floats]
"""Outcomes of the members in one world, by measure."""


def measured(
    world: World, orders: Orders, ledger: PointsLedger, referrals: Referrals, settings: ProgramSettings
) -> Measured:
    """Add up one world to one value a member and measure."""
    inside = (orders.time >= 0) & (orders.time < settings.outcome_end)
    found = orders.only(inside)
    campaign = found.time < settings.campaign_end

    def total(values: npt.NDArray[np.generic], scale: float = 1.0) -> Floats:
        summed: Floats = np.bincount(found.member, weights=values, minlength=settings.members) / scale
        return summed

    burned = ledger.redeemed
    in_window = (burned.time >= 0) & (burned.time < settings.outcome_end)
    kept = found.amount - found.refunded
    used = found.subsidy > 0
    out = {
        "margin": total(found.margin + found.refund_margin, 100),
        "revenue": total(kept, 100),
        "orders": total(np.ones(len(kept))),
        "campaign_orders": total(campaign),
        "post_orders": total(~campaign),
        "promoted_revenue": total(kept * found.promoted, 100),
        "other_revenue": total(kept * ~found.promoted, 100),
        "base_points": total(found.base - found.base_back),
        "bonus_points": total(found.bonus - found.bonus_back),
        "redeemed_points": np.bincount(
            burned.member[in_window], weights=burned.points[in_window], minlength=settings.members
        ),
        "coupons": total(used),
        "incremental_coupons": total(used & found.incremental),
        "subsidy": total(found.subsidy - found.subsidy_back, 100),
        "perks": total(found.perk),
        "contacts": np.full(settings.members, float(settings.contacts if world is World.TREATED else 0)),
        "referrals": referrals.count(world, settings.members),
        "refunded": total(found.refunded, 100),
    }
    out["repurchased"] = (out["orders"] > 0).astype(float)
    out["cost"] = (
        out["base_points"] * settings.base_point_cost
        + out["bonus_points"] * settings.bonus_point_cost
        + out["subsidy"]
        + out["perks"] * settings.perk_cost
        + out["contacts"] * settings.contact_cost
        + out["referrals"] * settings.referral_reward
    )
    return {name: out[name] for name in MEASURES}


def truth_of(
    treated: Measured,
    untreated: Measured,
    settings: ProgramSettings,
    fixed: float,
    only: Flags | None = None,
) -> Truth:
    """Compare two worlds of the same members.

    Parameters
    ----------
    treated, untreated : mapping of measure to array
    settings : ProgramSettings
    fixed : float
        Fixed cost for a treated member.
    only : array of bool, optional
        Some of the members, as a segment.
    """
    chosen = np.ones(settings.members, dtype=bool) if only is None else only
    one = {name: float(treated[name][chosen].mean()) for name in MEASURES}
    other = {name: float(untreated[name][chosen].mean()) for name in MEASURES}
    gap = {name: one[name] - other[name] for name in MEASURES}
    cost = gap["cost"] + fixed
    return Truth(
        members=int(chosen.sum()),
        benefit=gap["margin"],
        variable_cost=gap["cost"],
        fixed_cost=fixed,
        net_benefit=gap["margin"] - cost,
        roi=gap["margin"] / cost - 1 if cost > 0 else None,
        revenue=gap["revenue"],
        orders=gap["orders"],
        repurchased=gap["repurchased"],
        pull_forward=_share(-gap["post_orders"], gap["campaign_orders"]),
        cannibalization=_share(-gap["other_revenue"], gap["promoted_revenue"]),
        points_issued=gap["base_points"] + gap["bonus_points"],
        points_redeemed=gap["redeemed_points"],
        coupons=one["coupons"],
        incremental_coupons=one["incremental_coupons"],
        incremental_share=_share(one["incremental_coupons"], one["coupons"]),
        deadweight_subsidy=settings.coupon * (one["coupons"] - one["incremental_coupons"]),
        difference=gap,
        treated=one,
        untreated=other,
    )


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
