"""Reference cases: return on money."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from case import Case, arms

from loyalty_exp.stats.benefit_cost import (
    BenefitCost,
    benefit_cost,
    net_benefit,
    probability_roi_above,
    roi,
    roi_of,
)
from loyalty_exp.stats.difference import known
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.means import ArmMeans, cuped, plain
from loyalty_exp.stats.moments import Moments, from_rows
from loyalty_exp.stats.relative import delta_variance, fieller
from loyalty_exp.stats.slopes import slopes

NAMES = ("benefit", "cost")
Z = normal_quantile(0.975)


def pair_of(t: Moments, c: Moments, fixed: float = 0.0) -> BenefitCost:
    return benefit_cost(plain(t, NAMES), plain(c, NAMES), fixed)


def delta_roi(pair: BenefitCost) -> tuple[float, list[float]]:
    """Give standard error and interval of the return by the delta method, where the page gives none too."""
    b, d = pair.delta_benefit, pair.total_cost
    found = known(b / d - 1, math.sqrt(delta_variance(b, d, pair.v_bb, pair.v_bc, pair.v_cc)), 0.05)
    return found.std_error, [found.ci_lower, found.ci_upper]


def roi_case(case: Case) -> dict[str, Any]:
    i = case.inputs
    if "data" in i:
        t, c = arms(i, "margin", "cost")
    else:
        zeros = [0.0] * len(i["margin_control"])
        t = from_rows({"margin": i["margin_treatment"], "cost": i["cost_treatment"]})
        c = from_rows({"margin": i["margin_control"], "cost": zeros})
    t, c = (Moments(m.n, NAMES, m.mean, m.comoment) for m in (t, c))
    pair = pair_of(t, c, i.get("fixed_cost", 0) / t.n)
    r, nb = roi_of(pair, 0.05), net_benefit(pair, 0.05)
    std_error, interval = delta_roi(pair)
    found = fieller(pair.delta_benefit, pair.total_cost, pair.v_bb, pair.v_bc, pair.v_cc, Z)
    # What comes of taking the cost for known, to see how much its variation matters.
    known_cost = fieller(pair.delta_benefit, pair.total_cost, pair.v_bb, 0.0, 0.0, Z)
    out = {
        "n_treatment": t.n,
        "n_control": c.n,
        "margin_diff": pair.delta_benefit,
        "margin_diff_se": math.sqrt(pair.v_bb),
        "cost_per_treated": pair.total_cost,
        "cost_se": math.sqrt(pair.v_cc),
        "cov_margin_cost": pair.v_bc,
        "ratio": pair.delta_benefit / pair.total_cost,
        "delta_se": std_error,
        "roi_delta_low": interval[0],
        "roi_delta_high": interval[1],
        "profit_per_treated": nb.estimate,
        "profit_se": nb.std_error,
        "profit_low": nb.ci_lower,
        "profit_high": nb.ci_upper,
        "profit_campaign": nb.estimate * t.n,
        "p_roi_gt_0": nb.probability_positive,
        "fixed_cost_ignored_var_low": known_cost.lower - 1,
        "fixed_cost_ignored_var_high": known_cost.upper - 1,
    }
    if case.expected["fieller_kind"] != "bounded":
        assert (r.status, r.quadrant, r.estimate, r.ci_lower) == ("unbounded", "unstable", None, None)
        return out | {
            "fieller_kind": found.shape,
            "roi_complement_upper_of_lower_ray": found.lower - 1,
            "roi_complement_lower_of_upper_ray": found.upper - 1,
        }
    assert r.std_error == std_error
    if "fixed_cost" not in i:
        assert (
            roi(pair.delta_benefit, pair.total_cost, pair.v_bb, 0, 0, 0.05).ci_lower == known_cost.lower - 1
        )
    return out | {
        "fieller_kind": {"interval": "bounded"}[found.shape],
        "roi": r.estimate,
        "roi_fieller_low": r.ci_lower,
        "roi_fieller_high": r.ci_upper,
    }


def two_conventions(case: Case) -> dict[str, Any]:
    """A coupon counted as a cost, or taken off the benefit: one net benefit, two returns."""
    i = case.inputs
    gross = (i["list_revenue_T"] - i["list_revenue_C"]) * i["margin"]
    out = {}
    for label, b, d in (
        ("gross", gross, i["coupon_T"] + i["contact"]),
        ("net", gross - i["coupon_T"], i["contact"]),
    ):
        pair = BenefitCost(b, d, 0.0, 0.01, 0.0, 0.0)
        out[label] = {
            "delta_benefit": pair.delta_benefit,
            "delta_cost": pair.delta_cost,
            "net_benefit": net_benefit(pair, 0.05).estimate,
            "roi": roi_of(pair, 0.05).estimate,
        }
    return out


def adjusted_pair(case: Case) -> dict[str, Any]:
    i = case.inputs
    arm = np.array(i["arm"])
    raw = {k: np.array(v) for k, v in zip((*NAMES, "pre"), (i["B"], i["C"], i["pre"]), strict=True)}
    t, c = (from_rows({k: v[arm == a] for k, v in raw.items()}) for a in (1, 0))
    theta = slopes(t, c, NAMES, ("pre",), "within")[0]
    plainly, adjusted = pair_of(t, c), benefit_cost(*cuped(t, c, NAMES, "pre", "within"))
    before, after = net_benefit(plainly, 0.05), net_benefit(adjusted, 0.05)
    return {
        "theta_B": theta[0],
        "theta_C": theta[1],
        "raw": money(plainly, 0.0),
        "adjusted": money(adjusted, 0.0),
        "variance_ratio_nb": (after.std_error / before.std_error) ** 2,
    }


def microdata(case: Case) -> dict[str, Any]:
    i = case.inputs
    t, c = (from_rows({"benefit": i[f"B_{s}"], "cost": i[f"C_{s}"]}) for s in ("treat", "control"))
    return chosen(money(pair_of(t, c, i["fixed_cost"] / t.n), i["hurdle"]), case)


def summaries(case: Case) -> dict[str, Any]:
    i = case.inputs
    made = []
    for s in "TC":
        cov = i[f"r{s}"] * i[f"sB{s}"] * i[f"sC{s}"]
        v = np.array([[i[f"sB{s}"] ** 2, cov], [cov, i[f"sC{s}"] ** 2]]) / i[f"n{s}"]
        made.append(ArmMeans(i[f"n{s}"], NAMES, np.array([i[f"mB{s}"], i[f"mC{s}"]]), v, i[f"n{s}"] - 1))
    pair = benefit_cost(made[0], made[1], i["F"] / i["nT"])
    total = net_benefit(pair, 0.05).estimate * i["nT"]
    return chosen(money(pair, i["hurdle"]) | {"total_net_benefit_test": total}, case)


def differences(case: Case) -> dict[str, Any]:
    i = case.inputs
    pair = BenefitCost(i["b"], i["dvar"], i["f"], i["vbb"], i["vbd"], i["vdd"])
    r = roi_of(pair, 0.05)
    if case.id.startswith("R10"):
        assert math.isclose(r.given_up_per_saved, 0.9 / 2.1)
    return chosen(money(pair, i.get("hurdle", 0.0)), case)


STATUS = {
    "invest": "defined",
    "dominated": "defined",
    "unstable": "unstable_denominator",
    "zero_cost": "zero_cost",
}
STATUS |= {"dominant": "cost_saving", "save_tradeoff": "cost_saving"}


def money(pair: BenefitCost, hurdle: float) -> dict[str, Any]:
    nb, r = net_benefit(pair, 0.05), roi_of(pair, 0.05)
    cost = known(pair.total_cost, math.sqrt(pair.v_cc), 0.05)
    out: dict[str, Any] = {
        "delta_benefit": pair.delta_benefit,
        "delta_cost_variable": pair.delta_cost,
        "fixed_cost_per_member": pair.fixed,
        "delta_cost_total": pair.total_cost,
        "net_benefit": nb.estimate,
        "se_net_benefit": nb.std_error,
        "net_benefit_ci95": [nb.ci_lower, nb.ci_upper],
        "p_net_benefit_gt0": nb.probability_positive,
        "p_value_two_sided": known(nb.estimate, nb.std_error, 0.05).p_value,
        "p_roi_gt_hurdle": {"hurdle": hurdle, "p": probability_roi_above(hurdle, pair)},
        "delta_cost_ci95": [cost.ci_lower, cost.ci_upper],
        "roi_status": STATUS[r.quadrant],
        "roi_point": r.estimate,
        "quadrant": r.quadrant,
        "v_bb": pair.v_bb,
        "v_bd": pair.v_bc,
        "v_dd": pair.v_cc,
    }
    if pair.v_cc:
        found = fieller(pair.delta_benefit, pair.total_cost, pair.v_bb, pair.v_bc, pair.v_cc, Z)
        out["roi_fieller_ci95"] = {"kind": found.shape, "g": found.g}
        if found.lower is not None and found.upper is not None:
            out["roi_fieller_ci95"] |= {"lower": found.lower - 1, "upper": found.upper - 1}
        out["roi_delta_se"], out["roi_delta_ci95"] = delta_roi(pair)
        if r.status == "interval":
            assert [r.ci_lower, r.ci_upper] == [found.lower - 1, found.upper - 1]
            assert r.std_error == out["roi_delta_se"]
    return out


def chosen(found: dict[str, Any], case: Case) -> dict[str, Any]:
    """Leave out what the case does not claim, or what `NOT_COMPARED` speaks of."""
    return {k: v for k, v in found.items() if k in case.expected and f"{case.id}.{k}" not in NOT_COMPARED}


CHECKS = {
    "roi": roi_case,
    "R01_points_multiplier_summary": summaries,
    "R02_microdata_12_vs_12": microdata,
    "R07_fieller_complement": differences,
    "R09_dominant_cost_saving": differences,
    "R10_save_tradeoff": differences,
    "R11_zero_cost": differences,
    "R12_classification_invariance": two_conventions,
    "R39_cuped_pair": adjusted_pair,
}

REFUSED: dict[str, str] = {}

NO_RATIO = "where treatment saves money a ratio is no return, and none is given"
NOT_COMPARED = {
    "roi.cost_near_zero.roi": "the cost is not clearly different from 0, so no return is given",
    "R07_fieller_complement.roi_point": "the cost is not clearly different from 0, so no return is given",
    "R07_fieller_complement.quadrant": "here a cost that may have either sign is called unstable",
    "R09_dominant_cost_saving.roi_point": NO_RATIO,
    "R10_save_tradeoff.roi_point": NO_RATIO,
    "R11_zero_cost.quadrant": "a cost of exactly 0 has a name of its own here",
}
