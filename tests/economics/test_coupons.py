"""Coupons: deadweight, cost of an extra order, and the share that must be extra."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loyalty_exp.economics.coupons import (
    CouponCampaign,
    attributed_roi,
    break_even_share,
    read_coupons,
    revenue_per_contact_cost,
)
from loyalty_exp.errors import NotEstimable

WINBACK = CouponCampaign(0.04, 0.031, 70.0, 210.0, 270.0, 0.1)


def test_the_net_benefit_is_zero_at_the_break_even_share() -> None:
    share = break_even_share(WINBACK).value
    assert share is not None
    at = replace(WINBACK, incremental_orders=share * WINBACK.redemptions)
    assert read_coupons(at).net_benefit == pytest.approx(0, abs=1e-12)


def test_the_usual_formula_holds_only_for_equal_baskets() -> None:
    same = replace(WINBACK, margin_organic=WINBACK.margin_redeemed)
    found = break_even_share(same)
    assert found.value == pytest.approx(found.if_same_basket)
    assert break_even_share(WINBACK).value > break_even_share(WINBACK).if_same_basket + 0.1


def test_a_campaign_that_pays_with_nothing_incremental_says_so() -> None:
    # Possible only where the redeemed orders are so much larger that they pay for subsidy and contact.
    large = replace(WINBACK, margin_redeemed=400.0)
    assert break_even_share(large).status == "profitable_at_any_share"
    assert read_coupons(replace(large, incremental_orders=0.0)).net_benefit > 0


def test_a_campaign_that_cannot_pay_says_so() -> None:
    deep = replace(WINBACK, subsidy=215.0)
    assert (break_even_share(deep).status, break_even_share(deep).value) == ("never", None)
    assert read_coupons(replace(deep, incremental_orders=0.04)).net_benefit < 0


def test_orders_lost_to_the_campaign_make_all_subsidy_deadweight() -> None:
    found = read_coupons(replace(WINBACK, incremental_orders=-0.01))
    assert (found.incremental_share, found.deadweight_share) == (0, 1)
    assert found.deadweight_subsidy == pytest.approx(0.04 * 70)
    assert found.cost_per_incremental_order is None


def test_more_extra_orders_than_redemptions_leave_no_deadweight() -> None:
    found = read_coupons(replace(WINBACK, incremental_orders=0.05))
    assert (found.incremental_share, found.deadweight_subsidy) == (1, 0)
    assert found.cost_per_incremental_order == pytest.approx(2.9 / 0.05)


def test_naive_figures_carry_their_label_and_flatter() -> None:
    assert attributed_roi(WINBACK).label == "not causal"
    truth = read_coupons(WINBACK)
    assert attributed_roi(WINBACK).value > truth.net_benefit / truth.total_cost
    assert revenue_per_contact_cost(0.04, 280, 0.05).value == pytest.approx(224)


def test_what_cannot_be_told_has_a_reason() -> None:
    with pytest.raises(NotEstimable, match="no coupon was redeemed"):
        read_coupons(replace(WINBACK, redemptions=0.0))
    with pytest.raises(NotEstimable, match="no coupon was redeemed"):
        break_even_share(replace(WINBACK, redemptions=0.0))
    with pytest.raises(NotEstimable, match="no margin"):
        break_even_share(replace(WINBACK, margin_organic=0.0))
    with pytest.raises(NotEstimable, match="contact cost nothing"):
        revenue_per_contact_cost(0.04, 280, 0)
    with pytest.raises(NotEstimable, match="cost nothing"):
        attributed_roi(replace(WINBACK, subsidy=0.0, other_cost=0.0))
    with pytest.raises(ValueError, match="not negative"):
        replace(WINBACK, subsidy=-1.0)
