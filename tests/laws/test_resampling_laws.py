"""Laws of quantiles, ranks, bootstrap and randomization tests."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats import poisson_bootstrap as pb
from loyalty_exp.stats.bootstrap import acceleration, bootstrap, mean_difference, ratio
from loyalty_exp.stats.draws import Bernoulli, Blocked, Clustered, Complete
from loyalty_exp.stats.hodges_lehmann import hodges_lehmann
from loyalty_exp.stats.quantiles import order_statistics, quantile, quantile_difference, quantile_ranks
from loyalty_exp.stats.randomization import (
    randomization_interval,
    randomization_test,
    studentized,
    within_blocks,
)
from loyalty_exp.stats.ranks import brunner_munzel, mann_whitney
from loyalty_exp.stats.replicates import (
    Replicates,
    bca_interval,
    p_value,
    percentile_difference,
    percentile_interval,
)

LAW = settings(max_examples=40, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)
ALPHAS = st.sampled_from([0.01, 0.05, 0.1, 0.2])
QUANTILES = st.sampled_from([0.2, 0.5, 0.75])


@st.composite
def arms(draw: st.DrawFn, low: int = 60, high: int = 120) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(draw(SEEDS))
    n, m = draw(st.integers(low, high)), draw(st.integers(low, high))
    lift = draw(st.floats(-1, 1))
    return rng.gamma(2, 10, n) + 10 * lift, rng.gamma(2, 10, m)


def quantiles_of(pair, q, alpha=0.05):
    return tuple(order_statistics(x, q, alpha) for x in pair)


@LAW
@given(arms(), QUANTILES, ALPHAS)
def test_quantile_difference_swaps_sign_with_the_arms(pair, q, alpha) -> None:
    t, c = quantiles_of(pair, q)
    there, back = quantile_difference(t, c, alpha), quantile_difference(c, t, alpha)
    assert there.estimate == -back.estimate
    assert (there.ci_lower, there.p_value) == (-back.ci_upper, back.p_value)


@LAW
@given(arms(), QUANTILES, st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_quantiles_move_and_stretch_with_the_values(pair, q, shift, factor) -> None:
    before = quantile_difference(*quantiles_of(pair, q), 0.05)
    moved = quantile_difference(*quantiles_of([x + shift for x in pair], q), 0.05)
    scaled = quantile_difference(*quantiles_of([x * factor for x in pair], q), 0.05)
    assert moved.estimate == pytest.approx(before.estimate, abs=1e-9)
    assert moved.p_value == pytest.approx(before.p_value, abs=1e-9)
    assert scaled.estimate == pytest.approx(factor * before.estimate, rel=1e-9, abs=1e-9)
    assert scaled.p_value == pytest.approx(before.p_value, rel=1e-9)


@LAW
@given(arms(), QUANTILES, ALPHAS)
def test_quantile_difference_rejects_exactly_when_its_interval_leaves_zero_out(pair, q, alpha) -> None:
    d = quantile_difference(*quantiles_of(pair, q), alpha)
    assume(abs(d.p_value - alpha) > 1e-9)
    assert (d.p_value < alpha) == (not d.ci_lower <= 0 <= d.ci_upper)


@LAW
@given(arms(), QUANTILES, SEEDS)
def test_quantiles_know_no_order_and_follow_increasing_maps(pair, q, seed) -> None:
    x = pair[0]
    shuffled = np.random.default_rng(seed).permutation(x)
    assert order_statistics(x, q, 0.05) == order_statistics(shuffled, q, 0.05)
    assert quantile(np.exp(x / 50), q) == pytest.approx(math.exp(quantile(x, q) / 50), rel=1e-12)


@LAW
@given(st.integers(40, 5_000), QUANTILES)
def test_more_confidence_asks_for_ranks_further_out_and_mirrors(n, q) -> None:
    found = [quantile_ranks(n, q, alpha) for alpha in (0.01, 0.05, 0.2)]
    assert found[0].low <= found[1].low <= found[2].low
    assert found[0].high >= found[1].high >= found[2].high
    mirror = quantile_ranks(n, 1 - q, 0.05)
    assert (mirror.low, mirror.high) == (n + 1 - found[1].high, n + 1 - found[1].low)


@LAW
@given(arms(), st.booleans())
def test_rank_tests_swap_with_the_arms_and_see_only_ranks(pair, exact) -> None:
    t, c = (np.round(x[:20] / 5) for x in pair)
    there, back = mann_whitney(t, c, exact=exact), mann_whitney(c, t, exact=exact)
    assert there.u + back.u == len(t) * len(c)
    assert there.p_value == pytest.approx(back.p_value, rel=1e-10)
    assert mann_whitney(np.exp(t / 10), np.exp(c / 10), exact=exact) == there
    a, b, same = (brunner_munzel(*v, 0.05) for v in ((t, c), (c, t), (np.exp(t / 10), np.exp(c / 10))))
    assert a.superiority == pytest.approx(1 - b.superiority, rel=1e-12)
    assert a.ci_lower == pytest.approx(1 - b.ci_upper, rel=1e-9, abs=1e-9)
    assert a == same


@LAW
@given(arms(), ALPHAS)
def test_brunner_munzel_rejects_exactly_when_its_interval_leaves_one_half_out(pair, alpha) -> None:
    found = brunner_munzel(*pair, alpha)
    assume(abs(found.p_value - alpha) > 1e-9)
    assert (found.p_value < alpha) == (not found.ci_lower <= 0.5 <= found.ci_upper)


@LAW
@given(arms(10, 60), ALPHAS, st.floats(-100, 100), st.floats(0.1, 10))
def test_shift_moves_stretches_and_turns_with_the_arms(pair, alpha, shift, factor) -> None:
    t, c = pair
    found, back = hodges_lehmann(t, c, alpha), hodges_lehmann(c, t, alpha)
    changed = hodges_lehmann(factor * t + shift, factor * c, alpha)
    for a, b, d in (
        (found.estimate, back.estimate, changed.estimate),
        (found.ci_lower, back.ci_upper, changed.ci_lower),
    ):
        assert a == pytest.approx(-b, rel=1e-9, abs=1e-9)
        assert d == pytest.approx(factor * a + shift, rel=1e-9, abs=1e-7)
    assert found.ci_lower <= found.estimate <= found.ci_upper


@LAW
@given(arms(10, 60))
def test_shift_taken_away_leaves_no_difference_in_rank(pair) -> None:
    t, c = pair
    shift = hodges_lehmann(t, c, 0.05)
    for effect, rejected in ((shift.ci_lower, True), (shift.ci_upper, True), (shift.estimate, False)):
        step = math.copysign(1e-9, effect - shift.estimate)
        found = mann_whitney(t - effect - 2 * step * abs(effect) - step, c)
        if rejected:
            assert found.p_value == pytest.approx(0.05, abs=0.02)
        else:
            assert found.p_value > 0.9


def drawn(n: int, seed: int):
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, n, dtype=np.uint64)
    return hashes, {"y": rng.normal(20, 5, n), "d": rng.poisson(2, n) + 1.0}


@LAW
@given(SEEDS, st.integers(2, 700), st.integers(1, 50), st.lists(st.integers(0, 700), max_size=4))
def test_one_pass_sums_know_neither_order_nor_pieces(seed, n, replicates, cuts) -> None:
    hashes, columns = drawn(n, seed)
    whole = pb.replicate_sums(hashes, columns, replicates, seed)
    order = np.random.default_rng(seed + 1).permutation(n)
    parts = np.split(order, sorted(min(c, n) for c in cuts))
    joined = pb.merge(
        [pb.replicate_sums(hashes[p], {k: v[p] for k, v in columns.items()}, replicates, seed) for p in parts]
    )
    assert joined.n == whole.n
    assert (joined.weight == whole.weight).all()
    assert joined.sums == pytest.approx(whole.sums, rel=1e-12)
    assert joined.total == pytest.approx(whole.total, rel=1e-12)


@LAW
@given(SEEDS, st.integers(1, 60), st.integers(1, 60))
def test_one_pass_replicates_are_the_same_however_many_are_asked_for(seed, few, more) -> None:
    hashes, columns = drawn(150, seed)
    a, b = (pb.replicate_sums(hashes, columns, r, seed) for r in (few, few + more))
    assert (a.weight == b.weight[:few]).all()
    assert a.sums == pytest.approx(b.sums[:few], rel=1e-12)
    again = pb.replicate_sums(hashes, columns, few, seed)
    assert a.sums.tobytes() == again.sums.tobytes()


@LAW
@given(SEEDS, st.floats(0.1, 10))
def test_one_pass_difference_swaps_and_stretches(seed, factor) -> None:
    sums, scaled = [], []
    for at in (seed, seed + 1):
        hashes, columns = drawn(200, at)
        sums.append(pb.replicate_sums(hashes, columns, 199, 5))
        scaled.append(pb.replicate_sums(hashes, {**columns, "y": factor * columns["y"]}, 199, 5))
    t, c = sums
    there, back = (pb.difference_of_ratios(*pair, "y", "d", 0.05) for pair in ((t, c), (c, t)))
    assert there.estimate == pytest.approx(-back.estimate)
    assert (there.ci_lower, there.p_value) == (pytest.approx(-back.ci_upper), back.p_value)
    changed = pb.difference_of_ratios(*scaled, "y", "d", 0.05)
    assert changed.std_error == pytest.approx(factor * there.std_error, rel=1e-9)
    assert changed.p_value == there.p_value


@LAW
@given(SEEDS)
def test_one_pass_ratio_over_ones_is_the_mean(seed) -> None:
    hashes, columns = drawn(100, seed)
    sums = pb.replicate_sums(hashes, {**columns, "one": np.ones(100)}, 99, 5)
    a, b = pb.ratio(sums, "y", "one"), pb.mean(sums, "y")
    assert a.estimate == pytest.approx(b.estimate, rel=1e-12)
    assert a.values == pytest.approx(b.values, rel=1e-12)


@LAW
@given(SEEDS, st.floats(-4, 4), ALPHAS, st.sampled_from([99, 199, 500, 1000]))
def test_percentile_interval_leaves_zero_out_exactly_when_p_is_at_most_alpha(seed, mean, alpha, size) -> None:
    assume(size * alpha >= 4)
    values = np.random.default_rng(seed).normal(mean, 1, size)
    found = Replicates(mean, values)
    low, high = percentile_interval(found, alpha)
    assert (p_value(found) <= alpha * (1 + 1e-12)) == (not low <= 0 <= high)
    zero = Replicates(0.0, np.zeros(size))
    assert percentile_difference(found, zero, alpha).ci_lower == low


@LAW
@given(arms(20, 40), SEEDS, st.floats(0.1, 10), st.floats(-100, 100))
def test_bootstrap_moves_and_stretches_with_the_values(pair, seed, factor, shift) -> None:
    t, c = (x[:, None] for x in pair)
    before = bootstrap([t, c], mean_difference, 50, np.random.default_rng(seed))
    after = bootstrap([factor * t + shift, factor * c], mean_difference, 50, np.random.default_rng(seed))
    assert after.values == pytest.approx(factor * before.values + shift, rel=1e-9, abs=1e-9)


@settings(LAW, max_examples=10)
@given(SEEDS)
def test_bca_of_symmetric_data_is_near_the_percentile_interval(seed) -> None:
    half = np.random.default_rng(seed).normal(size=40)
    rows = np.concatenate([half, -half])[:, None]

    def mean(x):
        return x[..., 0].mean(axis=-1)

    found = bootstrap([rows], mean, 4_000, np.random.default_rng(seed))
    a = acceleration([rows], mean)
    assert a == pytest.approx(0, abs=1e-9)
    assert bca_interval(found, a, 0.1) == pytest.approx(
        percentile_interval(found, 0.1), abs=0.25 * found.std_error
    )


@LAW
@given(arms(8, 15), SEEDS)
def test_acceleration_knows_no_order_scale_or_side(pair, seed) -> None:
    rng = np.random.default_rng(seed)
    t, c = (x[:, None] for x in pair)
    a = acceleration([t, c], mean_difference)
    assert acceleration([3 * rng.permutation(t), 3 * c], mean_difference) == pytest.approx(a, abs=1e-9)
    assert acceleration([c, t], mean_difference) == pytest.approx(-a, abs=1e-9)
    rows = np.column_stack([pair[0], np.ones(len(t))])
    plain = acceleration([t], lambda x: x[..., 0].mean(axis=-1))
    assert acceleration([rows], ratio) == pytest.approx(plain, abs=1e-9)


small = st.lists(st.integers(0, 8), min_size=7, max_size=9).filter(lambda v: len(set(v)) > 1)
STATISTICS = st.sampled_from(["mean", "studentized"])


@LAW
@given(small, st.integers(2, 5), SEEDS)
def test_randomization_test_swaps_with_the_arms(values, treated, seed) -> None:
    y, n = np.array(values, float), len(values)
    z = np.random.default_rng(seed).permutation(n) < treated
    there = randomization_test(y, z, Complete(n, treated))
    back = randomization_test(y, ~z, Complete(n, n - treated))
    assert there.observed == pytest.approx(-back.observed)
    assert (there.p_value, there.p_greater, there.p_less) == pytest.approx(
        (back.p_value, back.p_less, back.p_greater)
    )
    moved = randomization_test(5 * y + 1e6, z, Complete(n, treated))
    assert moved.p_value == pytest.approx(there.p_value)


@LAW
@given(small, st.integers(2, 5), STATISTICS, ALPHAS)
def test_exact_p_is_at_most_alpha_for_no_more_than_alpha_of_the_assignments(
    values, treated, name, alpha
) -> None:
    """Whatever the outcomes, every assignment is put in turn in the place of the one that took place."""
    y, draw = np.array(values, float), Complete(len(values), treated)
    statistic = {"statistic": studentized} if name == "studentized" else {}
    assignments = np.concatenate([z for z, _ in draw.every()])
    p = np.array([randomization_test(y, z, draw, **statistic).p_value for z in assignments])
    assert (p <= alpha + 1e-12).mean() <= alpha + 1e-12
    assert p.max() <= 1
    assert p.min() >= 1 / len(assignments) - 1e-12


@LAW
@given(small, SEEDS)
def test_one_block_and_units_as_clusters_are_the_plain_draw(values, seed) -> None:
    y, n = np.array(values, float), len(values)
    z = np.random.default_rng(seed).permutation(n) < 3
    plain = Complete(n, 3)
    want = randomization_test(y, z, plain)
    block = (tuple(range(n)),)
    assert randomization_test(y, z, Blocked(block, (plain,))) == want
    found = randomization_test(y, z, Blocked(block, (plain,)), statistic=within_blocks(block))
    assert found.p_value == pytest.approx(want.p_value)
    assert randomization_test(y, z, Clustered(tuple(range(n)), plain)) == want
    coins = Bernoulli((0.3,) * n)
    assert randomization_test(y, z, Blocked(block, (coins,))) == randomization_test(y, z, coins)


@LAW
@given(st.lists(st.floats(-50, 50), min_size=9, max_size=11, unique=True), SEEDS, ALPHAS, st.floats(-20, 20))
def test_randomization_interval_moves_with_the_effect_and_agrees_with_the_test(
    values, seed, alpha, effect
) -> None:
    y, n = np.array(values), len(values)
    z = np.random.default_rng(seed).permutation(n) < 5
    draw = Complete(n, 5)
    assume(np.ptp(y) > 1)
    try:
        low, high = randomization_interval(y, z, draw, alpha)
    except NotEstimable:
        assert 1 / draw.count > alpha / 2
        return
    test = randomization_test(y, z, draw)
    assert low <= test.observed <= high
    assume(min(abs(low), abs(high)) > 1e-6)
    assert (min(test.p_greater, test.p_less) <= alpha / 2 + 1e-12) == (not low < 0 < high)
    moved = randomization_interval(y + effect * z, z, draw, alpha)
    assert moved == pytest.approx((low + effect, high + effect), abs=1e-6)


@LAW
@given(SEEDS, st.sampled_from([39, 79, 199]), st.floats(0, 3))
def test_drawn_interval_agrees_with_the_test_on_the_same_draws(seed, draws, lift) -> None:
    rng, alpha, draw = np.random.default_rng(seed), 0.1, Complete(16, 8)
    z = rng.permutation(16) < 8
    y = rng.normal(size=16) + lift * z
    test = randomization_test(y, z, draw, rng=np.random.default_rng(seed + 1), draws=draws, list_up_to=0)
    low, high = randomization_interval(
        y, z, draw, alpha, rng=np.random.default_rng(seed + 1), draws=draws, list_up_to=0
    )
    assert (min(test.p_greater, test.p_less) <= alpha / 2 + 1e-12) == (not low < 0 < high)
