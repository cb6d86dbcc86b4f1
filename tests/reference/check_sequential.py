"""Reference cases: planned looks, always-valid answers, and the sample ratio checked at every look."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Any

import numpy as np
from case import Case, column_of, table

from loyalty_exp.stats.confidence_sequence import (
    AlwaysValid,
    confidence_sequence,
    log_likelihood_ratio,
    mixture_scale,
    mixture_sprt,
    running_p,
)
from loyalty_exp.stats.crossing import crossing
from loyalty_exp.stats.difference import difference, effect
from loyalty_exp.stats.distributions import normal_two_sided
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.group_sequential import boundaries, constant_boundaries
from loyalty_exp.stats.group_sequential_design import (
    after_stopping,
    inflation_factor,
    operating_characteristics,
    required_drift,
)
from loyalty_exp.stats.means import cuped, plain
from loyalty_exp.stats.mixture_boundary import (
    log_normal_mixture,
    normal_mixture_boundary,
    normal_mixture_scale,
    proportion_sequence,
)
from loyalty_exp.stats.moments import Moments, from_rows
from loyalty_exp.stats.relative import delta_variance
from loyalty_exp.stats.repeated_inference import repeated_interval
from loyalty_exp.stats.sample_ratio_sequential import sequential_sample_ratio
from loyalty_exp.stats.spending import (
    cumulative_alpha,
    hwang_shih_decani,
    kim_demets,
    obrien_fleming,
    pocock,
)

SPENDING = {
    "asOF": obrien_fleming,
    "asP": pocock,
    "asKD1": kim_demets(1),
    "asKD2": kim_demets(2),
    "asKD3": kim_demets(3),
    "asHSDm4": hwang_shih_decani(-4),
    "asHSD1": hwang_shih_decani(1),
}


def group_sequential(case: Case) -> dict[str, Any]:
    i = case.inputs
    b = boundaries(i["information_rates"], i["alpha"], SPENDING[i["spending"]], i["sided"])
    return {
        "critical_values": b.critical_values,
        "cumulative_alpha": b.cumulative_alpha,
        "nominal_p": b.nominal_p,
    }


def classical(case: Case) -> dict[str, Any]:
    i = case.inputs
    looks = range(1, i["kmax"] + 1)
    obf, wang, flat = (
        constant_boundaries(looks, i["alpha"], d, i["sided"]).critical_values for d in (0, 0.25, 0.5)
    )
    return {
        "pocock_constant": flat[-1],
        "obf_constant": obf[-1],
        "wang_tsiatis_25_constant": wang[-1],
        "obf_boundaries": obf,
        "wang_tsiatis_boundaries": wang,
    }


def peeking(case: Case) -> dict[str, Any]:
    z = case.inputs["z"]
    found = [crossing(range(1, k + 1), [z] * k, [-z] * k) for k in case.inputs["looks"]]
    return {"type1": [math.fsum(f.upper) + math.fsum(f.lower) for f in found]}


def peeking_upward(case: Case) -> dict[str, Any]:
    i = case.inputs
    found = crossing(range(1, i["k"] + 1), [i["upper"]] * i["k"], [i["lower"]] * i["k"])
    return {"p_upper": math.fsum(found.upper)}


def characteristics(case: Case) -> dict[str, Any]:
    i = case.inputs
    b = boundaries(i["information_rates"], i["alpha"], SPENDING[i["spending"]], i["sided"])
    drift, factor = required_drift(b, 1 - i["beta"]), inflation_factor(b, 1 - i["beta"])
    h0, h01, h1 = (operating_characteristics(b, share * drift) for share in (0, 0.5, 1))
    return {
        "inflation_factor": factor,
        "asn_ratio_h1": factor * h1.expected_information,
        "asn_ratio_h01": factor * h01.expected_information,
        "asn_ratio_h0": factor * h0.expected_information,
        "cumulative_power": h1.cumulative_power,
    }


def stagewise(case: Case) -> dict[str, Any]:
    i = case.inputs
    b = boundaries(i["information_rates"], i["alpha"], SPENDING[i["spending"]], i["sided"])
    look = i["stopped_at_look"] - 1
    a = after_stopping(b, i["z"], look, i["alpha"])
    return {
        "critical_values": b.critical_values,
        "p_value_two_sided": a.p_value,
        "drift_low": a.drift_lower,
        "drift_high": a.drift_upper,
        "drift_median_unbiased": a.drift,
        "naive_drift": i["z"] / math.sqrt(b.information[look]),
        "naive_p": normal_two_sided(i["z"])[0],
    }


def repeated(case: Case) -> dict[str, Any]:
    i = case.inputs
    b = boundaries(i["information_rates"], i["alpha"], SPENDING[i["spending"]])
    pairs = zip(i["estimates"], i["se"], strict=True)
    found = [repeated_interval(estimate, se, b, look) for look, (estimate, se) in enumerate(pairs)]
    return {"low": [low for low, _ in found], "high": [high for _, high in found]}


def underrun(case: Case) -> dict[str, Any]:
    i = case.inputs
    b = boundaries(i["actual_n"], i["alpha"], SPENDING[i["spending"]], i["sided"], i["planned_n"], final=True)
    return {"cumulative_alpha": b.cumulative_alpha, "critical_values": b.critical_values}


def published_bounds(case: Case) -> dict[str, Any]:
    i = case.inputs
    return {"bounds": constant_boundaries(range(1, i["k"] + 1), i["alpha"], 0, i["sides"]).critical_values}


def published_inflation(case: Case) -> dict[str, Any]:
    i = case.inputs
    delta = {"OF": 0.0, "Pocock": 0.5}[i["shape"]]
    b = constant_boundaries(range(1, i["k"] + 1), i["alpha"], delta, i["sides"])
    return {"max_n_pct": 100 * inflation_factor(b, 1 - i["beta"])}


def spent(case: Case) -> dict[str, Any]:
    return {"cumulative_alpha": cumulative_alpha(obrien_fleming, case.inputs["t"], case.inputs["alpha"], 1)}


def spent_by_day(case: Case) -> dict[str, Any]:
    """What the peer prints is one minus the error spent; the level of a look is another thing."""
    alpha = 1 - case.inputs["confidence"]
    shares = [day / length for length, day in case.inputs["pairs"]]
    return {"confidence": [min(round(1 - obrien_fleming(t, alpha), 4), 0.9999) for t in shares]}


def sums(n: int, total: float, squares: float) -> Moments:
    return Moments(n, ("y",), np.array([total / n]), np.array([[squares - total * total / n]]))


def two_sums(treated: Moments, control: Moments, alpha: float = 0.05) -> Difference:
    return difference(plain(treated, ("y",)), plain(control, ("y",)), alpha)


def first_look(case: Case) -> dict[str, Any]:
    i = case.inputs
    t, c = (sums(*(i[s][k] for k in ("n", "sum", "sum_squares"))) for s in ("treatment", "control"))
    d = two_sums(t, c)
    b = boundaries([t.n + c.n], i["alpha"], kim_demets(i["rho"]), 2, i["planned_n"])
    return {"effect": d.estimate, "ci": repeated_interval(d.estimate, d.std_error, b)}


def two_arms_two_looks(case: Case) -> dict[str, Any]:
    i = case.inputs
    found = []
    for arm in ("t1", "t2"):
        looks = [(sums(*i[look][arm]), sums(*i[look]["c"])) for look in ("look1", "look2")]
        n = [t.n + c.n for t, c in looks]
        b = boundaries(n, i["alpha"] / 2, kim_demets(i["rho"]), 2, i["planned_n"])
        for k, (t, c) in enumerate(looks):
            d = two_sums(t, c)
            found.append(repeated_interval(d.estimate, d.std_error, b, k))
    return {"lower": [low for low, _ in found], "upper": [high for _, high in found]}


def msprt(case: Case) -> dict[str, Any]:
    i = case.inputs
    if "data" in i:
        source = table("data/stream.csv")
        arm, y = column_of(source, "arm"), column_of(source, "y")
        d = two_sums(from_rows({"y": y[arm == 1][:180]}), from_rows({"y": y[arm == 0][:260]}))
        estimate, se = d.estimate, d.std_error
    else:
        estimate, se = i["estimate"], math.sqrt(i["variance"])
    m, log_ratio = (
        mixture_sprt(estimate, se, i["tau"], i["alpha"]),
        log_likelihood_ratio(estimate, se, i["tau"]),
    )
    out = {
        "estimate": estimate,
        "variance": m.std_error**2,
        "log_likelihood_ratio": log_ratio,
        "p_value": m.p_value,
        "ci_low": m.ci_lower,
        "ci_high": m.ci_upper,
        "half_width": m.ci_upper - m.estimate,
    }
    if log_ratio < 700:
        out["likelihood_ratio"] = math.exp(log_ratio)
    return {key: out[key] for key in case.expected}


def of_mean(values: np.ndarray, alpha: float, rho: float) -> tuple[AlwaysValid, float]:
    m = from_rows({"y": values})
    sd = math.sqrt(m.comoment[0, 0] / m.n)
    return confidence_sequence(m.mean_of("y"), sd / math.sqrt(m.n), m.n, alpha, rho), sd


def one_sample(case: Case) -> dict[str, Any]:
    i = case.inputs
    source = table("data/stream.csv")
    y = column_of(source, "y")[column_of(source, "arm") == 1]
    out: dict[str, Any] = {"rho": mixture_scale(i["t_opt"], i["alpha"])}
    for key in case.expected:
        if key != "rho":
            a, sd = of_mean(y[: int(key[1:])], i["alpha"], out["rho"])
            out[key] = {
                "mean": a.estimate,
                "sd_1_over_t": sd,
                "half_width": a.ci_upper - a.estimate,
                "low": a.ci_lower,
                "high": a.ci_upper,
            }
    return out


def inverse_weighted(case: Case) -> dict[str, Any]:
    i = case.inputs
    source = table("data/stream.csv")
    w, y, p = column_of(source, "arm"), column_of(source, "y"), i["assignment_probability"]
    psi = w * y / p - (1 - w) * y / (1 - p)
    out: dict[str, Any] = {"rho": mixture_scale(i["t_opt"], i["alpha"])}
    for key in case.expected:
        if key != "rho":
            a, sd = of_mean(psi[: int(key[1:])], i["alpha"], out["rho"])
            out[key] = {"estimate": a.estimate, "sd": sd, "low": a.ci_lower, "high": a.ci_upper}
    return out


def uniform_boundaries(case: Case) -> dict[str, Any]:
    i = case.inputs
    v, a = i["v"], i["alpha_one_sided"]
    return {
        "normal_mixture_two_sided": normal_mixture_boundary(
            v, 2 * a, normal_mixture_scale(i["v_opt"], 2 * a)
        ),
        "normal_mixture_one_sided": normal_mixture_boundary(v, a, normal_mixture_scale(i["v_opt"], a, 1), 1),
    }


def two_sided_mixture(case: Case) -> dict[str, Any]:
    i = case.inputs
    scale = normal_mixture_scale(i["v_opt"], i["alpha_opt"])
    return {
        "rho": scale,
        "log_mixture": log_normal_mixture(i["s"], i["v"], scale),
        "bound": normal_mixture_boundary(i["v"], i["alpha"], scale),
    }


def peeking_rule(case: Case) -> dict[str, Any]:
    return {"running_p": running_p(case.inputs["p_sequence"])}


def proportion(case: Case) -> dict[str, Any]:
    i = case.inputs
    return {"ci": proportion_sequence(i["successes"], i["trials"], i["alpha"], i["t_opt"])}


def relative_sequence(case: Case, tuning: float, alternative: str = "two_sided") -> dict[str, Any]:
    i = case.inputs
    names = ("n", "sum", "sum_squares")
    t, c = (plain(sums(*(i[s][k] for k in names)), ("y",)) for s in ("treatment", "control"))
    lift = effect("welch", t, c, 0.05).relative
    return sequence_of(lift.estimate, lift.std_error, t.n + c.n, tuning, alternative)


def sequence_of(estimate: float, std_error: float, n: int, tuning: float, alternative: str) -> dict[str, Any]:
    rho = mixture_scale(tuning, 0.05, alternative)
    a = confidence_sequence(estimate, std_error, n, 0.05, rho, alternative)
    return {
        "effect": a.estimate,
        "ci": (a.ci_lower, a.ci_upper),
        "ci_lower": a.ci_lower,
        "ci_upper": a.ci_upper,
        "se": a.std_error,
        "p_value": a.p_value,
    }


def growthbook(case: Case) -> dict[str, Any]:
    side = {"gb-seq-1s-rel-greater": "greater", "gb-seq-1s-rel-less": "less"}.get(case.id, "two_sided")
    found = relative_sequence(case, case.params.get("tuning", 5000), side)
    return {key: found[key] for key in case.expected}


def growthbook_cuped(case: Case) -> dict[str, Any]:
    arms = []
    for side in ("treatment", "control"):
        i = case.inputs[side]
        n, post, pre = i["n"], i["post_sum"], i["pre_sum"]
        cross = i["post_pre_sum_product"] - post * pre / n
        squares = [i["post_sum_squares"] - post * post / n, i["pre_sum_squares"] - pre * pre / n]
        comoment = np.array([[squares[0], cross], [cross, squares[1]]])
        arms.append(Moments(n, ("post", "pre"), np.array([post / n, pre / n]), comoment))
    t, c = cuped(arms[0], arms[1], ("post",), "pre")
    d = difference(t, c, 0.05)
    # The peer divides by the control mean before adjustment, and takes the size of the lift from there, too.
    mean_t, base = arms[0].mean_of("post"), arms[1].mean_of("post")
    std_error = math.sqrt(delta_variance(mean_t, base, t.at("post")[1], 0.0, c.at("post")[1]))
    found = sequence_of(d.estimate / base, std_error, t.n + c.n, 5000, "two_sided")
    return {key: found[key] for key in case.expected}


def sample_ratio_at_every_unit(case: Case) -> dict[str, Any]:
    i = case.inputs
    arrived = np.array(i["arm_sequence"])
    counts = np.cumsum(arrived[:, None] == np.arange(1, len(i["theta0"]) + 1), axis=0)
    found = [
        sequential_sample_ratio([int(v) for v in row], i["theta0"], i["concentration"]) for row in counts
    ]
    smallest = list(accumulate((f.p_value for f in found), min))
    return {
        "log_bayes_factor_at_100": found[99].log_bayes_factor,
        "log_bayes_factor_at_400": found[399].log_bayes_factor,
        "p_at_100": smallest[99],
        "p_at_400": smallest[399],
        "max_log_bayes_factor": max(f.log_bayes_factor for f in found),
    }


CHECKS = {
    "group_sequential": group_sequential,
    "group_sequential.classical_k2": classical,
    "group_sequential.classical_k4": classical,
    "group_sequential.classical_k10": classical,
    "group_sequential.naive_peeking": peeking,
    "group_sequential.inflation_asOF": characteristics,
    "group_sequential.stagewise_obf_stop2": stagewise,
    "group_sequential.stagewise_pocock_stop1": stagewise,
    "group_sequential.repeated_ci": repeated,
    "group_sequential.underrun_final": underrun,
    "anytime_valid": msprt,
    "anytime_valid.asympcs_topt50_a10": one_sample,
    "anytime_valid.asympcs_topt200_a10": one_sample,
    "anytime_valid.asympcs_topt1000_a10": one_sample,
    "anytime_valid.asympcs_two_sample_ipw": inverse_weighted,
    "anytime_valid.confseq_v10_a25": uniform_boundaries,
    "anytime_valid.confseq_v100_a25": uniform_boundaries,
    "anytime_valid.confseq_v1000_a25": uniform_boundaries,
    "anytime_valid.peeking_rule": peeking_rule,
    "srm.sequential_dirichlet": sample_ratio_at_every_unit,
    "gb-seq-mean": growthbook,
    "gb-seq-cuped": growthbook_cuped,
    "gb-seq-pipeline": growthbook,
    "gb-seq-1s-rel-greater": growthbook,
    "gb-seq-1s-rel-less": growthbook,
    "cs-normal-mix-2s": two_sided_mixture,
    "cs-bernoulli-700-1000": proportion,
    "cs-bernoulli-5-50": proportion,
    "gs-naive-2": peeking_upward,
    "gs-naive-10": peeking_upward,
    "gs-of-4": published_bounds,
    "gs-inflation-OF-20": published_inflation,
    "gs-inflation-Pocock-15": published_inflation,
    "sp-seq-2s": first_look,
    "sp-seq-3g": two_arms_two_looks,
    "ex-obf-spend": spent,
    "ep-obf-days": spent_by_day,
}

REFUSED = {
    "anytime_valid.bounded_cs_binary": "Hoeffding, empirical Bernstein, betting sequences are not offered: a "
    "difference has the asymptotic sequence and the mSPRT, one proportion the exact beta-binomial mixture",
}

NOT_COMPARED = {
    f"anytime_valid.{key}": f"the {name} boundary is not offered: the asymptotic confidence sequence and the "
    "mSPRT rest on the normal mixture"
    for key, name in (
        ("gamma_exponential", "gamma-exponential"),
        ("poly_stitching", "stitched"),
        ("beta_binomial_sub_bernoulli", "sub-Bernoulli"),
    )
}
