"""Planned power is the share of rejections, design by design: arms, strata, factors, clusters, looks, money.

The bands and the way to draw are those of `test_size_power`; seeds are fixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from made import experiment
from test_size_power import RUNS, band, drawn, planned, question

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.planning.families import Clustered, Means, Proportions, WithinMargin
from loyalty_exp.planning.question import Question, constant, level_of
from loyalty_exp.planning.solve import Terms, power_at, units_needed
from loyalty_exp.readout.contrasts import asked_contrasts
from loyalty_exp.readout.sequential import Look
from loyalty_exp.spec.analysis import GroupSequential
from loyalty_exp.stats.benefit_cost import benefit_cost, net_benefit
from loyalty_exp.stats.cluster_moments import ClusterArm
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.dunnett import tail
from loyalty_exp.stats.factorial import contrast
from loyalty_exp.stats.means import adjusted, plain
from loyalty_exp.stats.moments import Moments
from loyalty_exp.stats.multiplicity import bonferroni, holm
from loyalty_exp.stats.noninferiority import margin_status
from loyalty_exp.stats.power.clusters import Clusters
from loyalty_exp.stats.power.design import Level

Y = np.array([[25.0]])
WELCH = ESTIMATORS["welch"].estimate


def normal_arm(rng: np.random.Generator, n: int, mean: float) -> Moments:
    return drawn(rng, n, np.array([mean]), Y, ("y",))


def p_of(t: Any, c: Any, estimate: Callable[..., Any] = WELCH, outcome: tuple[str, ...] = ("y",),
         covariates: tuple[str, ...] = ()) -> float:  # fmt: skip
    p = estimate(t, c, outcome, covariates, 0.05).absolute.p_value
    return 1.0 if p is None else float(p)


def test_strata_leave_the_variance_within_them() -> None:
    rng = np.random.default_rng(31)
    weights, levels = (0.3, 0.7), (30.0, 5.0)
    n_t, n_c, power = planned(Means((5.0, 5.0)), 1.0, {"t": 0.5, "c": 0.5})
    estimate, found = ESTIMATORS["stratified"].estimate, 0
    split = [round(w * n_t) for w in weights]
    for _ in range(RUNS):
        t, c = (
            tuple(normal_arm(rng, n, level + gain) for n, level in zip(split, levels, strict=True))
            for gain in (1.0, 0.0)
        )
        found += p_of(t, c, estimate) < 0.05
    assert n_t == n_c
    assert found / RUNS == pytest.approx(power, abs=band(power))


@pytest.mark.parametrize(("share", "names"), [(0.25, ("x",)), (0.5, ("x", "z"))])
def test_covariates_in_unequal_arms_and_several_at_once(share: float, names: tuple[str, ...]) -> None:
    rng = np.random.default_rng(32)
    k = len(names)
    cov = np.full((k + 1, k + 1), 0.0)
    cov[0, 0], cov[0, 1:], cov[1:, 0] = 25.0, 7.5, 7.5
    cov[1:, 1:] = 9.0 * np.eye(k)
    left = math.sqrt(25.0 - k * 7.5**2 / 9.0)
    n_t, n_c, power = planned(Means((left, left)), 1.0, {"t": share, "c": 1 - share})
    estimate = ESTIMATORS["cuped" if k == 1 else "lin"].estimate
    found, means = 0, np.array([10.0, *([4.0] * k)])
    for _ in range(RUNS):
        lifted = means + np.array([1.0, *([0.0] * k)])
        t, c = (drawn(rng, n, m, cov, ("y", *names)) for n, m in ((n_t, lifted), (n_c, means)))
        found += p_of(t, c, estimate, ("y",), names) < 0.05
    assert found / RUNS == pytest.approx(power, abs=band(power))


def test_a_ratio_with_its_value_before() -> None:
    rng = np.random.default_rng(33)
    # Numerator and denominator now, and before; the linearized column is a - 20 b.
    half = np.array([[400.0, 12.0], [12.0, 1.0]])
    v = np.block([[half, 0.6 * half], [0.6 * half, half]])
    whole = math.sqrt(400.0 - 2 * 20 * 12 + 400 * 1.0) / 3.0
    left = whole * math.sqrt(1 - 0.6**2)
    n_t, n_c, power = planned(Means((left, left)), 0.6, {"t": 0.5, "c": 0.5})
    estimate, names, found = ESTIMATORS["ratio_cuped"].estimate, ("a", "b", "a0", "b0"), 0
    for _ in range(RUNS):
        t = drawn(rng, n_t, np.array([3 * 20.6, 3.0, 60.0, 3.0]), v, names)
        c = drawn(rng, n_c, np.array([60.0, 3.0, 60.0, 3.0]), v, names)
        found += p_of(t, c, estimate, ("a", "b"), ("a0", "b0")) < 0.05
    # The treated ratio is .6 higher, which changes its linearized spread by a few percent.
    assert found / RUNS == pytest.approx(power, abs=band(power) + 0.01)


@pytest.mark.parametrize("rule", ["bonferroni", "holm", "dunnett"])
def test_several_arms_share_the_error_rate(rule: str) -> None:
    """Two treatments against one control; one works. Holm finds at least what Bonferroni's plan says."""
    rng = np.random.default_rng(34)
    arms = {"from_column": "arm", "control": "c", "treatments": ["t", "u"]}
    level = level_of(experiment(arms=arms, analysis={"multiplicity": {"primary": rule}}), "primary")
    n, _, power = planned(Means((5.0, 5.0)), 1.0, {"t": 1 / 3, "c": 1 / 3, "u": 1 / 3}, level)
    found = beside = 0
    for _ in range(RUNS):
        c, t, u = (normal_arm(rng, n, mean) for mean in (10.0, 11.0, 10.0))
        p: Any = [max(p_of(arm, c), 1e-300) for arm in (t, u)]
        if rule == "dunnett":
            p = [tail(-normal_quantile(x / 2), np.array([math.sqrt(0.5)] * 2), math.inf)[0] for x in p]
        else:
            p = {"bonferroni": bonferroni, "holm": holm}[rule](p)
        found += p[0] < 0.05
        beside += p[0] < 0.05 and p[1] < 0.05
    # What Holm finds beyond its plan, it finds where the other treatment was rejected, too.
    beyond = beside / RUNS if rule == "holm" else 0.0
    assert power - band(power) <= found / RUNS <= power + beyond + band(power)


def test_an_interaction_of_two_factors() -> None:
    rng = np.random.default_rng(35)
    ids = ("00", "10", "01", "11")
    arms = [
        {"id": f"a{i}", "share": 0.25, "control": i == "00", "factors": {"p": i[0], "q": i[1]}} for i in ids
    ]
    data = {"members": "m", "transactions": {"table": "t", "order": "o", "time": "t", "amount": "a"}}
    spec = experiment(
        arms=arms, data=data, factors={"p": ["0", "1"], "q": ["0", "1"]}, assignment={"salt": "s"},
        schedule={"outcome_days": 28, "start": "2026-01-01"},
    )  # fmt: skip
    weights = dict(asked_contrasts(spec)[-1].weights)
    terms = Terms(dict.fromkeys(weights, 0.25), "a00", 0.8, None, None, None, 1, 0)
    asked = Question("contrast", "y: i", None, "secondary", False, Level(), Means((5.0, 5.0), "normal"), "",
                     None, weights, constant(1.0), 1.0, 1)  # fmt: skip
    n = math.ceil(units_needed(asked, terms) / 4)
    power = power_at(asked, terms, 4.0 * n)
    mean = dict.fromkeys(weights, 10.0) | {"a11": 11.0}
    found = 0
    for _ in range(RUNS):
        cells = [plain(normal_arm(rng, n, mean[arm]), ("y",)) for arm in weights]
        found += contrast(list(weights.values()), cells).test("y", 0.05).p_value < 0.05
    assert found / RUNS == pytest.approx(power, abs=band(power))


@pytest.mark.parametrize(("share", "icc"), [(0.3, 0.05)])
def test_households_in_unequal_arms(share: float, icc: float) -> None:
    rng = np.random.default_rng(36)
    shape = Clusters(4.0, icc)
    asked = question(Clustered(5.0, shape), 1.0)
    terms = Terms({"t": share, "c": 1 - share}, "c", 0.8, None, None, None, 1, 0)
    needed = units_needed(asked, terms)
    k_t, k_c = math.ceil(needed * share / 4), math.ceil(needed * (1 - share) / 4)
    power = Clustered(5.0, shape).power(1.0, (4.0 * k_t, 4.0 * k_c), Level())
    total = np.array([[16 * 25 * (icc + (1 - icc) / 4)]])

    def arm(k: int, mean: float) -> ClusterArm:
        return ClusterArm((4,), (drawn(rng, k, np.array([4 * mean]), total, ("y",)),))

    clusters = ESTIMATORS["clusters"].estimate
    found = sum(p_of(arm(k_t, 11.0), arm(k_c, 10.0), clusters) < 0.05 for _ in range(RUNS))
    assert found / RUNS == pytest.approx(power, abs=band(power))


def test_newcombe_is_planned_by_the_score_test() -> None:
    rng = np.random.default_rng(37)
    n_t, n_c, power = planned(Proportions(0.2), 0.05, {"t": 0.5, "c": 0.5})
    newcombe, found = ESTIMATORS["newcombe"].estimate, 0
    for _ in range(RUNS):
        t, c = (
            Moments(n, ("y",), np.array([x / n]), np.array([[x * (1 - x / n)]]))
            for n, x in ((n_t, rng.binomial(n_t, 0.25)), (n_c, rng.binomial(n_c, 0.2)))
        )
        a = newcombe(t, c, ("y",), (), 0.05).absolute
        found += a.ci_lower > 0
    assert found / RUNS == pytest.approx(power, abs=band(power) + 0.015)


def test_a_guardrail_over_looks() -> None:
    """The margin holds when the interval that is good at all looks stays on the right side of it."""
    rng = np.random.default_rng(38)
    looks = (0.4, 1.0)
    plan = GroupSequential(method="group_sequential", planned_units=100, looks=looks, spending="pocock")
    terms = Terms({"t": 0.5, "c": 0.5}, "c", 0.8, plan, None, None, 1, 0)
    asked = question(WithinMargin(Means((5.0, 5.0))), 1.0, Level(0.025, 1), "guardrail")
    n = round(units_needed(asked, terms) / 2 / 5)
    plan = plan.model_copy(update={"planned_units": 10 * n})
    runs, held = 800, 0
    for _ in range(runs):
        arms = [normal_arm(rng, 2 * n, 10.0) for _ in "tc"]
        for i, units in enumerate((4 * n, 10 * n)):
            a = WELCH(*arms, ("y",), (), 0.05).absolute
            read = Look(plan, 0.05, units, looks[: i + 1], i == 1).interval(a.estimate, a.std_error, units)
            assert read is not None
            if margin_status(*read, 1.0, "increase") == "pass":
                held += 1
                break
            arms = [x + normal_arm(rng, 3 * n, 10.0) for x in arms]
    assert held / runs == pytest.approx(0.8, abs=band(0.8, runs))


def test_the_money_over_looks() -> None:
    """Net benefit is shown to be above 0 at any of the looks as often as is planned."""
    rng = np.random.default_rng(39)
    looks = (0.5, 1.0)
    plan = GroupSequential(method="group_sequential", planned_units=100, looks=looks)
    terms = Terms({"t": 0.5, "c": 0.5}, "c", 0.8, plan, None, None, 1, 0)
    cov, names = np.array([[100.0, 12.0], [12.0, 4.0]]), ("benefit", "cost")
    sd = math.sqrt(100 - 2 * 12 + 4)
    asked = question(Means((sd, 10.0), "normal"), 2.0, Level(0.025, 1), "net_benefit")
    n = round(units_needed(asked, terms) / 4)
    plan = plan.model_copy(update={"planned_units": 4 * n})
    runs, shown = 800, 0

    def arms() -> list[Moments]:
        t = drawn(rng, n, np.array([23.0, 1.0]), cov, names)
        return [t, drawn(rng, n, np.array([20.0]), np.array([[100.0]]), ("benefit",))]

    for _ in range(runs):
        there = arms()
        for i in range(2):
            t, c = there[0], there[1].combine({"benefit": {"benefit": 1.0}, "cost": {}})
            money = net_benefit(benefit_cost(*adjusted(t, c, names, ())), 0.05)
            units = 2 * (i + 1) * n
            look = Look(plan, 0.05, units, looks[: i + 1], i == 1)
            read = look.interval(money.estimate, money.std_error, units)
            assert read is not None
            if read[0] > 0:
                shown += 1
                break
            there = [a + b for a, b in zip(there, arms(), strict=True)]
    assert shown / runs == pytest.approx(0.8, abs=band(0.8, runs))
