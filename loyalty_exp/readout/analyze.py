"""The door of this room: from sufficient statistics to effects, interactions and health."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.readout.best_arm import with_best_arm
from loyalty_exp.readout.contrasts import contrasts
from loyalty_exp.readout.effects import estimate_all, interactions, secondary_readings
from loyalty_exp.readout.exposure import exposure_facts
from loyalty_exp.readout.health import check_health
from loyalty_exp.readout.reached import ExposureFacts
from loyalty_exp.readout.repurchase import repurchase_facts
from loyalty_exp.readout.result import ContrastFacts, Estimate, HealthCheck, Interaction, RepurchaseFacts
from loyalty_exp.readout.sequential import Look
from loyalty_exp.spec.experiment import Experiment


@dataclass(frozen=True, slots=True)
class Answers:
    """What the numbers say before money and decision."""

    estimates: tuple[Estimate, ...]
    interactions: tuple[Interaction, ...]
    readings: tuple[Estimate, ...]
    repurchase: tuple[RepurchaseFacts, ...]
    contrasts: tuple[ContrastFacts, ...]
    health: tuple[HealthCheck, ...]
    exposure: ExposureFacts | None


def analyze(experiment: Experiment, outcomes: Outcomes, look: Look | None = None) -> Answers:
    """Estimate every metric and run every check; `look` when the spec planned to look before the end."""
    estimates = estimate_all(experiment, outcomes, look)
    return Answers(
        estimates,
        interactions(experiment, estimates),
        with_best_arm(experiment, outcomes, secondary_readings(experiment, outcomes)),
        repurchase_facts(experiment, outcomes, estimates),
        contrasts(experiment, outcomes),
        check_health(experiment, outcomes, estimates),
        exposure_facts(experiment, outcomes),
    )
