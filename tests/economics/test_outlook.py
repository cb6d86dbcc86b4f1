"""Beyond the test: hurdles, assumptions, roll-out; all of it from the readout's own numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made import experiment, outcomes, spend

from loyalty_exp.economics.outlook import pair_of
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.pipeline import conclude
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.benefit_cost import probability_roi_above

MONEY = {
    "benefit": {"metric": "spend", "margin": 0.4},
    "costs": [{"id": "mail", "per_unit": 0.5}, {"id": "set_up", "fixed": 100.0}],
}


def made(**economics: Any) -> tuple[Experiment, Outcomes]:
    spec = experiment(economics=MONEY | economics)
    rows = {"c": {"spend": spend(1000, 20.0)}, "t": {"spend": spend(1000, 24.0)}}
    return spec, outcomes(spec, rows)


def test_the_pair_is_given_back_from_its_standard_errors() -> None:
    readout = conclude(*made())
    money, look = readout.economics[0], readout.outlook[0]
    pair = pair_of(money)
    assert pair.total_cost == pytest.approx(money.cost.estimate)
    at_zero = look.acceptability.probabilities[look.acceptability.hurdles.index(0.0)]
    assert at_zero == pytest.approx(money.probability_net_benefit_positive)
    assert at_zero == pytest.approx(probability_roi_above(0.0, pair))
    known = [p for p in look.acceptability.probabilities if p is not None]
    assert known == sorted(known, reverse=True)


def test_net_benefit_is_linear_in_what_is_assumed() -> None:
    assumed = [{"name": "margin", "low": 0.3, "high": 0.5}]
    look = conclude(*made(assumptions=assumed)).outlook[0]
    (bar,) = look.assumptions
    for margin, expected in ((0.3, bar.net_benefit_at_low), (0.5, bar.net_benefit_at_high)):
        other = conclude(*made(benefit={"metric": "spend", "margin": margin}))
        assert other.economics[0].net_benefit.estimate == pytest.approx(expected)
    assert look.net_benefit_with_assumptions is not None
    plain = conclude(*made()).economics[0].net_benefit
    assert look.net_benefit_with_assumptions.std_error > plain.std_error
    assert bar.share_of_variance is not None and 0 < bar.share_of_variance < 1


def test_a_price_moves_the_lines_that_name_it_and_no_others_of_the_same_amount() -> None:
    """Two prices of 0.5: the one that is assumed moves its own line only."""
    costs = [
        {"id": "mail", "per_unit": 0.5, "price_of": "mail"},
        {"id": "call", "per_unit": 0.5, "price_of": "call"},
    ]
    program = {"program": "p", "cost_prices": {"mail": {"price": 0.5}, "call": {"price": 0.5}}}
    money = MONEY | {"costs": costs, "assumptions": [{"name": "call", "low": 0.4, "high": 0.7}]}
    spec = experiment(economics=money, program=program)
    rows = {"c": {"spend": spend(1000, 20.0)}, "t": {"spend": spend(1000, 24.0)}}
    readout = conclude(spec, outcomes(spec, rows))
    (bar,) = readout.outlook[0].assumptions
    assert bar.net_benefit_at_high == pytest.approx(readout.economics[0].net_benefit.estimate - 0.2)


def test_rollout_scales_without_the_fixed_costs_of_the_test() -> None:
    readout = conclude(*made(rollout={"eligible": 50_000, "coverage": 0.8, "fixed": 2_000.0}))
    rollout, money = readout.outlook[0].rollout, readout.economics[0]
    assert rollout is not None and rollout.total is not None
    per_unit = money.net_benefit.estimate + money.fixed_per_unit
    assert rollout.total.estimate == pytest.approx(40_000 * per_unit - 2_000)
    assert rollout.shrunk_total is None
    shrunk = conclude(
        *made(rollout={"eligible": 50_000, "coverage": 0.8, "fixed": 2_000.0, "prior": {"sd": 0.5}})
    )
    after = shrunk.outlook[0].rollout
    assert after is not None and after.shrunk_total is not None
    assert 0 < after.shrunk_total.estimate < rollout.total.estimate
    assert after.value_of_information is not None and after.value_of_information >= 0
    for found, total in ((rollout, rollout.total), (after, after.shrunk_total)):
        assert found.loss_if_shipped is not None and found.loss_if_held is not None
        assert found.loss_if_held - found.loss_if_shipped == pytest.approx(total.estimate)
        assert found.value_of_information == min(found.loss_if_shipped, found.loss_if_held)


def test_rollout_weighs_strata_as_they_are_eligible() -> None:
    spec = experiment(
        assignment={"salt": "s", "strata": ["tier"]},
        economics=MONEY | {"rollout": {"eligible": {"gold": 9_000, "silver": 1_000}}},
    )
    rows = {
        tier: {"c": {"spend": spend(500, 20.0)}, "t": {"spend": spend(500, 20.0 + gain)}}
        for tier, gain in (("gold", 1.0), ("silver", 9.0))
    }
    both = {a: {"spend": np.concatenate([rows[t][a]["spend"] for t in rows])} for a in "ct"}
    found = outcomes(spec, both)
    strata = {tier: outcomes(spec, rows[tier]).overall for tier in rows}
    readout = conclude(spec, replace(found, strata=strata))
    rollout = readout.outlook[0].rollout
    assert rollout is not None and rollout.total is not None
    assert rollout.total.estimate == pytest.approx(9_000 * (0.4 * 1 - 0.5) + 1_000 * (0.4 * 9 - 0.5))
    missing = experiment(
        assignment={"salt": "s", "strata": ["tier"]},
        economics=MONEY | {"rollout": {"eligible": {"bronze": 9_000}}},
    )
    reason = conclude(missing, replace(found, strata=strata)).outlook[0].rollout
    assert reason is not None and reason.not_estimable is not None and "bronze" in reason.not_estimable
