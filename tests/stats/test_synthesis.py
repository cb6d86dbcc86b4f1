"""Pooling experiments, shrinking them, and adding up what was shipped; effects by segment."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.interaction import homogeneity, james_stein, qualitative
from loyalty_exp.stats.synthesis import program_total, synthesize
from loyalty_exp.stats.tau_squared import ESTIMATORS


def spread(seed, k=12, tau=1.0):
    rng = np.random.default_rng(seed)
    v = rng.uniform(0.2, 2.0, k)
    return rng.normal(0.5, tau, k) + rng.normal(size=k) * np.sqrt(v), v


def test_dersimonian_laird_and_paule_mandel_equal_statsmodels() -> None:
    from statsmodels.stats.meta_analysis import combine_effects

    y, v = spread(1)
    for ours, theirs in (("dl", "chi2"), ("pm", "iterated")):
        peer = combine_effects(y, v, method_re=theirs, atol=1e-9)
        got = synthesize(y, v, 0.05, ours)
        assert got.tau2 == pytest.approx(peer.tau2, rel=1e-7)
        assert got.pooled.estimate == pytest.approx(peer.mean_effect_re, rel=1e-8)
        assert got.pooled.std_error == pytest.approx(peer.sd_eff_w_re, rel=1e-8)
        assert got.q == pytest.approx(peer.q)


@pytest.mark.parametrize("seed", range(6))
def test_likelihood_estimators_sit_at_the_top_of_their_likelihood(seed) -> None:
    y, v = spread(seed, tau=(0.0, 0.3, 1.0, 2.0, 5.0, 0.1)[seed])

    def log_likelihood(tau2, restricted):
        w = 1 / (v + tau2)
        r = y - (w @ y) / w.sum()
        out = np.log(w).sum() / 2 - (w @ r**2) / 2
        return out - math.log(w.sum()) / 2 if restricted else out

    for method, restricted in (("reml", True), ("ml", False)):
        best = ESTIMATORS[method](y, v)
        top = log_likelihood(best, restricted)
        for other in (best + 1e-3, max(best - 1e-3, 0), best + 1, 0.0, 10 * best):
            assert log_likelihood(other, restricted) <= top + 1e-9


def test_equal_effects_have_no_heterogeneity_and_shrink_to_their_mean() -> None:
    for method in ("reml", "dl", "pm", "ml", "fixed"):
        s = synthesize([0.3, 0.3, 0.3], [0.1, 0.2, 0.4], 0.05, method)
        assert (s.tau2, s.i2, s.h2) == (0.0, 0.0, 1.0)
        assert s.shrunken == pytest.approx([0.3] * 3)
        assert s.q == pytest.approx(0, abs=1e-25)
        assert s.q_p_value == pytest.approx(1)


def test_two_effects_have_no_prediction_and_none_is_a_reason() -> None:
    s = synthesize([0.0, 1.0], [0.1, 0.1], 0.05)
    assert s.prediction is None
    assert s.hartung_knapp is not None and s.hartung_knapp.df == 1
    with pytest.raises(NotEstimable, match="no effects"):
        synthesize([], [], 0.05)
    with pytest.raises(NotEstimable, match="standard error of 0"):
        synthesize([1, 2], [0, 1], 0.05)
    for bad in (([1, 2], [1]), ([math.nan], [1]), ([1], [-1])):
        with pytest.raises(ValueError):
            synthesize(*bad, 0.05)


def test_far_apart_effects_converge_and_keep_the_logarithm_of_q() -> None:
    for method in ("reml", "dl", "pm", "ml"):
        s = synthesize([1e9, -1e9, 3e9, 5.0], [1e-6, 4.0, 1e3, 1e-3], 0.05, method)
        assert s.tau2 > 1e17 and math.isfinite(s.q_log_p_value) and s.q_p_value == 0
        assert s.i2 == pytest.approx(1)
        assert s.shrunken == pytest.approx([1e9, -1e9, 3e9, 5.0], rel=1e-5, abs=1)


def test_shrunken_effects_lie_between_their_own_estimate_and_the_mean() -> None:
    y, v = spread(2)
    s = synthesize(y, v, 0.05)
    low, high = np.minimum(y, s.pooled.estimate), np.maximum(y, s.pooled.estimate)
    assert ((s.shrunken >= low - 1e-12) & (s.shrunken <= high + 1e-12)).all()
    order = np.argsort(v)
    assert (np.diff(s.share_own[order]) <= 0).all()


def test_the_sum_of_winners_is_too_high_and_the_shrunken_sum_is_not() -> None:
    rng = np.random.default_rng(39)
    claimed, shrunken, truth, covered = [], [], [], 0
    for _ in range(200):
        theta = rng.normal(0.2, 0.5, 40)
        y = theta + rng.normal(size=40)
        shipped = y > 1.0
        total = program_total(y, np.ones(40), shipped, 0.05)
        claimed.append(total.claimed)
        shrunken.append(total.shrunken)
        truth.append(theta[shipped].sum())
        covered += total.ci_lower <= truth[-1] <= total.ci_upper
    assert np.mean(claimed) > 1.8 * np.mean(truth)
    assert abs(np.mean(shrunken) - np.mean(truth)) < 0.15 * np.mean(truth)
    assert covered / 200 > 0.85


def test_a_shrunken_effect_carries_the_error_of_the_mean_it_is_pulled_to() -> None:
    y, v = spread(3)
    s = synthesize(y, v, 0.05)
    # Posterior variance under a flat prior on the mean: of N(mean, tau2) seen through noise v.
    precision = (
        np.diag(1 / v) + (np.eye(len(v)) - np.outer(np.ones(len(v)), np.ones(len(v))) / len(v)) / s.tau2
    )
    want = np.linalg.inv(precision)
    assert s.shrunken_std_error == pytest.approx(np.sqrt(np.diag(want)))
    assert s.shrunken == pytest.approx(want @ (y / v))
    shipped = y > np.median(y)
    total = program_total(y, v, shipped, 0.05)
    assert total.std_error**2 == pytest.approx(shipped @ want @ shipped)


def test_program_total_edges() -> None:
    with pytest.raises(NotEstimable, match="nothing was shipped"):
        program_total([1, 2], [1, 1], [False, False], 0.05)
    with pytest.raises(ValueError):
        program_total([1, 2], [1, 1], [True], 0.05)
    one = program_total([2.0], [0.25], [True], 0.05)
    assert (one.claimed, one.shrunken, one.std_error) == (2.0, 2.0, 0.5)


def test_a_change_of_sign_between_segments_is_tested() -> None:
    plus, minus, p = qualitative([3, -3], [1, 1])
    assert (plus, minus) == (9, 9)
    assert p == pytest.approx(0.5 * math.erfc(3 / math.sqrt(2)))
    assert qualitative([1, 2], [1, 1])[2] == 1
    assert qualitative([0, -2], [1, 1])[:2] == (0, 4)
    for call in (qualitative, homogeneity):
        with pytest.raises(NotEstimable, match="fewer than two"):
            call([1], [1])
        with pytest.raises(NotEstimable, match="without variation"):
            call([1, 2], [1, 0])
        with pytest.raises(ValueError):
            call([1, 2], [1])


def test_gail_and_simon_keep_their_size_at_the_worst_null() -> None:
    rng = np.random.default_rng(7)
    # One effect of 0 and the others far away: the least favorable configuration.
    z = rng.normal(size=(4000, 3)) + np.array([0.0, 8.0, 0.0])
    rate = np.mean([qualitative(row, [1, 1, 1])[2] < 0.05 for row in z])
    assert abs(rate - 0.05) <= 3 * math.sqrt(0.05 * 0.95 / 4000)


def test_james_stein_edges() -> None:
    factor, shrunk = james_stein([5.0] * 4, 1.0)
    assert factor == 0 and shrunk == (5.0,) * 4
    assert james_stein([0, 0.1, -0.1, 0.05], 1.0)[0] == 0
    assert james_stein([-1e6, 1e6, 0, 5], 1.0)[0] == pytest.approx(1)
    with pytest.raises(NotEstimable, match="fewer than four"):
        james_stein([1, 2, 3], 1.0)
    with pytest.raises(ValueError):
        james_stein([1, 2, 3, 4], 0.0)
