"""The band around an effect that sums up over time: all times together, or it is no band."""

from __future__ import annotations

import numpy as np
import pytest

from loyalty_exp.stats.confidence_sequence import confidence_sequence, mixture_scale, running_sequence
from loyalty_exp.stats.distributions import normal_quantile

ALPHA = 0.05
RUNS, TIMES, UNITS = 1_500, 26, 100


def runs(rng, habit, taken_back):
    """Estimate and error of running sums without an effect.

    `habit` ties the days of a unit together; `taken_back` is the part of its first ten days that the other
    days lose.
    """
    level = rng.gamma(1.0, 1.0, (RUNS, 2, UNITS, 1)) * habit
    daily = rng.standard_normal((RUNS, 2, UNITS, TIMES)) + level
    daily[..., 10:] -= taken_back / (TIMES - 10) * daily[..., :10].sum(axis=3, keepdims=True)
    sums = daily.cumsum(axis=3)
    gap = sums[:, 0].mean(axis=1) - sums[:, 1].mean(axis=1)
    error = np.sqrt(sums.var(axis=2, ddof=1).sum(axis=1) / UNITS)
    return gap, error


@pytest.mark.parametrize(("habit", "taken_back"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.9)])
def test_band_holds_at_all_times_together_and_intervals_of_each_time_do_not(habit, taken_back):
    gap, error = runs(np.random.default_rng(20), habit, taken_back)
    held = sum(
        all(b.ci_lower <= 0 <= b.ci_upper for b in running_sequence(list(x), list(e), ALPHA))
        for x, e in zip(gap, error, strict=True)
    )
    alone = (np.abs(gap) <= normal_quantile(1 - ALPHA / 2) * error).all(axis=1).sum()
    least = np.ceil(RUNS * (1 - ALPHA) - 3.3 * np.sqrt(RUNS * ALPHA * (1 - ALPHA)))
    assert held >= least
    assert alone < least


def test_where_the_variance_is_largest_it_is_the_sequence_tuned_for_that_many_units():
    found = running_sequence([1.0, 2.0, 3.0], [0.5, 2.0, 1.0], ALPHA)[1]
    tuned = confidence_sequence(2.0, 2.0, 640, ALPHA, mixture_scale(640, ALPHA))
    assert (found.ci_lower, found.ci_upper) == pytest.approx((tuned.ci_lower, tuned.ci_upper))
    assert found.log_p_value == pytest.approx(tuned.log_p_value)


def test_width_follows_the_boundary_of_robbins():
    """Half-width squared is (V + s) log((V + s) / (s alpha^2)), at the variance V and the scale s."""
    errors = [0.3, 0.9, 1.7]
    scale = errors[-1] ** 2 / (-2 * np.log(ALPHA) + np.log1p(-2 * np.log(ALPHA)))
    for error, found in zip(errors, running_sequence([0.0] * 3, errors, ALPHA), strict=True):
        total = error**2 + scale
        assert found.ci_upper == pytest.approx(np.sqrt(total * np.log(total / (scale * ALPHA**2))))


def test_before_anything_varies_there_is_no_band():
    assert running_sequence([0.0, 0.0], [0.0, 0.0], ALPHA) == (None, None)
    first, second = running_sequence([-1.0, 2.0], [0.0, 1.0], ALPHA)
    assert first is None and second is not None
    assert running_sequence([], [], ALPHA) == ()


def test_scale_of_money_does_not_matter():
    one = running_sequence([1.0, -2.0], [0.4, 0.8], ALPHA)
    cents = running_sequence([100.0, -200.0], [40.0, 80.0], ALPHA)
    for a, b in zip(one, cents, strict=True):
        assert b.ci_lower == pytest.approx(100 * a.ci_lower)
        assert b.p_value == pytest.approx(a.p_value)
