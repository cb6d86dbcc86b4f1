"""The interval that decides: where the spec planned looks, the one that holds at all of them together."""

from __future__ import annotations

from loyalty_exp.report.facts import Row


def deciding(estimate: Row) -> Row | None:
    """Give the absolute effect with the interval and the p-value that the verdict rests on."""
    found, seen = estimate["absolute"], estimate.get("sequential")
    return {**found, **seen} if found and seen else found


def deciding_net(e: Row) -> Row:
    """Give the net benefit in total with the interval that the verdict rests on."""
    net: Row = e["net_benefit_total"]
    seen = e.get("net_benefit_sequential")
    if not seen:
        return net
    bounds = {k: None if seen[k] is None else seen[k] * e["units"] for k in ("ci_lower", "ci_upper")}
    return {**net, **bounds}


def deciding_benefit(e: Row, plan: Row, estimate: Row | None) -> Row | None:
    """Give the benefit for each unit with an interval that holds; None where it is not a plain multiple.

    Extra margin is a constant times the effect on the metric of the benefit, so its interval is as well.
    """
    if not e.get("net_benefit_sequential"):
        found: Row = e["benefit"]
        return found
    own = deciding(estimate) if estimate else None
    if own is None or not estimate or not estimate.get("sequential"):
        return None
    terms = plan.get("benefit") or {}
    times = next((terms[k] for k in ("margin", "value") if terms.get(k) is not None), 1.0)
    value = e["benefit"]["estimate"]
    if abs(times * own["estimate"] - value) > 1e-9 * max(1.0, abs(value)) or times <= 0:
        return None
    bounds = {k: None if own[k] is None else times * own[k] for k in ("ci_lower", "ci_upper")}
    return {**e["benefit"], **bounds}


def bounded(interval: Row | None) -> bool:
    """Say whether an interval has both bounds; at a very early look it may have none."""
    return interval is not None and interval["ci_lower"] is not None and interval["ci_upper"] is not None


def holds_zero(interval: Row | None) -> bool:
    """Say whether an interval holds zero; one without bounds holds everything."""
    if interval is None:
        return False
    if not bounded(interval):
        return True
    return bool(interval["ci_lower"] <= 0 <= interval["ci_upper"])
