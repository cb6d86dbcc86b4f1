"""Planned looks and always-valid answers: behavior, edges, and independent numbers."""

from __future__ import annotations

import math
import time
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, special, stats

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.confidence_sequence import (
    confidence_sequence,
    log_likelihood_ratio,
    mixture_scale,
    mixture_sprt,
    running_p,
)
from loyalty_exp.stats.crossing import crossing
from loyalty_exp.stats.group_sequential import Boundaries, boundaries, constant_boundaries
from loyalty_exp.stats.group_sequential_design import (
    after_stopping,
    fixed_drift,
    inflation_factor,
    operating_characteristics,
    required_drift,
)
from loyalty_exp.stats.mixture_boundary import proportion_sequence
from loyalty_exp.stats.repeated_inference import repeated_interval, repeated_p_value, tabled_p_value
from loyalty_exp.stats.sample_ratio_sequential import sequential_sample_ratio
from loyalty_exp.stats.spending import hwang_shih_decani, kim_demets, obrien_fleming, pocock

ALL = [obrien_fleming, pocock, kim_demets(1.5), hwang_shih_decani(-2)]


def dense(b: Boundaries, nodes: int = 500) -> np.ndarray:
    """Error spent up to each look of a two-sided design, by one large Gauss rule on the density itself."""
    t, c = np.array(b.information), np.array(b.critical_values) * np.sqrt(b.information)
    gx, gw = np.polynomial.legendre.leggauss(nodes)
    spent = [2 * stats.norm.sf(b.critical_values[0])]
    x, w = c[0] * gx, c[0] * gw
    g = stats.norm.pdf(x, scale=math.sqrt(t[0]))
    for k in range(1, len(t)):
        sd = math.sqrt(t[k] - t[k - 1])
        spent.append(spent[-1] + 2 * float(np.sum(w * g * special.ndtr((x - c[k]) / sd))))
        y = c[k] * gx
        g = np.exp(-0.5 * ((y[:, None] - x) / sd) ** 2) @ (w * g) / (sd * math.sqrt(2 * math.pi))
        x, w = y, c[k] * gw
    return np.array(spent)


def test_four_looks_of_obrien_fleming_type() -> None:
    b = boundaries([0.25, 0.5, 0.75, 1], 0.05, obrien_fleming)
    assert b.critical_values == pytest.approx([4.33263, 2.96313, 2.35904, 2.01409], abs=6e-6)


@pytest.mark.parametrize("spending", ALL)
@pytest.mark.parametrize("looks", [[0.3, 0.3004, 0.31, 1], [0.2, 0.9, 0.905, 1], [0.01, 0.5, 0.999, 1]])
def test_looks_that_nearly_coincide_spend_what_they_should(spending, looks) -> None:
    b = boundaries(looks, 0.05, spending)
    assert dense(b) == pytest.approx(b.cumulative_alpha, rel=1e-9)


def test_a_look_that_all_but_repeats_the_last_one_has_almost_its_critical_value() -> None:
    b = boundaries([0.5, 0.5 + 1e-8, 1], 0.05, pocock)
    once = boundaries([0.5, 1], 0.05, pocock)
    assert b.critical_values[1] == pytest.approx(b.critical_values[0], abs=1e-3)
    assert b.critical_values[2] == pytest.approx(once.critical_values[1], abs=1e-6)


def test_the_first_two_looks_agree_with_plain_integration() -> None:
    a, b = crossing([0.3, 1.0], [2.2, 2.0], [-1.0, -math.inf], drift=1.7).upper

    def later(x: float) -> float:
        return stats.norm.pdf(x, 1.7 * math.sqrt(0.3)) * stats.norm.sf(
            (2.0 - x * math.sqrt(0.3) - 0.7 * 1.7) / math.sqrt(0.7)
        )

    assert a == pytest.approx(stats.norm.sf(2.2 - 1.7 * math.sqrt(0.3)), rel=1e-12)
    assert b == pytest.approx(integrate.quad(later, -1.0, 2.2, epsabs=1e-13)[0], rel=1e-10)


def test_a_look_without_new_data_spends_nothing() -> None:
    b = boundaries([100, 200, 200, 400], 0.05, obrien_fleming, 2, 400)
    once = boundaries([100, 200, 400], 0.05, obrien_fleming, 2, 400)
    assert b.critical_values[1] == b.critical_values[2]
    assert b.cumulative_alpha[1] == b.cumulative_alpha[2]
    assert b.critical_values[3] == pytest.approx(once.critical_values[2], rel=1e-12)


def test_overrun_spends_all_at_its_true_information() -> None:
    b = boundaries([5000, 12_500], 0.05, obrien_fleming, 2, 10_000)
    assert b.information == (0.5, 1.25)
    assert b.cumulative_alpha[-1] == 0.05
    assert dense(b) == pytest.approx(b.cumulative_alpha, rel=1e-9)
    assert b.critical_values[1] > boundaries([0.5, 1], 0.05, obrien_fleming).critical_values[1]
    assert boundaries([0.5, 1, 1.2], 0.05, pocock).critical_values[2] == math.inf


def test_an_early_look_of_one_percent_never_stops_obrien_fleming() -> None:
    b = boundaries([0.001, 0.01, 1], 0.05, obrien_fleming)
    assert b.critical_values[0] > 37
    assert b.critical_values[1] > 20
    assert b.critical_values[2] == pytest.approx(1.959964, abs=1e-6)


@pytest.mark.parametrize("sides", [1, 2])
def test_one_look_is_the_fixed_test(sides) -> None:
    for spending in ALL:
        b = boundaries([1.0], 0.05, spending, sides)
        assert b.critical_values[0] == pytest.approx(stats.norm.isf(0.05 / sides), rel=1e-12)
        assert b.nominal_p[0] == pytest.approx(0.05, rel=1e-12)


@pytest.mark.parametrize(
    "arguments",
    [
        ([0.5, 0.4], 0.05, pocock),
        ([], 0.05, pocock),
        ([0.0, 1.0], 0.05, pocock),
        ([math.nan], 0.05, pocock),
        ([1.0], 0.0, pocock),
        ([1.0], 0.05, pocock, 3),
        ([1.0], 0.05, pocock, 2, 0.0),
        ([0.4, 0.6], 0.05, lambda t, a: a * (1 - t)),
    ],
)
def test_impossible_plans_are_refused(arguments) -> None:
    with pytest.raises(ValueError, match=r"."):
        boundaries(*arguments)


@pytest.mark.parametrize(
    "make", [lambda: kim_demets(0), lambda: hwang_shih_decani(math.inf), lambda: pocock(-1, 0.05)]
)
def test_impossible_spending_is_refused(make) -> None:
    with pytest.raises(ValueError, match=r"spending|fraction"):
        make()


@pytest.mark.parametrize("z", [-6.0, -1.0, 0.3, 2.0, 2.5, 9.0, 30.0])
@pytest.mark.parametrize("spending", ALL)
def test_the_repeated_p_value_is_the_alpha_whose_boundary_is_met(z, spending) -> None:
    looks = [0.3, 0.6, 0.8]
    p = repeated_p_value(z, looks, spending)
    assert 0 < p <= 1
    if p < 1:
        assert boundaries(looks, p, spending).critical_values[-1] == pytest.approx(abs(z), abs=1e-8)
        assert p > 2 * stats.norm.sf(abs(z))


@pytest.mark.parametrize("z", [-1.0, 0.0, 1.3, 5.0])
def test_the_repeated_p_value_of_one_look_is_the_fixed_one(z) -> None:
    assert repeated_p_value(z, [1.0], pocock, 1) == pytest.approx(stats.norm.sf(z), rel=1e-8)
    assert repeated_p_value(z, [1.0], obrien_fleming) == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-8)


def test_a_p_value_beyond_all_measure_is_bounded() -> None:
    assert repeated_p_value(60.0, [0.5, 1], pocock) == pytest.approx(1e-250)
    assert repeated_p_value(-3.0, [0.5, 1], pocock, 1) > 0.9
    with pytest.raises(ValueError, match="not a number"):
        repeated_p_value(math.nan, [1.0], pocock)


def test_nothing_varies_so_there_is_no_sequential_answer() -> None:
    b = boundaries([0.5], 0.05, pocock)
    for call in (
        lambda: repeated_interval(1.0, 0.0, b),
        lambda: confidence_sequence(1.0, 0.0, 100, 0.05, 0.1),
        lambda: mixture_sprt(1.0, 0.0, 1.0, 0.05),
        lambda: log_likelihood_ratio(1.0, 0.0, 1.0),
    ):
        with pytest.raises(NotEstimable, match="nothing varies"):
            call()
    with pytest.raises(NotEstimable, match="two units"):
        confidence_sequence(1.0, 1.0, 1, 0.05, 0.1)


def test_a_one_sided_design_gives_a_lower_bound() -> None:
    low, high = repeated_interval(1.0, 0.5, boundaries([0.5, 1], 0.025, pocock, 1), 0)
    assert low == pytest.approx(1 - 0.5 * 2.157, abs=1e-4)
    assert high == math.inf


def test_power_and_information_of_a_single_look_are_those_of_the_fixed_test() -> None:
    b = boundaries([1.0], 0.05, obrien_fleming)
    drift = fixed_drift(b, 0.9)
    o = operating_characteristics(b, drift)
    assert o.cumulative_power[0] == pytest.approx(0.9, rel=1e-12)
    assert o.expected_information == 1.0
    assert inflation_factor(b, 0.9) == pytest.approx(1.0, abs=1e-9)


def test_power_agrees_with_simulation() -> None:
    looks = np.arange(1, 6) / 5
    b = boundaries(looks, 0.05, pocock)
    drift = required_drift(b, 0.8)
    rng = np.random.default_rng(5)
    score = np.cumsum(rng.normal(drift / 5, math.sqrt(0.2), (20_000, 5)), axis=1)
    crossed = np.cumsum(score / np.sqrt(looks) >= b.critical_values, axis=1) > 0
    planned = operating_characteristics(b, drift).cumulative_power
    assert crossed.mean(axis=0) == pytest.approx(planned, abs=3.3 * math.sqrt(0.25 / 20_000))


def test_power_below_alpha_is_refused() -> None:
    with pytest.raises(ValueError, match="power"):
        required_drift(boundaries([1.0], 0.05, pocock), 0.01)


def test_after_stopping_without_looks_before_it_is_the_fixed_answer() -> None:
    a = after_stopping(boundaries([1.0], 0.05, pocock), -2.3, 0, 0.05)
    assert a.p_value == pytest.approx(2 * stats.norm.sf(2.3), rel=1e-9)
    assert (a.drift, a.drift_lower, a.drift_upper) == pytest.approx(
        (-2.3, -2.3 - 1.959964, -2.3 + 1.959964), abs=1e-6
    )


def test_after_stopping_needs_a_stop() -> None:
    b = boundaries([0.5, 1], 0.05, obrien_fleming)
    with pytest.raises(ValueError, match="not stopped"):
        after_stopping(b, 1.0, 0, 0.05)
    with pytest.raises(ValueError, match="no look"):
        after_stopping(b, 1.0, 2, 0.05)
    assert after_stopping(b, 1.0, 1, 0.05).p_value == pytest.approx(0.3174, abs=2e-4)


def test_stagewise_bounds_are_the_drifts_that_make_the_outcome_rare() -> None:
    """Simulated: outcomes at least as extreme stop earlier above, or here with a statistic as large."""
    looks, rng = np.array([1 / 3, 2 / 3, 1.0]), np.random.default_rng(8)
    b = boundaries(looks, 0.05, pocock)
    a = after_stopping(b, 2.4, 1, 0.1)
    noise = np.cumsum(rng.normal(0, math.sqrt(1 / 3), (40_000, 3)), axis=1)
    for drift, chance in ((a.drift_lower, 0.05), (a.drift, 0.5), (a.drift_upper, 0.95), (0.0, a.p_value / 2)):
        z = (noise + drift * looks) / np.sqrt(looks)
        first, going = z[:, 0] >= b.critical_values[0], np.abs(z[:, 0]) < b.critical_values[0]
        extreme = first | (going & (z[:, 1] >= 2.4))
        assert extreme.mean() == pytest.approx(chance, abs=3.3 * math.sqrt(chance * (1 - chance) / 40_000))


def test_sixty_looks_cost_little() -> None:
    boundaries([0.5, 1], 0.05, pocock)
    start = time.process_time()
    boundaries(np.arange(1, 61) / 60, 0.05, obrien_fleming)
    assert time.process_time() - start < 0.5
    start = time.process_time()
    for n in range(100, 6100, 100):
        for _ in range(12):
            confidence_sequence(0.1, 0.05, n, 0.05, mixture_scale(3000, 0.05))
    assert time.process_time() - start < 0.1


@pytest.mark.parametrize("alpha", [0.001, 0.05, 0.2])
def test_rho_is_nearly_the_best_at_its_horizon(alpha) -> None:
    exact = math.sqrt((-special.lambertw(-(alpha**2) * math.exp(-1), -1).real - 1) / 500)

    def width(rho: float) -> float:
        return confidence_sequence(0, 1, 500, alpha, rho).ci_upper

    assert 1 <= width(mixture_scale(500, alpha)) / width(exact) < 1.001


def test_the_mixture_ratio_is_the_integral_it_stands_for() -> None:
    def weighed(theta: float) -> float:
        return stats.norm.pdf(theta, 0, 0.7) * math.exp((1.1 * theta - theta * theta / 2) / 0.3**2)

    assert log_likelihood_ratio(1.1, 0.3, 0.7) == pytest.approx(
        math.log(integrate.quad(weighed, -8, 8, points=[1.0])[0]), rel=1e-9
    )


def test_huge_evidence_keeps_a_finite_logarithm() -> None:
    for side in ("two_sided", "greater"):
        a = confidence_sequence(1e9, 1.0, 10**12, 0.05, 1e-3, side)
        assert a.p_value == 0
        assert -math.inf < a.log_p_value < -1e16
    assert math.isfinite(mixture_sprt(-1e6, 1.0, 1.0, 0.05).log_p_value)
    assert confidence_sequence(1.0, 1.0, 10**12, 0.05, 1e-9, "less").p_value == 1


def test_running_answers() -> None:
    assert running_p([0.4, 0.08, 0.03, 0.2]) == (0.4, 0.08, 0.03, 0.03)


@pytest.mark.parametrize(
    "call",
    [
        lambda: mixture_scale(0, 0.05),
        lambda: mixture_scale(100, 0.6, "greater"),
        lambda: confidence_sequence(0, 1, 10, 1.0, 0.1),
        lambda: confidence_sequence(0, 1, 10, 0.05, 0.0),
        lambda: mixture_sprt(0, 1, 0, 0.05),
        lambda: proportion_sequence(5, 3, 0.05, 100),
        lambda: sequential_sample_ratio([1, 2], [1, 0]),
        lambda: sequential_sample_ratio([1], [1]),
        lambda: sequential_sample_ratio([1, -2], [1, 1]),
        lambda: sequential_sample_ratio([1, 2], [1, 1], 0),
    ],
)
def test_impossible_inputs_are_refused(call) -> None:
    with pytest.raises(ValueError, match=r"."):
        call()


def test_a_proportion_at_the_edge_keeps_an_open_end() -> None:
    assert proportion_sequence(0, 50, 0.05, 50)[0] == 0
    assert proportion_sequence(50, 50, 0.05, 50)[1] == 1
    high = proportion_sequence(0, 50, 0.05, 50)[1]
    assert (1 - high, 1.0) == pytest.approx(proportion_sequence(50, 50, 0.05, 50), abs=1e-9)
    with pytest.raises(NotEstimable, match="no trials"):
        proportion_sequence(0, 0, 0.05, 50)


def test_the_bayes_factor_is_the_ratio_of_gamma_functions() -> None:
    counts, shares, weight = np.array([40, 7, 13]), np.array([0.5, 0.3, 0.2]), 3.0
    prior = weight * shares
    plain = special.gammaln(weight) - special.gammaln(weight + 60)
    plain += np.sum(special.gammaln(prior + counts) - special.gammaln(prior) - counts * np.log(shares))
    found = sequential_sample_ratio(counts.tolist(), [5, 3, 2], weight)
    assert found.log_bayes_factor == pytest.approx(plain, rel=1e-12)
    assert found.p_value == min(1.0, math.exp(-found.log_bayes_factor))


def test_the_sample_ratio_loses_nothing_at_a_trillion_units() -> None:
    half, lean = 10**12 // 2, 4_000_000
    z = 2 * lean / math.sqrt(10**12)
    found = sequential_sample_ratio([half + lean, half - lean], [1, 1])
    assert found.log_bayes_factor == pytest.approx(
        z * z / 2 - 0.5 * math.log(1e12 / 1000) - 2 / (12 * 500) + 1 / (12 * 1000), abs=1e-6
    )
    gone = sequential_sample_ratio([10**9, 0], [1, 1])
    assert gone.p_value == 0
    assert gone.log_p_value == pytest.approx(-(10**9) * math.log(2), rel=1e-4)


def test_the_default_concentration_notices_what_its_docstring_says() -> None:
    first = next(n for n in range(1, 1000) if sequential_sample_ratio([n, 0], [1, 1]).p_value < 0.001)
    assert 115 <= first <= 135
    leans = [sequential_sample_ratio([50_000 + k, 50_000 - k], [1, 1]).p_value for k in range(600, 800)]
    first_lean = 600 + next(k for k, p in enumerate(leans) if p < 0.001)
    assert 2 * first_lean / math.sqrt(100_000) == pytest.approx(4.3, abs=0.05)
    assert sequential_sample_ratio([0, 0], [1, 1]).p_value == 1


def test_the_sample_ratio_alarm_stays_rare_under_daily_checks() -> None:
    rng = np.random.default_rng(11)
    daily = rng.multinomial(500, [0.6, 0.3, 0.1], size=(400, 60)).cumsum(axis=1)
    alarms = [
        any(sequential_sample_ratio(d, [6, 3, 1]).p_value < 0.05 for d in run.tolist()) for run in daily
    ]
    assert np.mean(alarms) <= 0.05 + 3.3 * math.sqrt(0.05 * 0.95 / 400)


def test_sixty_looks_keep_the_error_rate_and_naive_peeking_does_not() -> None:
    """The naive test is the negative control: the study must be able to see a wrong method."""
    runs, looks, per_look = 4000, 60, 100
    rng = np.random.default_rng(60)
    n = per_look * np.arange(1, looks + 1)
    z = np.cumsum(rng.normal(size=(runs, looks)), axis=1) / np.sqrt(np.arange(1, looks + 1))
    band = 3.3 * math.sqrt(0.05 * 0.95 / runs)
    assert (np.abs(z) > 1.959964).any(axis=1).mean() > 0.2
    b = boundaries(n, 0.05, obrien_fleming, 2, n[-1])
    assert (np.abs(z) >= b.critical_values).any(axis=1).mean() == pytest.approx(0.05, abs=band)
    rho = mixture_scale(3000, 0.05)
    width = np.array([confidence_sequence(0.0, 1.0, m, 0.05, rho).ci_upper for m in n])
    assert (np.abs(z) > width).any(axis=1).mean() <= 0.05 + band
    sprt = np.array([mixture_sprt(0.0, 1 / math.sqrt(m), 0.03, 0.05).ci_upper * math.sqrt(m) for m in n])
    assert (np.abs(z) > sprt).any(axis=1).mean() <= 0.05 + band


def test_wang_tsiatis_shapes_lie_between_pocock_and_obrien_fleming() -> None:
    last = [constant_boundaries([1, 2, 3, 4], 0.05, d).critical_values[-1] for d in (0, 0.25, 0.5)]
    assert all(a < b for a, b in pairwise(last))
    assert constant_boundaries([2.0], 0.05, 0).critical_values[0] == pytest.approx(1.959964, abs=1e-6)


@pytest.mark.parametrize("spending", [obrien_fleming, pocock])
@pytest.mark.parametrize(("looks", "final"), [((0.3,), False), ((0.25, 0.5), False), ((0.3, 0.6, 1.0), True)])
def test_a_table_gives_the_same_p_value(looks, final, spending) -> None:
    for z in (0.0, -0.4, 1.2, 1.96, 2.3, -3.5, 5.5):
        p = repeated_p_value(z, looks, spending, final=final)
        assert tabled_p_value(z, looks, spending, final=final) == pytest.approx(
            p, rel=1e-6, abs=2e-3 * (p > 0.99)
        )
    assert tabled_p_value(45.0, looks, spending, final=final) <= 1e-240
    with pytest.raises(ValueError, match="not a number"):
        tabled_p_value(float("nan"), looks, spending)
