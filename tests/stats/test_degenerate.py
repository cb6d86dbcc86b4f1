"""Data at the edge: nothing varies, nobody is there, the denominator is 0, the p-value underflows."""

from __future__ import annotations

import math
import subprocess
import sys
import time

import numpy as np
import pytest

from loyalty_exp.errors import NotEstimable
from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.benefit_cost import BenefitCost, benefit_cost, net_benefit, probability_roi_above, roi
from loyalty_exp.stats.difference import difference
from loyalty_exp.stats.distributions import t_quantile, t_two_sided
from loyalty_exp.stats.interaction import homogeneity
from loyalty_exp.stats.means import adjusted, cuped, lin, plain
from loyalty_exp.stats.moments import empty, from_rows
from loyalty_exp.stats.multiplicity import benjamini_hochberg, bonferroni, holm
from loyalty_exp.stats.noninferiority import margin_status
from loyalty_exp.stats.power.design import Level
from loyalty_exp.stats.power.reference import t_power
from loyalty_exp.stats.proportions import miettinen_nurminen
from loyalty_exp.stats.relative import fieller
from loyalty_exp.stats.sample_ratio import sample_ratio
from loyalty_exp.stats.standardized import balance, standardized_difference


def rows(*values, **more):
    return from_rows({"y": np.array(values, dtype=float), **more})


def welch(t, c, alpha=0.05):
    return ESTIMATORS["welch"].estimate(t, c, ("y",), (), alpha)


@pytest.mark.parametrize("value", [0.0, 0.1, 3.3e9])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_nothing_varies_so_there_is_no_test(value, shift) -> None:
    e = welch(rows(*[value + shift] * 7), rows(*[value] * 9))
    assert e.absolute.std_error == 0
    assert e.absolute.estimate == pytest.approx(shift)
    assert (e.absolute.p_value, e.absolute.log_p_value) == (None, None)
    assert e.absolute.ci_lower == e.absolute.ci_upper == e.absolute.estimate


FROM_MOMENTS = [name for name, e in ESTIMATORS.items() if e.evidence == "moments"]


@pytest.mark.parametrize("name", FROM_MOMENTS)
def test_one_unit_or_nobody_is_a_reason(name) -> None:
    n_outcome = 2 if name.startswith("ratio") else 1
    n_cov = {"cuped": 1, "lin": 2, "ratio_cuped": 2}.get(name, 0)
    columns = ("y", "d", "x", "w")
    rng = np.random.default_rng(1)
    many = from_rows({c: rng.integers(0, 2, 30) for c in columns})
    one = from_rows({c: [1.0] for c in columns})
    call = ESTIMATORS[name].estimate
    asked = dict.fromkeys(ESTIMATORS[name].required, 1.0)
    args = (columns[:n_outcome], columns[2 : 2 + n_cov], 0.05)
    with pytest.raises(NotEstimable, match="one unit in the treatment arm"):
        call(one, many, *args, **asked)
    with pytest.raises(NotEstimable, match="no units in the control arm"):
        call(many, empty(columns), *args, **asked)
    assert call(many, many, *args, **asked).absolute.estimate == pytest.approx(0, abs=1e-12)


def test_every_estimator_says_what_it_does_in_both_languages() -> None:
    for name, e in ESTIMATORS.items():
        assert e.name == name
        assert set(e.words) == {"en", "zh-CN"} and all(e.words.values())


def test_constant_covariate_leaves_the_means_alone() -> None:
    t = rows(1, 2, 4, x=np.full(3, 0.1), w=np.full(3, 1e9))
    c = rows(0, 2, 3, 9, x=np.full(4, 0.1), w=np.full(4, 1e9))
    raw = welch(t, c).absolute
    for name, covariates in (("cuped", ("x",)), ("lin", ("x", "w"))):
        e = ESTIMATORS[name].estimate(t, c, ("y",), covariates, 0.05)
        assert (e.absolute.estimate, e.absolute.std_error) == pytest.approx((raw.estimate, raw.std_error))
        assert e.variance_reduction == pytest.approx(0, abs=1e-12)


def test_collinear_covariates_count_once() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(80, 2))
    y = x[:, 0] + rng.normal(size=80)
    m = [
        from_rows({"y": y[s], "a": x[s, 0], "b": x[s, 1], "c": 2 * x[s, 0] - x[s, 1]})
        for s in np.split(np.arange(80), 2)
    ]
    two, three = lin(*m, ("y",), ("a", "b")), lin(*m, ("y",), ("a", "b", "c"))
    for p, q in zip(two, three, strict=True):
        assert p.df == q.df
        assert p.mean == pytest.approx(q.mean)
        assert p.covariance == pytest.approx(q.covariance)


def test_too_few_units_for_the_covariates() -> None:
    t = from_rows({"y": [1.0, 2, 4], "a": [1.0, 5, 2], "b": [0.0, 1, 5]})
    with pytest.raises(NotEstimable, match="too few"):
        lin(t, t, ("y",), ("a", "b"))


def test_adjusted_chooses_by_the_number_of_covariates() -> None:
    rng = np.random.default_rng(4)
    t, c = (from_rows({k: rng.normal(size=50) for k in "ybx"}) for _ in range(2))
    pick = [adjusted(t, c, ("y", "b"), cov) for cov in ((), ("x",))]
    for got, want in zip(pick, ((plain(t, "yb"), plain(c, "yb")), cuped(t, c, "yb", "x")), strict=True):
        for p, q in zip(got, want, strict=True):
            assert p.covariance == pytest.approx(q.covariance)
            assert p.covariance[0, 1] == p.covariance[1, 0] != 0


def test_covariate_equal_to_the_outcome_leaves_nothing() -> None:
    y = np.random.default_rng(5).normal(size=60)
    t, c = (from_rows({"y": v, "x": v}) for v in np.split(y, 2))
    d = ESTIMATORS["cuped"].estimate(t, c, ("y",), ("x",), 0.05).absolute
    assert d.estimate == pytest.approx(0, abs=1e-12)
    assert d.p_value is None


def test_control_mean_zero_has_no_lift() -> None:
    r = welch(rows(1, 2, 3), rows(-1, 0, 1)).relative
    assert (r.estimate, r.std_error, r.ci_lower, r.ci_upper) == (None, None, None, None)
    assert r.not_bounded == "the control mean is 0"


def test_control_mean_near_zero_has_no_interval() -> None:
    r = welch(rows(1, 2, 3), rows(-1, 0, 1.5)).relative
    assert r.estimate is not None
    assert (r.ci_lower, r.ci_upper) == (None, None)
    assert "not clearly different from 0" in r.not_bounded


def test_negative_control_mean_keeps_the_direction() -> None:
    t, c = rows(-8, -9, -8.5, -9.5), rows(-10, -11, -10.5, -9.5)
    e = welch(t, c)
    assert e.absolute.estimate > 0
    assert e.relative.estimate == pytest.approx(e.absolute.estimate / 10.25)
    assert e.relative.ci_lower < e.relative.estimate < e.relative.ci_upper
    up = welch(rows(8, 9, 8.5, 9.5), rows(10, 11, 10.5, 9.5)).relative
    assert (up.ci_lower, up.ci_upper) == pytest.approx((-e.relative.ci_upper, -e.relative.ci_lower))


def test_large_offsets_do_not_cancel() -> None:
    y = np.random.default_rng(6).normal(size=(2, 200))
    plainly = welch(rows(*y[0]), rows(*y[1])).absolute
    far = welch(rows(*(y[0] + 1e9)), rows(*(y[1] + 1e9))).absolute
    assert far.std_error == pytest.approx(plainly.std_error, rel=1e-6)
    assert far.p_value == pytest.approx(plainly.p_value, rel=1e-4)


def test_p_beyond_the_smallest_number_has_a_logarithm() -> None:
    y = np.random.default_rng(7).normal(size=(2, 3000))
    d = welch(rows(*(y[0] + 2)), rows(*y[1])).absolute
    assert d.p_value == 0.0
    assert -1e5 < d.log_p_value < math.log(1e-300)


@pytest.mark.parametrize("table", [(0, 60, 30, 50), (30, 50, 0, 60), (60, 60, 20, 50), (10, 10, 0, 20)])
def test_one_sided_tables_are_significant(table) -> None:
    d = miettinen_nurminen(*table, 0.05)
    assert d.p_value < 1e-6
    assert d.ci_lower * d.ci_upper > 0
    assert -1 <= d.ci_lower <= d.estimate <= d.ci_upper <= 1


@pytest.mark.parametrize(("table", "want"), [((0, 10, 0, 20), (-0.16576, 0.28438)), ((20, 20, 10, 10), None)])
def test_all_or_none_has_an_interval_but_no_test(table, want) -> None:
    d = miettinen_nurminen(*table, 0.05)
    assert d.p_value is None
    assert d.ci_lower < 0 < d.ci_upper
    if want:
        assert (d.ci_lower, d.ci_upper) == pytest.approx(want, abs=1e-5)


def test_all_zeros_in_the_estimator() -> None:
    e = ESTIMATORS["miettinen_nurminen"].estimate(rows(*[0] * 60), rows(*[0, 1] * 25), ("y",), (), 0.05)
    assert e.absolute.p_value < 1e-9
    assert (e.relative.estimate, e.relative.std_error, e.relative.ci_lower, e.relative.ci_upper) == (
        -1,
        None,
        None,
        None,
    )
    assert "all units or to none" in e.relative.not_bounded
    nobody = ESTIMATORS["miettinen_nurminen"].estimate(rows(0, 0), rows(0, 0, 0), ("y",), (), 0.05)
    assert nobody.absolute.p_value is None
    assert nobody.relative.estimate is None


def test_ratio_without_denominator() -> None:
    t = from_rows({"y": [1.0, 2], "d": [0.0, 0]})
    c = from_rows({"y": [1.0, 2], "d": [1.0, 3]})
    with pytest.raises(NotEstimable, match="denominator is 0 in the treatment arm"):
        ESTIMATORS["ratio_delta"].estimate(t, c, ("y", "d"), (), 0.05)


def test_ratio_that_is_the_same_for_all() -> None:
    d = np.array([1.0, 3, 7, 0.3])
    t, c = from_rows({"y": 0.1 * d, "d": d}), from_rows({"y": 0.3 * d, "d": d})
    e = ESTIMATORS["ratio_delta"].estimate(t, c, ("y", "d"), (), 0.05)
    assert (e.absolute.std_error, e.absolute.p_value) == (0.0, None)
    same = ESTIMATORS["ratio_cuped"].estimate(t, c, ("y", "d"), ("d", "d"), 0.05)
    assert same.absolute.estimate == pytest.approx(-0.2)


def test_sample_ratio_refuses_what_cannot_be() -> None:
    for counts, weights in (
        ((50, 50, 3), (0.5, 0.5, 0.0)),
        ((5, 5), (1.0,)),
        ((0, 0), (1, 1)),
        ((5, 5), (1, -1)),
        ((5, 0), (1, 0)),
    ):
        with pytest.raises(ValueError):
            sample_ratio(counts, weights)
    assert sample_ratio((50, 50, 0), (0.5, 0.5, 0.0)).df == 1
    assert sample_ratio((50_005_000, 49_995_000), (1, 1)).p_value == pytest.approx(0.3173, abs=1e-4)
    one = sample_ratio((0, 9), (0.5, 0.5))
    assert one.exact and one.p_value == pytest.approx(2 / 512)
    assert math.isfinite(sample_ratio((600_000, 400_000), (1, 1)).log_p_value)


def test_adjustments_pass_none_through() -> None:
    for method in (holm, bonferroni, benjamini_hochberg):
        got = method([0.01, None, 0.04])
        assert got == (method([0.01, 0.04])[0], None, method([0.01, 0.04])[1])
        assert method([]) == ()
        assert method([None]) == (None,)
        with pytest.raises(ValueError):
            method([1.2])


def test_margins() -> None:
    assert margin_status(-0.5, 2, 1, "increase") == "pass"
    assert margin_status(-3, -1.5, 1, "increase") == "breached"
    assert margin_status(-3, 2, 1, "increase") == "unsettled"
    assert margin_status(-2, 0.5, 1, "decrease") == "pass"
    assert margin_status(1.5, 3, 1, "decrease") == "breached"
    assert margin_status(None, None, 1, "decrease") == "unsettled"
    with pytest.raises(ValueError):
        margin_status(0, 1, 0, "increase")


def test_segments() -> None:
    statistic, df, p = homogeneity([1, 1, 1], [1, 2, 3])
    assert (statistic, df, p) == (pytest.approx(0), 2, pytest.approx(1))
    with pytest.raises(NotEstimable, match="fewer than two"):
        homogeneity([1], [1])
    with pytest.raises(NotEstimable, match="without variation"):
        homogeneity([1, 2], [1, 0])


def test_balance() -> None:
    rng = np.random.default_rng(8)
    t, c = (
        from_rows({"a": rng.normal(size=400), "b": rng.normal(size=400), "k": np.ones(400)}) for _ in "tc"
    )
    assert abs(standardized_difference(t, c, "a")) < 0.2
    assert standardized_difference(t, c, "k") == 0
    found = balance(t, c, ("a", "b", "k"))
    assert found.df == 2 and 0.001 < found.p_value < 1
    assert balance(t, c, ("k",)).p_value is None
    moved = from_rows({"a": rng.normal(1, 1, 400), "b": rng.normal(size=400), "k": np.ones(400)})
    assert balance(moved, c, ("a", "b")).p_value < 1e-20


def test_money_words() -> None:
    free = roi(1.0, 0.0, 0.1, 0, 0, 0.05)
    assert (free.status, free.quadrant, free.estimate) == ("not_applicable", "zero_cost", None)
    lost = roi(-0.5, 2.0, 0.1, 0, 0.01, 0.05)
    assert (lost.status, lost.quadrant) == ("not_applicable", "dominated")
    assert lost.estimate == pytest.approx(-1.25) and lost.ci_lower is None
    assert roi(1.0, 0.1, 0.1, 0, 1.0, 0.05).quadrant == "unstable"
    assert probability_roi_above(0.0, BenefitCost(1, 0, 0, 0, 0, 0)) is None
    still = net_benefit(BenefitCost(3, 1, 1, 0, 0, 0), 0.05)
    assert (still.estimate, still.std_error, still.probability_positive) == (1, 0, None)
    # Benefit is always twice the cost: the net benefit varies, the return does not.
    tied = roi(4.0, 2.0, 0.04, 0.02, 0.01, 0.05)
    assert (tied.ci_lower, tied.ci_upper) == pytest.approx((1, 1), abs=1e-7)


def test_benefit_cost_refuses_one_unit() -> None:
    many = plain(from_rows({"benefit": [1.0, 2], "cost": [0.0, 1]}), ("benefit", "cost"))
    one = type(many)(1, many.columns, many.mean, many.covariance, 0)
    with pytest.raises(NotEstimable, match="one unit in the treatment arm"):
        benefit_cost(one, many)
    with pytest.raises(ValueError):
        difference(many, many, 0.05)


def test_inference_is_quick_and_spares_scipy_stats() -> None:
    rng = np.random.default_rng(9)
    t, c = (
        from_rows({"y": rng.integers(0, 2, 500), "d": rng.poisson(3, 500) + 1, "x": rng.normal(size=500)})
        for _ in "tc"
    )
    jobs = [
        ("welch", ("y",), ()),
        ("cuped", ("y",), ("x",)),
        ("miettinen_nurminen", ("y",), ()),
        ("ratio_delta", ("y", "d"), ()),
    ]
    for name, outcome, covariates in jobs:
        ESTIMATORS[name].estimate(t, c, outcome, covariates, 0.05)
    best = math.inf
    for _ in range(5):
        start = time.perf_counter()
        for name, outcome, covariates in jobs * 9:
            ESTIMATORS[name].estimate(t, c, outcome, covariates, 0.05)
        best = min(best, time.perf_counter() - start)
    assert best < 0.02
    code = (
        "import sys; import loyalty_exp.estimators, loyalty_exp.stats.benefit_cost;"
        "from loyalty_exp.stats.distributions import *;"
        "t_two_sided(3, 2e5); t_quantile(.975, 2e5); chi2_sf(9, 2);"
        "sys.exit(any(m == 'statsmodels' or m.split('.')[0] == 'scipy' for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nothing_is_a_ratio_over_a_denominator_that_is_0_for_certain() -> None:
    assert fieller(5.0, 0.0, 1.0, 0.0, 0.0, 1.96).shape == "empty"
    assert fieller(1.0, 0.0, 1.0, 0.0, 0.0, 1.96).shape == "whole_line"


@pytest.mark.parametrize("df", [1.0, 2.0, 2.1, 3.0, 5.0, 20.0, 200.0])
@pytest.mark.parametrize("tail", [1e-30, 1e-150, 1e-218, 1e-300])
def test_quantiles_of_t_keep_their_sign_and_their_tail_far_out(df, tail) -> None:
    q = t_quantile(tail, df)
    assert -math.inf < q < 0
    _, log_p = t_two_sided(q, df)
    assert log_p == pytest.approx(math.log(2 * tail), rel=1e-6)
    assert t_power(0.1, df, Level(tail, 2)) < 1e-20
