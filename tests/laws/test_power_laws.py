"""Laws of plans and of the Bayesian reading that hold for all inputs."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loyalty_exp.stats.bayes import arms as bayes_arms
from loyalty_exp.stats.bayes import normal
from loyalty_exp.stats.bayes import proportions as beta
from loyalty_exp.stats.bayes.beta import BetaPrior, posterior
from loyalty_exp.stats.bayes.normal import Prior
from loyalty_exp.stats.power import clusters, estimate, means, noninferiority, proportions, survival
from loyalty_exp.stats.power.arms import adjusted_level
from loyalty_exp.stats.power.design import Level

LAW = settings(max_examples=60, deadline=None, derandomize=True)

LEVELS = st.builds(Level, st.sampled_from([0.001, 0.01, 0.05, 0.1]), st.sampled_from([1, 2]), st.booleans())
TARGETS = st.floats(0.3, 0.99)
SDS = st.tuples(st.floats(0.1, 50), st.floats(0.1, 50))
SIZES = st.tuples(st.integers(5, 5000), st.integers(5, 5000))
SHARES = st.floats(0.05, 0.95)
REFERENCES = st.sampled_from(["welch", "pooled", "normal"])
P = st.floats(0.02, 0.98)
METHODS = st.sampled_from(["score", "pooled", "unpooled", "arcsine", "continuity"])
DOWN = 1e-9


@LAW
@given(SDS, st.integers(2, 400), st.integers(1, 400), st.floats(0.01, 30), LEVELS, REFERENCES, SHARES)
def test_more_units_more_effect_and_more_alpha_give_more_power(
    sd, n, more, effect, level, ref, share
) -> None:
    few = (2 + n * share, 2 + n * (1 - share))
    many = tuple(units * (1 + more / 100) for units in few)
    power = means.power(effect, sd, few, level, ref)
    assert means.power(effect, sd, many, level, ref) >= power - DOWN
    assert means.power(effect * 1.5, sd, few, level, ref) >= power - DOWN
    looser = Level(level.alpha * 1.5, level.sides, level.strict)
    assert means.power(effect, sd, few, looser, ref) >= power - DOWN
    assert 0 < power <= 1 + DOWN


@LAW
@given(SDS, st.floats(0.05, 3), TARGETS, LEVELS, SHARES, REFERENCES)
def test_a_plan_has_its_power_and_one_unit_less_has_not(sd, size, target, level, share, ref) -> None:
    effect = size * math.hypot(*sd)
    plan = means.sample_size(effect, sd, target, level, share, ref)
    assert plan.power >= target - DOWN
    reached = means.power(effect, sd, plan.unrounded, level, ref)
    if min(plan.unrounded) > 2 + 1e-6:
        assert reached == pytest.approx(target, rel=1e-8)
        assert means.detectable_effect(sd, plan.unrounded, target, level, ref) == pytest.approx(
            effect, rel=1e-7
        )
        fewer = tuple(2 + (n - 2) * 0.99 for n in plan.unrounded)
        assert means.power(effect, sd, fewer, level, ref) < target
    assert plan.unrounded[0] / sum(plan.unrounded) == pytest.approx(share, rel=1e-12)


@LAW
@given(SDS, SIZES, st.floats(-30, 30), LEVELS, REFERENCES)
def test_swapping_the_arms_or_the_sign_changes_nothing(sd, n, effect, level, ref) -> None:
    power = means.power(effect, sd, n, level, ref)
    assert means.power(-effect, sd[::-1], n[::-1], level, ref) == pytest.approx(power, rel=1e-12)
    k = clusters.power(effect, sd[0], n, clusters.Clusters(20, 0.05), level)
    assert clusters.power(-effect, sd[0], n[::-1], clusters.Clusters(20, 0.05), level) == pytest.approx(
        k, rel=1e-12
    )


@LAW
@given(SDS, SIZES, st.floats(0.1, 30), st.floats(1e-6, 1e6), LEVELS, REFERENCES)
def test_the_unit_of_the_metric_does_not_matter(sd, n, effect, k, level, ref) -> None:
    power = means.power(effect, sd, n, level, ref)
    assert means.power(effect * k, (sd[0] * k, sd[1] * k), n, level, ref) == pytest.approx(power, rel=1e-9)
    found = means.detectable_effect(sd, n, 0.8, level, ref)
    mean = 7.0
    lift = means.detectable_lift(mean, sd, n, 0.8, level, ref)
    assert lift == pytest.approx(found / mean, rel=1e-9)
    assert means.detectable_lift(-mean, sd, n, 0.8, level, ref) == pytest.approx(lift, rel=1e-12)


@LAW
@given(P, P, SIZES, LEVELS, METHODS)
def test_proportions_swap_and_turn_round(p, q, n, level, method) -> None:
    power = proportions.power(p, q, n, level, method)
    assert proportions.power(q, p, n[::-1], level, method) == pytest.approx(power, rel=1e-8, abs=1e-12)
    assert proportions.power(1 - p, 1 - q, n, level, method) == pytest.approx(power, rel=1e-6, abs=1e-9)


@LAW
@given(P, st.floats(0.01, 0.3), TARGETS, LEVELS, SHARES, METHODS)
def test_plans_for_proportions_come_back(p, gap, target, level, share, method) -> None:
    assume(p + gap < 0.99)
    plan = proportions.sample_size(p + gap, p, target, level, share, method)
    assert plan.power >= target - 1e-6
    assume(min(plan.unrounded) > 2.001)
    assert proportions.power(p + gap, p, plan.unrounded, level, method) == pytest.approx(target, rel=1e-7)
    found = proportions.detectable_effect(p, plan.unrounded, target, level, method)
    assert found == pytest.approx(gap, rel=1e-5)


@LAW
@given(P, st.floats(0.01, 0.2), SIZES, st.sampled_from(["score", "pooled", "unpooled"]))
def test_noninferiority_at_the_margin_has_nearly_its_level(p, margin, n, method) -> None:
    assume(p - margin > 0.01)
    level = Level(0.025, 1)
    at = noninferiority.proportions_power(p - margin, p, margin, n, level, method)
    if method == "score":
        # Its factor N / (N - 1) makes the test a little cautious in small samples.
        assert 0.015 < at < 0.025
    else:
        assert at == pytest.approx(0.025, rel=1e-6)
    if margin > 0.5 * math.sqrt(p * (1 - p) * (1 / n[0] + 1 / n[1])):
        assert noninferiority.proportions_power(p, p, margin, n, level, method) > at
    assert noninferiority.means_power(-margin, margin, (1, 2), n) == pytest.approx(0.025, rel=1e-8)


@LAW
@given(st.floats(0.3, 3), st.floats(5, 1e5), LEVELS, SHARES)
def test_hazard_ratios_and_their_inverses_are_as_easy(ratio, events, level, share) -> None:
    assume(abs(math.log(ratio)) > 1e-3)
    a = survival.power(ratio, events, level, share)
    assert survival.power(1 / ratio, events, level, 1 - share) == pytest.approx(a, rel=1e-9)
    b = survival.power(ratio, events, level, share, "freedman")
    assert survival.power(1 / ratio, events, level, 1 - share, "freedman") == pytest.approx(b, rel=1e-9)


@LAW
@given(st.floats(0.001, 0.2), st.integers(1, 12), SHARES, st.sampled_from([1, 2]))
def test_dunnett_lies_between_bonferroni_and_no_adjustment(alpha, k, share, sides) -> None:
    level = Level(alpha, sides)
    bonferroni, sidak, dunnett = (
        adjusted_level(level, k, how, share).alpha for how in ("bonferroni", "sidak", "dunnett")
    )
    assert bonferroni <= sidak + 1e-15
    # Two-sided, Sidak bounds Dunnett from below for any share; one-sided the correlation is positive, too.
    assert sidak <= dunnett * (1 + 1e-7)
    assert dunnett <= alpha * (1 + 1e-9)


@LAW
@given(st.floats(0.01, 5), st.floats(0.05, 10), st.floats(1.01, 100))
def test_clusters_of_one_are_members_and_correlation_costs_power(effect, sd, size) -> None:
    k = (40, 40)
    alone = clusters.power(effect, sd, k, clusters.Clusters(1, 0.3))
    assert alone == pytest.approx(means.power(effect, (sd, sd), k, reference="pooled"), rel=1e-9)
    loose, tied = (clusters.power(effect, sd, k, clusters.Clusters(size, icc)) for icc in (0.01, 0.2))
    assert tied <= loose + DOWN
    assert clusters.power(effect, sd, k, clusters.Clusters(size, 0.2, 0.8)) <= tied + DOWN


@LAW
@given(st.floats(0.01, 5), st.floats(0.1, 10), TARGETS, LEVELS)
def test_growth_reaches_the_target(effect, se, target, level) -> None:
    k = estimate.growth(effect, se, target, level)
    reached = estimate.power(effect, se / math.sqrt(k), level)
    assert reached >= target - DOWN
    assert k == 1 or reached == pytest.approx(target, rel=1e-8)


ESTIMATES = st.tuples(st.floats(-20, 20), st.floats(0.01, 10))
PRIORS = st.tuples(st.floats(-5, 5), st.floats(0.01, 10))


@LAW
@given(ESTIMATES, PRIORS, st.floats(1e-3, 1e3), st.floats(-50, 50))
def test_posteriors_move_and_stretch_with_the_data_and_the_prior(e, p, k, shift) -> None:
    a = normal.posterior(*e, Prior(*p))
    b = normal.posterior(e[0] * k + shift, e[1] * k, Prior(p[0] * k + shift, p[1] * k))
    assert b.mean == pytest.approx(a.mean * k + shift, rel=1e-9, abs=1e-9 * max(1.0, k))
    assert (b.sd, b.shrinkage) == (pytest.approx(a.sd * k, rel=1e-12), pytest.approx(a.shrinkage, rel=1e-12))
    assert a.sd < min(e[1], p[1]) * (1 + 1e-12)
    assert min(e[0], p[0]) - 1e-12 <= a.mean <= max(e[0], p[0]) + 1e-12


@LAW
@given(ESTIMATES, PRIORS)
def test_a_wide_prior_disappears_and_signs_mirror(e, p) -> None:
    wide, flat = normal.posterior(*e, Prior(p[0], 1e9)), normal.posterior(*e)
    assert normal.interval(wide, 0.05) == pytest.approx(normal.interval(flat, 0.05), rel=1e-9, abs=1e-9)
    a, b = normal.posterior(*e, Prior(*p)), normal.posterior(-e[0], e[1], Prior(-p[0], p[1]))
    assert normal.probability_above(a)[0] + normal.probability_above(b)[0] == pytest.approx(1.0, abs=1e-12)
    x, y = normal.expected_loss(a), normal.expected_loss(b)
    assert (x.log_ship, x.log_keep) == pytest.approx((y.log_keep, y.log_ship), rel=1e-12, abs=1e-12)
    assert x.keep - x.ship == pytest.approx(a.mean, rel=1e-9, abs=1e-12)


@LAW
@given(ESTIMATES, PRIORS, st.sampled_from([0.01, 0.05, 0.2]))
def test_an_interval_excludes_zero_exactly_when_the_chance_is_beyond_its_tail(e, p, alpha) -> None:
    after = normal.posterior(*e, Prior(*p))
    low, high = normal.interval(after, alpha)
    chance = normal.probability_above(after)[0]
    assume(min(abs(low), abs(high)) > 1e-9 * after.sd)
    assert (low > 0) == (chance > 1 - alpha / 2)
    assert (high < 0) == (chance < alpha / 2)


COUNTS = st.tuples(st.integers(0, 60), st.integers(0, 400))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(COUNTS, min_size=2, max_size=4), st.sampled_from([0.5, 1.0, 7.0]))
def test_one_arm_is_best_and_order_and_names_do_not_matter(counts, weight) -> None:
    prior = BetaPrior(weight, weight)
    found = [posterior(x, x + y, prior) for x, y in counts]
    best, loss = beta.probability_best(found), beta.expected_losses(found)
    assert sum(best) == pytest.approx(1.0, abs=1e-9)
    assert beta.probability_best(found[::-1]) == pytest.approx(best[::-1], rel=1e-9, abs=1e-12)
    assert beta.expected_losses(found[::-1]) == pytest.approx(loss[::-1], rel=1e-9, abs=1e-13)
    assert all(x >= 0 for x in loss)
    if len(found) == 2:
        assert loss[1] - loss[0] == pytest.approx(found[0].mean - found[1].mean, abs=1e-11)
        turned = [posterior(y, x + y, prior) for x, y in counts]
        assert beta.probability_best(turned) == pytest.approx(best[::-1], rel=1e-9, abs=1e-12)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(COUNTS, COUNTS, st.sampled_from([0.02, 0.1, 0.4]))
def test_beta_intervals_mirror_and_agree_on_the_sign(t, c, alpha) -> None:
    one, other = (posterior(x, x + y) for x, y in (t, c))
    low, high = beta.difference_interval(one, other, alpha)
    back = beta.difference_interval(other, one, alpha)
    assert (low, high) == pytest.approx((-back[1], -back[0]), abs=1e-7)
    lift = beta.lift_interval(one, other, alpha)
    if abs(low) > 1e-7 and abs(high) > 1e-7:
        assert ((lift[0] > 0), (lift[1] > 0)) == ((low > 0), (high > 0))
        assert (low > 0) == (beta.probability_better(one, other) > 1 - alpha / 2)


@LAW
@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(0.1, 3)), min_size=2, max_size=5), st.floats(-1e6, 1e6))
def test_normal_arms_sum_to_one_and_do_not_mind_a_shift(pairs, shift) -> None:
    mean, sd = [m for m, _ in pairs], [s for _, s in pairs]
    best = bayes_arms.probability_best(mean, sd)
    assert sum(best) == pytest.approx(1.0, abs=1e-10)
    moved = bayes_arms.probability_best([m + shift for m in mean], sd)
    assert moved == pytest.approx(best, abs=1e-8)
    loss = bayes_arms.expected_losses(mean, sd)
    assert min(range(len(sd)), key=loss.__getitem__) == max(range(len(sd)), key=mean.__getitem__) or (
        max(mean) - sorted(mean)[-2] < 1e-9
    )
