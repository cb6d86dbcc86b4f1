"""Events per exposure: exact, Wald and robust."""

from __future__ import annotations

import math

import numpy as np
import pytest

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.rates import dispersion, exact_rate_ratio, robust_rate_ratio, wald_rate_ratio


@pytest.mark.parametrize(
    ("x_t", "e_t", "x_c", "e_c"),
    [(11, 800, 23, 3000), (3, 50, 0, 60), (0, 5, 9, 5), (7, 10, 7, 10), (120, 9, 60, 9), (2, 1, 1, 999)],
)
def test_exact_equals_the_binomial_test_of_scipy(x_t, e_t, x_c, e_c) -> None:
    from scipy.stats import binomtest

    peer = binomtest(x_t, x_t + x_c, e_t / (e_t + e_c))
    low, high = peer.proportion_ci(0.9)
    got = exact_rate_ratio(x_t, e_t, x_c, e_c, 0.1)
    assert got.p_value == pytest.approx(peer.pvalue, rel=1e-6)
    assert got.log_p_value == pytest.approx(math.log(peer.pvalue), abs=1e-6)
    assert got.ci_lower == pytest.approx(low / (1 - low) * e_c / e_t, rel=1e-9)
    assert got.ci_upper == (math.inf if x_c == 0 else pytest.approx(high / (1 - high) * e_c / e_t, rel=1e-9))


def test_no_event_in_one_arm_is_told_by_the_exact_method_alone() -> None:
    only = exact_rate_ratio(5, 10, 0, 10, 0.05)
    assert only.estimate == only.ci_upper == math.inf and only.ci_lower > 0
    none = exact_rate_ratio(0, 10, 5, 10, 0.05)
    assert (none.estimate, none.ci_lower) == (0.0, 0.0)
    with pytest.raises(NotEstimable, match="no events in the control arm"):
        wald_rate_ratio(5, 10, 0, 10, 0.05)
    with pytest.raises(NotEstimable, match="no events in either arm"):
        exact_rate_ratio(0, 10, 0, 10, 0.05)
    with pytest.raises(NotEstimable, match="no exposure in the treatment arm"):
        exact_rate_ratio(0, 0, 3, 10, 0.05)
    for bad in ((-1, 1, 1, 1), (1, 0, 1, 1)):
        with pytest.raises(ValueError):
            wald_rate_ratio(*bad, 0.05)


def test_a_tiny_p_value_keeps_its_logarithm_and_large_counts_are_quick() -> None:
    far = exact_rate_ratio(4000, 1, 100, 1, 0.05)
    assert far.p_value == 0 and math.isfinite(far.log_p_value) and far.log_p_value < -2000
    near = exact_rate_ratio(10**9 + 40_000, 1.0, 10**9, 1.0, 0.05)
    z = 40_000 / math.sqrt(2e9)
    assert near.p_value == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-3)
    assert math.isfinite(wald_rate_ratio(10**9, 1, 10**8, 1, 0.05).log_p_value)


def test_the_tail_that_underflows_joins_the_one_that_does_not() -> None:
    from loyalty_exp.stats.rates import _log_tail

    p = 0.5
    for k in (230, 240):
        exact = math.log(math.fsum(math.comb(2000, i) / 2**1000 for i in range(k + 1))) - 1000 * math.log(2)
        assert _log_tail(k, 2000, p) == pytest.approx(exact, rel=1e-10)


def test_robust_equals_a_poisson_regression_with_sandwich_errors() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    n = (200, 260)
    exposure = [rng.uniform(0.5, 3, m) for m in n]
    events = [rng.negative_binomial(1, 1 / (1 + r * e)) for e, r in zip(exposure, (1.3, 1.0), strict=True)]
    arms = [from_rows({"y": y, "e": e}) for y, e in zip(events, exposure, strict=True)]
    x = np.column_stack([np.ones(sum(n)), np.repeat([1.0, 0.0], n)])
    y = np.concatenate(events)
    for column, offset in (("e", np.log(np.concatenate(exposure))), (None, None)):
        model = sm.GLM(y, x, family=sm.families.Poisson(), offset=offset)
        fit = model.fit(cov_type="HC0", tol=1e-12)
        got = robust_rate_ratio(*arms, "y", column, 0.05)
        assert math.log(got.estimate) == pytest.approx(fit.params[1], rel=1e-8)
        assert got.log_std_error == pytest.approx(fit.bse[1], rel=1e-8)
        low, high = fit.conf_int()[1]
        assert (got.ci_lower, got.ci_upper) == pytest.approx((math.exp(low), math.exp(high)))
    assert dispersion(*arms, "y") == pytest.approx(model.fit(scale="X2").scale)
    assert dispersion(*arms, "y") > 1.5


def test_edges_of_the_robust_ratio() -> None:
    zero, ones, one = (from_rows({"y": v, "e": np.ones(len(v))}) for v in ([0, 0, 0], [1, 1, 1], [4]))
    with pytest.raises(NotEstimable, match="no events in the control arm"):
        robust_rate_ratio(ones, zero, "y", None, 0.05)
    with pytest.raises(NotEstimable, match="one unit in the treatment arm"):
        robust_rate_ratio(one, ones, "y", "e", 0.05)
    same = robust_rate_ratio(ones, ones, "y", "e", 0.05)
    assert (same.estimate, same.p_value, same.log_std_error) == (1.0, None, 0.0)
    idle = from_rows({"y": [1, 2], "e": [0, 0]})
    with pytest.raises(NotEstimable, match="no exposure in the control arm"):
        robust_rate_ratio(ones, idle, "y", "e", 0.05)
    with pytest.raises(NotEstimable):
        dispersion(one, one, "y")
