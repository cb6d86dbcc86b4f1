"""Laws of repeated looks: what must hold for every plan, every estimate and every count."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loyalty_exp.stats.confidence_sequence import (
    confidence_sequence,
    mixture_scale,
    mixture_sprt,
    running_p,
)
from loyalty_exp.stats.crossing import crossing
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.group_sequential import boundaries
from loyalty_exp.stats.group_sequential_design import operating_characteristics
from loyalty_exp.stats.mixture_boundary import proportion_sequence
from loyalty_exp.stats.repeated_inference import repeated_interval, repeated_p_value
from loyalty_exp.stats.sample_ratio_sequential import sequential_sample_ratio
from loyalty_exp.stats.spending import (
    cumulative_alpha,
    hwang_shih_decani,
    kim_demets,
    obrien_fleming,
    pocock,
)

LAW = settings(max_examples=30, deadline=None, derandomize=True)

ALPHAS = st.sampled_from([0.001, 0.01, 0.05, 0.2])
SIDES = st.sampled_from([1, 2])
SPENDING = st.one_of(
    st.sampled_from([obrien_fleming, pocock]),
    st.floats(0.3, 5).map(kim_demets),
    st.floats(-8, 8).map(hwang_shih_decani),
)
GAINS = st.lists(st.floats(0.005, 1), min_size=1, max_size=6)
ESTIMATES = st.floats(-5, 5)
ERRORS = st.floats(0.01, 3)


def looks_of(gains: list[float], end: float = 1.0) -> list[float]:
    total = np.cumsum(gains)
    return [float(t) for t in total / total[-1] * end]


@LAW
@given(GAINS, ALPHAS, SPENDING, SIDES)
def test_boundaries_spend_exactly_what_the_function_allows(gains, alpha, spending, sides) -> None:
    looks = looks_of(gains)
    b = boundaries(looks, alpha, spending, sides)
    assert b.cumulative_alpha == pytest.approx(cumulative_alpha(spending, looks, alpha, sides), rel=1e-9)
    assert all(x <= y for x, y in pairwise(b.cumulative_alpha))
    assert b.cumulative_alpha[-1] == pytest.approx(alpha)
    found = crossing(looks, b.critical_values, b.lower)
    assert np.cumsum(found.upper) * sides == pytest.approx(b.cumulative_alpha, rel=1e-8)
    assert found.lower == pytest.approx(found.upper if sides == 2 else [0.0] * len(looks), rel=1e-9)


@LAW
@given(GAINS, ALPHAS, SPENDING, SIDES)
def test_no_look_is_easier_than_the_fixed_test_or_harder_than_its_share(
    gains, alpha, spending, sides
) -> None:
    b = boundaries(looks_of(gains), alpha, spending, sides)
    steps = np.diff([0.0, *b.cumulative_alpha])
    for c, p, step in zip(b.critical_values, b.nominal_p, steps, strict=True):
        assert c >= -normal_quantile(alpha / sides) - 1e-9
        assert step * (1 - 1e-9) <= p <= alpha * (1 + 1e-9)


@LAW
@given(st.integers(2, 10), ALPHAS, SIDES)
def test_boundaries_of_late_spending_fall_from_look_to_look(looks, alpha, sides) -> None:
    found = boundaries(looks_of([1.0] * looks), alpha, obrien_fleming, sides).critical_values
    assert all(later < earlier for earlier, later in pairwise(found))


@LAW
@given(GAINS, st.sampled_from([obrien_fleming, pocock, kim_demets(2.0)]), SIDES)
def test_a_smaller_alpha_asks_for_more_at_every_look(gains, spending, sides) -> None:
    strict, loose = (boundaries(looks_of(gains), a, spending, sides).critical_values for a in (0.01, 0.05))
    assert all(s > c for s, c in zip(strict, loose, strict=True))


@LAW
@given(GAINS, ALPHAS, SPENDING, st.floats(0.1, 0.9))
def test_later_looks_change_nothing_and_the_unit_of_information_does_not_matter(
    gains, alpha, spending, share
) -> None:
    looks = looks_of(gains, share)
    now = boundaries(looks, alpha, spending)
    longer = boundaries([*looks, 1.0], alpha, spending)
    assert longer.critical_values[:-1] == pytest.approx(now.critical_values, rel=1e-9)
    units = boundaries([37_000 * t for t in looks], alpha, spending, 2, 37_000)
    assert units.critical_values == pytest.approx(now.critical_values, rel=1e-9)


@LAW
@given(GAINS, SPENDING, SIDES, ESTIMATES, ERRORS)
def test_a_wider_confidence_contains_the_narrower_repeated_interval(gains, spending, sides, e, se) -> None:
    looks = looks_of(gains)
    wide, narrow = (repeated_interval(e, se, boundaries(looks, a, spending, sides)) for a in (0.01, 0.1))
    assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]


@LAW
@given(GAINS, ALPHAS, SPENDING, SIDES, ESTIMATES, st.floats(0.3, 1))
def test_the_repeated_p_value_and_the_repeated_interval_agree(
    gains, alpha, spending, sides, z, share
) -> None:
    looks = looks_of(gains, share)
    p = repeated_p_value(z, looks, spending, sides)
    assume(abs(p / alpha - 1) > 1e-6)
    low, high = repeated_interval(z, 1.0, boundaries(looks, alpha, spending, sides))
    assert (p < alpha) == (not low <= 0 <= high)


@LAW
@given(GAINS, ALPHAS, SPENDING, st.floats(0, 4), st.floats(0.01, 2))
def test_power_grows_with_the_effect_and_stopping_is_certain(gains, alpha, spending, drift, more) -> None:
    b = boundaries(looks_of(gains), alpha, spending)
    low, high = (operating_characteristics(b, d) for d in (drift, drift + more))
    assert low.cumulative_power[-1] < high.cumulative_power[-1] + 1e-12
    assert math.fsum(low.stopping) == pytest.approx(1)
    assert 0 < low.expected_information <= 1 + 1e-12
    mirrored = operating_characteristics(b, -drift)
    assert mirrored.expected_information == pytest.approx(low.expected_information, rel=1e-8)


@LAW
@given(st.floats(0, 1), st.floats(0, 1), ALPHAS, SPENDING)
def test_spending_starts_at_nothing_never_falls_and_ends_at_alpha(s, t, alpha, spending) -> None:
    s, t = sorted((s, t))
    assert spending(0.0, alpha) == 0
    assert 0 <= spending(s, alpha) <= spending(t, alpha) * (1 + 1e-12)
    assert spending(1.0, alpha) == pytest.approx(alpha) == spending(1.7, alpha)


@LAW
@given(ESTIMATES, ERRORS, st.integers(2, 10**9), st.floats(10, 1e7), ALPHAS)
def test_an_always_valid_interval_is_wider_than_the_fixed_one(e, se, n, horizon, alpha) -> None:
    a = confidence_sequence(e, se, n, alpha, mixture_scale(horizon, alpha))
    assert a.ci_upper - e > -normal_quantile(alpha / 2) * se * (1 - 1e-12)
    one = confidence_sequence(e, se, n, alpha, mixture_scale(horizon, alpha, "greater"), "greater")
    assert e - one.ci_lower > -normal_quantile(alpha) * se * (1 - 1e-12)


@LAW
@given(
    ESTIMATES,
    ERRORS,
    st.integers(2, 10**7),
    ALPHAS,
    st.sampled_from(["two_sided", "greater", "less", "sprt"]),
)
def test_the_p_value_is_below_alpha_exactly_when_the_interval_excludes_zero(e, se, n, alpha, kind) -> None:
    rho = 0.03
    a = mixture_sprt(e, se, 0.5, alpha) if kind == "sprt" else confidence_sequence(e, se, n, alpha, rho, kind)
    assume(abs(a.log_p_value - math.log(alpha)) > 1e-9)
    assert (a.p_value < alpha) == (not a.ci_lower <= 0 <= a.ci_upper)
    assert a.p_value == math.exp(a.log_p_value)


@LAW
@given(ESTIMATES, ERRORS, st.integers(2, 10**7), ALPHAS, st.floats(1e-3, 1e3))
def test_labels_and_units_do_not_matter(e, se, n, alpha, scale) -> None:
    a, b = (confidence_sequence(k * e, abs(k) * se, n, alpha, 0.02) for k in (1, -scale))
    assert (b.ci_lower, b.ci_upper) == pytest.approx((-scale * a.ci_upper, -scale * a.ci_lower), rel=1e-9)
    assert b.log_p_value == pytest.approx(a.log_p_value, rel=1e-9, abs=1e-9)
    up, down = (
        confidence_sequence(k * e, se, n, alpha, 0.02, side) for k, side in ((1, "greater"), (-1, "less"))
    )
    assert (up.p_value, up.ci_lower) == (down.p_value, -down.ci_upper)


@LAW
@given(ESTIMATES, ERRORS, st.integers(2, 10**6))
def test_a_wider_confidence_contains_the_narrower_sequence(e, se, n) -> None:
    wide, narrow = (confidence_sequence(e, se, n, a, 0.02) for a in (0.01, 0.1))
    assert wide.ci_lower < narrow.ci_lower < narrow.ci_upper < wide.ci_upper


@LAW
@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=20))
def test_running_answers_only_ever_tighten(p) -> None:
    reported = running_p(p)
    assert all(b <= a for a, b in pairwise(reported))
    assert reported[-1] == min(p)


@LAW
@given(st.lists(st.integers(0, 10**7), min_size=2, max_size=5), st.floats(1, 1e5), st.randoms())
def test_the_sequential_sample_ratio_knows_no_order_of_arms(counts, weight, random) -> None:
    pairs = [(n, k + 1.0) for k, n in enumerate(counts)]
    a = sequential_sample_ratio(*zip(*pairs, strict=True), weight)
    random.shuffle(pairs)
    b = sequential_sample_ratio(*zip(*pairs, strict=True), weight)
    scaled = sequential_sample_ratio([n for n, _ in pairs], [7 * w for _, w in pairs], weight)
    for other in (b, scaled):
        assert other.log_bayes_factor == pytest.approx(a.log_bayes_factor, rel=1e-9, abs=1e-8)
    assert a.log_p_value == min(0.0, -a.log_bayes_factor)


@LAW
@given(st.integers(0, 12), st.floats(0.05, 0.95), st.floats(0.5, 200))
def test_the_expected_bayes_factor_is_one_when_the_shares_hold(n, share, weight) -> None:
    """This is what makes 1 / Bayes factor a p-value: the factor is a fair bet at every look."""
    total = 0.0
    for k in range(n + 1):
        chance = math.comb(n, k) * share**k * (1 - share) ** (n - k)
        found = sequential_sample_ratio([k, n - k], [share, 1 - share], weight)
        total += chance * math.exp(found.log_bayes_factor)
    assert total == pytest.approx(1, rel=1e-9)


@LAW
@given(st.integers(1, 400), st.floats(0, 1), st.sampled_from([0.01, 0.05, 0.2]))
def test_a_proportion_sequence_holds_the_rate_and_mirrors(n, share, alpha) -> None:
    k = round(share * n)
    low, high = proportion_sequence(k, n, alpha, 200)
    assert 0 <= low <= k / n <= high <= 1
    assert proportion_sequence(n - k, n, alpha, 200) == pytest.approx((1 - high, 1 - low), abs=1e-9)
    wide = proportion_sequence(k, n, alpha / 10, 200)
    assert wide[0] <= high
    assert wide[1] >= low
