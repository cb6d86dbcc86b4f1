"""Reference cases: clusters, strata, factors, rates, compliance, synthesis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from case import Case, arms, column_of, table

from loyalty_exp.stats.benefit_cost import benefit_cost, net_benefit, probability_roi_above, quadrant, roi_of
from loyalty_exp.stats.cluster_moments import cluster_totals, from_members
from loyalty_exp.stats.cluster_resampling import jackknife, wild_bootstrap
from loyalty_exp.stats.clusters import (
    cluster_difference,
    cluster_means,
    clustered,
    cr1s_factor,
)
from loyalty_exp.stats.compliance import complier_effect, complier_std_error
from loyalty_exp.stats.contingency import independence
from loyalty_exp.stats.difference import known
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.factorial import contrast, factorial_effect, simple_effect
from loyalty_exp.stats.interaction import james_stein, qualitative
from loyalty_exp.stats.intraclass import design_effect
from loyalty_exp.stats.mantel_haenszel import (
    breslow_day,
    cochran_mantel_haenszel,
    common_odds_ratio,
    common_rate_ratio,
    common_risk_difference,
    common_risk_ratio,
    tables,
)
from loyalty_exp.stats.means import ArmMeans, plain
from loyalty_exp.stats.moments import Moments, from_rows
from loyalty_exp.stats.rates import dispersion, exact_rate_ratio, robust_rate_ratio, wald_rate_ratio
from loyalty_exp.stats.ratio import ratio_means
from loyalty_exp.stats.relative import delta_variance, fieller
from loyalty_exp.stats.strata import stratified, stratified_means
from loyalty_exp.stats.synthesis import synthesize

Z = normal_quantile(0.975)


def members(case: Case) -> dict[str, np.ndarray]:
    """Outcome, cluster or stratum, and arm of a data file."""
    data = case.inputs["data"]
    source = table(data["file"])
    group = data.get("cluster", data.get("strata"))
    return {
        "y": column_of(source, data["value"]),
        "group": np.array(source[group]),
        "arm": np.array(source[data["arm"]], dtype=float),
    }


def stores(case: Case) -> dict[str, Any]:
    m = members(case)
    t, c = (from_members({"y": m["y"][m["arm"] == a]}, m["group"][m["arm"] == a]) for a in (1, 0))
    by = {k: cluster_difference(t, c, "y", 0.05, k) for k in ("CR0", "CR1", "CR1S", "CR2", "CR3")}
    best, stata = clustered(t, c, "y", (), 0.05).absolute, by["CR1S"]
    assert best == by["CR2"]
    if "dim_clustered" in case.id:
        return {"estimate": best.estimate, "se": best.std_error, "df": best.df, "p_value": best.p_value}
    return {f"se_{k.lower()}": d.std_error for k, d in by.items()} | {
        "estimate": best.estimate,
        "df_cr2": best.df,
        "p_cr2": best.p_value,
        "ci_cr2_low": best.ci_lower,
        "ci_cr2_high": best.ci_upper,
        "df_cr1s": stata.df,
        "p_cr1s": stata.p_value,
        "ci_cr1s_low": stata.ci_lower,
        "ci_cr1s_high": stata.ci_upper,
        "n_clusters": t.n_clusters + c.n_clusters,
    }


def wild(case: Case) -> dict[str, Any]:
    m = members(case)
    totals, sizes = cluster_totals({"y": m["y"], "arm": m["arm"]}, m["group"])
    w = wild_bootstrap(totals["y"], sizes, totals["arm"] / sizes)
    return {
        "t_observed": w.t,
        "p_symmetric": w.p_symmetric,
        "p_equal_tail": w.p_equal_tail,
        "n_draws": w.draws,
    }


def petersen(case: Case) -> dict[str, Any]:
    """A slope is a ratio of cluster totals: sums of (x - mean)(y - mean) over sums of (x - mean) squared."""
    source = table("data/petersen.csv")
    x, y = (column_of(source, k) - column_of(source, k).mean() for k in "xy")
    out: dict[str, Any] = {}
    groups = {"white_hc1": np.arange(len(x)), "firm": source["firm"], "year": source["year"]}
    for name, cluster in groups.items():
        rows = from_rows(cluster_totals({"xy": x * y, "xx": x * x}, cluster)[0])
        a, _ = ratio_means(rows, rows, "xy", "xx")
        stata = cr1s_factor(rows.n, len(x), 2) / (rows.n / (rows.n - 1))
        out |= {"estimate": a.mean[0], f"se_{name}": math.sqrt(a.covariance[0, 0] * stata)}
    return out


def kish(case: Case) -> dict[str, Any]:
    d = design_effect(case.inputs["sizes"], case.inputs["icc"])
    return {
        "mean_size": d.mean_size,
        "cv_population": d.cv_sizes,
        "deff": d.design_effect,
        "effective_n": d.effective_n,
    }


def household(case: Case) -> dict[str, Any]:
    sides = []
    for side in "TC":
        rows = [m for h in case.inputs["households"] if h["arm"] == side for m in h["members"]]
        columns = {"benefit": [m["B"] for m in rows], "cost": [m["C"] for m in rows]}
        sides.append((columns, [m["household"] for m in rows]))
    names = ("benefit", "cost")
    pair = benefit_cost(*(cluster_means(from_members(*s), names, "delta") for s in sides))
    nb, r = net_benefit(pair, 0.05), roi_of(pair, 0.05)
    cost = known(pair.delta_cost, math.sqrt(pair.v_cc), 0.05)
    found = fieller(pair.delta_benefit, pair.total_cost, pair.v_bb, pair.v_bc, pair.v_cc, Z)
    naive = net_benefit(benefit_cost(*(plain(from_rows(s[0]), names) for s in sides)), 0.05)
    assert quadrant(pair.delta_benefit, pair.total_cost, pair.v_cc, 0.05) == "unstable"
    assert (r.status, r.estimate, found.shape) == ("unbounded", None, "complement")
    v = delta_variance(pair.delta_benefit, pair.total_cost, pair.v_bb, pair.v_bc, pair.v_cc)
    delta = known(pair.delta_benefit / pair.total_cost - 1, math.sqrt(v), 0.05)
    assert found.lower is not None and found.upper is not None
    return {
        "delta_benefit": pair.delta_benefit,
        "delta_cost_variable": pair.delta_cost,
        "fixed_cost_per_member": pair.fixed,
        "delta_cost_total": pair.total_cost,
        "net_benefit": nb.estimate,
        "se_net_benefit": nb.std_error,
        "net_benefit_ci95": [nb.ci_lower, nb.ci_upper],
        "p_net_benefit_gt0": nb.probability_positive,
        "p_value_two_sided": known(nb.estimate, nb.std_error, 0.05).p_value,
        "p_roi_gt_hurdle": {"hurdle": 0.0, "p": probability_roi_above(0.0, pair)},
        "delta_cost_ci95": [cost.ci_lower, cost.ci_upper],
        "roi_fieller_ci95": {
            "kind": found.shape,
            "g": found.g,
            "lower": found.lower - 1,
            "upper": found.upper - 1,
        },
        "roi_delta_se": delta.std_error,
        "roi_delta_ci95": [delta.ci_lower, delta.ci_upper],
        "naive_member_level_se_nb": naive.std_error,
    }


def two_by_two(case: Case) -> dict[str, Any]:
    cells = {
        (int(k[0]), int(k[1])): ArmMeans(
            v["n"], ("nb",), np.array([v["nb"]]), np.array([[v["sd"] ** 2 / v["n"]]]), math.inf
        )
        for k, v in case.inputs["cells"].items()
    }
    found = {
        "points_alone": simple_effect(cells, (1, 0), (0, 0)),
        "perk_alone": simple_effect(cells, (0, 1), (0, 0)),
        "both": simple_effect(cells, (1, 1), (0, 0)),
        "perk_given_points": simple_effect(cells, (1, 1), (1, 0)),
        "main_points": factorial_effect(cells, (0,)),
        "main_perk": factorial_effect(cells, (1,)),
        "interaction": factorial_effect(cells, (0, 1)),
    }
    parts = contrast((1, 1, -2), [cells[k] for k in ((1, 0), (0, 1), (0, 0))])
    out: dict[str, Any] = {"sum_of_parts": float(parts.estimate[0])}
    for name, effect in found.items():
        d = effect.test("nb", 0.05)
        out[name] = {"est": d.estimate, "se": d.std_error, "ci95": [d.ci_lower, d.ci_upper], "p": d.p_value}
    return out


def strata_of(case: Case) -> tuple[list[str], list[Moments], list[Moments]]:
    m = members(case)
    names = sorted(set(m["group"]))
    sides = [[from_rows({"y": m["y"][(m["group"] == s) & (m["arm"] == a)]}) for s in names] for a in (1, 0)]
    return names, sides[0], sides[1]


def strata(case: Case) -> dict[str, Any]:
    names, t, c = strata_of(case)
    found = stratified_means(t, c, ("y",), names=names)
    each = [
        known(float(a.mean[0] - b.mean[0]), math.sqrt(a.covariance[0, 0] + b.covariance[0, 0]), 0.05, 1)
        for a, b in found.cells
    ]
    shares = dict(zip(names, found.shares, strict=True))
    estimates = dict(zip(names, (d.estimate for d in each), strict=True))
    z = stratified(t, c, "y", (), 0.05, names=names, df_rule="normal").absolute
    if "poststratified" in case.id:
        return {
            "estimate": z.estimate,
            "se_conditional": z.std_error,
            "stratum_estimates": estimates,
            "stratum_weights": shares,
        }
    d = stratified(t, c, "y", (), 0.05, df_rule="residual").absolute
    return {
        "estimate": d.estimate,
        "se": d.std_error,
        "df_estimatr": d.df,
        "p_value_t": d.p_value,
        "p_value_z": z.p_value,
        "ci_z_low": z.ci_lower,
        "ci_z_high": z.ci_upper,
        "block_estimates": estimates,
        "block_se": dict(zip(names, (d.std_error for d in each), strict=True)),
        "block_weights": shares,
    }


def mantel_haenszel(case: Case) -> dict[str, Any]:
    _, t, c = strata_of(case)
    counts = [[round(m.n * m.mean_of("y")) for m in t], [m.n for m in t]]
    counts += [[round(m.n * m.mean_of("y")) for m in c], [m.n for m in c]]
    assert counts == [case.inputs["table"][f"{k}_{s}"] for s in ("treatment", "control") for k in "xn"]
    of = tables(*counts)
    odds, risk = common_odds_ratio(of, 0.05), common_risk_ratio(of, 0.05)
    cmh, cc = cochran_mantel_haenszel(of), cochran_mantel_haenszel(of, continuity=True)
    rd, robins, sato = common_risk_difference(of)
    bd, tarone = breslow_day(of, tarone=False), breslow_day(of)
    return {
        "mh_odds_ratio": odds.estimate,
        "mh_or_low": odds.ci_lower,
        "mh_or_high": odds.ci_upper,
        "cmh_chisq": cmh.statistic,
        "cmh_p": cmh.p_value,
        "cmh_chisq_cc": cc.statistic,
        "cmh_p_cc": cc.p_value,
        "mh_risk_difference": rd,
        "mh_rd_se_greenland_robins": robins,
        "mh_rd_se_sato": sato,
        "mh_risk_ratio": risk.estimate,
        "mh_log_rr_se": risk.log_std_error,
        "breslow_day": bd.statistic,
        "breslow_day_p": bd.p_value,
        "breslow_day_tarone": tarone.statistic,
        "breslow_day_tarone_p": tarone.p_value,
    }


def growthbook_strata(case: Case) -> dict[str, Any]:
    sides: dict[str, list[Moments]] = {"treatment": [], "control": []}
    for stratum in case.inputs["strata"]:
        for side, made in sides.items():
            s = stratum[side]
            square = s["sum_squares"] - s["sum"] ** 2 / s["n"]
            made.append(Moments(s["n"], ("y",), np.array([s["sum"] / s["n"]]), np.array([[square]])))
    e = stratified(sides["treatment"], sides["control"], "y", (), 0.05, random_shares=True)
    return {"effect": e.relative.estimate, "se": e.relative.std_error}


def meterstick_ratio(case: Case) -> dict[str, Any]:
    i = {k: np.array(v) for k, v in case.inputs.items()}
    t, c = i["condition"] == 1, i["condition"] == 0
    assert (i["stratum"][t] == i["stratum"][c]).all()
    r = common_rate_ratio(i["y"][t], i["x"][t], i["y"][c], i["x"][c], 0.05)
    return {"mh_ratio_pct": 100 * (r.estimate - 1)}


def meterstick_jackknife(case: Case) -> dict[str, Any]:
    x = np.array(case.inputs["x"])
    totals, sizes = cluster_totals({"square": x * x}, case.inputs["cluster"])
    rows = np.column_stack([totals["square"], sizes])
    statistics = {"count": lambda s: s[1], "sum_sq": lambda s: s[0], "mean_sq": lambda s: s[0] / s[1]}
    return {k: list(jackknife(rows, f)) for k, f in statistics.items()}


def rates(case: Case) -> dict[str, Any]:
    i = case.inputs
    if "data" in i:
        t, c = arms(i, "orders")
        r = robust_rate_ratio(t, c, "orders", None, 0.05)
        events = [round(m.n * m.mean_of("orders")) for m in (t, c)]
        w = wald_rate_ratio(events[0], t.n, events[1], c.n, 0.05)
        assert w.log_std_error == pytest.approx(case.expected["se_poisson"], rel=1e-7)
        return {
            "log_rate_ratio": math.log(r.estimate),
            "se_robust_hc0": r.log_std_error,
            "dispersion_pearson": dispersion(t, c, "orders"),
        }
    counts = [i[f"{k}_{s}"] for s in ("treatment", "control") for k in ("events", "exposure")]
    e = exact_rate_ratio(*counts, 0.05)
    out = {"rate_ratio": e.estimate, "exact_low": e.ci_lower, "exact_high": e.ci_upper, "exact_p": e.p_value}
    if i["events_control"]:
        w = wald_rate_ratio(*counts, 0.05)
        out |= {"wald_low": w.ci_lower, "wald_high": w.ci_upper}
    return out


def email_open(case: Case) -> dict[str, Any]:
    source = table("data/email_open.csv")
    arm = np.array(source["assigned"])
    y, d = column_of(source, "y"), column_of(source, "opened")
    t, c = (from_rows({"y": y[arm == a], "d": d[arm == a]}) for a in "10")
    found = complier_effect(t, c, "y", "d", 0.05)
    errors = {f"se_2sls_{k}": complier_std_error(t, c, "y", "d", k) for k in ("iid", "hc0", "hc1", "hc2")}
    return errors | {
        "itt": found.itt.estimate,
        "itt_se_welch": found.itt.std_error,
        "compliance": found.first_stage.estimate,
        "first_stage_F_iid": found.first_stage_f,
        "cace": found.delta.estimate,
        "se_delta_ratio": found.delta.std_error,
    }


def meta(case: Case) -> dict[str, Any]:
    y, v = case.inputs["y"], case.inputs["v"]
    fixed = synthesize(y, v, 0.05, "fixed")
    out: dict[str, Any] = {
        "k": fixed.k,
        "fixed_estimate": fixed.pooled.estimate,
        "fixed_se": fixed.pooled.std_error,
        "Q": fixed.q,
        "Q_p": fixed.q_p_value,
    }
    by = {m: synthesize(y, v, 0.05, m) for m in ("dl", "reml", "pm", "ml")}
    for method, s in by.items():
        out[method] = interval(s.pooled) | {
            "tau2": s.tau2,
            "p_value": s.pooled.p_value,
            "I2": 100 * s.i2,
            "H2": s.h2,
        }
    reml, dl = by["reml"].hartung_knapp, by["dl"].hartung_knapp
    out["hartung_knapp_reml"] = interval(reml) | {"p_value": reml.p_value}
    out["hartung_knapp_dl"] = {k: x for k, x in interval(dl).items() if k != "estimate"}
    normal = synthesize(y, v, 0.05, "dl", prediction="normal")
    for name, s in (("normal", normal), ("t_k_minus_2", by["dl"])):
        out[f"prediction_dl_{name}"] = dict(zip(("low", "high"), s.prediction, strict=True))
    return out | {"blup_dl": list(by["dl"].shrunken)}


def interval(d: Any) -> dict[str, Any]:
    return {"estimate": d.estimate, "se": d.std_error, "low": d.ci_lower, "high": d.ci_upper}


def gail_simon(case: Case) -> dict[str, Any]:
    plus, minus, p = qualitative(case.inputs["estimates"], case.inputs["se"])
    return {"Q_plus": plus, "Q_minus": minus, "statistic": min(plus, minus), "p_value": p}


def shrunken(case: Case) -> dict[str, Any]:
    factor, out = james_stein(case.inputs["estimates"], case.inputs["variance"])
    return {"factor": factor, "shrunk": list(out)}


def segment_balance(case: Case) -> dict[str, Any]:
    source = table(case.inputs["data"]["file"])
    tier, arm = np.array(source["tier"]), np.array(source["arm"])
    counts = [[((tier == s) & (arm == a)).sum() for s in case.inputs["table_rows"]] for a in "01"]
    assert [list(row) for row in counts] == [case.inputs["arm0"], case.inputs["arm1"]]
    t = independence(counts)
    return {"chisq": t.statistic, "df": t.df, "p_value": t.p_value}


CHECKS = {
    "cluster_randomised": stores,
    "cluster_randomised.wild_bootstrap_exact": wild,
    "cluster_randomised.petersen_firm": petersen,
    "cluster_randomised.kish_deff": kish,
    "stratified": strata,
    "stratified.mantel_haenszel": mantel_haenszel,
    "count_rates": rates,
    "noncompliance": email_open,
    "meta_analysis": meta,
    "heterogeneity.gail_simon_same_sign": gail_simon,
    "heterogeneity.james_stein_equal_var": shrunken,
    "srm.segment_balance": segment_balance,
    "gb-poststrat-rel": growthbook_strata,
    "ms-mh": meterstick_ratio,
    "ms-jackknife": meterstick_jackknife,
    "R21_household_cluster": household,
    "R22_factorial_2x2": two_by_two,
}

REFUSED = {
    "stratified.block_fixed_effects": "block fixed effects weigh by precision, which is another estimand "
    "than the mean over the population; only the share-weighted estimator is offered",
}

NOT_COMPARED = {
    "cluster_randomised.petersen_firm.se_iid": "errors blind to clusters are not offered",
    "cluster_randomised.petersen_firm.se_two_way": "one kind of cluster is drawn; two-way is not offered",
    "count_rates.members_ab_orders.se_poisson": "R's glm stops iterating 2e-8 away from the closed form "
    "sqrt(1/events + 1/events); the check asserts 1e-7",
    "count_rates.members_ab_orders.nb_theta": "needs a count model; the robust ratio holds for any counts",
    "count_rates.members_ab_orders.nb_log_rate_ratio": "needs a count model; the robust one is offered",
    "count_rates.members_ab_orders.nb_se": "needs a count model; the robust rate ratio is offered instead",
    "noncompliance.email_open.as_treated_biased": "takers choose themselves; the comparison is not offered",
    "R21_household_cluster.roi_status": "named 'unbounded' here; the check asserts it",
    "R21_household_cluster.quadrant": "the cost interval spans 0, so it is 'unstable' here; asserted",
    "R21_household_cluster.roi_point": "no point estimate is shown where the cost may be 0; asserted",
    "R22_factorial_2x2.best_cell": "choosing a cell is a decision, not a statistic; belongs to economics",
}
