"""Every reference case, by name and source: checked here, or refused with the reason."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.benefit_cost import benefit_cost, net_benefit, probability_roi_above, roi_of
from loyalty_exp.stats.difference import difference
from loyalty_exp.stats.distributions import normal_quantile, normal_two_sided
from loyalty_exp.stats.interaction import homogeneity
from loyalty_exp.stats.means import ArmMeans, cuped, lin, plain
from loyalty_exp.stats.moments import Moments, from_rows
from loyalty_exp.stats.multiplicity import benjamini_hochberg, bonferroni, holm
from loyalty_exp.stats.noninferiority import margin_status
from loyalty_exp.stats.proportions import miettinen_nurminen, newcombe, restricted_mle, score
from loyalty_exp.stats.ratio import ratio_effect
from loyalty_exp.stats.relative import fieller, relative_lift
from loyalty_exp.stats.sample_ratio import sample_ratio

HERE = Path(__file__).parent
HILLSTROM = HERE.parents[1] / "experiments" / "data" / "hillstrom.parquet"
Z = normal_quantile(0.975)

REFUSED = {
    "welch_t.one_sided_greater": "all tests of this project are two-sided",
    "welch_t.paired_sleep": "members are assigned, not paired",
    "welch_t.winsor_p99_pooled": "caps are applied by the engine, before the moments",
    "ratio_metric.order_level_regression": "orders are not the unit of inference; members are",
    "ratio_metric.members_ab_jackknife": "the delta method is the method; see members_ab_aov",
    "cuped.ancova_many": "one slope for both arms and several covariates is not offered; lin is",
    "cuped.cuped_three_covariates": "several covariates are adjusted with Lin's estimator",
    "cuped.missing_covariate_indicator": "the indicator column is made by the engine",
    "relative_uplift.geometric_mean_ratio": "means of logarithms are not offered",
    "srm.segment_balance": "a contingency test is not offered; segments are tested one by one",
    "srm.sequential_dirichlet": "the anytime-valid check is not offered",
    "multiplicity.bky_two_stage": "not offered",
    "multiplicity.fixed_sequence": "not offered",
    "multiplicity.dunnett_multi_arm": "not offered; Holm is",
    "multiplicity.westfall_young_maxT": "not offered; Holm is",
    "noninferiority.tost_small": "equivalence is not offered",
    "roi.arithmetic": "no inference in it; belongs to the ledger",
    "heterogeneity.gail_simon_same_sign": "not offered",
    "heterogeneity.james_stein_equal_var": "not offered",
}


@dataclass(frozen=True)
class Case:
    family: str
    id: str
    inputs: dict[str, Any]
    params: dict[str, Any]
    expected: dict[str, Any]
    tolerance: dict[str, Any]
    source: Any

    @property
    def alpha(self) -> float:
        return 1 - self.params.get("confidence", 0.95)


def load() -> list[Case]:
    out = []
    for path in sorted((HERE / "cases").glob("*.json")):
        text = json.loads(path.read_text(encoding="utf-8"))
        for c in text["cases"]:
            out.append(
                Case(
                    text["family"],
                    c["id"],
                    c["inputs"],
                    c.get("params", {}),
                    c["expected"],
                    c["tolerance"],
                    c["source"],
                )
            )
    return out


CASES = load()


@cache
def table(file: str) -> dict[str, list[Any]]:
    if file == "data/hillstrom.csv":
        con = duckdb.connect()
        found = con.sql(f"select segment, visit, conversion, spend, history from '{HILLSTROM}'").fetchnumpy()
        return {k: list(v) for k, v in found.items()}
    with (HERE / "cases" / file).open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    return {k: [row[k] for row in rows] for k in rows[0]}


def arms(inputs: dict[str, Any], *columns: str) -> tuple[Moments, Moments]:
    """Moments of both arms: of a data file, or of arrays written in the case."""
    if "data" not in inputs:
        t = {c: inputs.get(f"{c}_treatment", inputs.get("treatment")) for c in columns}
        c_ = {c: inputs.get(f"{c}_control", inputs.get("control")) for c in columns}
        return from_rows(t), from_rows(c_)
    data = inputs["data"]
    source = table(data["file"])
    arm = np.array(source[data["arm"]], dtype=str)
    values = {c: column_of(source, c) for c in columns}
    out = []
    for side in ("treatment", "control"):
        mask = arm == str(data[side])
        out.append(from_rows({c: v[mask] for c, v in values.items()}))
    return out[0], out[1]


def column_of(source: dict[str, list[Any]], name: str) -> np.ndarray:
    base, _, shift = name.partition(" + ")
    return np.array(source[base], dtype=float) + float(shift or 0)


def welch(case: Case) -> dict[str, Any]:
    i = case.inputs
    if "sd_treatment" in i:
        t, c = (
            Moments(
                i[f"n_{s}"],
                ("y",),
                np.array([float(i[f"mean_{s}"])]),
                np.array([[i[f"sd_{s}"] ** 2 * (i[f"n_{s}"] - 1.0)]]),
            )
            for s in ("treatment", "control")
        )
    else:
        t, c = arms(i, i["data"]["value"] if "data" in i else "y")
    column = t.columns[0]
    e = ESTIMATORS["welch"].estimate(t, c, (column,), (), case.alpha)
    d = e.absolute
    if "sd_treatment" in i:
        return named(d)
    return {
        "n_treatment": e.n_treated,
        "n_control": e.n_control,
        "mean_treatment": e.mean_treated,
        "mean_control": e.mean_control,
        "var_treatment": t.variance(column),
        "var_control": c.variance(column),
        **named(d),
    }


def named(d: Any) -> dict[str, Any]:
    return {
        "estimate": d.estimate,
        "se": d.std_error,
        "df": d.df,
        "statistic": d.estimate / d.std_error,
        "p_value": d.p_value,
        "ci_low": d.ci_lower,
        "ci_high": d.ci_upper,
    }


def two_proportions(case: Case) -> dict[str, Any]:
    i = case.inputs
    args = (i["x_treatment"], i["n_treatment"], i["x_control"], i["n_control"], case.alpha)
    d = miettinen_nurminen(*args)
    low, high = newcombe(*args)
    n = i["n_treatment"] + i["n_control"]
    out = {
        "diff": d.estimate,
        "se_unpooled": d.std_error,
        "miettinen_nurminen_low": d.ci_lower,
        "miettinen_nurminen_high": d.ci_upper,
        "newcombe_low": low,
        "newcombe_high": high,
    }
    if d.p_value is not None:
        z = score(*args[:4], 0.0) * math.sqrt(n / (n - 1))
        out |= {"z_pooled": z, "p_pooled": normal_two_sided(z)[0]}
        assert d.p_value == normal_two_sided(score(*args[:4], 0.0))[0]
    return out


def ratio(case: Case) -> dict[str, Any]:
    names = (case.inputs["data"]["numerator"], case.inputs["data"]["denominator"])
    e = ratio_effect(*arms(case.inputs, *names), *names, 0.05)
    return {
        "ratio_treatment": e.mean_treated,
        "ratio_control": e.mean_control,
        "diff": e.absolute.estimate,
        "se": e.absolute.std_error,
        "z": e.absolute.estimate / e.absolute.std_error,
        "uplift": e.relative.estimate,
        "uplift_se": e.relative.std_error,
    }


def covariate_case(case: Case) -> dict[str, Any]:
    i = case.inputs
    if "data" in i:
        y, x = i["data"]["value"], i["data"]["covariate"]
        t, c = arms(i, y, x)
    else:
        y, x = "y", "x"
        arm = np.array(i["arm"])
        both = {y: np.array(i["value"], dtype=float), x: np.array(i["covariate"], dtype=float)}
        t, c = (from_rows({k: v[arm == a] for k, v in both.items()}) for a in (1, 0))
    if "lin" in case.id:
        e = ESTIMATORS["lin"].estimate(t, c, (y,), (x,), 0.05)
        assert e.absolute.std_error == pytest.approx(case.expected["se_hc2"], rel=0.05)
        return {"estimate": e.absolute.estimate}
    e = ESTIMATORS["cuped"].estimate(t, c, (y,), (x,), 0.05)
    u = ESTIMATORS["welch"].estimate(t, c, (y,), (), 0.05)
    return named(e.absolute) | {
        "adj_mean_treatment": e.mean_treated,
        "adj_mean_control": e.mean_control,
        "unadjusted_estimate": u.absolute.estimate,
        "unadjusted_se": u.absolute.std_error,
        "variance_ratio": 1 - (e.variance_reduction or 0),
    }


def uplift(case: Case) -> dict[str, Any]:
    t, c = arms(case.inputs, case.inputs["data"]["value"] if "data" in case.inputs else "y")
    a, b = plain(t, t.columns), plain(c, t.columns)
    va, vb = float(a.covariance[0, 0]), float(b.covariance[0, 0])
    r = relative_lift(float(a.mean[0]), float(b.mean[0]), va, vb, case.alpha, math.inf)
    out = {
        "mean_treatment": a.mean[0],
        "mean_control": b.mean[0],
        "uplift": r.estimate,
        "delta_se": r.std_error,
        "p_value_h0_equal_means_welch": difference(a, b, 0.05).p_value,
    }
    if r.ci_lower is None:
        z = normal_quantile(1 - case.alpha / 2)
        return out | {"fieller_z": {"kind": fieller(a.mean[0], b.mean[0], va, 0, vb, z).shape}}
    return out | {"fieller_z": {"kind": "bounded", "low": r.ci_lower, "high": r.ci_upper}}


def srm(case: Case) -> dict[str, Any]:
    s = sample_ratio(case.inputs["observed"], case.inputs["weights"])
    if s.exact:
        return {"exact_p": s.p_value}
    return {"chisq": s.statistic, "df": s.df, "p_value": s.p_value, "log10_p": s.log_p_value / math.log(10)}


def multiplicity(case: Case) -> dict[str, Any]:
    p = case.inputs["p"]
    return {"bonferroni": bonferroni(p), "holm": holm(p), "bh": benjamini_hochberg(p)}


def noninferiority(case: Case) -> dict[str, Any]:
    i = case.inputs
    if "data" in i:
        t, c = arms(i, "spend")
        d = difference(plain(t, ("spend",)), plain(c, ("spend",)), 2 * (1 - i["confidence_one_sided"]))
        status = margin_status(d.ci_lower, d.ci_upper, i["margin"], "increase")
        return {
            "estimate": d.estimate,
            "df": d.df,
            "lower_bound": d.ci_lower,
            "non_inferior": status == "pass",
        }
    args = (i["x_treatment"], i["n_treatment"], i["x_control"], i["n_control"], -i["margin"])
    n = i["n_treatment"] + i["n_control"]
    p_t, p_c = restricted_mle(*args)
    return {"p1_tilde": p_t, "p2_tilde": p_c, "z": score(*args) * math.sqrt(n / (n - 1))}


def pair_of(t: Moments, c: Moments, fixed: float = 0.0) -> Any:
    names = ("benefit", "cost")
    return benefit_cost(plain(t, names), plain(c, names), fixed)


def roi_case(case: Case) -> dict[str, Any]:
    i = case.inputs
    if "data" in i:
        t, c = arms(i, "margin", "cost")
    else:
        zeros = [0.0] * len(i["margin_control"])
        t = from_rows({"margin": i["margin_treatment"], "cost": i["cost_treatment"]})
        c = from_rows({"margin": i["margin_control"], "cost": zeros})
    t, c = (Moments(m.n, ("benefit", "cost"), m.mean, m.comoment) for m in (t, c))
    pair = pair_of(t, c, i.get("fixed_cost", 0) / t.n)
    r, nb = roi_of(pair, 0.05), net_benefit(pair, 0.05)
    out = {
        "margin_diff": pair.delta_benefit,
        "margin_diff_se": math.sqrt(pair.v_bb),
        "cost_per_treated": pair.total_cost,
        "cost_se": math.sqrt(pair.v_cc),
        "cov_margin_cost": pair.v_bc,
        "profit_per_treated": nb.estimate,
        "profit_se": nb.std_error,
        "profit_low": nb.ci_lower,
        "profit_high": nb.ci_upper,
        "p_roi_gt_0": nb.probability_positive,
    }
    if case.expected["fieller_kind"] != "bounded":
        assert (r.status, r.quadrant, r.estimate, r.ci_lower) == ("unbounded", "unstable", None, None)
        found = fieller(pair.delta_benefit, pair.total_cost, pair.v_bb, pair.v_bc, pair.v_cc, Z)
        return out | {
            "fieller_kind": found.shape,
            "roi_complement_upper_of_lower_ray": found.lower - 1,
            "roi_complement_lower_of_upper_ray": found.upper - 1,
        }
    return out | {
        "roi": r.estimate,
        "delta_se": r.std_error,
        "roi_fieller_low": r.ci_lower,
        "roi_fieller_high": r.ci_upper,
    }


def nist(case: Case) -> dict[str, Any]:
    values = case.inputs.get("values") or [1000000.2, *[1000000.1, 1000000.3] * 500]
    m = from_rows({"y": values})
    half = len(values) // 2
    joined = from_rows({"y": values[:half]}) + from_rows({"y": values[half:]})
    assert joined.mean[0] == pytest.approx(m.mean[0], rel=1e-14)
    out = {"mean": m.mean_of("y"), "sd": math.sqrt(m.variance("y")), "n": m.n}
    return {k: v for k, v in out.items() if k in case.expected}


def segments(case: Case) -> dict[str, Any]:
    source = table("data/members_ab.csv")
    tier, arm = np.array(source["tier"]), np.array(source["arm"])
    spend = np.array(source["spend"], dtype=float)
    estimates, errors = {}, {}
    for name in ("bronze", "gold", "silver"):
        t, c = (plain(from_rows({"y": spend[(tier == name) & (arm == a)]}), ("y",)) for a in "10")
        d = difference(t, c, 0.05)
        estimates[name], errors[name] = d.estimate, d.std_error
    q, _, p = homogeneity(list(estimates.values()), list(errors.values()))
    return {"segment_estimates": estimates, "segment_se": errors, "cochran_Q": q, "Q_p": p}


def economics(case: Case) -> dict[str, Any]:
    i, id_ = case.inputs, case.id[:3]
    names = ("benefit", "cost")
    if id_ == "R12":
        gross = (i["list_revenue_T"] - i["list_revenue_C"]) * i["margin"]
        out = {}
        for label, b, d in (
            ("gross", gross, i["coupon_T"] + i["contact"]),
            ("net", gross - i["coupon_T"], i["contact"]),
        ):
            nb = b - d
            out[label] = {"delta_benefit": b, "delta_cost": d, "net_benefit": nb, "roi": b / d - 1}
            from loyalty_exp.stats.benefit_cost import roi

            assert roi(b, d, 0.01, 0, 0, 0.05).estimate == pytest.approx(b / d - 1)
        return out
    if id_ == "R39":
        arm = np.array(i["arm"])
        raw = {k: np.array(v) for k, v in zip((*names, "pre"), (i["B"], i["C"], i["pre"]), strict=True)}
        t, c = (from_rows({k: v[arm == a] for k, v in raw.items()}) for a in (1, 0))
        # The case's slope is the one within arms; the identity holds for any slope, so theirs is handed in.
        grand = (t + c).mean_of("pre")
        weights = {
            "benefit": {"benefit": 1.0, "pre": -case.expected["theta_B"]},
            "cost": {"cost": 1.0, "pre": -case.expected["theta_C"]},
        }
        shift = {k: -w["pre"] * grand for k, w in weights.items()}
        adj = pair_of(t.combine(weights, shift), c.combine(weights, shift))
        ours = benefit_cost(*cuped(t, c, names, "pre"))
        # The slope over both arms merged differs from theirs, by the effect times the chance imbalance.
        assert ours.v_bb == pytest.approx(adj.v_bb, rel=0.3)
        return {"raw": money(pair_of(t, c), 0.0), "adjusted": money(adj, 0.0)}
    if id_ == "R02":
        t, c = (from_rows({"benefit": i[f"B_{s}"], "cost": i[f"C_{s}"]}) for s in ("treat", "control"))
        pair = pair_of(t, c, i["fixed_cost"] / t.n)
    elif id_ == "R01":
        made = []
        for s in "TC":
            cov = i[f"r{s}"] * i[f"sB{s}"] * i[f"sC{s}"]
            v = np.array([[i[f"sB{s}"] ** 2, cov], [cov, i[f"sC{s}"] ** 2]]) / i[f"n{s}"]
            made.append(ArmMeans(i[f"n{s}"], names, np.array([i[f"mB{s}"], i[f"mC{s}"]]), v, i[f"n{s}"] - 1))
        pair = benefit_cost(made[0], made[1], i["F"] / i["nT"])
    else:
        pair = given(i)
    out = money(pair, i.get("hurdle", 0.0))
    r = roi_of(pair, 0.05)
    if id_ in ("R07", "R08"):
        assert (r.status, r.quadrant, r.estimate) == ("unbounded", "unstable", None)
    if id_ == "R09":
        assert (r.status, r.quadrant, r.estimate) == ("not_applicable", "dominant", None)
    if id_ == "R10":
        assert (r.status, r.quadrant, r.estimate) == ("not_applicable", "save_tradeoff", None)
        assert r.given_up_per_saved == pytest.approx(0.4286, abs=5e-5)
    if id_ == "R11":
        assert (r.status, r.quadrant, r.estimate) == ("not_applicable", "zero_cost", None)
    return out


def given(i: dict[str, Any]) -> Any:
    from loyalty_exp.stats.benefit_cost import BenefitCost

    return BenefitCost(i["b"], i["dvar"], i["f"], i["vbb"], i["vbd"], i["vdd"])


def money(pair: Any, hurdle: float) -> dict[str, Any]:
    nb, r = net_benefit(pair, 0.05), roi_of(pair, 0.05)
    found = fieller(pair.delta_benefit, pair.total_cost, pair.v_bb, pair.v_bc, pair.v_cc, Z)
    out: dict[str, Any] = {
        "delta_benefit": pair.delta_benefit,
        "delta_cost_variable": pair.delta_cost,
        "delta_cost_total": pair.total_cost,
        "net_benefit": nb.estimate,
        "se_net_benefit": nb.std_error,
        "net_benefit_ci95": [nb.ci_lower, nb.ci_upper],
        "p_net_benefit_gt0": nb.probability_positive,
        "p_roi_gt_hurdle": {"hurdle": hurdle, "p": probability_roi_above(hurdle, pair)},
    }
    if pair.v_cc:
        out["roi_fieller_ci95"] = {"kind": found.shape, "g": found.g}
        if found.lower is not None and found.upper is not None:
            out["roi_fieller_ci95"] |= {"lower": found.lower - 1, "upper": found.upper - 1}
    if r.status == "interval":
        out |= {"quadrant": r.quadrant, "roi_point": r.estimate, "roi_delta_se": r.std_error}
        assert [r.ci_lower, r.ci_upper] == [found.lower - 1, found.upper - 1]
    return out


CHECKS: dict[str, Callable[[Case], dict[str, Any]]] = {
    "welch_t": welch,
    "two_proportions": two_proportions,
    "ratio_metric": ratio,
    "cuped": covariate_case,
    "relative_uplift": uplift,
    "srm": srm,
    "multiplicity": multiplicity,
    "noninferiority": noninferiority,
    "roi": roi_case,
    "nist_strd": nist,
    "heterogeneity": segments,
    "economics": economics,
}


def compare(got: Any, expected: Any, case: Case, key: str) -> None:
    if isinstance(got, dict):
        for k, v in got.items():
            compare(v, expected[k], case, k)
    elif isinstance(got, (str, bool)) or expected is None:
        assert got == expected, f"{case.id}.{key} (source: {case.source})"
    else:
        rule = case.tolerance["default"] | case.tolerance.get("overrides", {}).get(key, {})
        want = pytest.approx(expected, rel=rule["rel"], abs=rule["abs"])
        assert (list(got) if isinstance(got, tuple) else got) == want, f"{case.id}.{key} ({case.source})"


@pytest.mark.parametrize("case", [c for c in CASES if c.id not in REFUSED], ids=lambda c: c.id)
def test_case(case: Case) -> None:
    got = CHECKS[case.family](case)
    assert got
    for key, value in got.items():
        compare(value, case.expected[key], case, key)


def test_refused_cases_exist_and_say_why() -> None:
    ids = {c.id for c in CASES}
    assert set(REFUSED) <= ids
    assert all(REFUSED.values())


def test_lin_is_regression_within_each_arm() -> None:
    """The estimate of the first Lin case is also that of the function the economics use."""
    case = next(c for c in CASES if c.id == "cuped.lin_spend")
    t, c = arms(case.inputs, "spend", "pre_spend")
    a, b = lin(t, c, ("spend",), ("pre_spend",))
    assert float(a.mean[0] - b.mean[0]) == pytest.approx(case.expected["estimate"], rel=1e-8)
