from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import difference
from loyalty_exp.stats.draws import COUNTLESS, Bernoulli, Blocked, Clustered, Complete
from loyalty_exp.stats.means import plain
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.randomization import (
    mean_difference,
    monte_carlo_p,
    randomization_interval,
    randomization_test,
    studentized,
    within_blocks,
)

X = np.array([6.1, 7.2, 5.5, 9.9, 8.4, 7.7, 6.8, 4.2, 5.9, 5.1, 6.5, 3.3, 7.0])
Z = np.arange(13) < 7


def every(draw) -> dict[tuple[bool, ...], float]:
    """Probability of each assignment a draw lists."""
    parts = list(draw.every())
    z, p = np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts])
    assert len({tuple(r) for r in z}) == len(z) == draw.count
    return {tuple(bool(v) for v in r): w / p.sum() for r, w in zip(z, p, strict=True)}


DRAWS = [
    Complete(6, 2),
    Bernoulli((0.5,) * 4),
    Bernoulli((0.2, 0.5, 0.9)),
    Blocked(((0, 3), (1, 2, 4)), (Complete(2, 1), Complete(3, 1))),
    Blocked(((2, 0), (1, 3)), (Complete(2, 1), Bernoulli((0.3, 0.6)))),
    Clustered((0, 0, 1, 2, 2), Complete(3, 1)),
]


@pytest.mark.parametrize("draw", DRAWS)
def test_samples_come_as_often_as_the_list_says(draw) -> None:
    want, size = every(draw), 20_000
    z = draw.sample(np.random.default_rng(1), size)
    assert z.shape == (size, draw.n)
    seen = dict.fromkeys(want, 0)
    for row in z:
        seen[tuple(bool(v) for v in row)] += 1
    assert stats.chisquare(list(seen.values()), [p * size for p in want.values()]).pvalue > 1e-4


def test_lists_longer_than_a_batch_are_complete(monkeypatch) -> None:
    monkeypatch.setattr("loyalty_exp.stats.draws.CELLS", 30)
    for draw in (Complete(8, 3), Bernoulli((0.4,) * 6), DRAWS[3]):
        assert len(every(draw)) == draw.count


def test_counting_stops_where_no_one_lists_and_costs_nothing_there() -> None:
    assert Complete(34, 17).count == math.comb(34, 17)
    assert Complete(100, 1).count == 100
    assert math.comb(70, 35) > COUNTLESS
    pairs = tuple((2 * i, 2 * i + 1) for i in range(50_000))
    huge = (
        Complete(2_000_000, 1_000_000),
        Bernoulli((0.5,) * 60),
        Blocked(pairs, (Complete(2, 1),) * len(pairs)),
    )
    assert {draw.count for draw in huge} == {COUNTLESS}


def test_exact_test_reaches_scipys_values() -> None:
    found = randomization_test(X, Z, Complete(13, 7))
    for alternative, got in (("greater", found.p_greater), ("less", found.p_less)):
        want = stats.permutation_test(
            (X[:7], X[7:]),
            lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
            vectorized=True,
            n_resamples=np.inf,
            alternative=alternative,
        )
        assert got == pytest.approx(want.pvalue, rel=1e-12)
    assert (found.exact, found.assignments) == (True, 1716)


def test_drawn_test_is_near_the_exact_one_and_its_seed_decides_it() -> None:
    exact = randomization_test(X, Z, Complete(13, 7))
    drawn, again, other = (
        randomization_test(X, Z, Complete(13, 7), rng=np.random.default_rng(s), list_up_to=0)
        for s in (1, 1, 2)
    )
    assert drawn == again != other
    assert (drawn.exact, drawn.assignments) == (False, 9_999)
    assert drawn.p_value == pytest.approx(exact.p_value, abs=4 * math.sqrt(exact.p_value / 9_999))
    with pytest.raises(ValueError, match="generator"):
        randomization_test(X, Z, Complete(13, 7), list_up_to=0)


def test_p_of_draws_is_never_zero() -> None:
    assert monte_carlo_p(0, 999) == 0.001
    assert monte_carlo_p(999, 999) == 1.0
    with pytest.raises(ValueError, match="exceedances"):
        monte_carlo_p(5, 4)
    y = np.r_[np.arange(100.0) + 1e3, np.arange(100.0)]
    found = randomization_test(
        y, np.arange(200) < 100, Complete(200, 100), rng=np.random.default_rng(3), draws=199
    )
    assert found.p_value == 1 / 200


def test_blocks_are_respected_where_a_plain_draw_is_misled() -> None:
    """Pairs, with a small effect inside every pair and large differences between pairs."""
    base = 100.0 * np.arange(7)
    y = np.column_stack([base + 1, base]).ravel()
    z = np.tile([True, False], 7)
    blocks = tuple((2 * i, 2 * i + 1) for i in range(7))
    found = randomization_test(y, z, Blocked(blocks, (Complete(2, 1),) * 7), statistic=within_blocks(blocks))
    assert found.p_value == pytest.approx(2 / 128)
    assert found.observed == pytest.approx(1)
    assert randomization_test(y, z, Complete(14, 7)).p_value > 0.5


def test_clusters_are_drawn_whole() -> None:
    cluster = tuple(np.repeat(np.arange(6), 10).tolist())
    effect = np.array([3.0, 4, 5, 0, 1, 2])
    y, z = np.repeat(effect, 10), np.repeat(np.arange(6) < 3, 10)
    found = randomization_test(y, z, Clustered(cluster, Complete(6, 3)))
    assert found.p_value == pytest.approx(2 / 20)
    free = randomization_test(y, z, Complete(60, 30), rng=np.random.default_rng(1), draws=999)
    assert free.p_value == 1 / 1_000


def test_unequal_probabilities_weigh_the_list() -> None:
    shares, y = (0.1, 0.5, 0.8, 0.3), np.array([3.0, 1.0, 4.0, 1.5])
    z = np.array([False, True, True, False])
    p = total = 0.0
    for a in itertools.product((False, True), repeat=4):
        if all(a) or not any(a):
            continue
        weight = math.prod(s if t else 1 - s for s, t in zip(shares, a, strict=True))
        total += weight
        gap = y[np.array(a)].mean() - y[~np.array(a)].mean()
        p += weight * (gap >= y[z].mean() - y[~z].mean() - 1e-12)
    assert randomization_test(y, z, Bernoulli(shares)).p_greater == pytest.approx(p / total, rel=1e-12)


def test_studentized_statistic_is_welchs() -> None:
    arms = [from_rows({"y": X[Z]}), from_rows({"y": X[~Z]})]
    d = difference(*(plain(m, ("y",)) for m in arms), 0.05)
    assert studentized(Z[None], X)[0] == pytest.approx(d.estimate / d.std_error, rel=1e-10)
    assert studentized(Z[None], X + 1e9)[0] == pytest.approx(d.estimate / d.std_error, rel=1e-5)
    assert randomization_test(X, Z, Complete(13, 7), statistic=studentized).p_value == pytest.approx(
        d.p_value, abs=0.02
    )
    split = np.array([1.0, 1, 1, 0, 0, 0])
    certain = randomization_test(split, split > 0, Complete(6, 3), statistic=studentized)
    assert certain.observed == math.inf
    assert certain.p_value == pytest.approx(2 / 20)


def test_interval_holds_exactly_the_effects_the_test_keeps() -> None:
    draw, alpha = Complete(13, 7), 0.05
    low, high = randomization_interval(X, Z, draw, alpha)
    for effect, kept in ((low - 1e-6, False), (low + 1e-6, True), (high - 1e-6, True), (high + 1e-6, False)):
        found = randomization_test(X - effect * Z, Z, draw)
        assert (min(found.p_greater, found.p_less) > alpha / 2) is kept
    welch = difference(*(plain(from_rows({"y": X[m]}), ("y",)) for m in (Z, ~Z)), alpha)
    assert (low, high) == pytest.approx((welch.ci_lower, welch.ci_upper), abs=0.25)
    drawn = randomization_interval(X, Z, draw, alpha, rng=np.random.default_rng(1), list_up_to=0)
    assert drawn == pytest.approx((low, high), abs=0.25)


def test_what_cannot_be_tested_says_why() -> None:
    draw = Complete(5, 2)
    with pytest.raises(NotEstimable, match="all outcomes are equal"):
        randomization_test(np.full(5, 3.0), np.arange(5) < 2, draw)
    with pytest.raises(NotEstimable, match="no units in an arm"):
        randomization_test(np.arange(5.0), np.zeros(5, bool), draw)
    with pytest.raises(NotEstimable, match="too few assignments"):
        randomization_interval(np.arange(5.0), np.arange(5) < 2, draw, 0.05)
    with pytest.raises(NotEstimable, match="fewer than two units"):
        randomization_test(np.arange(5.0), np.arange(5) < 1, Complete(5, 1), statistic=studentized)
    with pytest.raises(ValueError, match="each unit of the draw"):
        randomization_test(np.arange(6.0), np.arange(6) < 2, draw)
    with pytest.raises(ValueError, match="finite"):
        randomization_test([1, 2, math.nan, 4, 5], np.arange(5) < 2, draw)


def test_exact_test_of_five_against_five_never_rejects_more_often_than_alpha() -> None:
    """Sparse outcomes, where Welch's test is far off: .0355 at .05 and .0670 at .10 (reference study)."""
    rng, runs, draw = np.random.default_rng(23), 1_500, Complete(10, 5)
    z, rejected = np.arange(10) < 5, np.zeros(2)
    done = 0
    for _ in range(runs):
        y = rng.lognormal(3, 1, 10) * (rng.random(10) < 0.4)
        done += 1
        if y.max() > 0:
            rejected += randomization_test(y, z, draw).p_value <= np.array([0.05, 0.10])
    for rate, level in zip(rejected / done, (0.05, 0.10), strict=True):
        assert rate <= level + 3.3 * math.sqrt(level * (1 - level) / runs)
        assert rate > level / 5


def test_mean_difference_of_every_assignment_averages_to_nothing() -> None:
    z = np.concatenate([a for a, _ in Complete(8, 3).every()])
    assert mean_difference(z, np.arange(8.0) ** 2).mean() == pytest.approx(0, abs=1e-10)
