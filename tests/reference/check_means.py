"""Reference cases: means, ratios, covariates, relative lifts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from case import Case, arms, column_of, table

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.difference import difference, known, welch_df, z_difference
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.lift import delta_lift, geometric_lift, lift_df, log_lift
from loyalty_exp.stats.means import ArmMeans, OneMean, cuped, lin, plain
from loyalty_exp.stats.moments import Moments, from_rows
from loyalty_exp.stats.one_sided import one_sided
from loyalty_exp.stats.ratio import jackknife_ratio, linearized, ratio_effect, ratio_means
from loyalty_exp.stats.regression import missing_indicator, regress
from loyalty_exp.stats.relative import delta_variance, fieller, relative_lift
from loyalty_exp.stats.slopes import correlation, slopes
from loyalty_exp.stats.winsorize import upper_cap, winsorize


def named(d: Difference) -> dict[str, Any]:
    return {
        "estimate": d.estimate,
        "se": d.std_error,
        "df": d.df,
        "statistic": d.estimate / d.std_error,
        "p_value": d.p_value,
        "ci_low": d.ci_lower,
        "ci_high": d.ci_upper,
    }


def welch(case: Case) -> dict[str, Any]:
    i = case.inputs
    if "sd_treatment" in i:
        return named(difference(*(summary(i, s) for s in ("treatment", "control")), case.alpha))
    t, c = arms(i, i["data"]["value"] if "data" in i else "y")
    e = ESTIMATORS["welch"].estimate(t, c, t.columns, (), case.alpha)
    return described(t, c, e.absolute, case)


def summary(i: dict[str, Any], side: str) -> OneMean:
    n = i[f"n_{side}"]
    return OneMean(n, "y", i[f"mean_{side}"], i[f"sd_{side}"] ** 2 / n)


def described(t: Moments, c: Moments, d: Difference, case: Case) -> dict[str, Any]:
    (column,) = t.columns
    out = named(d) | {
        "n_treatment": t.n,
        "n_control": c.n,
        "mean_treatment": t.mean_of(column),
        "mean_control": c.mean_of(column),
        "var_treatment": t.variance(column),
        "var_control": c.variance(column),
    }
    if "alternative" in case.params:
        s = one_sided(d, case.params["alternative"], case.alpha)
        out |= {"p_value": s.p_value, "ci_low": s.ci_lower, "ci_high": s.ci_upper, "statistic": s.statistic}
    return out


def winsorized(case: Case) -> dict[str, Any]:
    data = case.inputs["data"]
    source = table(data["file"])
    values, arm = column_of(source, data["value"]), np.array(source[data["arm"]])
    cap = upper_cap(values, case.params["cap_quantile"])
    t, c = (from_rows({"y": winsorize(values[arm == str(data[s])], cap)}) for s in ("treatment", "control"))
    d = difference(plain(t, ("y",)), plain(c, ("y",)), case.alpha)
    return described(t, c, d, case) | {"cap": cap}


def ratio(case: Case) -> dict[str, Any]:
    data = case.inputs["data"]
    names = (data["numerator"], data["denominator"])
    e = ratio_effect(*arms(case.inputs, *names), *names, case.alpha)
    v_t, v_c = (
        float(plain(linearized(m, {"r": names}), ("r",)).covariance[0, 0]) for m in arms(case.inputs, *names)
    )
    z = known(e.absolute.estimate, e.absolute.std_error, case.alpha)
    lift = delta_lift(e.mean_treated, e.mean_control, v_t, v_c, case.alpha)
    log = log_lift(e.mean_treated, e.mean_control, v_t, v_c, case.alpha)
    return {
        "ratio_treatment": e.mean_treated,
        "ratio_control": e.mean_control,
        "var_ratio_treatment": v_t,
        "var_ratio_control": v_c,
        "diff": e.absolute.estimate,
        "se": e.absolute.std_error,
        "z": z.estimate / z.std_error,
        "p_value": z.p_value,
        "ci_low": z.ci_lower,
        "ci_high": z.ci_upper,
        "uplift": e.relative.estimate,
        "uplift_se": e.relative.std_error,
        "uplift_low": lift.ci_lower,
        "uplift_high": lift.ci_upper,
        "uplift_log_low": log.ci_lower,
        "uplift_log_high": log.ci_upper,
    }


def jackknife(case: Case) -> dict[str, Any]:
    data = case.inputs["data"]
    source = table(data["file"])
    arm = np.array(source[data["arm"]])
    parts = [
        column_of(source, data[name])[arm == str(data[side])]
        for side in ("treatment", "control")
        for name in ("numerator", "denominator")
    ]
    d = jackknife_ratio(*parts, case.alpha)
    return {"diff": d.estimate, "se_jackknife": d.std_error}


def rows(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, arm and covariates as arrays; a categorical covariate as one column for each level but one."""
    i = case.inputs
    if "data" not in i:
        x = np.array([math.nan if v is None else v for v in i["covariate"]], dtype=float)
        x = missing_indicator(x) if np.isnan(x).any() else x[:, None]
        return np.array(i["value"], dtype=float), np.array(i["arm"]) == 1, x
    data = i["data"]
    source = table(data["file"])
    columns = []
    for name in data.get("covariates") or [data["covariate"]]:
        if name.endswith("(categorical)"):
            levels = np.array(source[name.split()[0]])
            columns += [(levels == level).astype(float) for level in np.unique(levels)[1:]]
        else:
            columns.append(column_of(source, name))
    arm = np.array(source[data["arm"]]) == str(data["treatment"])
    return column_of(source, data["value"]), arm, np.column_stack(columns)


def both(case: Case) -> tuple[Moments, Moments, tuple[str, ...]]:
    y, arm, x = rows(case)
    names = tuple(f"x{j}" for j in range(x.shape[1]))
    made = [
        from_rows({"y": y[side]} | {name: x[side, j] for j, name in enumerate(names)}) for side in (arm, ~arm)
    ]
    return made[0], made[1], names


def covariate_case(case: Case) -> dict[str, Any]:
    t, c, x = both(case)
    e = ESTIMATORS["cuped"].estimate(t, c, ("y",), x, case.alpha)
    u = ESTIMATORS["welch"].estimate(t, c, ("y",), (), case.alpha)
    return named(e.absolute) | {
        "theta_pooled": slopes(t, c, ("y",), x)[0, 0],
        "theta_within": slopes(t, c, ("y",), x, "within")[0, 0],
        "correlation_pooled": correlation(t, c, "y", x[0]),
        "adj_mean_treatment": e.mean_treated,
        "adj_mean_control": e.mean_control,
        "unadjusted_estimate": u.absolute.estimate,
        "unadjusted_se": u.absolute.std_error,
        "variance_ratio": 1 - e.variance_reduction,
    }


def several_covariates(case: Case) -> dict[str, Any]:
    t, c, x = both(case)
    d = difference(*cuped(t, c, ("y",), x), case.alpha)
    return {k: v for k, v in named(d).items() if k in case.expected} | {
        "theta": slopes(t, c, ("y",), x)[:, 0].tolist()
    }


def regression_case(case: Case) -> dict[str, Any]:
    y, arm, x = rows(case)
    interacted = "lin" in case.id
    found = {
        kind: regress(y, arm, x, case.alpha, interacted, kind)
        for kind in ("classical", "HC0", "HC1", "HC2", "HC3")
    }
    t, c, names = both(case)
    moments = lin(t, c, ("y",), names) if interacted else cuped(t, c, ("y",), names, "within")
    d = found["HC2"]
    return {
        # From moments alone: the same estimate, with the variance of each arm's own regression.
        "estimate": difference(*moments, case.alpha).estimate,
        "se_iid": found["classical"].std_error,
        "se_hc0": found["HC0"].std_error,
        "se_hc1": found["HC1"].std_error,
        "se_hc2": d.std_error,
        "se_hc3": found["HC3"].std_error,
        "df": d.df,
        "p_hc2": d.p_value,
        "ci_hc2_low": d.ci_lower,
        "ci_hc2_high": d.ci_upper,
        "p_hc3": found["HC3"].p_value,
    }


def uplift(case: Case) -> dict[str, Any]:
    t, c = arms(case.inputs, case.inputs["data"]["value"] if "data" in case.inputs else "y")
    a, b = plain(t, t.columns), plain(c, t.columns)
    (m_t, v_t), (m_c, v_c) = a.only(), b.only()
    pair = (m_t, m_c, v_t, v_c)
    r, d = relative_lift(*pair, case.alpha, math.inf), delta_lift(*pair, case.alpha)
    log = log_lift(*pair, case.alpha)
    out = {
        "mean_treatment": m_t,
        "mean_control": m_c,
        "uplift": r.estimate,
        "delta_se": d.std_error,
        "delta_low": d.ci_lower,
        "delta_high": d.ci_upper,
        "log_delta_low": log.ci_lower,
        "log_delta_high": log.ci_upper,
        "p_value_h0_equal_means_welch": difference(a, b, case.alpha).p_value,
    }
    if r.ci_lower is None:
        z = normal_quantile(1 - case.alpha / 2)
        return out | {"fieller_z": {"kind": fieller(m_t, m_c, v_t, 0, v_c, z).shape}}
    out["fieller_z"] = {"kind": "bounded", "low": r.ci_lower, "high": r.ci_upper}
    if "fieller_tamhane_logan" in case.expected:
        s = relative_lift(*pair, case.alpha, lift_df(m_t / m_c, v_t, a.df, v_c, b.df))
        out["fieller_tamhane_logan"] = {"low": s.ci_lower, "high": s.ci_upper}
    return out


def geometric(case: Case) -> dict[str, Any]:
    logs = [from_rows({"y": np.log(case.inputs[side])}) for side in ("treatment", "control")]
    g = geometric_lift(*(plain(m, ("y",)) for m in logs), case.alpha)
    return {
        "ratio": 1 + g.estimate,
        "low": 1 + g.ci_lower,
        "high": 1 + g.ci_upper,
        "p_value": g.on_log_scale.p_value,
    }


def nist(case: Case) -> dict[str, Any]:
    values = case.inputs.get("values") or [1000000.2, *[1000000.1, 1000000.3] * 500]
    m = from_rows({"y": values})
    half = len(values) // 2
    joined = from_rows({"y": values[:half]}) + from_rows({"y": values[half:]})
    assert abs(joined.mean[0] / m.mean[0] - 1) < 1e-14
    out = {"mean": m.mean_of("y"), "sd": math.sqrt(m.variance("y")), "n": m.n}
    return {k: v for k, v in out.items() if k in case.expected}


def sums(i: dict[str, Any], *names: str) -> Moments:
    """Moments from sums, sums of squares and sums of products, as the peers write them."""
    if "sum" in i:
        i = {"n": i["n"], "y": {"sum": i["sum"], "sumsq": i["sum_squares"]}}
    names = names or ("y",)
    n, total = i["n"], np.array([float(i[k]["sum"]) for k in names])
    raw = np.diag([float(i[k]["sumsq"]) for k in names])
    for key, value in i.get("sum_of_products", {}).items():
        a, b = (names.index(k) if k in names else None for k in key.split("*"))
        if a is not None and b is not None:
            raw[a, b] = raw[b, a] = value
    return Moments(n, tuple(names), total / n, raw - np.outer(total, total) / n)


def pair_of(case: Case) -> tuple[ArmMeans, ArmMeans]:
    i = case.inputs
    if "x" in i["control"]:
        made = []
        for side in ("treatment", "control"):
            x, n = i[side]["x"], i[side]["n"]
            made.append(OneMean(n, "y", x / n, x / n * (1 - x / n) / n))
        return made[0], made[1]
    return plain(sums(i["treatment"]), ("y",)), plain(sums(i["control"]), ("y",))


def alpha_of(case: Case) -> float:
    return case.params.get("alpha", 1 - case.params.get("confidence", 0.95))


def peer_relative(case: Case) -> dict[str, Any]:
    t, c = pair_of(case)
    (m_t, v_t), (m_c, v_c) = t.only(), c.only()
    d = delta_lift(m_t, m_c, v_t, v_c, alpha_of(case), welch_df(v_t, t.df, v_c, c.df))
    out: dict[str, Any] = {"effect": d.estimate, "rel_effect": d.estimate, "se": d.std_error, "df": d.df}
    out |= {"rel_se": d.std_error, "statistic": d.estimate / d.std_error, "p_value": d.p_value}
    out["ci"] = [d.ci_lower, d.ci_upper]
    if "alternative" in case.params:
        s = one_sided(d, case.params["alternative"], alpha_of(case))
        out |= {"p_value": s.p_value, "ci": [s.ci_lower, s.ci_upper]}
    return {k: v for k, v in out.items() if k in case.expected and f"{case.id}.{k}" not in NOT_COMPARED}


def peer_absolute(case: Case) -> dict[str, Any]:
    d = difference(*pair_of(case), alpha_of(case))
    out = {"effect": d.estimate, "ci": [d.ci_lower, d.ci_upper], "se": d.std_error, "p_value": d.p_value}
    return {k: v for k, v in out.items() if k in case.expected}


def tea_mean(case: Case) -> dict[str, Any]:
    t, c = (plain(sums(case.inputs[s], "orders"), ("orders",)) for s in ("treatment", "control"))
    (m_t, v_t), (m_c, v_c) = t.only(), c.only()
    d = difference(t, c, 0.05)
    log = log_lift(m_t, m_c, v_t, v_c, 0.05, t.df, c.df)
    return {
        "control": m_c,
        "treatment": m_t,
        "effect": d.estimate,
        "ci": [d.ci_lower, d.ci_upper],
        "rel_effect": log.estimate,
        "rel_ci": [log.ci_lower, log.ci_upper],
        "p_value": d.p_value,
        "statistic": d.estimate / d.std_error,
    }


def tea_cuped_ratio(case: Case) -> dict[str, Any]:
    names = ("orders", "sessions", "orders_covariate", "sessions_covariate")
    t, c = (sums(case.inputs[s], *names) for s in ("treatment", "control"))
    e = ESTIMATORS["ratio_cuped"].estimate(t, c, names[:2], names[2:], 0.05)
    z = known(e.absolute.estimate, e.absolute.std_error, 0.05)
    s = one_sided(z, "less", 0.05)
    (m_t, v_t), (m_c, v_c) = (arm.only() for arm in ratio_means(t, c, *names[:2], names[2:]))
    logs = one_sided(log_lift(m_t, m_c, v_t, v_c, 0.05).on_log_scale, "less", 0.05)
    return {
        "control": e.mean_control,
        "treatment": e.mean_treated,
        "effect": e.absolute.estimate,
        "ci": [s.ci_lower, s.ci_upper],
        "rel_effect": e.relative.estimate,
        # The peer says minus infinity where a fraction ends at -1; compared here on the scale of logarithms.
        "rel_ci": [logs.ci_lower, math.expm1(logs.ci_upper)],
        "p_value": s.p_value,
        "statistic": s.statistic,
    }


def covariance_of_ratios(case: Case) -> dict[str, Any]:
    mean, cov = case.inputs["mean"], case.inputs["cov"]
    names = tuple(mean)
    c = 10.0 * np.eye(4)
    for key, value in cov.items():
        a, b = (names.index(k) for k in key)
        c[a, b] = c[b, a] = value
    m = Moments(2, names, np.array([float(mean[k]) for k in names]), c)
    return {"cov": linearized(m, {"ab": ("a", "b"), "cd": ("c", "d")}).covariance("ab", "cd")}


def given_theta(case: Case) -> dict[str, Any]:
    i = case.inputs
    made = []
    for side in ("treatment", "control"):
        m = linearized(
            from_rows({k: i[side][k] for k in ("num", "den", "pre_num", "pre_den")}),
            {"y": ("num", "den"), "x": ("pre_num", "pre_den")},
        )
        made.append(m)
    found = over_control(made[0], made[1], i["theta"])
    return {k: v for k, v in found.items() if k in case.expected}


def growthbook_ratio(case: Case) -> dict[str, Any]:
    made = []
    for side in ("treatment", "control"):
        i = case.inputs[side]
        names = ("m", "d", "pm", "pd")
        products = {"m*pm": "mpm", "d*pd": "dpd", "pm*pd": "pmpd", "m*d": "md", "m*pd": "mpd", "pm*d": "pmd"}
        flat = {k: {"sum": i[k][0], "sumsq": i[k][1]} for k in names}
        flat |= {"n": i["n"], "sum_of_products": {k: i[v] for k, v in products.items()}}
        made.append(linearized(sums(flat, *names), {"y": ("m", "d"), "x": ("pm", "pd")}))
    # The peer's slope is the one within arms.
    found = over_control(*made, float(slopes(*made, ("y",), ("x",), "within")[0, 0]))
    return {k: found[k] for k in case.expected}


def over_control(t: Moments, c: Moments, theta: float) -> dict[str, Any]:
    """Adjusted difference over the unadjusted control mean, the peer's relative lift, by the delta method."""
    weights = {"adjusted": {"y": 1.0, "x": -theta}, "raw": {"y": 1.0}}
    a, b = (plain(m.combine(weights), ("adjusted", "raw")) for m in (t, c))
    gap, base = float(a.mean[0] - b.mean[0]), float(b.mean[1])
    v = a.covariance + b.covariance
    variance = delta_variance(gap, base, v[0, 0], -b.covariance[0, 1], b.covariance[1, 1])
    d = known(
        gap / abs(base),
        math.sqrt(variance),
        0.05,
        welch_df(a.covariance[0, 0], a.df, b.covariance[0, 0], b.df),
    )
    return {"effect": d.estimate, "se": d.std_error, "p_value": d.p_value}


def growthbook_cuped(case: Case) -> dict[str, Any]:
    made = []
    for side in ("treatment", "control"):
        i = case.inputs[side]
        flat = {
            "n": i["n"],
            "y": {"sum": i["post_sum"], "sumsq": i["post_sum_squares"]},
            "x": {"sum": i["pre_sum"], "sumsq": i["pre_sum_squares"]},
            "sum_of_products": {"y*x": i["post_pre_sum_product"]},
        }
        made.append(sums(flat, "y", "x"))
    found = over_control(*made, float(slopes(*made, ("y",), ("x",))[0, 0]))
    return {"effect": found["effect"]}


def theta_of_copies(case: Case) -> dict[str, Any]:
    m = from_rows({"y": case.inputs["post"], "x": case.inputs["pre"]})
    return {"theta": slopes(m, m, ("y",), ("x",))[0, 0]}


def variance_of_difference(case: Case) -> dict[str, Any]:
    i = case.inputs
    t, c = (OneMean(i[f"n_{k}"], "y", i[f"mean_{k}"], i[f"var_{k}"] / i[f"n_{k}"]) for k in "ba")
    return {"var": z_difference(t, c, 0.05).std_error ** 2}


CHECKS = {
    "welch_t": welch,
    "welch_t.winsor_p99_pooled": winsorized,
    "ratio_metric": ratio,
    "ratio_metric.members_ab_jackknife": jackknife,
    "cuped": covariate_case,
    "cuped.cuped_three_covariates": several_covariates,
    "cuped.lin_spend": regression_case,
    "cuped.small_lin": regression_case,
    "cuped.ancova_many": regression_case,
    "cuped.missing_covariate_indicator": regression_case,
    "relative_uplift": uplift,
    "relative_uplift.geometric_mean_ratio": geometric,
    "nist_strd": nist,
    "gb-welch-rel-1": peer_relative,
    "gb-welch-1s-rel-greater": peer_relative,
    "gb-welch-1s-rel-less": peer_relative,
    "gb-prop-rel-1": peer_relative,
    "ep-rel-ctr-b": peer_relative,
    "ep-rel-real-b": peer_relative,
    "ep-rel-srm-c": peer_relative,
    "ep-rel-multi-rev-c": peer_relative,
    "gb-welch-abs-1": peer_absolute,
    "sp-t-gb2": peer_absolute,
    "sp-t-us-99": peer_absolute,
    "tt-mean": tea_mean,
    "tt-cuped-ratio-less": tea_cuped_ratio,
    "tt-ratio-cov": covariance_of_ratios,
    "gb-cuped-ratio-declining": given_theta,
    "gb-cuped-ratio-declining-negated": given_theta,
    "gb-cuped-ratio-pipeline": growthbook_ratio,
    "gb-cuped-mean": growthbook_cuped,
    "gb-theta": theta_of_copies,
    "gb-fv-abs": variance_of_difference,
}

REFUSED = {
    "welch_t.paired_sleep": "members are drawn into arms, not paired; a paired test is no row of the methods",
    "ratio_metric.order_level_regression": "orders are not the unit of inference; members are: the same "
    "estimate and its delta variance are checked in ratio_metric.members_ab_aov",
    "sp-t-rel-naive": "the peer's fault: it divides the bounds of the difference by the control mean as if "
    "that were known; tests/stats/test_means.py shows that we do not",
    "tt-ratio-greater-eqvar": "equal variances are assumed there; here they are kept apart by arm",
    "ex-pooled": "equal variances are assumed there; here they are kept apart by arm",
}

NOT_COMPARED = {
    "ep-rel-ctr-b.p_value": "the peer's fault: it cuts the degrees of freedom, 43.54, to a whole number",
    "ep-rel-real-b.p_value": "the peer's fault: it cuts the degrees of freedom, 47.08, to a whole number",
    "gb-cuped-mean.p_value": "the peer's standard error of a lift over the raw control mean is .0971; as "
    "the adjusted difference and that mean vary together, the delta method gives .0961",
    "relative_uplift.fieller_pooled_t": "equal variances are assumed there; here they are kept apart by arm",
}
