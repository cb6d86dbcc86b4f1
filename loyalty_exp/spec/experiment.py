"""The whole spec of one experiment, resolved: every default filled in, every name looked up."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction

from pydantic import Field, field_validator, model_validator

from loyalty_exp.estimators.choice import Choice
from loyalty_exp.grammar import Column, Identifier, Label, Section, Text, canonical
from loyalty_exp.interventions import Intervention
from loyalty_exp.metrics import AnyMetric, Metric
from loyalty_exp.metrics.needs import Shape
from loyalty_exp.spec.analysis import Analysis
from loyalty_exp.spec.arms import Arm, ArmsInColumn, distinct_names, weight
from loyalty_exp.spec.assignment import Assignment
from loyalty_exp.spec.data import Data
from loyalty_exp.spec.decision import Decision
from loyalty_exp.spec.economics import Economics
from loyalty_exp.spec.population import Population, Segment
from loyalty_exp.spec.program import DEFAULT_PROGRAM, Program
from loyalty_exp.spec.report import Report
from loyalty_exp.spec.schedule import Schedule
from loyalty_exp.spec.sizing import Sizing


@dataclass(frozen=True, slots=True)
class PlannedArm:
    """One arm as every later step sees it, whichever way the spec wrote it.

    Attributes
    ----------
    id : str
        As the data spell it.
    name : str or mapping of language to str
        For the page.
    is_control : bool
    share : float
        Planned part of the units; shares sum to 1.
    intervention : Intervention or None
    """

    id: str
    name: Text
    is_control: bool
    share: float
    intervention: Intervention | None


class Experiment(Section):
    """One experiment."""

    experiment: Identifier = Field(description="Id of the experiment; becomes part of file names.")
    name: Text | None = Field(default=None, description="Name on the page; made from the id when left out.")
    question: Text = Field(description="The question that the experiment answers, in one sentence.")
    program: Program = Field(
        default=DEFAULT_PROGRAM, description="Path of the program file, or the section itself."
    )
    unit: Column = Field(description="Column that identifies the unit, one row each.")
    cluster: Column | None = Field(
        default=None,
        description="Column of the household or store, where those were randomized and not single units.",
    )
    data: Data = Field(description="Where the rows are.")
    population: Population = Field(default=Population(), description="Who takes part.")
    assignment: Assignment | None = Field(default=None, description="How members are drawn.")
    arms: tuple[Arm, ...] | ArmsInColumn = Field(description="The groups that are compared.")
    factors: dict[Identifier, tuple[Label, ...]] = Field(
        default_factory=dict,
        description='Factorial designs: levels of each factor, the usual one first: {points: ["off", "on"]}.',
    )
    schedule: Schedule = Field(default=Schedule(), description="Calendar and windows.")
    segments: tuple[Segment, ...] = Field(default=(), description="Declared splits of the population.")
    metrics: tuple[AnyMetric, ...] = Field(min_length=1, description="What is measured.")
    economics: Economics | None = Field(default=None, description="What it is worth and what it costs.")
    decision: Decision = Field(default=Decision(), description="The rule.")
    analysis: Analysis = Field(default=Analysis(), description="Level and adjustments.")
    report: Report = Field(default=Report(), description="The page.")
    sizing: Sizing | None = Field(
        default=None, description="What the test is to find, and what is known before it: `loyalty-exp size`."
    )

    @property
    def shape(self) -> Shape:
        """Which of the two shapes of data the spec names."""
        return "units" if self.data.units is not None else "transactions"

    @property
    def library(self) -> dict[str, Metric]:
        """Metrics by id."""
        return {m.id: m for m in self.metrics}

    @property
    def planned_arms(self) -> tuple[PlannedArm, ...]:
        """Arms in the order of the spec, control first."""
        return planned_arms(self.arms)

    @property
    def control(self) -> str:
        """Id of the control arm."""
        return self.planned_arms[0].id

    @property
    def treatments(self) -> tuple[str, ...]:
        """Ids of the other arms."""
        return tuple(a.id for a in self.planned_arms[1:])

    def estimator_of(self, metric: Metric) -> Choice:
        """Give the estimator of a metric over all units: named in the spec, else what the design asks for."""
        if metric.estimator is not None:
            return metric.estimator
        if self.cluster is not None and metric.measure != "quantile":
            return Choice(type="ratio_clusters" if metric.measure == "ratio" else "clusters")
        if self.strata and metric.measure in {"mean", "proportion"}:
            return Choice(type="stratified")
        return Choice(type=metric.default_estimator(metric.needs(self.shape, self.library)))

    @property
    def strata(self) -> tuple[str, ...]:
        """Columns whose values together make the strata of the draw."""
        return self.assignment.strata if self.assignment else ()

    @property
    def spec_hash(self) -> str:
        """SHA-256 of the canonical JSON of the resolved spec."""
        text = json.dumps(canonical(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @field_validator("arms")
    @classmethod
    def _arms_make_an_experiment(cls, arms: tuple[Arm, ...] | ArmsInColumn) -> tuple[Arm, ...] | ArmsInColumn:
        if isinstance(arms, ArmsInColumn):
            return arms
        if len(arms) < 2:
            raise ValueError("an experiment compares at least two arms; add the arm it is compared with")
        distinct_names([a.id for a in arms])
        total = sum((weight(a.share) for a in arms), Fraction(0))
        if abs(total - 1) > Fraction(1, 10**9):
            raise ValueError(f"shares sum to {float(total):.10g}, not to 1; for thirds write '1/3' in quotes")
        _control(arms)
        return arms

    @model_validator(mode="after")
    def _whole(self) -> Experiment:
        ids = [m.id for m in self.metrics]
        for twice in sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"metric '{twice}' is defined twice")
        if not any(m.role == "primary" for m in self.metrics):
            raise ValueError("no metric has role: primary; say which one decides before looking at any")
        if self.sizing is not None:
            self.sizing.check_names(ids, [a.id for a in self.planned_arms])
        return self


_PLANNED: dict[int, tuple[tuple[Arm, ...] | ArmsInColumn, tuple[PlannedArm, ...]]] = {}
"""The arms seen last, by identity: they are asked for once an arm, and there may be a thousand."""


def planned_arms(arms: tuple[Arm, ...] | ArmsInColumn) -> tuple[PlannedArm, ...]:
    """Give both ways of writing arms one form, control first."""
    known = _PLANNED.get(id(arms))
    if known is not None and known[0] is arms:
        return known[1]
    planned = _planned(arms)
    if len(_PLANNED) > 32:
        _PLANNED.clear()
    _PLANNED[id(arms)] = arms, planned
    return planned


def _planned(arms: tuple[Arm, ...] | ArmsInColumn) -> tuple[PlannedArm, ...]:
    if isinstance(arms, ArmsInColumn):
        ids = (arms.control, *arms.treatments)
        weights = [weight(arms.shares[i]) if arms.shares else Fraction(1) for i in ids]
        total = sum(weights)
        return tuple(
            PlannedArm(i, arms.names.get(i, i), i == arms.control, float(w / total), None)
            for i, w in zip(ids, weights, strict=True)
        )
    control = _control(arms)
    ordered = sorted(arms, key=lambda a: a.id != control)
    return tuple(
        PlannedArm(a.id, a.name or a.id, a.id == control, float(weight(a.share)), a.intervention)
        for a in ordered
    )


def _control(arms: tuple[Arm, ...]) -> str:
    """Find the control arm: the one marked, else the only one without intervention, else the one named so."""
    for candidates in (
        [a.id for a in arms if a.control],
        [a.id for a in arms if a.intervention is None],
        [a.id for a in arms if a.id.casefold() == "control"],
    ):
        if len(candidates) == 1:
            return candidates[0]
        if len(candidates) > 1 and arms and any(a.control for a in arms):
            break
    raise ValueError("cannot tell which arm is control; mark exactly one with control: true")
