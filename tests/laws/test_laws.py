"""Laws that hold for all data, not for examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.benefit_cost import BenefitCost, probability_roi_above, roi
from loyalty_exp.stats.distributions import chi2_sf, normal_quantile, t_quantile, t_two_sided
from loyalty_exp.stats.moments import Moments, checked, from_rows, merge
from loyalty_exp.stats.multiplicity import benjamini_hochberg, bonferroni, holm
from loyalty_exp.stats.noninferiority import margin_status
from loyalty_exp.stats.proportions import miettinen_nurminen, restricted_mle, score
from loyalty_exp.stats.relative import fieller
from loyalty_exp.stats.sample_ratio import sample_ratio

LAW = settings(max_examples=60, deadline=None, derandomize=True)

COLUMNS = ("y", "d", "x", "w")
number = st.floats(-1e3, 1e3).map(lambda v: round(v, 3))
ALPHAS = st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.2])
MEANS = [("welch", ()), ("z", ("x",)), ("cuped", ("x",)), ("lin", ("x", "w"))]


@st.composite
def arm(draw: st.DrawFn, low: int = 6) -> Moments:
    seed, n = draw(st.integers(0, 2**32 - 1)), draw(st.integers(low, 60))
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=n), rng.exponential(size=n)
    y = draw(st.floats(-2, 2)) + x * draw(st.floats(-1, 1)) + rng.gamma(0.7, size=n) * (rng.random(n) < 0.6)
    return from_rows({"y": y, "d": rng.poisson(2, n) + 1.0, "x": x, "w": w})


def same(a: float | None, b: float | None, rel: float) -> bool:
    """Equal p-values, or no test on either side."""
    return a is b is None or (None not in (a, b) and a == pytest.approx(b, rel=rel, abs=1e-9))


@st.composite
def table(draw: st.DrawFn) -> tuple[int, int, int, int]:
    n_t, n_c = draw(st.integers(1, 400)), draw(st.integers(1, 400))
    return draw(st.integers(0, n_t)), n_t, draw(st.integers(0, n_c)), n_c


@pytest.mark.parametrize(("name", "covariates"), MEANS)
@LAW
@given(t=arm(), c=arm(), alpha=ALPHAS)
def test_swapping_the_labels_mirrors_the_difference(name, covariates, t, c, alpha) -> None:
    a = ESTIMATORS[name].estimate(t, c, ("y",), covariates, alpha).absolute
    b = ESTIMATORS[name].estimate(c, t, ("y",), covariates, alpha).absolute
    assert (a.estimate, a.std_error) == pytest.approx((-b.estimate, b.std_error), rel=1e-8, abs=1e-9)
    assert (a.ci_lower, a.ci_upper) == pytest.approx((-b.ci_upper, -b.ci_lower), rel=1e-8, abs=1e-9)
    assert same(a.p_value, b.p_value, 1e-6)


@pytest.mark.parametrize(("name", "covariates"), MEANS)
@LAW
@given(t=arm(), c=arm(), scale=st.floats(1e-3, 1e3), shift=st.floats(-1e3, 1e3))
def test_units_do_not_matter(name, covariates, t, c, scale, shift) -> None:
    weights = {k: {k: scale if k == "y" else 3.7} for k in COLUMNS}
    constants = {"y": shift, "x": 11.0}
    call = ESTIMATORS[name].estimate
    a = call(t, c, ("y",), covariates, 0.05).absolute
    moved = [m.combine(weights, constants) for m in (t, c)]
    b = call(*moved, ("y",), covariates, 0.05).absolute
    assert b.estimate == pytest.approx(scale * a.estimate, rel=1e-6, abs=1e-8 * max(scale, 1))
    assert b.std_error == pytest.approx(scale * a.std_error, rel=1e-6)
    assert same(a.p_value, b.p_value, 1e-4)


@LAW
@given(
    st.lists(st.tuples(number, number), min_size=1, max_size=40),
    st.lists(st.integers(0, 40), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_parts_merge_exactly_in_any_grouping_and_order(rows, cuts, random) -> None:
    x = np.array(rows)

    def of(part):
        return from_rows({"a": part[:, 0], "b": part[:, 1]})

    whole = of(x)
    mixed = x[random.sample(range(len(x)), len(x))]
    parts = [of(part) for part in np.split(mixed, sorted(cuts))]
    random.shuffle(parts)
    nested = merge(parts[:2], ("a", "b"))
    joined = merge([*parts[2:], nested], ("a", "b"))
    assert joined.n == whole.n
    assert joined.mean == pytest.approx(whole.mean, rel=1e-10, abs=1e-9)
    assert joined.comoment == pytest.approx(whole.comoment, rel=1e-9, abs=1e-7)
    checked(joined)


@pytest.mark.parametrize(("name", "covariates"), [*MEANS, ("ratio_delta", ()), ("ratio_cuped", ("x", "w"))])
@LAW
@given(t=arm(), c=arm(), alpha=ALPHAS)
def test_significant_exactly_when_the_interval_excludes_zero(name, covariates, t, c, alpha) -> None:
    outcome = ("y", "d") if name.startswith("ratio") else ("y",)
    d = ESTIMATORS[name].estimate(t, c, outcome, covariates, alpha).absolute
    assume(d.p_value is not None and abs(d.p_value - alpha) > 1e-9)
    assert (d.p_value < alpha) == (d.ci_lower > 0 or d.ci_upper < 0)
    assert d.ci_lower <= d.estimate <= d.ci_upper
    assert d.log_p_value == pytest.approx(math.log(d.p_value), abs=1e-9)


@settings(LAW, max_examples=300)
@given(table(), ALPHAS)
def test_proportions_interval_inverts_the_score_test(counts, alpha) -> None:
    d = miettinen_nurminen(*counts, alpha)
    if d.p_value is not None:
        assert (d.p_value < alpha) == (d.ci_lower > 0 or d.ci_upper < 0)
    assert -1 <= d.ci_lower <= d.estimate + 1e-12 and d.estimate - 1e-12 <= d.ci_upper <= 1
    z = normal_quantile(1 - alpha / 2)
    for bound, sign in ((d.ci_lower, 1), (d.ci_upper, -1)):
        if abs(bound) < 1 and abs(bound) > 1e-300:
            assert score(*counts, bound) == pytest.approx(sign * z, rel=1e-6)


@LAW
@given(table(), ALPHAS)
def test_proportions_mirror(counts, alpha) -> None:
    x_t, n_t, x_c, n_c = counts
    a = miettinen_nurminen(x_t, n_t, x_c, n_c, alpha)
    for b in (
        miettinen_nurminen(x_c, n_c, x_t, n_t, alpha),
        miettinen_nurminen(n_t - x_t, n_t, n_c - x_c, n_c, alpha),
    ):
        assert (a.ci_lower, a.ci_upper) == pytest.approx((-b.ci_upper, -b.ci_lower), rel=1e-7, abs=1e-9)


@settings(LAW, max_examples=200)
@given(table(), st.floats(-0.99, 0.99))
def test_restricted_proportions_are_the_most_likely(counts, delta) -> None:
    x_t, n_t, x_c, n_c = counts

    def log_likelihood(p_c):
        total = 0.0
        for x, n, p in ((x_t, n_t, p_c + delta), (x_c, n_c, p_c)):
            for k, q in ((x, p), (n - x, 1 - p)):
                if k:
                    total += k * math.log(q) if q > 0 else -math.inf
        return total

    p_t, p_c = restricted_mle(*counts, delta)
    assert p_t - p_c == pytest.approx(delta, abs=1e-12)
    best = log_likelihood(p_c)
    for other in np.linspace(max(0, -delta), min(1, 1 - delta), 23):
        assert log_likelihood(float(other)) <= best + 1e-6 * max(1.0, abs(best))


@LAW
@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=12), st.randoms(use_true_random=False))
def test_adjustment_ignores_the_order(p, random) -> None:
    order = list(range(len(p)))
    random.shuffle(order)
    for method in (holm, bonferroni, benjamini_hochberg):
        straight, mixed = method(p), method([p[i] for i in order])
        assert mixed == tuple(straight[i] for i in order)
        assert all(
            (a is None) == (b is None) and (a is None or b >= a) for a, b in zip(p, straight, strict=True)
        )
    for h, b, q in zip(holm(p), bonferroni(p), benjamini_hochberg(p), strict=True):
        assert h is None or q <= h + 1e-12 <= b + 2e-12


@LAW
@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(1e-4, 5), st.floats(1e-4, 5), st.floats(-0.99, 0.99))
def test_fieller_contains_the_point_and_solves_its_equation(n, d, sn, sd, r) -> None:
    assume(abs(d) > 1e-2)
    v = (sn * sn, r * sn * sd, sd * sd)
    z = 1.96
    found = fieller(n, d, *v, z)
    point = n / d
    inside = {
        "interval": lambda q: found.lower <= q <= found.upper,
        "complement": lambda q: q <= found.lower or q >= found.upper,
        "whole_line": lambda q: True,
        "empty": lambda q: False,
    }[found.shape]
    slack = 1e-9 * max(1, abs(point))
    assert inside(point) or inside(point + slack) or inside(point - slack)
    assert (found.shape == "interval") == (found.g < 1)
    for q in np.linspace(-30, 30, 41):
        left, right = (n - q * d) ** 2, z * z * (v[0] - 2 * q * v[1] + q * q * v[2])
        if abs(left - right) > 1e-6 * (left + right):
            assert inside(q) == (left < right)


@LAW
@given(st.floats(-5, 5), st.floats(0.5, 5), st.floats(0.01, 2), st.floats(0.01, 0.2), st.floats(-0.9, 0.9))
def test_roi_bounds_agree_with_the_probability(b, d, sb, sc, r) -> None:
    pair = BenefitCost(b, d, 0.0, sb * sb, r * sb * sc, sc * sc)
    found = roi(b, d, pair.v_bb, pair.v_bc, pair.v_cc, 0.05)
    if found.status == "interval":
        assert found.ci_lower <= found.estimate <= found.ci_upper
        assert probability_roi_above(found.ci_lower, pair) == pytest.approx(0.975, abs=1e-6)
        assert probability_roi_above(found.ci_upper, pair) == pytest.approx(0.025, abs=1e-6)
    else:
        assert found.ci_lower is None


@LAW
@given(st.floats(0, 400), st.floats(0.5, 1e9))
def test_t_tail_is_monotone_and_finite(t, df) -> None:
    p, log_p = t_two_sided(t, df)
    assert 0 <= p <= 1 and math.isfinite(log_p)
    assert t_two_sided(t * 1.01 + 0.01, df)[1] <= log_p + 1e-12


@LAW
@given(st.floats(0.001, 0.999), st.floats(1, 1e9))
def test_t_quantile_inverts_the_tail(p, df) -> None:
    q = t_quantile(p, df)
    assert t_two_sided(q, df)[0] == pytest.approx(2 * min(p, 1 - p), rel=1e-7)


@LAW
@given(st.floats(0, 1e5), st.integers(1, 120))
def test_chi_square_tail_is_monotone(x, df) -> None:
    p, log_p = chi2_sf(x, df)
    assert 0 <= p <= 1 and math.isfinite(log_p) and log_p <= 0
    assert chi2_sf(x * 1.01 + 0.01, df)[1] <= log_p + 1e-12


@settings(LAW, max_examples=30)
@given(st.lists(st.integers(0, 30), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_sample_ratio_ignores_the_order_of_the_arms(counts, random) -> None:
    assume(sum(counts) > 0)
    weights = [i + 1.0 for i in range(len(counts))]
    order = list(range(len(counts)))
    random.shuffle(order)
    a, b = (
        sample_ratio(counts, weights),
        sample_ratio([counts[i] for i in order], [weights[i] for i in order]),
    )
    assert (a.statistic, a.p_value) == pytest.approx((b.statistic, b.p_value), rel=1e-9)
    assert 0 < a.p_value <= 1


@LAW
@given(st.floats(-5, 5), st.floats(0, 5), st.floats(0.01, 3))
def test_margin_mirrors_with_the_direction(low, width, margin) -> None:
    up = margin_status(low, low + width, margin, "increase")
    assert up == margin_status(-low - width, -low, margin, "decrease")
