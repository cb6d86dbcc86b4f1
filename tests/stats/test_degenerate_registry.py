"""Every estimator of the registry on data at the edge: the right number, or a reason in words."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from loyalty_exp.errors import NotEstimable
from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.report.said import NOT_ESTIMABLE
from loyalty_exp.stats.cluster_moments import ClusterArm, from_members
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.event_counts import EventCounts, event_counts
from loyalty_exp.stats.moments import Moments, from_rows
from loyalty_exp.stats.poisson_bootstrap import unit_hashes
from loyalty_exp.stats.quantiles import OrderStatistics, order_statistics, quantile
from loyalty_exp.stats.unit_rows import UnitRows

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

Arm = Mapping[str, np.ndarray]
NAMES = [n for n, e in ESTIMATORS.items() if e.evidence != "follow_up"]
"""All that read one outcome; what reads the time to an event has its own edges in `test_survival`."""
PROPORTIONS = [n for n in NAMES if ESTIMATORS[n].fits == ("proportion",)]
AMOUNTS = [n for n in NAMES if n not in PROPORTIONS]
DRAWN = {"poisson_bootstrap", "bootstrap", "quantile_bootstrap", "randomization"}
COLUMNS = ("y", "d", "x", "w")


def arm(y: Any, **columns: Any) -> dict[str, np.ndarray]:
    """One arm: outcome, a denominator of 1, and two covariates that say nothing, unless they are given."""
    values = np.asarray(y, dtype=np.float64)
    still = {"d": 1.0, "x": 0.1, "w": 1e9} | columns
    return {"y": values} | {k: np.broadcast_to(np.asarray(v, float), values.shape) for k, v in still.items()}


def evidence(kind: str, rows: Arm, prefix: str) -> Any:
    """What an estimator reads of one arm: two strata, and pairs of members as clusters."""
    n = len(rows["y"])
    if kind == "moments":
        return from_rows(rows)
    if kind == "strata":
        even = np.arange(n) % 2 == 0
        return tuple(from_rows({k: v[m] for k, v in rows.items()}) for m in (even, ~even))
    if kind == "clusters":
        return from_members(rows, np.arange(n) // 2)
    if kind == "event_counts":
        return event_counts(np.ones(n), rows["y"] == 1)
    if kind == "order_statistics":
        return order_statistics(rows["y"], 0.5, 0.05)
    return UnitRows(dict(rows), unit_hashes(f"{prefix}{i}" for i in range(n)))


def estimate(name: str, treated: Any, control: Any) -> Effect:
    """Ask one estimator, with the covariates it can use; resampling draws few times."""
    e = ESTIMATORS[name]
    parameters = dict(e.parameters) | {k: 400 for k in ("draws", "replicates") if k in e.parameters}
    parameters |= dict.fromkeys(e.required, 1.0)
    outcome = ("y", "d") if "ratio" in e.fits and "mean" not in e.fits else ("y",)
    return e.estimate(treated, control, outcome, ("x", "w")[: e.covariates[1]], 0.05, **parameters)


def read(name: str, treated: Arm, control: Arm) -> Effect | str:
    """An effect that is sound in itself, or the reason why there is none."""
    kind = ESTIMATORS[name].evidence
    try:
        found = estimate(name, evidence(kind, treated, "t"), evidence(kind, control, "c"))
    except NotEstimable as reason:
        return str(reason)
    sound(found)
    return found


def sound(found: Effect) -> None:
    """No NaN, no infinity, nothing that is 1 or 0 for want of an answer."""
    json.dumps(dataclasses.asdict(found), allow_nan=False)
    a, r = found.absolute, found.relative
    assert a.ci_lower <= a.ci_upper
    assert a.std_error is None or a.std_error >= 0
    if a.std_error == 0 and found.estimator not in PROPORTIONS:
        assert a.p_value is None and a.ci_lower == a.ci_upper == a.estimate
    if a.p_value is not None:
        assert 0 <= a.p_value <= 1
        if a.p_value == 0:
            assert a.log_p_value is not None and -1e9 < a.log_p_value < math.log(1e-300)
        if a.log_p_value is not None and a.p_value > 0:
            assert a.p_value == pytest.approx(math.exp(a.log_p_value), rel=1e-9)
    assert (r.ci_lower is None) == (r.ci_upper is None) == bool(r.not_bounded)
    assert found.variance_reduction is None or found.variance_reduction <= 1


def expected(name: str, t: Arm, c: Arm) -> float:
    """The estimate by its definition, from all rows."""
    x, y = t["y"], c["y"]
    if name == "mann_whitney":
        return float(np.median(np.subtract.outer(x, y)))
    if name == "brunner_munzel":
        return float((np.sign(np.subtract.outer(x, y)).mean() + 1) / 2 - 0.5)
    if name.startswith("quantile"):
        return quantile(x, 0.5) - quantile(y, 0.5)
    if name == "beta_binomial":
        return float((x.sum() + 1) / (len(x) + 2) - (y.sum() + 1) / (len(y) + 2))
    if name == "winsorized":
        cap = quantile(np.concatenate([x, y]), 0.99)
        return float(np.minimum(x, cap).mean() - np.minimum(y, cap).mean())
    if name.endswith("stratified"):
        parts = [(x[i::2], y[i::2]) for i in (0, 1)]
        return sum((len(a) + len(b)) * (a.mean() - b.mean()) for a, b in parts) / (len(x) + len(y))
    return float(x.mean() - y.mean())


def normal(seed: int, n: int, mean: float, sd: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, sd, n)


def spread(n: int, mean: float) -> np.ndarray:
    """Values whose mean is exactly this."""
    return mean + np.concatenate([np.arange(1.0, n // 2 + 1), -np.arange(1.0, n // 2 + 1)]) / n


EDGES: dict[str, tuple[Arm, Arm]] = {
    "nothing varies": (arm([7.0] * 40), arm([7.0] * 48)),
    "nothing varies within the arms": (arm([5.0] * 40), arm([3.0] * 48)),
    "one arm does not vary": (arm([0.0] * 60), arm(([0.0] * 2 + [10.0, 20.0, 30.0]) * 10)),
    "all zeros": (arm([0.0] * 40), arm([0.0] * 48)),
    "negative values": (arm(normal(1, 40, -5, 2)), arm(normal(2, 48, -8, 2))),
    "control mean zero": (arm(normal(3, 40, 1, 2)), arm(spread(48, 0.0))),
    "control mean negative": (arm(normal(4, 40, -4, 2)), arm(normal(5, 48, -9, 2))),
    "ties": (arm([0, 1, 1, 2, 3, 3, 3, 4] * 6), arm([0, 0, 1, 1, 1, 2, 2, 3] * 7)),
    "p beyond 1e-300": (arm(normal(6, 2_000, 9, 3)), arm(normal(7, 2_400, 1, 3))),
    "far from zero": (arm(normal(8, 40, 1e9, 1)), arm(normal(9, 48, 1e9, 1))),
}
TABLES: dict[str, tuple[Arm, Arm]] = {
    "nothing varies": (arm([1] * 40), arm([1] * 48)),
    "nothing varies within the arms": (arm([1] * 40), arm([0] * 48)),
    "one arm does not vary": (arm([0] * 60), arm([0, 0, 1, 1, 1] * 10)),
    "all zeros": (arm([0] * 40), arm([0] * 48)),
    "ties": (arm([0, 1] * 24), arm([0, 0, 1] * 20)),
    "p beyond 1e-300": (arm([1] * 1_999 + [0]), arm([0] * 2_399 + [1])),
}
TIED = {"quantile_difference"}
"""Its limits are equal where values are tied, which says nothing of its error: a reason is the answer."""


def of(name: str, edge: str) -> tuple[Arm, Arm]:
    return (TABLES if name in PROPORTIONS else EDGES)[edge]


EVERYWHERE = [(e, n) for e in EDGES for n in NAMES if n in AMOUNTS or e in TABLES]
"""Edges and the estimators that can meet them: a proportion has no negative values."""


@pytest.mark.parametrize(("edge", "name"), EVERYWHERE)
def test_what_is_estimated_is_the_estimate_by_definition(edge: str, name: str) -> None:
    t, c = of(name, edge)
    found = read(name, t, c)
    if isinstance(found, str):
        assert any(_said(found)), found
        return
    assert found.absolute.estimate == pytest.approx(expected(name, t, c), rel=1e-9, abs=1e-6)
    low, high = found.absolute.ci_lower, found.absolute.ci_upper
    assert low - 1e-9 <= found.absolute.estimate <= high + 1e-9


def _said(reason: str) -> list[str]:
    """Words of the page for a reason."""
    return [message for pattern, message in NOT_ESTIMABLE if re.search(pattern, reason)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("edge", ["nothing varies", "all zeros"])
def test_without_variation_there_is_no_test(name: str, edge: str) -> None:
    found = read(name, *of(name, edge))
    if not isinstance(found, str):
        assert found.absolute.p_value is None
        assert found.absolute.ci_lower <= 0 <= found.absolute.ci_upper
        if edge == "all zeros":
            assert (found.relative.estimate, bool(found.relative.not_bounded)) == (None, True)


ANSWERED = {
    "one arm does not vary": TIED,
    "negative values": set(),
    "control mean zero": set(),
    "control mean negative": set(),
    "ties": set(),
    "p beyond 1e-300": {"boschloo"},  # 4.8 million tables
    "far from zero": set(),
}
"""Edges that allow an answer, and the estimators that give none all the same."""


@pytest.mark.parametrize(("edge", "name"), [pair for pair in EVERYWHERE if pair[0] in ANSWERED])
def test_a_reason_is_no_way_out_where_there_is_an_answer(edge: str, name: str) -> None:
    found = read(name, *of(name, edge))
    refuses = name in ANSWERED[edge]
    assert isinstance(found, str) == refuses, found
    medians = name == "quantile_bootstrap" and "one arm" in edge  # two fifths are 0, so the median may be
    if not isinstance(found, str) and not medians and edge in ("one arm does not vary", "p beyond 1e-300"):
        p = found.absolute.p_value
        assert p is None or p <= (0.01 if name in DRAWN or "one arm" in edge else 1e-300)
        assert found.absolute.ci_lower > 0 or found.absolute.ci_upper < 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("units", [0, 1])
@pytest.mark.parametrize("short", ["treatment", "control"])
def test_one_unit_or_none_is_a_reason_that_names_what_is_short(name: str, units: int, short: str) -> None:
    few, many = arm([1.0] * units), arm([0, 1] * 30)
    reason = read(name, *((few, many) if short == "treatment" else (many, few)))
    if (name, units) == ("randomization", 1):
        assert isinstance(reason, Effect) and reason.absolute.p_value == 1  # 61 assignments, all listed
        return
    assert isinstance(reason, str) and any(_said(reason)), reason
    assert any(word in reason for word in ("unit", "cluster", "assignments"))
    if ESTIMATORS[name].evidence in ("moments", "strata", "clusters"):
        assert short in reason


@pytest.mark.parametrize("name", AMOUNTS)
def test_the_direction_is_that_of_the_difference_where_control_is_negative(name: str) -> None:
    found = read(name, *EDGES["control mean negative"])
    assert isinstance(found, Effect)
    if found.relative.estimate is not None:
        assert found.relative.estimate > 0 and found.absolute.estimate > 0


@pytest.mark.parametrize("name", AMOUNTS)
def test_a_control_mean_of_zero_leaves_the_difference(name: str) -> None:
    found = read(name, *EDGES["control mean zero"])
    assert isinstance(found, Effect)
    if not name.startswith("quantile"):
        assert found.relative.estimate is None and found.relative.not_bounded


@pytest.mark.parametrize("name", AMOUNTS)
def test_an_offset_of_1e9_changes_nothing(name: str) -> None:
    t, c = EDGES["far from zero"]
    near = [arm(a["y"] - 1e9) for a in (t, c)]
    far, close = read(name, t, c), read(name, *near)
    assert isinstance(far, Effect) and isinstance(close, Effect)
    assert far.absolute.estimate == pytest.approx(close.absolute.estimate, abs=1e-6)
    for key in ("std_error", "p_value", "ci_lower", "ci_upper"):
        one, other = getattr(far.absolute, key), getattr(close.absolute, key)
        assert one is other is None or one == pytest.approx(other, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", [n for n in NAMES if ESTIMATORS[n].covariates[1] > 0])
@pytest.mark.parametrize("level", [0.0, 0.1, 1e9])
def test_a_constant_covariate_is_none(name: str, level: float) -> None:
    y = normal(10, 60, 3, 1), normal(11, 70, 2, 1)
    without = [arm(v, x=0.0, w=1.0) for v in y]
    with_it = [arm(v, x=level, w=level + 1.0) for v in y]
    a, b = read(name, *without), read(name, *with_it)
    assert isinstance(a, Effect) and isinstance(b, Effect)
    assert a.absolute.estimate == pytest.approx(float(y[0].mean() - y[1].mean()), abs=0.05)
    assert a.absolute.estimate == pytest.approx(b.absolute.estimate)
    assert a.absolute.std_error == pytest.approx(b.absolute.std_error)
    assert not a.variance_reduction or abs(a.variance_reduction) < 1e-9


@pytest.mark.parametrize("name", [n for n in NAMES if ESTIMATORS[n].covariates[1] > 1])
def test_members_without_a_past_stay_in_and_cost_no_bias(name: str) -> None:
    """Of 30 % nothing is known before: 0 and an indicator; a ratio has 0 in numerator and denominator."""
    rng, gaps, errors = np.random.default_rng(12), [], []
    for _ in range(60):
        both = []
        for effect in (1.0, 0.0):
            known = rng.random(400) < 0.7
            past = rng.normal(10, 3, 400)
            y = 5 + effect + np.where(known, past, 4.0) + rng.normal(0, 1, 400)
            both.append(arm(y, x=np.where(known, past, 0.0), w=known))
        found = read(name, *both)
        assert isinstance(found, Effect) and found.absolute.std_error
        assert (found.n_treated, found.n_control) == (400, 400)
        gaps.append(found.absolute.estimate - 1)
        errors.append(found.absolute.std_error)
    assert abs(float(np.mean(gaps))) < 4 * float(np.std(gaps)) / math.sqrt(len(gaps))
    assert float(np.std(gaps)) == pytest.approx(float(np.mean(errors)), rel=0.4)
    plain = math.sqrt(2 * (0.7 * 10 + 0.3 + 0.21 * 36) / 400)
    assert float(np.mean(errors)) < (0.4 if not name.startswith("ratio") else 1.0) * plain


def test_ties_give_the_ranks_of_scipy() -> None:
    t, c = EDGES["ties"]
    mw, bm = read("mann_whitney", t, c), read("brunner_munzel", t, c)
    assert isinstance(mw, Effect) and isinstance(bm, Effect)
    u = scipy_stats.mannwhitneyu(t["y"], c["y"], method="asymptotic", use_continuity=False)
    assert mw.absolute.p_value == pytest.approx(float(u.pvalue), rel=1e-9)
    assert mw.absolute.std_error is None
    b = scipy_stats.brunnermunzel(t["y"], c["y"])
    assert bm.absolute.p_value == pytest.approx(float(b.pvalue), rel=1e-9)


HUGE = 50_000_000


def huge(kind: str, mean: float, spread: float) -> Any:
    """Fifty million units an arm, as an engine returns them."""
    means = np.array([mean, 1.0, 0.1, 1e9])
    one = Moments(HUGE, COLUMNS, means, np.diag([HUGE * spread, 0.0, 0.0, 0.0]))
    if kind == "moments":
        return one
    if kind == "strata":
        half = Moments(HUGE // 2, COLUMNS, means, np.diag([HUGE / 2 * spread, 0.0, 0.0, 0.0]))
        return half, half
    if kind == "clusters":
        return ClusterArm((1,), (one,))
    if kind == "event_counts":
        events = round(mean * HUGE)
        return EventCounts(np.ones(1), np.array([events]), np.array([HUGE - events]))
    at = HUGE // 2
    half_width = int(0.98 * math.sqrt(HUGE))
    error = math.sqrt(spread / HUGE) * 1.96
    return OrderStatistics(HUGE, 0.5, at - half_width, mean - error, mean, at + half_width, mean + error)


@pytest.mark.parametrize("name", [n for n in NAMES if ESTIMATORS[n].evidence != "rows"])
def test_a_hundred_million_units_are_numbers_like_others(name: str) -> None:
    p = [0.101, 0.1]
    spreads = [v * (1 - v) for v in p]
    arms = [huge(ESTIMATORS[name].evidence, *pair) for pair in zip(p, spreads, strict=True)]
    if name == "boschloo":
        with pytest.raises(NotEstimable, match="too many tables"):
            estimate(name, *arms)
        return
    found = estimate(name, *arms)
    sound(found)
    assert found.absolute.estimate == pytest.approx(0.001, rel=1e-6)
    assert found.absolute.std_error == pytest.approx(math.sqrt(sum(spreads) / HUGE), rel=1e-3)
    if found.absolute.log_p_value is not None:
        z = 0.001 / math.sqrt(sum(spreads) / HUGE)
        paid = math.log(z / 0.001) if name == "msprt" else 0.0  # a mixture as wide as 1, for all looks
        assert found.absolute.log_p_value == pytest.approx(-z * z / 2 + paid, rel=0.05)


BROKEN: dict[str, Callable[[Moments], Moments]] = {
    "negative variance": lambda m: dataclasses.replace(m, comoment=m.comoment - 1e3 * np.eye(4)),
    "covariance beyond the deviations": lambda m: dataclasses.replace(
        m, comoment=m.comoment + 1e4 * (np.ones((4, 4)) - np.eye(4))
    ),
    "mean that is no number": lambda m: dataclasses.replace(m, mean=np.full(4, math.nan)),
    "infinite variance": lambda m: dataclasses.replace(m, comoment=m.comoment + np.diag([math.inf] * 4)),
}


def _reads_moments(name: str, broken: str) -> bool:
    """Whether an estimator sees the damage: one that reads one column sees no covariance."""
    e = ESTIMATORS[name]
    several = e.covariates[1] > 0 or "ratio" in e.fits
    return e.evidence in ("moments", "strata", "clusters") and (several or not broken.startswith("cov"))


@pytest.mark.parametrize(("broken", "name"), [(b, n) for b in BROKEN for n in NAMES if _reads_moments(n, b)])
def test_moments_that_no_data_can_have_are_refused(broken: str, name: str) -> None:
    e = ESTIMATORS[name]
    rng = np.random.default_rng(13)
    whole = from_rows({c: rng.integers(0, 2, 60) for c in COLUMNS})
    made = BROKEN[broken](whole)
    wrap = {
        "moments": lambda m: m,
        "strata": lambda m: (m, whole),
        "clusters": lambda m: ClusterArm((1,), (m,)),
    }
    for arms in ((made, whole), (whole, made)):
        with pytest.raises(ValueError):
            estimate(name, *(wrap[e.evidence](m) for m in arms))


@pytest.mark.parametrize("name", [n for n in NAMES if ESTIMATORS[n].evidence == "rows"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_rows_that_are_no_numbers_are_refused(name: str, value: float) -> None:
    t, c = EDGES["negative values"]
    spoiled = arm(np.where(np.arange(40) == 3, value, t["y"]))
    with pytest.raises(ValueError):
        read(name, spoiled, c)


@pytest.mark.parametrize("name", [n for n in PROPORTIONS if ESTIMATORS[n].evidence == "moments"])
def test_a_proportion_is_of_zeros_and_ones(name: str) -> None:
    for y in ([0.5] * 40, [0, 2] * 20, [-1, 1] * 20, [0.2, 0.8] * 20):
        with pytest.raises(ValueError, match="0 and 1"):
            read(name, arm(y), arm([0, 1] * 20))
