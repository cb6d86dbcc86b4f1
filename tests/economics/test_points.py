"""Points: what is accrued, burned and owed, and the rate at which they pay for themselves."""

from __future__ import annotations

import pytest

from loyalty_exp.economics.break_even import break_even_redemption_rate
from loyalty_exp.economics.points import (
    PointsFlow,
    PointsPrice,
    cost_to_face_of_own_goods,
    points_cost_difference,
    position,
    true_up,
)
from loyalty_exp.errors import NotEstimable

PRICE = PointsPrice(0.01, 0.92)


def test_accrual_is_what_was_burned_and_what_is_owed() -> None:
    at = position(PointsFlow(1_000, 40, 300, 60), 0.8, PRICE)
    assert at.accrual_cost == pytest.approx(960 * 0.8 * 0.0092)
    assert at.burn_cost == pytest.approx(300 * 0.0092)
    assert at.closing_liability == pytest.approx((960 * 0.8 - 300) * 0.0092)
    assert at.conditional_redemption_rate == pytest.approx((960 * 0.8 - 300) / 600)
    assert at.breakage == pytest.approx(192)


def test_the_conditional_rate_does_not_exist_when_no_point_is_outstanding() -> None:
    at = position(PointsFlow(100, 0, 60, 40), 0.6, PRICE)
    assert at.conditional_redemption_rate is None
    assert at.closing_liability == 0
    assert not at.assumption_refuted


@pytest.mark.parametrize(
    ("flow", "rate", "used"),
    [(PointsFlow(100, 0, 90, 0), 0.8, 0.9), (PointsFlow(100, 0, 0, 50), 0.8, 0.5)],
    ids=["more redeemed already", "too many expired already"],
)
def test_a_rate_that_the_points_refute_is_moved_and_said(flow: PointsFlow, rate: float, used: float) -> None:
    at = position(flow, rate, PRICE)
    assert at.assumption_refuted
    assert at.redemption_rate == pytest.approx(used)
    assert at.cost_per_point_issued == pytest.approx(used * PRICE.cost)
    assert at.identity_gap == pytest.approx(0, abs=1e-12)


def test_nothing_issued_costs_nothing() -> None:
    at = position(PointsFlow(0), 0.8, PRICE)
    assert (at.accrual_cost, at.closing_liability, at.conditional_redemption_rate) == (0, 0, None)


def test_a_true_up_is_the_change_of_the_rate_times_all_points() -> None:
    assert true_up(PointsFlow(1_000), 0.8, 0.85, PRICE) == pytest.approx(1_000 * 0.05 * 0.0092)
    assert true_up(PointsFlow(1_000), 0.85, 0.8, PRICE) == pytest.approx(-1_000 * 0.05 * 0.0092)


def test_impossible_points_are_refused() -> None:
    with pytest.raises(ValueError, match="more points taken back"):
        PointsFlow(100, 10, 80, 20)
    with pytest.raises(ValueError, match="not negative"):
        PointsFlow(-1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        position(PointsFlow(1), 1.2, PRICE)
    with pytest.raises(ValueError, match="face value"):
        PointsPrice(0.0)


def test_bonus_points_that_displace_base_points_cost_burn_and_liability_together() -> None:
    # The arm got 1,000 bonus points of which 900 were burned, but 300 base points were left unburned by that.
    with_bonus = position(PointsFlow(3_000, 0, 1_600, 0), 0.8, PointsPrice(1.0))
    without = position(PointsFlow(2_000, 0, 1_000, 0), 0.8, PointsPrice(1.0))
    found = points_cost_difference([with_bonus], [without], 10, 10)
    assert found.burn == pytest.approx(60)
    assert found.liability == pytest.approx(20)
    assert found.accrual == pytest.approx((3_000 - 2_000) * 0.8 / 10)
    with pytest.raises(NotEstimable, match="no member"):
        points_cost_difference([with_bonus], [without], 10, 0)


@pytest.mark.parametrize(
    ("benefit", "points", "status", "value"),
    [
        (4.2, 386.4, "inside", 3.25 / 3.864),
        (9.0, 386.4, "profitable_at_any_rate", None),
        (0.5, 386.4, "loss_at_any_rate", None),
        (0.95, 386.4, "inside", 0.0),
        (2.0, 0.0, "profitable_at_any_rate", None),
        (0.1, 0.0, "loss_at_any_rate", None),
        (0.95, 0.0, "indifferent_at_any_rate", None),
        (2.0, -100.0, "profitable_at_any_rate", None),
        (-2.0, -100.0, "loss_at_any_rate", None),
        (0.45, -100.0, "inside", 0.5),
    ],
)
def test_break_even_rate_is_a_rate_or_words(
    benefit: float, points: float, status: str, value: float | None
) -> None:
    found = break_even_redemption_rate(benefit, 0.35, 0.6, points, PointsPrice(0.01))
    assert found.status == status
    assert found.value == (None if value is None else pytest.approx(value, abs=1e-12))


def test_lots_count_at_their_own_rates_and_an_arm_may_have_none() -> None:
    base = position(PointsFlow(1_000, 0, 500), 0.8, PointsPrice(1.0))
    bonus = position(PointsFlow(200, 0, 50), 0.5, PointsPrice(1.0))
    found = points_cost_difference([base, bonus], [], 100, 50)
    assert (found.burn, found.liability, found.accrual) == pytest.approx((5.5, 3.5, 9.0))


def test_points_spent_on_own_goods_cost_less_only_where_the_margin_is_not_counted_twice() -> None:
    assert cost_to_face_of_own_goods(0.0, 0.4) == 1
    assert cost_to_face_of_own_goods(0.5, 0.4) == pytest.approx(0.8)
    with pytest.raises(ValueError, match="between 0 and 1"):
        cost_to_face_of_own_goods(1.5, 0.4)
