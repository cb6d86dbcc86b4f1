"""Checks of what costs grow with: the points of the program, event tables, and what arms cause."""

from __future__ import annotations

from collections.abc import Iterator

from loyalty_exp.metrics import Margin
from loyalty_exp.spec.draft import Draft
from loyalty_exp.spec.economics import CostLine
from loyalty_exp.spec.place import Finding, Path

_COUNTED = ("points", "coupons", "perks", "contacts", "referrals")

_CAUSES = {
    "points": "issues points",
    "coupons": "takes money off orders",
    "perks": "gives a perk",
    "contacts": "sends messages",
    "referrals": "pays rewards",
    "fixed": "holds an event",
}
_PAID_IN = {"referrals": ("referrals", "points", "coupons")}


def cost_sources(spec: Draft) -> Iterator[Finding]:
    """A cost that counts events has a table of them; points have a value."""
    if spec.data is None:
        return
    for i, line in spec.costs.items():
        driver = line.driver
        if driver not in _COUNTED:
            continue
        path: Path = ("economics", "costs", i, driver)
        if spec.units_shape:
            message = "counts events beside transactions; a per-unit table has none"
            yield Finding(path, message, "write per_event: the column that counts them", on_key=True)
            continue
        if driver == "points" and spec.program is not None and spec.program.points is None:
            hint = "give points: {face_value: ..., redemption_rate: ...} in the program file"
            yield Finding(path, "the program has no points: nothing says what one costs", hint, on_key=True)
        if driver == "points" and spec.data.points is None and _computed(spec):
            continue
        if getattr(spec.data, driver) is None:
            message = f"there is no data.{driver}: nothing counts these events"
            yield Finding(path, message, f"add {driver}: {{table: ..., ...}} to data:", on_key=True)
        else:
            yield from _columns_of_line(path, line, spec)
    yield from _coupons_counted_twice(spec)


def _coupons_counted_twice(spec: Draft) -> Iterator[Finding]:
    """Say, as a notice, that a margin of what was paid lacks the coupons that a line counts as a cost."""
    metric = spec.by_id.get(spec.benefit.metric) if spec.benefit is not None else None
    if not isinstance(metric, Margin) or metric.discount_is_tender:
        return
    for i, line in spec.costs.items():
        if line.coupons is not None:
            message = f"counts twice if '{metric.id}' is made of amounts after coupons"
            hint = "map data.transactions.discount and give the metric discount_is_tender: true"
            path: Path = ("economics", "costs", i, "coupons")
            yield Finding(path, message, hint, on_key=True, severity="notice")


def _computed(spec: Draft) -> bool:
    """Tell whether points follow from the orders by the rule of the program."""
    points = spec.program.points if spec.program is not None else None
    return points is not None and points.earn is not None


def _columns_of_line(path: Path, line: CostLine, spec: Draft) -> Iterator[Finding]:
    assert spec.data is not None
    points, coupons = spec.data.points, spec.data.coupons
    if line.points in {"base", "bonus"} and points is not None and points.lot is None:
        message = f"'{line.points}' needs data.points.lot: the column that tells base from bonus"
        yield Finding(path, message, "add lot: to data.points, or write points: all")
    if isinstance(line.coupons, tuple) and coupons is not None and coupons.code is None:
        message = "a list of codes needs data.coupons.code: the column of the code"
        yield Finding(path, message, "add code: to data.coupons, or write coupons: all")


def uncounted(spec: Draft) -> Iterator[Finding]:
    """Say, as a notice, what an arm makes the program pay for and no cost line counts."""
    if not isinstance(spec.arms, dict) or spec.benefit is None or not spec.all_costs_read:
        return
    for i, arm in spec.arms.items():
        if arm.intervention is None:
            continue
        lines = {c.driver for c in spec.costs.values() if c.arms is None or arm.id in c.arms}
        for driver in arm.intervention.drivers():
            counted = {*_PAID_IN.get(driver, (driver,))}
            if driver != "fixed":
                counted |= {"per_event", "per_unit"}
            if not lines & counted:
                key = driver if driver == "fixed" else f"{driver} or per_event"
                message = f"arm '{arm.id}' {_CAUSES[driver]}, and no cost line counts that"
                hint = f"add a line with {key}, or cost is understated"
                path: Path = ("arms", i, "intervention")
                yield Finding(path, message, hint, on_key=True, severity="notice")
