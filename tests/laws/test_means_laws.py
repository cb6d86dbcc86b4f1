"""Laws of means, lifts, proportions and adjustments: mirror, scale, duplicate, and tests match intervals."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loyalty_exp.errors import NotEstimable
from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.difference import difference
from loyalty_exp.stats.equivalence import equivalence
from loyalty_exp.stats.exact import barnard, boschloo, fisher, odds_ratio
from loyalty_exp.stats.gatekeeping import fixed_sequence, serial_gatekeeping
from loyalty_exp.stats.lift import delta_lift, log_lift
from loyalty_exp.stats.max_t import max_t
from loyalty_exp.stats.means import OneMean, cuped, plain
from loyalty_exp.stats.moments import Moments, from_rows
from loyalty_exp.stats.multiplicity import (
    benjamini_hochberg,
    benjamini_yekutieli,
    bonferroni,
    hochberg,
    hochberg_sidak,
    holm,
    holm_sidak,
    hommel,
    sidak,
)
from loyalty_exp.stats.noninferiority import margin_status, noninferiority, proportion_noninferiority
from loyalty_exp.stats.one_proportion import agresti_coull, clopper_pearson, jeffreys, wilson
from loyalty_exp.stats.one_sided import one_sided
from loyalty_exp.stats.proportions import miettinen_nurminen, newcombe
from loyalty_exp.stats.regression import regress
from loyalty_exp.stats.relative import relative_lift
from loyalty_exp.stats.risk_difference import agresti_caffo, wald
from loyalty_exp.stats.risk_ratio import katz, miettinen_nurminen_ratio, woolf
from loyalty_exp.stats.sample_ratio import exact_sample_ratio, g_sample_ratio, sample_ratio
from loyalty_exp.stats.slopes import slopes

LAW = settings(max_examples=60, deadline=None, derandomize=True)
FEW = settings(LAW, max_examples=25)
ALPHAS = st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.3])
P = st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=10)
METHODS = (
    bonferroni,
    sidak,
    holm,
    holm_sidak,
    hochberg,
    hochberg_sidak,
    hommel,
    benjamini_hochberg,
    benjamini_yekutieli,
)


@st.composite
def table(draw: st.DrawFn, largest: int = 300) -> tuple[int, int, int, int]:
    n_t, n_c = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    return draw(st.integers(0, n_t)), n_t, draw(st.integers(0, n_c)), n_c


@st.composite
def mean(draw: st.DrawFn, low: float = -5, high: float = 5) -> OneMean:
    return OneMean(draw(st.integers(3, 500)), "y", draw(st.floats(low, high)), draw(st.floats(1e-3, 4)))


@st.composite
def units(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(16, 60))
    arm = rng.permutation(np.arange(n) % 2 == 0)
    x = rng.gamma(1.5, size=(n, 2))
    return x @ rng.normal(size=2) + rng.gamma(0.7, size=n) * (rng.random(n) < 0.7), arm, x


def arms(y: np.ndarray, arm: np.ndarray, x: np.ndarray) -> list[Moments]:
    made = {"y": y, "a": x[:, 0], "b": x[:, 1], "one": np.ones(len(y))}
    return [from_rows({k: v[side] for k, v in made.items()}) for side in (arm, ~arm)]


def excludes(low: float, high: float, null: float) -> bool:
    return low > null or high < null


@LAW
@given(t=mean(), c=mean(), alpha=ALPHAS)
def test_lift_is_significant_exactly_when_the_difference_is(t, c, alpha) -> None:
    assume(abs(c.only()[0]) > 1e-3)
    d = difference(t, c, alpha)
    (m_t, v_t), (m_c, v_c) = t.only(), c.only()
    lift = relative_lift(m_t, m_c, v_t, v_c, alpha, d.df)
    assume(abs(d.p_value - alpha) > 1e-6)
    if lift.ci_lower is not None:
        assert (d.p_value < alpha) == excludes(lift.ci_lower, lift.ci_upper, 0)
        assert lift.ci_lower <= lift.estimate <= lift.ci_upper
    else:
        # An unbounded set still contains what the data do not contradict.
        assert m_c * m_c <= v_c * (1 + 1e-9) * _square_of_quantile(alpha, d.df)


def _square_of_quantile(alpha: float, df: float) -> float:
    from scipy import special

    return float(special.stdtrit(df, 1 - alpha / 2) ** 2)


@LAW
@given(t=mean(0.1), c=mean(0.1), alpha=ALPHAS)
def test_other_scales_of_a_lift_match_their_own_tests(t, c, alpha) -> None:
    (m_t, v_t), (m_c, v_c) = t.only(), c.only()
    log, delta = log_lift(m_t, m_c, v_t, v_c, alpha, t.df, c.df), delta_lift(m_t, m_c, v_t, v_c, alpha, 30.0)
    for p, low, high in (
        (log.on_log_scale.p_value, log.ci_lower, log.ci_upper),
        (delta.p_value, delta.ci_lower, delta.ci_upper),
    ):
        assume(abs(p - alpha) > 1e-9)
        assert (p < alpha) == excludes(low, high, 0)
    turned = log_lift(m_c, m_t, v_c, v_t, alpha, c.df, t.df)
    assert (1 + turned.ci_lower) * (1 + log.ci_upper) == pytest.approx(1, rel=1e-6)


@LAW
@given(t=mean(), c=mean(), alpha=ALPHAS, k=st.floats(1e-3, 1e3))
def test_the_unit_of_money_does_not_change_a_lift(t, c, alpha, k) -> None:
    assume(abs(c.only()[0]) > 1e-3)
    (m_t, v_t), (m_c, v_c) = t.only(), c.only()
    a = relative_lift(m_t, m_c, v_t, v_c, alpha, 50.0)
    b = relative_lift(k * m_t, k * m_c, k * k * v_t, k * k * v_c, alpha, 50.0)
    assert (a.ci_lower is None) == (b.ci_lower is None)
    assert (a.estimate, a.std_error) == pytest.approx((b.estimate, b.std_error), rel=1e-7)


@LAW
@given(
    t=mean(),
    c=mean(),
    alpha=st.sampled_from([0.01, 0.025, 0.1]),
    null=st.floats(-3, 3),
    width=st.floats(0.1, 4),
)
def test_one_sided_tests_match_their_bounds(t, c, alpha, null, width) -> None:
    d = difference(t, c, 2 * alpha)
    for side in ("greater", "less"):
        s = one_sided(d, side, alpha, null)
        assume(abs(s.p_value - alpha) > 1e-9)
        assert (s.p_value < alpha) == excludes(s.ci_lower, s.ci_upper, null)
    for direction in ("increase", "decrease"):
        passed = noninferiority(d, width, direction, alpha)[0].passed
        assert passed == (margin_status(d.ci_lower, d.ci_upper, width, direction) == "pass")
    e = equivalence(d, null, null + width, alpha)
    assume(abs(e.p_value - alpha) > 1e-9)
    assert e.equivalent == (null < e.ci_lower and e.ci_upper < null + width)


@FEW
@given(data=units(), slope=st.sampled_from(["merged", "within"]))
def test_covariates_do_not_change_what_must_not_change(data, slope) -> None:
    y, arm, x = data
    t, c = arms(y, arm, x)
    raw = difference(plain(t, ("y",)), plain(c, ("y",)), 0.05)
    constant = difference(*cuped(t, c, ("y",), ("one",), slope), 0.05)
    assert (constant.estimate, constant.std_error) == pytest.approx((raw.estimate, raw.std_error))
    found = difference(*cuped(t, c, ("y",), ("a", "b"), slope), 0.05)
    # In another order, in another unit, and from another origin.
    moved = [
        m.combine({"y": {"y": 1.0}, "a": {"a": -3.0}, "b": {"b": 1e4}}, {"a": 17.0, "b": 1e5}) for m in (t, c)
    ]
    again = difference(*cuped(*moved, ("y",), ("b", "a"), slope), 0.05)
    assert (found.estimate, found.std_error) == pytest.approx((again.estimate, again.std_error), rel=1e-6)
    turned = difference(*cuped(c, t, ("y",), ("a", "b"), slope), 0.05)
    assert (turned.estimate, turned.std_error) == pytest.approx((-found.estimate, found.std_error), rel=1e-8)
    assert slopes(t, c, ("y",), ("one",), slope)[0, 0] == 0.0


@FEW
@given(data=units(), interacted=st.booleans(), seed=st.integers(0, 99))
def test_regression_ignores_order_unit_and_label(data, interacted, seed) -> None:
    y, arm, x = data
    a = regress(y, arm, x, 0.05, interacted)
    order = np.random.default_rng(seed).permutation(len(y))
    moved = regress(5 * y[order] + 3, arm[order], x[order] * [1, 1e3] + 9, 0.05, interacted)
    assert (moved.estimate, moved.std_error) == pytest.approx((5 * a.estimate, 5 * a.std_error), rel=1e-6)
    turned = regress(y, ~arm, x, 0.05, interacted)
    assert (turned.estimate, turned.std_error) == pytest.approx((-a.estimate, a.std_error), rel=1e-6)
    assert (a.p_value < 0.05) == excludes(a.ci_lower, a.ci_upper, 0)


@pytest.mark.parametrize("k", [2, 5])
@FEW
@given(data=units())
def test_every_member_counted_several_times(k, data) -> None:
    y, arm, x = data
    once, several = arms(y, arm, x), arms(*(np.repeat(v, k, axis=0) for v in (y, arm, x)))
    for a, b in zip(once, several, strict=True):
        (mean_a, v_a), (mean_b, v_b) = plain(a, ("y",)).only(), plain(b, ("y",)).only()
        n = a.n
        assert mean_b == pytest.approx(mean_a)
        assert v_b == pytest.approx(v_a * (n - 1) / (k * n - 1))
        twice = a + a
        assert twice.comoment == pytest.approx(2 * a.comoment)
    one, other = (ESTIMATORS["cuped"].estimate(*m, ("y",), ("a",), 0.05).absolute for m in (once, several))
    assert other.estimate == pytest.approx(one.estimate)


@FEW
@given(data=units(), alpha=ALPHAS)
def test_a_wider_level_contains_the_narrower_interval(data, alpha) -> None:
    t, c = arms(*data)
    for name, outcome, covariates in (
        ("welch", ("y",), ()),
        ("cuped", ("y",), ("a",)),
        ("lin", ("y",), ("a", "b")),
    ):
        inner, outer = (
            ESTIMATORS[name].estimate(t, c, outcome, covariates, a).absolute for a in (alpha, alpha / 2)
        )
        assert outer.ci_lower <= inner.ci_lower and inner.ci_upper <= outer.ci_upper


@LAW
@given(table(), ALPHAS)
def test_intervals_of_proportions_nest_and_mirror(counts, alpha) -> None:
    x_t, n_t, x_c, n_c = counts
    mirrored = (n_t - x_t, n_t, n_c - x_c, n_c)
    for method in (newcombe, agresti_caffo):
        low, high = method(*counts, alpha)
        assert method(*mirrored, alpha) == pytest.approx((-high, -low), abs=1e-12)
        assert method(x_c, n_c, x_t, n_t, alpha) == pytest.approx((-high, -low), abs=1e-12)
        wide = method(*counts, alpha / 2)
        assert wide[0] <= low <= high <= wide[1] and low >= -1 and high <= 1
    for method in (wilson, clopper_pearson, agresti_coull, jeffreys):
        low, high = method(x_t, n_t, alpha)
        assert method(n_t - x_t, n_t, alpha) == pytest.approx((1 - high, 1 - low), abs=1e-12)
        assert 0 <= low < high <= 1 and low <= x_t / n_t <= high
    assert (
        clopper_pearson(x_t, n_t, alpha)[0] <= wilson(x_t, n_t, alpha)[0] + 1e-12
        or x_t / n_t > 0.5
        or n_t < 20
    )


@LAW
@given(table(), ALPHAS, st.booleans(), st.booleans())
def test_tests_of_proportions_match_their_intervals(counts, alpha, pooled, continuity) -> None:
    z = wald(*counts, alpha, pooled, continuity)
    if z.p_value is not None:
        assume(abs(z.p_value - alpha) > 1e-9)
        assert (z.p_value < alpha) == excludes(z.ci_lower, z.ci_upper, 0)
    for corrected in (True, False):
        d = miettinen_nurminen(*counts, alpha, corrected)
        if d.p_value is None:
            continue
        assume(abs(d.p_value - alpha) > 1e-6)
        assert (d.p_value < alpha) == excludes(d.ci_lower, d.ci_upper, 0)
        # One score test of equality, whether the scale is the difference or the ratio.
        r = miettinen_nurminen_ratio(*counts, alpha, corrected)
        assert (d.p_value < alpha) == excludes(r.ci_lower, r.ci_upper, 1)


@LAW
@given(table(), ALPHAS)
def test_ratios_of_proportions_turn_over(counts, alpha) -> None:
    x_t, n_t, x_c, n_c = counts
    for method in (katz, woolf, odds_ratio, miettinen_nurminen_ratio):
        try:
            a, b = method(*counts, alpha), method(x_c, n_c, x_t, n_t, alpha)
        except NotEstimable:
            continue
        assert 0 <= a.ci_lower <= a.estimate <= a.ci_upper
        for low, high in ((a.ci_lower, b.ci_upper), (b.ci_lower, a.ci_upper)):
            assert (low == 0) == (high == math.inf)
            assert low == 0 or low * high == pytest.approx(1, rel=1e-6)


@FEW
@given(table(25))
def test_exact_tests_mirror_and_boschloo_is_never_above_fisher(counts) -> None:
    x_t, n_t, x_c, n_c = counts
    for test in (fisher, barnard, boschloo):
        p = test(*counts).p_value
        assert 0 < p <= 1
        for other in ((x_c, n_c, x_t, n_t), (n_t - x_t, n_t, n_c - x_c, n_c)):
            assert test(*other).p_value == pytest.approx(p, rel=1e-6)
        assert test(*counts).log_p_value == pytest.approx(math.log(p), abs=1e-9)
    assert boschloo(*counts).p_value <= fisher(*counts).p_value * (1 + 1e-6)


@LAW
@given(table(), st.floats(0.01, 0.5))
def test_a_larger_margin_is_passed_more_easily(counts, margin) -> None:
    a, b = (
        proportion_noninferiority(*counts, m, "increase", 0.025).statistic for m in (margin, margin * 1.3)
    )
    assert b >= a - 1e-7


@LAW
@given(P, st.randoms(use_true_random=False))
def test_adjusted_p_values_keep_order_and_rank(p, random) -> None:
    order = list(range(len(p)))
    random.shuffle(order)
    for method in METHODS:
        straight = method(p)
        assert method([p[i] for i in order]) == pytest.approx(tuple(straight[i] for i in order))
        pairs = sorted((a, b) for a, b in zip(p, straight, strict=True) if a is not None)
        for (a, x), (b, y) in pairwise(pairs):
            assert x <= y + 1e-12
            assert a != b or x == pytest.approx(y)
        assert all(a <= b <= 1 or b == pytest.approx(a) for a, b in pairs)


@LAW
@given(P)
def test_sharper_methods_are_never_above_blunter_ones(p) -> None:
    chains = (
        (hommel, hochberg, holm, bonferroni),
        (benjamini_hochberg, hommel),
        (holm_sidak, holm),
        (sidak, bonferroni),
        (hochberg_sidak, holm_sidak, sidak),
        (benjamini_hochberg, benjamini_yekutieli),
    )
    for chain in chains:
        found = [method(p) for method in chain]
        for sharp, blunt in pairwise(found):
            assert all(a is None or a <= b + 1e-9 for a, b in zip(sharp, blunt, strict=True))


@LAW
@given(st.lists(P, max_size=4), P)
def test_gates_never_make_a_p_value_smaller(families, p) -> None:
    running = 0.0
    for raw, got in zip(p, fixed_sequence(p), strict=True):
        assert got is None or (got >= raw and got >= running)
        running = running if got is None else got
    for raw, got in zip(families, serial_gatekeeping(families), strict=True):
        assert all(b is None or b >= a - 1e-12 for a, b in zip(holm(raw), got, strict=True))


@FEW
@given(units())
def test_max_t_steps_down_from_the_largest_statistic(data) -> None:
    y, arm, x = data
    found = max_t(np.column_stack([y, x]), arm, np.random.default_rng(0), 300)
    size = np.abs(found.statistics)
    order = np.argsort(-size)
    p, adjusted = np.array(found.p_values)[order], np.array(found.adjusted)[order]
    assert (adjusted >= p).all() and (np.diff(adjusted) >= 0).all()
    assert adjusted[-1] == max(adjusted[-2], p[-1])
    alone = max_t(y[:, None], arm, np.random.default_rng(0), 300)
    assert alone.adjusted == alone.p_values


@FEW
@given(st.lists(st.integers(0, 25), min_size=2, max_size=3), st.floats(1.0, 50.0))
def test_sample_ratio_does_not_depend_on_the_scale_of_the_weights(counts, k) -> None:
    assume(sum(counts) > 0)
    weights = [i + 1.0 for i in range(len(counts))]
    for method in (sample_ratio, exact_sample_ratio, g_sample_ratio):
        a, b = method(counts, weights), method(counts, [k * w for w in weights])
        assert (a.statistic, a.p_value) == pytest.approx((b.statistic, b.p_value), rel=1e-8, abs=1e-12)
        assert sum(a.expected) == pytest.approx(sum(counts)) and 0 < a.p_value <= 1
        assert a.flagged(a.p_value * 1.01) and not a.flagged(a.p_value * 0.99)
