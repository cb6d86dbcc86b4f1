"""What a plan promises of a rehearsal: the chance to find what is true, or to show that a margin holds."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty_exp.planning.looks import boundaries_of, chance_of_reads
from loyalty_exp.planning.question import level_of
from loyalty_exp.planning.rehearsal_result import Truth
from loyalty_exp.spec.analysis import GroupSequential
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.group_sequential_design import operating_characteristics
from loyalty_exp.stats.power.design import Level
from loyalty_exp.stats.power.reference import normal_power


@dataclass(frozen=True, slots=True)
class Promise:
    """What the plan of a spec promises of one comparison in a history of so many units."""

    experiment: Experiment
    units: int

    @property
    def alpha(self) -> float:
        """Two-sided, of all comparisons together."""
        return self.experiment.analysis.alpha

    def level(self, role: str) -> float:
        """Two-sided level of one comparison: primary ones share that of all."""
        return level_of(self.experiment, role).alpha if role == "primary" else self.alpha

    def power(
        self, effect: float | None, std_error: float | None, alpha: float, *, looked: bool
    ) -> float | None:
        """Chance that the test of a difference of this size rejects; `looked` before the end, too."""
        if effect is None or not std_error:
            return None
        plan = self.experiment.analysis.sequential
        if plan is None or not looked:
            return normal_power(effect, std_error, std_error, Level(alpha))
        drift = abs(effect) / std_error
        if isinstance(plan, GroupSequential):
            return operating_characteristics(boundaries_of(plan, alpha, 2), drift).cumulative_power[-1]
        return chance_of_reads(self.units, plan.horizon, alpha, drift)

    def holds(self, metric: str, truth: Truth, std_error: float | None) -> float | None:
        """Chance that a guardrail is shown to keep its margin when results are read once."""
        guarded = next(m for m in self.experiment.metrics if m.id == metric)
        effect, level = truth.effects[metric], truth.levels[metric]
        if guarded.margin is None or effect is None or level is None or not std_error:
            return None
        margin = guarded.margin.absolute or (guarded.margin.relative or 0.0) * abs(level)
        room = margin + (effect if guarded.direction == "increase" else -effect)
        return normal_power(room, std_error, std_error, Level(self.alpha / 2, 1))
