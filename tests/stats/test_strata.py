"""Strata, blocks, common ratios over strata, and independence of two classifications."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.contingency import independence
from loyalty_exp.stats.difference import difference
from loyalty_exp.stats.mantel_haenszel import (
    breslow_day,
    cochran_mantel_haenszel,
    common_odds_ratio,
    common_rate_ratio,
    common_risk_difference,
    common_risk_ratio,
    tables,
)
from loyalty_exp.stats.means import plain
from loyalty_exp.stats.moments import empty, from_rows
from loyalty_exp.stats.rates import wald_rate_ratio
from loyalty_exp.stats.strata import collapse, stratified, stratified_means


def rows(*values):
    return from_rows({"y": np.array(values, dtype=float)})


def test_a_short_cell_is_a_reason_that_names_the_stratum() -> None:
    full = rows(1, 2, 4)
    for t, c, why in (
        (empty(("y",)), full, "stratum 'gold': no units in the treatment arm"),
        (full, rows(3), "stratum 'gold': one unit in the control arm"),
    ):
        with pytest.raises(NotEstimable, match=why):
            stratified([full, t], [full, c], "y", (), 0.05, names=("silver", "gold"))
    with pytest.raises(NotEstimable, match="number 2"):
        stratified([full, rows(1)], [full, full], "y", (), 0.05)
    with pytest.raises(NotEstimable, match="no units in any stratum"):
        stratified([empty(("y",))], [empty(("y",))], "y", (), 0.05)
    with pytest.raises(ValueError):
        stratified([full], [full, full], "y", (), 0.05)


def test_a_stratum_without_anybody_weighs_nothing() -> None:
    t, c, none = rows(1, 2, 4), rows(0, 1, 5), empty(("y",))
    assert stratified([t, none], [c, none], "y", (), 0.05) == stratified([t], [c], "y", (), 0.05)


def test_collapsing_looks_at_counts_and_leaves_none_short() -> None:
    t = [rows(1, 2), rows(3), empty(("y",)), rows(4, 5, 6)]
    c = [rows(1, 2, 3), empty(("y",)), empty(("y",)), rows(1, 2)]
    t2, c2, names = collapse(t, c, "abcd")
    assert names == ["b+a", "d"]
    assert ([m.n for m in t2], [m.n for m in c2]) == ([3, 3], [3, 2])
    assert collapse(t[:1], c[:1], "a")[2] == ["a"]
    assert collapse([rows(1)], [empty(("y",))], "a")[2] == ["a"]
    t2, c2, names = collapse([rows(1), rows(2)], [rows(1), rows(5)], "ab")
    assert names == ["a+b"]
    assert stratified(t2, c2, "y", (), 0.05).absolute.estimate == pytest.approx(-1.5)


def test_weights_are_population_shares_and_an_unbalanced_draw_does_no_harm() -> None:
    t, c = [rows(*[11.0] * 30, *[9.0] * 30), rows(101, 99)], [rows(1, -1), rows(*[91.0] * 30, *[89.0] * 30)]
    found = stratified(t, c, "y", (), 0.05)
    assert found.absolute.estimate == pytest.approx(10)
    assert difference(plain(t[0] + t[1], ("y",)), plain(c[0] + c[1], ("y",)), 0.05).estimate < -50
    assert (found.n_treated, found.n_control) == (62, 62)
    means = stratified_means(t, c, ("y",))
    assert means.shares == pytest.approx([0.5, 0.5])


def test_random_shares_add_variance_only_where_effects_differ() -> None:
    t, c = [rows(1, 2, 3), rows(11, 12, 13)], [rows(0, 1, 2), rows(10, 11, 12)]
    fixed, random = (stratified(t, c, "y", (), 0.05, random_shares=r) for r in (False, True))
    assert random.absolute.std_error == pytest.approx(fixed.absolute.std_error)
    assert random.relative.std_error > fixed.relative.std_error
    c[1] = rows(0, 1, 2)
    fixed, random = (stratified(t, c, "y", (), 0.05, random_shares=r) for r in (False, True))
    assert random.absolute.std_error**2 - fixed.absolute.std_error**2 == pytest.approx(25 / 12)


def test_adjusting_within_strata_reports_the_variance_removed() -> None:
    rng = np.random.default_rng(1)

    def arm(n, shift):
        x = rng.normal(size=n)
        return from_rows({"y": shift + 0.8 * x + 0.6 * rng.normal(size=n), "x": x})

    t, c = [arm(300, 1), arm(300, 9)], [arm(200, 0), arm(500, 8)]
    raw, cuped = (stratified(t, c, "y", x, 0.05) for x in ((), ("x",)))
    assert raw.variance_reduction is None
    assert cuped.variance_reduction == pytest.approx(0.64, abs=0.06)
    assert cuped.absolute.estimate == pytest.approx(1, abs=0.1)


def test_nothing_varies_so_there_is_no_test_and_zero_control_has_no_lift() -> None:
    found = stratified([rows(1, 1), rows(3, 3)], [rows(0, 0), rows(0, 0)], "y", (), 0.05)
    assert (found.absolute.estimate, found.absolute.std_error, found.absolute.p_value) == (2.0, 0.0, None)
    assert found.relative.estimate is None
    assert "control mean is 0" in found.relative.not_bounded


def test_a_negative_control_mean_and_one_near_zero() -> None:
    t, c = [rows(-1, -2, -3), rows(-4, -5, -6)], [rows(-11, -12, -13), rows(-14, -15, -16)]
    found = stratified(t, c, "y", (), 0.05)
    assert found.relative.estimate == pytest.approx(10 / 13.5)
    assert found.relative.ci_lower > 0
    near = stratified(t, [rows(-1, 0, 1.1), rows(-1, 0, 1.1)], "y", (), 0.05)
    assert near.relative.ci_lower is None and near.relative.not_bounded


def test_a_huge_effect_keeps_its_logarithm_and_an_offset_its_digits() -> None:
    rng = np.random.default_rng(2)
    y = rng.normal(size=1000)
    cells = [from_rows({"y": y + s}) for s in (0, 50, 100, 150)]
    d = stratified(cells[2:], cells[:2], "y", (), 0.05).absolute
    assert d.p_value == 0 and math.isfinite(d.log_p_value) and d.log_p_value < -700
    far = [from_rows({"y": y + s + 1e9}) for s in (0, 50, 100, 150)]
    assert stratified(far[2:], far[:2], "y", (), 0.05).absolute.std_error == pytest.approx(
        d.std_error, rel=1e-6
    )


def test_common_ratios_equal_statsmodels() -> None:
    from statsmodels.stats.contingency_tables import StratifiedTable

    rng = np.random.default_rng(3)
    n_t, n_c = rng.integers(5, 60, 6), rng.integers(5, 60, 6)
    x_t, x_c = rng.binomial(n_t, 0.4), rng.binomial(n_c, 0.25)
    of = tables(x_t, n_t, x_c, n_c)
    peer = StratifiedTable(
        [np.array([[a, n - a], [b, m - b]]) for a, n, b, m in zip(x_t, n_t, x_c, n_c, strict=True)]
    )
    odds = common_odds_ratio(of, 0.1)
    assert odds.estimate == pytest.approx(peer.oddsratio_pooled)
    assert (odds.ci_lower, odds.ci_upper) == pytest.approx(peer.oddsratio_pooled_confint(alpha=0.1))
    assert common_risk_ratio(of, 0.05).estimate == pytest.approx(peer.riskratio_pooled)
    for flag in (False, True):
        test = peer.test_null_odds(correction=flag)
        got = cochran_mantel_haenszel(of, continuity=flag)
        assert (got.statistic, got.p_value) == pytest.approx((test.statistic, test.pvalue))
        test = peer.test_equal_odds(adjust=flag)
        got = breslow_day(of, tarone=flag)
        assert (got.statistic, got.p_value) == pytest.approx((test.statistic, test.pvalue))


def test_common_ratios_know_their_edges() -> None:
    zeros = tables([0, 0], [5, 6], [0, 0], [7, 8])
    for call in (common_odds_ratio, common_risk_ratio):
        with pytest.raises(NotEstimable):
            call(zeros, 0.05)
    with pytest.raises(NotEstimable):
        cochran_mantel_haenszel(zeros)
    assert common_risk_difference(zeros) == (0.0, 0.0, 0.0)
    with pytest.raises(NotEstimable, match="no stratum"):
        tables([1], [2], [0], [0])
    with pytest.raises(ValueError):
        tables([3], [2], [0], [1])
    with pytest.raises(NotEstimable):
        common_rate_ratio([1], [10], [0], [10], 0.05)
    with pytest.raises(NotEstimable, match="fewer than two strata"):
        breslow_day(tables([2, 5], [4, 5], [1, 5], [4, 5]))
    assert tables([1, 2], [3, 4], [1, 0], [3, 0]).n.tolist() == [6]
    assert breslow_day(tables([2, 2], [4, 4], [2, 2], [4, 4])).statistic == pytest.approx(0)


def test_one_stratum_is_the_plain_ratio() -> None:
    of = tables([8], [20], [5], [25])
    assert common_risk_ratio(of, 0.05).estimate == pytest.approx((8 / 20) / (5 / 25))
    assert common_odds_ratio(of, 0.05).estimate == pytest.approx(8 * 20 / (5 * 12))
    d, robins, _ = common_risk_difference(of)
    assert d == pytest.approx(0.2)
    assert robins == pytest.approx(math.sqrt(0.4 * 0.6 / 20 + 0.2 * 0.8 / 25))
    rate, wald = common_rate_ratio([8], [20], [5], [25], 0.05), wald_rate_ratio(8, 20, 5, 25, 0.05)
    assert rate.estimate == pytest.approx(wald.estimate)


def test_independence_equals_scipy_and_leaves_out_what_holds_nobody() -> None:
    from scipy.stats import chi2_contingency

    counts = np.array([[10, 20, 30], [15, 15, 40]])
    want = chi2_contingency(counts, correction=False)
    got = independence(np.vstack([counts, [0, 0, 0]]))
    assert (got.statistic, got.p_value, got.df) == pytest.approx((want.statistic, want.pvalue, want.dof))
    huge = independence([[10**8, 0], [0, 10**8]])
    assert huge.p_value == 0 and math.isfinite(huge.log_p_value)
    with pytest.raises(NotEstimable):
        independence([[3, 4], [0, 0]])
    for bad in ([[1, -1], [2, 3]], [1, 2], [[1, math.nan], [2, 3]]):
        with pytest.raises(ValueError):
            independence(bad)


def test_unequal_treatment_shares_bias_the_pooled_contrast_but_not_the_stratified() -> None:
    rng = np.random.default_rng(15)
    estimates, covered, pooled = [], 0, []
    truth, runs = 2.0, 500
    for _ in range(runs):
        t, c = [], []
        for p, mean in ((0.5, 50.0), (0.3, 80.0), (0.7, 120.0)):
            n = 200
            y = rng.normal(mean, 20, n)
            arm = rng.random(n) < p
            t.append(from_rows({"y": y[arm] + truth}))
            c.append(from_rows({"y": y[~arm]}))
        d = stratified(t, c, "y", (), 0.05).absolute
        estimates.append(d.estimate)
        covered += d.ci_lower <= truth <= d.ci_upper
        pooled.append(sum(t[1:], t[0]).mean_of("y") - sum(c[1:], c[0]).mean_of("y"))
    bias = np.mean(estimates) - truth
    assert abs(bias) < 4 * np.std(estimates) / math.sqrt(runs)
    assert 0.91 < covered / runs < 0.98
    assert np.mean(pooled) - truth > 5
