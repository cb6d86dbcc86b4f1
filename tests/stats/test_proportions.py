"""Proportions: rare and one-sided tables, ties, counts of any size; where libraries are right, they agree."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.exact import barnard, boschloo, boschloo_doubled, fisher, odds_ratio
from loyalty_exp.stats.hypergeometric import conditional
from loyalty_exp.stats.one_proportion import agresti_coull, clopper_pearson, jeffreys, wilson
from loyalty_exp.stats.proportions import miettinen_nurminen, newcombe, score
from loyalty_exp.stats.risk_difference import agresti_caffo, cohen_h, g_test, wald
from loyalty_exp.stats.risk_ratio import katz, miettinen_nurminen_ratio, ratio_score, woolf

TABLES = [(7, 12, 2, 15), (56, 70, 48, 80), (0, 60, 30, 50), (3, 400, 0, 300), (1180, 10021, 1033, 9979)]


@pytest.mark.parametrize(("x", "n"), [(0, 10), (10, 10), (1, 50), (263, 330), (7, 10**6)])
def test_intervals_of_one_proportion_agree_with_statsmodels(x, n) -> None:
    for ours, name in ((wilson, "wilson"), (clopper_pearson, "beta"), (agresti_coull, "agresti_coull")):
        low, high = proportion_confint(x, n, 0.05, name)
        assert ours(x, n, 0.05) == pytest.approx((max(low, 0), min(high, 1)), rel=1e-9, abs=1e-15)
    if 0 < x < n:
        assert jeffreys(x, n, 0.05) == pytest.approx(proportion_confint(x, n, 0.05, "jeffreys"))


def test_intervals_of_one_proportion_at_the_edge() -> None:
    for method in (wilson, clopper_pearson, agresti_coull, jeffreys):
        assert method(0, 20, 0.05)[0] == 0.0 and method(20, 20, 0.05)[1] == 1.0
        assert 0 < method(0, 20, 0.05)[1] < 0.3 and 0.7 < method(20, 20, 0.05)[0] < 1
        with pytest.raises(NotEstimable, match="no units"):
            method(0, 0, 0.05)
        with pytest.raises(ValueError):
            method(3, 2, 0.05)


def test_two_proportions_refuse_nobody_and_impossible_counts() -> None:
    calls = [
        *(lambda *t, m=m: m(*t, 0.05) for m in (miettinen_nurminen, newcombe, wald, agresti_caffo)),
        *(lambda *t, m=m: m(*t, 0.05) for m in (katz, woolf, miettinen_nurminen_ratio, odds_ratio)),
        fisher, barnard, boschloo, boschloo_doubled, g_test, cohen_h,
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(NotEstimable, match="no units in the control arm"):
            call(1, 2, 0, 0)
        with pytest.raises(ValueError, match="3 successes in 2 units"):
            call(3, 2, 1, 5)


def test_score_statistic_is_the_published_one_where_statsmodels_errs() -> None:
    # Farrington and Manning's statistic at a margin of 3 points, and Newcombe's contrast (a).
    assert score(45, 500, 50, 500, -0.03, corrected=False) == pytest.approx(1.0728714, abs=1e-7)
    d = miettinen_nurminen(56, 70, 48, 80, 0.05)
    assert (d.ci_lower, d.ci_upper) == pytest.approx((0.0528, 0.3382), abs=5e-5)
    mee = miettinen_nurminen(56, 70, 48, 80, 0.05, corrected=False)
    assert (mee.ci_lower, mee.ci_upper) == pytest.approx((0.0533, 0.3377), abs=5e-5)


@pytest.mark.parametrize("table", TABLES)
def test_intervals_of_two_proportions_agree_with_statsmodels(table) -> None:
    want = confint_proportions_2indep(*table, method="agresti-caffo", compare="diff")
    assert agresti_caffo(*table, 0.05) == pytest.approx(want)
    assert newcombe(*table, 0.05) == pytest.approx(confint_proportions_2indep(*table, method="newcomb"))
    if table[0] and table[2]:
        k, w = katz(*table, 0.05), woolf(*table, 0.05)
        assert (k.ci_lower, k.ci_upper) == pytest.approx(
            confint_proportions_2indep(*table, method="log", compare="ratio")
        )
        assert (w.ci_lower, w.ci_upper) == pytest.approx(
            confint_proportions_2indep(*table, method="logit", compare="odds-ratio")
        )


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("continuity", [False, True])
def test_tests_of_two_proportions_agree_with_scipy(table, continuity) -> None:
    x_t, n_t, x_c, n_c = table
    square = [[x_t, n_t - x_t], [x_c, n_c - x_c]]
    want = stats.chi2_contingency(square, correction=continuity)
    assert wald(*table, 0.05, pooled=True, continuity=continuity).p_value == pytest.approx(want.pvalue)
    if x_t and x_c:
        want = stats.chi2_contingency(square, correction=continuity, lambda_="log-likelihood")
        assert g_test(*table, continuity).statistic == pytest.approx(want.statistic)
    assert fisher(*table).p_value == pytest.approx(stats.fisher_exact(square).pvalue)


def test_the_g_statistic_of_large_counts_keeps_its_digits() -> None:
    # Arithmetic of fifty digits.
    got = g_test(10_000_000, 10**8, 10_010_000, 10**8)
    assert got.statistic == pytest.approx(5.55308787915016526613616686702, rel=1e-11)
    assert got.p_value == pytest.approx(stats.chi2.sf(5.553087879150165, 1), rel=1e-10)


def test_tests_that_do_not_exist_say_so() -> None:
    for table in ((0, 10, 0, 20), (10, 10, 20, 20)):
        assert wald(*table, 0.05).p_value is wald(*table, 0.05, pooled=True).p_value is None
        assert miettinen_nurminen(*table, 0.05).p_value is None
        for call in (g_test, lambda *t: odds_ratio(*t, 0.05), lambda *t: woolf(*t, 0.05)):
            with pytest.raises(NotEstimable):
                call(*table)
        # No table is less extreme: that much an exact test can say.
        assert fisher(*table).p_value == barnard(*table).p_value == boschloo(*table).p_value == 1.0
    with pytest.raises(NotEstimable, match="no success in either arm"):
        miettinen_nurminen_ratio(0, 10, 0, 20, 0.05)
    for table in ((0, 10, 3, 20), (3, 10, 0, 20)):
        with pytest.raises(NotEstimable):
            katz(*table, 0.05)


def test_nobody_in_treatment_is_significant() -> None:
    table = (0, 60, 30, 50)
    for p in (fisher(*table), barnard(*table), boschloo(*table), boschloo_doubled(*table)):
        assert p.p_value < 1e-9
    found = miettinen_nurminen_ratio(*table, 0.05)
    assert (found.estimate, found.ci_lower) == (0.0, 0.0) and 0 < found.ci_upper < 0.2
    turned = miettinen_nurminen_ratio(30, 50, 0, 60, 0.05)
    assert (turned.estimate, turned.ci_upper) == (math.inf, math.inf)
    assert turned.ci_lower == pytest.approx(1 / found.ci_upper)
    odds = odds_ratio(*table, 0.05)
    assert (odds.estimate, odds.ci_lower) == (0.0, 0.0) and odds.ci_upper < 0.1


def test_ratio_interval_inverts_its_score_test() -> None:
    for corrected in (True, False):
        found = miettinen_nurminen_ratio(14, 50_000, 5, 50_000, 0.05, corrected)
        for bound, sign in ((found.ci_lower, 1), (found.ci_upper, -1)):
            got = ratio_score(14, 50_000, 5, 50_000, bound, corrected)
            assert got == pytest.approx(sign * stats.norm.isf(0.025), rel=1e-8)


def test_ties_count_as_extreme_where_scipy_loses_them() -> None:
    # By exact rational arithmetic the table mirrored has the same statistic; SciPy's p-value is .0156.
    assert barnard(7, 12, 2, 15).p_value == pytest.approx(0.0177715574, abs=1e-9)
    assert stats.barnard_exact([[7, 2], [5, 13]]).pvalue < 0.0160


def test_boschloo_by_two_sided_order_is_not_twice_the_one_sided() -> None:
    assert boschloo(7, 12, 2, 15).p_value == pytest.approx(0.020601033, rel=1e-7)
    doubled = boschloo_doubled(7, 12, 2, 15).p_value
    assert doubled == pytest.approx(stats.boschloo_exact([[7, 2], [5, 13]], n=64).pvalue, rel=1e-3)
    assert doubled == pytest.approx(0.023129, rel=1e-6)


def test_too_many_tables_are_refused_for_tests_over_all_of_them() -> None:
    for test in (barnard, boschloo, boschloo_doubled):
        with pytest.raises(NotEstimable, match="too many tables"):
            test(1, 2000, 2, 2000)
    assert 0 < fisher(1, 2000, 2, 2000).p_value <= 1


def test_fisher_has_a_logarithm_beyond_the_smallest_number() -> None:
    got = fisher(5_000, 10_000, 1_000, 10_000)
    assert got.p_value == 0.0
    assert got.log_p_value == pytest.approx(stats.hypergeom.logsf(4_999, 20_000, 6_000, 10_000), rel=1e-3)


def test_exact_odds_ratio_agrees_with_scipy() -> None:
    want = stats.contingency.odds_ratio([[7, 2], [5, 13]], kind="conditional")
    got = odds_ratio(7, 12, 2, 15, 0.05)
    assert got.estimate == pytest.approx(want.statistic, rel=1e-6)
    interval = want.confidence_interval(0.95)
    assert (got.ci_lower, got.ci_upper) == pytest.approx((interval.low, interval.high), rel=1e-6)


@pytest.mark.parametrize("log_odds_ratio", [-1.5, 0.0, 2.0])
def test_noncentral_hypergeometric_agrees_with_scipy(log_odds_ratio) -> None:
    got = conditional(5, 12, 30, 17, log_odds_ratio)
    want = stats.nchypergeom_fisher(42, 12, 17, math.exp(log_odds_ratio))
    k = np.arange(got.first, got.first + len(got.log_weights))
    p = np.exp(got.log_weights)
    assert p / p.sum() == pytest.approx(want.pmf(k))
    assert got.mean() == pytest.approx(want.mean())
    assert math.exp(got.log_tail(5, upper=True)) == pytest.approx(want.sf(4))


def test_angles() -> None:
    assert cohen_h(1, 2, 0, 4) == pytest.approx(math.pi / 2)
    assert cohen_h(0, 4, 1, 2) == pytest.approx(-math.pi / 2)
