"""From the test to everyone eligible, and what one more week of testing is worth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loyalty_exp.economics.information import information_value
from loyalty_exp.economics.rollout import Stratum, roll_out, weighted_net_benefit
from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.bayes.normal import Prior

STRATA = [Stratum("silver", 1.1, 0.35, 180_000), Stratum("gold", -0.2, 0.5, 60_000)]


def test_the_fixed_cost_of_the_roll_out_moves_the_total_but_not_its_error() -> None:
    cheap, dear = (roll_out(STRATA, 0.9, f, 0.05).total for f in (0.0, 30_000.0))
    assert cheap.estimate - dear.estimate == pytest.approx(30_000)
    assert cheap.std_error == dear.std_error


def test_leaving_out_negative_strata_is_flagged_and_named() -> None:
    found = roll_out(STRATA, 1.0, 0.0, 0.05).without_negative
    assert found.exploratory
    assert found.dropped == ("gold",)
    assert found.total == pytest.approx(180_000 * 1.1)


def test_without_a_prior_nothing_is_shrunk() -> None:
    found = roll_out(STRATA, 1.0, 0.0, 0.05)
    assert (found.shrunk, found.shrunk_total, found.probability_shrunk_positive) == (None, None, None)


def test_shrinkage_pulls_towards_the_prior() -> None:
    found = roll_out(STRATA, 1.0, 0.0, 0.05, Prior(0.0, 0.3))
    assert 0 < found.shrunk.mean < found.net_benefit.estimate
    assert found.shrunk_total.std_error < found.total.std_error


def test_strata_without_error_give_no_probability() -> None:
    assert roll_out([Stratum("all", 1.0, 0.0, 10)], 1.0, 0.0, 0.05).probability_positive is None


def test_a_stratum_with_nobody_eligible_weighs_nothing() -> None:
    with_empty = roll_out([*STRATA, Stratum("platinum", -9.0, 3.0, 0)], 0.9, 0.0, 0.05)
    assert with_empty.total == roll_out(STRATA, 0.9, 0.0, 0.05).total


def test_nobody_eligible_has_a_reason() -> None:
    with pytest.raises(NotEstimable, match="nobody"):
        roll_out([Stratum("all", 1.0, 0.1, 0)], 1.0, 0.0, 0.05)
    with pytest.raises(NotEstimable, match="nobody"):
        roll_out([], 1.0, 0.0, 0.05)


def test_impossible_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="coverage"):
        roll_out(STRATA, 1.2, 0.0, 0.05)
    with pytest.raises(ValueError, match="one weight"):
        weighted_net_benefit(STRATA, [1.0])
    with pytest.raises(ValueError, match="stratum x"):
        Stratum("x", math.nan, 0.1, 5)


def test_losses_of_both_decisions_as_simulated() -> None:
    # Net benefit 0.80 with error 1.458, 250,000 members: 0.267, 1.067 and 66,771 by the worked example.
    found = information_value(0.8, 1.458, 250_000)
    assert found.loss_if_shipped == pytest.approx(0.267, abs=0.001)
    assert found.loss_if_held == pytest.approx(1.067, abs=0.001)
    assert found.total == pytest.approx(66_771, rel=0.002)
    truth = np.random.default_rng(2).normal(0.8, 1.458, 400_000)
    assert np.maximum(-truth, 0).mean() == pytest.approx(found.loss_if_shipped, abs=0.004)


def test_losses_differ_by_the_estimate() -> None:
    found = information_value(-0.3, 0.7, 10)
    assert found.loss_if_held - found.loss_if_shipped == pytest.approx(-0.3)
    assert found.per_member == found.loss_if_held


def test_certainty_is_worth_nothing_more() -> None:
    assert information_value(0.5, 0.0, 1_000) == information_value(0.5, 0.0, 0)
    assert information_value(-0.5, 0.0, 1).loss_if_shipped == 0.5
    assert information_value(90.0, 1.0, 1e6).total < 1e-300
    with pytest.raises(ValueError, match="not negative"):
        information_value(0.5, -1.0, 10)
