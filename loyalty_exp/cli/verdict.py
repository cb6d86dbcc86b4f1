"""The verdict in one line, for a terminal, a log or a chat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def verdict(readout: Mapping[str, Any]) -> str:
    """Say what was decided and on which number.

    Examples
    --------
    ``hillstrom_email: ship Mens E-Mail: net benefit $0.26 per customer_id (95% $0.17 to $0.35)``
    """
    decision = readout["decision"]
    action, arm = decision["action"].replace("_", " "), decision["arm"]
    head = f"{readout['experiment']['id']}: {action}{' ' + arm if arm else ''}"
    if readout["status"] == "invalid":
        failed = ", ".join(h["check"].replace("_", " ") for h in readout["health"] if h["status"] == "fail")
        return f"{head}: no effect is reported; failed: {failed or 'the readout is invalid'}"
    return f"{head}: {_money(readout, arm) or _effect(readout, arm)}{_open(readout)}"


def _money(readout: Mapping[str, Any], arm: str | None) -> str:
    for line in readout["economics"]:
        if line["treatment"] == arm or arm is None:
            net, currency = line["net_benefit"], readout["plan"]["currency"]
            value, low, high = (_amount(net[k], currency) for k in ("estimate", "ci_lower", "ci_upper"))
            return f"net benefit {value} per {readout['plan']['unit']} ({_level(readout)} {low} to {high})"
    return ""


def _effect(readout: Mapping[str, Any], arm: str | None) -> str:
    for line in readout["estimates"]:
        if line["role"] == "primary" and not line["segment"] and arm in (None, line["treatment"]):
            if line["absolute"] is None:
                return f"{line['metric']} cannot be estimated: {line['not_estimable']}"
            value, low, high = (_number(line["absolute"][k]) for k in ("estimate", "ci_lower", "ci_upper"))
            return f"{line['metric']} {value} against control ({_level(readout)} {low} to {high})"
    return "nothing could be estimated"


def _open(readout: Mapping[str, Any]) -> str:
    return "; provisional, outcome windows are still open" if readout["status"] == "provisional" else ""


def _level(readout: Mapping[str, Any]) -> str:
    return f"{100 * (1 - readout['plan']['alpha']):g}%"


def _amount(value: float | None, currency: Mapping[str, str] | None) -> str:
    if value is None:
        return "?"
    symbol = (currency["symbol"] or f"{currency['code']} ") if currency else ""
    return f"{'-' if value < 0 else ''}{symbol}{_digits(abs(value))}"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{'-' if value < 0 else '+'}{_digits(abs(value))}"


def _digits(size: float) -> str:
    """Write at least two decimals of money, and three significant figures of what is smaller."""
    if size >= 0.1 or size == 0:
        return f"{size:,.2f}"
    return f"{size:.3g}" if size >= 1e-4 else f"{size:.1e}"
