"""Planned power is the share of rejections, further designs: uneven clusters, orders of tests, looks.

The bands and the way to draw are those of `test_size_power`; seeds are fixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from made import experiment
from test_size_power import RUNS, TWO_SIDED, band, drawn, planned, question
from test_size_power_designs import WELCH, Y, normal_arm, p_of

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.planning.families import Clustered, LogRank, Means, Proportions, WithinMargin
from loyalty_exp.planning.families import Test as Planned
from loyalty_exp.planning.money_questions import net_spread
from loyalty_exp.planning.question import Question, constant, level_of
from loyalty_exp.planning.solve import Terms, power_at, units_needed
from loyalty_exp.readout.sequential import Look
from loyalty_exp.spec.analysis import GroupSequential
from loyalty_exp.stats.arm_means import ArmMeans, plain
from loyalty_exp.stats.benefit_cost import benefit_cost, net_benefit
from loyalty_exp.stats.cluster_moments import ClusterArm
from loyalty_exp.stats.clusters import cluster_means
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.dunnett import tail
from loyalty_exp.stats.event_counts import EventCounts, event_counts
from loyalty_exp.stats.factorial import contrast
from loyalty_exp.stats.gatekeeping import fixed_sequence
from loyalty_exp.stats.log_rank import log_rank
from loyalty_exp.stats.means import adjusted, cuped
from loyalty_exp.stats.moments import Moments, merge
from loyalty_exp.stats.multiplicity import hochberg, hommel
from loyalty_exp.stats.noninferiority import margin_status
from loyalty_exp.stats.power.clusters import Clusters
from loyalty_exp.stats.power.design import Level
from loyalty_exp.stats.unit_rows import UnitRows

HALF = {"t": 0.5, "c": 0.5}
CLUSTERS = ESTIMATORS["clusters"].estimate


def clustered_arm(
    rng: np.random.Generator, k: int, mean: float, sizes: Sequence[int], icc: float
) -> ClusterArm:
    """Equally many clusters of each size; units have a standard deviation of 5."""
    each = k // len(sizes)
    cells = tuple(
        drawn(rng, each, np.array([m * mean]), 25.0 * np.eye(1) * m * (1 + (m - 1) * icc), ("y",))
        for m in sizes
    )
    return ClusterArm(tuple(sizes), cells)


def whole_clusters(
    test: Planned, shape: Clusters, effect: float, level: Level = TWO_SIDED
) -> tuple[int, float]:
    """Clusters of each of two equal arms, an even number, and their power."""
    needed = units_needed(question(test, effect, level), Terms(HALF, "c", 0.8, None, None, None, 1, 0))
    k = 2 * math.ceil(needed / shape.size / 4)
    return k, test.power(effect, (k * shape.size, k * shape.size), level)


def test_clusters_of_unequal_size() -> None:
    rng = np.random.default_rng(51)
    sizes, icc = (2, 6), 0.05
    shape = Clusters(4.0, icc, 0.5)
    k, power = whole_clusters(Clustered(5.0, shape), shape, 1.0)
    found = sum(
        p_of(clustered_arm(rng, k, 11.0, sizes, icc), clustered_arm(rng, k, 10.0, sizes, icc), CLUSTERS)
        < 0.05
        for _ in range(RUNS)
    )
    assert found / RUNS == pytest.approx(power, abs=band(power) + 0.01)


def test_a_guardrail_over_clusters() -> None:
    rng = np.random.default_rng(52)
    shape = Clusters(4.0, 0.1)
    k, power = whole_clusters(WithinMargin(Clustered(5.0, shape)), shape, 1.0, Level(0.025, 1))
    held = 0
    for _ in range(RUNS):
        t, c = (clustered_arm(rng, k, 10.0, (4,), 0.1) for _ in "tc")
        a = CLUSTERS(t, c, ("y",), (), 0.05).absolute
        held += margin_status(a.ci_lower, a.ci_upper, 1.0, "increase") == "pass"
    assert held / RUNS == pytest.approx(power, abs=band(power))


def test_a_ratio_over_clusters() -> None:
    """Numerator and denominator vary together, and so do units of a cluster."""
    rng = np.random.default_rng(53)
    icc, names = 0.1, ("a", "b")
    v = np.array([[400.0, 12.0], [12.0, 1.0]])
    sd = math.sqrt(400 - 2 * 20 * 12 + 400) / 3.0
    shape = Clusters(4.0, icc)
    k, power = whole_clusters(Clustered(sd, shape), shape, 0.8)
    total = 4 * (1 + 3 * icc) * v
    ratio, found = ESTIMATORS["ratio_clusters"].estimate, 0
    for _ in range(RUNS):
        t, c = (
            ClusterArm((4,), (drawn(rng, k, np.array([12.0 * r, 12.0]), total, names),)) for r in (20.8, 20.0)
        )
        found += p_of(t, c, ratio, names) < 0.05
    # The treated ratio is .8 higher, which changes its linearized spread by a few percent.
    assert found / RUNS == pytest.approx(power, abs=band(power) + 0.01)


@pytest.mark.parametrize("design", ["clusters", "covariates"])
def test_the_money_over_clusters_and_with_covariates(design: str) -> None:
    rng = np.random.default_rng(54)
    names = ("benefit", "cost")
    v = np.array([[100.0, 12.0], [12.0, 4.0]])
    if design == "clusters":
        size, growth = 4, 1 + 3 * 0.1
        spread = net_spread((130.0, 15.6, 5.2)), net_spread((130.0, 0.0, 0.0))
    else:
        # Covariate x: correlation .6 with the benefit, .3 with the cost.
        size, growth = 1, 1.0
        with_x = np.array([[100.0, 12.0, 6.0], [12.0, 4.0, 0.6], [6.0, 0.6, 1.0]])
        left = v - np.outer(with_x[:2, 2], with_x[:2, 2])
        spread = net_spread((left[0, 0], left[0, 1], left[1, 1])), net_spread((64.0, 0.0, 0.0))
    level = Level(0.025, 1)
    n_t, _, _ = planned(Means(spread, "normal"), 2.0, HALF, level)
    k = math.ceil(n_t / size)
    power = Means(spread, "normal").power(2.0, (float(k * size), float(k * size)), level)

    def clusters(b: float, c: float, cov: np.ndarray) -> ArmMeans:
        arm = drawn(rng, k, size * np.array([b, c]), size * growth * cov, names)
        return cluster_means(ClusterArm((size,), (arm,)), names)

    free = np.diag([100.0, 1e-12])
    shown = 0
    for _ in range(RUNS):
        pair: Any
        if design == "clusters":
            pair = clusters(23.0, 1.0, v), clusters(20.0, 0.0, free)
        else:
            t = drawn(rng, k, np.array([23.0, 1.0, 5.0]), with_x, (*names, "x"))
            c = drawn(rng, k, np.array([20.0, 5.0]), with_x[np.ix_([0, 2], [0, 2])], ("benefit", "x"))
            c = c.combine({"benefit": {"benefit": 1.0}, "cost": {}, "x": {"x": 1.0}})
            pair = adjusted(t, c, names, ("x",))
        shown += net_benefit(benefit_cost(*pair), 0.05).ci_lower > 0
    assert shown / RUNS == pytest.approx(power, abs=band(power))


@pytest.mark.parametrize("rule", ["hochberg", "hommel", "dunnett"])
def test_unequal_arms_share_the_error_rate(rule: str) -> None:
    """Two treatments of unequal size against one control; the first works."""
    rng = np.random.default_rng(55)
    shares = {"t": 0.2, "u": 0.5, "c": 0.3}
    arms = {"from_column": "arm", "control": "c", "treatments": ["t", "u"], "shares": shares}
    level = level_of(experiment(arms=arms, analysis={"multiplicity": {"primary": rule}}), "primary")
    n_t, n_c, power = planned(Means((5.0, 5.0)), 1.0, shares, level)
    n_u = round(n_t / 0.2 * 0.5)
    loadings = np.array([math.sqrt(n / (n + n_c)) for n in (n_t, n_u)])
    found = beside = 0
    for _ in range(RUNS):
        c, t, u = (normal_arm(rng, n, mean) for n, mean in ((n_c, 10.0), (n_t, 11.0), (n_u, 10.0)))
        p: Any = [max(p_of(arm, c), 1e-300) for arm in (t, u)]
        if rule == "dunnett":
            p = [tail(-normal_quantile(x / 2), loadings, math.inf)[0] for x in p]
        else:
            p = {"hochberg": hochberg, "hommel": hommel}[rule](p)
        found += p[0] < 0.05
        beside += p[0] < 0.05 and p[1] < 0.05
    beyond = 0.0 if rule == "dunnett" else beside / RUNS
    assert power - band(power) <= found / RUNS <= power + beyond + band(power)


def test_a_fixed_sequence_has_all_of_alpha_at_each_step() -> None:
    """The second metric is as likely to be found as planned where the first one was."""
    rng = np.random.default_rng(56)
    metrics = [{"id": m, "type": "amount", "column": m, "role": "primary"} for m in ("spend", "visits")]
    level = level_of(
        experiment(metrics=metrics, analysis={"multiplicity": {"primary": "fixed_sequence"}}), "primary"
    )
    n, _, power = planned(Means((5.0, 5.0)), 1.0, HALF, level)
    first = second = 0
    for _ in range(RUNS):
        p = [p_of(normal_arm(rng, n, 11.0), normal_arm(rng, n, 10.0)) for _ in metrics]
        held = [x is not None and x < 0.05 for x in fixed_sequence(p)]
        first, second = first + held[0], second + held[1]
    assert first / RUNS == pytest.approx(power, abs=band(power))
    assert second / first == pytest.approx(power, abs=band(power, first))


@pytest.mark.parametrize("names", [(), ("x",)])
def test_a_contrast_of_unequal_cells(names: tuple[str, ...]) -> None:
    """A main effect of two factors, without and with a covariate whose slope is that of all arms."""
    rng = np.random.default_rng(57)
    shares = {"00": 0.4, "10": 0.3, "01": 0.2, "11": 0.1}
    weights = {"00": -0.5, "10": 0.5, "01": -0.5, "11": 0.5}
    sd = 5.0 * math.sqrt(1 - 0.36) if names else 5.0
    terms = Terms(shares, "00", 0.8, None, None, None, 1, 0)
    asked = Question("contrast", "y: m", None, "secondary", False, Level(0.05 / 3), Means((sd, sd), "normal"),
                     "", None, weights, constant(1.0), 1.0, 1)  # fmt: skip
    needed = units_needed(asked, terms)
    n = {arm: math.ceil(needed * share) for arm, share in shares.items()}
    power = power_at(asked, terms, needed)
    cov = np.array([[25.0, 3.0], [3.0, 1.0]]) if names else Y
    found = 0
    for _ in range(RUNS):
        mean = {arm: 11.0 if arm[0] == "1" else 10.0 for arm in weights}
        arms = {
            a: drawn(rng, n[a], np.array([mean[a], 4.0][: len(cov)]), cov, ("y", *names)) for a in weights
        }
        cells = []
        for a, own in arms.items():
            rest = merge((m for b, m in arms.items() if b != a), own.columns)
            cells.append(cuped(own, rest, ("y",), names)[0] if names else plain(own, ("y",)))
        found += contrast(list(weights.values()), cells).test("y", 0.05).p_value < 0.05 / 3
    assert found / RUNS == pytest.approx(power, abs=band(power))


def over_looks(
    plan: GroupSequential, level: Level, test: Planned, effect: float,
    arm: Callable[[int, float], Any], estimate: Callable[..., Any], per: int = 1,
) -> tuple[float, int]:  # fmt: skip
    """Share of runs in which any look finds the effect at a level; arms grow by what comes between looks."""
    terms = Terms(HALF, "c", 0.8, plan, None, None, 1, 0)
    n = round(units_needed(question(test, effect, level), terms) / 2 / 4 / per) * per
    there, runs, found = plan.model_copy(update={"planned_units": 8 * n}), 700, 0
    for _ in range(runs):
        arms: list[Any] = []
        for i in range(1, 3):
            new = [arm(2 * n // per, mean) for mean in (10.0 + effect, 10.0)]
            arms = [a + b for a, b in zip(arms, new, strict=True)] if arms else new
            a = estimate(*arms, ("y",), (), 0.05).absolute
            look = Look(there, level.alpha, 4 * n * i, plan.looks[:i], i == 2)
            read = look.interval(a.estimate, a.std_error, 4 * n * i)
            assert read is not None
            if read[0] > 0:
                found += 1
                break
    return found / runs, runs


def test_looks_at_a_part_of_the_level_by_a_power_of_the_units() -> None:
    """Two treatments share alpha, and each look spends its part of it as Kim and DeMets do."""
    rng = np.random.default_rng(58)
    plan = GroupSequential(
        method="group_sequential", planned_units=100, looks=(0.5, 1.0), spending="power", power=2.0
    )
    found, runs = over_looks(
        plan, Level(0.025), Means((5.0, 5.0)), 1.0, lambda n, mean: normal_arm(rng, n, mean), WELCH
    )
    assert found == pytest.approx(0.8, abs=band(0.8, runs))


def test_looks_at_clusters() -> None:
    rng = np.random.default_rng(59)
    plan = GroupSequential(method="group_sequential", planned_units=100, looks=(0.5, 1.0), spending="pocock")

    class Arm(ClusterArm):
        def __add__(self, other: ClusterArm) -> Arm:
            return Arm(self.sizes, tuple(a + b for a, b in zip(self.cells, other.cells, strict=True)))

    def arm(k: int, mean: float) -> Arm:
        made = clustered_arm(rng, k, mean, (4,), 0.05)
        return Arm(made.sizes, made.cells)

    found, runs = over_looks(plan, Level(), Clustered(5.0, Clusters(4.0, 0.05)), 1.0, arm, CLUSTERS, per=4)
    assert found == pytest.approx(0.8, abs=band(0.8, runs))


def test_looks_at_a_proportion() -> None:
    rng = np.random.default_rng(60)
    looks = (0.5, 1.0)
    plan = GroupSequential(method="group_sequential", planned_units=100, looks=looks)
    terms = Terms({"t": 0.3, "c": 0.7}, "c", 0.8, plan, None, None, 1, 0)
    needed = units_needed(question(Proportions(0.2), 0.05), terms)
    n = {"t": round(0.15 * needed), "c": round(0.35 * needed)}
    units = sum(n.values())
    plan, score = (
        plan.model_copy(update={"planned_units": 2 * units}),
        ESTIMATORS["miettinen_nurminen"].estimate,
    )
    runs, found = 700, 0

    def share(n: int, x: int) -> Moments:
        return Moments(n, ("y",), np.array([x / n]), np.array([[x * (1 - x / n)]]))

    for _ in range(runs):
        bought = {"t": 0, "c": 0}
        for i in (1, 2):
            bought = {a: x + int(rng.binomial(n[a], 0.25 if a == "t" else 0.2)) for a, x in bought.items()}
            a = score(
                share(i * n["t"], bought["t"]), share(i * n["c"], bought["c"]), ("y",), (), 0.05
            ).absolute
            read = Look(plan, 0.05, i * units, looks[:i], i == 2).interval(a.estimate, a.std_error, i * units)
            assert read is not None
            if read[0] > 0:
                found += 1
                break
    assert found / runs == pytest.approx(0.8, abs=band(0.8, runs) + 0.01)


@pytest.mark.parametrize(("direction", "effect"), [("increase", 0.08), ("decrease", 0.08)])
def test_time_to_the_next_purchase_in_unequal_arms(direction: Any, effect: float) -> None:
    rng = np.random.default_rng(61)
    share, days, runs, found = 0.4, 28, 500, 0
    test = LogRank(share, direction)
    n_t, n_c, power = planned(test, effect, {"t": 0.3, "c": 0.7})
    base = -math.log1p(-share) / days

    def arm(n: int, rate: float) -> EventCounts:
        time = rng.exponential(1 / rate, n)
        return event_counts(np.minimum(np.floor(time) + 1, days), time < days)

    for _ in range(runs):
        found += log_rank(arm(n_t, base * test.hazard_ratio(effect)), arm(n_c, base)).p_value < 0.05
    # Schoenfeld's formula takes the split at events as that of the units, which unequal hazards shift.
    assert found / runs == pytest.approx(power, abs=band(power, runs) + 0.02)


@pytest.mark.parametrize(
    ("name", "parameters"), [("poisson_bootstrap", {"replicates": 200}), ("randomization", {"draws": 199})]
)
def test_resampling_agrees_with_the_mean_that_it_resamples(name: str, parameters: dict[str, int]) -> None:
    rng = np.random.default_rng(62)
    n, _, power = planned(Means((5.0, 5.0)), 2.0, HALF)
    runs, found = 200, 0
    for _ in range(runs):
        t, c = (
            UnitRows({"y": rng.normal(mean, 5.0, n)}, rng.integers(0, 2**63, n).astype(np.uint64))
            for mean in (12.0, 10.0)
        )
        a = ESTIMATORS[name].estimate(t, c, ("y",), (), 0.05, **parameters).absolute
        found += a.p_value < 0.05 if name == "randomization" else a.ci_lower > 0
    assert found / runs == pytest.approx(power, abs=band(power, runs) + 0.01)


def test_a_flat_prior_is_planned_as_the_difference() -> None:
    rng = np.random.default_rng(63)
    n, _, power = planned(Means((5.0, 5.0)), 1.0, HALF)
    prior, found = ESTIMATORS["normal_prior"].estimate, 0
    for _ in range(RUNS):
        a = prior(normal_arm(rng, n, 11.0), normal_arm(rng, n, 10.0), ("y",), (), 0.05).absolute
        found += a.ci_lower > 0
    assert found / RUNS == pytest.approx(power, abs=band(power))
