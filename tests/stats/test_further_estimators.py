"""Estimators beside the usual ones: each against an independent value."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from scipy import stats as scipy_stats

from loyalty_exp.errors import NotEstimable
from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.estimators.choice import Choice
from loyalty_exp.estimators.cox import EVENT, TIME
from loyalty_exp.report.said import NOT_ESTIMABLE
from loyalty_exp.stats.event_counts import event_counts
from loyalty_exp.stats.hazard_ratio import hazard_ratio
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.poisson_bootstrap import unit_hashes
from loyalty_exp.stats.quantile_replicates import quantile_replicates
from loyalty_exp.stats.unit_rows import UnitRows


def table(successes: int, units: int):
    return from_rows({"y": [1.0] * successes + [0.0] * (units - successes)})


def ask(name, treated, control, **parameters):
    return ESTIMATORS[name].estimate(treated, control, ("y",), (), 0.05, **parameters)


def test_boschloo_has_the_p_value_of_its_function_and_the_score_interval() -> None:
    """The table of test_proportions, whose function the reference cases of R check."""
    found = ask("boschloo", table(7, 12), table(2, 15))
    assert found.absolute.p_value == pytest.approx(0.020601033, rel=1e-7)
    score = ask("miettinen_nurminen", table(7, 12), table(2, 15)).absolute
    assert (found.absolute.ci_lower, found.absolute.ci_upper) == (score.ci_lower, score.ci_upper)
    assert found.absolute.p_value < ask("fisher", table(7, 12), table(2, 15)).absolute.p_value


def lifts(seed: int = 3):
    rng = np.random.default_rng(seed)
    t, c = rng.gamma(2, 6, 300), rng.gamma(2, 5, 400)
    return t, c, from_rows({"y": t}), from_rows({"y": c})


def test_delta_lift_is_the_derivative_of_the_ratio() -> None:
    t, c, m_t, m_c = lifts()
    found, welch = ask("delta_lift", m_t, m_c), ask("welch", m_t, m_c)
    assert found.absolute == welch.absolute
    v = [x.var(ddof=1) / len(x) for x in (t, c)]
    ratio = t.mean() / c.mean()
    error = math.sqrt((v[0] + ratio**2 * v[1]) / c.mean() ** 2)
    half = scipy_stats.t.ppf(0.975, welch.absolute.df) * error
    r = found.relative
    assert (r.estimate, r.std_error) == pytest.approx((ratio - 1, error))
    assert (r.ci_lower, r.ci_upper) == pytest.approx((ratio - 1 - half, ratio - 1 + half))


def test_log_lift_is_a_normal_interval_of_the_logarithm() -> None:
    t, c, m_t, m_c = lifts()
    r = ask("log_lift", m_t, m_c).relative
    parts = [x.var(ddof=1) / len(x) / x.mean() ** 2 for x in (t, c)]
    df = sum(parts) ** 2 / sum(p * p / (len(x) - 1) for p, x in zip(parts, (t, c), strict=True))
    half, center = scipy_stats.t.ppf(0.975, df) * math.sqrt(sum(parts)), math.log(t.mean() / c.mean())
    assert (r.ci_lower, r.ci_upper) == pytest.approx(
        (math.exp(center - half) - 1, math.exp(center + half) - 1)
    )
    below = ask("log_lift", from_rows({"y": -t}), m_c).relative
    assert below.ci_lower is None and "two positive means" in below.not_bounded


def test_random_shares_add_the_variance_between_the_strata() -> None:
    rng = np.random.default_rng(4)
    effects, sizes = (0.0, 10.0), (120, 80)
    arms = [
        tuple(
            from_rows({"y": rng.normal(5 * i + (e if treated else 0), 1, n)})
            for i, (e, n) in enumerate(zip(effects, sizes, strict=True))
        )
        for treated in (True, False)
    ]
    fixed, random = ask("stratified", *arms).absolute, ask("post_stratified", *arms).absolute
    gaps = np.array([t.mean_of("y") - c.mean_of("y") for t, c in zip(*arms, strict=True)])
    shares = np.array(sizes) / sum(sizes)
    between = float(shares @ (gaps - shares @ gaps) ** 2) / (2 * sum(sizes))
    assert random.estimate == fixed.estimate
    assert random.std_error**2 - fixed.std_error**2 == pytest.approx(between, rel=1e-9)


def rows(values, prefix):
    return UnitRows({"y": np.asarray(values, float)}, unit_hashes(f"{prefix}{i}" for i in range(len(values))))


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_replicates_of_a_quantile_have_the_spread_of_maritz_and_jarrett(q: float) -> None:
    """Their exact variance of the bootstrap: sum over places of the beta probability of each value."""
    x = np.sort(np.random.default_rng(5).lognormal(3, 1, 101))
    k = math.ceil(q * 101)
    weight = np.diff(scipy_stats.beta.cdf(np.arange(102) / 101, k, 101 - k + 1))
    exact = math.sqrt(weight @ x**2 - (weight @ x) ** 2)
    found = quantile_replicates(x, q, 40_000, np.random.default_rng(6))
    assert found.estimate == x[k - 1]
    assert found.std_error == pytest.approx(exact, rel=0.03)
    resampled = np.sort(np.random.default_rng(7).choice(x, (20_000, 101)), axis=1)[:, k - 1]
    assert found.values.mean() == pytest.approx(resampled.mean(), abs=4 * exact / math.sqrt(20_000) * 1.5)


def test_the_quantile_bootstrap_covers_and_is_the_same_every_time() -> None:
    rng, truth, covered = np.random.default_rng(8), 0.5, 0
    for _ in range(300):
        t, c = rng.exponential(1, 200) + truth, rng.exponential(1, 200)
        d = ask("quantile_bootstrap", rows(t, "t"), rows(c, "c"), replicates=999, level=0.9).absolute
        covered += d.ci_lower <= truth <= d.ci_upper
    assert 0.90 < covered / 300 < 0.99
    again = [ask("quantile_bootstrap", rows(t, "t"), rows(c, "c"), seed=3, level=0.9).absolute for _ in "ab"]
    assert again[0] == again[1]


def test_tied_quantiles_have_an_interval_that_order_statistics_refuse() -> None:
    t, c = [0.0] * 60 + [5.0] * 90, [0.0] * 80 + [5.0] * 70
    d = ask("quantile_bootstrap", rows(t, "t"), rows(c, "c"), level=0.5).absolute
    assert (d.estimate, d.ci_lower, d.ci_upper) == (5.0, 0.0, 5.0)
    with pytest.raises(NotEstimable, match="no variation"):
        ask("quantile_bootstrap", rows([1.0] * 9, "t"), rows([1.0] * 9, "c"))


def test_z_is_the_normal_interval_around_the_welch_estimate() -> None:
    _, _, m_t, m_c = lifts()
    z, welch = ask("z", m_t, m_c).absolute, ask("welch", m_t, m_c).absolute
    assert (z.estimate, z.std_error, z.df) == (welch.estimate, welch.std_error, None)
    assert z.p_value == pytest.approx(2 * scipy_stats.norm.sf(abs(z.estimate / z.std_error)), rel=1e-12)
    assert z.ci_upper - z.estimate == pytest.approx(scipy_stats.norm.ppf(0.975) * z.std_error, rel=1e-12)


def test_msprt_is_the_likelihood_ratio_under_the_mixture_and_asks_for_its_spread() -> None:
    """The marginal density of the estimate under effects N(0, 2 squared), over that under none."""
    _, _, m_t, m_c = lifts()
    found = ask("msprt", m_t, m_c, mixture_sd=2.0)
    a, se = found.absolute, ask("welch", m_t, m_c).absolute.std_error
    ratio = scipy_stats.norm.logpdf(a.estimate, 0, math.hypot(se, 2)) - scipy_stats.norm.logpdf(
        a.estimate, 0, se
    )
    assert a.log_p_value == pytest.approx(min(-ratio, 0.0), rel=1e-10)
    assert a.ci_upper - a.estimate > 1.96 * se and found.relative.ci_lower is None
    with pytest.raises(ValueError, match="msprt needs 'mixture_sd'"):
        Choice(type="msprt")
    assert Choice(type="msprt", mixture_sd=2.0).parameters == {"mixture_sd": 2.0}


def follow_up(time, event, **columns):
    values = {TIME: time, EVENT: event, **columns}
    hashes = unit_hashes(str(i) for i in range(len(time)))
    return UnitRows({k: np.asarray(v, float) for k, v in values.items()}, hashes)


def cox_of(t, c, *covariates):
    return ESTIMATORS["cox"].estimate(t, c, ("y",), covariates, 0.05)


def survivors(seed: int, n: int, pace: float):
    rng = np.random.default_rng(seed)
    age = rng.normal(size=n)
    days = np.ceil(rng.exponential(20 / pace * np.exp(-0.8 * age)))
    end = rng.integers(5, 40, n)
    return follow_up(np.minimum(days, end), days <= end, age=age, same=np.full(n, 3.0))


def test_cox_without_covariates_is_the_hazard_ratio_from_counts_and_turns_with_the_arms() -> None:
    t, c = survivors(1, 300, 1.5), survivors(2, 400, 1.0)
    found, turned = cox_of(t, c), cox_of(c, t)
    counts = [event_counts(a.values[TIME], a.values[EVENT]) for a in (t, c)]
    log_ratio = hazard_ratio(*counts, 0.05).log_ratio
    assert found.absolute.estimate == pytest.approx(log_ratio.estimate, rel=1e-8)
    assert found.absolute.std_error == pytest.approx(log_ratio.std_error, rel=1e-8)
    assert turned.facts["hazard_ratio"] == pytest.approx(1 / found.facts["hazard_ratio"], rel=1e-8)


def test_cox_with_a_covariate_finds_the_pace_that_was_planted() -> None:
    """Left out, the covariate draws the hazard ratio toward 1; one that is the same for all is none."""
    t, c = survivors(3, 4_000, 1.5), survivors(4, 4_000, 1.0)
    adjusted, plain = cox_of(t, c, "age", "same"), cox_of(t, c)
    assert adjusted == cox_of(t, c, "age")
    assert abs(adjusted.absolute.estimate - math.log(1.5)) < 3 * adjusted.absolute.std_error
    assert plain.absolute.estimate < adjusted.absolute.estimate - 0.03


@pytest.mark.parametrize(
    ("t", "c", "reason"),
    [
        (follow_up([], []), follow_up([3, 4], [1, 0]), "no units in the treatment arm"),
        (follow_up([3, 4], [1, 0]), follow_up([3], [1]), "one unit in the control arm"),
        (follow_up([3, 4], [0, 0]), follow_up([3, 4], [0, 0]), "no event"),
        (follow_up([1, 2], [1, 1]), follow_up([3, 4], [0, 0]), "maximum|separate"),
    ],
)
def test_cox_gives_a_reason_that_the_page_knows(t: UnitRows, c: UnitRows, reason: str) -> None:
    with pytest.raises(NotEstimable, match=reason) as told:
        cox_of(t, c)
    assert any(re.search(pattern, str(told.value)) for pattern, _ in NOT_ESTIMABLE)
