"""Looks before the planned end: intervals that hold at all of them decide, and early shipping is possible."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made import experiment, outcomes, spend

from loyalty_exp.pipeline import conclude
from loyalty_exp.readout.result import Readout
from loyalty_exp.readout.sequential import critical_value, look_of
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.group_sequential import boundaries
from loyalty_exp.stats.spending import obrien_fleming

OBF = {"method": "group_sequential", "planned_units": 4000, "looks": [0.25, 0.5, 0.75, 1.0]}
ANYTIME = {"method": "asymptotic_cs", "horizon": 4000}


def planned(sequential: dict[str, object] | None, **more: object) -> Experiment:
    return experiment(analysis={"sequential": sequential} if sequential else {}, **more)


def read(spec: Experiment, gain: float, n: int = 500, **more: int) -> Readout:
    rows = {"c": {"spend": spend(n, 20.0)}, "t": {"spend": spend(n, 20.0 + gain)}}
    return conclude(spec, outcomes(spec, rows, **more))


def test_without_a_plan_nothing_is_settled_before_the_end() -> None:
    readout = read(planned(None), 8.0, immature=100)
    assert (readout.status, readout.decision.action) == ("provisional", "extend")
    assert all(e.sequential is None for e in readout.estimates)
    assert readout.economics[0].net_benefit_sequential is None


def test_a_loss_without_a_plan_is_not_settled_either() -> None:
    assert read(planned(None), -8.0, immature=100).decision.action == "extend"


@pytest.mark.parametrize("plan", [OBF, ANYTIME], ids=["looks", "anytime"])
def test_a_large_effect_ships_early_and_a_middling_one_waits(plan: dict[str, object]) -> None:
    spec = planned(plan)
    large, middling = read(spec, 8.0, immature=100), read(spec, 2.6, immature=100)
    assert (large.status, large.decision.action) == ("provisional", "ship")
    assert middling.economics[0].net_benefit.ci_lower > 0
    assert middling.economics[0].net_benefit_sequential is not None
    assert middling.economics[0].net_benefit_sequential.ci_lower < 0
    assert middling.decision.action == "extend"
    assert read(spec, -8.0, immature=100).decision.action == "stop"


def test_the_interval_of_a_look_is_its_critical_value_times_the_error() -> None:
    spec = planned(OBF)
    rows = {"c": {"spend": spend(500, 20.0)}, "t": {"spend": spend(500, 22.0)}}
    found = outcomes(spec, rows)
    look = look_of(spec, found)
    assert look is not None and look.information == (0.25,) and not look.final
    c = critical_value(look)
    assert c == pytest.approx(4.33263, abs=1e-4)
    e = conclude(spec, found).estimates[0]
    assert e.sequential is not None and e.absolute is not None and e.absolute.std_error is not None
    assert e.sequential.ci_upper - e.absolute.estimate == pytest.approx(c * e.absolute.std_error)


def test_all_declared_looks_below_count_and_a_near_one_is_the_present() -> None:
    spec = planned(OBF)
    for units, information in (
        (520, (0.26,)),
        (1040, (0.25, 0.52)),
        (700, (0.25, 0.35)),
        (2400, (0.25, 0.5, 0.75, 1.2)),
    ):
        rows = {arm: {"spend": spend(units, 20.0)} for arm in "ct"}
        look = look_of(spec, outcomes(spec, rows))
        assert look is not None and look.information == pytest.approx(information)
        assert look.final == (information[-1] >= 1)


def test_recorded_looks_are_those_alpha_was_spent_at() -> None:
    spec = planned(OBF)
    rows = {arm: {"spend": spend(1000, 20.0)} for arm in "ct"}
    found = outcomes(spec, rows)
    for taken, information in (
        ((), (0.5,)),
        ((800,), (0.2, 0.5)),
        ((1960, 800, 800), (0.2, 0.49, 0.5)),
        ((800, 2000, 3900), (0.2, 0.5)),  # the same units again, and a later look: neither comes before this
    ):
        look = look_of(spec, found, taken)
        assert look is not None and look.information == pytest.approx(information)
        exact = boundaries(information, 0.05, obrien_fleming).critical_values[-1]
        assert critical_value(look) == pytest.approx(exact)
    declared, none = look_of(spec, found), look_of(spec, found, ())
    assert declared is not None and none is not None
    first, second = critical_value(none), critical_value(declared)
    assert first is not None and second is not None and first < second


def test_data_that_come_after_the_planned_end_do_not_spend_twice() -> None:
    spec = planned(OBF)
    rows = {arm: {"spend": spend(2100, 20.0)} for arm in "ct"}
    look = look_of(spec, outcomes(spec, rows), (1000, 4000, 4100))
    assert look is not None and look.final and look.information == pytest.approx((0.25, 1.05))
    assert critical_value(look) < 2.1


def test_the_last_look_settles_with_what_is_left_of_alpha() -> None:
    spec = planned(OBF)
    rows = {"c": {"spend": spend(2000, 20.0)}, "t": {"spend": spend(2000, 21.05)}}
    found = outcomes(spec, rows)
    look = look_of(spec, found)
    assert look is not None and look.final
    assert critical_value(look) == pytest.approx(2.01409, abs=1e-4)
    assert conclude(spec, found).decision.action == "not_settled"


def test_p_value_and_interval_agree_at_every_look() -> None:
    for plan in (OBF, ANYTIME, OBF | {"spending": "pocock"}, OBF | {"spending": "power", "power": 2.0}):
        spec = planned(plan)
        for gain in np.linspace(0.5, 6, 12):
            e = read(spec, float(gain)).estimates[0]
            assert e.sequential is not None
            assert (e.sequential.p_value < 0.05) == (e.sequential.ci_lower > 0)


def test_sequential_p_values_are_adjusted_with_their_family() -> None:
    spec = experiment(
        analysis={"sequential": OBF},
        metrics=[
            {"id": "spend", "type": "amount", "column": "spend", "role": "primary"},
            {"id": "visits", "type": "amount", "column": "visits", "role": "primary"},
        ],
    )
    rows = {
        "c": {"spend": spend(500, 20.0), "visits": spend(500, 5.0)},
        "t": {"spend": spend(500, 24.0), "visits": spend(500, 5.1)},
    }
    first = conclude(spec, outcomes(spec, rows)).estimates[0].sequential
    assert first is not None and first.p_value_adjusted == pytest.approx(2 * first.p_value)


def test_one_look_at_the_end_is_the_fixed_test() -> None:
    spec = planned(OBF | {"looks": [1.0], "planned_units": 1000})
    e = read(spec, 3.0).estimates[0]
    assert e.sequential is not None and e.absolute is not None and e.absolute.std_error is not None
    half = normal_quantile(0.975) * e.absolute.std_error
    assert e.sequential.ci_lower == pytest.approx(e.absolute.estimate - half, rel=1e-6)


def test_a_watched_sample_ratio_may_be_looked_at_every_day() -> None:
    for sequential, expected in ((None, "fail"), (ANYTIME, "pass")):
        spec = planned(sequential)
        rows = {"c": {"spend": spend(500, 20.0)}, "t": {"spend": spend(500, 21.0)}}
        found = replace(outcomes(spec, rows), units={"c": 5_000, "t": 5_340})
        check = next(h for h in conclude(spec, found).health if h.check == "sample_ratio")
        assert check.status == expected
        assert check.detail["always_valid_p_value"] > 0.0009
