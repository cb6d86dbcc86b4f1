"""Checks across sections: the shape of the data, the arms, the schedule, the decision."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from loyalty_exp.spec.arms import ArmsInColumn
from loyalty_exp.spec.cost_coherence import cost_sources, uncounted
from loyalty_exp.spec.draft import Draft
from loyalty_exp.spec.factorial_coherence import contrasts, factors_make_cells
from loyalty_exp.spec.metric_coherence import covariates, estimators_fit, kinds_fit_shape, ratio_parts
from loyalty_exp.spec.money_coherence import benefit, cost_lines
from loyalty_exp.spec.naive_coherence import naive
from loyalty_exp.spec.place import Finding, near
from loyalty_exp.spec.population_coherence import joining_day, known_members
from loyalty_exp.spec.projection_coherence import (
    assumptions,
    calendar,
    horizon,
    post_period,
    rollout,
    within_the_data,
)

_NEEDS_MONEY = ("probability_net_benefit_positive", "probability_roi_above_hurdle", "net_benefit_lower_above")


def incoherent(spec: Draft) -> list[Finding]:
    """Find everything that two sections say differently."""
    return [finding for check in CHECKS for finding in check(spec)]


def repeated_ids(spec: Draft) -> Iterator[Finding]:
    """Metrics, segments and costs have ids of their own."""
    raw = spec.raw
    economics = raw.get("economics")
    lists = (
        (("metrics",), raw.get("metrics"), "metric"),
        (("segments",), raw.get("segments"), "segment"),
        (("economics", "costs"), economics.get("costs") if isinstance(economics, dict) else None, "cost"),
    )
    for path, items, noun in lists:
        seen: dict[str, int] = {}
        for i, item in enumerate(items if isinstance(items, list) else []):
            name = item.get("id") if isinstance(item, dict) else None
            if not isinstance(name, str):
                continue
            if name in seen:
                where = f"{'.'.join(path)}[{seen[name]}]"
                message = f"{noun} '{name[:60]}' is defined twice"
                yield Finding((*path, i, "id"), message, f"first in {where}; rename one")
            else:
                seen[name] = i


def a_primary_metric(spec: Draft) -> Iterator[Finding]:
    """One metric at least decides."""
    metrics = spec.raw.get("metrics")
    if not isinstance(metrics, list) or not metrics or len(spec.metrics) < len(metrics):
        return
    if not any(m.role == "primary" for m in spec.metrics.values()):
        hint = "say which one decides before looking at any: role: primary"
        yield Finding(("metrics",), "no metric has role: primary", hint)


def arms_fit_shape(spec: Draft) -> Iterator[Finding]:
    """Arms stand in a column of the per-unit table, or in a list beside an assignments table."""
    if spec.arms is None or spec.data is None:
        return
    in_column = isinstance(spec.arms, ArmsInColumn)
    if spec.units_shape and not in_column:
        yield Finding(
            ("arms",),
            "a per-unit table (data.units) holds the arm in a column; a list of arms is for transactions",
            "write arms: {from_column: ..., control: ..., treatments: [...]}",
            on_key=True,
        )
    if spec.transactions_shape and in_column:
        yield Finding(
            ("arms",),
            "with members and transactions the arms are a list; from_column is for a per-unit table",
            "write - {id: control, share: 0.5} for each arm",
            on_key=True,
        )


def negative_controls(spec: Draft) -> Iterator[Finding]:
    """Controls without effect are metrics of the spec."""
    named = spec.raw.get("negative_controls")
    known = list(spec.metric_ids.values())
    for i, name in enumerate(named if isinstance(named, list) else []):
        if isinstance(name, str) and name not in known:
            message = f"'{name[:60]}' is not a metric of this spec"
            yield Finding(("negative_controls", i), message, near(name, known))


def an_outcome_window(spec: Draft) -> Iterator[Finding]:
    """Transactions count in a window."""
    if spec.transactions_shape and spec.schedule is not None and spec.schedule.outcome_days is None:
        hint = "days after assignment in which outcomes count, such as schedule: {outcome_days: 28}"
        yield Finding(("schedule", "outcome_days"), "is required with transactions", hint)


def decision_has_money(spec: Draft) -> Iterator[Finding]:
    """A rule about money needs to know what a result is worth."""
    if spec.raw.get("economics") is not None or spec.decision is None or spec.decision.ship_if is None:
        return
    for key in _NEEDS_MONEY:
        if getattr(spec.decision.ship_if, key) is not None:
            yield Finding(
                ("decision", "ship_if", key),
                "needs an economics section: what a result is worth and what it costs",
                "add economics: {benefit: {metric: ...}, costs: [...]}, or use primary_improves",
                on_key=True,
            )


CHECKS: tuple[Callable[[Draft], Iterator[Finding]], ...] = (
    repeated_ids,
    a_primary_metric,
    arms_fit_shape,
    an_outcome_window,
    decision_has_money,
    kinds_fit_shape,
    covariates,
    ratio_parts,
    estimators_fit,
    benefit,
    cost_lines,
    negative_controls,
    cost_sources,
    uncounted,
    known_members,
    joining_day,
    factors_make_cells,
    contrasts,
    post_period,
    within_the_data,
    calendar,
    horizon,
    rollout,
    assumptions,
    naive,
)
