"""One factor on top of another, households, and the curve of hurdles."""

from __future__ import annotations

import numpy as np
import pytest

from loyalty_exp.economics.acceptability import HURDLES, acceptability
from loyalty_exp.economics.increments import increment
from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.benefit_cost import (
    BenefitCost,
    benefit_cost,
    net_benefit,
    probability_roi_above,
    roi_of,
)
from loyalty_exp.stats.cluster_moments import from_members
from loyalty_exp.stats.clusters import cluster_means
from loyalty_exp.stats.means import plain
from loyalty_exp.stats.moments import from_rows

NAMES = ("benefit", "cost")


@pytest.fixture
def cells():
    rng = np.random.default_rng(8)
    made = {}
    for cell, gain, cost in (((0, 0), 0, 0), ((1, 0), 6, 2), ((0, 1), 1, 1), ((1, 1), 6.5, 4)):
        spend = rng.gamma(2, 5, 3_000)
        made[cell] = plain(from_rows({"benefit": spend + gain, "cost": 0.1 * spend + cost}), NAMES)
    return made


def test_a_second_factor_is_judged_by_its_own_money(cells) -> None:
    # Together they pay, but only because the first factor does.
    assert increment(cells, (1, 1), (0, 0), 0.05).roi.estimate > 0.3
    added = increment(cells, (1, 1), (1, 0), 0.05)
    assert added.net_benefit.ci_upper < 0
    assert added.roi.estimate < 0


def test_an_increment_is_a_comparison_of_two_arms_with_its_covariance(cells) -> None:
    found = increment(cells, (1, 1), (1, 0), 0.05, {(1, 1): 0.8, (1, 0): 0.3})
    direct = benefit_cost(cells[1, 1], cells[1, 0], 0.5)
    assert found.pair == direct
    assert found.net_benefit == net_benefit(direct, 0.05)
    assert found.roi == roi_of(direct, 0.05)
    assert found.pair.v_bc > 0


def test_a_missing_cell_is_named(cells) -> None:
    with pytest.raises(NotEstimable, match=r"\(2, 1\)"):
        increment(cells, (2, 1), (1, 0), 0.05)


def test_households_of_one_are_members() -> None:
    rng = np.random.default_rng(4)
    rows = [{"benefit": rng.gamma(2, 5, 60), "cost": rng.gamma(1, 1, 60)} for _ in range(2)]
    single = benefit_cost(*(cluster_means(from_members(r, np.arange(60)), NAMES) for r in rows), 0.2)
    plainly = benefit_cost(*(plain(from_rows(r), NAMES) for r in rows), 0.2)
    for key in ("delta_benefit", "delta_cost", "fixed", "v_bb", "v_bc", "v_cc"):
        assert getattr(single, key) == pytest.approx(getattr(plainly, key))


def test_members_of_one_household_who_are_alike_widen_the_interval() -> None:
    rng = np.random.default_rng(4)
    home = np.repeat(np.arange(30), 2)
    rows = [{k: rng.gamma(2, 5, 30)[home] for k in NAMES} for _ in range(2)]
    found = benefit_cost(*(cluster_means(from_members(r, home), NAMES) for r in rows))
    plainly = benefit_cost(*(plain(from_rows(r), NAMES) for r in rows))
    assert found.v_bb > 1.8 * plainly.v_bb
    with pytest.raises(NotEstimable, match="one cluster"):
        cluster_means(from_members(rows[0], np.zeros(60)), NAMES)


def test_the_curve_starts_high_falls_and_agrees_with_single_hurdles() -> None:
    pair = BenefitCost(4.2, 2.8, 0.6, 2.1, 0.05, 0.01)
    found = acceptability(pair)
    assert (found.hurdles, found.hurdles[0], found.hurdles[-1]) == (HURDLES, -1.0, 3.0)
    assert list(found.probabilities) == sorted(found.probabilities, reverse=True)
    assert found.probabilities[HURDLES.index(0.25)] == probability_roi_above(0.25, pair)


@pytest.mark.parametrize("cost", [-2.0, -0.6])
def test_without_a_cost_above_zero_only_the_net_benefit_is_read(cost: float) -> None:
    pair = BenefitCost(4.2, cost, 0.6, 2.1, 0.05, 0.01)
    assert acceptability(pair).hurdles == (0.0,)
    assert acceptability(pair).probabilities == (net_benefit(pair, 0.05).probability_positive,)


def test_hurdles_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="ascend"):
        acceptability(BenefitCost(1, 1, 0, 1, 0, 1), [0.5, 0.0])
