"""Reference cases: time to repurchase.

``data/waltons.csv`` holds the walton data set of lifelines (MIT license), counted by group and day.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from case import Case, column_of, table

from loyalty_exp.stats.competing_risks import cause_counts, cumulative_incidence
from loyalty_exp.stats.cox import cox
from loyalty_exp.stats.event_counts import EventCounts, event_counts, grouped_counts
from loyalty_exp.stats.hazard_ratio import hazard_ratio, proportional_hazards
from loyalty_exp.stats.horizon_rate import rate_at_horizon
from loyalty_exp.stats.log_rank import log_rank
from loyalty_exp.stats.restricted_mean import restricted_mean_difference
from loyalty_exp.stats.survival import kaplan_meier, median_time, survival_interval

Arms = tuple[EventCounts, EventCounts]
LIMITS = {"log": "log", "loglog": "log_log", "plain": "plain"}


def rows(case: Case) -> dict[str, np.ndarray]:
    """Time, event and arm of one case, one row a unit."""
    i = case.inputs
    if "data" not in i:
        return {k: np.array(i[k], dtype=float) for k in ("time", "event", "arm")}
    source = table(i["data"]["file"])
    return {k: column_of(source, i["data"][k].split(" (")[0]) for k in ("time", "event", "arm")}


def arms_of(case: Case) -> Arms:
    r = rows(case)
    t, c = (event_counts(r["time"][r["arm"] == a], r["event"][r["arm"] == a]) for a in (1, 0))
    return t, c


def curve_at(arm: EventCounts, times: list[float], alpha: float) -> dict[str, Any]:
    curve = kaplan_meier(arm)
    points = [curve.at(t) for t in times]
    median = median_time(curve, alpha, "log_log")
    out: dict[str, Any] = {
        "surv": [p[0] for p in points],
        "std_err": [p[1] for p in points],
        "n_risk": [curve.at_risk_at(t) for t in times],
        "median": median.estimate,
        "median_low_loglog": median.ci_lower,
        "median_high_loglog": median.ci_upper,
        "nelson_aalen_last": float(curve.cumulative_hazard[-1]),
    }
    for name, scale in LIMITS.items():
        limits = survival_interval(curve, alpha, scale)
        for side, values in zip(("low", "high"), limits, strict=True):
            steps = [int(np.searchsorted(curve.time, t, side="right")) - 1 for t in times]
            out[f"{side}_{name}"] = [float(values[s]) if s >= 0 else 1.0 for s in steps]
    return out


def survival(case: Case) -> dict[str, Any]:
    t, c = arms_of(case)
    e = case.expected
    plain, peto = log_rank(t, c), log_rank(t, c, "peto_peto")
    efron, breslow = (hazard_ratio(t, c, case.alpha, ties) for ties in ("efron", "breslow"))
    drift = proportional_hazards(t, c)
    mean = restricted_mean_difference(t, c, case.alpha, e["rmst"]["tau"])
    out: dict[str, Any] = {
        "times": e["times"],
        "km": {
            "treatment": curve_at(t, e["times"], case.alpha),
            "control": curve_at(c, e["times"], case.alpha),
        },
        "logrank_chisq": plain.statistic,
        "logrank_p": plain.p_value,
        "observed_treatment": plain.observed,
        "expected_treatment": plain.expected,
        "logrank_variance": plain.variance,
        "peto_chisq": peto.statistic,
        "peto_p": peto.p_value,
        "cox_efron_log_hr": efron.log_ratio.estimate,
        "cox_efron_se": efron.log_ratio.std_error,
        "hr": efron.ratio,
        "hr_low": efron.ci_lower,
        "hr_high": efron.ci_upper,
        "cox_lr_chisq": efron.likelihood_ratio_statistic,
        "cox_wald_chisq": efron.wald_statistic,
        "cox_score_chisq": efron.score_statistic,
        "loglik_null": efron.log_likelihood_null,
        "loglik": efron.log_likelihood,
        "concordance": efron.concordance,
        "cox_breslow_log_hr": breslow.log_ratio.estimate,
        "cox_breslow_se": breslow.log_ratio.std_error,
        "ph_test_chisq_km": drift.statistic,
        "ph_test_p_km": drift.p_value,
        "rmst": {
            "tau": mean.treated.tau,
            "treatment": mean.treated.estimate,
            "treatment_se": mean.treated.std_error,
            "control": mean.control.estimate,
            "control_se": mean.control.std_error,
            "diff": mean.difference.estimate,
            "diff_low": mean.difference.ci_lower,
            "diff_high": mean.difference.ci_upper,
            "diff_p": mean.difference.p_value,
            "ratio": mean.ratio,
            "ratio_low": mean.ratio_lower,
            "ratio_high": mean.ratio_upper,
        },
    }
    if "adjusted_cox" in e:
        r, terms = rows(case), e["adjusted_cox"]["terms"]
        source = table(case.inputs["data"]["file"])
        x = {k: r["arm"] if k == "arm" else column_of(source, k) for k in terms}
        found = cox(r["time"], r["event"], x, case.alpha).log_ratios
        out["adjusted_cox"] = {
            "coef": [d.estimate for d in found],
            "se": [d.std_error for d in found],
        }
    return out


def repurchase_rate(case: Case) -> dict[str, Any]:
    found = rate_at_horizon(*arms_of(case), case.inputs["horizon"], case.alpha)
    return {
        "repurchase_rate_treatment": found.rate_treated,
        "repurchase_rate_control": found.rate_control,
        "diff": found.difference.estimate,
        "se": found.difference.std_error,
        "z": found.z,
        "p_value": found.difference.p_value,
        "low": found.difference.ci_lower,
        "high": found.difference.ci_upper,
    }


def competing(case: Case) -> dict[str, Any]:
    r, out = rows(case), {}
    for name, arm in (("treatment", 1), ("control", 0)):
        mask = r["arm"] == arm
        counts = cause_counts(r["time"][mask], r["event"][mask], ("repurchase", "opt_out"))
        found = [cumulative_incidence(counts, "repurchase", t) for t in case.inputs["times"]]
        out[f"cif_repurchase_{name}"] = [f.estimate for f in found]
        out[f"se_{name}"] = [f.std_error for f in found]
        if arm == 1:
            curve = kaplan_meier(counts.as_if_censored("repurchase"))
            out["one_minus_km_treatment_wrong"] = [1 - curve.at(t)[0] for t in case.inputs["times"]]
    return out


def lifelines_log_rank(case: Case) -> dict[str, Any]:
    i = case.inputs
    a, b = ("a", "b") if "a_time" in i else ("treatment", "control")
    arms = (event_counts(i[f"{arm}_time"], i[f"{arm}_event"]) for arm in (a, b))
    found = log_rank(*arms)
    if case.id == "ll-logrank-leuk":
        # Printed as 16.8 and 4.17e-05: compared at these digits.
        return {"statistic": round(found.statistic, 1), "p_value": float(f"{found.p_value:.2e}")}
    return {"statistic": round(found.statistic, 6), "p_value": round(found.p_value, 6)}


def km_and_rmst(case: Case) -> dict[str, Any]:
    i = case.inputs
    t, c = (event_counts(i[f"time_{arm}"], i[f"event_{arm}"]) for arm in "TC")
    found = restricted_mean_difference(t, c, case.alpha, i["tau"])
    assert restricted_mean_difference(t, c, case.alpha) == found  # tau is where follow-up ends
    mice = table("data/waltons.csv")
    group = np.array(mice["group"])
    days = {k: column_of(mice, k) for k in ("day", "events", "censored")}
    first, second = (
        grouped_counts(*(days[k][group == g] for k in ("day", "events", "censored")))
        for g in ("miR-137", "control")
    )
    walton = restricted_mean_difference(first, second, 0.05, i["waltons_external"]["tau"])
    test = log_rank(first, second)
    arms = {"miR-137": walton.treated, "control": walton.control}
    for name, arm in arms.items():
        bad = case.expected["waltons_tau10"][name]["lifelines_bad_variance"]
        assert not math.isclose(arm.variance, bad, rel_tol=0.5)
    return {
        "rmst_T": found.treated.estimate,
        "var_T": found.treated.variance,
        "rmst_C": found.control.estimate,
        "var_C": found.control.variance,
        "diff": found.difference.estimate,
        "se": found.difference.std_error,
        "p": found.difference.p_value,
        "surv_T_end": kaplan_meier(t).at(60)[0],
        "surv_C_end": kaplan_meier(c).at(60)[0],
        "waltons_tau10": {
            name: {
                "n": arm.n,
                "rmst": arm.estimate,
                "lifelines_rmst": arm.estimate,
                "greenwood_var": arm.variance,
            }
            for name, arm in arms.items()
        }
        | {
            "diff": {
                "first_minus_second": walton.difference.estimate,
                "se": walton.difference.std_error,
                "p": walton.difference.p_value,
            }
        },
        "waltons_logrank": {"chi2": test.statistic, "p": test.p_value},
    }


CHECKS = {
    "survival": survival,
    "survival.repurchase_rate_day30": repurchase_rate,
    "survival.repurchase_rate_day90": repurchase_rate,
    "survival.competing_risks": competing,
    "ll-logrank-leuk": lifelines_log_rank,
    "ll-logrank-cens": lifelines_log_rank,
    "R25_repurchase_km_rmst": km_and_rmst,
}

REFUSED: dict[str, str] = {}

NOT_COMPARED: dict[str, str] = {}
