"""The door of this room: from sufficient statistics to effects, interactions and health."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.readout.effects import estimate_all, interactions
from loyalty_exp.readout.health import check_health
from loyalty_exp.readout.result import Estimate, HealthCheck, Interaction
from loyalty_exp.spec.experiment import Experiment


@dataclass(frozen=True, slots=True)
class Answers:
    """What the numbers say before money and decision."""

    estimates: tuple[Estimate, ...]
    interactions: tuple[Interaction, ...]
    health: tuple[HealthCheck, ...]


def analyze(experiment: Experiment, outcomes: Outcomes) -> Answers:
    """Estimate every metric and run every check."""
    estimates = estimate_all(experiment, outcomes)
    return Answers(
        estimates, interactions(experiment, estimates), check_health(experiment, outcomes, estimates)
    )
