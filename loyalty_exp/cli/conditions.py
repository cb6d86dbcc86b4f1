"""The conditions of `--fail-on`: what they are called, and whether a readout meets one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONDITIONS: Mapping[str, str] = {
    "srm": "the sample ratio differs from the plan",
    "invalid": "the readout is invalid",
    "health": "a health check fails",
    "provisional": "outcome windows are still open",
    "guardrail": "a guardrail is breached",
    "not-ship": "the verdict is not to ship",
    "stop": "the verdict is to stop",
}


def holding(condition: str, readout: Mapping[str, Any]) -> bool:
    """Tell whether a readout, as plain values, meets a condition."""
    failed = {check["check"] for check in readout["health"] if check["status"] == "fail"}
    guardrails = [e["guardrail"] for e in readout["estimates"] if e["guardrail"] and not e["segment"]]
    return bool(
        {
            "srm": "sample_ratio" in failed,
            "invalid": readout["status"] == "invalid",
            "health": failed,
            "provisional": readout["status"] == "provisional",
            "guardrail": any(g["status"] == "breached" for g in guardrails),
            "not-ship": readout["decision"]["action"] != "ship",
            "stop": readout["decision"]["action"] == "stop",
        }[condition]
    )
