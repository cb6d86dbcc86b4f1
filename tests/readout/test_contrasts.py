"""Main effects, interactions and declared contrasts, on metrics and on money."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made import outcomes

from loyalty_exp.outcomes.outcomes import Evidence
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.pipeline import conclude
from loyalty_exp.readout.contrasts import asked_contrasts
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.cluster_moments import from_members

CELLS = {"00": ("off", "off"), "10": ("on", "off"), "01": ("off", "on"), "11": ("on", "on")}


def factorial(**changes: Any) -> Experiment:
    document: dict[str, Any] = {
        "experiment": "made",
        "question": "Are points and perks substitutes?",
        "unit": "id",
        "data": {
            "members": "members.parquet",
            "transactions": {"table": "t.parquet", "order": "o", "time": "ts", "amount": "amount"},
            "assignments": {"table": "a.parquet", "time": "at"},
        },
        "factors": {"points": ("off", "on"), "perk": ("off", "on")},
        "arms": tuple(
            {
                "id": arm,
                "share": 0.25,
                "control": arm == "00",
                "factors": {"points": points, "perk": perk},
            }
            for arm, (points, perk) in CELLS.items()
        ),
        "schedule": {"start": "2026-04-01", "outcome_days": 28, "pre_days": 28},
        "metrics": (
            {"id": "spend", "type": "amount", "column": "amount", "role": "primary", "covariates": ("pre",)},
        ),
        "economics": {
            "benefit": {"metric": "spend", "margin": 0.5},
            "costs": ({"id": "mail", "per_unit": 1.0, "arms": ("10", "11")},),
        },
        "analysis": {"contrasts": ({"id": "on_top", "weights": {"11": 1.0, "10": -1.0}},)},
    } | changes
    return Experiment.model_validate(document)


def rows(n: int = 2000, seed: int = 3) -> dict[str, dict[str, np.ndarray]]:
    """Points bring 4, the perk 3, both together 5."""
    rng = np.random.default_rng(seed)
    made = {}
    for arm, gain in (("00", 0.0), ("10", 4.0), ("01", 3.0), ("11", 5.0)):
        pre = rng.gamma(2, 10, n)
        made[arm] = {"spend": pre + rng.normal(20, 6, n) + gain, "spend__pre": pre}
    return made


def test_factors_give_main_effects_and_interaction() -> None:
    spec, data = factorial(), rows()
    found = {(c.id, c.metric): c for c in conclude(spec, outcomes(spec, data)).contrasts}
    truth = {"main_points": 3.0, "main_perk": 2.0, "interaction_points_perk": -2.0, "on_top": 1.0}
    for name, value in truth.items():
        c = found[name, "spend"]
        assert c.estimate is not None and c.std_error is not None and c.p_value_adjusted is not None
        assert abs(c.estimate - value) < 4 * c.std_error
        assert c.ci_lower is not None and c.ci_upper is not None and c.ci_lower < c.estimate < c.ci_upper
    assert found["interaction_points_perk", "spend"].std_error == pytest.approx(
        2 * (found["main_points", "spend"].std_error or 0), rel=1e-6
    )


def test_what_the_spec_declares_is_not_made_again() -> None:
    whole = {"11": 1.0, "10": -1.0, "01": -1.0, "00": 1.0}
    own = {"contrasts": ({"id": "substitutes", "weights": whole},)}
    ids = [c.id for c in asked_contrasts(factorial(analysis=own))]
    assert ids == ["substitutes", "main_points", "main_perk"]


def test_money_follows_with_what_every_unit_costs() -> None:
    spec, data = factorial(), rows()
    found = {(c.id, c.metric): c for c in conclude(spec, outcomes(spec, data)).contrasts}
    for name, cost in (("main_points", 1.0), ("main_perk", 0.0), ("interaction_points_perk", 0.0)):
        metric, money = found[name, "spend"], found[name, None]
        assert metric.estimate is not None and money.estimate is not None
        assert money.estimate == pytest.approx(0.5 * metric.estimate - cost)
        assert money.std_error == pytest.approx(0.5 * (metric.std_error or 0))


def test_a_contrast_of_two_arms_is_their_difference_but_for_the_slopes_of_all_arms() -> None:
    plain = factorial(
        metrics=({"id": "spend", "type": "amount", "column": "amount", "role": "primary"},),
        analysis={"contrasts": ({"id": "points", "weights": {"10": 1.0, "00": -1.0}},)},
    )
    readout = conclude(plain, outcomes(plain, rows()))
    contrast = next(c for c in readout.contrasts if c.id == "points" and c.metric == "spend")
    estimate = next(e for e in readout.estimates if e.treatment == "10")
    assert estimate.absolute is not None
    assert contrast.estimate == pytest.approx(estimate.absolute.estimate)
    assert contrast.std_error == pytest.approx(estimate.absolute.std_error)
    assert contrast.p_value == pytest.approx(estimate.absolute.p_value, rel=1e-6)


def test_an_arm_without_units_is_a_reason() -> None:
    spec, data = factorial(), rows()
    data["11"] = {k: v[:0] for k, v in data["11"].items()}
    found = conclude(spec, outcomes(spec, data)).contrasts
    reasons = {c.not_estimable for c in found if c.id == "on_top"}
    assert all(reason and "no units in the treatment arm" in reason for reason in reasons)


FIXED = (
    {"id": "mail", "per_unit": 1.0, "arms": ("10", "11")},
    {"id": "set_up", "fixed": 800.0, "arms": ("01", "11")},
)
PLAIN = ({"id": "spend", "type": "amount", "column": "amount", "role": "primary"},)


def test_the_return_on_a_second_factor_is_that_of_the_money_it_adds() -> None:
    """By hand: what both arms bring and cost, the fixed cost shared by the two arms that cause it."""
    economics = {"benefit": {"metric": "spend", "margin": 0.5}, "costs": FIXED}
    spec, data = factorial(metrics=PLAIN, economics=economics), rows()
    found = {c.id: c for c in conclude(spec, outcomes(spec, data)).contrasts if c.metric is None}
    assert set(found) == {
        *("on_top", "main_points", "main_perk", "interaction_points_perk", "added_points_to_01")
    }
    mean = {arm: 0.5 * r["spend"].mean() for arm, r in data.items()}
    perk, points = found["on_top"].added, found["added_points_to_01"].added
    assert perk is not None and points is not None
    assert found["on_top"].weights == {"11": 1.0, "10": -1.0}
    benefit, cost = mean["11"] - mean["10"], 800 / 4000
    assert perk.benefit.estimate == pytest.approx(benefit)
    assert perk.cost.estimate == pytest.approx(cost) and perk.cost.std_error == 0
    assert perk.net_benefit.estimate == pytest.approx(benefit - cost)
    assert perk.roi.estimate == pytest.approx(benefit / cost - 1)
    assert found["on_top"].estimate == pytest.approx(benefit)
    # Points on top of the perk: 1 each, and the perk's set-up is spent either way.
    assert points.cost.estimate == pytest.approx(1.0)
    assert points.roi.quadrant == ("invest" if mean["11"] > mean["01"] else "dominated")
    assert found["main_points"].added is None


def test_contrasts_over_households_are_those_of_cluster_means() -> None:
    """Every household in one arm: means over members, variances over households, the same for money."""
    spec = factorial(cluster="home", metrics=PLAIN)
    data, homes = rows(600), np.repeat(np.arange(200), 3)
    for r in data.values():
        r["spend"] += np.repeat(np.random.default_rng(8).normal(0, 5, 200), 3)
    columns = {"spend"}
    found = outcomes(spec, data)
    clusters = {a: from_members({c: r[c] for c in columns}, homes) for a, r in data.items()}
    found = replace(found, evidence=Evidence(clusters={None: {ECONOMICS: clusters, "spend": clusters}}))
    read = {(c.id, c.metric): c for c in conclude(spec, found).contrasts}
    weights = {"11": 1.0, "10": -1.0, "01": -1.0, "00": 1.0}
    value = sum(w * data[a]["spend"].mean() for a, w in weights.items())
    totals = {a: data[a]["spend"].reshape(200, 3).sum(1) / 3 for a in weights}
    error = sum(t.var(ddof=1) / 200 for t in totals.values()) ** 0.5
    metric, money = read["interaction_points_perk", "spend"], read["interaction_points_perk", None]
    assert metric.estimate == pytest.approx(value)
    assert metric.std_error == pytest.approx(error)
    assert money.estimate == pytest.approx(0.5 * value)
    assert money.std_error == pytest.approx(0.5 * error)
    alone = sum(data[a]["spend"].var(ddof=1) / 600 for a in weights) ** 0.5
    assert metric.std_error > 1.1 * alone
