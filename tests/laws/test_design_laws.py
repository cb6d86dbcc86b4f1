"""Laws of clusters, strata, factors, rates, compliance and synthesis."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loyalty_exp.stats.cluster_moments import from_members
from loyalty_exp.stats.clusters import cluster_difference, cluster_means, clustered
from loyalty_exp.stats.compliance import complier_effect
from loyalty_exp.stats.contingency import independence
from loyalty_exp.stats.difference import difference
from loyalty_exp.stats.factorial import factorial_effect
from loyalty_exp.stats.interaction import homogeneity, james_stein, qualitative
from loyalty_exp.stats.intraclass import intraclass_correlation, within_sum
from loyalty_exp.stats.mantel_haenszel import cochran_mantel_haenszel, common_odds_ratio, tables
from loyalty_exp.stats.means import adjusted, plain
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.rates import exact_rate_ratio, robust_rate_ratio, wald_rate_ratio
from loyalty_exp.stats.strata import stratified
from loyalty_exp.stats.synthesis import program_total, synthesize

LAW = settings(max_examples=40, deadline=None, derandomize=True)
ALPHAS = st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.2])
SEEDS = st.integers(0, 2**32 - 1)
CORRECTIONS = ("CR0", "CR1", "CR1S", "CR2", "CR3")


@st.composite
def members(draw):
    """Members of 3 to 12 clusters of 1 to 6, with a covariate."""
    rng = np.random.default_rng(draw(SEEDS))
    sizes = rng.integers(1, 7, draw(st.integers(3, 12)))
    at = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.normal(size=len(at))
    y = draw(st.floats(-2, 2)) + x + rng.normal(size=len(sizes))[at] + rng.exponential(size=len(at))
    return {"y": y, "x": x}, at


@st.composite
def strata(draw):
    """Both arms in 1 to 4 strata of at least 5 units each."""
    rng = np.random.default_rng(draw(SEEDS))
    out = ([], [])
    for _ in range(draw(st.integers(1, 4))):
        level = rng.normal(5, 3)
        for side in out:
            n = rng.integers(5, 20)
            x = rng.normal(size=n)
            side.append(from_rows({"y": level + x + rng.exponential(size=n), "x": x}))
    return out


def numbers(d):
    return [math.inf if v is None else v for v in dataclasses.astuple(d)]


def mirrored(a, b):
    assert (a.estimate, a.std_error) == pytest.approx((-b.estimate, b.std_error), rel=1e-9, abs=1e-12)
    assert (a.ci_lower, a.ci_upper) == pytest.approx((-b.ci_upper, -b.ci_lower), rel=1e-8, abs=1e-9)
    assert a.p_value == pytest.approx(b.p_value, rel=1e-6)


@LAW
@given(SEEDS, st.integers(2, 30), st.integers(2, 30), ALPHAS)
def test_clusters_of_one_member_are_single_units(seed, n_t, n_c, alpha) -> None:
    rng = np.random.default_rng(seed)
    arms = [rng.gamma(0.7, size=n) for n in (n_t, n_c)]
    t, c = (from_members({"y": y}, np.arange(len(y))) for y in arms)
    a, b = (plain(from_rows({"y": y}), ("y",)) for y in arms)
    welch = difference(a, b, alpha)
    got = clustered(t, c, "y", (), alpha).absolute
    assert (got.estimate, got.std_error) == pytest.approx((welch.estimate, welch.std_error), rel=1e-9)
    for arm, unit in ((t, a), (c, b)):
        means = cluster_means(arm, ("y",))
        assert (means.df, means.covariance[0, 0]) == pytest.approx((unit.df, unit.covariance[0, 0]), rel=1e-9)


@LAW
@given(members(), members(), ALPHAS, st.floats(0.01, 100), st.floats(-1e3, 1e3))
def test_cluster_errors_mirror_shift_and_scale(t, c, alpha, scale, shift) -> None:
    arms = [from_members(*t), from_members(*c)]
    moved = [from_members({"y": scale * v["y"] + shift, "x": 3 * v["x"] + 1}, at) for v, at in (t, c)]
    for name in CORRECTIONS:
        a = cluster_difference(*arms, "y", alpha, name)
        mirrored(a, cluster_difference(*arms[::-1], "y", alpha, name))
        b = cluster_difference(*moved, "y", alpha, name)
        assert b.estimate == pytest.approx(scale * a.estimate, rel=1e-6, abs=1e-9 * (scale + 1))
        assert (b.std_error, b.df) == pytest.approx((scale * a.std_error, a.df), rel=1e-6)
    a, b = (clustered(*x, "y", ("x",), alpha).absolute for x in (arms, moved))
    assert b.std_error == pytest.approx(scale * a.std_error, rel=1e-6)
    mirrored(a, clustered(*arms[::-1], "y", ("x",), alpha).absolute)


@LAW
@given(members(), members())
def test_cluster_corrections_are_ordered_and_clusters_merge(t, c) -> None:
    a, b = from_members(*t), from_members(*c)
    by = {k: cluster_difference(a, b, "y", 0.05, k).std_error for k in CORRECTIONS}
    assert by["CR0"] < by["CR1"] < by["CR1S"]
    assert by["CR0"] < by["CR2"] < by["CR3"]
    whole = from_members(
        {k: np.concatenate([t[0][k], c[0][k]]) for k in ("y", "x")}, np.concatenate([t[1], c[1] + 100])
    )
    for merged in (a + b, b + a):
        assert (merged.sizes, merged.n) == (whole.sizes, whole.n)
        got, want = (cluster_means(m, ("y", "x")) for m in (merged, whole))
        np.testing.assert_allclose(got.covariance, want.covariance, rtol=1e-9, atol=1e-14)
        np.testing.assert_allclose(got.mean, want.mean, rtol=1e-9, atol=1e-12)


@LAW
@given(members(), SEEDS)
def test_the_order_and_names_of_members_and_clusters_do_not_matter(t, seed) -> None:
    values, at = t
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(at))
    names = rng.permutation(100)[at[order]]
    mixed = {k: v[order] for k, v in values.items()}
    a, b = from_members(values, at), from_members(mixed, names)
    got, want = (cluster_means(m, ("y",)) for m in (a, b))
    assert got.covariance[0, 0] == pytest.approx(want.covariance[0, 0], rel=1e-9)
    if len(at) > a.n_clusters:
        icc = intraclass_correlation([a], "y", within_sum(values["y"], at))
        assert icc <= 1 + 1e-12
        assert icc == pytest.approx(intraclass_correlation([b], "y", within_sum(mixed["y"], names)), abs=1e-9)


@LAW
@given(members(), members(), ALPHAS)
def test_cluster_test_and_interval_agree(t, c, alpha) -> None:
    for name in CORRECTIONS:
        d = cluster_difference(from_members(*t), from_members(*c), "y", alpha, name)
        assume(abs(d.p_value - alpha) > 1e-9)
        assert (d.p_value < alpha) == (d.ci_lower > 0 or d.ci_upper < 0)


@LAW
@given(strata(), ALPHAS, st.sampled_from([(), ("x",)]))
def test_one_stratum_is_the_plain_estimator(both, alpha, covariates) -> None:
    t, c = both[0][0], both[1][0]
    got = stratified([t], [c], "y", covariates, alpha).absolute
    want = difference(*adjusted(t, c, ("y",), covariates), alpha)
    assert numbers(got) == pytest.approx(numbers(want), rel=1e-8, abs=1e-10)
    random = stratified([t], [c], "y", covariates, alpha, random_shares=True).absolute
    assert random.std_error == pytest.approx(want.std_error)


@LAW
@given(strata(), ALPHAS, st.booleans(), st.sampled_from(["satterthwaite", "residual", "normal"]), SEEDS)
def test_strata_mirror_agree_and_have_no_order(both, alpha, random_shares, rule, seed) -> None:
    def call(a, b):
        return stratified(a, b, "y", (), alpha, random_shares=random_shares, df_rule=rule)

    t, c = both
    e = call(t, c)
    mirrored(e.absolute, call(c, t).absolute)
    order = np.random.default_rng(seed).permutation(len(t))
    again = call([t[i] for i in order], [c[i] for i in order])
    assert numbers(again.absolute) == pytest.approx(numbers(e.absolute), rel=1e-8, abs=1e-10)
    d = e.absolute
    assume(abs(d.p_value - alpha) > 1e-9)
    assert (d.p_value < alpha) == (d.ci_lower > 0 or d.ci_upper < 0)
    if e.relative.ci_lower is not None:
        assert (d.p_value < alpha) == (e.relative.ci_lower > 0 or e.relative.ci_upper < 0)


@LAW
@given(strata(), st.floats(0.01, 100), st.floats(-1e3, 1e3))
def test_strata_shift_and_scale(both, scale, shift) -> None:
    t, c = both
    moved = [[m.combine({"y": {"y": scale}}, {"y": shift}) for m in side] for side in both]
    a, b = (stratified(*x, "y", (), 0.05, random_shares=True).absolute for x in ((t, c), moved))
    assert b.std_error == pytest.approx(scale * a.std_error, rel=1e-6)
    assert b.estimate == pytest.approx(scale * a.estimate, rel=1e-6, abs=1e-9 * (scale + 1))


@LAW
@given(SEEDS)
def test_flipping_the_levels_of_a_factor_flips_what_it_takes_part_in(seed) -> None:
    rng = np.random.default_rng(seed)
    cells = {
        k: plain(from_rows({"y": rng.exponential(size=rng.integers(3, 9))}), ("y",))
        for k in itertools.product((0, 1), repeat=3)
    }
    flipped = {(1 - k[0], *k[1:]): v for k, v in reversed(cells.items())}
    for factors in ((0,), (1,), (0, 1), (1, 2), (0, 1, 2)):
        a, b = factorial_effect(cells, factors), factorial_effect(flipped, factors)
        sign = -1 if 0 in factors else 1
        assert b.estimate[0] == pytest.approx(sign * a.estimate[0])
        assert (b.covariance[0, 0], b.df[0]) == pytest.approx((a.covariance[0, 0], a.df[0]))


COUNT = st.integers(1, 200)


@LAW
@given(COUNT, COUNT, st.floats(0.1, 100), st.floats(0.1, 100), st.floats(0.01, 100), ALPHAS)
def test_rate_ratios_mirror_and_do_not_ask_for_the_unit_of_exposure(x, y, s, u, unit, alpha) -> None:
    for call in (exact_rate_ratio, wald_rate_ratio):
        a, b = call(x, s, y, u, alpha), call(y, u, x, s, alpha)
        assert (a.estimate, a.ci_lower, a.ci_upper) == pytest.approx(
            (1 / b.estimate, 1 / b.ci_upper, 1 / b.ci_lower), rel=1e-8
        )
        assert a.log_p_value == pytest.approx(b.log_p_value, rel=1e-6, abs=1e-6)
        scaled = call(x, s * unit, y, u * unit, alpha)
        assert (scaled.estimate, scaled.ci_upper) == pytest.approx((a.estimate, a.ci_upper), rel=1e-8)
        assert a.ci_lower < a.estimate < a.ci_upper


@LAW
@given(SEEDS, ALPHAS)
def test_robust_rate_ratio_agrees_with_its_interval_and_merges(seed, alpha) -> None:
    rng = np.random.default_rng(seed)
    n = rng.integers(4, 40, 2)
    raw = [{"y": rng.poisson(2, m) + 1, "e": rng.uniform(0.5, 2, m)} for m in n]
    t, c = (from_rows(r) for r in raw)
    a = robust_rate_ratio(t, c, "y", "e", alpha)
    assume(abs(a.p_value - alpha) > 1e-9)
    assert (a.p_value < alpha) == (a.ci_lower > 1 or a.ci_upper < 1)
    halves = from_rows({k: v[:2] for k, v in raw[0].items()}) + from_rows(
        {k: v[2:] for k, v in raw[0].items()}
    )
    assert robust_rate_ratio(halves, c, "y", "e", alpha).ci_upper == pytest.approx(a.ci_upper)


@LAW
@given(SEEDS, st.floats(0, 0.9), ALPHAS, st.floats(0.01, 100))
def test_anderson_rubin_holds_0_exactly_when_assignment_did_nothing_visible(
    seed, comply, alpha, scale
) -> None:
    rng = np.random.default_rng(seed)
    n = rng.integers(8, 60, 2)
    raw = [
        {"y": rng.normal(k, 1, m), "d": (rng.random(m) < 0.1 + comply * k).astype(float)}
        for k, m in zip((1, 0), n, strict=True)
    ]
    t, c = (from_rows(r) for r in raw)
    assume(abs(t.mean_of("d") - c.mean_of("d")) > 1e-6)
    found = complier_effect(t, c, "y", "d", alpha)
    assume(abs(found.itt.p_value - alpha) > 1e-6)
    s = found.anderson_rubin
    holds = {
        "interval": lambda: s.lower <= 0 <= s.upper,
        "complement": lambda: not s.lower < 0 < s.upper,
        "whole_line": lambda: True,
        "empty": lambda: False,
    }[s.shape]()
    assert holds == (found.itt.p_value >= alpha)
    swapped = complier_effect(c, t, "y", "d", alpha)
    assert swapped.delta.estimate == pytest.approx(found.delta.estimate)
    assert swapped.delta.std_error == pytest.approx(found.delta.std_error)
    scaled = complier_effect(*(from_rows({"y": scale * r["y"], "d": r["d"]}) for r in raw), "y", "d", alpha)
    assert scaled.delta.std_error == pytest.approx(scale * found.delta.std_error, rel=1e-7)


EFFECTS = st.lists(st.tuples(st.floats(-5, 5), st.floats(0.01, 4)), min_size=1, max_size=8)
METHODS = st.sampled_from(["reml", "dl", "pm", "ml", "fixed"])


@LAW
@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), METHODS, ALPHAS)
def test_one_experiment_pools_to_itself(y, v, method, alpha) -> None:
    s = synthesize([y], [v], alpha, method)
    assert (s.pooled.estimate, s.pooled.std_error) == pytest.approx((y, math.sqrt(v)))
    assert list(s.shrunken) == [pytest.approx(y)]
    assert list(s.shrunken_std_error) == [pytest.approx(math.sqrt(v))]
    assert (s.tau2, s.q, s.q_p_value, s.hartung_knapp, s.prediction) == (0.0, 0.0, None, None, None)
    assert program_total([y], [v], [True], alpha, method).std_error == pytest.approx(math.sqrt(v))


@LAW
@given(EFFECTS, METHODS, ALPHAS, st.floats(0.1, 10), st.floats(-10, 10))
def test_pooling_moves_and_scales_with_the_effects_and_has_no_order(
    rows, method, alpha, scale, shift
) -> None:
    y, v = (np.array(x) for x in zip(*rows, strict=True))
    a = synthesize(y, v, alpha, method)
    b = synthesize(scale * y[::-1] + shift, scale**2 * v[::-1], alpha, method)
    assert b.tau2 == pytest.approx(scale**2 * a.tau2, rel=1e-5, abs=1e-6 * scale**2)
    assert b.pooled.estimate == pytest.approx(scale * a.pooled.estimate + shift, rel=1e-5, abs=1e-5 * scale)
    assert b.pooled.std_error == pytest.approx(scale * a.pooled.std_error, rel=1e-4)
    assert 0 <= a.i2 <= 1 <= a.h2
    # Pooling never claims more than equal true effects would allow.
    assert a.pooled.std_error >= synthesize(y, v, alpha, "fixed").pooled.std_error * (1 - 1e-12)
    if len(y) > 1:
        q = homogeneity(list(y), list(np.sqrt(v)))
        assert (a.q, a.q_p_value) == pytest.approx((q[0], q[2]), rel=1e-7, abs=1e-12)


@LAW
@given(st.lists(st.floats(-4, 4), min_size=4, max_size=9), st.floats(0.1, 3), st.floats(-10, 10))
def test_segments_flip_and_shift(effects, variance, shift) -> None:
    errors = [math.sqrt(variance)] * len(effects)
    plus, minus, p = qualitative(effects, errors)
    assert qualitative([-e for e in effects], errors) == (minus, plus, p)
    assert 0 <= p <= 1
    factor, shrunk = james_stein(effects, variance)
    moved, shifted = james_stein([e + shift for e in effects], variance)
    assert moved == pytest.approx(factor, abs=1e-6)
    assert shifted == pytest.approx([s + shift for s in shrunk], abs=1e-5)
    assert sum(shrunk) == pytest.approx(sum(effects), abs=1e-9)


@LAW
@given(st.lists(st.tuples(*[st.integers(1, 30)] * 4), min_size=1, max_size=5))
def test_common_odds_ratio_mirrors_and_independence_has_no_order(cells) -> None:
    a, b, c, d = (np.array(x) for x in zip(*cells, strict=True))
    one, two = tables(a, a + b, c, c + d), tables(c, c + d, a, a + b)
    x, y = common_odds_ratio(one, 0.05), common_odds_ratio(two, 0.05)
    assert (x.estimate, x.ci_lower) == pytest.approx((1 / y.estimate, 1 / y.ci_upper))
    other = tables(b, a + b, d, c + d)
    assert common_odds_ratio(other, 0.05).estimate == pytest.approx(1 / x.estimate)
    for same in (two, other):
        assert cochran_mantel_haenszel(same).statistic == pytest.approx(
            cochran_mantel_haenszel(one).statistic
        )
    counts = np.array(cells)
    if len(counts) > 1:
        got = [independence(t).statistic for t in (counts, counts.T, counts[::-1, ::-1])]
        assert got == pytest.approx([got[0]] * 3)
