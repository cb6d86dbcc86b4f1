"""What the answer owes to assumptions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loyalty_exp.economics.assumptions import Assumption, tornado, total_uncertainty

RATE = Assumption("redemption_rate", 0.65, 0.75, 0.85, 0.06, -3.864)
MARGIN = Assumption("margin", 0.30, 0.32, 0.35, 0.01, 13.0)


def test_the_widest_bar_comes_first_and_signs_are_kept() -> None:
    bars = tornado(0.352, [MARGIN, RATE])
    assert [b.name for b in bars] == ["redemption_rate", "margin"]
    assert bars[0].at_low == pytest.approx(0.352 + 0.3864)
    assert bars[0].at_high == pytest.approx(0.352 - 0.3864)
    assert bars[0].swing == pytest.approx(0.7728)
    assert {b.at_base for b in bars} == {0.352}


def test_shares_and_sampling_make_the_whole() -> None:
    found = total_uncertainty(0.352, 1.2, [RATE, MARGIN], 0.05)
    total = found.net_benefit.std_error**2
    assert sum(s for _, s in found.shares) + 1.2**2 / total == pytest.approx(1)
    assert [name for name, _ in found.shares] == ["redemption_rate", "margin"]


def test_the_total_variance_is_that_of_simulated_assumptions() -> None:
    rng = np.random.default_rng(3)
    u, m = rng.normal(0.75, 0.06, 200_000), rng.normal(0.32, 0.01, 200_000)
    sampled = 0.352 - 3.864 * (u - 0.75) + 13.0 * (m - 0.32) + rng.normal(0, 0.2, 200_000)
    found = total_uncertainty(0.352, 0.2, [RATE, MARGIN], 0.05)
    assert sampled.std() == pytest.approx(found.net_benefit.std_error, rel=0.01)
    assert (sampled > 0).mean() == pytest.approx(found.probability_positive, abs=0.005)
    assert found.probability_positive_sampling > found.probability_positive


def test_without_assumptions_the_sampling_error_stands() -> None:
    found = total_uncertainty(0.352, 1.2, [], 0.05)
    assert found.net_benefit.std_error == 1.2
    assert found.probability_positive == found.probability_positive_sampling


def test_nothing_that_varies_gives_no_probability() -> None:
    found = total_uncertainty(0.352, 0.0, [Assumption("margin", 0.3, 0.32, 0.35, 0.0, 13.0)], 0.05)
    assert found.probability_positive is None
    assert found.net_benefit.p_value is None
    assert found.shares == (("margin", 0.0),)


def test_impossible_assumptions_are_refused() -> None:
    with pytest.raises(ValueError, match="ascend"):
        Assumption("u", 0.9, 0.75, 0.8, 0.1, 1.0)
    with pytest.raises(ValueError, match="ascend"):
        Assumption("u", 0.7, 0.75, 0.8, -0.1, 1.0)
    with pytest.raises(ValueError, match="not negative"):
        total_uncertainty(1.0, math.nan, [], 0.05)
