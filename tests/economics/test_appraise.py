"""Money from metrics and cost lines: what each line costs, and that the lines add up."""

from __future__ import annotations

import numpy as np
import pytest
from made import experiment, outcomes, spend

from loyalty_exp.economics.appraise import appraise

N = 500


def _rows(rng: np.random.Generator, gain: float = 0.0) -> dict[str, np.ndarray]:
    pre = rng.gamma(2, 10, N)
    value = pre + rng.normal(0, 5, N) + gain
    return {
        "spend": value,
        "pre": pre,
        "points": 10 * value + rng.normal(0, 3, N),
        "bought": np.round(value > 15),
    }


@pytest.fixture
def rows() -> dict[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(7)
    return {"c": _rows(rng), "t": _rows(rng, 2.0)}


COSTS = [
    {"id": "mail", "per_unit": 0.2},
    {"id": "points", "per_event": "points", "price": 0.01},
    {"id": "set_up", "fixed": 1_000.0},
]


def _spec(**benefit: float):
    metrics = [
        {"id": "spend", "type": "amount", "column": "spend", "role": "primary", "covariates": ["pre"]},
        {"id": "bought", "type": "proportion", "column": "bought"},
    ]
    return experiment(
        metrics=metrics, economics={"benefit": {"metric": "spend", "margin": 0.4} | benefit, "costs": COSTS}
    )


def test_cost_lines_add_up_to_the_cost_and_benefit_less_cost_is_net(rows) -> None:
    spec = _spec()
    money = appraise(spec, outcomes(spec, rows))[0]
    assert sum(line.per_unit for line in money.cost_lines) == pytest.approx(money.cost.estimate, rel=1e-12)
    assert money.net_benefit.estimate == pytest.approx(
        money.benefit.estimate - money.cost.estimate, rel=1e-12
    )
    assert money.net_benefit_total.estimate == pytest.approx(N * money.net_benefit.estimate, rel=1e-12)
    by_id = {line.id: line for line in money.cost_lines}
    assert by_id["mail"].per_unit == pytest.approx(0.2)
    assert by_id["set_up"].total == pytest.approx(1_000.0)


def test_the_adjusted_benefit_is_margin_on_the_adjusted_effect(rows) -> None:
    from loyalty_exp.readout.effects import estimate_all

    spec = _spec()
    made = outcomes(spec, rows)
    spend_effect = next(e for e in estimate_all(spec, made) if e.metric == "spend")
    money = appraise(spec, made)[0]
    assert money.benefit.estimate == pytest.approx(0.4 * spend_effect.absolute.estimate, rel=1e-12)
    assert money.benefit.std_error == pytest.approx(0.4 * spend_effect.absolute.std_error, rel=1e-12)


def test_pairs_are_kept_together(rows) -> None:
    """Net benefit of pairs has the variance of the unit-level difference, not of independent parts."""
    spec = experiment(economics={"benefit": {"metric": "spend"}, "costs": COSTS[1:2]})
    money = appraise(spec, outcomes(spec, rows))[0]
    net = {a: r["spend"] - 0.01 * r["points"] for a, r in rows.items()}
    variance = sum(x.var(ddof=1) / N for x in net.values())
    assert money.net_benefit.std_error == pytest.approx(variance**0.5, rel=1e-9)
    apart = (money.benefit.std_error**2 + money.cost.std_error**2) ** 0.5
    assert abs(apart - money.net_benefit.std_error) > 0.05 * apart


def test_an_event_is_worth_its_value(rows) -> None:
    metrics = [{"id": "bought", "type": "proportion", "column": "bought", "role": "primary"}]
    spec = experiment(metrics=metrics, economics={"benefit": {"metric": "bought", "value": 10.0}})
    money = appraise(spec, outcomes(spec, rows))[0]
    gap = rows["t"]["bought"].mean() - rows["c"]["bought"].mean()
    assert money.benefit.estimate == pytest.approx(10 * gap)
    assert money.roi.quadrant == "zero_cost"
    assert money.roi.estimate is None


def test_scaling_all_money_scales_net_benefit_and_leaves_roi(rows) -> None:
    def cost(k: float) -> list[dict]:
        return [{"id": "mail", "per_unit": 0.2 * k}, {"id": "set_up", "fixed": 100.0 * k}]

    def at(k: float):
        scaled = {a: {c: x * k for c, x in r.items()} for a, r in rows.items()}
        spec = experiment(economics={"benefit": {"metric": "spend"}, "costs": cost(k)})
        return appraise(spec, outcomes(spec, scaled))[0]

    one, seven = at(1.0), at(7.0)
    assert seven.net_benefit.estimate == pytest.approx(7 * one.net_benefit.estimate)
    assert seven.roi.estimate == pytest.approx(one.roi.estimate)
    assert seven.roi.ci_lower == pytest.approx(one.roi.ci_lower)


def test_fixed_cost_is_shared_by_the_arms_that_cause_it() -> None:
    spec = experiment(
        arms={"from_column": "arm", "control": "c", "treatments": ["a", "b"]},
        economics={"benefit": {"metric": "spend"}, "costs": [
            {"id": "both", "fixed": 300.0}, {"id": "only_b", "fixed": 50.0, "arms": ["b"]}]},
    )  # fmt: skip
    rows = {k: {"spend": spend(100, 20)} for k in "cab"}
    a, b = appraise(spec, outcomes(spec, rows))
    assert a.fixed_per_unit == pytest.approx(1.5)
    assert b.fixed_per_unit == pytest.approx(2.0)
    assert [line.id for line in a.cost_lines] == ["both"]


def test_control_members_who_earn_anyway_are_not_charged_to_the_program(rows) -> None:
    spec = experiment(economics={"benefit": {"metric": "spend"}, "costs": COSTS[1:2]})
    money = appraise(spec, outcomes(spec, rows))[0]
    gap = rows["t"]["points"].mean() - rows["c"]["points"].mean()
    assert money.cost.estimate == pytest.approx(0.01 * gap)


def test_an_arm_without_units_has_no_money(rows) -> None:
    spec = experiment()
    empty = {"spend": np.zeros(0)}
    assert appraise(spec, outcomes(spec, {"c": rows["c"], "t": empty})) == ()
