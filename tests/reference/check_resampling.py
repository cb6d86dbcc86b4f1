"""Reference cases: quantiles, ranks, bootstrap and randomization tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from case import Case, column_of, table

from loyalty_exp.stats import bootstrap as boot
from loyalty_exp.stats import replicates as rep
from loyalty_exp.stats.draws import Complete
from loyalty_exp.stats.hodges_lehmann import hodges_lehmann
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.quantile_sequence import always_valid_quantile_p
from loyalty_exp.stats.quantiles import (
    OrderStatistics,
    order_statistics,
    quantile,
    quantile_difference,
    quantile_ranks,
)
from loyalty_exp.stats.randomization import monte_carlo_p, randomization_test
from loyalty_exp.stats.ranks import brunner_munzel, mann_whitney

DRAWS = 20_000


def by_arm(inputs: dict[str, Any], *columns: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of both arms, shape (n, k), of a data file or of arrays written in the case."""
    if "data" not in inputs:
        treated, control = inputs["treatment"], inputs["control"]
        return np.array(treated, float)[:, None], np.array(control, float)[:, None]
    data = inputs["data"]
    source = table(data["file"])
    x = np.column_stack([column_of(source, c) for c in columns])
    arm = column_of(source, data["arm"])
    keep = np.ones(len(x), bool)
    if "filter" in data:
        assert data["filter"] == "spend > 0"
        keep = column_of(source, "spend") > 0
    return x[keep & (arm == data.get("treatment", 1))], x[keep & (arm == data.get("control", 0))]


def quantiles(case: Case) -> dict[str, Any]:
    i, p = case.inputs, case.inputs["p"]
    if "type1" in case.expected:
        return {f"type{k}": quantile(i["values"], p, k) for k in range(1, 10)}
    if "estimate" in case.expected:
        treated, control = by_arm(i, "spend")
        d = quantile_difference(*(order_statistics(a[:, 0], p, 0.05) for a in (treated, control)), 0.05)
        names = ("se_iid", "se_nid_hendricks_koenker", "se_kernel_powell")
        return {"estimate": d.estimate} | {
            k: d.std_error for k in names if f"{case.id}.{k}" not in NOT_COMPARED
        }
    if "data" in i:
        treated, control = by_arm(i, "spend")
        return {"treatment": limits(treated[:, 0], p), "control": limits(control[:, 0], p)}
    found = limits(np.array(i["values"]), p)
    return {k: v for k, v in found.items() if not k.startswith("q_")}


def limits(x: np.ndarray, p: float) -> dict[str, Any]:
    found, ranks = order_statistics(x, p, 0.05), quantile_ranks(len(x), p, 0.05)
    assert found.value == quantile(x, p)
    return {
        "q_type7": quantile(x, p, 7),
        "q_type1": found.value,
        "rank_low": found.rank_low,
        "rank_high": found.rank_high,
        "low": found.low,
        "high": found.high,
        "exact_coverage": ranks.coverage,
    }


def engine_quantiles(case: Case) -> dict[str, Any]:
    i = case.inputs
    t, c = (
        OrderStatistics(a["n"], i["nu"], 1, a["lower"], a["quantile"], a["n"], a["upper"], coverage=0.95)
        for a in (i["treatment"], i["control"])
    )
    return {"effect": quantile_difference(t, c, 0.05).estimate}


def sequential_quantile(case: Case) -> dict[str, Any]:
    i = case.inputs
    arms = [np.arange(int(v[0]), int(v[1]) + 1.0) for v in (i["a"].split(".."), i["b"].split(".."))]
    return {"p_value": always_valid_quantile_p(*arms, i["quantile"], i["t_opt"], i["alpha_opt"])[0]}


def rank_tests(case: Case) -> dict[str, Any]:
    t, c = (a[:, 0] for a in by_arm(case.inputs, "spend"))
    plain = mann_whitney(t, c)
    out: dict[str, Any] = {
        "U": plain.u,
        "prob_superiority": plain.superiority,
        "var_U_ties": plain.variance,
    }
    if plain.not_tested:
        return out
    out |= {"z_no_cc": plain.z, "p_asymptotic": plain.p_value}
    bm = brunner_munzel(t, c, 0.05)
    out |= {
        "brunner_munzel_statistic": bm.statistic,
        "brunner_munzel_df": bm.df,
        "brunner_munzel_p": bm.p_value,
        "brunner_munzel_p_t_gt_c": bm.superiority,
        "bm_low": bm.ci_lower,
        "bm_high": bm.ci_upper,
    }
    if "p_exact" in case.expected:
        out["p_asymptotic_cc"] = mann_whitney(t, c, continuity=True).p_value
        out["p_exact"] = mann_whitney(t, c, exact=True).p_value
        out["hodges_lehmann"] = hodges_lehmann(t, c, 0.05).estimate
    if "hl_exact_low" in case.expected:
        shift = hodges_lehmann(t, c, 0.05, exact=True)
        out |= {"hl_exact_low": shift.ci_lower, "hl_exact_high": shift.ci_upper}
    return out


def separated(case: Case) -> dict[str, Any]:
    found = mann_whitney(case.inputs["treatment"], case.inputs["control"], exact=True)
    return {"p_value": found.p_value, "statistic": found.u}


def ideal_mean(case: Case) -> dict[str, Any]:
    x = np.array(case.inputs["values"], float)[:, None]
    means = boot.every_resample(x, lambda rows: rows[..., 0].mean(axis=-1))
    medians = boot.every_resample(x, lambda rows: np.median(rows[..., 0], axis=-1))
    moments = from_rows({"y": x[:, 0]})
    low, high = rep.percentile_interval(means, 0.05)
    return {
        "estimate": means.estimate,
        "ideal_se": means.std_error,
        "closed_form_se": (moments.comoment[0, 0] / moments.n**2) ** 0.5,
        "ideal_q025": low,
        "ideal_q975": high,
        "median_ideal_se": medians.std_error,
        "share_median_is_2.5": float((medians.values == 2.5).mean()),
    }


def city(case: Case) -> dict[str, Any]:
    rows = np.column_stack([case.inputs["x"], case.inputs["u"]]).astype(float)
    found = boot.bootstrap([rows], boot.ratio, 2 * DRAWS, np.random.default_rng(1))
    a = boot.acceleration([rows], boot.ratio)
    out = {
        "estimate": found.estimate,
        "jackknife_acceleration_n_minus_1": a,
        "se": found.std_error,
        "bias": found.bias,
    }
    intervals = {
        "normal": rep.normal_interval(found, 0.05),
        "basic": rep.basic_interval(found, 0.05),
        "percentile": rep.percentile_interval(found, 0.05),
        "bca": rep.bca_interval(found, a, 0.05),
    }
    for name, (low, high) in intervals.items():
        out |= {f"{name}_low": low, f"{name}_high": high}
    return out


def order_value(case: Case) -> dict[str, Any]:
    arms = by_arm(case.inputs, "spend", "orders")
    found = boot.bootstrap(arms, boot.ratio_difference, 4_000, np.random.default_rng(1))
    low, high = rep.percentile_interval(found, 0.05)
    return {"se": found.std_error, "percentile_low": low, "percentile_high": high}


def permutation(case: Case) -> dict[str, Any]:
    i = case.inputs
    if "exceedances" in i:
        return {"p_value": monte_carlo_p(i["exceedances"], i["B"])}
    t, c = i["treatment"], i["control"]
    draw = Complete(len(t) + len(c), len(t))
    found = randomization_test([*t, *c], [True] * len(t) + [False] * len(c), draw)
    assert found.exact
    return {
        "observed": found.observed,
        "p_two_sided": found.p_value,
        "p_greater": found.p_greater,
        "p_less": found.p_less,
        "n_permutations": found.assignments,
    }


CHECKS = {
    "quantiles": quantiles,
    "gb-quantile-abs": engine_quantiles,
    "cs-quantile-0.5-70": sequential_quantile,
    "cs-quantile-0.5-100": sequential_quantile,
    "rank_tests": rank_tests,
    "tt-mwu": separated,
    "bootstrap.ideal_mean_n5": ideal_mean,
    "bootstrap.city_ratio": city,
    "bootstrap.members_ab_aov_cluster": order_value,
    "permutation": permutation,
}

REFUSED = {
    "gb-quantile-abs-prior": "the peer's variances carry the factor (n - 1) / n, as in gb-quantile-abs, and "
    "all figures follow from them; with it they agree to 1e-9, see tests/stats/test_quantiles.py",
}

NOT_COMPARED = {
    "gb-quantile-abs.ci": "the peer multiplies the variance of an arm's quantile by (n - 1) / n, which Price "
    "and Bonett do not; with this factor the limits agree to 1e-9, see tests/stats/test_quantiles.py",
    "quantiles.quantreg_p90.se_iid": "assumes the same density of errors in both arms; the one that does not "
    "(se_nid_hendricks_koenker) is compared",
}
