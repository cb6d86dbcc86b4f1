"""What a campaign took from later weeks and other shelves, and what one more order costs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loyalty_exp.economics.pull_forward import (
    TwoDifferences,
    cannibalization,
    cost_per_incremental,
    pull_forward,
    two_differences,
)
from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import z_difference
from loyalty_exp.stats.means import plain
from loyalty_exp.stats.moments import from_rows


@pytest.fixture
def arms():
    rng = np.random.default_rng(11)
    made = []
    for gain, loss in ((4.0, -1.5), (0.0, 0.0)):
        base = rng.gamma(2, 5, 4_000)
        campaign, after = base + gain + rng.normal(0, 2, 4_000), base + loss + rng.normal(0, 2, 4_000)
        made.append(from_rows({"campaign": campaign, "after": after, "both": campaign + after}))
    return made


def test_net_of_two_windows_is_the_difference_of_member_totals(arms) -> None:
    t, c = (plain(m, ("campaign", "after")) for m in arms)
    found = pull_forward(two_differences(t, c, "campaign", "after"), 0.05).net
    whole = z_difference(plain(arms[0], ("both",)), plain(arms[1], ("both",)), 0.05)
    assert found.estimate == pytest.approx(whole.estimate)
    assert found.std_error == pytest.approx(whole.std_error)


def test_the_share_taken_back_lies_in_its_set(arms) -> None:
    t, c = (plain(m, ("campaign", "after")) for m in arms)
    found = pull_forward(two_differences(t, c, "campaign", "after"), 0.05)
    assert found.share.found.lower < found.share.estimate < found.share.found.upper
    assert found.share.estimate == pytest.approx(1.5 / 4, abs=0.1)
    assert found.retained == pytest.approx(1 - found.share.estimate)


def test_columns_are_found_by_name_not_by_place(arms) -> None:
    t, c = (plain(m, ("after", "campaign")) for m in arms)
    u, d = (plain(m, ("campaign", "after")) for m in arms)
    assert two_differences(t, c, "campaign", "after") == two_differences(u, d, "campaign", "after")
    with pytest.raises(ValueError, match="same columns"):
        two_differences(t, d, "campaign", "after")


def test_no_share_of_a_campaign_effect_that_may_be_zero() -> None:
    found = pull_forward(TwoDifferences(1.0, -0.5, 1.0, 0.0, 1.0), 0.05)
    assert found.share.estimate is None
    assert found.retained is None
    assert "not clearly different from 0" in found.share.reason
    assert found.net.estimate == 0.5


def test_no_share_of_a_harmful_campaign() -> None:
    found = pull_forward(TwoDifferences(-5.0, -0.5, 1.0, 0.0, 1.0), 0.05)
    assert found.share.reason.endswith("is negative")


def test_a_campaign_effect_of_exactly_zero_has_no_share() -> None:
    with pytest.raises(NotEstimable, match="is 0"):
        pull_forward(TwoDifferences(0.0, -0.5, 0.0, 0.0, 1.0), 0.05)


def test_cannibalization_is_what_other_categories_lost() -> None:
    found = cannibalization(TwoDifferences(10.0, -2.0, 0.5, 0.1, 0.5), 0.05)
    assert found.estimate == pytest.approx(0.2)
    assert found.found.lower < 0.2 < found.found.upper


def test_cost_per_incremental_order_counts_the_fixed_cost_and_keeps_the_covariance() -> None:
    found = cost_per_incremental(TwoDifferences(2.0, 0.1, 0.01, 0.0002, 0.0001), 0.5, 0.05)
    assert found.estimate == pytest.approx(25.0)
    # An interval by simulation of the defining inequality: cost - r * orders is within 1.96 errors of 0.
    for r in (found.found.lower, found.found.upper):
        variance = 0.01 - 2 * r * 0.0002 + r * r * 0.0001
        assert abs(2.5 - r * 0.1) == pytest.approx(1.959963984540054 * math.sqrt(variance))


def test_an_impossible_covariance_is_refused() -> None:
    with pytest.raises(ValueError, match="no two quantities"):
        TwoDifferences(1, 1, 1.0, 2.0, 1.0)
