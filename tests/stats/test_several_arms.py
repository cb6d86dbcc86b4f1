"""Several arms at once, the shares they were promised, and margins that harm may not pass."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import difference
from loyalty_exp.stats.equivalence import equivalence
from loyalty_exp.stats.means import OneMean, plain
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.noninferiority import (
    margin_status,
    noninferiority,
    proportion_noninferiority,
    relative_noninferiority,
)
from loyalty_exp.stats.risk_difference import wald
from loyalty_exp.stats.sample_ratio import exact_sample_ratio, g_sample_ratio, sample_ratio
from loyalty_exp.stats.several_arms import (
    classical_anova,
    equal_proportions,
    kruskal_wallis,
    trend_of_proportions,
    welch_anova,
)

RNG = np.random.default_rng(5)
GROUPS = [RNG.normal(0.3 * i, 1 + i, 20 + 7 * i).round(1) for i in range(4)]


def of(values):
    return from_rows({"y": values})


def test_several_means_agree_with_scipy_and_with_two_arms() -> None:
    arms = [of(g) for g in GROUPS]
    f = classical_anova(arms, "y")
    assert (f.statistic, f.p_value) == pytest.approx(tuple(stats.f_oneway(*GROUPS)))
    w = welch_anova(arms[:2], "y")
    d = difference(plain(arms[0], ("y",)), plain(arms[1], ("y",)), 0.05)
    assert w.statistic == pytest.approx((d.estimate / d.std_error) ** 2)
    assert (w.df_denominator, w.p_value) == pytest.approx((d.df, d.p_value))


def test_ranks_agree_with_scipy_with_ties() -> None:
    k = kruskal_wallis(GROUPS)
    assert (k.statistic, k.p_value) == pytest.approx(tuple(stats.kruskal(*GROUPS)))


def test_proportions_of_several_arms_agree_with_scipy_and_with_two_arms() -> None:
    x, n = [83, 90, 129, 70], [86, 93, 136, 82]
    want = stats.chi2_contingency([x, [b - a for a, b in zip(x, n, strict=True)]], correction=False)
    got = equal_proportions(x, n)
    assert (got.statistic, got.df, got.p_value) == pytest.approx((want.statistic, want.dof, want.pvalue))
    two = equal_proportions([12, 7], [50, 60])
    assert two.p_value == pytest.approx(wald(12, 50, 7, 60, 0.05, pooled=True).p_value)
    # With two arms, whatever their scores, the trend is the difference.
    assert trend_of_proportions([12, 7], [50, 60], [3, 10]).statistic == pytest.approx(two.statistic)
    assert trend_of_proportions([600_000, 400_000], [10**6] * 2, [0, 1]).log_p_value < math.log(1e-300)


def test_several_arms_refuse_what_they_cannot_tell() -> None:
    flat = of([2.0, 2.0, 2.0])
    for call in (
        lambda: welch_anova([flat, of([1.0, 2, 3])], "y"),
        lambda: classical_anova([flat, flat], "y"),
        lambda: welch_anova([of([1.0, 2])], "y"),
        lambda: classical_anova([of([1.0]), of([1.0, 2])], "y"),
        lambda: kruskal_wallis([[1, 1], [1]]),
        lambda: kruskal_wallis([[1, 2], []]),
        lambda: equal_proportions([0, 0], [5, 5]),
        lambda: equal_proportions([1], [5]),
        lambda: equal_proportions([0, 1], [0, 5]),
        lambda: trend_of_proportions([1, 2], [5, 5], [1, 1]),
    ):
        with pytest.raises(NotEstimable):
            call()
    for call in (lambda: equal_proportions([6, 1], [5, 5]), lambda: kruskal_wallis([[math.nan, 1], [2]])):
        with pytest.raises(ValueError):
            call()


def test_sample_ratio_says_which_arm_is_off() -> None:
    s = sample_ratio([90_480, 9_520], [0.9, 0.1])
    assert s.expected == pytest.approx((90_000, 10_000))
    assert s.residuals == pytest.approx((5.0596443, -5.0596443))
    assert s.residuals[0] ** 2 == pytest.approx(s.statistic)
    assert s.flagged(1e-6) and not s.flagged(1e-7)
    huge = sample_ratio([600_000, 400_000], [1, 1])
    assert huge.p_value == 0.0 and huge.flagged(1e-300)
    lopsided = sample_ratio([10**6, 3], [1e20, 1.0])
    assert lopsided.flagged(1e-10) and all(math.isfinite(r) for r in lopsided.residuals)


def test_sample_ratio_by_the_likelihood_ratio() -> None:
    for counts, weights in (([30, 50, 20], [1, 2, 1]), ([0, 40], [1, 2]), ([7, 0, 2], [3, 0, 1])):
        got = g_sample_ratio(counts, weights)
        kept = [(n, w) for n, w in zip(counts, weights, strict=True) if w]
        expected = [sum(counts) * w / sum(weights) for _, w in kept]
        want = stats.power_divergence([n for n, _ in kept], expected, lambda_="log-likelihood")
        assert (got.statistic, got.p_value) == pytest.approx(tuple(want))
        assert not got.exact
    close = g_sample_ratio([50_000_001, 49_999_999], [1, 1])
    assert close.statistic == pytest.approx(4e-8, rel=1e-6)


def test_sample_ratio_by_the_distribution_itself() -> None:
    for counts, weights in (([53, 47], [1, 1]), ([3, 21], [1, 3]), ([530, 400], [1, 1])):
        want = stats.binomtest(counts[0], sum(counts), weights[0] / sum(weights)).pvalue
        assert exact_sample_ratio(counts, weights).p_value == pytest.approx(want)
    beyond = exact_sample_ratio([4000, 0], [1, 1])
    assert beyond.p_value == 0.0 and beyond.log_p_value == pytest.approx(-3999 * math.log(2))
    with pytest.raises(NotEstimable, match="too many tables"):
        exact_sample_ratio([500, 500, 500, 500], [1, 1, 1, 1])
    for method in (exact_sample_ratio, g_sample_ratio):
        with pytest.raises(ValueError, match="weight 0"):
            method([5, 5, 1], [1, 1, 0])


def arms(gap: float = -0.3):
    return OneMean(400, "y", 10 + gap, 0.02), OneMean(300, "y", 10.0, 0.03)


@pytest.mark.parametrize("direction", ["increase", "decrease"])
@pytest.mark.parametrize("gap", [-0.9, -0.3, 0.0, 0.31, 0.8])
def test_a_margin_is_passed_exactly_when_the_bound_is_inside(direction, gap) -> None:
    t, c = arms(gap)
    d = difference(t, c, 0.05)
    test, bound = noninferiority(d, 0.6, direction, 0.025)
    assert test.passed == (margin_status(d.ci_lower, d.ci_upper, 0.6, direction) == "pass")
    assert test.passed == (bound.ci_lower > -0.6 if direction == "increase" else bound.ci_upper < 0.6)
    assert (test.statistic > 0) == (gap > -0.6 if direction == "increase" else gap < 0.6)


def test_harm_that_is_not_significant_is_not_yet_harmless() -> None:
    t, c = OneMean(20, "y", 9.0, 1.0), OneMean(20, "y", 10.0, 1.0)
    d = difference(t, c, 0.05)
    assert d.p_value > 0.4
    assert not noninferiority(d, 0.5, "increase", 0.025)[0].passed


def test_a_relative_margin_counts_the_control_mean_as_an_estimate() -> None:
    t, c = arms()
    fixed = noninferiority(difference(t, c, 0.05), 0.5, "increase", 0.025)[0]
    share = relative_noninferiority(t, c, 0.05, "increase", 0.025)
    assert share.statistic == pytest.approx((9.7 - 9.5) / math.sqrt(0.02 + 0.95**2 * 0.03))
    assert share.statistic > fixed.statistic
    cost = relative_noninferiority(t, c, 0.05, "decrease", 0.025)
    assert cost.statistic == pytest.approx((10.5 - 9.7) / math.sqrt(0.02 + 1.05**2 * 0.03))
    with pytest.raises(NotEstimable, match="positive control mean"):
        relative_noninferiority(t, OneMean(9, "y", -1.0, 1.0), 0.1, "increase", 0.025)
    with pytest.raises(NotEstimable, match="nothing varies"):
        relative_noninferiority(OneMean(9, "y", 1.0, 0.0), OneMean(9, "y", 1.0, 0.0), 0.1, "increase", 0.025)


def test_a_margin_of_proportions_mirrors() -> None:
    up = proportion_noninferiority(45, 500, 50, 500, 0.03, "increase", 0.025)
    down = proportion_noninferiority(455, 500, 450, 500, 0.03, "decrease", 0.025)
    assert (up.statistic, up.p_value) == pytest.approx((down.statistic, down.p_value))
    nobody = proportion_noninferiority(0, 500, 0, 500, 0.03, "decrease", 0.025)
    assert nobody.passed and nobody.p_value < 1e-3
    for call in (
        lambda: proportion_noninferiority(1, 5, 1, 5, 0.0, "increase", 0.05),
        lambda: noninferiority(difference(*arms(), 0.05), 1, "up", 0.05),
    ):
        with pytest.raises(ValueError):
            call()


def test_equivalence_is_an_interval_between_the_limits() -> None:
    d = difference(*arms(0.1), 0.1)
    for low, high in ((-1, 1), (-0.2, 1), (-1, 0.2), (0.2, 3)):
        e = equivalence(d, low, high, 0.05)
        assert e.equivalent == (low < d.ci_lower and d.ci_upper < high)
        assert (e.ci_lower, e.ci_upper) == pytest.approx((d.ci_lower, d.ci_upper))
        assert e.p_value == max(e.p_lower, e.p_upper)
    with pytest.raises(ValueError):
        equivalence(d, 1, -1, 0.05)
