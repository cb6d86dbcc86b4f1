"""Planned power is the share of rejections of the readout's own tests, on data drawn from the plan.

Bands are 3.3 Monte Carlo standard errors wide on each side, at fixed seeds. Normal units give normal sums, so
moments are drawn whole: a mean and a Wishart matrix stand for n units exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.planning.families import Clustered, LogRank, Means, Proportions, WithinMargin
from loyalty_exp.planning.looks import READS, inflation
from loyalty_exp.planning.money_questions import net_spread
from loyalty_exp.planning.question import Question, constant
from loyalty_exp.planning.solve import Terms, answer, power_at, sizes, units_needed
from loyalty_exp.readout.sequential import Look
from loyalty_exp.spec.analysis import AlwaysValid, GroupSequential
from loyalty_exp.stats.benefit_cost import benefit_cost, net_benefit, probability_roi_above
from loyalty_exp.stats.cluster_moments import ClusterArm
from loyalty_exp.stats.event_counts import EventCounts, event_counts
from loyalty_exp.stats.log_rank import log_rank
from loyalty_exp.stats.means import adjusted
from loyalty_exp.stats.moments import Moments, empty
from loyalty_exp.stats.noninferiority import margin_status
from loyalty_exp.stats.power.clusters import Clusters
from loyalty_exp.stats.power.design import Level
from loyalty_exp.stats.power.ratio import linearized_sd

RUNS = 1500
TWO_SIDED = Level()


def band(p: float, runs: int = RUNS) -> float:
    """Half width around a planned power."""
    return 3.3 * math.sqrt(p * (1 - p) / runs)


def terms(
    shares: dict[str, float], plan: GroupSequential | None = None, available: float | None = None
) -> Terms:
    return Terms(shares, "c", 0.8, plan, available, None, 1, 0)


def question(test: object, effect: float, level: Level = TWO_SIDED, kind: str = "metric") -> Question:
    return Question(
        kind,
        "y",
        "t",
        "primary",
        True,
        level,
        test,
        "",
        None,
        {"t": 1.0, "c": -1.0},
        constant(effect),
        10.0,
        28,
    )  # type: ignore[arg-type]


def drawn(
    rng: np.random.Generator, n: int, mean: np.ndarray, cov: np.ndarray, names: tuple[str, ...]
) -> Moments:
    """Moments of n normal units: Wishart by Bartlett's decomposition."""
    k = len(mean)
    root = np.linalg.cholesky(cov)
    a = np.tril(rng.standard_normal((k, k)), -1)
    a[np.diag_indices(k)] = np.sqrt(rng.chisquare(n - 1 - np.arange(k)))
    factor = root @ a
    return Moments(n, names, mean + root @ rng.standard_normal(k) / math.sqrt(n), factor @ factor.T)


def planned(
    test: object, effect: float, shares: dict[str, float], level: Level = TWO_SIDED
) -> tuple[int, int, float]:
    """Whole units of treatment and control, and the power they have."""
    t = terms(shares)
    q = question(test, effect, level)
    found = answer(q, t)
    assert found.n_treatment is not None and found.n_control is not None
    power = test.power(effect, (found.n_treatment, found.n_control), level)  # type: ignore[attr-defined]
    assert power == pytest.approx(0.8, abs=0.02)
    return found.n_treatment, found.n_control, power


def rejected(estimate: Callable[[], float | None]) -> float:
    return sum((p := estimate()) is not None and p < 0.05 for _ in range(RUNS)) / RUNS


@pytest.mark.parametrize(("share", "effect"), [(0.5, 1.0), (0.2, 1.0), (0.5, 6.0)])
def test_plain_means(share: float, effect: float) -> None:
    rng = np.random.default_rng(11)
    n_t, n_c, power = planned(Means((5.0, 5.0)), effect, {"t": share, "c": 1 - share})
    cov, names = np.array([[25.0]]), ("y",)
    welch = ESTIMATORS["welch"].estimate

    def one() -> float | None:
        t = drawn(rng, n_t, np.array([10 + effect]), cov, names)
        c = drawn(rng, n_c, np.array([10.0]), cov, names)
        return welch(t, c, ("y",), (), 0.05).absolute.p_value

    assert rejected(one) == pytest.approx(power, abs=band(power))


def test_means_adjusted_for_what_is_known_before() -> None:
    rng = np.random.default_rng(12)
    rho = 0.6
    n_t, n_c, power = planned(Means((5 * math.sqrt(1 - rho**2),) * 2), 1.0, {"t": 0.5, "c": 0.5})
    cov = np.array([[25.0, rho * 5 * 3], [rho * 5 * 3, 9.0]])
    cuped = ESTIMATORS["cuped"].estimate

    def one() -> float | None:
        t = drawn(rng, n_t, np.array([11.0, 4.0]), cov, ("y", "x"))
        c = drawn(rng, n_c, np.array([10.0, 4.0]), cov, ("y", "x"))
        return cuped(t, c, ("y",), ("x",), 0.05).absolute.p_value

    assert rejected(one) == pytest.approx(power, abs=band(power))


@pytest.mark.parametrize("share", [0.5, 0.3])
def test_proportions_by_the_score_test(share: float) -> None:
    rng = np.random.default_rng(13)
    n_t, n_c, power = planned(Proportions(0.2), 0.05, {"t": share, "c": 1 - share})
    score = ESTIMATORS["miettinen_nurminen"].estimate

    def arm(n: int, p: float) -> Moments:
        x = rng.binomial(n, p)
        return Moments(n, ("y",), np.array([x / n]), np.array([[x * (1 - x / n)]]))

    found = rejected(lambda: score(arm(n_t, 0.25), arm(n_c, 0.2), ("y",), (), 0.05).absolute.p_value)
    # Counts are whole: the level of a discrete test moves about its name by a percent.
    assert found == pytest.approx(power, abs=band(power) + 0.01)


def test_ratios_by_the_delta_method() -> None:
    rng = np.random.default_rng(14)
    v = np.array([[400.0, 12.0], [12.0, 1.0]])
    sd = linearized_sd(60.0, 3.0, v[0, 0], v[0, 1], v[1, 1])
    n_t, n_c, power = planned(Means((sd, sd)), 0.8, {"t": 0.5, "c": 0.5})
    ratio = ESTIMATORS["ratio_delta"].estimate

    def one() -> float | None:
        t = drawn(rng, n_t, np.array([3 * 20.8, 3.0]), v, ("a", "b"))
        c = drawn(rng, n_c, np.array([60.0, 3.0]), v, ("a", "b"))
        return ratio(t, c, ("a", "b"), (), 0.05).absolute.p_value

    # The treated ratio is .8 higher, which changes its linearized spread by a few percent.
    assert rejected(one) == pytest.approx(power, abs=band(power) + 0.01)


@pytest.mark.parametrize("icc", [0.0, 0.1])
def test_households_by_cr2(icc: float) -> None:
    rng = np.random.default_rng(15)
    shape = Clusters(4.0, icc)
    test = Clustered(5.0, shape)
    q = question(test, 1.0)
    needed = units_needed(q, terms({"t": 0.5, "c": 0.5}))
    k = math.ceil(needed / 8)
    power = test.power(1.0, (4.0 * k, 4.0 * k), Level())
    assert power == pytest.approx(0.8, abs=0.02)
    total = 16 * 25 * (icc + (1 - icc) / 4)
    clusters = ESTIMATORS["clusters"].estimate

    def arm(mean: float) -> ClusterArm:
        return ClusterArm((4,), (drawn(rng, k, np.array([4 * mean]), np.array([[total]]), ("y",)),))

    found = rejected(lambda: clusters(arm(11.0), arm(10.0), ("y",), (), 0.05).absolute.p_value)
    assert found == pytest.approx(power, abs=band(power))


def test_a_guardrail_that_holds() -> None:
    rng = np.random.default_rng(16)
    level = Level(0.025, 1)
    n_t, n_c, power = planned(WithinMargin(Means((5.0, 5.0))), 1.0, {"t": 0.5, "c": 0.5}, level)
    cov, welch, held = np.array([[25.0]]), ESTIMATORS["welch"].estimate, 0
    for _ in range(RUNS):
        t, c = (drawn(rng, n, np.array([10.0]), cov, ("y",)) for n in (n_t, n_c))
        a = welch(t, c, ("y",), (), 0.05).absolute
        held += margin_status(a.ci_lower, a.ci_upper, 1.0, "increase") == "pass"
    assert held / RUNS == pytest.approx(power, abs=band(power))


def test_a_guardrail_on_a_rate_that_must_not_rise() -> None:
    rng = np.random.default_rng(17)
    level = Level(0.025, 1)
    n_t, n_c, power = planned(WithinMargin(Proportions(0.1, "decrease")), 0.03, {"t": 0.5, "c": 0.5}, level)
    score, held = ESTIMATORS["miettinen_nurminen"].estimate, 0
    for _ in range(1500):
        x, y = rng.binomial(n_t, 0.1), rng.binomial(n_c, 0.1)
        t = Moments(n_t, ("y",), np.array([x / n_t]), np.array([[x * (1 - x / n_t)]]))
        c = Moments(n_c, ("y",), np.array([y / n_c]), np.array([[y * (1 - y / n_c)]]))
        a = score(t, c, ("y",), (), 0.05).absolute
        held += margin_status(a.ci_lower, a.ci_upper, 0.03, "decrease") == "pass"
    assert held / 1500 == pytest.approx(power, abs=band(power, 1500) + 0.01)


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
def test_looks_by_alpha_spending(spending: str) -> None:
    rng = np.random.default_rng(18)
    looks = (0.5, 1.0)
    plan = GroupSequential(method="group_sequential", planned_units=100, looks=looks, spending=spending)
    t = terms({"t": 0.5, "c": 0.5}, plan)
    q = question(Means((5.0, 5.0)), 1.0)
    needed = units_needed(q, t)
    assert needed > units_needed(q, terms({"t": 0.5, "c": 0.5}))
    assert power_at(q, t, needed) == pytest.approx(0.8, abs=1e-6)
    n = round(needed / 2 / 2)
    plan = plan.model_copy(update={"planned_units": 4 * n})
    cov, welch, stopped, runs = np.array([[25.0]]), ESTIMATORS["welch"].estimate, 0, 800
    for _ in range(runs):
        arms = [drawn(rng, n, np.array([m]), cov, ("y",)) for m in (11.0, 10.0)]
        for i in range(2):
            a = welch(*arms, ("y",), (), 0.05).absolute
            look = Look(plan, 0.05, 2 * (i + 1) * n, looks[: i + 1], i == 1)
            reading = look.interval(a.estimate, a.std_error, 2 * (i + 1) * n)
            assert reading is not None
            if reading[0] > 0 or reading[1] < 0:
                stopped += 1
                break
            arms = [
                x + drawn(rng, n, np.array([m]), cov, ("y",)) for x, m in zip(arms, (11.0, 10.0), strict=True)
            ]
    assert stopped / runs == pytest.approx(0.8, abs=band(0.8, runs))


def test_an_interaction_takes_four_times_the_units_of_a_main_effect() -> None:
    shares = dict.fromkeys(("00", "01", "10", "11"), 0.25)
    t = Terms(shares, "00", 0.8, None, None, None, 1, 0)
    weights = {"11": 1.0, "10": -1.0, "01": -1.0, "00": 1.0}
    both = question(Means((5.0, 5.0), "normal"), 1.0)
    interaction = Question(
        "contrast",
        "y: i",
        None,
        "secondary",
        False,
        Level(),
        both.test,
        "",
        None,
        weights,
        constant(1.0),
        1.0,
        1,
    )
    half = {k: w / 2 for k, w in (weights | {"10": 1.0, "01": -1.0, "00": -1.0}).items()}
    main = Question(
        "contrast",
        "y: m",
        None,
        "secondary",
        False,
        Level(),
        both.test,
        "",
        None,
        half,
        constant(1.0),
        1.0,
        1,
    )
    assert units_needed(interaction, t) == pytest.approx(4 * units_needed(main, t), rel=1e-3)
    assert sizes(interaction, t, 400.0)[0] == pytest.approx(50.0)


def test_no_looks_cost_nothing() -> None:
    assert inflation(None, Level(), 0.8, 100) == 1.0


@pytest.mark.parametrize(("hurdle", "sure"), [(0.0, 0.95), (0.25, 0.8)])
def test_the_rule_of_the_money(hurdle: float, sure: float) -> None:
    """Benefit and cost of one unit go together; the treated vary in both, control in the benefit alone."""
    rng = np.random.default_rng(19)
    bb, bc, cc = 100.0, 12.0, 4.0
    spread = net_spread((bb, bc, cc), hurdle), net_spread((bb, 0.0, 0.0), hurdle)
    effect = 3.0 - (1 + hurdle) * 1.0
    level = Level(round(1 - sure, 12), 1)
    n_t, n_c, power = planned(Means(spread, "normal"), effect, {"t": 0.4, "c": 0.6}, level)
    names = ("benefit", "cost")
    shipped = 0
    for _ in range(RUNS):
        t = drawn(rng, n_t, np.array([23.0, 1.0]), np.array([[bb, bc], [bc, cc]]), names)
        x = drawn(rng, n_c, np.array([20.0]), np.array([[bb]]), ("benefit",))
        c = x.combine({"benefit": {"benefit": 1.0}, "cost": {}})
        pair = benefit_cost(*adjusted(t, c, names, ()))
        p = probability_roi_above(hurdle, pair) if hurdle else net_benefit(pair, 0.05).probability_positive
        shipped += p is not None and p >= sure
    assert shipped / RUNS == pytest.approx(power, abs=band(power))


@pytest.mark.parametrize("horizon", [2000, 900])
def test_always_valid_plans_hold_over_their_reads(horizon: int) -> None:
    """Read at five even steps, the last within the horizon or beyond it."""
    rng = np.random.default_rng(20)
    plan = AlwaysValid(method="asymptotic_cs", horizon=horizon)
    t = Terms({"t": 0.5, "c": 0.5}, "c", 0.8, plan, None, None, 1, 0)
    needed = units_needed(question(Means((5.0, 5.0)), 1.0), t)
    assert (needed > horizon) == (horizon == 900)
    n = math.ceil(needed / 2 / READS)
    runs, found = 1000, 0
    for _ in range(runs):
        arms = [empty(("y",))] * 2
        for i in range(1, READS + 1):
            new = (drawn(rng, n, np.array([m]), np.array([[25.0]]), ("y",)) for m in (11.0, 10.0))
            arms = [a + b for a, b in zip(arms, new, strict=True)]
            a = ESTIMATORS["welch"].estimate(*arms, ("y",), (), 0.05).absolute
            read = Look(plan, 0.05, 2 * n * i, (), i == READS).interval(a.estimate, a.std_error, 2 * n * i)
            assert read is not None
            if read[0] > 0:
                found += 1
                break
    assert found / runs == pytest.approx(0.8, abs=band(0.8, runs))


def test_time_to_the_next_purchase_by_the_log_rank_test() -> None:
    rng = np.random.default_rng(21)
    share, effect, days = 0.3, 0.06, 28
    test = LogRank(share)
    n_t, n_c, power = planned(test, effect, {"t": 0.5, "c": 0.5})
    base, runs, found = -math.log1p(-share) / days, 800, 0

    def arm(n: int, rate: float) -> EventCounts:
        time = rng.exponential(1 / rate, n)
        return event_counts(np.minimum(np.floor(time) + 1, days), time < days)

    for _ in range(runs):
        p = log_rank(arm(n_t, base * test.hazard_ratio(effect)), arm(n_c, base)).p_value
        found += p < 0.05
    assert found / runs == pytest.approx(power, abs=band(power, runs))
