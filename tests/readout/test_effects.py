"""Families of p-values, and the question whether the effect is the same everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from made import experiment, outcomes, spend

from loyalty_exp.readout.analyze import analyze
from loyalty_exp.readout.effects import estimate_all, interactions
from loyalty_exp.readout.sequential import Look
from loyalty_exp.spec.analysis import AlwaysValid
from loyalty_exp.stats.arm_means import plain
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.noninferiority import relative_noninferiority

N = 400


def _metrics(*roles: str) -> list[dict]:
    return [{"id": f"m{i}", "type": "amount", "column": f"m{i}", "role": r} for i, r in enumerate(roles)]


def test_families_are_adjusted_apart() -> None:
    spec = experiment(
        metrics=_metrics("primary", "primary", "secondary", "secondary"), economics=None, decision={}
    )
    gains = (1.5, 1.0, 1.5, 1.0)
    rows = {
        "c": {f"m{i}": spend(N, 20) for i in range(4)},
        "t": {f"m{i}": spend(N, 20 + g) for i, g in enumerate(gains)},
    }
    p = [e.absolute for e in estimate_all(spec, outcomes(spec, rows))]
    assert p[0].p_value_adjusted == pytest.approx(2 * p[0].p_value)  # Holm, smallest of two
    assert p[1].p_value_adjusted == pytest.approx(max(p[1].p_value, 2 * p[0].p_value))
    assert p[2].p_value_adjusted == pytest.approx(min(2 * p[2].p_value, p[3].p_value))  # Benjamini-Hochberg
    assert p[3].p_value_adjusted == pytest.approx(p[3].p_value)


def test_adjustment_spans_treatments_and_not_rows() -> None:
    spec = experiment(
        arms={"from_column": "arm", "control": "c", "treatments": ["a", "b"]}, economics=None, decision={}
    )
    rows = {"c": {"spend": spend(N, 20)}, "a": {"spend": spend(N, 22)}, "b": {"spend": spend(N, 20)}}
    first = estimate_all(spec, outcomes(spec, rows))[0].absolute
    assert first.p_value_adjusted == pytest.approx(2 * first.p_value)


def test_interaction_finds_what_was_planted_and_nothing_else() -> None:
    spec = experiment(segments=[{"id": "same"}, {"id": "other"}])
    cells = {
        (d, v): {"c": {"spend": spend(N, 20)}, "t": {"spend": spend(N, 20 + gain)}}
        for d, v, gain in (("same", "x", 1), ("same", "y", 1.1), ("other", "x", 5), ("other", "y", -5))
    }
    rows = {"c": {"spend": spend(2 * N, 20)}, "t": {"spend": spend(2 * N, 21)}}
    found = {
        i.dimension: i for i in interactions(spec, estimate_all(spec, outcomes(spec, rows, segments=cells)))
    }
    assert found["other"].p_value_adjusted < 1e-6
    assert found["same"].p_value > 0.5
    assert found["same"].df == 1


def guarded(treated: np.ndarray, control: np.ndarray, direction: str, margin: dict, look: Look | None = None):
    metric = {"id": "m", "type": "amount", "column": "m", "direction": direction}
    rail = metric | {"id": "g", "column": "g", "role": "guardrail", "margin": margin}
    spec = experiment(metrics=[metric | {"role": "primary"}, rail], economics=None, decision={})
    rows = {"c": {"m": control, "g": control}, "t": {"m": treated, "g": treated}}
    return estimate_all(spec, outcomes(spec, rows), look)[1]


@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_a_relative_margin_counts_the_error_of_the_control_mean(direction: str) -> None:
    """The guardrail holds exactly when the test of ``treated - (1 -+ m) control`` says so."""
    rng, sign, held = np.random.default_rng(3), 1 if direction == "decrease" else -1, []
    for _ in range(200):
        t, c = rng.normal(20 * (1 + 0.2 * sign), 8, 150), rng.normal(20, 8, 150)
        found = guarded(t, c, direction, {"relative": 0.3})
        test = relative_noninferiority(
            *(plain(from_rows({"g": x}), ("g",)) for x in (t, c)), 0.3, direction, 0.025
        )
        if abs(test.p_value - 0.025) > 0.001:
            assert (found.guardrail.status == "pass") == test.passed
        assert found.guardrail.relative == 0.3
        assert found.guardrail.margin == pytest.approx(0.3 * c.mean())
        held.append(test.passed)
    assert 0.1 < np.mean(held) < 0.95


def test_a_relative_margin_is_shown_at_its_level_and_not_more_often() -> None:
    """At the margin itself; taking the control mean as known showed it in 4.4 % of runs instead of 2.5 %."""
    rng, n, margin = np.random.default_rng(5), 400, 0.3
    means = [rng.normal(20 * (1 + margin * (arm == "t")), 8 / n**0.5, 40_000) for arm in "tc"]
    v = 64 / n
    naive = means[0] - means[1] + 1.96 * (2 * v) ** 0.5 < margin * means[1]
    right = means[0] - 1.3 * means[1] + 1.96 * (v * (1 + 1.3**2)) ** 0.5 < 0
    assert 0.04 < naive.mean() < 0.05 and 0.022 < right.mean() < 0.028
    x = np.concatenate([np.full(n // 2, 8.0), np.full(n // 2, -8.0)])
    near = np.flatnonzero(naive)[:60]
    shown = [
        guarded(means[0][i] + x, means[1][i] + x, "decrease", {"relative": margin}).guardrail.status == "pass"
        for i in near
    ]
    assert np.mean(shown == right[near]) > 0.9 and 0.3 < np.mean(shown) < 0.8


def test_at_a_look_a_relative_margin_is_held_against_a_wider_interval() -> None:
    rng = np.random.default_rng(7)
    t, c = (x - x.mean() + 20 for x in rng.normal(0, 4, (2, 1_000)))
    look = Look(AlwaysValid(method="asymptotic_cs", horizon=2_000), 0.05, 2_000, (), True)
    half = guarded(t, c, "decrease", {"relative": 0.1}, look).sequential.ci_upper
    for share, status in ((1.01, "pass"), (0.99, "unsettled")):
        gap = 0.1 * 20 - share * 1.1 * half  # beside the margin by a hundredth of the half-width
        assert guarded(t + gap, c, "decrease", {"relative": 0.1}, look).guardrail.status == status


@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_the_best_of_three_arms_is_as_likely_as_in_draws_of_their_posteriors(direction: str) -> None:
    readings = ({"type": "normal_prior"}, {"type": "normal_prior", "prior_sd": 1.0})
    arms = {"from_column": "arm", "control": "c", "treatments": ["a", "b"]}
    common = {"column": "m", "role": "primary", "direction": direction}
    bought = {"id": "p", "type": "proportion", "column": "p", "readings": ({"type": "beta_binomial"},)}
    metrics = [
        common | {"id": "m", "type": "amount", "readings": readings},
        common | bought | {"column": "p"},
    ]
    spec = experiment(arms=arms, metrics=metrics, economics=None, decision={})
    rng = np.random.default_rng(9)
    values = {arm: rng.normal(20 + gain, 5, 300) for arm, gain in (("c", 0.0), ("a", 0.3), ("b", 0.4))}
    events = {arm: np.repeat([1.0, 0.0], [n, 300 - n]) for arm, n in (("c", 40), ("a", 44), ("b", 38))}
    rows = {arm: {"m": values[arm], "p": events[arm]} for arm in values}
    found = {
        (r.metric, r.treatment, "prior_sd" in (r.facts or {})): r.facts
        for r in analyze(spec, outcomes(spec, rows)).readings
    }
    sign = -1 if direction == "decrease" else 1
    for metric in "mp":
        draws = {
            arm: sign
            * (
                rng.normal(v.mean(), v.std(ddof=1) / 300**0.5, 200_000)
                if metric == "m"
                else rng.beta(1 + events[arm].sum(), 301 - events[arm].sum(), 200_000)
            )
            for arm, v in values.items()
        }
        best = {arm: np.mean(draws[arm] == np.maximum.reduce(list(draws.values()))) for arm in draws}
        for arm in "ab":
            facts = found[metric, arm, False]
            assert facts["probability_best"] == pytest.approx(best[arm], abs=0.005)
            assert facts["probability_control_best"] == pytest.approx(best["c"], abs=0.005)
    assert "probability_best" not in found["m", "a", True]
