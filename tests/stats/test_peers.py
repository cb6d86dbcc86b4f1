"""tea-tasting, statsmodels and scipy agree, on the Hillstrom e-mail test and on numbers drawn at random."""

from __future__ import annotations

import math
from pathlib import Path

import duckdb
import numpy as np
import pytest
import statsmodels.api as sm
import tea_tasting as tt
from scipy import special, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.difference import difference
from loyalty_exp.stats.distributions import (
    LARGE_DF,
    chi2_sf,
    f_sf,
    normal_cdf,
    normal_quantile,
    t_quantile,
    t_two_sided,
)
from loyalty_exp.stats.means import lin, plain
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.multiplicity import benjamini_hochberg, holm
from loyalty_exp.stats.proportions import newcombe

HILLSTROM = Path(__file__).parents[2] / "experiments" / "data" / "hillstrom.parquet"


@pytest.fixture(scope="module")
def hillstrom():
    return duckdb.connect().sql(f"select * from '{HILLSTROM}' order by customer_id").df()


@pytest.fixture(scope="module")
def pairs(hillstrom):
    """Moments of (treated, control) for both e-mails."""
    columns = ("spend", "visit", "conversion", "history", "recency", "newbie")
    made = {}
    for arm, rows in hillstrom.groupby("segment"):
        made[arm] = from_rows({c: rows[c].to_numpy(dtype=float) for c in columns})
    return {a: (made[a], made["No E-Mail"]) for a in ("Mens E-Mail", "Womens E-Mail")}


def tea(hillstrom, arm, metric):
    data = hillstrom[hillstrom["segment"].isin([arm, "No E-Mail"])]
    experiment = tt.Experiment({"m": metric}, variant="segment")
    return experiment.analyze(data, control="No E-Mail")["m"]


def agrees(effect, peer):
    ours = (
        effect.mean_treated,
        effect.mean_control,
        effect.absolute.estimate,
        effect.absolute.std_error,
        effect.absolute.ci_lower,
        effect.absolute.ci_upper,
        effect.absolute.p_value,
        effect.relative.estimate,
    )
    theirs = (
        peer.treatment,
        peer.control,
        peer.effect_size,
        peer.effect_size / peer.statistic,
        peer.effect_size_ci_lower,
        peer.effect_size_ci_upper,
        peer.pvalue,
        peer.rel_effect_size,
    )
    assert ours == pytest.approx(theirs, rel=1e-8)


@pytest.mark.parametrize("arm", ["Mens E-Mail", "Womens E-Mail"])
@pytest.mark.parametrize(
    ("name", "outcome", "covariates", "metric"),
    [
        ("welch", ("spend",), (), tt.Mean("spend")),
        ("welch", ("visit",), (), tt.Mean("visit")),
        ("cuped", ("spend",), ("history",), tt.Mean("spend", covariate="history")),
        ("cuped", ("visit",), ("recency",), tt.Mean("visit", covariate="recency")),
        ("ratio_delta", ("spend", "visit"), (), tt.RatioOfMeans("spend", "visit")),
        (
            "ratio_cuped",
            ("spend", "visit"),
            ("history", "recency"),
            tt.RatioOfMeans("spend", "visit", "history", "recency"),
        ),
    ],
    ids=["welch-spend", "welch-visit", "cuped-spend", "cuped-visit", "ratio", "ratio-cuped"],
)
def test_tea_tasting(hillstrom, pairs, arm, name, outcome, covariates, metric) -> None:
    effect = ESTIMATORS[name].estimate(*pairs[arm], outcome, covariates, 0.05)
    agrees(effect, tea(hillstrom, arm, metric))


def test_statsmodels_welch(hillstrom, pairs) -> None:
    t, c = pairs["Mens E-Mail"]
    d = difference(plain(t, ("spend",)), plain(c, ("spend",)), 0.1)
    arm = {a: hillstrom.loc[hillstrom["segment"] == a, "spend"] for a in ("Mens E-Mail", "No E-Mail")}
    peer = CompareMeans(DescrStatsW(arm["Mens E-Mail"]), DescrStatsW(arm["No E-Mail"]))
    statistic, p, df = peer.ttest_ind(usevar="unequal")
    low, high = peer.tconfint_diff(alpha=0.1, usevar="unequal")
    ours = (d.estimate / d.std_error, d.p_value, d.df, d.ci_lower, d.ci_upper)
    assert ours == pytest.approx((statistic, p, df, low, high), rel=1e-8)


def test_statsmodels_lin(hillstrom, pairs) -> None:
    """Within-arm OLS exactly; the HC2 standard error of the interacted regression to 1 %."""
    names = ["history", "recency", "newbie"]
    t, c = pairs["Mens E-Mail"]
    a, b = lin(t, c, ("spend",), names)
    data = hillstrom[hillstrom["segment"].isin(["Mens E-Mail", "No E-Mail"])]
    z = data[names].to_numpy(dtype=float)
    z = z - z.mean(axis=0)
    arm = (data["segment"] == "Mens E-Mail").to_numpy(dtype=float)
    y = data["spend"].to_numpy()
    variance = 0.0
    for side, found in ((1.0, a), (0.0, b)):
        fit = sm.OLS(y[arm == side], sm.add_constant(z[arm == side])).fit()
        assert found.mean[0] == pytest.approx(fit.params[0], rel=1e-8)
        assert found.covariance[0, 0] == pytest.approx(fit.cov_params()[0, 0], rel=1e-8)
        assert found.df == fit.df_resid
        variance += fit.cov_params()[0, 0]
    x = np.column_stack([np.ones(len(y)), arm, z, arm[:, None] * z])
    fit = sm.OLS(y, x).fit(cov_type="HC2")
    assert float(a.mean[0] - b.mean[0]) == pytest.approx(fit.params[1], rel=1e-8)
    assert math.sqrt(variance) == pytest.approx(fit.bse[1], rel=0.01)


def test_statsmodels_newcombe_and_adjustments() -> None:
    peer = confint_proportions_2indep(56, 70, 48, 80, method="newcomb")
    assert newcombe(56, 70, 48, 80, 0.05) == pytest.approx(peer, rel=1e-10)
    p = np.random.default_rng(7).uniform(size=40) ** 3
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], rel=1e-12)
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1], rel=1e-12)


@pytest.mark.parametrize("df", [1.0, 2.5, 17.3, 998.0, 2e4, 2.001e4, 1e5, 1e6, 1e8])
def test_t_distribution(df) -> None:
    rel = 1e-10
    for t in (1e-6, 0.1, 1.0, 1.96, 3.3, 8.0, 15.0, 25.0):
        want = 2 * stats.t.sf(t, df)
        if want > 1e-280:
            p, log_p = t_two_sided(-t, df)
            assert p == pytest.approx(want, rel=rel)
            assert log_p == pytest.approx(math.log(want), rel=rel, abs=1e-11)
    for q in (0.5001, 0.9, 0.975, 0.995, 0.99999, 0.025):
        assert t_quantile(q, df) == pytest.approx(stats.t.ppf(q, df), rel=rel)


def test_both_sides_of_the_switch_agree() -> None:
    for t in (0.5, 2.0, 6.0, 20.0, 60.0, 200.0):
        below, above = t_two_sided(t, LARGE_DF)[1], t_two_sided(t, LARGE_DF * (1 + 1e-12))[1]
        assert below == pytest.approx(above, rel=1e-9)
    for q in (0.9, 0.975, 0.9999):
        assert t_quantile(q, LARGE_DF) == pytest.approx(t_quantile(q, LARGE_DF * (1 + 1e-12)), rel=1e-11)


def test_logs_stay_finite() -> None:
    assert t_two_sided(60.0, math.inf)[1] == pytest.approx(math.log(2) + stats.norm.logsf(60), rel=1e-10)
    leading = 100 * math.log(200 / (1e8 + 200)) - math.log(100) - special.betaln(100, 0.5)
    assert t_two_sided(1e4, 200.0) == (0.0, pytest.approx(leading, abs=1e-5))
    for df in (1, 2, 3, 7, 40):
        assert math.isfinite(chi2_sf(40000.0, df)[1])
    for df in (0.7, 33.5, 250):
        assert math.isfinite(chi2_sf(1e5, df)[1])
    assert math.isfinite(f_sf(1e6, 3, 500)[1])


def test_log_tails_continue_where_the_tail_ends() -> None:
    """The series used beyond underflow gives the plain logarithm where both exist."""
    from loyalty_exp.stats import distributions as d

    for t, df in ((3.0, 5.0), (12.0, 100.0), (30.0, 3000.0)):
        x = math.log(df / (df + t * t))
        assert d._log_beta_tail(x, df / 2, 0.5) == pytest.approx(t_two_sided(t, df)[1], rel=1e-10)
    for x, df in ((60.0, 33.5), (900.0, 250.0)):
        assert d._log_gamma_tail(df / 2, x / 2) == pytest.approx(stats.chi2.logsf(x, df), rel=1e-10)


def test_other_distributions() -> None:
    for df in (1, 2, 3, 4, 9, 100, 101, 2.5):
        for x in (1e-3, 0.7, 5.0, 40.0, 300.0):
            assert chi2_sf(x, df)[0] == pytest.approx(stats.chi2.sf(x, df), rel=1e-10)
    assert f_sf(2.3, 3, 40)[0] == pytest.approx(stats.f.sf(2.3, 3, 40), rel=1e-12)
    for x in (-38.0, -9.0, -1.0, 0.0, 2.0):
        assert normal_cdf(x) == pytest.approx(stats.norm.cdf(x), rel=1e-12)
    for p in (1e-12, 0.001, 0.5, 0.975):
        assert normal_quantile(p) == pytest.approx(stats.norm.ppf(p), rel=1e-13, abs=1e-15)
