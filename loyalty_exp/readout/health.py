"""Can the result be trusted: every check with its numbers, whether it passed or did not run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Literal

from loyalty_exp.assignment.calendar import events_inside
from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import BALANCE
from loyalty_exp.readout.cluster_checks import check_clusters, drawn
from loyalty_exp.readout.exposure import exposure_checks
from loyalty_exp.readout.figures import Absolute
from loyalty_exp.readout.result import Estimate, HealthCheck
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.sample_ratio import sample_ratio
from loyalty_exp.stats.sample_ratio_sequential import sequential_sample_ratio
from loyalty_exp.stats.skewness import tail_excess
from loyalty_exp.stats.standardized import standardized_difference

MISSING_P = 0.001
"""A missing-outcome test below this means that the arms lose units at different rates."""

LOPSIDED = 0.4
"""Part of alpha/2 by which one tail of a test may exceed it, and the other fall short, before it is told."""

SUSPICIOUS_LIFT = 0.5
"""A relative lift beyond this is more often a fault of the data than a triumph."""


def check_health(
    experiment: Experiment, outcomes: Outcomes, estimates: Iterable[Estimate]
) -> tuple[HealthCheck, ...]:
    """Run every check; those that cannot run say ``not_run``, never ``pass``."""
    overall = [e for e in estimates if e.segment is None]
    return (
        _sample_ratio(experiment, outcomes),
        *_sample_ratio_by_segment(experiment, outcomes),
        *_allocation_drift(experiment, outcomes),
        _units_in_two_arms(outcomes),
        *check_clusters(experiment, outcomes),
        *exposure_checks(experiment, outcomes),
        _missing_outcome(experiment, outcomes),
        _pre_period_balance(experiment, outcomes),
        _maturity(outcomes),
        *_calendar(experiment),
        _guardrails(overall),
        *_data_findings(outcomes),
        *_odd_estimates(overall, experiment.analysis.alpha),
        *_skewed_and_unequal(experiment, outcomes),
    )


def is_valid(health: Iterable[HealthCheck]) -> bool:
    """Tell whether no check failed that decides validity."""
    return not failures(health)


def failures(health: Iterable[HealthCheck]) -> tuple[HealthCheck, ...]:
    """Checks that failed and decide validity; a broken guardrail is a result."""
    return tuple(h for h in health if h.status == "fail" and h.check != "guardrails")


def _sample_ratio(experiment: Experiment, outcomes: Outcomes) -> HealthCheck:
    """Compare the arms with their shares, by a test that may be repeated where the spec plans looks."""
    arms = experiment.planned_arms
    counts = [drawn(experiment, outcomes)[a.id] for a in arms]
    result = sample_ratio(counts, [a.share for a in arms])
    watched = sequential_sample_ratio(counts, [a.share for a in arms])
    planned = experiment.analysis.sequential is not None
    p_value = watched.p_value if planned else result.p_value
    failed = p_value < experiment.analysis.sample_ratio_threshold
    status: Literal["pass", "warn", "fail"] = (
        "fail" if failed else "warn" if p_value < 10 * experiment.analysis.sample_ratio_threshold else "pass"
    )
    detail = {
        "observed": {a.id: n for a, n in zip(arms, counts, strict=True)},
        "planned": {a.id: a.share for a in arms},
        "statistic": result.statistic,
        "df": result.df,
        "log_p_value": watched.log_p_value if planned else result.log_p_value,
        "always_valid_p_value": watched.p_value,
        "threshold": experiment.analysis.sample_ratio_threshold,
    }
    return HealthCheck("sample_ratio", status, p_value, detail)


def _sample_ratio_by_segment(experiment: Experiment, outcomes: Outcomes) -> list[HealthCheck]:
    """Ask of each segment whether the arms share its values alike: where a broken sample ratio comes from."""
    if not outcomes.segments or experiment.cluster is not None:
        return []
    from loyalty_exp.stats.contingency import independence

    found: dict[str, float] = {}
    for dimension in dict.fromkeys(cell.dimension for cell in outcomes.segments):
        counts = [
            [max((m[arm].n for m in blocks.values()), default=0) for arm in outcomes.units]
            for cell, blocks in outcomes.segments.items()
            if cell.dimension == dimension
        ]
        with contextlib.suppress(NotEstimable):
            found[dimension] = independence(counts).p_value
    if not found:
        return []
    worst = min(found, key=lambda d: found[d])
    limit = experiment.analysis.sample_ratio_threshold / len(found)
    status: Literal["pass", "warn"] = "warn" if found[worst] < limit else "pass"
    detail = {"dimension": worst, "p_values": found, "threshold": limit}
    return [HealthCheck("sample_ratio_by_segment", status, found[worst], detail)]


def _allocation_drift(experiment: Experiment, outcomes: Outcomes) -> list[HealthCheck]:
    """Shares of the arms over the time of assignment; there is nothing to check where all began together.

    Members of one household share arm and time, so that the test of single units would warn of nothing.
    """
    found = next((f for f in outcomes.findings if f.code == "allocation_drift"), None)
    if found is None or experiment.cluster is not None:
        return []
    detail: dict[str, Any] = {**found.detail, "threshold": experiment.analysis.sample_ratio_threshold}
    p = detail.pop("p_value")
    return [HealthCheck("allocation_drift", "warn" if p < detail["threshold"] else "pass", p, detail)]


def _units_in_two_arms(outcomes: Outcomes) -> HealthCheck:
    found = next((f for f in outcomes.findings if f.code == "multi_exposure"), None)
    if found is None:
        return HealthCheck("units_in_two_arms", "pass", None, {"units": 0, "share": 0.0})
    return HealthCheck("units_in_two_arms", "warn", None, {"units": found.rows, "share": found.share})


def _missing_outcome(experiment: Experiment, outcomes: Outcomes) -> HealthCheck:
    columns, worst = [], None
    arms = [a.id for a in experiment.planned_arms]
    for column, by_arm in outcomes.missing.items():
        total = sum(by_arm.values())
        if not total:
            continue
        columns.append({"column": column, "units": total})
        p = _same_share([by_arm.get(a, 0) for a in arms], [outcomes.units[a] for a in arms])
        worst = p if worst is None or (p is not None and p < worst) else worst
    status: Literal["pass", "warn"] = "warn" if worst is not None and worst < MISSING_P else "pass"
    return HealthCheck("missing_outcome", status, worst, {"columns": columns})


def _same_share(hits: list[int], units: list[int]) -> float | None:
    """P-value of Pearson's chi-square test (1900) that the share is the same in all arms."""
    from loyalty_exp.stats.distributions import chi2_sf

    total, n = sum(hits), sum(units)
    if not 0 < total < n or len(units) < 2:
        return None
    share = total / n
    statistic = sum(
        (h - share * u) ** 2 / (share * (1 - share) * u) for h, u in zip(hits, units, strict=True) if u
    )
    return chi2_sf(statistic, len(units) - 1)[0]


def _pre_period_balance(experiment: Experiment, outcomes: Outcomes) -> HealthCheck:
    block = outcomes.overall.get(BALANCE)
    if block is None:
        return HealthCheck("pre_period_balance", "not_run", None, {"covariates": 0})
    control = block[experiment.control]
    differences: list[dict[str, Any]] = []
    for treatment in experiment.treatments:
        for column in control.columns:
            try:
                treated, alone = (arm.select((column,)) for arm in (block[treatment], control))
                value = standardized_difference(treated, alone, column)
            except NotEstimable:
                continue
            if value is not None:
                differences.append({"column": column, "treatment": treatment, "value": value})
    if not differences:
        return HealthCheck("pre_period_balance", "not_run", None, {"covariates": len(control.columns)})
    worst = max(differences, key=lambda d: abs(d["value"]))
    threshold = experiment.analysis.balance_threshold
    status: Literal["pass", "warn"] = "warn" if abs(worst["value"]) > threshold else "pass"
    detail = {
        "worst": worst,
        "threshold": threshold,
        "covariates": len(control.columns),
        "differences": differences,
    }
    return HealthCheck("pre_period_balance", status, None, detail)


def _maturity(outcomes: Outcomes) -> HealthCheck:
    immature, units = sum(outcomes.immature.values()), sum(outcomes.units.values())
    status: Literal["pass", "warn"] = "warn" if immature else "pass"
    return HealthCheck("maturity", status, None, {"immature": immature, "units": units})


def _calendar(experiment: Experiment) -> list[HealthCheck]:
    """Unusual days inside the windows: told, left out, or there against the plan."""
    found = events_inside(experiment) if experiment.program.calendar else ()
    if not found:
        return []
    status: Literal["pass", "warn"] = "warn" if any(c.policy == "forbid" for c in found) else "pass"
    return [HealthCheck("calendar", status, None, {"events": [asdict(c) for c in found]})]


def _guardrails(overall: list[Estimate]) -> HealthCheck:
    results = [e for e in overall if e.role == "guardrail"]
    if not results:
        return HealthCheck("guardrails", "not_run", None, {"passed": 0, "breached": 0, "unsettled": 0})
    statuses = [e.guardrail.status if e.guardrail else "unsettled" for e in results]
    counts = {
        "passed": statuses.count("pass"),
        "breached": statuses.count("breached"),
        "unsettled": statuses.count("unsettled"),
    }
    status: Literal["pass", "warn", "fail"] = (
        "fail" if counts["breached"] else "warn" if counts["unsettled"] else "pass"
    )
    return HealthCheck("guardrails", status, None, counts)


def _data_findings(outcomes: Outcomes) -> list[HealthCheck]:
    own = {"multi_exposure", "immature", "allocation_drift"}
    rest = [f for f in outcomes.findings if f.code not in own]
    checks = [
        HealthCheck(
            f.code,
            "warn" if f.severity == "warn" else "pass",
            None,
            {"rows": f.rows, "total": f.total, "share": f.share, **f.detail},
        )
        for f in rest
    ]
    codes = [f.code for f in rest if f.severity == "warn"]
    return [HealthCheck("data", "warn" if codes else "pass", None, {"codes": codes}), *checks]


def _does_not_vary(found: Absolute) -> bool:
    """Tell a metric without variation from an estimator that gives an interval or a p-value and no error."""
    return found.std_error == 0 or (
        found.std_error is None and found.ci_lower is None and found.p_value is None
    )


def _odd_estimates(overall: list[Estimate], alpha: float) -> list[HealthCheck]:
    checks = []
    for check, hits in {
        "suspicious_uplift": [
            e.metric
            for e in overall
            if e.relative is not None
            and e.relative.estimate is not None
            and abs(e.relative.estimate) > SUSPICIOUS_LIFT
            and e.absolute is not None
            and e.absolute.p_value_adjusted is not None
            and e.absolute.p_value_adjusted < alpha
        ],
        "no_variance": [e.metric for e in overall if e.absolute is not None and _does_not_vary(e.absolute)],
        "zero_control_mean": [e.metric for e in overall if e.mean_control == 0],
    }.items():
        if hits:
            checks.append(HealthCheck(check, "warn", None, {"metrics": sorted(set(hits))}))
    return checks


def _skewed_and_unequal(experiment: Experiment, outcomes: Outcomes) -> list[HealthCheck]:
    """Primary means whose error lies mostly in one tail, because outcomes are skewed and arms unequal."""
    hits, alpha, control = [], experiment.analysis.alpha, experiment.control
    for metric, skew in outcomes.skewness.items():
        arms = outcomes.overall[metric]
        for treatment in experiment.treatments:
            try:
                t, c = (
                    (arms[a].variance(arms[a].columns[0]) / arms[a].n, arms[a].n, skew[a])
                    for a in (treatment, control)
                )
            except NotEstimable:
                continue
            if t[2] is None or c[2] is None:
                continue
            if abs(tail_excess(*t, *c, alpha)) > LOPSIDED * alpha / 2:  # type: ignore[arg-type]
                hits.append(metric)
    if not hits:
        return []
    return [HealthCheck("skewed_and_unequal", "warn", None, {"metrics": sorted(set(hits))})]


def warnings_of(health: Iterable[HealthCheck]) -> tuple[str, ...]:
    """Codes of the checks that warn or fail, each once, in order."""
    return tuple(dict.fromkeys(h.check for h in health if h.status in {"warn", "fail"} and h.check != "data"))


def detail_of(health: Iterable[HealthCheck], check: str) -> Mapping[str, Any]:
    """Numbers of one check; empty when it is not there."""
    return next((h.detail for h in health if h.check == check), {})
