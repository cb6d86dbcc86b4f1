"""Experiments for a portfolio; all numbers are invented."""

from __future__ import annotations

import copy

from report.fixtures import HOSTILE, STATES

from loyalty_exp.portfolio.gather import Entry
from loyalty_exp.portfolio.totals import money_of


def plain(experiment_id: str, net: float, error: float, action: str = "ship", **experiment: object) -> dict:
    found = copy.deepcopy(STATES["ship"]())
    found["experiment"] |= {"id": experiment_id, **experiment}
    found["decision"] = {**found["decision"], "action": action}
    money = money_of(found)
    assert money is not None
    money["net_benefit_total"] = {
        "estimate": net, "std_error": error, "ci_lower": net - 1.96 * error, "ci_upper": net + 1.96 * error,
    }  # fmt: skip
    money["net_benefit_sequential"] = None
    return found


def entries() -> tuple[Entry, ...]:
    return (
        Entry("a", plain("a", 50_000.0, 12_000.0), "decided", "ship", "Ann", "ship"),
        Entry("b", plain("b", 9_000.0, 15_000.0, "not_settled"), "decided", "ship", "Bo", "not_settled"),
        Entry("c", plain("c", -20_000.0, 9_000.0, "stop")),
        Entry("d", None, "locked"),
    )


def hostile() -> Entry:
    own = plain(HOSTILE, 1.0, 1.0, name=HOSTILE)
    return Entry(HOSTILE, own, "decided", "ship", HOSTILE, "stop")
