"""Many tests at once: ties, p-values of 0 and 1, gates, one control for all, metrics that vary together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.dunnett import critical_value, dunnett, tail
from loyalty_exp.stats.gatekeeping import fixed_sequence, serial_gatekeeping
from loyalty_exp.stats.max_t import max_t
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.multiplicity import (
    benjamini_hochberg,
    benjamini_krieger_yekutieli,
    benjamini_yekutieli,
    bonferroni,
    hochberg,
    hochberg_sidak,
    holm,
    holm_sidak,
    hommel,
    sidak,
)

PEERS = {
    bonferroni: "bonferroni",
    sidak: "sidak",
    holm: "holm",
    holm_sidak: "holm-sidak",
    hochberg: "simes-hochberg",
    hommel: "hommel",
    benjamini_hochberg: "fdr_bh",
    benjamini_yekutieli: "fdr_by",
}
METHODS = [*PEERS, hochberg_sidak]


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize("method", PEERS, ids=PEERS.get)
@pytest.mark.parametrize("m", [1, 2, 7, 30])
def test_adjusted_p_values_agree_with_statsmodels(method, m) -> None:
    rng = np.random.default_rng(m)
    for p in (rng.random(m), rng.random(m) ** 6, np.round(rng.random(m) ** 3, 1), np.repeat(rng.random(), m)):
        want = np.minimum(multipletests(p, method=PEERS[method])[1], 1.0)
        assert method(p.tolist()) == pytest.approx(want, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_edges_of_adjustment(method) -> None:
    assert method([]) == () and method([None, None]) == (None, None)
    assert method([0.03]) == (pytest.approx(0.03),)
    assert method([0.0, 0.0])[0] == 0.0 and method([1.0, 1.0]) == (1.0, 1.0)
    got = method([0.0, None, 1.0, 1e-320])
    assert got[1] is None and got[0] == 0.0 and got[2] == 1.0 and 0 < got[3] < 1e-300
    for bad in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            method([0.5, bad])


def test_small_p_values_keep_their_digits_under_sidak() -> None:
    assert sidak([1e-20] * 4)[0] == pytest.approx(4e-20)
    assert holm_sidak([1e-20, 0.5])[0] == pytest.approx(2e-20)


def test_two_stages_learn_how_many_tests_are_without_effect() -> None:
    p = [0.001, 0.002, 0.003, 0.02, 0.03, 0.045, None, 0.6]
    found = benjamini_krieger_yekutieli(p, 0.05)
    assert (found.first_stage, found.true_nulls) == (5, 2)
    assert found.rejected == (True, True, True, True, True, True, None, False)
    want = multipletests([v for v in p if v is not None], 0.05, "fdr_tsbky")[0]
    assert [r for r in found.rejected if r is not None] == list(want)
    assert benjamini_krieger_yekutieli([0.9, 0.8], 0.05).rejected == (False, False)
    assert benjamini_krieger_yekutieli([0.001, 0.002], 0.05).rejected == (True, True)
    with pytest.raises(ValueError):
        benjamini_krieger_yekutieli(p, 0.0)


def test_a_sequence_stops_at_the_first_failure_and_at_a_gap() -> None:
    assert fixed_sequence([0.01, 0.2, 0.001]) == (0.01, 0.2, 0.2)
    assert fixed_sequence([0.01, None, 0.001]) == (0.01, None, None)
    with pytest.raises(ValueError):
        fixed_sequence([0.1, 2.0])


def test_a_serial_gate_opens_when_all_have_passed() -> None:
    first, second = serial_gatekeeping([[0.01, 0.02], [0.001, None, 0.5]])
    assert first == pytest.approx((0.02, 0.02))
    assert second == (pytest.approx(0.02), None, pytest.approx(0.5))
    assert serial_gatekeeping([[None], [0.01]]) == ((None,), (None,))
    assert serial_gatekeeping([[0.01], [], [0.01]]) == ((0.01,), (), (None,))


def groups(seed: int, sizes: tuple[int, ...] = (40, 25, 60), shift: float = 0.0):
    rng = np.random.default_rng(seed)
    return [rng.normal(shift * i, 1, n) for i, n in enumerate(sizes)]


def test_dunnett_agrees_with_scipy() -> None:
    control, *treated = groups(1, (50, 30, 20, 44), 0.25)
    found = dunnett([from_rows({"y": v}) for v in treated], from_rows({"y": control}), "y", 0.05)
    want = stats.dunnett(*treated, control=control, random_state=np.random.default_rng(1))
    interval = want.confidence_interval(0.95)
    assert [d.p_value for d in found.differences] == pytest.approx(want.pvalue, abs=2e-3)
    assert [d.ci_lower for d in found.differences] == pytest.approx(interval.low, abs=5e-3)
    for d in found.differences:
        assert (d.p_value < 0.05) == (d.ci_lower > 0 or d.ci_upper < 0)


def test_dunnett_tables() -> None:
    # Dunnett (1964), Biometrics 20, table II: two-sided 5 percent, equal sizes.
    for k, df, want in ((2, 10, 2.57), (3, 20, 2.54), (5, 60, 2.58), (3, math.inf, 2.35)):
        assert critical_value(np.full(k, math.sqrt(0.5)), df, 0.05) == pytest.approx(want, abs=0.006)
    assert critical_value(np.array([0.6]), 12.0, 0.05) == pytest.approx(stats.t.isf(0.025, 12))


def test_dunnett_is_between_one_test_and_bonferroni() -> None:
    loadings = np.array([0.5, 0.6, 0.7])
    for t in (0.1, 1.0, 2.5, 4.0, 6.3, 7.0, 50.0):
        p, log_p = tail(t, loadings, 80.0)
        alone = 2 * stats.t.sf(t, 80)
        assert alone <= p * (1 + 1e-9) and p <= min(3 * alone, 1) * (1 + 1e-6)
        assert log_p == pytest.approx(math.log(p))
    assert -1e4 < tail(1e3, loadings, math.inf)[1] * 1e-2 < -1e3


def test_dunnett_refuses_what_it_cannot_tell() -> None:
    flat, one = from_rows({"y": [2.0, 2.0]}), from_rows({"y": [2.0]})
    with pytest.raises(NotEstimable, match="nothing varies"):
        dunnett([flat], flat, "y", 0.05)
    with pytest.raises(NotEstimable, match="one unit"):
        dunnett([one], from_rows({"y": [1.0, 2]}), "y", 0.05)
    with pytest.raises(ValueError, match="no treatment"):
        dunnett([], flat, "y", 0.05)


def test_max_t_follows_the_dependence() -> None:
    rng = np.random.default_rng(3)
    arm = rng.permutation(np.arange(60) < 25)
    y = rng.normal(size=60) + 0.9 * arm
    same = max_t(np.column_stack([y, 2 * y + 1, y - 5]), arm, rng, 2000)
    assert same.adjusted == pytest.approx([same.p_values[0]] * 3)
    other = max_t(np.column_stack([y, rng.normal(size=(60, 2))]), arm, np.random.default_rng(4), 2000)
    assert other.p_values[0] < other.adjusted[0] < 4 * other.p_values[0]
    want = stats.ttest_ind(y[arm], y[~arm], equal_var=False).statistic
    assert other.statistics[0] == pytest.approx(want)
    assert (other.draws, other.exhaustive) == (2000, False)
    assert min(other.p_values) >= 1 / 2000
    again = max_t(np.column_stack([y, y]), arm, np.random.default_rng(4), 500)
    assert again == max_t(np.column_stack([y, y]), arm, np.random.default_rng(4), 500)


def test_max_t_refuses_what_it_cannot_tell() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(NotEstimable, match="does not vary"):
        max_t(np.column_stack([np.arange(6.0), np.ones(6)]), [1, 1, 1, 0, 0, 0], rng)
    with pytest.raises(NotEstimable, match="fewer than two"):
        max_t(np.arange(6.0)[:, None], [1, 0, 0, 0, 0, 0], rng)
    with pytest.raises(ValueError):
        max_t(np.arange(6.0), [1, 0, 1, 0, 0, 0], rng)
    apart = max_t(np.array([[0.0], [0], [0], [1], [1], [1]]), [0, 0, 0, 1, 1, 1], rng)
    assert apart.p_values == apart.adjusted == (0.1,)
