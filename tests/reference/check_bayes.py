"""Reference cases: the Bayesian reading."""

from __future__ import annotations

import math
from typing import Any

from case import Case
from check_power import moments

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.bayes import arms, normal, normal_gamma, proportions
from loyalty_exp.stats.bayes.beta import BetaPrior
from loyalty_exp.stats.bayes.beta import interval as beta_interval
from loyalty_exp.stats.bayes.beta import posterior as beta_posterior
from loyalty_exp.stats.bayes.false_positives import false_positive_risk
from loyalty_exp.stats.bayes.normal import Prior
from loyalty_exp.stats.means import plain
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.relative import delta_variance


def beta_binomial(case: Case) -> dict[str, Any]:
    i = case.inputs
    prior = BetaPrior(i["prior_alpha"], i["prior_beta"])
    if "x" in i:
        found = [beta_posterior(x, n, prior) for x, n in zip(i["x"], i["n"], strict=True)]
        return {
            "prob_best": list(proportions.probability_best(found)),
            "expected_loss": list(proportions.expected_losses(found)),
        }
    t, c = (beta_posterior(i[f"x_{a}"], i[f"n_{a}"], prior) for a in ("treatment", "control"))
    post, diff = beta_interval(t, 0.05), proportions.difference_interval(t, c, 0.05)
    lift = proportions.lift_interval(t, c, 0.05)
    loss = proportions.expected_losses([t, c])
    try:
        mean_lift = proportions.expected_lift(t, c)
    except NotEstimable:
        mean_lift = None
    return {
        "posterior_alpha_t": t.a,
        "posterior_beta_t": t.b,
        "posterior_alpha_c": c.a,
        "posterior_beta_c": c.b,
        "posterior_mean_t": t.mean,
        "posterior_mean_c": c.mean,
        "post_t_low": post[0],
        "post_t_high": post[1],
        "prob_t_gt_c": proportions.probability_better(t, c),
        "expected_loss_t": loss[0],
        "expected_loss_c": loss[1],
        "expected_diff": t.mean - c.mean,
        "sd_diff": math.sqrt(t.variance + c.variance),
        "diff_low": diff[0],
        "diff_high": diff[1],
        "uplift_low": lift[0],
        "uplift_median": proportions.lift_quantile(t, c, 0.5),
        "uplift_high": lift[1],
        "expected_uplift": mean_lift,
    }


def bayes_normal(case: Case) -> dict[str, Any]:
    i = case.inputs
    if "mean" in i:
        return {"prob_best": list(arms.probability_best(i["mean"], i["sd"]))}
    if "m0" in i:
        return normal_inverse_gamma(i)
    prior = Prior(i["prior_mean"], i["prior_sd"])
    after = normal.posterior(i["estimate"], i["se"], prior)
    low, high = normal.interval(after, case.alpha)
    loss = normal.expected_loss(after)
    return {
        "posterior_mean": after.mean,
        "posterior_sd": after.sd,
        "low": low,
        "high": high,
        "prob_positive": normal.probability_above(after)[0],
        "expected_loss_choose_t": loss.ship,
        "expected_loss_choose_c": loss.keep,
        "bayes_factor_10": math.exp(normal.log_bayes_factor(i["estimate"], i["se"], prior)),
        "shrinkage": after.shrinkage,
        "prob_in_rope": normal.probability_between(after, -i["rope"], i["rope"]),
    }


def normal_inverse_gamma(i: dict[str, Any]) -> dict[str, Any]:
    prior = normal_gamma.NormalGamma(i["m0"], i["kappa0"], i["alpha0"], i["beta0"])
    after = {a: normal_gamma.posterior(from_rows({"y": i[a]}), "y", prior) for a in ("treatment", "control")}
    out: dict[str, Any] = {}
    for name, arm in after.items():
        b, (low, high) = arm.belief, normal_gamma.interval(arm, 0.05)
        out[name] = {
            "m": b.m,
            "kappa": b.kappa,
            "alpha": b.alpha,
            "beta": b.beta,
            "marginal_t_df": b.df,
            "marginal_t_scale": b.scale,
            "mean_low": low,
            "mean_high": high,
        }
    return out | {"prob_t_gt_c": normal_gamma.probability_better(after["treatment"], after["control"])}


def growthbook(case: Case) -> dict[str, Any]:
    """A normal prior on the relative lift, whose error is that of the delta method."""
    i, o = case.inputs, case.params
    if "x" in i["control"]:
        (p_t, n_t), (p_c, n_c) = ((i[a]["x"] / i[a]["n"], i[a]["n"]) for a in ("treatment", "control"))
        v_t, v_c = p_t * (1 - p_t) / n_t, p_c * (1 - p_c) / n_c
    else:
        (p_t, v_t), (p_c, v_c) = (plain(moments(i[a]), ("y",)).at("y") for a in ("treatment", "control"))
    prior = Prior(scale="relative")
    if "prior_variance" in o:
        prior = Prior(o["prior_mean"], math.sqrt(o["prior_variance"]), "relative")
    after = normal.posterior(p_t / p_c - 1, math.sqrt(delta_variance(p_t, p_c, v_t, 0.0, v_c)), prior)
    loss = normal.expected_loss(after)
    if case.id == "gb-bayes-inverse":
        # Lower is better: a rise is what shipping loses.
        chance = 1 - normal.probability_above(after)[0]
        return {"effect": after.mean, "chance_to_win": chance, "risk": loss.keep}
    return {
        "effect": after.mean,
        "ci": list(normal.interval(after, 0.05)),
        "sd": after.sd,
        "chance_to_win": normal.probability_above(after)[0],
        "risk": [loss.keep, loss.ship],
    }


def growthbook_risk(case: Case) -> dict[str, Any]:
    loss = normal.expected_loss(normal.posterior(case.inputs["mean"], case.inputs["sd"]))
    return {"risk": [loss.keep, loss.ship]}


def spotify(case: Case) -> dict[str, Any]:
    i = case.inputs
    prior = BetaPrior(*i["prior"])
    t, c = (beta_posterior(i[a]["x"], i[a]["n"], prior) for a in ("treatment", "control"))
    loss = proportions.expected_losses([t, c])
    return {
        "effect": t.mean - c.mean,
        "prob_treatment_better": proportions.probability_better(t, c),
        "expected_gain_treatment": loss[1],
        "expected_loss_treatment": loss[0],
    }


def risk_of_false_positives(case: Case) -> dict[str, Any]:
    i = case.inputs
    return {"fpr": false_positive_risk(i["p"], i["power"], i["null_rate"])}


CHECKS = {
    "bayes_beta_binomial": beta_binomial,
    "bayes_normal": bayes_normal,
    "gb-bayes-prop": growthbook,
    "gb-bayes-mean-prior": growthbook,
    "gb-bayes-inverse": growthbook,
    "gb-risk-0": growthbook_risk,
    "gb-risk-2": growthbook_risk,
    "sp-betabinom-us": spotify,
    "ep-fpr": risk_of_false_positives,
}

REFUSED = {
    "gb-ratio-bayes": "no data have these moments: the variance of the denominator is negative, and the "
    "product sum breaks Cauchy-Schwarz; such moments are refused",
}

NOT_COMPARED: dict[str, str] = {}
