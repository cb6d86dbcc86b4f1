"""Means, covariates and lifts: the rows behind them, caps, other scales, moments that cannot be."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm

from loyalty_exp.errors import NotEstimable
from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.difference import difference, z_difference
from loyalty_exp.stats.lift import delta_lift, geometric_lift, lift_df, log_lift
from loyalty_exp.stats.means import OneMean, cuped, lin, plain
from loyalty_exp.stats.moments import Moments, checked, empty, from_rows
from loyalty_exp.stats.one_sided import one_sided
from loyalty_exp.stats.ratio import jackknife_ratio, ratio_effect
from loyalty_exp.stats.regression import missing_indicator, regress
from loyalty_exp.stats.relative import relative_lift
from loyalty_exp.stats.slopes import correlation, slopes
from loyalty_exp.stats.winsorize import upper_cap, winsorize


def drawn(seed: int, n: int = 200):
    rng = np.random.default_rng(seed)
    arm = rng.permutation(np.arange(n) % 3 == 0)
    x = rng.gamma(2, size=(n, 3)) * [1, 40, 3]
    y = x @ [1.0, 0.05, -0.4] + 0.7 * arm + rng.normal(size=n) * (1 + x[:, 0])
    return y, arm, x


def moments(y, arm, x):
    made = {"y": y} | {f"x{j}": x[:, j] for j in range(x.shape[1])}
    return [from_rows({k: v[side] for k, v in made.items()}) for side in (arm, ~arm)]


def test_one_covariate_by_plain_numbers_is_the_general_method() -> None:
    t, c = moments(*drawn(1))
    for quick, slow in zip(cuped(t, c, ("y",), "x0"), cuped(t, c, ("y", "x1"), ("x0",)), strict=True):
        assert quick.df == slow.df and quick.n == slow.n
        assert quick.at("y") == pytest.approx(slow.at("y"), rel=1e-12)
        assert quick.select("y").covariance == pytest.approx(quick.covariance)


def test_several_covariates_are_the_regression_over_both_arms() -> None:
    y, arm, x = drawn(2)
    t, c = moments(y, arm, x)
    theta = np.linalg.lstsq(np.column_stack([np.ones(len(y)), x]), y, rcond=None)[0][1:]
    assert slopes(t, c, ("y",), ("x0", "x1", "x2"))[:, 0] == pytest.approx(theta)
    rest = y - (x - x.mean(axis=0)) @ theta
    want = difference(*(plain(from_rows({"y": rest[s]}), ("y",)) for s in (arm, ~arm)), 0.05)
    got = difference(*cuped(t, c, ("y",), ("x0", "x1", "x2")), 0.05)
    assert (got.estimate, got.std_error, got.p_value) == pytest.approx(
        (want.estimate, want.std_error, want.p_value)
    )


@pytest.mark.parametrize("interacted", [True, False])
@pytest.mark.parametrize(
    ("kind", "name"),
    [("classical", "nonrobust"), ("HC0", "HC0"), ("HC1", "HC1"), ("HC2", "HC2"), ("HC3", "HC3")],
)
def test_regression_agrees_with_statsmodels(kind, name, interacted) -> None:
    y, arm, x = drawn(3, 60)
    z = x - x.mean(axis=0)
    design = np.column_stack([np.ones(len(y)), arm, z, *([arm[:, None] * z] if interacted else [])])
    want = sm.OLS(y, design).fit(cov_type=name, use_t=True)
    got = regress(y, arm, x, 0.05, interacted, kind)
    assert (got.estimate, got.std_error, got.df, got.p_value) == pytest.approx(
        (want.params[1], want.bse[1], want.df_resid, want.pvalues[1]), rel=1e-9
    )
    assert (got.ci_lower, got.ci_upper) == pytest.approx(tuple(want.conf_int()[1]))


def test_moments_give_the_estimates_of_the_regressions() -> None:
    y, arm, x = drawn(4)
    t, c = moments(y, arm, x)
    names = ("x0", "x1", "x2")
    for found, interacted in (
        (lin(t, c, ("y",), names), True),
        (cuped(t, c, ("y",), names, "within"), False),
    ):
        want = regress(y, arm, x, 0.05, interacted)
        got = difference(*found, 0.05)
        assert got.estimate == pytest.approx(want.estimate)
        assert got.std_error == pytest.approx(want.std_error, rel=0.1)


def test_constant_and_collinear_covariates_change_nothing() -> None:
    y, arm, x = drawn(5)
    t, c = moments(y, arm, np.column_stack([x, np.full(len(y), 1e9), 2 * x[:, 0] - x[:, 1]]))
    raw = difference(plain(t, ("y",)), plain(c, ("y",)), 0.05)
    for covariates in (("x3",), ("x3", "x3")):
        for slope in ("merged", "within"):
            alone = difference(*cuped(t, c, ("y",), covariates, slope), 0.05)
            assert (alone.estimate, alone.std_error) == pytest.approx((raw.estimate, raw.std_error))
    two, four = (difference(*cuped(t, c, ("y",), k), 0.05) for k in (("x0", "x1"), ("x0", "x1", "x3", "x4")))
    assert (two.estimate, two.std_error) == pytest.approx((four.estimate, four.std_error))
    rows = [regress(y, arm, k, 0.05) for k in (x[:, :2], np.column_stack([x[:, :2], x[:, 0] * 3, y * 0 + 5]))]
    assert (rows[0].estimate, rows[0].std_error, rows[0].df) == pytest.approx(
        (rows[1].estimate, rows[1].std_error, rows[1].df)
    )
    assert correlation(t, c, "y", "x3") is None


def test_a_gap_in_the_covariate_is_a_level_of_its_own() -> None:
    y, arm, x = drawn(6)
    x = np.where(np.arange(len(y)) % 4 == 0, math.nan, x[:, 0])
    filled = missing_indicator(x)
    other = np.where(filled[:, [1]] == 1, [[-7.0, 1.0]], filled)
    a, b = regress(y, arm, filled, 0.05, False), regress(y, arm, other, 0.05, False)
    assert (a.estimate, a.std_error) == pytest.approx((b.estimate, b.std_error))
    with pytest.raises(NotEstimable, match="missing for all"):
        missing_indicator([math.nan, math.nan])


def test_regression_refuses_what_it_cannot_tell() -> None:
    with pytest.raises(NotEstimable, match="too few"):
        regress([1, 2, 4, 3], [1, 1, 0, 0], [[1, 0], [2, 5], [4, 1], [0, 9]], 0.05)
    with pytest.raises(NotEstimable, match="one unit in the treatment arm"):
        regress([1, 2, 4], [1, 0, 0], [1, 2, 5], 0.05)
    with pytest.raises(NotEstimable, match="one unit alone"):
        regress([1, 2, 4, 3, 2, 6], [1, 0, 1, 0, 1, 0], [0, 0, 0, 1, 0, 0], 0.05, False)
    with pytest.raises(ValueError):
        regress([1, 2, math.nan, 4], [1, 1, 0, 0], [1, 2, 3, 5], 0.05)
    exact = regress([1, 1, 0, 0, 1, 0], [1, 1, 0, 0, 1, 0], [1, 2, 3, 1, 3, 2], 0.05)
    assert (exact.estimate, exact.std_error, exact.p_value) == (pytest.approx(1), 0.0, None)


BAD = [
    ([1.0, 1.0], [[-1.0, 0.0], [0.0, 1.0]], "negative variance"),
    ([1.0, 1.0], [[1.0, 3.0], [3.0, 1.0]], "beyond the product"),
    ([1.0, math.nan], [[1.0, 0.0], [0.0, 1.0]], "finite"),
    ([1.0, 1.0], [[math.inf, 0.0], [0.0, 1.0]], "finite"),
    ([1.0, 1.0], [[1.0, 0.5], [-0.5, 1.0]], "asymmetric"),
]


@pytest.mark.parametrize(("mean", "comoment", "word"), BAD)
def test_moments_that_no_data_can_have_are_refused(mean, comoment, word) -> None:
    bad = Moments(50, ("y", "x"), np.array(mean), np.array(comoment))
    good = from_rows({"y": np.arange(9.0), "x": np.arange(9.0) ** 2})
    with pytest.raises(ValueError, match=word):
        checked(bad)
    calls = [("ratio_delta", ("y", "x"), ()), ("lin", ("y",), ("x",))]
    if word != "asymmetric":
        calls.append(("cuped", ("y",), ("x",)))
    for name, outcome, covariates in calls:
        for pair in ((bad, good), (good, bad)):
            with pytest.raises(ValueError):
                ESTIMATORS[name].estimate(*pair, outcome, covariates, 0.05)
    if "negative" in word:
        with pytest.raises(ValueError, match=word):
            plain(bad, ("y",))


def test_rounding_is_not_taken_for_a_fault() -> None:
    far = Moments(1000, ("y", "x"), np.array([1e6, 1e6]), np.array([[1e-3, 1.01e-3], [1.01e-3, 1e-3]]))
    assert checked(far) is far
    gone = from_rows({"a": [0.1, 0.7, 0.4], "b": [0.1, 0.7, 0.4]}).combine({"d": {"a": 1.0, "b": -1.0}})
    assert gone.variance("d") == 0.0


def test_the_peers_naive_relative_interval_is_not_ours() -> None:
    # Case sp-t-rel-naive: the bounds of the difference over the control mean, as if that were known.
    n_t, n_c = 1009, 104
    v_t, v_c = (5767 - 1969**2 / n_t) / (n_t - 1) / n_t, (984 - 312**2 / n_c) / (n_c - 1) / n_c
    t, c = OneMean(n_t, "y", 1969 / n_t, v_t), OneMean(n_c, "y", 3.0, v_c)
    d = z_difference(t, c, 0.05)
    naive = (d.ci_lower / 3, d.ci_upper / 3)
    assert naive == pytest.approx((-0.4018008, -0.297241), rel=1e-3)
    for found in (
        relative_lift(1969 / n_t, 3.0, v_t, v_c, 0.05, math.inf),
        delta_lift(1969 / n_t, 3.0, v_t, v_c, 0.05),
        log_lift(1969 / n_t, 3.0, v_t, v_c, 0.05),
    ):
        assert abs(found.ci_lower - naive[0]) > 2e-3 and abs(found.ci_upper - naive[1]) > 2e-3


def test_scales_of_a_lift_agree_where_control_is_far_from_zero() -> None:
    found = [
        relative_lift(105.0, 100.0, 0.01, 0.01, 0.05, math.inf),
        delta_lift(105.0, 100.0, 0.01, 0.01, 0.05),
        log_lift(105.0, 100.0, 0.01, 0.01, 0.05),
    ]
    for f in found:
        assert (f.estimate, f.ci_lower, f.ci_upper) == pytest.approx((0.05, 0.04716, 0.05284), abs=2e-5)
    assert lift_df(1.0, 2.0, 9.0, 3.0, 11.0) == pytest.approx(25 / (4 / 9 + 9 / 11))


def test_lifts_that_do_not_exist_say_why() -> None:
    with pytest.raises(NotEstimable, match="control mean is 0"):
        delta_lift(1.0, 0.0, 0.1, 0.1, 0.05)
    for means in ((0.0, 1.0), (-1.0, 1.0), (1.0, -1.0)):
        with pytest.raises(NotEstimable, match="positive"):
            log_lift(*means, 0.1, 0.1, 0.05)
    assert delta_lift(-8.0, -10.0, 0.1, 0.1, 0.05).estimate == pytest.approx(0.2)
    wide = log_lift(1.0, 1.0, 1e6, 1e6, 0.05)
    assert -1 <= wide.ci_lower < 0 < wide.ci_upper == math.inf
    still = log_lift(2.0, 1.0, 0.0, 0.0, 0.05)
    assert (still.estimate, still.ci_lower, still.on_log_scale.p_value) == (
        pytest.approx(1),
        pytest.approx(1),
        None,
    )


def test_geometric_means_are_means_of_logarithms() -> None:
    t, c = (plain(from_rows({"y": np.log(v)}), ("y",)) for v in ([1.0, 4, 16], [1.0, 2, 4]))
    assert geometric_lift(t, c, 0.05).estimate == pytest.approx(1.0)


def test_the_normal_distribution_serves_only_large_samples() -> None:
    few, many = ((OneMean(n, "y", 1.0, 1.0), OneMean(n, "y", 0.0, 1.0)) for n in (6, 10**8))
    assert z_difference(*few, 0.05).p_value < difference(*few, 0.05).p_value - 0.01
    assert z_difference(*many, 0.05).p_value == pytest.approx(difference(*many, 0.05).p_value, rel=1e-7)
    assert z_difference(*many, 0.05).df is None


def test_one_sided_halves_the_two_sided() -> None:
    d = difference(OneMean(30, "y", 2.0, 0.3), OneMean(40, "y", 1.0, 0.2), 0.05)
    up, down = one_sided(d, "greater", 0.025), one_sided(d, "less", 0.025)
    assert up.p_value == pytest.approx(d.p_value / 2)
    assert up.p_value + down.p_value == pytest.approx(1)
    assert (up.ci_lower, up.ci_upper, down.ci_lower) == (pytest.approx(d.ci_lower), math.inf, -math.inf)
    far = one_sided(
        difference(OneMean(10**6, "y", 99.0, 1e-3), OneMean(10**6, "y", 0.0, 1e-3), 0.05), "greater", 0.05
    )
    assert far.p_value == 0 and -1e7 < far.log_p_value < -1e5
    with pytest.raises(NotEstimable, match="nothing varies"):
        one_sided(difference(OneMean(3, "y", 1.0, 0.0), OneMean(3, "y", 1.0, 0.0), 0.05), "less", 0.05)


def test_jackknife_agrees_with_the_delta_method() -> None:
    rng = np.random.default_rng(8)
    d = rng.poisson(3, (2, 4000)) + 1.0
    y = d * rng.gamma(2, size=d.shape)
    got = jackknife_ratio(y[0], d[0], y[1], d[1], 0.05)
    want = ratio_effect(*(from_rows({"y": y[i], "d": d[i]}) for i in (0, 1)), "y", "d", 0.05).absolute
    assert got.estimate == pytest.approx(want.estimate)
    assert got.std_error == pytest.approx(want.std_error, rel=2e-3)
    with pytest.raises(NotEstimable, match="rests on one unit"):
        jackknife_ratio([1, 2], [0, 3], [1, 2], [1, 2], 0.05)
    with pytest.raises(NotEstimable, match="one unit in the control arm"):
        jackknife_ratio([1, 2], [1, 3], [1], [1], 0.05)


def test_a_ratio_over_ones_is_a_mean() -> None:
    t, c = (from_rows({"y": v, "d": np.ones(4)}) for v in ([1.0, 5, 2, 9], [0.0, 1, 4, 3]))
    a, b = ratio_effect(t, c, "y", "d", 0.05), ESTIMATORS["welch"].estimate(t, c, ("y",), (), 0.05)
    assert a.absolute == b.absolute


def test_a_common_cap_does_not_depend_on_the_arm() -> None:
    values = np.array([0.0, 0, 0, 0, 0, 0, 0, 0, 0, 50])
    assert upper_cap(values, 0.5) == 0
    assert upper_cap(values, 0.5, positive_only=True) == 50
    assert winsorize([-5.0, 1, 80], 50).tolist() == [-5, 1, 50]
    assert winsorize([-5.0, 1, 80], 50, -2).tolist() == [-2, 1, 50]
    assert winsorize([-5.0, 1, 80]).tolist() == [-5, 1, 80]
    with pytest.raises(NotEstimable):
        upper_cap([0.0, -1.0], 0.9, positive_only=True)
    for call in (
        lambda: upper_cap(values, 1.0),
        lambda: winsorize(values, 1.0, 2.0),
        lambda: upper_cap([math.nan], 0.5),
    ):
        with pytest.raises(ValueError):
            call()


def test_nobody_and_one_unit() -> None:
    one, many = from_rows({"y": [1.0], "x": [2.0]}), from_rows({"y": [1.0, 2, 4], "x": [0.0, 1, 5]})
    for method in (lambda t, c: cuped(t, c, ("y",), ("x",)), lambda t, c: cuped(t, c, ("y", "x"), "x")):
        with pytest.raises(NotEstimable, match="one unit in the control arm"):
            method(many, one)
        with pytest.raises(NotEstimable, match="no units in the treatment arm"):
            method(empty(("y", "x")), many)
