"""The plan: what is asked, what is answered, what is refused, and in which words."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from made import experiment
from pydantic import ValidationError

from loyalty_exp.errors import UsageError
from loyalty_exp.planning.answerable import considered
from loyalty_exp.planning.baseline import Baselines, Known, Narrow
from loyalty_exp.planning.plan_words import summary
from loyalty_exp.planning.questions import questions
from loyalty_exp.planning.result import SCHEMA, Answer, Sizing
from loyalty_exp.planning.size import size, terms_of
from loyalty_exp.planning.solve import answer
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.power import means, net_benefit, proportions, survival
from loyalty_exp.stats.power.design import Level

SPEND = {"id": "spend", "type": "amount", "column": "spend", "role": "primary"}
MONEY: dict[str, Any] = {
    "economics": {"benefit": {"metric": "spend"}, "costs": [{"id": "mail", "per_unit": 1.0}]},
    "decision": {"ship_if": {"probability_net_benefit_positive": 0.95}},
}


def made(sizing: dict[str, Any], **changes: Any) -> Experiment:
    plain = {"economics": None, "decision": None, "schedule": {"outcome_days": 28}}
    return experiment(sizing=sizing, **(plain | changes))


def of(plan: Sizing, kind: str = "metric", name: str = "spend", treatment: str | None = "t") -> Answer:
    return next(a for a in plan.answers if (a.kind, a.id, a.treatment) == (kind, name, treatment))


HAND = {"mde": {"spend": 1.0}, "baseline": {"spend": {"mean": 20.0, "sd": 10.0}}}


def test_the_plan_is_that_of_the_test_that_is_run() -> None:
    found = of(size(made(HAND)))
    expected = means.sample_size(1.0, (10.0, 10.0))
    assert (found.n_treatment, found.n_control) == (expected.n_treatment, expected.n_control)
    assert found.effect_relative == pytest.approx(0.05)
    assert found.test == "welch"


def test_a_correlation_leaves_its_part_of_the_variance() -> None:
    given = HAND | {"baseline": {"spend": {"mean": 20.0, "sd": 10.0, "correlation": 0.6}}}
    found = of(size(made(given)))
    assert found.n_treatment == means.sample_size(1.0, (8.0, 8.0)).n_treatment
    assert found.baseline is not None and found.baseline["correlation"] == pytest.approx(0.6)


def test_power_and_detectable_effect_are_those_of_the_units_there_are() -> None:
    found = of(size(made(HAND | {"available_units": 1000})))
    assert found.power == pytest.approx(means.power(1.0, (10.0, 10.0), (500.0, 500.0)))
    assert found.mde_absolute == pytest.approx(means.detectable_effect((10.0, 10.0), (500.0, 500.0)))
    assert found.answerable is False


def test_unequal_shares_take_their_part() -> None:
    arms = {"from_column": "arm", "control": "c", "treatments": ["t"], "shares": {"c": 0.2, "t": 0.8}}
    found = of(size(made(HAND, arms=arms)))
    expected = means.sample_size(1.0, (10.0, 10.0), share=0.8)
    assert (found.n_treatment, found.n_control) == (expected.n_treatment, expected.n_control)


def test_several_arms_share_the_error_rate() -> None:
    arms = {"from_column": "arm", "control": "c", "treatments": ["t", "u"]}
    plan = size(made(HAND, arms=arms))
    expected = means.sample_size(1.0, (10.0, 10.0), level=Level(0.025))
    for treatment in ("t", "u"):
        found = of(plan, treatment=treatment)
        assert found.alpha == pytest.approx(0.025)
        assert found.n_treatment == expected.n_treatment
    assert plan.required_units == pytest.approx(3 * expected.unrounded[0], abs=3)


def test_a_proportion_and_its_log_rank_twin() -> None:
    metric = {"id": "again", "type": "repurchase", "within_days": 28, "column": "days", "role": "primary"}
    plan = size(made({"mde": {"again": 0.03}, "baseline": {"again": {"mean": 0.3}}}, metrics=[metric]))
    score = proportions.sample_size(0.33, 0.30)
    assert of(plan, name="again").n_treatment == score.n_treatment
    ratio = math.log(0.67) / math.log(0.70)
    ranked = of(plan, "survival", "again")
    assert ranked.facts["hazard_ratio"] == pytest.approx(ratio)
    assert ranked.n_treatment == survival.sample_size(ratio, (0.33, 0.30)).n_treatment
    assert not ranked.required


def test_a_guardrail_is_sized_by_its_margin_on_one_side() -> None:
    guard: dict[str, Any] = {"id": "left", "type": "proportion", "column": "left", "role": "guardrail"}
    guard |= {"direction": "decrease", "margin": {"absolute": 0.02}}
    given = HAND | {"baseline": HAND["baseline"] | {"left": {"mean": 0.1}}}
    found = of(size(made(given, metrics=[SPEND, guard])), "guardrail", "left")
    assert (found.alpha, found.sides) == (0.025, 1)
    assert found.effect_absolute == 0.02
    assert found.required and found.n_treatment is not None and 3000 < found.n_treatment < 4500


def test_households_take_the_design_effect() -> None:
    given = HAND | {"icc": 0.1, "cluster_size": 3.0}
    alone, drawn = of(size(made(HAND))), of(size(made(given, cluster="household")))
    assert alone.n_treatment and drawn.n_treatment
    assert drawn.n_treatment / alone.n_treatment == pytest.approx(1.2, rel=0.01)
    assert drawn.design_effect == pytest.approx(1.2)


def test_households_of_unknown_size_are_told_of() -> None:
    found = of(size(made(HAND, cluster="household")))
    assert found.reason is not None and "size of a cluster is not known" in found.reason


def test_a_likeness_that_is_not_known_is_never_taken_as_none() -> None:
    found = of(size(made(HAND | {"cluster_size": 3.0}, cluster="household")))
    assert found.reason is not None and "how alike the units of a cluster are is not known" in found.reason


def test_a_likeness_changes_nothing_where_units_are_drawn_one_by_one() -> None:
    found, plain = of(size(made(HAND | {"icc": 0.1, "cluster_size": 3.0}))), of(size(made(HAND)))
    assert (found.n_total, found.design_effect) == (plain.n_total, 1.0)


def test_money_by_hand_takes_the_design_effect() -> None:
    given = HAND | {"mde": {"spend": 3.0}, "money": {"sd_benefit": 10.0, "sd_cost": 0.0}}
    given |= {"expected_cost_per_unit": 1.0}
    alone = of(size(made(given, **MONEY)), "net_benefit", "net_benefit")
    alike = given | {"icc": 0.1, "cluster_size": 3.0}
    drawn = of(size(made(alike, cluster="household", **MONEY)), "net_benefit", "net_benefit")
    assert alone.n_total and drawn.n_total
    assert drawn.n_total / alone.n_total == pytest.approx(1.2, rel=0.01)


def test_looks_take_more_units() -> None:
    looks = {"method": "group_sequential", "planned_units": 10000, "looks": [0.5, 1.0]}
    plan = size(made(HAND, analysis={"sequential": looks}))
    found = of(plan)
    assert 1.0 < found.inflation < 1.02
    plain = of(size(made(HAND)))
    assert found.n_total is not None and plain.n_total is not None
    assert found.n_total == pytest.approx(plain.n_total * found.inflation, abs=3)


def test_an_always_valid_plan_takes_more_units() -> None:
    always = {"method": "asymptotic_cs", "horizon": 8000}
    found, plain = of(size(made(HAND, analysis={"sequential": always}))), of(size(made(HAND)))
    assert found.n_total and plain.n_total and 1.3 < found.inflation < 1.9
    assert found.n_total == pytest.approx(plain.n_total * found.inflation, rel=1e-3)


def test_an_interaction_is_sized_where_the_spec_asks_for_one() -> None:
    arms = {"from_column": "arm", "control": "00", "treatments": ["01", "10", "11"]}
    weights = {"11": 1, "10": -1, "01": -1, "00": 1}
    spec = made(HAND, arms=arms, analysis={"contrasts": [{"id": "interaction", "weights": weights}]})
    found = of(size(spec), "contrast", "spend: interaction", None)
    simple = means.sample_size(1.0, (10.0, 10.0), reference="normal")
    # A simple effect uses two of the four cells; a difference of two of them has twice its variance.
    assert found.n_total == pytest.approx(4 * simple.total, abs=8)


def test_the_money_is_sized_by_the_rule() -> None:
    given = HAND | {
        "mde": {"spend": 3.0},
        "available_units": 20_000,
        "money": {"sd_benefit": 10.0, "sd_cost": 0.0},
    }
    plan = size(made(given | {"expected_cost_per_unit": 1.0}, **MONEY))
    found = of(plan, "net_benefit", "net_benefit")
    # The rule asks for 95%, but nothing ships whose two-sided 95% interval holds 0.
    expected = means.sample_size(2.0, (10.0, 10.0), level=Level(0.025, 1), reference="normal")
    assert found.n_treatment == expected.n_treatment
    (money,) = plan.money
    n = float(money.units), float(money.control_units)
    roi = net_benefit.roi_plan(3.0, 1.0, net_benefit.Spread(10.0, 0.0), net_benefit.Spread(10.0, 0.0), n)
    assert money.half_width == pytest.approx(roi.half_width, rel=1e-3)
    assert money.roi == pytest.approx(2.0)
    assert money.budget_at_risk == pytest.approx(n[0], rel=1e-3)
    assert money.control_cost == pytest.approx(2.0 * n[1], rel=1e-3)


def test_a_hurdle_is_a_question_of_its_own() -> None:
    economics = MONEY["economics"] | {"hurdle": 0.5}
    rule = {"ship_if": {"probability_roi_above_hurdle": 0.9}}
    given = HAND | {"mde": {"spend": 3.0}, "money": {"sd_benefit": 10.0, "sd_cost": 2.0, "correlation": 0.5},
                    "expected_cost_per_unit": 1.0}  # fmt: skip
    found = of(size(made(given, economics=economics, decision=rule)), "roi", "net_benefit")
    sd = math.sqrt(100 - 2 * 1.5 * 10 + 2.25 * 4)
    expected = means.sample_size(1.5, (sd, 10.0), level=Level(0.1, 1), reference="normal")
    assert found.required and found.n_treatment == expected.n_treatment


def test_an_offer_that_loses_money_is_told_what_would_change_that() -> None:
    given = HAND | {"mde": {"spend": 0.5}, "available_units": 10**7, "expected_cost_per_unit": 1.0}
    given |= {"money": {"sd_benefit": 10.0, "sd_cost": 0.0}}
    plan = size(made(given, **MONEY))
    assert not plan.answerable
    assert [w.code for w in plan.why] == ["loses_money"]
    assert [w.kind for w in plan.ways] == ["cheaper_offer", "larger_effect"]
    assert plan.ways[0].value == pytest.approx(0.5)
    assert plan.ways[1].value == pytest.approx(2.0)


def test_an_offer_that_must_not_cost_is_sized_whatever_the_rule_asks_for() -> None:
    """Whatever ships has a net benefit above 0, so that is a question of every spec with money."""
    given = HAND | {"mde": {"spend": 3.0}, "money": {"sd_benefit": 10.0, "sd_cost": 0.0},
                    "expected_cost_per_unit": 1.0}  # fmt: skip
    for ship_if in ({"primary_improves": True}, {"net_benefit_lower_above": 0.0}):
        plan = size(made(given, economics=MONEY["economics"], decision={"ship_if": ship_if}))
        found = of(plan, "net_benefit", "net_benefit")
        assert found.required and (found.alpha, found.sides) == (0.025, 1)
    strict = size(
        made(given, **MONEY | {"decision": {"ship_if": {"probability_net_benefit_positive": 0.99}}})
    )
    assert of(strict, "net_benefit", "net_benefit").alpha == pytest.approx(0.01)


def test_dunnett_takes_fewer_units_than_bonferroni() -> None:
    arms = {"from_column": "arm", "control": "c", "treatments": ["t", "u"]}
    plans = {
        rule: of(size(made(HAND, arms=arms, analysis={"multiplicity": {"primary": rule}})))
        for rule in ("dunnett", "bonferroni", "none")
    }
    # Dunnett (1955): two treatments and a control of the same size, two-sided 5%, critical value 2.2121.
    assert plans["dunnett"].alpha == pytest.approx(2 * (1 - 0.986519), abs=2e-5)
    assert plans["none"].alpha == 0.05
    needed = {rule: found.n_total or 0 for rule, found in plans.items()}
    assert needed["none"] < needed["dunnett"] < needed["bonferroni"]


def test_every_change_that_brings_an_answer_nearer_is_weighed_with_numbers() -> None:
    """Longer, larger, better covariate, narrower population, another metric; the three cheapest are shown."""
    known = Known(20.0, 10.0, 10.0, source="history")
    heavy = Narrow(("tier", "gold"), 0.5, Known(40.0, 10.0, 10.0, source="history"))
    quick = {"id": "visit", "type": "proportion", "column": "visit"}
    given = {"mde": {"spend": 1.0, "visit": 0.1}, "entry_per_day": 50.0, "max_days": 58,
             "baseline": {"visit": {"mean": 0.3}}, "expected_cost_per_unit": 0.5}  # fmt: skip
    base = Baselines(metrics={"spend": known}, narrower={"spend": (heavy,)})
    asked = made(given, metrics=[SPEND, quick])
    assert asked.sizing is not None
    terms, _ = terms_of(asked, asked.sizing, base)
    pairs = [(q, answer(q, terms)) for q in questions(asked, asked.sizing, base)]
    found = {w.kind: w for w in considered(asked, asked.sizing, base, terms, pairs)}
    assert set(found) == {"longer", "larger", "covariate", "narrower", "surrogate"}
    assert all(w.units is not None and w.cost is not None for w in found.values())
    longer = found["longer"]
    assert (longer.value, longer.days) == (63, 33)
    assert longer.detail["total_days"] == 63 + 28
    assert longer.cost == pytest.approx(0.25 * (longer.units - 1500), rel=1e-6)
    assert found["larger"].value == pytest.approx(3142 / 1500, rel=1e-3)
    assert found["surrogate"].detail["metric"] == "visit" and found["surrogate"].enough
    shown = size(asked, base)
    costs = [w.cost for w in found.values() if w.enough]
    assert [w.cost for w in shown.ways] == sorted(costs)[:3]
    alone = size(made(HAND | {"entry_per_day": 50.0, "max_days": 58}))
    assert f"the answer after {63 + 28} days" in summary(alone.to_dict())


def test_the_three_cheapest_ways_come_with_what_they_take() -> None:
    known = Known(20.0, 10.0, 10.0, source="history")
    heavy = Narrow(("tier", "gold"), 0.5, Known(40.0, 10.0, 10.0, source="history"))
    base = Baselines(metrics={"spend": known}, narrower={"spend": (heavy,)}, units=2000)
    plan = size(made({"mde": {"spend": 1.0}}), base)
    assert [w.code for w in plan.why] == ["too_few_units"]
    assert plan.available_units == 2000
    by_kind = {w.kind: w for w in plan.ways}
    assert set(by_kind) == {"covariate", "narrower", "larger"}
    assert by_kind["covariate"].value == pytest.approx(math.sqrt(1 - 2000 / 3143), abs=0.01)
    assert by_kind["narrower"].enough
    assert by_kind["narrower"].units == pytest.approx(3140 / 4, rel=0.01)
    better = size(
        made({"mde": {"spend": 1.0}, "baseline": {"spend": {"mean": 20, "sd": 10, "correlation": 0.61}}}),
        base,
    )
    assert better.answerable


def test_time_may_be_what_is_short() -> None:
    given = HAND | {"entry_per_day": 50.0, "max_days": 58}
    plan = size(made(given))
    assert plan.available_units == 1500
    assert plan.why[0].code == "too_few_days"
    longer = next(w for w in plan.ways if w.kind == "longer")
    assert longer.enough and longer.value == pytest.approx(63)
    assert of(plan).days_to_answer == 63 + 28


def test_unequal_arms_may_be_made_equal() -> None:
    arms = {"from_column": "arm", "control": "c", "treatments": ["t"], "shares": {"c": 0.1, "t": 0.9}}
    plan = size(made(HAND | {"available_units": 4000}, arms=arms))
    ways = {w.kind: w for w in plan.ways}
    assert ways["shares"].enough


def test_cheapest_shares_cost_less_than_the_shares_of_the_spec() -> None:
    given = HAND | {"mde": {"spend": 3.0}, "expected_cost_per_unit": {"t": 4.0, "c": 1.0},
                    "money": {"sd_benefit": 10.0, "sd_cost": 0.0}}  # fmt: skip
    plan = size(made(given, decision=None, economics=MONEY["economics"]))
    assert (
        plan.cheapest is not None
        and plan.cheapest.cost is not None
        and plan.cheapest.cost_of_spec is not None
    )
    assert plan.cheapest.shares["c"] == pytest.approx(2 / 3)
    assert plan.cheapest.cost < plan.cheapest.cost_of_spec


def test_curves_rise_and_fall() -> None:
    plan = size(made(HAND | {"available_units": 2000}))
    powers = [p.power for p in plan.power_curve if p.power is not None]
    effects = [p.mde_absolute for p in plan.mde_curve if p.mde_absolute is not None]
    assert powers == sorted(powers) and effects == sorted(effects, reverse=True)
    assert len(powers) > 30 and len(effects) > 30


def test_json_is_plain_and_says_whether_it_can_answer() -> None:
    facts = size(made(HAND | {"available_units": 5000})).to_dict()
    assert facts["schema"] == SCHEMA and facts["answerable"] is True
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mde": {"spend": 0}}, "no number of units finds an effect of 0"),
        ({"relative_mde": 0}, "no number of units finds an effect of 0"),
        ({"relative_mde": -0.1}, "an effect size is above 0"),
        ({"mde": {"sped": 1.0}}, "names 'sped', which is not a metric"),
        (
            {"baseline": {"spend": {"mean": 1, "sd": 1, "correlation": 1.2}}},
            r"a correlation is in \[-1, 1\], not 1.2",
        ),
        ({"icc": 1.5}, r"an intraclass correlation is in \[0, 1\]"),
        ({"expected_cost_per_unit": {"x": 1.0}}, "names 'x', which is not an arm"),
        ({"power": 1.0}, "less than 1"),
    ],
)
def test_a_faulty_section_is_told_in_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        made(HAND | changes)


def test_a_share_that_leaves_an_arm_with_one_unit() -> None:
    arms = {"from_column": "arm", "control": "c", "treatments": ["t"], "shares": {"c": 1, "t": 999}}
    with pytest.raises(UsageError, match=r"arm 'c' with a share of 0.001 would get 1 of 1000 units"):
        size(made(HAND | {"available_units": 1000}, arms=arms))


def test_no_day_left_for_entry() -> None:
    with pytest.raises(UsageError, match=r"outcomes alone take 28 days"):
        size(made(HAND | {"max_days": 20}))


def test_without_the_section_the_answer_is_what_the_units_there_are_can_find() -> None:
    known = Baselines(metrics={"spend": Known(20.0, 10.0, 10.0, source="history")}, units=1000)
    plan = size(experiment(economics=None, decision=None), known)
    assert {w.code for w in plan.why} == {"no_effect_named"}
    assert of(plan).mde_absolute == pytest.approx(means.detectable_effect((10.0, 10.0), (500.0, 500.0)))
    assert "how large an effect" in summary(plan.to_dict()).splitlines()[0]


def test_nothing_varies() -> None:
    plan = size(made({"mde": {"spend": 1.0}, "baseline": {"spend": {"mean": 20.0, "sd": 0.0}}}))
    assert not plan.answerable
    assert plan.why[0].words == "nothing varies in the baseline, so no test can be planned"


def test_no_effect_is_named() -> None:
    plan = size(made({"baseline": HAND["baseline"], "available_units": 1000}))
    assert [w.code for w in plan.why] == ["no_effect_named"]
    assert of(plan).mde_absolute == pytest.approx(means.detectable_effect((10.0, 10.0), (500.0, 500.0)))


def test_a_two_by_two_design_sizes_the_contrasts_of_the_readout() -> None:
    """Two main effects and the interaction; Holm's method shares alpha among the three."""
    levels = [("off", "off"), ("on", "off"), ("off", "on"), ("on", "on")]
    arms = [
        {"id": f"a{i}", "share": 0.25, "control": i == 0, "factors": {"points": p, "perk": q}}
        for i, (p, q) in enumerate(levels)
    ]
    data = {"members": "m", "transactions": {"table": "t", "order": "o", "time": "t", "amount": "a"}}
    factors = {"points": ["off", "on"], "perk": ["off", "on"]}
    spec = made(HAND, arms=arms, data=data, factors=factors, assignment={"salt": "s"})
    plan = size(spec)
    simple = means.sample_size(1.0, (10.0, 10.0), level=Level(0.05 / 3), reference="normal")
    for name, times in (("main_points", 1), ("main_perk", 1), ("interaction_points_perk", 4)):
        found = of(plan, "contrast", f"spend: {name}", None)
        assert found.n_total == pytest.approx(times * simple.total, abs=8)
    text = summary(plan.to_dict())
    assert "Main effect of perk" in text and "Interaction of points and perk" in text


@pytest.mark.parametrize("estimator", ["mann_whitney", {"type": "normal_prior", "prior_sd": 1.0}])
def test_what_has_no_closed_form_is_not_planned_as_something_else(estimator: Any) -> None:
    found = of(size(made(HAND, metrics=[SPEND | {"estimator": estimator}])))
    assert found.reason is not None and "no closed form" in found.reason
    assert found.n_total is None and found.answerable is False


def test_the_calendar_waits_for_the_metric_that_looks_furthest() -> None:
    late = {"id": "again", "type": "repurchase", "within_days": 60, "column": "days"}
    plan = size(made(HAND | {"available_units": 4000}, metrics=[SPEND, late]))
    assert [s["day"] for s in plan.calendar if s["step"] == "outcomes_over"] == [61]


def test_rows_of_clusters_are_not_planned_as_single_units() -> None:
    metrics = [SPEND | {"estimator": "poisson_bootstrap"}]
    alone = of(size(made(HAND, metrics=metrics)))
    assert alone.n_total == of(size(made(HAND))).n_total
    drawn = of(size(made(HAND | {"icc": 0.1, "cluster_size": 3.0}, metrics=metrics, cluster="household")))
    assert drawn.n_total is None and drawn.reason is not None and "no closed form" in drawn.reason


def test_the_money_may_be_decided_by_what_it_is_made_of() -> None:
    given = HAND | {"mde": {"spend": 3.0}, "money": {"sd_benefit": 10.0, "sd_cost": 8.0}}
    plan = size(made(given | {"expected_cost_per_unit": 1.0, "available_units": 600}, **MONEY))
    (way,) = (w for w in plan.ways if w.kind == "surrogate")
    assert way.detail == {"metric": "spend"} and way.enough
