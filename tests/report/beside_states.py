"""Readouts made by the package with what stands beside the answer: other comparisons, and a longer time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from report.further import money, state

Dict = dict[str, Any]

NAIVE: list[Dict] = [
    {"compare": "before_after", "column": "pre", "market_growth": 0.04},
    {"compare": "participated", "column": "gone"},
    {"compare": "members", "outside": [{"field": "tier", "op": "==", "value": "platinum"}]},
]
"""Nobody is platinum: the last one has no answer."""

WAYS = [{"rho_monthly": 0.0, "weight": 0.3}, {"rho_monthly": 0.6, "weight": 0.7}]


def beyond(**horizon: Any) -> Dict:
    return {"schedule": {"outcome_days": 30}, "economics": money(horizon=horizon)}


def with_values(found: Callable[[], Dict], why: str | None = None) -> Callable[[], Dict]:
    """Add a projection of customer values, as transactions give it."""

    def made() -> Dict:
        r = found()
        arms = [
            {
                "arm": arm, "customers": 3000, "bought": 1234, "value": value, "backtest_error": 0.12,
                "parameters": {}, "frequency_value_correlation": 0.04,
            }
            for arm, value in (("double", 20.4), ("control", 18.1))
        ]  # fmt: skip
        interval = {"estimate": 2.3, "std_error": 0.9, "ci_lower": 0.54, "ci_upper": 4.06}
        r["outlook"][0]["horizon"]["customer_value"] = {
            "washout_days": 14, "history_days": 76, "projected_days": 60, "replicates": 200,
            "arms": [] if why else arms, "difference": None if why else interval,
            "sampling_std_error": None if why else 0.8, "backtest_error": None if why else 0.12,
            "not_estimable": why,
        }  # fmt: skip
        return r

    return made


LONGER = state(6000, **beyond(days=120, persistence=WAYS, discount_annual=0.1))

STATES: dict[str, Callable[[], Dict]] = {
    "naive": state(6000, economics=money(naive=NAIVE)),
    "horizon": LONGER,
    "horizon_observed": state(6000, **beyond(days=30)),
    "customer_value": with_values(LONGER),
    "customer_value_refused": with_values(LONGER, "in arm double, b runs off without end"),
}
