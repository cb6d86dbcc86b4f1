from __future__ import annotations

import math
import time

import numpy as np
import pytest
from scipy import stats

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats import hodges_lehmann as shifts
from loyalty_exp.stats.hodges_lehmann import hodges_lehmann
from loyalty_exp.stats.ranks import ALL_TIED, brunner_munzel, mann_whitney


def spend(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.round(rng.lognormal(3, 1, n) * (rng.random(n) < 0.6), 1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("continuity", [False, True])
def test_mann_whitney_reaches_scipys_values_with_ties(seed, continuity) -> None:
    rng = np.random.default_rng(seed)
    x, y = spend(rng, 70), spend(rng, 55) + 1
    want = stats.mannwhitneyu(x, y, use_continuity=continuity, method="asymptotic")
    found = mann_whitney(x, y, continuity=continuity)
    assert found.u == want.statistic
    assert found.p_value == pytest.approx(want.pvalue, rel=1e-11)


@pytest.mark.parametrize(("n", "m"), [(1, 8), (6, 6), (9, 14)])
def test_exact_test_reaches_scipys_values_without_ties(n, m) -> None:
    rng = np.random.default_rng(n)
    x, y = rng.normal(0.7, 1, n), rng.normal(size=m)
    want = stats.mannwhitneyu(x, y, method="exact").pvalue
    assert mann_whitney(x, y, exact=True).p_value == pytest.approx(want, rel=1e-12)


def test_exact_test_with_ties_is_the_permutation_test_of_the_midranks() -> None:
    x, y = np.array([0, 0, 3, 5, 5, 9.0]), np.array([0, 0, 1, 5, 2.0])
    r = stats.rankdata(np.r_[x, y])

    def centered(a, b, axis):
        return np.abs(a.sum(axis=axis) - len(x) * (len(r) + 1) / 2)

    want = stats.permutation_test(
        (r[:6], r[6:]), centered, vectorized=True, n_resamples=np.inf, alternative="greater"
    ).pvalue
    assert mann_whitney(x, y, exact=True).p_value == pytest.approx(want, rel=1e-12)


def test_exact_test_of_a_hundred_units_is_near_the_normal_one_and_more_are_refused() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(0.4, 1, 50), rng.normal(size=50)
    exact, normal = mann_whitney(x, y, exact=True).p_value, mann_whitney(x, y).p_value
    assert exact == pytest.approx(normal, rel=0.05)
    with pytest.raises(NotEstimable, match="up to 100 units"):
        mann_whitney(x, np.r_[y, 1.0], exact=True)
    with pytest.raises(NotEstimable, match="up to 100 units"):
        hodges_lehmann(x, np.r_[y, 1.0], 0.05, exact=True)


def test_all_tied_is_no_test_and_says_so() -> None:
    found = mann_whitney(np.full(5, 7.0), np.full(3, 7.0))
    assert (found.superiority, found.p_value, found.z, found.not_tested) == (0.5, None, None, ALL_TIED)
    for test in (hodges_lehmann, brunner_munzel):
        with pytest.raises(NotEstimable, match=ALL_TIED):
            test(np.full(5, 7.0), np.full(3, 7.0), 0.05)


def test_empty_arms_single_units_and_values_that_are_no_numbers() -> None:
    with pytest.raises(NotEstimable, match="no units"):
        mann_whitney([], [1.0])
    assert mann_whitney([2.0], [1.0]).superiority == 1
    with pytest.raises(NotEstimable, match="fewer than two units"):
        brunner_munzel([2.0], [1.0, 2.0], 0.05)
    with pytest.raises(NotEstimable, match="too few units"):
        hodges_lehmann([2.0], [1.0], 0.05)
    with pytest.raises(ValueError, match="finite"):
        mann_whitney([math.inf], [1.0])


def test_arms_that_do_not_overlap_have_no_brunner_munzel_interval_but_a_mann_whitney_test() -> None:
    x, y = np.arange(10.0) + 100, np.arange(10.0)
    with pytest.raises(NotEstimable, match="do not overlap"):
        brunner_munzel(x, y, 0.05)
    assert mann_whitney(x, y, exact=True).p_value == pytest.approx(2 / math.comb(20, 10))


def test_millions_of_units_overflow_nothing_and_an_underflowing_p_keeps_its_logarithm() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.poisson(2.0, 600_000), rng.poisson(1.9, 900_000)
    found = mann_whitney(x, y)
    assert found.p_value == 0
    assert found.log_p_value is not None
    assert -5_000 < found.log_p_value < -690
    want = (x[:, None] > np.arange(40)) @ (np.bincount(y, minlength=40) / len(y))
    ties = np.bincount(x, minlength=40) / len(x) @ (np.bincount(y, minlength=40) / len(y))
    assert found.superiority == pytest.approx(want.mean() + ties / 2, rel=1e-9)
    assert brunner_munzel(x, y, 0.05).superiority == pytest.approx(found.superiority, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_brunner_munzel_reaches_scipys_values(seed) -> None:
    rng = np.random.default_rng(seed)
    x, y = spend(rng, 30), 2 * spend(rng, 40)
    want, found = stats.brunnermunzel(x, y), brunner_munzel(x, y, 0.05)
    assert (abs(found.statistic), found.p_value) == pytest.approx(
        (abs(want.statistic), want.pvalue), rel=1e-9
    )


@pytest.mark.parametrize("listed", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    "maker", [spend, lambda rng, n: rng.normal(1e9, 1, n), lambda rng, n: rng.poisson(1, n)]
)
@pytest.mark.parametrize("size", [(83, 64), (30, 41), (12, 9), (17, 20)])
def test_shift_is_the_median_of_all_differences_however_few_are_written_out(
    monkeypatch, listed, maker, size
) -> None:
    monkeypatch.setattr(shifts, "_LISTED", listed)
    rng = np.random.default_rng(6)
    x, y = maker(rng, size[0]), maker(rng, size[1])
    differences = np.sort(np.subtract.outer(x, y).ravel())
    found = hodges_lehmann(x, y, 0.05)
    variance = mann_whitney(x, y).variance
    k = math.floor(len(differences) / 2 - stats.norm.ppf(0.975) * math.sqrt(variance) + 0.5)
    scale = np.ptp(differences)
    assert found.estimate == pytest.approx(np.median(differences), abs=1e-9 * scale)
    assert found.ci_lower == pytest.approx(differences[k - 1], abs=1e-9 * scale)
    assert found.ci_upper == pytest.approx(differences[-k], abs=1e-9 * scale)


def test_shift_of_large_arms_needs_no_table_of_pairs() -> None:
    rng = np.random.default_rng(7)
    x, y = rng.lognormal(3, 1, 50_000), rng.lognormal(3, 1, 50_000)
    start = time.process_time()
    found = hodges_lehmann(x + 0.5, y, 0.05)
    assert time.process_time() - start < 10
    assert found.ci_lower < 0.5 < found.ci_upper
    assert found.ci_upper - found.ci_lower < 0.5


def test_exact_shift_interval_covers_at_least_its_level() -> None:
    rng, runs = np.random.default_rng(8), 1_500
    inside = 0
    for _ in range(runs):
        found = hodges_lehmann(rng.normal(1, 1, 6), rng.normal(size=7), 0.1, exact=True)
        inside += found.ci_lower < 1 < found.ci_upper
    assert inside / runs >= 0.9 - 3.3 * math.sqrt(0.9 * 0.1 / runs)
    assert inside / runs < 0.97
