"""The part of the resolved spec that a page needs, as plain values inside the readout."""

from __future__ import annotations

from typing import Any

from loyalty_exp.grammar import canonical
from loyalty_exp.metrics import Ratio
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.spec.experiment import Experiment


def plan_facts(experiment: Experiment, outcomes: Outcomes, spec_file: str) -> dict[str, Any]:
    """Collect names, windows, people and thresholds; no salt, no paths of data."""
    schedule, economics, decision = experiment.schedule, experiment.economics, experiment.decision
    program = experiment.program
    return {
        "question": experiment.question,
        "name": experiment.name,
        "unit": experiment.unit,
        "currency": canonical(program.currency) if program.currency else None,
        "timezone": program.timezone,
        "alpha": experiment.analysis.alpha,
        "languages": list(experiment.report.languages),
        "start": _day(schedule.start) or _day(outcomes.first_assigned),
        "end": _day(schedule.end) or _day(outcomes.last_assigned),
        "outcome_days": schedule.outcome_days,
        "pre_days": schedule.pre_days,
        "windows": schedule.windows,
        "hurdle": economics.hurdle if economics else None,
        "benefit": canonical(economics.benefit) if economics else None,
        "prices": {name: price.name for name, price in program.cost_prices.items() if price.name},
        "prior": canonical(economics.rollout.prior)
        if economics and economics.rollout and economics.rollout.prior
        else None,
        "costs": [canonical(c) for c in economics.costs] if economics else [],
        "metrics": [
            {
                "id": m.id,
                "name": m.name or m.id.replace("_", " ").capitalize(),
                "type": getattr(m, "type", ""),
                "role": m.role,
                "direction": m.direction,
                "pillar": m.pillar,
                "display": m.shown_as,
                "definition": m.definition,
                "covariates": list(m.needs(experiment.shape, experiment.library).covariates),
                "within_days": getattr(m, "within_days", None),
                "parts": [m.numerator, m.denominator] if isinstance(m, Ratio) else None,
            }
            for m in experiment.metrics
        ],
        "segments": [
            {"id": s.id, "name": s.name or s.id.replace("_", " ").capitalize(), "values": dict(s.values)}
            for s in experiment.segments
        ],
        "factors": {name: list(levels) for name, levels in (experiment.factors or {}).items()},
        "ask": decision.ask,
        "owner": decision.owner,
        "due": _day(decision.due),
        "next_steps": [canonical(step) for step in decision.next_steps],
        "sequential": canonical(experiment.analysis.sequential) if experiment.analysis.sequential else None,
        "multiplicity": canonical(experiment.analysis.multiplicity),
        "min_cell": experiment.analysis.min_cell,
        "sample_ratio_threshold": experiment.analysis.sample_ratio_threshold,
        "caps": {column: list(bounds) for column, bounds in outcomes.caps.items()},
        "spec_file": spec_file,
    }


def _day(value: Any) -> str | None:
    return value.isoformat() if value is not None else None
