"""Projected value: difference between arms with the models fitted again in every resample."""

from __future__ import annotations

import numpy as np
import pytest

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.backtest import absolute_percentage_error, with_backtest_error
from loyalty_exp.stats.projected_value import (
    Buyers,
    Projection,
    projected_difference,
    projected_values,
)
from loyalty_exp.stats.purchase_history import history
from loyalty_exp.stats.repeat_buying import BgNbd, expected_later_purchases, fit_bg_nbd, model_of
from loyalty_exp.stats.replicates import Replicates, percentile_interval
from loyalty_exp.stats.spend_per_purchase import (
    GammaGamma,
    expected_spend,
    fit_gamma_gamma,
    spend_model_of,
)

QUARTERS = Projection(4, 13.0, 0.02, 0.4)
MODEL, SPEND = BgNbd(0.8, 5.0, 0.8, 2.5), GammaGamma(6.0, 4.0, 15.0)


def arm(seed: int, n: int = 500, rate: float = 1.0) -> Buyers:
    rng = np.random.default_rng(seed)
    age = rng.uniform(27, 39, n)
    buys, stop = rate * rng.gamma(MODEL.r, 1 / MODEL.alpha, n), rng.beta(MODEL.a, MODEL.b, n)
    x, t_x = np.zeros(n), np.zeros(n)
    for i in range(n):
        now = rng.exponential(1 / buys[i])
        while now <= age[i]:
            x[i], t_x[i] = x[i] + 1, now
            if rng.random() < stop[i]:
                break
            now += rng.exponential(1 / buys[i])
    value = np.where(x > 0, rng.gamma(SPEND.p * np.maximum(x, 1)) / np.maximum(x, 1), 0.0)
    return Buyers(history(x, t_x, age), value / rng.gamma(SPEND.q, 1 / SPEND.gamma, n))


def test_without_discount_periods_add_up_to_the_horizon() -> None:
    buyers = arm(1)
    found = projected_values(buyers, MODEL, SPEND, Projection(4, 13.0, 0.0, 0.4))
    purchases = expected_later_purchases(MODEL, buyers.history, 52.0)
    assert found == pytest.approx(
        0.4 * purchases * expected_spend(SPEND, buyers.history.frequency, buyers.value)
    )
    assert (projected_values(buyers, MODEL, SPEND, QUARTERS) <= found).all()


def test_the_same_arm_twice_differs_by_nothing_and_the_seed_settles_the_rest() -> None:
    one = projected_difference(arm(1), arm(1), QUARTERS, 12, np.random.default_rng(3))
    assert one.estimate == 0
    again = projected_difference(arm(1), arm(1), QUARTERS, 12, np.random.default_rng(3))
    assert one.values.tolist() == again.values.tolist()
    low, high = percentile_interval(one, 0.2)
    assert low < 0 < high


def test_every_resample_fits_the_models_again() -> None:
    one, two = arm(5, 300), arm(6, 300)
    found = projected_difference(one, two, QUARTERS, 1, np.random.default_rng(3))
    rng, by_hand, as_if_known = np.random.default_rng(3), [], []
    for buyers in (one, two):
        x, count = buyers.history.frequency, rng.multinomial(300, np.full(300, 1 / 300)).astype(float)
        for weights, means in ((count, by_hand), (None, as_if_known)):
            buying = model_of(fit_bg_nbd(buyers.history, weights))
            spend = spend_model_of(fit_gamma_gamma(x, buyers.value, weights))
            means.append(np.average(projected_values(buyers, buying, spend, QUARTERS), weights=count))
    assert found.values[0] == pytest.approx(by_hand[0] - by_hand[1], rel=1e-2)
    assert abs(found.values[0] - (as_if_known[0] - as_if_known[1])) > 0.1 * abs(found.values[0])


def test_money_in_another_unit_scales_every_resample() -> None:
    one, two = arm(5), arm(6)
    cents = [Buyers(a.history, 100 * a.value) for a in (one, two)]
    plain = projected_difference(one, two, QUARTERS, 8, np.random.default_rng(3))
    scaled = projected_difference(cents[0], cents[1], QUARTERS, 8, np.random.default_rng(3))
    assert scaled.estimate == pytest.approx(100 * plain.estimate, rel=1e-4)
    assert scaled.values == pytest.approx(100 * plain.values, rel=1e-3)


def test_an_arm_that_spends_three_times_as_much_is_worth_more() -> None:
    dear = Buyers(arm(5).history, 3 * arm(5).value)
    found = projected_difference(dear, arm(6), QUARTERS, 12, np.random.default_rng(3))
    assert found.estimate > 3 * found.std_error > 0


def test_models_that_cannot_be_fitted_have_a_reason() -> None:
    none = Buyers(history(np.zeros(50), np.zeros(50), np.full(50, 30.0)), np.zeros(50))
    with pytest.raises(NotEstimable, match="no customer bought again"):
        projected_difference(none, arm(1), QUARTERS, 5, np.random.default_rng(3))


def test_a_backtest_error_widens_and_is_in_quadrature() -> None:
    found = Replicates(10.0, np.array([9.0, 11.0, 10.0, 10.0]))
    assert with_backtest_error(found, 0.0) == pytest.approx(found.std_error)
    assert with_backtest_error(found, 0.3) == pytest.approx(np.hypot(found.std_error, 3.0))
    assert absolute_percentage_error([90, 120], [100, 100]) == pytest.approx(0.15)
    with pytest.raises(NotEstimable, match="other than 0"):
        absolute_percentage_error([1], [0])
    with pytest.raises(ValueError, match="as many"):
        absolute_percentage_error([1], [1, 2])


def test_impossible_projections_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one period"):
        Projection(0, 13.0)
    with pytest.raises(ValueError, match="one value for each"):
        Buyers(history([0], [0], [1]), np.zeros(2))
    with pytest.raises(ValueError, match="replicate"):
        projected_difference(arm(1), arm(1), QUARTERS, 0, np.random.default_rng(3))
