"""Value over a horizon: observed, assumed, and the doubt about what was assumed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loyalty_exp.economics.horizon import Persistence, horizon_value

FLAT = [Persistence(0.0, 0.5), Persistence(1.0, 0.5)]


def test_full_persistence_repeats_the_last_effect() -> None:
    found = horizon_value([2.0, 1.0], np.zeros((2, 2)), 0.0, 3, [Persistence(1.0, 1.0)], 0.05)
    assert found.mixture.estimate == pytest.approx(2 + 1 + 3)
    assert found.extrapolated_share == pytest.approx(0.5)


def test_the_tail_is_discounted_from_the_start_not_from_its_own_beginning() -> None:
    found = horizon_value([1.0, 1.0], np.zeros((2, 2)), 1.0, 1, [Persistence(1.0, 1.0)], 0.05)
    assert found.mixture.estimate == pytest.approx(1 / 2 + 1 / 4 + 1 / 8)


def test_without_extra_periods_all_scenarios_agree() -> None:
    found = horizon_value([2.0, 1.0], np.eye(2), 0.1, 0, FLAT, 0.05)
    assert found.mixture.estimate == pytest.approx(found.observed.estimate)
    assert found.mixture.std_error == pytest.approx(found.observed.std_error)
    assert found.extrapolated_share == pytest.approx(0)


def test_doubt_about_persistence_widens_the_interval_without_any_sampling_error() -> None:
    found = horizon_value([1.0], np.zeros((1, 1)), 0.0, 2, FLAT, 0.05)
    assert found.sampling_std_error == 0
    assert found.mixture.std_error == pytest.approx(1.0)  # 1 or 3 with even chances


def test_the_variance_is_that_of_a_simulated_mixture() -> None:
    rng = np.random.default_rng(5)
    v = np.array([[0.3, 0.1], [0.1, 0.2]])
    found = horizon_value([1.0, 0.8], v, 0.02, 4, [Persistence(0.2, 0.3), Persistence(0.9, 0.7)], 0.05)
    draws = rng.multivariate_normal([1.0, 0.8], v, 200_000)
    factors = np.array([s.factors for s in found.scenarios])
    which = (rng.random(200_000) < 0.7).astype(int)
    values = (draws * factors[which]).sum(axis=1)
    assert values.mean() == pytest.approx(found.mixture.estimate, abs=0.03)
    assert values.std() == pytest.approx(found.mixture.std_error, rel=0.01)


def test_a_value_of_zero_has_no_extrapolated_share() -> None:
    assert horizon_value([0.0], np.eye(1), 0.0, 2, FLAT, 0.05).extrapolated_share is None


def test_impossible_scenarios_are_refused() -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        horizon_value([1.0], np.eye(1), 0.0, 2, [Persistence(0.5, 0.9)], 0.05)
    with pytest.raises(ValueError, match="between 0 and 1"):
        Persistence(1.2, 1.0)
    with pytest.raises(ValueError, match="extra periods"):
        horizon_value([1.0], np.eye(1), 0.0, -1, FLAT, 0.05)
    assert math.isfinite(horizon_value([1.0], np.eye(1), -0.5, 2, FLAT, 0.05).mixture.estimate)
