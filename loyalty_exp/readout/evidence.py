"""How strong the evidence is, by rule: none, weak, moderate or strong."""

from __future__ import annotations

from collections.abc import Sequence

from loyalty_exp.readout.money import EconomicsFacts
from loyalty_exp.readout.result import DecisionFacts, HealthCheck, Status


def evidence_level(
    status: Status,
    health: Sequence[HealthCheck],
    decision: DecisionFacts,
    economics: Sequence[EconomicsFacts],
) -> str:
    """Grade the evidence for the verdict.

    ``none`` for an invalid readout; ``weak`` while it is provisional or the question is not settled;
    otherwise ``moderate``, and ``strong`` when no check warns and the net-benefit estimate lies more than
    one and a half times the half-width of the interval that decides away from zero.
    """
    if status == "invalid":
        return "none"
    if status == "provisional" or decision.action in {"not_settled", "extend"}:
        return "weak"
    if any(h.status in {"warn", "fail"} for h in health):
        return "moderate"
    money = next((e for e in economics if e.treatment == decision.arm), None)
    if money is None:
        return "moderate"
    bounds = money.net_benefit_sequential or money.net_benefit
    half_width = (bounds.ci_upper - bounds.ci_lower) / 2
    return "strong" if abs(money.net_benefit.estimate) > 1.5 * half_width else "moderate"
