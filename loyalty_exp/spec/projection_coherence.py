"""Checks of windows and projections: days after an offer, horizons, roll-out, assumptions, the calendar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from loyalty_exp.metrics import Amount, Margin
from loyalty_exp.spec.draft import Draft
from loyalty_exp.spec.place import Finding, Path, near
from loyalty_exp.spec.projection import ASSUMED, Horizon

_DAY = dt.timedelta(days=1)

LEAST_HISTORY = 28
"""Days of orders, after the washout, from which a customer's value may be projected."""


def post_period(spec: Draft) -> Iterator[Finding]:
    """Where a price promotion pulls purchases forward, the window holds days after it."""
    plan, days = spec.schedule, spec.post_days
    if plan is None or plan.outcome_days is None:
        return
    path: Path = ("economics", "post_days")
    if days is not None and days >= plan.outcome_days:
        message = f"{days} days after the offer do not fit into an outcome window of {plan.outcome_days}"
        yield Finding(path, message, "raise schedule.outcome_days, or lower post_days")
        return
    if plan.start is None or plan.end is None:
        return
    after = plan.outcome_days - ((plan.end - plan.start).days + 1)
    if days is not None and after < days:
        message = f"the outcome window holds {max(after, 0)} days after the offer, not {days}"
        needed = plan.outcome_days + days - after
        yield Finding(path, message, f"write schedule.outcome_days: {needed}")
    elif days is not None and plan.data_to is not None and plan.end + days * _DAY > plan.data_to:
        message = (
            f"the period after the offer reaches to {plan.end + days * _DAY}, the data to {plan.data_to}"
        )
        yield Finding(path, message, "wait for the data, or lower post_days")
    elif days is None and after <= 0 and isinstance(spec.arms, dict) and spec.benefit is not None:
        yield from _pulled_forward(spec)


def _pulled_forward(spec: Draft) -> Iterator[Finding]:
    """Refuse money off without days after it; points, which lower a later price, earn a notice."""
    assert isinstance(spec.arms, dict)
    for i, arm in spec.arms.items():
        if arm.intervention is not None and arm.intervention.lowers_price():
            message = (
                f"arm '{arm.id}' lowers the price for a while, and the outcome window ends with it: "
                "purchases pulled forward count as gained"
            )
            hint = "raise schedule.outcome_days by a usual time between orders, and say economics.post_days"
            money_off = "coupons" in arm.intervention.drivers()
            path: Path = ("arms", i, "intervention")
            yield Finding(path, message, hint, on_key=True, severity="error" if money_off else "notice")


def within_the_data(spec: Draft) -> Iterator[Finding]:
    """Refuse a window that is not even over for the first unit, unless immature units are kept."""
    plan = spec.schedule
    if plan is None or plan.start is None or plan.data_to is None or plan.outcome_days is None:
        return
    last = plan.start + plan.outcome_days * _DAY - _DAY
    if last > plan.data_to:
        message = f"the first outcome window ends on {last}, the data on {plan.data_to}: no result is mature"
        hint = "wait for the data, or shorten schedule.outcome_days"
        kept = plan.immature == "include"
        yield Finding(("schedule", "data_to"), message, hint, severity="notice" if kept else "error")


def calendar(spec: Draft) -> Iterator[Finding]:
    """Say, as a notice, which unusual days the outcome window meets."""
    plan = spec.schedule
    if plan is None or plan.start is None or plan.outcome_days is None or spec.program is None:
        return
    last = max(plan.end or plan.start, plan.start + plan.outcome_days * _DAY - _DAY)
    policies = {c.event: c.policy for c in plan.calendar_conflicts}
    for i, conflict in enumerate(plan.calendar_conflicts):
        if conflict.event not in (known := [e.id for e in spec.program.calendar]):
            path: Path = ("schedule", "calendar_conflicts", i, "event")
            yield Finding(path, f"the program has no event '{conflict.event}'", near(conflict.event, known))
    for event in spec.program.calendar:
        if event.from_ <= last and plan.start <= event.to:
            if policies.get(event.id) == "forbid":
                message = f"'{event.id}' ({event.from_} to {event.to}) is forbidden, and the window meets it"
                yield Finding(
                    ("schedule",), message, f"the window is {plan.start} to {last}; move it", on_key=True
                )
                continue
            message = (
                f"the outcome window ({plan.start} to {last}) meets {event.id} ({event.from_} to {event.to})"
            )
            hint = "move the window, or expect more variance and purchases moved into those days"
            yield Finding(("schedule",), message, hint, on_key=True, severity="notice")


def horizon(spec: Draft) -> Iterator[Finding]:
    """Beyond what is observed a horizon says how the effect goes on."""
    given = spec.horizon
    observed = spec.schedule.outcome_days if spec.schedule else None
    if given is None:
        return
    path: Path = ("economics", "horizon", "days")
    if observed is None:
        if spec.units_shape and spec.schedule is not None:
            hint = "write schedule: {outcome_days: ...}, the days that the table holds"
            yield Finding(path, "nothing says how many days were observed", hint)
        return
    if given.days < observed:
        message = f"{given.days} days are fewer than the {observed} that are observed"
        yield Finding(path, message, "raise it, or leave the horizon out")
    elif given.days > observed and not given.persistence:
        message = (
            f"{given.days} days are more than the {observed} that are observed, and nothing says what follows"
        )
        yield Finding(path, message, "add persistence: [{rho_monthly: 0.5, weight: 1.0}]")
    yield from _customer_value(spec, given, observed)


def _customer_value(spec: Draft, given: Horizon, observed: int) -> Iterator[Finding]:
    """A projection reads the orders of a window that is long enough, and money."""
    asked = given.customer_value
    if asked is None:
        return
    path: Path = ("economics", "horizon", "customer_value")
    metric = spec.by_id.get(spec.benefit.metric) if spec.benefit is not None else None
    if spec.units_shape:
        message = "a per-unit table holds no orders; a projection reads how often and how recently"
        yield Finding(path, message, "remove it, or give members and transactions", on_key=True)
    elif given.days <= observed:
        yield Finding(
            path, "the horizon ends with the window", "raise horizon.days, or remove it", on_key=True
        )
    elif observed - asked.washout_days < LEAST_HISTORY:
        left = max(observed - asked.washout_days, 0)
        message = f"{left} days of the outcome window are left; at least {LEAST_HISTORY} are needed"
        hint = "lower washout_days, or raise schedule.outcome_days"
        yield Finding((*path, "washout_days"), message, hint)
    elif metric is not None and not isinstance(metric, (Amount, Margin)):
        message = f"the benefit '{metric.id}' is no money that orders bring"
        yield Finding(path, message, "name a benefit of type: margin or amount, or remove it", on_key=True)


def rollout(spec: Draft) -> Iterator[Finding]:
    """Eligible units by stratum need strata."""
    assignment = spec.raw.get("assignment")
    strata = assignment.get("strata") if isinstance(assignment, dict) else None
    if spec.rollout is not None and isinstance(spec.rollout.eligible, dict) and not strata:
        message = "counts by stratum need assignment.strata"
        hint = "write one number, or name the strata"
        yield Finding(("economics", "rollout", "eligible"), message, hint, on_key=True)


def assumptions(spec: Draft) -> Iterator[Finding]:
    """An assumption is about a number of the program or of the benefit."""
    seen: set[str] = set()
    for i, given in spec.assumptions.items():
        path: Path = ("economics", "assumptions", i, "name")
        if given.name in seen:
            yield Finding(path, f"'{given.name}' is assumed twice", "keep one")
        seen.add(given.name)
        known = (*ASSUMED, *(spec.prices or ()))
        if given.name not in known and spec.prices is not None:
            yield Finding(
                path, f"'{given.name}' is not a number that can be assumed", near(given.name, known)
            )
        elif given.name == "margin" and spec.benefit is not None and spec.benefit.margin is None:
            message = "the benefit has no margin: it is money or events already"
            yield Finding(path, message, "remove it, or give economics.benefit.margin")
        elif given.name in ASSUMED[:3] and spec.program is not None and spec.program.points is None:
            hint = "give points: in the program file, or remove it"
            yield Finding(path, f"the program has no points, so no {given.name}", hint)
