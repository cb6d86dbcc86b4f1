"""Skewness from sums, and the lopsided tails that it predicts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from loyalty_exp.stats.skewness import skewness, tail_excess


def test_any_center_gives_the_same_skewness() -> None:
    x = np.random.default_rng(1).lognormal(3, 1, 5000)
    for center in (0.0, 20.0, x.mean()):
        y = x - center
        found = skewness(len(x), y.mean(), (y**2).sum(), (y**3).sum())
        assert found == pytest.approx(stats.skew(x), rel=1e-9)


def test_what_does_not_vary_has_none() -> None:
    assert skewness(1, 3.0, 9.0, 27.0) is None
    assert skewness(3, 0.1, 0.03, 0.003) is None


def test_alike_arms_are_even_and_swapping_turns_the_sign() -> None:
    assert tail_excess(0.2, 1000, 8.0, 0.2, 1000, 8.0, 0.05) == 0
    a = tail_excess(0.9, 100, 8.0, 0.1, 900, 8.0, 0.05)
    assert a < 0
    assert tail_excess(0.1, 900, 8.0, 0.9, 100, 8.0, 0.05) == pytest.approx(-a)


def test_it_foretells_the_false_losers_of_a_small_treated_arm() -> None:
    """Study V01, last row: 10 % of 20,000 units treated, skewness 22; upper tail .0083, lower tail .0587."""
    p, mu, sigma = 0.08, 3.2, 1.1
    m1, m2, m3 = (p * np.exp(k * mu + k * k * sigma**2 / 2) for k in (1, 2, 3))
    variance = m2 - m1**2
    skew = (m3 - 3 * m1 * m2 + 2 * m1**3) / variance**1.5
    excess = tail_excess(variance / 2_000, 2_000, skew, variance / 18_000, 18_000, skew, 0.05)
    assert 0.025 - excess == pytest.approx(0.0587, abs=0.006)
    assert abs(excess) > 0.01
