"""Checks of economics against metrics, arms and the cost book."""

from __future__ import annotations

from collections.abc import Iterator

from loyalty_exp.metrics import Amount, Margin, Ratio
from loyalty_exp.spec.draft import Draft
from loyalty_exp.spec.fields import at
from loyalty_exp.spec.place import Finding, Path, near


def benefit(spec: Draft) -> Iterator[Finding]:
    """Benefit is money: of an amount, or of events that have a value."""
    path: Path = ("economics", "benefit")
    name = at(spec.raw, (*path, "metric"))
    metrics = spec.raw.get("metrics")
    all_named = isinstance(metrics, list) and 0 < len(metrics) == len(spec.metric_ids)
    if isinstance(name, str) and all_named and name not in spec.metric_ids.values():
        hint = near(name, spec.metric_ids.values())
        yield Finding((*path, "metric"), f"'{name[:60]}' is not a metric of this spec", hint)
    given = spec.benefit
    metric = spec.by_id.get(given.metric) if given else None
    if given is None or metric is None:
        return
    kind = str(getattr(metric, "type", ""))
    if isinstance(metric, Ratio):
        hint = "name an amount, or a count or proportion with a value"
        yield Finding((*path, "metric"), f"'{metric.id}' is a ratio, which is not money for each unit", hint)
    elif isinstance(metric, (Amount, Margin)) and given.value is not None:
        message = f"'{metric.id}' is an amount, which is money already; value is for events"
        yield Finding((*path, "value"), message, "write margin: the part that is margin, 0 to 1", on_key=True)
    elif isinstance(metric, Margin) and given.margin is not None:
        message = f"'{metric.id}' is margin already"
        yield Finding((*path, "margin"), message, "remove margin", on_key=True)
    elif not isinstance(metric, (Amount, Margin)) and given.margin is not None:
        message = f"'{metric.id}' is a {kind}, which is not money; margin is for amounts"
        yield Finding((*path, "margin"), message, "write value: the money one event is worth", on_key=True)
    elif not isinstance(metric, (Amount, Margin)) and given.value is None:
        message = f"is required: '{metric.id}' is a {kind}, which is not money"
        yield Finding((*path, "value"), message, "value: the money one event is worth")


def cost_lines(spec: Draft) -> Iterator[Finding]:
    """Costs name arms of the spec, and prices of the cost book."""
    arms = spec.arm_ids
    for i, line in spec.costs.items():
        path: Path = ("economics", "costs", i)
        for key in ("per_unit", "price"):
            name = getattr(line, key)
            if isinstance(name, str) and spec.prices is not None:
                hint = near(name, spec.prices) or "write a number, or add it to cost_prices of the program"
                yield Finding((*path, key), f"'{name}' is not a price of the program", hint)
        if line.arms == ():
            yield Finding((*path, "arms"), "names no arm", "name one, or remove the key")
        for j, arm in enumerate(line.arms or ()):
            if arms and arm not in arms:
                yield Finding((*path, "arms", j), f"'{arm}' is not an arm of this spec", near(arm, arms))
        if line.per_event is not None and isinstance(spec.by_id.get(line.per_event), Ratio):
            message = f"'{line.per_event}' is a ratio; a ratio counts no events"
            yield Finding((*path, "per_event"), message, "name a count, an amount or a column")
