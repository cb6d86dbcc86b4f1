"""The Bayesian reading: exact integrals, tails that never underflow, and the prior kept beside the number."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import integrate, special

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.bayes import arms, normal, normal_gamma, proportions
from loyalty_exp.stats.bayes.beta import BetaPosterior, BetaPrior
from loyalty_exp.stats.bayes.beta import interval as beta_interval
from loyalty_exp.stats.bayes.beta import posterior as beta_posterior
from loyalty_exp.stats.bayes.false_positives import false_positive_risk
from loyalty_exp.stats.bayes.normal import FLAT, Prior
from loyalty_exp.stats.difference import difference
from loyalty_exp.stats.means import plain
from loyalty_exp.stats.moments import checked, empty, from_rows

LEVEL = 0.05


def beta(a: float, b: float) -> BetaPosterior:
    return BetaPosterior(a, b, BetaPrior())


def test_a_flat_prior_gives_the_frequentist_interval() -> None:
    rng = np.random.default_rng(1)
    t, c = (plain(from_rows({"y": rng.normal(m, 3, 30_000)}), ("y",)) for m in (1.1, 1.0))
    d = difference(t, c, LEVEL)
    for prior in (FLAT, Prior(7.0, 1e12), Prior(0.0, 1e200)):
        after = normal.posterior(d.estimate, d.std_error, prior)
        # Welch's own interval is 1 part in 25,000 wider at these sizes.
        assert normal.interval(after, LEVEL) == pytest.approx(
            (d.ci_lower, d.ci_upper), abs=d.std_error * 1e-4
        )
        assert 2 * normal.probability_above(after)[0] == pytest.approx(2 - d.p_value, abs=1e-4)
        assert (after.shrinkage, after.prior) == (pytest.approx(1.0), prior)


def test_a_firm_prior_stands_and_the_prior_is_carried() -> None:
    prior = Prior(0.2, 1e-9)
    after = normal.posterior(5.0, 1.0, prior)
    assert after.mean == pytest.approx(0.2, abs=1e-9)
    assert after.sd == pytest.approx(1e-9, rel=1e-6)
    assert normal.posterior(5.0, 1e300, prior).sd == pytest.approx(1e-9)
    assert after.prior is prior
    assert beta_posterior(3, 9, BetaPrior(2, 5)).prior == BetaPrior(2, 5)


def test_a_prior_moves_between_scales_and_gives_one_answer() -> None:
    prior = Prior(0.1, 0.3, "relative")
    control_mean, lift, error = -8.0, 0.05, 0.02
    there = prior.on("absolute", control_mean)
    assert (there.mean, there.sd, there.scale) == (pytest.approx(0.8), pytest.approx(2.4), "absolute")
    assert there.on("relative", control_mean) == prior
    assert prior.on("relative", 5.0) is prior
    relative = normal.posterior(lift, error, prior)
    absolute = normal.posterior(lift * 8, error * 8, there)
    assert absolute.mean == pytest.approx(relative.mean * 8, rel=1e-12)
    assert normal.probability_above(absolute)[0] == pytest.approx(normal.probability_above(relative)[0])
    # A peer forgets to convert, and answers otherwise.
    assert normal.posterior(lift * 8, error * 8, prior).mean != pytest.approx(relative.mean * 8, rel=1e-3)
    with pytest.raises(NotEstimable, match="control mean is 0"):
        prior.on("absolute", 0.0)
    with pytest.raises(ValueError, match="scale"):
        prior.on("percent", 1.0)


@pytest.mark.parametrize("z", [0.0, 1.0, 5.0, 24.99, 25.01, 37.0, 40.0, 1e3, 1e8])
def test_expected_losses_are_exact_far_beyond_underflow(z) -> None:
    after = normal.posterior(z * 0.5, 0.5)
    loss = normal.expected_loss(after)
    assert math.isfinite(loss.log_ship)
    assert math.isfinite(loss.log_keep)
    assert loss.keep - loss.ship == pytest.approx(after.mean, rel=1e-12, abs=1e-15)
    mirrored = normal.expected_loss(normal.posterior(-z * 0.5, 0.5))
    assert (mirrored.log_keep, mirrored.log_ship) == (loss.log_ship, loss.log_keep)
    if z < 37:
        # The common factor exp(-z^2 / 2) is taken out, so that the integral keeps its digits.
        wanted, _ = integrate.quad(lambda u: u * math.exp(-0.5 * u * u - u * z), 0, 40, epsabs=0, limit=200)
        log_wanted = math.log(0.5 * wanted / math.sqrt(2 * math.pi)) - 0.5 * z * z
        assert loss.log_ship == pytest.approx(log_wanted, rel=1e-11, abs=1e-9)
    else:
        assert loss.log_ship == pytest.approx(-0.5 * z * z - 2 * math.log(z) - 1.612086, rel=1e-5)


def test_probabilities_keep_their_logarithm() -> None:
    p, log_p = normal.probability_above(normal.posterior(-50.0, 1.0))
    assert (p, log_p) == (0.0, pytest.approx(float(special.log_ndtr(-50.0)), rel=1e-12))
    p, log_p = normal.probability_above(normal.posterior(8.0, 1.0))
    assert p < 1.0
    assert log_p == pytest.approx(-6.22096e-16, rel=1e-5)
    for threshold in (-1.0, 0.0, 0.3, 4.0):
        p, log_p = normal.probability_above(normal.posterior(0.3, 0.7), threshold)
        assert p == pytest.approx(float(special.ndtr((0.3 - threshold) / 0.7)), rel=1e-12)
        assert math.exp(log_p) == pytest.approx(p, rel=1e-12)
    far = normal.probability_between(normal.posterior(20.0, 1.0), -1.0, 1.0)
    assert far == pytest.approx(float(special.ndtr(-19) - special.ndtr(-21)), rel=1e-12)
    with pytest.raises(ValueError, match="from low to high"):
        normal.probability_between(normal.posterior(1.0, 1.0), 1.0, 0.0)


def test_bayes_factor_is_the_ratio_of_marginal_densities_and_never_overflows() -> None:
    estimate, error, prior = 1.3, 0.6, Prior(0.2, 0.9)

    def density(x: float, mean: float, variance: float) -> float:
        return -0.5 * (x - mean) ** 2 / variance - 0.5 * math.log(2 * math.pi * variance)

    wanted = density(estimate, 0.2, 0.6**2 + 0.9**2) - density(estimate, 0.0, 0.6**2)
    assert normal.log_bayes_factor(estimate, error, prior) == pytest.approx(wanted, rel=1e-12)
    assert normal.log_bayes_factor(1e4, 1.0, Prior(0, 1)) == pytest.approx(0.25e8, rel=1e-6)
    with pytest.raises(NotEstimable, match="flat prior"):
        normal.log_bayes_factor(1.0, 1.0, FLAT)


def test_estimates_that_cannot_be_read_say_why() -> None:
    with pytest.raises(NotEstimable, match="nothing varies"):
        normal.posterior(1.0, 0.0)
    for wrong in ((math.nan, 1.0), (1.0, math.inf), (1.0, -1.0)):
        with pytest.raises(ValueError, match="finite"):
            normal.posterior(*wrong)
    for wrong in ((0.0, 0.0), (math.inf, 1.0), (0.0, math.nan)):
        with pytest.raises(ValueError, match="prior"):
            Prior(*wrong)
    with pytest.raises(ValueError, match="beta prior"):
        BetaPrior(0, 1)
    with pytest.raises(ValueError, match="successes"):
        beta_posterior(5, 4)


def test_the_impossible_moments_of_a_peer_are_refused() -> None:
    from loyalty_exp.stats.moments import Moments

    comoment = np.array([[848.79 - 270**2 / 100, -900 - 270 * 5.1], [-900 - 270 * 5.1, 810 - 510**2 / 100]])
    with pytest.raises(ValueError, match="negative variance"):
        checked(Moments(100, ("num", "den"), np.array([2.7, 5.1]), comoment))


@pytest.mark.parametrize(
    ("t", "c"), [((3, 5), (2, 9)), ((16, 86), (10, 87)), ((1, 44), (4, 39)), ((60, 2), (55, 9))]
)
def test_probability_better_is_the_exact_sum_for_whole_numbers(t, c) -> None:
    (a_t, b_t), (a_c, b_c) = t, c

    def beta_function(a: int, b: int) -> Fraction:
        return Fraction(math.factorial(a - 1) * math.factorial(b - 1), math.factorial(a + b - 1))

    wanted = sum(
        beta_function(a_c + i, b_t + b_c) / ((b_t + i) * beta_function(1 + i, b_t) * beta_function(a_c, b_c))
        for i in range(a_t)
    )
    assert proportions.probability_better(beta(*t), beta(*c)) == pytest.approx(float(wanted), rel=1e-12)


@pytest.mark.parametrize(
    ("t", "c"),
    [((0.5, 100.5), (3.5, 97.5)), ((0.5, 0.5), (0.5, 0.5)), ((300.5, 0.5), (280, 8)), ((5, 9), (4e5, 6e5))],
)
def test_losses_and_quantiles_agree_with_draws(t, c) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.beta(*t, 200_000), rng.beta(*c, 200_000)
    one, other = beta(*t), beta(*c)
    ship, keep = proportions.expected_losses([one, other])
    for got, gap in ((ship, y - x), (keep, x - y)):
        lost = np.maximum(gap, 0)
        assert got == pytest.approx(lost.mean(), abs=4 * lost.std() / math.sqrt(len(x)))
    assert keep - ship == pytest.approx(one.mean - other.mean, abs=1e-11)
    assert proportions.probability_better(one, other) == pytest.approx(np.mean(x > y), abs=0.005)
    low, high = proportions.difference_interval(one, other, 0.1)
    assert np.mean(x - y <= low) == pytest.approx(0.05, abs=0.0025)
    assert np.mean(x - y <= high) == pytest.approx(0.95, abs=0.0025)
    for p in (0.05, 0.5, 0.95):
        ratio = 1 + proportions.lift_quantile(one, other, p)
        assert np.mean(x <= ratio * y) == pytest.approx(p, abs=0.005)
    assert proportions.difference_cdf(0.0, one, other) == pytest.approx(
        1 - proportions.probability_better(one, other), abs=1e-9
    )
    assert proportions.ratio_cdf(1.0, one, other) == pytest.approx(
        1 - proportions.probability_better(one, other), abs=1e-9
    )


def test_tiny_probabilities_and_losses_are_not_rounded_to_nothing() -> None:
    far, near = beta(300, 9700), beta(1000, 9000)
    p = proportions.probability_better(far, near)
    assert 0 < p < 1e-80
    assert 0 < proportions.expected_losses([near, far])[0] < 1e-80
    assert proportions.probability_better(near, far) == pytest.approx(1.0)


def test_huge_and_unequal_arms() -> None:
    a, b = beta(1e7 + 1, 9e7 + 1), beta(1e7 + 1001, 9e7 - 999)
    gap, error = b.mean - a.mean, math.sqrt(a.variance + b.variance)
    assert proportions.probability_better(b, a) == pytest.approx(float(special.ndtr(gap / error)), abs=1e-5)
    small, large = beta(3, 9), beta(2.5e7, 7.5e7)
    assert proportions.probability_better(small, large) == pytest.approx(
        float(special.betaincc(3, 9, 0.25)), abs=1e-6
    )
    low, high = proportions.difference_interval(small, large, LEVEL)
    wanted = beta_interval(small, LEVEL)
    assert (low + 0.25, high + 0.25) == pytest.approx(wanted, abs=1e-6)
    low, high = proportions.lift_interval(small, large, LEVEL)
    assert ((1 + low) / 4, (1 + high) / 4) == pytest.approx(wanted, abs=1e-6)


def test_arms_without_a_success_or_without_a_unit() -> None:
    t, c = beta_posterior(0, 50), beta_posterior(0, 0)
    assert proportions.probability_better(t, c) == pytest.approx(1 / 52, rel=1e-9)
    with pytest.raises(NotEstimable, match="too few successes"):
        proportions.expected_lift(c, t)
    with pytest.raises(ValueError, match="two arms"):
        proportions.probability_best([t])
    with pytest.raises(ValueError, match="alpha"):
        proportions.difference_interval(t, c, 0.0)


def test_several_arms_agree_with_draws_and_with_two_arms() -> None:
    rng = np.random.default_rng(4)
    mean, sd = [1e9 + 0.5, 1e9 + 0.8, 1e9 + 0.3, 1e9 + 0.79], [0.2, 0.3, 0.25, 0.01]
    x = rng.normal(np.array(mean) - 1e9, sd, (300_000, 4))
    best, loss = arms.probability_best(mean, sd), arms.expected_losses(mean, sd)
    assert sum(best) == pytest.approx(1.0, abs=1e-9)
    for i in range(4):
        others = np.delete(x, i, axis=1).max(axis=1)
        assert best[i] == pytest.approx(np.mean(x[:, i] > others), abs=0.004)
        lost = np.maximum(others - x[:, i], 0)
        assert loss[i] == pytest.approx(lost.mean(), abs=4 * lost.std() / math.sqrt(len(x)))
    after = normal.posterior(0.3, math.hypot(0.2, 0.3))
    two = arms.probability_best([0.8, 0.5], [0.3, 0.2])
    assert two[0] == pytest.approx(normal.probability_above(after)[0], rel=1e-12)
    found = normal.expected_loss(after)
    assert arms.expected_losses([0.8, 0.5], [0.3, 0.2]) == pytest.approx((found.ship, found.keep), rel=1e-10)
    with pytest.raises(NotEstimable, match="does not vary"):
        arms.probability_best([1, 2], [1, 0])
    with pytest.raises(ValueError, match="two arms"):
        arms.probability_best([1], [1])


def test_normal_gamma_without_data_is_its_prior_and_with_many_tends_to_the_means() -> None:
    prior = normal_gamma.NormalGamma(10, 1, 2, 4)
    assert normal_gamma.posterior(empty(("y",)), "y", prior).belief == prior
    rng = np.random.default_rng(5)
    rows = [from_rows({"y": rng.normal(m, s, n)}) for m, s, n in ((10.2, 2, 30_000), (10.15, 4, 50_000))]
    t, c = (normal_gamma.posterior(m, "y", prior) for m in rows)
    d = difference(*(plain(m, ("y",)) for m in rows), LEVEL)
    wanted = float(special.ndtr(d.estimate / d.std_error))
    assert normal_gamma.probability_better(t, c) == pytest.approx(wanted, abs=2e-3)
    assert normal_gamma.interval(t, LEVEL)[0] == pytest.approx(
        rows[0].mean_of("y") - 1.96 * 2 / 30_000**0.5, abs=3e-4
    )
    assert t.prior is prior
    with pytest.raises(ValueError, match="positive"):
        normal_gamma.NormalGamma(0, 0, 1, 1)


@pytest.mark.parametrize("df", [(1.0, 1.5), (4.0, 60.0), (60.0, 4.0)])
def test_normal_gamma_probability_is_the_integral_of_two_t_distributions(df) -> None:
    one = normal_gamma.NormalGamma(0.7, 1.0, df[0] / 2, 0.5 * df[0] / 2)
    other = normal_gamma.NormalGamma(0.1, 1.0, df[1] / 2, 1.0 * df[1] / 2)
    t, c = (normal_gamma.MeanPosterior(b, b) for b in (one, other))
    rng = np.random.default_rng(6)
    x = 0.7 + one.scale * rng.standard_t(one.df, 400_000)
    y = 0.1 + other.scale * rng.standard_t(other.df, 400_000)
    got = normal_gamma.probability_better(t, c)
    assert got == pytest.approx(np.mean(x > y), abs=0.005)
    assert normal_gamma.probability_better(c, t) == pytest.approx(1 - got, abs=1e-9)
    assert normal_gamma.probability_better(t, t) == pytest.approx(0.5, abs=1e-12)


def test_false_positive_risk() -> None:
    assert false_positive_risk(0.025, 0.8, 0.0) == 0.0
    assert false_positive_risk(0.025, 0.8, 1.0) == 1.0
    assert false_positive_risk(0.025, 0.5, 0.9) > false_positive_risk(0.025, 0.8, 0.9)
    for wrong in ((0, 0.8, 0.5), (0.05, 1.2, 0.5), (0.05, 0.8, -0.1)):
        with pytest.raises(ValueError, match="in "):
            false_positive_risk(*wrong)


def test_a_prior_that_is_true_gives_chances_and_losses_that_come_true() -> None:
    rng = np.random.default_rng(7)
    prior, error, runs = Prior(0.0, 0.5), 0.224, 20_000
    truth = rng.normal(0, 0.5, runs)
    read = [normal.posterior(e, error, prior) for e in rng.normal(truth, error)]
    ends = np.array([normal.interval(r, LEVEL) for r in read])
    covered = np.mean((ends[:, 0] < truth) & (truth < ends[:, 1]))
    assert covered == pytest.approx(0.95, abs=3.3 * math.sqrt(0.05 * 0.95 / runs))
    losses = [normal.expected_loss(r) for r in read]
    promised = np.mean([min(x.ship, x.keep) for x in losses])
    ship = np.array([x.ship < x.keep for x in losses])
    lost = np.where(ship, np.maximum(-truth, 0), np.maximum(truth, 0))
    assert promised == pytest.approx(lost.mean(), abs=3.3 * lost.std() / math.sqrt(runs))
