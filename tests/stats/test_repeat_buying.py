"""Repeat-buying models: inputs that cannot be, likelihoods, expectations, and parameters found again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, special, stats

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.purchase_history import frequency_value_correlation, from_purchases, history
from loyalty_exp.stats.repeat_buying import (
    BgNbd,
    expected_later_purchases,
    expected_purchases,
    fit_bg_nbd,
    log_likelihood,
    model_of,
    probability_alive,
    purchase_probabilities,
)
from loyalty_exp.stats.shifted_beta_geometric import (
    ShiftedBetaGeometric,
    expected_residual_lifetime,
    fit_shifted_beta_geometric,
    retention_model_of,
    retention_rate,
    share_remaining,
)
from loyalty_exp.stats.spend_per_purchase import (
    GammaGamma,
    expected_spend,
    fit_gamma_gamma,
    mean_spend,
    spend_log_likelihood,
    spend_model_of,
)

CDNOW = BgNbd(0.243, 4.414, 0.793, 2.426)


def drawn(model: BgNbd, n: int, rng: np.random.Generator):
    """Purchase histories as the model says, watched for 27 to 39 weeks."""
    age = rng.uniform(27, 39, n)
    rate, stop = rng.gamma(model.r, 1 / model.alpha, n), rng.beta(model.a, model.b, n)
    now, x, t_x = np.zeros(n), np.zeros(n), np.zeros(n)
    alive = np.ones(n, dtype=bool)
    while alive.any():
        now[alive] += rng.exponential(1.0, int(alive.sum())) / np.maximum(rate[alive], 1e-300)
        alive &= now <= age
        x[alive] += 1
        t_x[alive] = now[alive]
        alive &= rng.random(n) >= stop
    return history(x, t_x, age)


@pytest.mark.parametrize(
    ("x", "t_x", "age", "words"),
    [
        (2, 40.0, 38.9, "recency cannot exceed the age"),
        (0, 3.0, 38.9, "without a repeat purchase the recency is 0"),
        (2, 0.0, 38.9, "its recency is above 0"),
        (1.5, 3.0, 38.9, "whole number"),
        (-1, 0.0, 38.9, "not negative"),
        (1, -3.0, 38.9, "recency is not negative"),
        (1, 3.0, np.nan, "finite"),
        (np.nan, 3.0, 9.0, "finite"),
        (1, 3.0, np.inf, "finite"),
    ],
)
def test_histories_that_no_customer_can_have_are_refused(x, t_x, age, words) -> None:
    with pytest.raises(ValueError, match=words):
        history([0, x], [0, t_x], [10, age])


def test_a_refusal_counts_the_customers() -> None:
    with pytest.raises(ValueError, match=r"recency cannot exceed the age \(2 customers\)"):
        history([1, 1, 1], [11, 12, 3], [10, 10, 10])
    with pytest.raises(ValueError, match="no customer"):
        history([], [], [])
    with pytest.raises(ValueError, match="one length"):
        history([1], [1, 2], [3])


def test_purchases_of_one_day_count_once_in_any_order() -> None:
    who = ["b", "a", "a", "b", "a", "c"]
    day = [3.2, 0.1, 14.0, 3.9, 7.5, 20.0]
    found = from_purchases(who, day, 21)
    assert found.frequency.tolist() == [2, 0, 0]
    assert found.recency.tolist() == [2, 0, 0]
    assert found.age.tolist() == [3, 18 / 7, 1 / 7]
    with pytest.raises(ValueError, match="after the last day"):
        from_purchases(who, day, 19)


def test_the_likelihood_is_the_integral_over_customers() -> None:
    nodes, weights = special.roots_jacobi(60, CDNOW.b - 1, CDNOW.a - 1)
    p, w_p = (nodes + 1) / 2, weights / weights.sum()
    nodes, weights = special.roots_legendre(200)
    lam = ((nodes + 1) * 1.5)[:, None]
    w_lam = 1.5 * weights * stats.gamma(CDNOW.r, scale=1 / CDNOW.alpha).pdf(lam[:, 0])
    each = (1 - p) ** 3 * lam**3 * np.exp(-lam * 38) + p * (1 - p) ** 2 * lam**3 * np.exp(-lam * 20)
    whole = float(w_lam @ each @ w_p)
    assert log_likelihood(CDNOW, history([3], [20.0], [38.0]))[0] == pytest.approx(np.log(whole), abs=1e-8)


@pytest.mark.parametrize("x", [0, 1, 40])
def test_gradients_are_those_of_differences(x: int) -> None:
    data = history([x, 1], [30.0 if x else 0.0, 2.0], [38.0, 30.0])
    at = np.array([0.243, 4.414, 0.793, 2.426])
    for i in range(4):
        step = np.zeros(4)
        step[i] = 1e-6
        up, down = (log_likelihood(BgNbd(*(at + s * step)), data)[0] for s in (1, -1))
        assert log_likelihood(CDNOW, data)[1][i] == pytest.approx((up - down) / 2e-6, rel=1e-6, abs=1e-7)
    spend = np.array([6.25, 3.74, 15.44])
    count = np.ones(2)
    for i in range(3):
        step = np.zeros(3)
        step[i] = 1e-6
        args = np.array([2.0, 5.0]), np.array([22.0, 40.0]), count
        up, down = (spend_log_likelihood(GammaGamma(*(spend + s * step)), *args)[0] for s in (1, -1))
        got = spend_log_likelihood(GammaGamma(*spend), *args)[1][i]
        assert got == pytest.approx((up - down) / 2e-6, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("a", [0.3, 0.793, 1.0, 1 + 1e-7, 1.7, 6.0])
@pytest.mark.parametrize("b", [0.2, 0.7, 2.4])
def test_expected_purchases_are_those_of_direct_integration(a: float, b: float) -> None:
    def one(p: float) -> float:
        return (1 - (4.4 / (4.4 + p * 39)) ** 0.9) / p if p else 0.9 * 39 / 4.4

    whole = integrate.quad(one, 0, 1, weight="alg", wvar=(a - 1, b - 1), epsabs=1e-13)[0]
    found = expected_purchases(BgNbd(0.9, 4.4, a, b), [39.0])[0]
    assert found == pytest.approx(whole / special.beta(a, b), rel=1e-6)


def test_probabilities_of_counts_sum_to_one_and_have_the_expected_mean() -> None:
    found = purchase_probabilities(CDNOW, 4_000, 39.0)
    assert found.sum() == pytest.approx(1, abs=1e-9)
    assert np.arange(4_001) @ found == pytest.approx(expected_purchases(CDNOW, [39.0])[0], rel=1e-6)
    with pytest.raises(ValueError, match="a time above 0"):
        purchase_probabilities(CDNOW, 3, 0.0)


def test_a_customer_without_a_repeat_purchase_is_alive_in_this_model() -> None:
    data = history([0, 2, 2], [0, 2, 30], [38, 38, 38])
    alive = probability_alive(CDNOW, data)
    assert alive[0] == 1
    assert alive[1] < alive[2] < 1
    later = expected_later_purchases(CDNOW, data, 39.0)
    assert later[1] < later[2]
    assert expected_later_purchases(CDNOW, data, 0.0).tolist() == [0, 0, 0]


def test_heavy_buyers_give_finite_answers() -> None:
    data = history([900, 900], [37.9, 5.0], [38, 38])
    value, gradient = log_likelihood(CDNOW, data)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert probability_alive(CDNOW, data)[1] < 1e-300
    assert np.isfinite(expected_later_purchases(CDNOW, data, 39.0)).all()


def test_parameters_are_found_again() -> None:
    # Over 100 fits of 5,000 customers: r .010, alpha .29, mean dropout .014, mean rate .002 apart at random.
    model = model_of(fit_bg_nbd(drawn(CDNOW, 5_000, np.random.default_rng(24))))
    assert model.r == pytest.approx(0.243, abs=0.035)
    assert model.alpha == pytest.approx(4.414, abs=1.0)
    assert model.a / (model.a + model.b) == pytest.approx(0.2463, abs=0.05)
    assert model.r / model.alpha == pytest.approx(0.0551, abs=0.007)


def test_the_unit_of_time_is_carried_through() -> None:
    data = drawn(CDNOW, 2_000, np.random.default_rng(1))
    weeks = fit_bg_nbd(data)
    days = fit_bg_nbd(history(data.frequency, 7 * data.recency, 7 * data.age))
    assert days.parameters == pytest.approx(weeks.parameters * [1, 7, 1, 1], rel=1e-6)
    assert days.std_errors == pytest.approx(weeks.std_errors * [1, 7, 1, 1], rel=1e-4)
    assert days.log_likelihood == pytest.approx(
        log_likelihood(model_of(days), history(data.frequency, 7 * data.recency, 7 * data.age))[0]
    )


def test_counts_stand_for_repeated_customers() -> None:
    data = drawn(CDNOW, 1_500, np.random.default_rng(6))
    twice = history(*(np.tile(v, 2) for v in (data.frequency, data.recency, data.age)))
    by_count, by_row = fit_bg_nbd(data, np.full(1_500, 2.0)), fit_bg_nbd(twice)
    assert by_count.parameters == pytest.approx(by_row.parameters, rel=1e-6)
    assert by_count.std_errors == pytest.approx(by_row.std_errors, rel=1e-4)


def test_data_that_do_not_fit_the_model_have_a_reason() -> None:
    with pytest.raises(NotEstimable, match="no customer bought again"):
        fit_bg_nbd(history([0, 0], [0, 0], [10, 10]))
    with pytest.raises(NotEstimable, match="after her last purchase"):
        fit_bg_nbd(history([1, 2], [10, 10], [10, 10]))
    with pytest.raises(NotEstimable):  # all alike and nobody stops: no spread of rates, no dropout
        fit_bg_nbd(history(np.full(500, 10), np.full(500, 36.0), np.full(500, 38.0)))
    with pytest.raises(NotEstimable):
        fit_bg_nbd(history([1], [3.0], [10.0]))


def test_spend_parameters_are_found_again_and_scale_with_money() -> None:
    rng = np.random.default_rng(9)
    x = rng.integers(1, 8, 4_000)
    nu = rng.gamma(3.74, 1 / 15.44, 4_000)
    z = rng.gamma(6.25 * x) / nu / x
    fit = fit_gamma_gamma(x, z)
    assert mean_spend(spend_model_of(fit)) == pytest.approx(6.25 * 15.44 / 2.74, rel=0.05)
    assert (np.abs(fit.parameters - [6.25, 3.74, 15.44]) < 4 * fit.std_errors).all()
    cents = fit_gamma_gamma(x, 100 * z)
    assert cents.parameters == pytest.approx(fit.parameters * [1, 1, 100], rel=1e-5)


def test_expected_spend_lies_between_the_customer_and_everybody() -> None:
    model = GammaGamma(6.25, 3.74, 15.44)
    everybody = mean_spend(model)
    found = expected_spend(model, [0, 1, 1_000], [0, 100.0, 100.0])
    assert found[0] == pytest.approx(everybody)
    assert everybody < found[1] < 100
    assert found[2] == pytest.approx(100, rel=0.01)
    with pytest.raises(NotEstimable, match="infinite"):
        mean_spend(GammaGamma(6, 0.9, 15))


def test_spend_without_variation_or_above_zero_is_refused() -> None:
    with pytest.raises(NotEstimable, match="does not vary"):
        fit_gamma_gamma([1, 2, 3, 4], [5.0] * 4)
    with pytest.raises(NotEstimable, match="fewer than three"):
        fit_gamma_gamma([1, 2, 0, 0], [5.0, 6.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="above 0"):
        fit_gamma_gamma([1, 2, 3, 4], [5.0, 0.0, 3.0, 4.0])


def test_frequency_and_value_are_compared_among_repeat_customers_only() -> None:
    x, z = np.array([0, 0, 1, 2, 3]), np.array([0.0, 0.0, 5.0, 4.0, 6.0])
    assert frequency_value_correlation(x, z) == pytest.approx(np.corrcoef(x[2:], z[2:])[0, 1])
    with pytest.raises(NotEstimable, match="fewer than three"):
        frequency_value_correlation([0, 1, 2], [0, 1, 2])
    with pytest.raises(NotEstimable, match="does not vary"):
        frequency_value_correlation([2, 2, 2], [1, 2, 3])


def test_retention_rises_and_shares_are_products_of_it() -> None:
    model = ShiftedBetaGeometric(0.668, 3.806)
    rates = retention_rate(model, range(1, 13))
    assert (np.diff(rates) > 0).all()
    assert share_remaining(model, range(13)) == pytest.approx([1, *np.cumprod(rates)])


@pytest.mark.parametrize("survived", [0, 7])
@pytest.mark.parametrize("discount", [0.0, 0.02, 0.1])
def test_residual_lifetime_is_the_sum_of_what_may_still_come(survived: int, discount: float) -> None:
    model = ShiftedBetaGeometric(3.2, 3.8)
    t = np.arange(survived + 1, 60_000 if discount == 0 else 3_000)
    direct = (
        share_remaining(model, t) / share_remaining(model, survived) / (1 + discount) ** (t - survived - 1)
    )
    assert expected_residual_lifetime(model, survived, discount) == pytest.approx(direct.sum(), rel=1e-6)


def test_cohort_parameters_are_found_again() -> None:
    model = ShiftedBetaGeometric(0.7, 3.8)
    expected = 10_000 * share_remaining(model, range(9))
    found = fit_shifted_beta_geometric(expected.tolist())
    assert found.parameters == pytest.approx([0.7, 3.8], rel=1e-6)
    assert retention_model_of(found).alpha == found.parameters[0]
    hundredth = fit_shifted_beta_geometric((expected / 100).tolist())
    assert hundredth.std_errors == pytest.approx(10 * found.std_errors, rel=1e-4)


def test_cohorts_that_tell_nothing_have_a_reason() -> None:
    with pytest.raises(NotEstimable, match="nobody left"):
        fit_shifted_beta_geometric([100, 100, 100])
    with pytest.raises(NotEstimable, match="nobody stayed"):
        fit_shifted_beta_geometric([100, 0, 0])
    with pytest.raises(NotEstimable, match="two renewals"):
        fit_shifted_beta_geometric([100, 90])
    with pytest.raises(NotEstimable):  # the same share leaves each time: no spread between members
        fit_shifted_beta_geometric([1_000, 900, 810, 729])
    with pytest.raises(ValueError, match="never rise"):
        fit_shifted_beta_geometric([100, 90, 95])
    with pytest.raises(NotEstimable, match="infinite"):
        expected_residual_lifetime(ShiftedBetaGeometric(0.7, 3.8), 7, 0.0)
