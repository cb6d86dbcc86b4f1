"""Reference cases: points, coupons, horizons, roll-out and repeat buying."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from case import Case, column_of, table

from loyalty_exp.economics.acceptability import acceptability
from loyalty_exp.economics.assumptions import Assumption, total_uncertainty
from loyalty_exp.economics.campaign_totals import campaign_totals
from loyalty_exp.economics.contract_liability import defer, release
from loyalty_exp.economics.coupons import (
    CouponCampaign,
    attributed_roi,
    read_coupons,
    revenue_per_contact_cost,
)
from loyalty_exp.economics.horizon import Persistence, horizon_value
from loyalty_exp.economics.naive import (
    NOT_CAUSAL,
    before_after,
    before_after_market_adjusted,
    members_vs_nonmembers,
    naive_panel,
)
from loyalty_exp.economics.payback import payback
from loyalty_exp.economics.points import PointsFlow, PointsPrice, position, true_up
from loyalty_exp.economics.pull_forward import TwoDifferences, cost_per_incremental, pull_forward
from loyalty_exp.economics.rollout import Stratum, roll_out, weighted_net_benefit
from loyalty_exp.stats.bayes.normal import Prior
from loyalty_exp.stats.benefit_cost import benefit_cost, net_benefit, roi_of
from loyalty_exp.stats.difference import difference, known
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.means import ArmMeans, plain
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.net_promoter import Answers, net_promoter
from loyalty_exp.stats.purchase_history import (
    PurchaseHistory,
    frequency_value_correlation,
    from_purchases,
    history,
)
from loyalty_exp.stats.relative import delta_variance, fieller
from loyalty_exp.stats.repeat_buying import (
    BgNbd,
    expected_later_purchases,
    expected_purchases,
    fit_bg_nbd,
    model_of,
    probability_alive,
    purchase_probabilities,
)
from loyalty_exp.stats.shifted_beta_geometric import (
    expected_residual_lifetime,
    fit_shifted_beta_geometric,
    retention_model_of,
    share_remaining,
)
from loyalty_exp.stats.spend_per_purchase import fit_gamma_gamma, mean_spend, spend_model_of
from loyalty_exp.stats.winsorize import upper_cap, winsorize


def points(case: Case) -> dict[str, Any]:
    i = case.inputs
    flow = PointsFlow(i["issued"], i["clawed_back"], i["redeemed_in_window"], i["expired_in_window"])
    price = PointsPrice(i["point_face_value"], i["cost_to_face"])
    at = position(flow, i["urr_ultimate"], price)
    assert not at.assumption_refuted
    return {
        "net_issued": at.net_issued,
        "outstanding": at.outstanding,
        "expected_future_redemptions": at.expected_future,
        "conditional_urr_outstanding": at.conditional_redemption_rate,
        "cost_per_point_issued": at.cost_per_point_issued,
        "cost_per_point_redeemed": at.cost_per_point_redeemed,
        "accrual_cost": at.accrual_cost,
        "burn_cost": at.burn_cost,
        "closing_liability_cost_basis": at.closing_liability,
        "identity_gap": at.identity_gap,
        "breakage_points": at.breakage,
        "true_up_if_revised": true_up(flow, i["urr_ultimate"], i["urr_revised"], price),
    }


def winback(case: Case) -> dict[str, Any]:
    i = case.inputs
    arms, orders = [], []
    for s, rate, contact in (("T", i["coupon_rate"], i["contact"]), ("C", 0.0, 0.0)):
        p, n = i[f"p{s}"], i[f"n{s}"]
        aov, sd = (i["aovT_pre_coupon"], i["sdT"]) if s == "T" else (i["aovC"], i["sdC"])
        # Spend of an assigned member: nothing, or a basket. All money is a multiple of it.
        variance = p * (sd**2 + aov**2) - (p * aov) ** 2
        weight = np.array([i["margin"], rate])
        mean = weight * p * aov + np.array([0.0, contact])
        arms.append(ArmMeans(n, ("benefit", "cost"), mean, np.outer(weight, weight) * variance / n, n - 1.0))
        orders.append((p, p * aov * (1 - rate)))
    fixed = i["F"] / i["nT"]
    pair = benefit_cost(arms[0], arms[1], fixed)
    nb, r = net_benefit(pair, 0.05), roi_of(pair, 0.05)
    delta = known(r.estimate, math.sqrt(_delta(pair)), 0.05)
    z = normal_quantile(0.975)
    found = fieller(pair.delta_benefit, pair.total_cost, pair.v_bb, pair.v_bc, pair.v_cc, z)
    cost = known(pair.total_cost, math.sqrt(pair.v_cc), 0.05)
    campaign = CouponCampaign(
        redemptions=i["pT"],
        incremental_orders=orders[0][0] - orders[1][0],
        subsidy=i["coupon_rate"] * i["aovT_pre_coupon"],
        margin_redeemed=i["margin"] * i["aovT_pre_coupon"],
        margin_organic=i["margin"] * i["aovC"],
        other_cost=i["contact"] + fixed,
    )
    reading = read_coupons(campaign)
    assert math.isclose(reading.net_benefit, nb.estimate)
    assert math.isclose(reading.total_cost, pair.total_cost)
    extra = TwoDifferences(pair.delta_cost, campaign.incremental_orders, pair.v_cc, 0.0, 1e-8)
    assert math.isclose(cost_per_incremental(extra, fixed, 0.05).estimate, reading.cost_per_incremental_order)
    paid = (1 - i["coupon_rate"]) * i["aovT_pre_coupon"]
    naive = revenue_per_contact_cost(i["pT"], paid, i["contact"]), attributed_roi(campaign)
    assert {n.label for n in naive} == {NOT_CAUSAL}
    totals = campaign_totals(i["nT"], orders[0][1], orders[1][1], i["margin"], 0, 0)
    assert r.status == "interval"
    assert reading.break_even.status == "inside"
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
        "p_roi_gt_hurdle": {"hurdle": 0.0, "p": acceptability(pair, [0.0]).probabilities[0]},
        "delta_cost_ci95": [cost.ci_lower, cost.ci_upper],
        "roi_status": "defined",
        "quadrant": r.quadrant,
        "roi_point": r.estimate,
        "roi_delta_se": r.std_error,
        "roi_delta_ci95": [delta.ci_lower, delta.ci_upper],
        "roi_fieller_ci95": {"kind": found.shape, "g": r.g, "lower": r.ci_lower, "upper": r.ci_upper},
        "naive_revenue_per_contact_cost": naive[0].value,
        "naive_attributed_roi_margin": naive[1].value,
        "incremental_orders_per_member": campaign.incremental_orders,
        "incremental_share_of_redemptions": reading.incremental_share,
        "deadweight_share": reading.deadweight_share,
        "deadweight_subsidy_per_member": reading.deadweight_subsidy,
        "cost_per_incremental_order": reading.cost_per_incremental_order,
        "incremental_revenue_net_of_coupon_per_member": totals.incremental_revenue / i["nT"],
        "breakeven_incremental_share": reading.break_even.value,
        "breakeven_incremental_share_simple_same_basket": reading.break_even.if_same_basket,
    }


def _delta(pair: Any) -> float:
    return delta_variance(pair.delta_benefit, pair.total_cost, pair.v_bb, pair.v_bc, pair.v_cc)


def two_windows(case: Case) -> dict[str, Any]:
    one, two = case.inputs["window1"], case.inputs["window2"]
    together = case.inputs["corr"] * one["se"] * two["se"]
    found = pull_forward(
        TwoDifferences(one["delta"], two["delta"], one["se"] ** 2, together, two["se"] ** 2), 0.05
    )
    s = found.share.found
    return {
        "net_delta": found.net.estimate,
        "net_se": found.net.std_error,
        "net_ci95": [found.net.ci_lower, found.net.ci_upper],
        "pull_forward_share": found.share.estimate,
        "pull_forward_share_fieller95": {"kind": s.shape, "lower": s.lower, "upper": s.upper, "g": s.g},
        "retained_share": found.retained,
    }


def weeks(case: Case) -> dict[str, Any]:
    i = case.inputs
    covariance = np.diag(np.square(i["weekly_se_independent"]))
    found = payback(i["weekly_net_benefit"], covariance, i["fixed_cost_per_member"], 0.05)
    return {
        "cumulative": list(found.cumulative),
        "cumulative_se": list(found.std_error),
        "first_crossing_week": found.first_crossing,
        "sustained_payback_week": found.sustained,
        "conservative_payback_week": found.conservative,
    }


def persistence(case: Case) -> dict[str, Any]:
    i = case.inputs
    found = horizon_value(
        i["observed_monthly_nb"],
        i["cov"],
        i["monthly_discount"],
        i["extra_months"],
        [Persistence(p["rho"], p["weight"]) for p in i["rho_prior"]],
        0.05,
    )
    assert found.scenarios[0].value == found.observed
    return {
        "scenarios": {
            str(s.persistence.rho): {
                "value": s.value.estimate,
                "se": s.value.std_error,
                "weights": list(s.factors),
            }
            for s in found.scenarios
        },
        "mixture": {
            "mean": found.mixture.estimate,
            "se_total": found.mixture.std_error,
            "se_sampling_only": found.sampling_std_error,
            "share_of_value_extrapolated": found.extrapolated_share,
        },
    }


def to_everyone(case: Case) -> dict[str, Any]:
    i = case.inputs
    strata = [Stratum(s["s"], s["nb"], s["se"], s["eligible"]) for s in i["strata"]]
    found = roll_out(strata, i["coverage"], i["fixed_rollout"], 0.05, Prior(i["prior_mean"], i["prior_sd"]))
    left_out = found.without_negative
    assert (left_out.dropped, left_out.exploratory) == (("Platinum",), True)
    return {
        "eligible_total": found.eligible,
        "nb_test_mix": weighted_net_benefit(strata, i["test_mix"])[0],
        "nb_poststratified": found.net_benefit.estimate,
        "se_poststratified": found.net_benefit.std_error,
        "rollout_total": found.total.estimate,
        "rollout_total_ci95": [found.total.ci_lower, found.total.ci_upper],
        "p_total_gt0": found.probability_positive,
        "shrunk_nb": found.shrunk.mean,
        "shrunk_sd": found.shrunk.sd,
        "shrunk_total": found.shrunk_total.estimate,
        "p_shrunk_total_gt0": found.probability_shrunk_positive,
        "rollout_excluding_negative_strata": left_out.total,
    }


def redemption_doubt(case: Case) -> dict[str, Any]:
    i = case.inputs
    u, sd = i["urr_mean"], i["urr_sd"]
    nb = i["delta_benefit"] - i["delta_cost_other"] - i["fixed"] - i["K"] * u
    rate = Assumption("redemption_rate", u - sd, u, u + sd, sd, -i["K"])
    found = total_uncertainty(nb, i["se_sampling_at_mean"], [rate], 0.05)
    return {
        "net_benefit": found.net_benefit.estimate,
        "se_total": found.net_benefit.std_error,
        "ci95_total": [found.net_benefit.ci_lower, found.net_benefit.ci_upper],
        "p_nb_gt0_total": found.probability_positive,
        "variance_share_assumption": found.shares[0][1],
    }


def books(case: Case) -> dict[str, Any]:
    i = case.inputs
    used = [i["redeemed_y2"], i["redeemed_y3"]]
    out = {}
    for way in ("up", "down"):
        rates = [i["urr_initial"], i[f"urr_y3_{way}"]]
        split = defer(i["transaction_price"], i["ssp_goods"], i["points"], i["face"], i["urr_initial"])
        exact = release(split.deferred, i["points"], used, rates)
        out[f"exact_{way}"] = {
            "ssp_points": split.stand_alone_points,
            "deferred": split.deferred,
            "goods_revenue": split.goods_revenue,
            "revenue_year2": exact.revenue[0],
            "revenue_year3": exact.revenue[1],
            "closing": exact.closing,
        }
        rounded = release(9000, i["points"], used, rates)
        hand = out.setdefault("handbook_rounded", {"deferred": 9000, "y2": rounded.revenue[0]})
        hand[f"y3_{way}"] = rounded.revenue[1]
    return out


def promoters(case: Case) -> dict[str, Any]:
    found = net_promoter(*(Answers(**case.inputs[s]) for s in "TC"), 0.05)
    return {
        "nps_T": found.treated,
        "nps_C": found.control,
        "diff_points": found.difference.estimate,
        "se_points": found.difference.std_error,
        "ci95": [found.difference.ci_lower, found.difference.ci_upper],
        "response_rate_T": found.response_treated,
        "response_rate_C": found.response_control,
        "response_balance_z": found.response.estimate / found.response.std_error,
        "response_balance_p": found.response.p_value,
    }


def capped(case: Case) -> dict[str, Any]:
    i = case.inputs
    cap = upper_cap(i["pre_period"], i["quantile"], positive_only=True)
    out = {
        "cap": cap,
        "naive_cap_percentile_over_all_values": upper_cap(i["pre_period"], i["quantile"]),
    }
    for label, limits in (("uncapped", (None, None)), ("capped", (cap, -cap))):
        t, c = (plain(from_rows({"y": winsorize(i[s], *limits)}), ("y",)) for s in ("treat", "control"))
        d = difference(t, c, 0.05)
        out |= {f"diff_{label}": d.estimate, f"se_{label}": d.std_error}
    return out


def leadership_panel(case: Case) -> dict[str, Any]:
    i = case.inputs
    naive = (
        members_vs_nonmembers(i["member_mean"], i["nonmember_mean"]),
        before_after(i["before_mean"], i["after_mean"]),
        before_after_market_adjusted(i["before_mean"], i["after_mean"], i["market_growth"]),
    )
    panel = naive_panel(i["treated_after_mean"], i["holdout_after_mean"], naive)
    assert {n.label for n in panel.naive} == {NOT_CAUSAL}
    keys = ("member_ratio", "pre_post_uplift", "market_adjusted")
    return dict(zip(keys, (n.value for n in panel.naive), strict=True)) | {
        "randomised_uplift": panel.causal_lift
    }


def arithmetic(case: Case) -> dict[str, Any]:
    i = case.inputs
    found = campaign_totals(
        i["n_treatment"],
        i["revenue_per_treated"],
        i["revenue_per_control"],
        i["gross_margin_rate"],
        i["reward_cost_total"] + i["contact_cost_per_treated"] * i["n_treatment"],
        i["fixed_cost"],
    )
    return {
        "incremental_revenue": found.incremental_revenue,
        "incremental_margin": found.incremental_margin,
        "total_cost": found.total_cost,
        "profit": found.profit,
        "roi": found.roi,
        "iroas": found.incremental_return_on_spend,
        "break_even_uplift_per_member": found.break_even_uplift,
        "cost_per_incremental_revenue": found.cost_per_incremental_revenue,
    }


def cdnow(file: str) -> tuple[dict[str, list[Any]], PurchaseHistory]:
    rows = table(file)
    return rows, history(*(column_of(rows, c) for c in ("frequency", "recency", "T")))


def bg_nbd_fit(case: Case) -> dict[str, Any]:
    fit = fit_bg_nbd(cdnow(case.inputs["data"]["file"])[1])
    names = ("r", "alpha", "a", "b")
    return dict(zip(names, fit.parameters.tolist(), strict=True)) | {
        "log_likelihood": fit.log_likelihood,
        "se": fit.std_errors.tolist(),
    }


def bg_nbd_of_a_new_customer(case: Case) -> dict[str, Any]:
    i = case.inputs
    model = BgNbd(i["r"], i["alpha"], i["a"], i["b"])
    return {
        "expected": expected_purchases(model, i["t"]).tolist(),
        "prob_zero": [float(purchase_probabilities(model, 0, t)[0]) for t in i["t"]],
        "pmf_t39": purchase_probabilities(model, 5, 39).tolist(),
    }


def gamma_gamma_fit(case: Case) -> dict[str, Any]:
    rows, data = cdnow(case.inputs["data"]["file"])
    fit = fit_gamma_gamma(data.frequency, column_of(rows, case.inputs["data"]["monetary"]))
    return dict(zip(("p", "q", "gamma"), fit.parameters.tolist(), strict=True)) | {
        "log_likelihood": fit.log_likelihood,
        "n": int((data.frequency > 0).sum()),
        "population_mean_spend": mean_spend(spend_model_of(fit)),
    }


def built_from_purchases(case: Case) -> dict[str, Any]:
    # The customer of the case: 1997-01-01, 01-18 and 08-02, one of them twice, watched until 09-30.
    days = np.array(["1997-08-02", "1997-01-01", "1997-01-18", "1997-01-18"], dtype="datetime64[D]")
    end = np.datetime64("1997-09-30")
    made = from_purchases(np.zeros(4), days.astype(float), float(end.astype(int)))
    listed = cdnow("data/cdnow_summary.csv")[1]
    found = {
        "frequency": int(made.frequency[0]),
        "recency": round(float(made.recency[0]), 2),
        "T": round(float(made.age[0]), 2),
    }
    assert list(found.values()) == [listed.frequency[0], listed.recency[0], listed.age[0]]
    return found


def published_models(case: Case) -> dict[str, Any]:
    rows, data = cdnow("data/cdnow_with_spend.csv")
    value = column_of(rows, "monetary_value")
    buying, spend = fit_bg_nbd(data), fit_gamma_gamma(data.frequency, value)
    one = history([2], [30.43], [38.86])
    model = model_of(buying)
    stay = retention_model_of(fit_shifted_beta_geometric([1, *case.inputs["sbg_survival"]]))
    return {
        "bgnbd": {
            "n": data.n,
            "params": dict(zip(("r", "alpha", "a", "b"), buying.parameters.tolist(), strict=True)),
            "ll": buying.log_likelihood,
            "cond_exp_39_x2_tx30.43_T38.86": float(expected_later_purchases(model, one, 39)[0]),
            "p_alive_same": float(probability_alive(model, one)[0]),
        },
        "gamma_gamma": {
            "n": int((data.frequency > 0).sum()),
            "params": dict(zip("pqv", spend.parameters.tolist(), strict=True)),
            "ll": spend.log_likelihood,
            "corr": frequency_value_correlation(data.frequency, value),
        },
        "sbg": {
            "alpha": stay.alpha,
            "beta": stay.beta,
            "S_8_to_12": share_remaining(stay, range(8, 13)).tolist(),
            "derl_survived7_d10": expected_residual_lifetime(stay, 7, 0.1),
        },
    }


CHECKS = {
    "R04_points_accrual_burn_liability": points,
    "R05_winback_coupon_deadweight": winback,
    "R14_pull_forward": two_windows,
    "R15_payback": weeks,
    "R16_clv_horizon_decay": persistence,
    "R17_rollout_poststratified": to_everyone,
    "R19_urr_parameter_uncertainty": redemption_doubt,
    "R24_contract_liability_ifrs15": books,
    "R26_nps_difference": promoters,
    "R30_btyd_external": published_models,
    "R32_winsorise_zero_inflated": capped,
    "R35_naive_vs_causal_panel": leadership_panel,
    "roi.arithmetic": arithmetic,
    "repeat_buying.bgnbd_fit_cdnow": bg_nbd_fit,
    "repeat_buying.bgnbd_unconditional": bg_nbd_of_a_new_customer,
    "repeat_buying.gamma_gamma_fit_cdnow": gamma_gamma_fit,
    "repeat_buying.input_traps": built_from_purchases,
}
REFUSED: dict[str, str] = {}
NOT_COMPARED: dict[str, str] = {}
