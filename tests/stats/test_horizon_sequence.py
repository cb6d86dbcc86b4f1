"""The sequence that is short up to a declared end: its chances, its error, its p-value."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.confidence_sequence import confidence_sequence, mixture_scale
from loyalty_exp.stats.crossing import crossing
from loyalty_exp.stats.horizon_sequence import (
    CHANCES,
    RESERVE,
    TUNED,
    horizon_sequence,
    log_chance,
    log_level,
)


def chance(level: float, looks: int) -> float:
    """Chance to cross the mixture's curve at one of many looks before the end."""
    t = np.arange(1, looks + 1) / looks
    v = TUNED * t
    curve = np.sqrt((1 + 1 / v) * (np.log1p(v) - 2 * math.log(level)))
    found = crossing(t.tolist(), curve.tolist(), (-curve).tolist())
    return sum(found.upper) + sum(found.lower)


@pytest.mark.parametrize("level", [0.5, 0.15, 0.01, 1e-4])
def test_the_chances_are_those_of_recursive_integration(level: float) -> None:
    few, many = chance(level, 64), chance(level, 256)
    tabled = dict(CHANCES)[level]
    assert few < many < tabled
    assert 2 * many - few == pytest.approx(tabled, rel=0.05)  # 256 looks; the table has 1,600


def test_between_and_beyond_the_entries_the_chance_is_not_understated() -> None:
    for level in (0.35, 0.13, 0.03, 3e-3):
        few, many = chance(level, 64), chance(level, 256)
        assert math.exp(log_chance(math.log(level))) > (2 * many - few) * 0.97
    slopes = np.diff([math.log(c) for _, c in CHANCES]) / np.diff([math.log(x) for x, _ in CHANCES])
    assert (np.diff(slopes) < 0).all() and slopes[-1] > 1  # convex, and steeper than what lies beyond


@pytest.mark.parametrize("x", [-0.05, -0.7, -2.0, -10.0, -100.0, -1e5])
def test_level_and_chance_undo_each_other(x: float) -> None:
    assert log_chance(log_level(x)) == pytest.approx(x, rel=1e-12)
    assert log_level(log_chance(x)) == pytest.approx(x, rel=1e-12)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("n", [20, 500, 1_000, 1_001, 5_000])
def test_p_is_below_alpha_exactly_when_the_interval_leaves_zero_out(alpha: float, n: int) -> None:
    half = horizon_sequence(0.0, 1.0, n, 1_000, alpha).ci_upper
    for factor, out in ((0.999, False), (1.001, True)):
        found = horizon_sequence(half * factor, 1.0, n, 1_000, alpha)
        assert (found.ci_lower > 0) == (found.p_value < alpha) == out


def test_far_out_the_logarithm_stays_finite() -> None:
    found = horizon_sequence(100.0, 1.0, 500, 1_000, 0.05)
    assert found.p_value == 0 and -5_000 < found.log_p_value < -700
    assert horizon_sequence(0.0, 1.0, 500, 1_000, 0.05).p_value == 1


def test_it_is_shorter_than_the_mixture_toward_the_end_and_longer_after_it() -> None:
    rho = mixture_scale(10_000, 0.05)
    for n, shorter in ((1_000, False), (6_000, True), (10_000, True), (20_000, True), (20_001, False)):
        mixture = confidence_sequence(0.0, 1.0, n, 0.05, rho).ci_upper
        assert (horizon_sequence(0.0, 1.0, n, 20_000, 0.05).ci_upper < mixture) == shorter


def test_the_error_is_kept_at_all_looks_before_and_after_the_end() -> None:
    """A look after every hundredth of the way, and on to ten times the end: 12,000 walks."""
    rng, runs = np.random.default_rng(31), 12_000
    t = np.concatenate([np.arange(1, 101) / 100, np.geomspace(1.02, 10, 60)])
    steps = np.sqrt(np.diff(t, prepend=0.0))
    walks = np.cumsum(rng.standard_normal((runs, len(t))) * steps, axis=1) / np.sqrt(t)
    z = np.array([horizon_sequence(0.0, 1.0, 1e6 * x, 1e6, 0.05).ci_upper for x in t])
    out = np.abs(walks) >= z
    mcse = math.sqrt(0.045 * 0.955 / runs)
    before = out[:, :100].any(axis=1).mean()
    assert 0.030 < before < (1 - RESERVE) * 0.05 + 3.3 * mcse
    assert out.any(axis=1).mean() < 0.05 + 3.3 * mcse


def test_what_cannot_be_is_refused() -> None:
    for call in (
        lambda: horizon_sequence(0, 0.0, 10, 100, 0.05),
        lambda: horizon_sequence(0, 1.0, 1, 100, 0.05),
    ):
        with pytest.raises(NotEstimable):
            call()
    for horizon, alpha in ((0, 0.05), (math.inf, 0.05), (100, 0.0), (100, 1.0)):
        with pytest.raises(ValueError):
            horizon_sequence(0, 1.0, 10, horizon, alpha)
