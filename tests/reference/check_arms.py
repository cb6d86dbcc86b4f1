"""Reference cases: sample ratios, several tests at once, several arms, segments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from case import Case, column_of, table

from loyalty_exp.stats.difference import difference
from loyalty_exp.stats.distributions import f_sf
from loyalty_exp.stats.dunnett import dunnett
from loyalty_exp.stats.gatekeeping import fixed_sequence
from loyalty_exp.stats.interaction import homogeneity
from loyalty_exp.stats.max_t import max_t
from loyalty_exp.stats.means import plain
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.multiplicity import (
    benjamini_hochberg,
    benjamini_krieger_yekutieli,
    benjamini_yekutieli,
    bonferroni,
    hochberg,
    hochberg_sidak,
    holm,
    holm_sidak,
    hommel,
    sidak,
)
from loyalty_exp.stats.sample_ratio import exact_sample_ratio, g_sample_ratio, sample_ratio
from loyalty_exp.stats.several_arms import (
    classical_anova,
    equal_proportions,
    kruskal_wallis,
    trend_of_proportions,
    welch_anova,
)


def srm(case: Case) -> dict[str, Any]:
    counts, weights = case.inputs["observed"], case.inputs["weights"]
    s, g = sample_ratio(counts, weights), g_sample_ratio(counts, weights)
    if "exact_p" in case.expected:
        assert s.exact
        return {"exact_p": s.p_value}
    return {
        "expected_counts": s.expected,
        "chisq": s.statistic,
        "df": s.df,
        "p_value": s.p_value,
        "log10_p": s.log_p_value / math.log(10),
        "g_statistic": g.statistic,
        "g_p": g.p_value,
        "standardised_residuals": s.residuals,
        "flag_0.001": s.flagged(0.001),
        "flag_0.0005": s.flagged(0.0005),
    }


def peer_srm(case: Case) -> dict[str, Any]:
    s = sample_ratio(case.inputs["counts"], case.inputs["weights"])
    return {k: v for k, v in {"statistic": s.statistic, "p_value": s.p_value}.items() if k in case.expected}


def exact_srm(case: Case) -> dict[str, Any]:
    return {"p_value": exact_sample_ratio(case.inputs["counts"], case.inputs["weights"]).p_value}


METHODS = {
    "bonferroni": bonferroni,
    "sidak": sidak,
    "holm": holm,
    "holm_sidak": holm_sidak,
    "hochberg": hochberg,
    "hommel": hommel,
    "bh": benjamini_hochberg,
    "by": benjamini_yekutieli,
}


def multiplicity(case: Case) -> dict[str, Any]:
    return {name: method(case.inputs["p"]) for name, method in METHODS.items()}


def peer_adjusted(case: Case) -> dict[str, Any]:
    method = {
        "tt-by": benjamini_yekutieli,
        "tt-holm-sidak": holm_sidak,
        "tt-hochberg-sidak": hochberg_sidak,
        "gb-bh": benjamini_hochberg,
    }[case.id]
    return {"p_adjusted": method(case.inputs["p"])}


def two_stage(case: Case) -> dict[str, Any]:
    found = benjamini_krieger_yekutieli(case.inputs["p"], case.inputs["q"])
    return {
        "first_stage_rejections": found.first_stage,
        "m0_hat": found.true_nulls,
        "n_rejected": sum(found.rejected),
    }


def several() -> dict[str, np.ndarray]:
    source = table("data/multi_arm.csv")
    arm, y = np.array(source["arm"]), column_of(source, "y")
    return {name: y[arm == name] for name in sorted(set(source["arm"]))}


def dunnett_case(case: Case) -> dict[str, Any]:
    groups = {name: from_rows({"y": values}) for name, values in several().items()}
    control = groups.pop("control")
    found = dunnett(list(groups.values()), control, "y", case.alpha)
    d = found.differences
    return {
        "order": list(groups),
        "estimate": [r.estimate for r in d],
        "se": [r.std_error for r in d],
        "t": [r.estimate / r.std_error for r in d],
        "df": found.df,
        "p_adjusted": [r.p_value for r in d],
        "critical_value": found.critical_value,
        "low": [r.ci_lower for r in d],
        "high": [r.ci_upper for r in d],
    }


def all_assignments(case: Case) -> dict[str, Any]:
    i = case.inputs
    found = max_t(np.column_stack([i["metric1"], i["metric2"]]), i["arm"], np.random.default_rng(0))
    assert (found.draws, found.exhaustive) == (70, True)
    return {"t": found.statistics, "p_raw": found.p_values, "p_maxT_stepdown": found.adjusted}


def any_difference(case: Case) -> dict[str, Any]:
    values = several()
    groups = [from_rows({"y": v}) for v in values.values()]
    w, f, k = welch_anova(groups, "y"), classical_anova(groups, "y"), kruskal_wallis(list(values.values()))
    return {
        "welch_F": w.statistic,
        "welch_df1": w.df_numerator,
        "welch_df2": w.df_denominator,
        "welch_p": w.p_value,
        "classical_F": f.statistic,
        "classical_p": f.p_value,
        "kruskal_H": k.statistic,
        "kruskal_p": k.p_value,
    }


def smokers(case: Case) -> dict[str, Any]:
    i = case.inputs
    any_, trend = equal_proportions(i["x"], i["n"]), trend_of_proportions(i["x"], i["n"], i["dose"])
    return {
        "chisq": any_.statistic,
        "p_value": any_.p_value,
        "trend_chisq": trend.statistic,
        "trend_p": trend.p_value,
    }


def segments(case: Case) -> dict[str, Any]:
    source = table("data/members_ab.csv")
    tier, arm = np.array(source["tier"]), np.array(source["arm"])
    spend = column_of(source, "spend")
    estimates, errors, n = {}, {}, 0
    for name in ("bronze", "gold", "silver"):
        t, c = (from_rows({"y": spend[(tier == name) & (arm == a)]}) for a in "10")
        d = difference(plain(t, ("y",)), plain(c, ("y",)), 0.05)
        estimates[name], errors[name] = d.estimate, d.std_error
        n += t.n + c.n
    q, df, p = homogeneity(list(estimates.values()), list(errors.values()))
    # A mean in each cell takes six coefficients; Wald's F is Cochran's Q over its degrees of freedom.
    f, _ = f_sf(q / df, df, n - 6)
    return {
        "segment_estimates": estimates,
        "segment_se": errors,
        "wald_F_hc2": q / df,
        "wald_F_hc2_p": f,
        "wald_chisq_hc2": q,
        "wald_chisq_p": p,
        "cochran_Q": q,
        "Q_p": p,
    }


CHECKS = {
    "srm": srm,
    "ep-srm-3arm-ok": peer_srm,
    "ep-srm-small": peer_srm,
    "ep-srm-large2": peer_srm,
    "ep-srm-zero-arm": peer_srm,
    "tt-srm-norm": peer_srm,
    "tt-srm-binom": exact_srm,
    "multiplicity": multiplicity,
    "multiplicity.bky_two_stage": two_stage,
    "multiplicity.fixed_sequence": lambda case: {"adjusted": fixed_sequence(case.inputs["p"])},
    "multiplicity.dunnett_multi_arm": dunnett_case,
    "multiplicity.westfall_young_maxT": all_assignments,
    "tt-by": peer_adjusted,
    "tt-holm-sidak": peer_adjusted,
    "tt-hochberg-sidak": peer_adjusted,
    "gb-bh": peer_adjusted,
    "multi_arm.welch_anova": any_difference,
    "multi_arm.smokers": smokers,
    "heterogeneity": segments,
}

REFUSED = {
    "gb-adjusted-ci": "an interval solved back from an adjusted p-value is none: a lift of 0 gets no "
    "width, and an adjusted p-value of 1 an infinite one",
    "gb-hash": "the draw is SHA-256 of salt and unit; the FNV hash of this peer is not ours",
    "gb-namespace": "layers have slots of their own, drawn by SHA-256; the hash of this peer is not ours",
    "gb-bucket-ranges": "the peer's fault: shares that do not sum to 1 become equal; here they are refused",
}

NOT_COMPARED = {
    "heterogeneity.tier_interaction.classical_F": "takes one variance for all cells; ours are kept apart",
    "heterogeneity.tier_interaction.classical_F_p": "takes one variance for all cells; ours are kept apart",
}
