"""The registered rule applied to the numbers: a verdict that cannot contradict its own interval.

A rule that asks for a probability of 0.95 is met by an interval that still reaches below zero (its two-sided
95 % interval asks for 0.975). Where rule and interval disagree the stricter decides, and the reasons say so:
shipping needs the rule *and* a net-benefit interval above zero; stopping needs the rule *and* one below, or a
primary metric that is significantly worse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loyalty_exp.grammar import canonical
from loyalty_exp.readout.health import detail_of, failures, is_valid
from loyalty_exp.readout.money import EconomicsFacts
from loyalty_exp.readout.result import Action, DecisionFacts, Estimate, HealthCheck, Status
from loyalty_exp.readout.sequential import Look
from loyalty_exp.spec.analysis import AlwaysValid
from loyalty_exp.spec.decision import ShipIf
from loyalty_exp.spec.experiment import Experiment

Reason = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rule says of one treatment arm."""

    arm: str
    ships: bool
    stops: bool
    breached: bool
    value: float
    reasons: tuple[Reason, ...]


def status_of(health: Sequence[HealthCheck]) -> Status:
    """Tell whether the readout is invalid, provisional (windows still open) or mature."""
    if not is_valid(health):
        return "invalid"
    return "provisional" if detail_of(health, "maturity").get("immature") else "mature"


def rule_of(experiment: Experiment) -> ShipIf:
    """Give the rule of the spec, or the default: a net-benefit interval above zero, or better primaries."""
    if experiment.decision.ship_if is not None:
        return experiment.decision.ship_if
    if experiment.economics is not None:
        return ShipIf(probability_net_benefit_positive=1 - experiment.analysis.alpha / 2)
    return ShipIf(primary_improves=True)


def decide(
    experiment: Experiment,
    health: Sequence[HealthCheck],
    estimates: Iterable[Estimate],
    economics: Sequence[EconomicsFacts],
    look: Look | None = None,
) -> DecisionFacts:
    """Apply the rule of the spec; at a look before the planned end by intervals that hold at all looks."""
    status = status_of(health)
    rule = rule_of(experiment)
    rule_facts = {"ship_if": canonical(rule), "stop_if": canonical(experiment.decision.stop_if)}
    if status == "invalid":
        failed = [{"code": h.check, "p_value": h.p_value, **h.detail} for h in failures(health)]
        return DecisionFacts("invalid", None, rule_facts, tuple(failed))
    money = {e.treatment: e for e in economics}
    overall = [e for e in estimates if e.segment is None]
    judged = [
        _judge(experiment, rule, arm, [e for e in overall if e.treatment == arm], money.get(arm))
        for arm in experiment.treatments
    ]
    action, best = _choose(judged, status, look)
    reasons: list[Reason] = [r for j in _ordered(judged, best) for r in j.reasons]
    if status == "provisional":
        reasons.append({"code": "immature", "units": detail_of(health, "maturity").get("immature")})
    if look is not None:
        reasons.append(_look_reason(look))
    if experiment.economics is None:
        reasons.append({"code": "no_economics"})
    return DecisionFacts(action, best.arm, rule_facts, tuple(reasons))


def _choose(judged: list[Judged], status: Status, look: Look | None) -> tuple[Action, Judged]:
    """Choose the action, and the arm that it speaks of.

    Before the planned end nothing is settled, unless the spec planned to look: its intervals then hold at
    this look as at any other.
    """
    best = max(judged, key=lambda j: j.value)
    early = status == "provisional" if look is None else not look.final
    if early and look is None:
        ready = [j for j in judged if j.ships]
        return "extend", max(ready or judged, key=lambda j: j.value)
    ready = [j for j in judged if j.ships]
    if ready:
        return "ship", max(ready, key=lambda j: j.value)
    if all(j.stops for j in judged):
        return "stop", best
    if early:
        return "extend", best
    if best.breached:
        return "iterate", best
    return "not_settled", best


def _look_reason(look: Look) -> Reason:
    plan = look.plan
    planned = plan.horizon if isinstance(plan, AlwaysValid) else plan.planned_units
    return {
        "code": "sequential",
        "method": plan.method,
        "look": len(look.information) or None,
        "units": look.units,
        "planned": planned,
        "final": look.final,
    }


def _ordered(judged: list[Judged], best: Judged) -> list[Judged]:
    return sorted(judged, key=lambda j: j is not best)


def _judge(
    experiment: Experiment, rule: ShipIf, arm: str, overall: list[Estimate], money: EconomicsFacts | None
) -> Judged:
    alpha = experiment.analysis.alpha
    reasons: list[Reason] = []
    met: list[bool] = []
    primaries = {
        e.metric: _reading(e, experiment.library[e.metric].direction, alpha)
        for e in overall
        if e.role == "primary"
    }
    if money is not None:
        _money_reasons(experiment, rule, money, met, reasons)
    elif experiment.economics is not None:
        met.append(False)
    all_better = all(r == "better" for r in primaries.values())
    if rule.primary_improves:
        met.append(all_better)
    reasons += [{"code": "primary", "metric": m, "arm": arm, "reading": r} for m, r in primaries.items()]
    reasons += _contrast(arm, primaries, money)
    guardrails = {
        e.metric: e.guardrail.status if e.guardrail else "unsettled" for e in overall if e.role == "guardrail"
    }
    reasons += [
        {"code": "guardrail", "metric": m, "arm": arm, "status": s}
        for m, s in guardrails.items()
        if s != "pass"
    ]
    holds = all(s == "pass" for s in guardrails.values()) or not rule.guardrails_hold
    worse = experiment.decision.stop_if.primary_worsens and any(r == "worse" for r in primaries.values())
    pays = bool(met) and all(met)
    return Judged(
        arm,
        ships=pays and holds and not worse,
        stops=_stops(experiment, money, worse),
        breached=any(s == "breached" for s in guardrails.values()),
        value=_value(experiment, overall, money),
        reasons=tuple(reasons),
    )


def _money_reasons(
    experiment: Experiment, rule: ShipIf, money: EconomicsFacts, met: list[bool], reasons: list[Reason]
) -> None:
    arm, p = money.treatment, money.probability_net_benefit_positive
    net, total = money.net_benefit, money.net_benefit_total
    reasons.append(
        {
            "code": "net_benefit_interval",
            "arm": arm,
            "estimate": net.estimate,
            "lower": net.ci_lower,
            "upper": net.ci_upper,
            "total": total.estimate,
        }
    )
    threshold = rule.probability_net_benefit_positive
    if threshold is not None:
        met.append(p is not None and p >= threshold)
        reasons.append(
            {
                "code": "net_benefit_probability",
                "arm": arm,
                "probability": p,
                "threshold": threshold,
                "met": met[-1],
            }
        )
    if rule.probability_roi_above_hurdle is not None:
        q = money.probability_roi_above_hurdle
        ok = q is not None and q >= rule.probability_roi_above_hurdle
        met.append(ok)
        reasons.append(
            {
                "code": "roi_hurdle",
                "arm": arm,
                "probability": q,
                "threshold": rule.probability_roi_above_hurdle,
                "hurdle": experiment.economics.hurdle if experiment.economics else 0.0,
                "met": ok,
            }
        )
    if rule.net_benefit_lower_above is not None:
        met.append(_settled(money)[0] > rule.net_benefit_lower_above)
    if all(met) and met and not _above_zero(money):
        reasons.append({"code": "interval_includes_zero", "arm": arm})
    met.append(_above_zero(money))


def _settled(money: EconomicsFacts) -> tuple[float, float]:
    """Give the bounds of net benefit that may be read at this look."""
    bounds = money.net_benefit_sequential or money.net_benefit
    return bounds.ci_lower, bounds.ci_upper


def _above_zero(money: EconomicsFacts) -> bool:
    return _settled(money)[0] > 0


def _stops(experiment: Experiment, money: EconomicsFacts | None, worse: bool) -> bool:
    if money is None:
        return worse
    limit = experiment.decision.stop_if.probability_net_benefit_positive
    p = money.probability_net_benefit_positive
    loses = limit is not None and p is not None and p <= limit
    settled_loss = _settled(money)[1] < 0
    return (loses and settled_loss) or (worse and not _above_zero(money))


def _reading(e: Estimate, direction: str, alpha: float) -> str:
    """Read one primary estimate: better, worse or unsettled, by the adjusted p-value of this look."""
    reading = e.sequential or e.absolute
    if e.absolute is None or reading is None or reading.p_value_adjusted is None:
        return "unsettled"
    if reading.p_value_adjusted >= alpha:
        return "unsettled"
    good = (e.absolute.estimate > 0) == (direction == "increase")
    return "better" if good else "worse"


def _contrast(arm: str, primaries: Mapping[str, str], money: EconomicsFacts | None) -> list[Reason]:
    """Say in a code where behavior and money disagree."""
    better = next((m for m, r in primaries.items() if r == "better"), None)
    if money is None or better is None or _above_zero(money):
        return []
    if _settled(money)[1] < 0:
        return [{"code": "sells_more_loses_money", "arm": arm, "metric": better}]
    return [{"code": "works_not_shown_to_pay", "arm": arm, "metric": better}]


def _value(experiment: Experiment, overall: list[Estimate], money: EconomicsFacts | None) -> float:
    """Worth of an arm for choosing the best: net benefit, else the standardized first primary."""
    if money is not None:
        return money.net_benefit.estimate
    for e in overall:
        if e.role == "primary" and e.absolute is not None and e.absolute.std_error:
            sign = 1 if experiment.library[e.metric].direction == "increase" else -1
            return sign * e.absolute.estimate / e.absolute.std_error
    return float("-inf")
