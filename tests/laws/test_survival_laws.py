"""Laws of time to repurchase that hold for all data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.competing_risks import cause_counts, cumulative_incidence
from loyalty_exp.stats.event_counts import EventCounts, event_counts, grouped_counts, merge_counts
from loyalty_exp.stats.hazard_ratio import hazard_ratio, proportional_hazards
from loyalty_exp.stats.horizon_rate import mature_rate_at_horizon, rate_at_horizon
from loyalty_exp.stats.log_rank import log_rank, stratified_log_rank
from loyalty_exp.stats.restricted_mean import restricted_mean, restricted_mean_difference
from loyalty_exp.stats.survival import kaplan_meier, survival_interval

LAW = settings(max_examples=60, deadline=None, derandomize=True)
ALPHAS = st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.2])
WEIGHTS = ["log_rank", "peto_peto"]
Rows = tuple[np.ndarray, np.ndarray]


@st.composite
def rows(draw: st.DrawFn, censoring: bool = True) -> Rows:
    """Whole days with many ties, or fractional ones."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(4, 60))
    days = rng.integers(0, draw(st.sampled_from([4, 20, 90])), n) + draw(st.sampled_from([0.0, 0.25]))
    share = draw(st.sampled_from([0.3, 0.7])) if censoring else 1.0
    return days, (rng.random(n) < share).astype(int)


def counts(of: Rows) -> EventCounts:
    return event_counts(*of)


def alike(a: EventCounts, b: EventCounts) -> bool:
    return all(getattr(a, k).tolist() == getattr(b, k).tolist() for k in ("time", "events", "censored"))


def last_common(t: EventCounts, c: EventCounts) -> float:
    tau = min(t.last_follow_up, c.last_follow_up)
    assume(tau > 0)
    return tau


def estimated(call, *args):
    """Value, or the reason there is none."""
    try:
        return call(*args)
    except NotEstimable as why:
        return str(why)


@LAW
@given(t=rows(), c=rows(), alpha=ALPHAS)
def test_swapping_the_arms_mirrors_the_answer(t, c, alpha) -> None:
    t, c = counts(t), counts(c)
    tau = last_common(t, c)
    for call in (rate_at_horizon, lambda a, b, h, alpha: restricted_mean_difference(a, b, alpha, h)):
        a, b = call(t, c, tau, alpha).difference, call(c, t, tau, alpha).difference
        assert (a.estimate, a.ci_lower, a.p_value) == pytest.approx((-b.estimate, -b.ci_upper, b.p_value))
    for weights in WEIGHTS:
        a, b = estimated(log_rank, t, c, weights), estimated(log_rank, c, t, weights)
        if isinstance(a, str):
            assert a == b
            continue
        assert (a.statistic, a.variance) == pytest.approx((b.statistic, b.variance), abs=1e-9)
        assert a.observed - a.expected == pytest.approx(b.expected - b.observed, abs=1e-9)


@LAW
@given(t=rows(), c=rows(), ties=st.sampled_from(["efron", "breslow"]))
def test_swapping_the_arms_inverts_the_hazard_ratio(t, c, ties) -> None:
    t, c = counts(t), counts(c)
    a, b = estimated(hazard_ratio, t, c, 0.05, ties), estimated(hazard_ratio, c, t, 0.05, ties)
    if isinstance(a, str):
        assert isinstance(b, str)
        return
    assert a.log_ratio.estimate == pytest.approx(-b.log_ratio.estimate, abs=1e-7)
    assert a.ratio * b.ratio == pytest.approx(1, rel=1e-6)
    assert a.log_ratio.std_error == pytest.approx(b.log_ratio.std_error, rel=1e-6)
    assert a.log_likelihood == pytest.approx(b.log_likelihood, rel=1e-9, abs=1e-9)
    if abs(a.log_ratio.estimate) > 1e-9:
        assert a.concordance == pytest.approx(b.concordance)
    drift, mirrored = estimated(proportional_hazards, t, c, ties), estimated(proportional_hazards, c, t, ties)
    if isinstance(drift, str):
        assert drift == mirrored
        return
    assert drift.statistic == pytest.approx(mirrored.statistic, rel=1e-5, abs=1e-8)


@LAW
@given(of=rows(censoring=False), share=st.floats(0.05, 1.5))
def test_without_censoring_the_curve_is_the_share_and_the_mean_is_the_mean(of, share) -> None:
    days = of[0]
    arm, tau = counts(of), share * days.max()
    assume(tau > 0)
    n, p = len(days), float(np.mean(days > tau))
    assert kaplan_meier(arm).at(tau) == pytest.approx((p, math.sqrt(p * (1 - p) / n)), rel=1e-9, abs=1e-12)
    cut = np.minimum(days, tau)
    found = restricted_mean(arm, tau)
    assert found.estimate == pytest.approx(cut.mean(), rel=1e-12)
    assert found.variance == pytest.approx(cut.var() / n, rel=1e-9, abs=1e-12 * tau**2)


@LAW
@given(of=rows(), seed=st.integers(0, 999), parts=st.integers(1, 5))
def test_merging_any_grouping_in_any_order_changes_nothing(of, seed, parts) -> None:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(of[0]))
    label = rng.integers(0, parts, len(of[0]))
    whole = counts(of)
    assert alike(counts((of[0][order], of[1][order])), whole)
    pieces = [event_counts(of[0][label == k], of[1][label == k]) for k in rng.permutation(parts)]
    assert alike(merge_counts(pieces), whole)
    assert alike(grouped_counts(of[0][order], of[1][order], 1 - of[1][order]), whole)


@LAW
@given(t=rows(), c=rows())
def test_every_unit_twice_halves_the_variance(t, c) -> None:
    t, c = counts(t), counts(c)
    tau = last_common(t, c)
    for call in (rate_at_horizon, lambda a, b, h, alpha: restricted_mean_difference(a, b, alpha, h)):
        once, twice = call(t, c, tau, 0.05).difference, call(t + t, c + c, tau, 0.05).difference
        assert twice.estimate == pytest.approx(once.estimate, rel=1e-9, abs=1e-12)
        assert twice.std_error**2 == pytest.approx(once.std_error**2 / 2, rel=1e-9, abs=1e-15)
    once, twice = (estimated(hazard_ratio, *arms, 0.05, "breslow") for arms in ((t, c), (t + t, c + c)))
    if not isinstance(once, str):
        assert twice.log_ratio.estimate == pytest.approx(once.log_ratio.estimate, abs=1e-7)
        assert twice.log_ratio.std_error**2 == pytest.approx(once.log_ratio.std_error**2 / 2, rel=1e-6)


@LAW
@given(t=rows(), c=rows(), alpha=ALPHAS)
def test_p_is_below_alpha_exactly_when_the_interval_excludes_no_effect(t, c, alpha) -> None:
    t, c = counts(t), counts(c)
    tau = last_common(t, c)
    found = [
        rate_at_horizon(t, c, tau, alpha).difference,
        restricted_mean_difference(t, c, alpha, tau).difference,
    ]
    ratio = estimated(hazard_ratio, t, c, alpha)
    if not isinstance(ratio, str):
        found.append(ratio.log_ratio)
        excludes_one = not ratio.ci_lower <= 1 <= ratio.ci_upper
        assert (ratio.log_ratio.p_value < alpha) == excludes_one
    for d in found:
        if d.p_value is not None:
            assert (d.p_value < alpha) == (not d.ci_lower <= 0 <= d.ci_upper)
            assert d.log_p_value == pytest.approx(math.log(d.p_value), abs=1e-9)


@LAW
@given(t=rows(), c=rows(), weights=st.sampled_from(WEIGHTS))
def test_one_stratum_is_the_plain_test_and_strata_add_up(t, c, weights) -> None:
    t, c = counts(t), counts(c)
    plain = estimated(log_rank, t, c, weights)
    assume(not isinstance(plain, str))
    assert stratified_log_rank([(t, c)], weights) == plain
    nobody = grouped_counts([], [], [])
    assert stratified_log_rank([(t, c), (t, nobody)], weights) == plain
    double = stratified_log_rank([(t, c), (t, c)], weights)
    assert double.statistic == pytest.approx(2 * plain.statistic, rel=1e-9, abs=1e-12)


@LAW
@given(of=rows(), alpha=ALPHAS, scale=st.sampled_from(["plain", "log", "log_log"]))
def test_limits_hold_the_curve_and_widen_with_confidence(of, alpha, scale) -> None:
    curve = kaplan_meier(counts(of))
    assert (np.diff(curve.survival) <= 0).all()
    lower, upper = survival_interval(curve, alpha, scale)
    wide_lower, wide_upper = survival_interval(curve, alpha / 2, scale)
    assert (wide_lower <= lower + 1e-12).all()
    assert (lower <= curve.survival + 1e-12).all()
    assert (curve.survival <= upper + 1e-12).all()
    assert (upper <= wide_upper + 1e-12).all()
    assert ((lower >= 0) & (upper <= 1)).all()


@LAW
@given(t=rows(), c=rows(), factor=st.sampled_from([0.5, 2.0, 7.0, 1e6]))
def test_only_the_unit_of_time_changes_when_days_become_hours(t, c, factor) -> None:
    a, b = (counts((x[0] * factor, x[1])) for x in (t, c))
    t, c = counts(t), counts(c)
    tau = last_common(t, c)
    assert rate_at_horizon(a, b, tau * factor, 0.05).difference == rate_at_horizon(t, c, tau, 0.05).difference
    assert estimated(log_rank, a, b) == estimated(log_rank, t, c)
    before = restricted_mean_difference(t, c, 0.05, tau).difference
    after = restricted_mean_difference(a, b, 0.05, tau * factor).difference
    assert after.estimate == pytest.approx(before.estimate * factor, rel=1e-9, abs=1e-9 * factor)
    assert after.std_error == pytest.approx(before.std_error * factor, rel=1e-9)


@LAW
@given(of=rows(censoring=False), other=rows(censoring=False), horizon=st.integers(1, 80))
def test_mature_units_read_by_censoring_give_the_same_rates(of, other, horizon) -> None:
    t, c = counts(of), counts(other)
    by_censoring = rate_at_horizon(t, c, horizon, 0.05)
    mature = mature_rate_at_horizon(t, c, horizon, 0.05)
    assert by_censoring.difference.estimate == pytest.approx(mature.difference.estimate, abs=1e-12)
    assert by_censoring.difference.std_error == pytest.approx(mature.difference.std_error, abs=1e-7)


@LAW
@given(of=rows(), seed=st.integers(0, 999), share=st.floats(0.1, 1.0))
def test_shares_by_cause_and_of_the_rest_add_up_to_1(of, seed, share) -> None:
    cause = of[1] * np.random.default_rng(seed).integers(1, 4, len(of[0]))
    names = ("repurchase", "opt_out", "closed")
    by_cause, time = cause_counts(of[0], cause, names), share * of[0].max()
    found = [cumulative_incidence(by_cause, name, time) for name in names]
    assert sum(f.estimate for f in found) + kaplan_meier(counts(of)).at(time)[0] == pytest.approx(1)
    for f, name in zip(found, names, strict=True):
        twice = cumulative_incidence(by_cause + by_cause, name, time)
        assert twice.estimate == pytest.approx(f.estimate)
        assert twice.std_error**2 == pytest.approx(f.std_error**2 / 2, rel=1e-6, abs=1e-14)
        ignoring = 1 - kaplan_meier(by_cause.as_if_censored(name)).at(time)[0]
        assert f.estimate <= ignoring + 1e-12
