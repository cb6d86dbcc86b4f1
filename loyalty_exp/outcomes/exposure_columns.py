"""Which per-unit columns say who was reached: by the offer of an arm, and by the moment it could be shown.

The headline compares all who were assigned. What is asked for here tells how many of them the offer reached,
control included, and lets the effect on those reached be read beside it.
"""

from __future__ import annotations

from loyalty_exp.grammar import Predicate
from loyalty_exp.metrics import Metric
from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.spec.experiment import Experiment

EXPOSURE = "$exposure"
"""Name of the block with all columns below: means and variances only."""

TRIGGERED = "$triggered"
"""1 for a unit that came to where an offer could be shown, else 0."""


def received_block(metric: str) -> str:
    """Name of the block that holds a metric together with who was reached."""
    return f"$received:{metric}"


def exposed_column(experiment: Experiment, treatment: str) -> UnitColumn | None:
    """1 for a unit that the offer of a treatment reached, whatever its arm; None where no data say so."""
    data = experiment.data
    if data.exposed is not None:
        return UnitColumn("$exposed", "column", data.exposed, check="binary")
    if data.exposures is None:
        return None
    if data.exposures.arm is None:
        return UnitColumn("$exposed", "any_event", table="exposures")
    where = (Predicate(field=data.exposures.arm, op="==", value=treatment),)
    return UnitColumn(f"$exposed:{treatment}", "any_event", table="exposures", where=where)


def trigger_column(experiment: Experiment) -> UnitColumn | None:
    """1 for a unit that came to the trigger; None where no data say so."""
    if experiment.data.triggered is not None:
        return UnitColumn(TRIGGERED, "column", experiment.data.triggered, check="binary")
    return UnitColumn(TRIGGERED, "any_event", table="triggers") if experiment.data.triggers else None


def exposure_columns(experiment: Experiment) -> tuple[UnitColumn, ...]:
    """Give all columns of exposure, each once."""
    found = [exposed_column(experiment, arm) for arm in experiment.treatments]
    found.append(trigger_column(experiment))
    return tuple({c.id: c for c in found if c is not None}.values())


def complier_metrics(experiment: Experiment) -> tuple[Metric, ...]:
    """Metrics with an effect on those reached: means and proportions of all assigned."""
    return tuple(m for m in experiment.metrics if m.measure in {"mean", "proportion"})
