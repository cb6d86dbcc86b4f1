"""Planned power is the rejection rate of the test that is run, and a plan that cannot be made says why."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.bayes.normal import FLAT, Prior, posterior
from loyalty_exp.stats.bayes.normal import interval as credible_interval
from loyalty_exp.stats.benefit_cost import BenefitCost, roi_of
from loyalty_exp.stats.difference import difference
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.means import ArmMeans, plain
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.noninferiority import margin_status
from loyalty_exp.stats.power import (
    arms,
    bayesian,
    clusters,
    conditional,
    estimate,
    factorial,
    means,
    net_benefit,
    noninferiority,
    proportions,
    ratio,
    survival,
)
from loyalty_exp.stats.power.design import Level, inflated
from loyalty_exp.stats.power.design_errors import design_errors
from loyalty_exp.stats.power.reference import t_power
from loyalty_exp.stats.proportions import miettinen_nurminen, score
from loyalty_exp.stats.relative import relative_lift

R = 4000
ONE_SIDED = Level(0.025, 1)


def agrees(rate: float, promised: float, runs: int = R) -> bool:
    """3.3 Monte Carlo errors."""
    return abs(rate - promised) <= 3.3 * math.sqrt(promised * (1 - promised) / runs)


def normal_arms(rng, mean, sd, n):
    """Sample means of normal data and their estimated variances, without the data."""
    centers = rng.normal(mean, sd / math.sqrt(n), R)
    variances = sd * sd * rng.chisquare(n - 1, R) / (n - 1)
    return [
        ArmMeans(n, ("y",), np.array([m]), np.array([[v / n]]), n - 1.0)
        for m, v in zip(centers, variances, strict=True)
    ]


@pytest.mark.parametrize(
    ("effect", "sd", "n", "promised"),
    [
        (2, (10, 10), (394, 394), 0.8006),
        (1.5, (10, 10), (1200, 300), None),
        (12, (10, 25), (40, 40), None),
        (9, (10, 4), (12, 30), None),
        (0, (10, 10), (30, 90), 0.05),
    ],
)
def test_planned_power_of_means_is_what_welch_rejects(effect, sd, n, promised) -> None:
    rng = np.random.default_rng(11)
    planned = means.power(effect, sd, n)
    if promised is not None:
        assert planned == pytest.approx(promised, abs=2e-4)
    pairs = zip(normal_arms(rng, effect, sd[0], n[0]), normal_arms(rng, 0, sd[1], n[1]), strict=True)
    rate = np.mean([difference(t, c, 0.05).p_value < 0.05 for t, c in pairs])
    assert agrees(rate, planned)
    assert not agrees(rate, min(planned + 0.05, 0.999))


@pytest.mark.parametrize(
    ("p_t", "p_c", "n"), [(0.11, 0.10, (14751, 14751)), (0.055, 0.05, (40000, 10000)), (0.1, 0.1, (900, 300))]
)
def test_planned_power_of_proportions_is_what_the_score_test_rejects(p_t, p_c, n) -> None:
    rng = np.random.default_rng(12)
    planned = proportions.power(p_t, p_c, n)
    drawn = zip(rng.binomial(n[0], p_t, R).tolist(), rng.binomial(n[1], p_c, R).tolist(), strict=True)
    z = normal_quantile(0.975)
    rate = np.mean([abs(score(x, n[0], y, n[1], 0.0)) > z for x, y in drawn])
    assert agrees(rate, planned)
    if p_t != p_c and n[0] == n[1]:
        assert planned == pytest.approx(0.8, abs=1e-4)


def test_the_score_statistic_of_the_simulation_is_the_test_that_is_run() -> None:
    for x in (1400, 1475, 1561, 1562, 1620):
        p = miettinen_nurminen(x, 14751, 1475, 14751, 0.05).p_value
        assert (p < 0.05) == (abs(score(x, 14751, 1475, 14751, 0.0)) > normal_quantile(0.975))


@pytest.mark.parametrize(("truth", "promised"), [(0.0, 0.8988), (-2.0, 0.025)])
def test_planned_power_of_noninferiority_is_what_the_margin_passes(truth, promised) -> None:
    rng = np.random.default_rng(13)
    n, sd = (525, 525), (10, 10)
    planned = noninferiority.means_power(truth, 2, sd, n)
    assert planned == pytest.approx(promised, abs=2e-3)
    pairs = zip(normal_arms(rng, truth, 10, 525), normal_arms(rng, 0, 10, 525), strict=True)
    bounds = [difference(t, c, 0.05) for t, c in pairs]
    rate = np.mean([margin_status(d.ci_lower, d.ci_upper, 2, "increase") == "pass" for d in bounds])
    assert agrees(rate, planned)


@pytest.mark.parametrize(("p_t", "margin"), [(0.1, 0.02), (0.08, 0.02), (0.105, 0.01)])
def test_planned_power_of_noninferior_proportions_is_what_the_score_test_passes(p_t, margin) -> None:
    rng = np.random.default_rng(14)
    n = (4748, 4748)
    planned = noninferiority.proportions_power(p_t, 0.1, margin, n)
    drawn = zip(rng.binomial(n[0], p_t, R).tolist(), rng.binomial(n[1], 0.1, R).tolist(), strict=True)
    rate = np.mean([score(x, n[0], y, n[1], -margin) > normal_quantile(0.975) for x, y in drawn])
    assert agrees(rate, planned)


def test_planned_power_of_clusters_is_what_the_test_of_cluster_means_rejects() -> None:
    rng = np.random.default_rng(15)
    k, m, sd, icc = 12, 25, 30.0, 0.05
    planned = clusters.power(8, sd, (k, k), clusters.Clusters(m, icc))
    assert planned == pytest.approx(0.5578, abs=1e-4)
    spread = math.sqrt(sd * sd * (icc + (1 - icc) / m))
    rows = [rng.normal(center, spread, (R, k)) for center in (8, 0)]
    hits = 0
    for t, c in zip(*rows, strict=True):
        made = [plain(from_rows({"y": v}), ("y",)) for v in (t, c)]
        hits += difference(*made, 0.05).p_value < 0.05
    assert agrees(hits / R, planned)


def test_planned_power_of_the_bayesian_reading_is_how_often_its_interval_excludes_zero() -> None:
    rng = np.random.default_rng(16)
    prior = Prior(0.3, 0.8)
    estimates = rng.normal(1.0, 0.5, R)
    ends = [credible_interval(posterior(e, 0.5, prior), 0.05) for e in estimates]
    rate = np.mean([low > 0 or high < 0 for low, high in ends])
    assert agrees(rate, bayesian.power(1.0, 0.5, prior))
    assert bayesian.power(1.0, 0.5, FLAT) == pytest.approx(estimate.power(1.0, 0.5), rel=1e-12)
    assert bayesian.power(1.0, 0.5, prior) > bayesian.power(-1.0, 0.5, prior)
    k = bayesian.growth(1.0, 0.9, prior)
    assert bayesian.power(1.0, 0.9 / math.sqrt(k), prior) == pytest.approx(0.8, rel=1e-9)


def test_planned_lift_is_exact_on_fiellers_scale_and_cautious_on_the_delta_scale() -> None:
    rng = np.random.default_rng(17)
    sd, n = (25.0, 25.0), (2000, 2000)
    lift = means.detectable_lift(10.0, sd, n, reference="normal", scale="delta")
    t, c = (rng.normal(m, 25 / math.sqrt(2000), R) for m in (10 * (1 + lift), 10))
    v = 25**2 / 2000
    found = [relative_lift(a, b, v, v, 0.05, math.inf) for a, b in zip(t, c, strict=True)]
    rate = np.mean([abs(f.estimate) > 1.96 * f.std_error for f in found])
    # The estimated error moves with the estimated lift, which the closed form leaves out.
    assert 0.8 < rate < 0.88
    fieller = means.detectable_lift(10.0, sd, n, reference="normal")
    assert fieller < lift
    t = rng.normal(10 * (1 + fieller), 25 / math.sqrt(2000), R)
    found = [relative_lift(a, b, v, v, 0.05, math.inf) for a, b in zip(t, c, strict=True)]
    assert agrees(np.mean([f.ci_lower > 0 or f.ci_upper < 0 for f in found]), 0.8)


def test_conditional_and_predictive_power_are_what_the_final_test_does() -> None:
    rng = np.random.default_rng(18)
    z, share, runs = 1.2, 0.4, 40_000
    for drift, planned in (
        (np.full(runs, 2.8), conditional.conditional_power(z, share, 2.8)),
        (np.full(runs, z / math.sqrt(share)), conditional.conditional_power(z, share)),
        (rng.normal(z, 1, runs) / math.sqrt(share), conditional.predictive_power(z, share)),
    ):
        final = z * math.sqrt(share) + drift * (1 - share) + rng.normal(0, math.sqrt(1 - share), runs)
        assert agrees(np.mean(np.abs(final) > normal_quantile(0.975)), planned, runs)


def test_sign_and_size_errors_are_those_of_significant_draws() -> None:
    rng = np.random.default_rng(19)
    d = rng.normal(2, 8.1, 400_000)
    kept = d[np.abs(d) > normal_quantile(0.975) * 8.1]
    e = design_errors(2, 8.1)
    assert np.mean(kept < 0) == pytest.approx(e.wrong_sign, abs=0.01)
    assert np.mean(np.abs(kept)) / 2 == pytest.approx(e.exaggeration, rel=0.01)
    strong = design_errors(2, 0.01)
    assert (strong.power, strong.exaggeration) == (1.0, pytest.approx(1.0))


def test_the_share_of_bounded_roi_intervals_is_the_one_planned() -> None:
    rng = np.random.default_rng(20)
    s, none = net_benefit.Spread(20, 1.5, 0.6), net_benefit.Spread(18, 0.0)
    plan = net_benefit.roi_plan(1.0, 0.08, s, none, (1000, 1000))
    v = plan.pair
    draws = rng.multivariate_normal([1.0, 0.08], [[v.v_bb, v.v_bc], [v.v_bc, v.v_cc]], R)
    shapes = [roi_of(BenefitCost(b, c, 0.0, v.v_bb, v.v_bc, v.v_cc), 0.05).status for b, c in draws]
    assert agrees(np.mean([x != "unbounded" for x in shapes]), plan.probability_bounded)
    assert 0.2 < plan.probability_bounded < 0.8
    wide = net_benefit.sample_size_for_bounds(0.08, (1.5, 0.0), 0.95)
    again = net_benefit.roi_plan(1.0, 0.08, s, none, wide.unrounded)
    assert again.probability_bounded == pytest.approx(0.95, rel=1e-9)


def test_units_for_a_width_give_that_width() -> None:
    t, c = net_benefit.Spread(150, 10, 0.5), net_benefit.Spread(150, 0)
    n = net_benefit.sample_size_for_width(2.0, t, c, share=0.8)
    assert net_benefit.roi_plan(5, 1, t, c, n).half_width == pytest.approx(2.0, rel=1e-9)
    # Benefit and cost that rise together make net benefit surer.
    less = net_benefit.sample_size_for_width(2.0, net_benefit.Spread(150, 10, 0.0), c, share=0.8)
    assert sum(n) < sum(less)


@pytest.mark.parametrize("df", [1, 2, 5, 22, 98, 786, 5000, 19_999, 20_001, 1e6])
@pytest.mark.parametrize("delta", [0.3, 1.7, 2.8, 5.0])
def test_noncentral_t_agrees_with_scipy(df, delta) -> None:
    for level in (Level(0.05), Level(0.05, strict=False), Level(0.01, 1)):
        limit = special.stdtrit(df, 1 - level.tail)
        wanted = 1 - special.nctdtr(df, delta, limit)
        if level.sides == 2 and level.strict:
            wanted += 1 - special.nctdtr(df, -delta, limit)
        assert t_power(delta, df, level) == pytest.approx(wanted, rel=1e-8, abs=1e-11)


def test_noncentral_t_never_fails_and_joins_the_normal_without_a_step() -> None:
    for delta in (0.0, 1e-9, 3.0, 20.0, 500.0, 1e9):
        for df in (1, 3, 1e3, 1e6, 1e9, 1e10, 1.01e10, math.inf):
            assert 0 <= t_power(delta, df, Level()) <= 1 + 1e-12
    below, above = t_power(2.8, 9.99e9, Level()), t_power(2.8, 1.01e10, Level())
    assert below == pytest.approx(above, rel=1e-9)
    assert t_power(0.0, 7, Level(0.03)) == pytest.approx(0.03, rel=1e-10)
    with pytest.raises(ValueError, match="positive df"):
        t_power(1.0, 0.0, Level())


def test_solvers_work_where_statsmodels_gives_up() -> None:
    for effect in (0.05, 0.005, 5e-5):
        plan = means.sample_size(effect, (1, 1))
        assert plan.power >= 0.8
        assert means.power(effect, (1, 1), (plan.n_treatment - 1, plan.n_control - 1)) < 0.8
    assert means.sample_size(1e-6, (1, 1)).total == pytest.approx(2 * 2 * 7.84888e12, rel=1e-5)


def test_agrees_with_statsmodels_where_it_works() -> None:
    from statsmodels.stats.power import TTestIndPower

    solver = TTestIndPower()
    for d, k, alpha in ((0.5, 1.0, 0.05), (0.8, 3.0, 0.01), (0.3, 0.5, 0.1)):
        wanted = solver.solve_power(d, alpha=alpha, power=0.8, ratio=1 / k)
        plan = means.sample_size(d, (1, 1), 0.8, Level(alpha), k / (1 + k), "pooled")
        assert plan.unrounded[0] == pytest.approx(wanted, rel=1e-6)


def test_dunnett_level_and_cheapest_shares() -> None:
    level = arms.adjusted_level(Level(0.05), 3, "dunnett")
    assert level.quantile == pytest.approx(2.34897, abs=1e-5)
    assert 0.05 / 3 < arms.adjusted_level(Level(0.05), 3, "sidak").alpha < level.alpha
    assert arms.adjusted_level(Level(0.05), 1, "dunnett").alpha == pytest.approx(0.05, rel=1e-9)
    one = arms.adjusted_level(Level(0.025, 1), 2, "dunnett")
    assert one.quantile == pytest.approx(2.2121, abs=1e-4)
    shares = arms.cheapest_shares([1, 1, 1])
    assert shares[0] / shares[1] == pytest.approx(math.sqrt(2))

    def price(s: tuple[float, ...]) -> float:
        return (1 / s[0] + 1 / s[1]) * (s[0] + 2 * s[1] + 2 * s[2])

    best = arms.cheapest_shares([1, 2, 2])
    assert best == pytest.approx((0.5, 0.25, 0.25))
    peer = (0.585786437626905, 0.20710678118654754, 0.20710678118654754)
    assert price(best) / price(peer) == pytest.approx(0.9737, abs=1e-4)
    rng = np.random.default_rng(21)
    for _ in range(200):
        control = rng.uniform(0.05, 0.95)
        assert price((control, (1 - control) / 2, (1 - control) / 2)) >= price(best) - 1e-12


def test_cheapest_shares_with_unequal_spread_keep_one_precision_at_the_lowest_price() -> None:
    from scipy import optimize

    costs, sds = [1.0, 3.0, 2.0], [2.0, 1.0, 4.0]
    s = arms.cheapest_shares(costs, sds)
    precision = [sds[0] ** 2 / s[0] + sds[i] ** 2 / s[i] for i in (1, 2)]
    assert precision[0] == pytest.approx(precision[1], rel=1e-12)

    def price(n_control: float) -> float:
        rest = precision[0] - sds[0] ** 2 / n_control
        return costs[0] * n_control + sum(c * v * v / rest for c, v in zip(costs[1:], sds[1:], strict=True))

    found = optimize.minimize_scalar(price, bounds=(s[0] * 0.5, s[0] * 2), method="bounded")
    assert found.x == pytest.approx(s[0], rel=1e-4)


def test_an_interaction_needs_four_times_the_units_of_a_main_effect() -> None:
    cell = factorial.interaction_sample_size(0.2, (1, 1, 1, 1)).unrounded[0]
    main = means.sample_size(0.2, (1, 1)).unrounded[0]
    assert 4 * cell / (2 * main) == pytest.approx(4, rel=0.005)
    n = (50, 60, 70, 80)
    effect = factorial.detectable_interaction((1, 2, 1, 1), n)
    assert factorial.interaction_power(effect, (1, 2, 1, 1), n) == pytest.approx(0.8, rel=1e-9)
    for cells in ((1, 50, 50, 50), (0, 0, 0, 0)):
        with pytest.raises(NotEstimable, match="cell"):
            factorial.interaction_error((1, 1, 1, 1) if cells[1] else cells, cells if cells[1] else n)


def test_a_ratio_is_planned_with_the_error_it_is_analyzed_with() -> None:
    from loyalty_exp.stats.ratio import ratio_effect

    rng = np.random.default_rng(22)
    d = rng.poisson(3, 4000) + 1.0
    both = from_rows({"y": d * rng.gamma(2, 5, 4000), "d": d})
    v = [both.covariance(a, b) for a, b in (("y", "y"), ("y", "d"), ("d", "d"))]
    sd = ratio.linearized_sd(both.mean_of("y"), both.mean_of("d"), *v)
    found = ratio_effect(both, both, "y", "d", 0.05).absolute
    assert means.standard_error((sd, sd), (4000, 4000)) == pytest.approx(found.std_error, rel=1e-9)
    with pytest.raises(NotEstimable, match="denominator"):
        ratio.linearized_sd(1, 0, 1, 0, 1)
    with pytest.raises(ValueError, match="negative variance"):
        ratio.linearized_sd(1, 1, 1, 2, 1)


def test_sequential_plans_take_the_inflation_factor() -> None:
    fixed = means.sample_size(2, (10, 10))
    more = inflated(fixed, 1.0275)
    assert more.n_treatment == math.ceil(fixed.unrounded[0] * 1.0275)
    assert inflated(fixed, 1.0) == fixed
    for wrong in (0.9, math.inf, math.nan):
        with pytest.raises(ValueError, match="inflation"):
            inflated(fixed, wrong)


def test_running_experiments_learn_how_much_more_they_need() -> None:
    assert estimate.growth(2.0, 0.1) == 1.0
    k = estimate.growth(0.1, 0.2)
    assert estimate.power(0.1, 0.2 / math.sqrt(k)) == pytest.approx(0.8, rel=1e-9)
    assert estimate.power(estimate.detectable_effect(0.2), 0.2) == pytest.approx(0.8, rel=1e-9)
    with pytest.raises(NotEstimable, match="nothing varies"):
        estimate.power(1.0, 0.0)
    with pytest.raises(NotEstimable, match="times the present units"):
        estimate.growth(1e-20, 1.0)


def test_log_rank_plans() -> None:
    plan = survival.sample_size(1.25, (0.3, 0.25))
    hits = plan.n_treatment * 0.3 + plan.n_control * 0.25
    assert survival.power(1.25, hits) == pytest.approx(plan.power)
    assert survival.events(1.25) == pytest.approx(survival.events(1 / 1.25), rel=1e-9)
    assert survival.events(1.25, share=0.8) > survival.events(1.25)
    for method in ("schoenfeld", "freedman"):
        found = survival.detectable_hazard_ratio(500, method=method)
        assert survival.power(found, 500, method=method) == pytest.approx(0.8, rel=1e-9)
    for call, words in (
        (lambda: survival.events(1.0), "hazard ratio of 1"),
        (lambda: survival.sample_size(2.0, (0, 0)), "expected to have an event"),
        (lambda: survival.power(2.0, 0), "no events"),
        (lambda: survival.detectable_hazard_ratio(3, method="freedman"), "so few events"),
    ):
        with pytest.raises(NotEstimable, match=words):
            call()
    with pytest.raises(ValueError, match="hazard ratio"):
        survival.power(-1, 10)


def test_plans_that_cannot_be_made_say_why() -> None:
    shape = clusters.Clusters(20, 0.05)
    for call, words in (
        (lambda: means.power(1, (0, 0), (10, 10)), "neither arm varies"),
        (lambda: means.sample_size(1, (0, 0)), "neither arm varies"),
        (lambda: means.sample_size(0, (1, 1)), "effect of 0"),
        (lambda: means.sample_size(1e-12, (1, 1)), "units would be needed"),
        (lambda: means.power(1, (1, 1), (1.5, 100)), "fewer than two units in the treatment arm"),
        (lambda: means.power(1, (1, 1), (100, 1)), "fewer than two units in the control arm"),
        (lambda: means.detectable_effect((1, 1), (0, 100)), "fewer than two units"),
        (lambda: means.detectable_lift(0, (1, 1), (10, 10)), "control mean is 0"),
        (lambda: means.detectable_lift(0.1, (9, 9), (10, 10), scale="delta"), "too uncertain"),
        (lambda: proportions.power(0, 0, (10, 10)), "neither arm varies"),
        (lambda: proportions.sample_size(0.1, 0.1), "effect of 0"),
        (lambda: proportions.detectable_effect(0.9, (10, 10)), "no increase"),
        (lambda: proportions.detectable_effect(0.0, (50, 50), direction="decrease"), "no decrease"),
        (lambda: noninferiority.means_sample_size(-2, 2, (1, 1)), "effect of 0"),
        (lambda: noninferiority.means_sample_size(-3, 2, (1, 1)), "wrong side"),
        (lambda: noninferiority.proportions_sample_size(0.05, 0.1, 0.02), "wrong side"),
        (lambda: clusters.power(1, 1, (1, 9), shape), "fewer than two clusters in the treatment arm"),
        (lambda: clusters.power(1, 0, (9, 9), shape), "nothing varies"),
        (lambda: design_errors(0, 1), "no sign"),
        (lambda: design_errors(1, 0), "nothing varies"),
        (lambda: net_benefit.probability_bounded(BenefitCost(1, 0, 0, 1, 0, 0)), "no cost"),
    ):
        with pytest.raises(NotEstimable, match=words):
            call()


def test_impossible_inputs_are_errors() -> None:
    for call, words in (
        (lambda: Level(0), "alpha"),
        (lambda: Level(0.05, 3), "sides"),
        (lambda: means.sample_size(1, (1, 1), 0.05), "power aimed at"),
        (lambda: means.sample_size(1, (1, 1), 1.0), "power aimed at"),
        (lambda: means.detectable_effect((1, 1), (10, 10), 0.04), "power aimed at"),
        (lambda: means.sample_size(1, (1, 1), share=1), "treatment share"),
        (lambda: means.sample_size(math.nan, (1, 1)), "finite number"),
        (lambda: means.power(1, (-1, 1), (10, 10)), "standard deviations"),
        (lambda: means.adjusted_sd(1, 1.01), "correlation"),
        (lambda: net_benefit.Spread(1, 1, -1.5), "correlation"),
        (lambda: net_benefit.sample_size_for_width(0, net_benefit.Spread(1, 1), None), "half width"),
        (lambda: proportions.power(1.1, 0.1, (10, 10)), "proportion"),
        (lambda: clusters.Clusters(20, 1.2), "icc"),
        (lambda: noninferiority.means_power(0, -1, (1, 1), (9, 9)), "margin"),
        (lambda: noninferiority.means_power(0, 1, (1, 1), (9, 9), Level()), "one side"),
        (lambda: conditional.conditional_power(1, 1.0), "information"),
        (lambda: arms.adjusted_level(Level(), 0), "at least one comparison"),
        (lambda: arms.cheapest_shares([1, 0]), "positive"),
        (lambda: arms.cheapest_shares([1]), "a control and at least one"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_one_arm_that_does_not_vary_is_no_obstacle() -> None:
    n = means.sample_size(0.5, (1, 0)).unrounded
    assert means.power(0.5, (1, 0), n) == pytest.approx(0.8, rel=1e-9)
    assert means.sample_size(0.5, (1, 0), reference="normal").unrounded[0] == pytest.approx(31.4, abs=0.1)
    assert proportions.power(0.1, 0.0, (200, 200)) > 0.9
