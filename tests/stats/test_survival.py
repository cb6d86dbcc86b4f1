"""Time to repurchase: edges of the data, agreement with statsmodels, and a simulation with known truth."""

from __future__ import annotations

import math
import subprocess
import sys
import time as clock

import numpy as np
import pytest

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.competing_risks import (
    cause_counts,
    cumulative_incidence,
    grouped_cause_counts,
    incidence_difference,
)
from loyalty_exp.stats.cox import cox
from loyalty_exp.stats.event_counts import EventCounts, event_counts, grouped_counts, merge_counts
from loyalty_exp.stats.hazard_ratio import hazard_ratio, proportional_hazards
from loyalty_exp.stats.horizon_rate import mature_rate_at_horizon, rate_at_horizon
from loyalty_exp.stats.log_rank import log_rank, stratified_log_rank
from loyalty_exp.stats.restricted_mean import restricted_mean, restricted_mean_difference
from loyalty_exp.stats.survival import kaplan_meier, median_time, survival_interval

NOBODY = grouped_counts([], [], [])


def arm(seed: int, n: int = 120, scale: float = 30.0, last: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Days and events with ties and staggered censoring."""
    rng = np.random.default_rng(seed)
    event_day = np.ceil(rng.exponential(scale, n))
    end = rng.integers(last // 2, last + 1, n)
    return np.minimum(event_day, end), (event_day <= end).astype(int)


T_ROWS, C_ROWS = arm(1, scale=22.0), arm(2)
T, C = event_counts(*T_ROWS), event_counts(*C_ROWS)
BOTH_TIME, BOTH_EVENT = (np.concatenate([t, c]) for t, c in zip(T_ROWS, C_ROWS, strict=True))
GROUP = np.repeat([1, 0], [len(T_ROWS[0]), len(C_ROWS[0])])


# Counts


def test_at_equal_times_events_come_before_censorings() -> None:
    counts = event_counts([5, 5, 8, 8], [1, 0, 0, 1])
    assert counts.at_risk.tolist() == [4, 2]
    assert kaplan_meier(counts).survival.tolist() == [0.75, 0.375]


def test_grouped_rows_in_any_order_are_the_same_as_units() -> None:
    grouped = grouped_counts([8, 5, 9, 8], [0, 1, 0, 1], [1, 1, 0, 0])
    assert grouped.time.tolist() == [5, 8]
    assert (grouped.events.tolist(), grouped.censored.tolist()) == ([1, 1], [1, 1])


@pytest.mark.parametrize(
    ("time", "events", "censored"),
    [
        ([2, 1], [1, 1], [0, 0]),
        ([1, 1], [1, 1], [0, 0]),
        ([-1, 2], [1, 1], [0, 0]),
        ([1, math.nan], [1, 1], [0, 0]),
        ([1, math.inf], [1, 1], [0, 0]),
        ([1, 2], [1, -1], [0, 2]),
        ([1, 2], [1, 0.5], [0, 0]),
        ([1, 2], [1, 0], [0, 0]),
        ([1, 2], [1], [0, 0]),
    ],
)
def test_counts_that_no_data_can_have_are_refused(time, events, censored) -> None:
    with pytest.raises(ValueError, match=r"times|counts"):
        EventCounts(np.array(time, float), np.array(events), np.array(censored))


@pytest.mark.parametrize("event", [[1, 2], [0.5, 1], [math.nan, 0]])
def test_an_event_is_0_or_1(event) -> None:
    with pytest.raises(ValueError, match="0 or 1"):
        event_counts([1, 2], event)


def test_counts_cannot_be_changed_behind_their_back() -> None:
    days = np.array([1.0, 2.0])
    counts = EventCounts(days, np.array([1, 1]), np.array([0, 0]))
    days[0] = 99
    assert counts.time[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        counts.events[0] = 7


def test_an_empty_set_adds_nothing() -> None:
    for merged in (T + NOBODY, NOBODY + T, merge_counts([T])):
        assert merged.at_risk.tolist() == T.at_risk.tolist()
    assert merge_counts([]).n == 0


# Agreement with statsmodels


def test_curve_agrees_with_statsmodels() -> None:
    from statsmodels.duration.survfunc import SurvfuncRight

    peer = SurvfuncRight(*T_ROWS)
    curve = kaplan_meier(T)
    at = np.searchsorted(curve.time, peer.surv_times)
    assert curve.survival[at] == pytest.approx(peer.surv_prob, rel=1e-12)
    assert curve.std_error[at] == pytest.approx(peer.surv_prob_se, rel=1e-12)
    assert curve.at_risk[at] == pytest.approx(peer.n_risk)


@pytest.mark.parametrize(
    ("weights", "options"), [("log_rank", {}), ("peto_peto", {"weight_type": "fh", "fh_p": 1})]
)
def test_log_rank_agrees_with_statsmodels(weights, options) -> None:
    from statsmodels.duration.survfunc import survdiff

    found = log_rank(T, C, weights)
    assert (found.statistic, found.p_value) == pytest.approx(
        survdiff(BOTH_TIME, BOTH_EVENT, GROUP, **options), rel=1e-10
    )


def test_stratified_log_rank_agrees_with_statsmodels() -> None:
    from statsmodels.duration.survfunc import survdiff

    stratum = np.arange(len(GROUP)) % 3
    pairs = []
    for s in range(3):
        masks = [(stratum == s) & (g == GROUP) for g in (1, 0)]
        pairs.append(tuple(event_counts(BOTH_TIME[m], BOTH_EVENT[m]) for m in masks))
    found = stratified_log_rank(pairs)
    peer = survdiff(BOTH_TIME, BOTH_EVENT, GROUP, strata=stratum)
    assert (found.statistic, found.p_value) == pytest.approx(peer, rel=1e-10)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_counts_and_rows_give_the_same_hazard_ratio(ties) -> None:
    by_counts = hazard_ratio(T, C, 0.05, ties)
    by_rows = cox(BOTH_TIME, BOTH_EVENT, {"arm": GROUP}, 0.05, ties)
    got, peer = by_counts.log_ratio, by_rows.log_ratio("arm")
    assert (got.estimate, got.std_error, got.ci_lower, got.p_value) == pytest.approx(
        (peer.estimate, peer.std_error, peer.ci_lower, peer.p_value), rel=1e-8
    )
    assert by_counts.log_likelihood == pytest.approx(by_rows.log_likelihood, rel=1e-10)


def test_score_test_of_breslow_without_ties_is_the_log_rank_test() -> None:
    rng = np.random.default_rng(3)
    t, c = (event_counts(rng.exponential(s, 80), rng.integers(0, 2, 80)) for s in (1.0, 1.4))
    assert hazard_ratio(t, c, 0.05, "breslow").score_statistic == pytest.approx(log_rank(t, c).statistic)


def test_covariates_far_from_zero_do_not_disturb_the_fit() -> None:
    age = np.random.default_rng(4).normal(40, 10, len(GROUP))
    near = cox(BOTH_TIME, BOTH_EVENT, {"arm": GROUP, "age": age}, 0.05)
    far = cox(BOTH_TIME, BOTH_EVENT, {"arm": GROUP, "age": age + 1e7}, 0.05)
    assert far.log_ratio("arm").estimate == pytest.approx(near.log_ratio("arm").estimate, rel=1e-5)
    assert far.log_ratio("age").std_error == pytest.approx(near.log_ratio("age").std_error, rel=1e-5)


# Edges


def test_median_is_the_middle_of_a_step_at_one_half() -> None:
    assert median_time(kaplan_meier(event_counts([1, 2, 3, 4], [1] * 4)), 0.05).estimate == 2.5
    assert median_time(kaplan_meier(event_counts([1, 2, 3], [1, 0, 0])), 0.05).estimate is None


@pytest.mark.parametrize("scale", ["plain", "log", "log_log"])
def test_limits_stay_in_bounds_where_the_curve_is_1_or_0(scale) -> None:
    curve = kaplan_meier(event_counts([1, 2, 3, 4], [0, 1, 1, 1]))
    lower, upper = survival_interval(curve, 0.05, scale)
    assert (lower[0], upper[0]) == (1, 1)
    assert lower[-1] == 0
    assert upper[-1] == upper[-2] > 0
    assert ((lower >= 0) & (lower <= curve.survival) & (curve.survival <= upper) & (upper <= 1)).all()
    one = survival_interval(kaplan_meier(event_counts([3], [1])), 0.05, scale)
    assert (one[0].tolist(), one[1].tolist()) == ([0.0], [1.0])


def test_an_arm_without_units_is_a_reason() -> None:
    calls = [
        lambda t, c: rate_at_horizon(t, c, 10, 0.05),
        lambda t, c: mature_rate_at_horizon(t, c, 10, 0.05),
        lambda t, c: restricted_mean_difference(t, c, 0.05),
        log_rank,
        lambda t, c: hazard_ratio(t, c, 0.05),
        proportional_hazards,
    ]
    for call in calls:
        with pytest.raises(NotEstimable, match="no units in the control arm"):
            call(T, NOBODY)
        with pytest.raises(NotEstimable, match="no units in the treatment arm"):
            call(NOBODY, C)
    with pytest.raises(NotEstimable, match="no units"):
        kaplan_meier(NOBODY)


def test_beyond_follow_up_is_a_reason() -> None:
    short = event_counts([5, 9, 10], [1, 0, 0])
    with pytest.raises(NotEstimable, match="follow-up of the treatment arm ends on day 10, before day 30"):
        rate_at_horizon(short, C, 30, 0.05)
    with pytest.raises(NotEstimable, match="follow-up of the control arm ends on day 10, before day 30"):
        restricted_mean_difference(T, short, 0.05, 30)
    assert restricted_mean_difference(T, short, 0.05).treated.tau == 10
    with pytest.raises(NotEstimable, match="ends on day 10"):
        kaplan_meier(short).at(10.5)
    by_cause = cause_counts([5, 9, 10], [1, 2, 0], ("repurchase", "opt_out"))
    with pytest.raises(NotEstimable, match="ends on day 10"):
        cumulative_incidence(by_cause, "repurchase", 11)


def test_when_everybody_has_repurchased_the_future_is_known() -> None:
    done = event_counts([2, 4], [1, 1])
    assert kaplan_meier(done).at(1e6) == (0.0, 0.0)
    assert restricted_mean(done, 100).estimate == pytest.approx(3)
    assert rate_at_horizon(done, C, 30, 0.05).rate_treated == 1


def test_nothing_varies_so_there_is_no_test() -> None:
    quiet, done = event_counts([60] * 5, [0] * 5), event_counts([1] * 5, [1] * 5)
    found = rate_at_horizon(done, quiet, 60, 0.05)
    assert (found.difference.estimate, found.difference.p_value, found.z) == (1, None, None)
    both = restricted_mean_difference(quiet, quiet, 0.05)
    assert (both.difference.estimate, both.difference.std_error, both.difference.p_value) == (0, 0, None)
    with pytest.raises(NotEstimable, match="while both arms were at risk"):
        log_rank(quiet, quiet)


def test_an_arm_without_events_still_differs() -> None:
    quiet, busy = event_counts([60] * 60, [0] * 60), event_counts([9] * 30 + [60] * 20, [1] * 30 + [0] * 20)
    assert log_rank(busy, quiet).p_value < 1e-9
    assert rate_at_horizon(busy, quiet, 60, 0.05).difference.estimate == pytest.approx(0.6)
    assert mature_rate_at_horizon(busy, quiet, 60, 0.05).difference.p_value < 1e-9
    with pytest.raises(NotEstimable, match="no event in the control arm while both"):
        hazard_ratio(busy, quiet, 0.05)


def test_units_that_cannot_be_compared_have_no_concordance() -> None:
    arm_ = event_counts([1, 2, 2], [0, 1, 1])
    found = hazard_ratio(arm_, arm_, 0.05)
    assert (found.ratio, found.concordance) == (1, None)


def test_one_unit_an_arm() -> None:
    t, c = event_counts([3], [1]), event_counts([5], [1])
    assert log_rank(t, c).statistic == pytest.approx(1.0)
    assert restricted_mean_difference(t, c, 0.05).difference.estimate == 0
    with pytest.raises(NotEstimable, match="no event in the control arm"):
        hazard_ratio(t, c, 0.05)


def test_events_on_the_day_of_entry_count() -> None:
    counts = event_counts([0, 0, 10, 10], [1, 0, 1, 0])
    assert kaplan_meier(counts).at(0)[0] == 0.75
    assert restricted_mean(counts, 10).estimate == pytest.approx(7.5)
    with pytest.raises(NotEstimable, match="no time"):
        restricted_mean_difference(event_counts([0], [1]), counts, 0.05)


@pytest.mark.parametrize("value", [-1.0, math.nan])
def test_impossible_horizons_are_programmer_errors(value) -> None:
    for call in (rate_at_horizon, mature_rate_at_horizon):
        with pytest.raises(ValueError, match="not negative"):
            call(T, C, value, 0.05)
    with pytest.raises(ValueError, match="tau"):
        restricted_mean(T, value)


def test_unknown_options_are_programmer_errors() -> None:
    with pytest.raises(ValueError, match="weights"):
        log_rank(T, C, "gehan")
    with pytest.raises(ValueError, match="ties"):
        hazard_ratio(T, C, 0.05, "exact")
    with pytest.raises(ValueError, match="scale"):
        survival_interval(kaplan_meier(T), 0.05, "arcsine")


def test_all_information_on_one_day_says_nothing_of_a_drift() -> None:
    t, c = (event_counts([5] * k + [9] * 5, [1] * k + [0] * 5) for k in (3, 2))
    assert hazard_ratio(t, c, 0.05).ratio > 1
    with pytest.raises(NotEstimable, match="one day"):
        proportional_hazards(t, c)


def test_crossing_hazards_are_noticed_and_proportional_ones_are_not() -> None:
    rng = np.random.default_rng(5)
    early, late, same = rng.weibull(0.5, 800), rng.weibull(2.0, 800), rng.weibull(2.0, 800)
    ones = np.ones(800, int)
    t, c, d = (event_counts(x, ones) for x in (early, late, same * 0.8))
    assert proportional_hazards(t, c).p_value < 1e-6
    assert proportional_hazards(d, c).p_value > 0.01


def test_cox_gives_reasons() -> None:
    ones, age = np.ones(len(GROUP)), np.arange(len(GROUP)) % 17
    for covariates, reason in (
        ({"arm": GROUP, "x": ones}, "the same for all units"),
        ({"arm": GROUP, "age": age, "twice": 2 * age + 1}, "collinear"),
    ):
        with pytest.raises(NotEstimable, match=reason):
            cox(BOTH_TIME, BOTH_EVENT, covariates, 0.05)
    with pytest.raises(NotEstimable, match="no event"):
        cox(BOTH_TIME, 0 * BOTH_EVENT, {"arm": GROUP}, 0.05)
    with pytest.raises(NotEstimable, match=r"no maximum|separate"):
        cox(np.arange(1, 41), np.ones(40), {"x": np.repeat([1, 0], 20)}, 0.05)
    with pytest.raises(ValueError, match="as many values"):
        cox(BOTH_TIME, BOTH_EVENT, {"arm": GROUP[1:]}, 0.05)


# Mature units beside censoring


def test_a_unit_censored_before_the_horizon_is_not_mature() -> None:
    with pytest.raises(ValueError, match="mature"):
        mature_rate_at_horizon(T, C, 40, 0.05)


def test_both_readings_agree_when_everybody_is_mature() -> None:
    t, c = (grouped_counts([3, 20, 30], k, [0, 0, 40]) for k in ([5, 9, 2], [4, 6, 1]))
    censored, mature = rate_at_horizon(t, c, 30, 0.05), mature_rate_at_horizon(t, c, 30, 0.05)
    assert censored.rate_treated == pytest.approx(mature.rate_treated)
    assert censored.difference.estimate == pytest.approx(mature.difference.estimate)
    assert censored.difference.std_error == pytest.approx(mature.difference.std_error)


def test_a_reading_that_is_missing_carries_its_reason() -> None:
    for read in (rate_at_horizon, mature_rate_at_horizon):
        with pytest.raises(NotEstimable, match="no units in the treatment arm"):
            read(NOBODY, C, 30, 0.05)
    with pytest.raises(NotEstimable, match="ends on day 9"):
        rate_at_horizon(event_counts([5, 9], [1, 0]), C, 30, 0.05)


# Competing risks


def test_with_one_cause_incidence_is_1_minus_the_curve() -> None:
    by_cause = cause_counts(*T_ROWS, ("repurchase",))
    for t in (5, 20, 30):
        found = cumulative_incidence(by_cause, "repurchase", t)
        survival, std_error = kaplan_meier(T).at(t)
        assert (found.estimate, found.std_error) == pytest.approx((1 - survival, std_error), rel=1e-10)


def test_without_censoring_incidence_is_a_share() -> None:
    rng = np.random.default_rng(6)
    day, cause = rng.integers(1, 30, 200), rng.integers(1, 3, 200)
    by_cause = cause_counts(day, cause, ("repurchase", "opt_out"))
    for t in (10, 29):
        p = float(np.mean((day <= t) & (cause == 1)))
        found = cumulative_incidence(by_cause, "repurchase", t)
        assert (found.estimate, found.std_error) == pytest.approx((p, math.sqrt(p * (1 - p) / 200)), rel=1e-9)


def test_incidences_and_survival_add_up_to_1_and_halves_to_the_whole() -> None:
    rng = np.random.default_rng(7)
    day, cause = rng.integers(0, 30, 300), rng.integers(0, 3, 300)
    names = ("repurchase", "opt_out")
    whole = cause_counts(day, cause, names)
    halves = cause_counts(day[:90], cause[:90], names) + cause_counts(day[90:], cause[90:], names)
    assert halves.events.tolist() == whole.events.tolist()
    assert incidence_difference(whole, halves, "opt_out", 20, 0.05).estimate == 0
    total = sum(cumulative_incidence(whole, name, 20).estimate for name in names)
    assert total + kaplan_meier(event_counts(day, cause > 0)).at(20)[0] == pytest.approx(1)
    naive = 1 - kaplan_meier(whole.as_if_censored("repurchase")).at(20)[0]
    assert naive > cumulative_incidence(whole, "repurchase", 20).estimate


def test_cause_counts_refuse_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="not in the list"):
        cause_counts([1], [3], ("repurchase", "opt_out"))
    with pytest.raises(ValueError, match="by cause and time"):
        grouped_cause_counts(("repurchase",), [1, 2], [[1, 0], [0, 1]], [0, 0])
    with pytest.raises(ValueError, match="different causes"):
        cause_counts([1], [1], ("a",)) + cause_counts([1], [1], ("b",))
    nobody = grouped_cause_counts(("a",), [], np.zeros((1, 0)), [])
    with pytest.raises(NotEstimable, match="no units"):
        cumulative_incidence(nobody, "a", 1)


# Size


def test_a_hundred_million_units_cost_no_more_than_their_days() -> None:
    days = np.arange(1, 91)
    t = grouped_counts(days, np.full(90, 300_000), np.full(90, 255_555))
    c = grouped_counts(days, np.full(90, 250_000), np.full(90, 305_555))
    assert t.n + c.n > 99_000_000
    start = clock.process_time()
    rate, mean = rate_at_horizon(t, c, 60, 0.05), restricted_mean_difference(t, c, 0.05, 60)
    test, ratio = log_rank(t, c), hazard_ratio(t, c, 0.05)
    proportional_hazards(t, c)
    assert clock.process_time() - start < 2
    for p, log_p in (
        (rate.difference.p_value, rate.difference.log_p_value),
        (mean.difference.p_value, mean.difference.log_p_value),
        (test.p_value, test.log_p_value),
        (ratio.log_ratio.p_value, ratio.log_ratio.log_p_value),
    ):
        assert p == 0
        assert -1e8 < log_p < -700
    # A hazard 1.2 times as high on every day, thinned by the same number of exits.
    assert 1.15 < ratio.ratio < 1.25


def test_efron_in_closed_form_equals_the_sum_written_out(monkeypatch) -> None:
    t, c = (grouped_counts([1, 2, 3], d, [0, 10, 900]) for d in ([300, 150, 20], [200, 180, 25]))
    written = hazard_ratio(t, c, 0.05)
    drift = proportional_hazards(t, c)
    monkeypatch.setattr("loyalty_exp.stats.partial_likelihood._MANY_TIES", 10)
    closed = hazard_ratio(t, c, 0.05)
    assert closed.log_ratio.estimate == pytest.approx(written.log_ratio.estimate, rel=1e-9)
    assert closed.log_ratio.std_error == pytest.approx(written.log_ratio.std_error, rel=1e-9)
    assert closed.log_likelihood == pytest.approx(written.log_likelihood, rel=1e-12)
    assert proportional_hazards(t, c).statistic == pytest.approx(drift.statistic, rel=1e-7)


def test_import_brings_no_scipy_and_no_statsmodels() -> None:
    names = "cox competing_risks event_counts hazard_ratio horizon_rate log_rank restricted_mean survival"
    lines = "; ".join(f"import loyalty_exp.stats.{name}" for name in names.split())
    code = f"import sys; {lines}; print(any(m.startswith(('scipy', 'statsmodels')) for m in sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False"


# Simulation with known truth: Weibull times, staggered entry, censoring at the end of the study.

SHAPE, SCALE, ENTRY, END, TAU, UNITS = 1.2, 60.0, 60.0, 120.0, 90.0, 800


def truth(hr: float) -> tuple[float, float]:
    """Rate by day 90 and restricted mean up to day 90."""
    grid = np.linspace(0, TAU, 20_001)
    curve = np.exp(-hr * (grid / SCALE) ** SHAPE)
    return 1 - float(curve[-1]), float(np.trapezoid(curve, grid))


def simulate(hr: float, runs: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    half, out = UNITS // 2, []
    (rate_t, mean_t), (rate_c, mean_c) = truth(hr), truth(1.0)
    rates = np.repeat([hr, 1.0], half)
    day = SCALE * (rng.exponential(size=(runs, UNITS)) / rates) ** (1 / SHAPE)
    follow_up = END - rng.uniform(0, ENTRY, (runs, UNITS))
    seen, came = np.minimum(day, follow_up), day <= follow_up
    naive = came & (seen <= TAU)
    for time, event, share in zip(seen, came, naive, strict=True):
        t, c = event_counts(time[:half], event[:half]), event_counts(time[half:], event[half:])
        rate = rate_at_horizon(t, c, TAU, 0.05).difference
        mean = restricted_mean_difference(t, c, 0.05, TAU).difference
        out.append(
            (
                rate.ci_lower <= rate_t - rate_c <= rate.ci_upper,
                mean.ci_lower <= mean_t - mean_c <= mean.ci_upper,
                log_rank(t, c).p_value < 0.05,
                rate.estimate - (rate_t - rate_c),
                share[half:].mean() - rate_c,
                share[:half].mean() - share[half:].mean() - (rate_t - rate_c),
            )
        )
    names = ("rate_covered", "mean_covered", "rejected", "rate_error", "naive_error", "naive_gap")
    return dict(zip(names, np.array(out, dtype=float).T, strict=True))


RUNS = 1500
BAND = 3.3 * math.sqrt(0.05 * 0.95 / RUNS)


@pytest.mark.parametrize(("hr", "seed"), [(1.0, 11), (1.25, 12)])
def test_intervals_cover_and_the_test_holds_its_level(hr, seed) -> None:
    runs = simulate(hr, RUNS, seed)
    mean = {k: float(v.mean()) for k, v in runs.items()}
    assert abs(mean["rate_covered"] - 0.95) < BAND
    assert abs(mean["mean_covered"] - 0.95) < BAND
    assert abs(mean["rate_error"]) < 3.3 * runs["rate_error"].std() / math.sqrt(RUNS)
    if hr == 1:
        assert abs(mean["rejected"] - 0.05) < BAND
    else:
        assert abs(mean["rejected"] - 0.827) < 3.3 * math.sqrt(0.827 * 0.173 * (1 / RUNS + 1 / 6000))
        assert mean["naive_gap"] > 3.3 * runs["naive_gap"].std() / math.sqrt(RUNS)
    # Negative control: taking units not yet mature for units that did not return makes the rate too small.
    assert mean["naive_error"] < -10 * runs["naive_error"].std() / math.sqrt(RUNS)
