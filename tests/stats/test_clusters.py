"""Households and stores: cluster-robust errors, intraclass correlation, resampling by cluster."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.cluster_moments import ClusterArm, cluster_totals, from_members, from_totals
from loyalty_exp.stats.cluster_resampling import jackknife, wild_bootstrap
from loyalty_exp.stats.clusters import (
    cluster_difference,
    cluster_means,
    clustered,
    few_clusters,
    satterthwaite_df,
)
from loyalty_exp.stats.difference import difference
from loyalty_exp.stats.intraclass import design_effect, intraclass_correlation, within_sum
from loyalty_exp.stats.means import plain
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.ratio import ratio_effect


def drawn(rng, clusters, icc=0.05, mean=20.0, cv=0.6, sd=30.0):
    """Members of stores whose sizes vary; outcome, pre-period and store of each."""
    r = 1 / max(cv**2 * mean**2 / (mean - 1) ** 2 - 1 / (mean - 1), 1e-9)
    sizes = 1 + rng.negative_binomial(r, r / (r + mean - 1), clusters)
    at = np.repeat(np.arange(clusters), sizes)
    store = rng.normal(0, sd * math.sqrt(icc), clusters)[at]
    x = rng.normal(0, sd, len(at))
    return {"y": 100 + store + 0.5 * x + rng.normal(0, sd * math.sqrt(0.75 - icc), len(at)), "x": x}, at


def two_arms(seed, clusters=12):
    rng = np.random.default_rng(seed)
    (t, at_t), (c, at_c) = drawn(rng, clusters), drawn(rng, clusters)
    return t, at_t, c, at_c


def dense(t, at_t, c, at_c):
    """CR2, CR3 and Satterthwaite from the member-level matrices, as the papers write them."""
    y, arm = np.concatenate([t["y"], c["y"]]), np.repeat([1.0, 0.0], [len(at_t), len(at_c)])
    cluster = np.concatenate([at_t, at_c + 1000])
    x = np.column_stack([np.ones(len(y)), arm])
    bread = np.linalg.inv(x.T @ x)
    hat = x @ bread @ x.T
    e = y - hat @ y
    out = {}
    for name, power in (("CR2", -0.5), ("CR3", -1.0)):
        rows = []
        for g in np.unique(cluster):
            at = cluster == g
            values, vectors = np.linalg.eigh(np.eye(at.sum()) - hat[np.ix_(at, at)])
            full = np.zeros(len(y))
            full[at] = (vectors * values**power) @ vectors.T @ x[at] @ bread[:, 1]
            rows.append(full)
        weight = np.array(rows)
        out[name] = math.sqrt(((weight @ e) ** 2).sum())
        if name == "CR2":
            p = weight @ (np.eye(len(y)) - hat) @ weight.T
            out["df"] = np.trace(p) ** 2 / (p * p).sum()
    return out


@pytest.mark.parametrize("seed", [1, 2])
def test_closed_forms_equal_the_matrices_of_the_papers(seed) -> None:
    rows = two_arms(seed, 7)
    t, c = from_members(rows[0], rows[1]), from_members(rows[2], rows[3])
    want = dense(*rows)
    for name in ("CR2", "CR3"):
        assert cluster_difference(t, c, "y", 0.05, name).std_error == pytest.approx(want[name], rel=1e-10)
    assert satterthwaite_df(t, c) == pytest.approx(want["df"], rel=1e-10)


def test_stata_errors_equal_those_of_statsmodels() -> None:
    from statsmodels.regression.linear_model import OLS

    t, at_t, c, at_c = two_arms(3)
    y, arm = np.concatenate([t["y"], c["y"]]), np.repeat([1.0, 0.0], [len(at_t), len(at_c)])
    groups = np.concatenate([at_t, at_c + 1000])
    fit = OLS(y, np.column_stack([np.ones(len(y)), arm])).fit(cov_type="cluster", cov_kwds={"groups": groups})
    ours = cluster_difference(from_members(t, at_t), from_members(c, at_c), "y", 0.05, "CR1S")
    assert (ours.estimate, ours.std_error) == pytest.approx((fit.params[1], fit.bse[1]), rel=1e-9)


def test_delta_correction_is_the_ratio_of_cluster_totals() -> None:
    t, at_t, c, at_c = two_arms(4)
    arms = [from_members(t, at_t), from_members(c, at_c)]
    rows = []
    for values, at in ((t, at_t), (c, at_c)):
        totals, sizes = cluster_totals(values, at)
        rows.append(from_rows(totals | {"size": sizes}))
    want = ratio_effect(*rows, "y", "size", 0.05).absolute
    got = difference(*(cluster_means(a, ("y",), "delta") for a in arms), 0.05)
    assert (got.estimate, got.std_error) == pytest.approx((want.estimate, want.std_error), rel=1e-9)


def test_covariance_of_two_outcomes_is_kept() -> None:
    t, at, _, _ = two_arms(5)
    arm = from_members({"b": t["y"], "c": 2 * t["y"] + t["x"]}, at)
    both = cluster_means(arm, ("b", "c"))
    swapped = cluster_means(arm, ("c", "b"))
    assert both.covariance[0, 1] == pytest.approx(swapped.covariance[1, 0])
    net = from_members({"n": t["y"] - (2 * t["y"] + t["x"])}, at)
    want = both.covariance[0, 0] - 2 * both.covariance[0, 1] + both.covariance[1, 1]
    assert cluster_means(net, ("n",)).covariance[0, 0] == pytest.approx(want, rel=1e-9)


def test_a_covariate_removes_its_share_of_the_variance() -> None:
    t, at_t, c, at_c = two_arms(6, 60)
    arms = from_members(t, at_t), from_members(c, at_c)
    plain_effect, adjusted = (clustered(*arms, "y", x, 0.05) for x in ((), ("x",)))
    assert plain_effect.variance_reduction is None
    assert 0.05 < adjusted.variance_reduction < 0.6
    assert adjusted.absolute.std_error < plain_effect.absolute.std_error
    constant = [from_members({"y": v["y"], "x": np.ones(len(v["y"]))}, a) for v, a in ((t, at_t), (c, at_c))]
    same = clustered(*constant, "y", ("x",), 0.05)
    assert same.absolute.estimate == pytest.approx(plain_effect.absolute.estimate)
    assert same.variance_reduction == pytest.approx(0)


def test_too_few_clusters_is_a_reason_and_fewer_than_twenty_a_warning() -> None:
    one, two = from_members({"y": [1.0, 2.0, 4.0]}, [1, 1, 1]), from_totals({"y": [1.0, 4.0]}, [2, 3])
    with pytest.raises(NotEstimable, match="one cluster in the treatment arm"):
        clustered(one, two, "y", (), 0.05)
    with pytest.raises(NotEstimable, match="one cluster in the control arm"):
        cluster_difference(two, one, "y", 0.05)
    with pytest.raises(NotEstimable, match="no clusters in the control arm"):
        cluster_difference(two, ClusterArm((), ()), "y", 0.05)
    ten = from_totals({"y": np.arange(10.0)}, np.arange(1, 11))
    assert few_clusters(two, ten)
    assert not few_clusters(ten, ten)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 + 0.1])
def test_nothing_varies_so_there_is_no_test(value) -> None:
    at = np.repeat(np.arange(6), [1, 2, 3, 4, 5, 9])
    arm = from_members({"y": np.full(len(at), value)}, at)
    d = clustered(arm, arm, "y", (), 0.05).absolute
    assert (d.std_error, d.p_value) == (0.0, None)
    assert d.ci_lower == d.ci_upper == d.estimate == 0


def test_a_large_offset_costs_no_digits_and_negative_values_are_fine() -> None:
    t, at_t, c, at_c = two_arms(7)
    base = cluster_difference(from_members(t, at_t), from_members(c, at_c), "y", 0.05)
    for shift in (1e9, -1e9, -200.0):
        moved = [from_members({"y": v["y"] + shift}, at) for v, at in ((t, at_t), (c, at_c))]
        assert cluster_difference(*moved, "y", 0.05).std_error == pytest.approx(base.std_error, rel=1e-6)


def test_a_tiny_p_value_keeps_its_logarithm_and_huge_counts_cost_nothing() -> None:
    from loyalty_exp.stats.moments import Moments

    def arm(mean):
        cells = [
            Moments(10**8, ("y",), np.array([m * mean]), np.array([[10**8 * m * 9.0]])) for m in (1, 2, 5)
        ]
        return ClusterArm((1, 2, 5), tuple(cells))

    d = cluster_difference(arm(5.1), arm(5.0), "y", 0.05)
    assert d.p_value == 0
    assert math.isfinite(d.log_p_value) and d.log_p_value < -1e5
    assert d.df > 1e8


def test_impossible_aggregates_are_refused() -> None:
    cell = from_rows({"y": [1.0]})
    for sizes, cells in (((2, 1), (cell, cell)), ((0,), (cell,)), ((1,), ())):
        with pytest.raises(ValueError):
            ClusterArm(sizes, cells)


def test_intraclass_correlation_is_found_and_equals_the_textbook_for_equal_sizes() -> None:
    rng = np.random.default_rng(8)
    values, at = drawn(rng, 4000, icc=0.2)
    y = values["y"] - 0.5 * values["x"]
    arm = from_members({"y": y}, at)
    assert intraclass_correlation([arm], "y", within_sum(y, at)) == pytest.approx(0.2 / 0.75, abs=0.02)
    m = rng.normal(size=(8, 5)) + rng.normal(size=(8, 1))
    ms_between, ms_within = 5 * m.mean(axis=1).var(ddof=1), m.var(axis=1, ddof=1).mean()
    at = np.repeat(np.arange(8), 5)
    got = intraclass_correlation([from_members({"y": m.ravel()}, at)], "y", within_sum(m.ravel(), at))
    assert got == pytest.approx((ms_between - ms_within) / (ms_between + 4 * ms_within))


def test_intraclass_correlation_knows_its_edges() -> None:
    ones = from_totals({"y": [1.0, 2.0, 3.0]}, [1, 1, 1])
    pairs = from_totals({"y": [2.0, 2.0, 2.0]}, [2, 2, 2])
    with pytest.raises(NotEstimable, match="one member"):
        intraclass_correlation([ones], "y", 0.0)
    with pytest.raises(NotEstimable, match="nothing varies"):
        intraclass_correlation([pairs], "y", 0.0)
    with pytest.raises(NotEstimable, match="no more clusters"):
        intraclass_correlation([from_totals({"y": [1.0]}, [2])], "y", 1.0)
    with pytest.raises(ValueError):
        intraclass_correlation([pairs], "y", -1.0)
    assert intraclass_correlation([pairs], "y", 6.0) == pytest.approx(-1)
    assert intraclass_correlation([from_totals({"y": [2.0, 6.0]}, [2, 2])], "y", 0.0) == pytest.approx(1)


def test_design_effect_edges() -> None:
    assert design_effect([1, 1, 1], 0.9).design_effect == pytest.approx(1)
    assert design_effect([4, 4], 1.0).effective_n == pytest.approx(2)
    with pytest.raises(NotEstimable):
        design_effect([5, 5], -0.25)
    with pytest.raises(ValueError):
        design_effect([0, 5], 0.1)


def test_wild_bootstrap_draws_agree_with_all_signs_and_ask_for_a_generator() -> None:
    rng = np.random.default_rng(9)
    y, m = rng.normal(size=16), np.ones(16)
    arm = np.repeat([1, 0], 8)
    y[:8] += 1.0
    exact = wild_bootstrap(y, m, arm)
    assert exact.exact and exact.draws == 2**16
    assert exact.p_symmetric >= 2 / exact.draws
    y, m, arm = np.tile(y, 2), np.ones(32), np.tile(arm, 2)
    with pytest.raises(ValueError, match="generator"):
        wild_bootstrap(y, m, arm)
    drawn_p = wild_bootstrap(y, m, arm, np.random.default_rng(1), 4000)
    welch = difference(*(plain(from_rows({"y": y[arm == a]}), ("y",)) for a in (1, 0)), 0.05).p_value
    assert not drawn_p.exact
    assert drawn_p.p_symmetric == pytest.approx(welch, abs=0.02)
    with pytest.raises(NotEstimable, match="nothing varies"):
        wild_bootstrap([2.0, 2.0, 4.0, 4.0], [1, 1, 2, 2], [1, 0, 1, 0])
    with pytest.raises(NotEstimable, match="fewer than two"):
        wild_bootstrap([2.0, 2.0, 4.0], [1, 1, 2], [1, 0, 0])


def test_jackknife_of_a_mean_is_the_usual_standard_error() -> None:
    x = np.random.default_rng(10).normal(size=30)
    rows = np.column_stack([x, np.ones(30)])
    value, se = jackknife(rows, lambda s: s[0] / s[1])
    assert (value, se) == pytest.approx((x.mean(), x.std(ddof=1) / math.sqrt(30)))
    with pytest.raises(NotEstimable):
        jackknife(rows[:1], lambda s: s[0])


@pytest.mark.parametrize(("clusters", "runs"), [(5, 1000), (20, 500)])
def test_cr2_keeps_its_size_where_errors_blind_to_clusters_do_not(clusters, runs) -> None:
    rng = np.random.default_rng(14)
    good = blind = 0
    for _ in range(runs):
        (t, at_t), (c, at_c) = drawn(rng, clusters), drawn(rng, clusters)
        d = cluster_difference(from_members(t, at_t), from_members(c, at_c), "y", 0.05)
        iid = difference(*(plain(from_rows(v), ("y",)) for v in (t, c)), 0.05)
        good += d.p_value < 0.05
        blind += iid.p_value < 0.05
    assert good / runs <= 0.06 + 2 * math.sqrt(0.05 * 0.95 / runs)
    assert good / runs >= 0.02
    assert blind / runs > 0.12
