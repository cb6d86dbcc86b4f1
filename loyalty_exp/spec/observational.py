"""A spec of an evaluation where nothing was randomized: a design in place of arms."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loyalty_exp.grammar import Column, Identifier, Section, Text
from loyalty_exp.metrics import AnyMetric
from loyalty_exp.spec.analysis import Analysis
from loyalty_exp.spec.data import Data
from loyalty_exp.spec.decision import Decision
from loyalty_exp.spec.design import AnyDesign
from loyalty_exp.spec.economics import Economics
from loyalty_exp.spec.population import Population, Segment
from loyalty_exp.spec.program import DEFAULT_PROGRAM, Program
from loyalty_exp.spec.report import Report
from loyalty_exp.spec.schedule import Schedule

NOT_RUN = (
    "this spec has a design and no arms: nothing was randomized. This version validates it and does not "
    "estimate it; it gives no numbers rather than wrong ones"
)
"""What running one is answered."""


class Observational(Section):
    """One evaluation without randomization; the key `design` tells it from an experiment."""

    experiment: Identifier = Field(description="Id of the evaluation; becomes part of file names.")
    name: Text | None = Field(default=None, description="Name on the page; made from the id when left out.")
    question: Text = Field(description="The question that is answered, in one sentence.")
    program: Program = Field(
        default=DEFAULT_PROGRAM, description="Path of the program file, or the section itself."
    )
    unit: Column = Field(description="Column that identifies the unit, one row each.")
    cluster: Column | None = Field(default=None, description="Column of the household or store.")
    data: Data = Field(description="Where the rows are.")
    population: Population = Field(default=Population(), description="Who is looked at.")
    design: AnyDesign = Field(description="How the effect is told from everything else.")
    schedule: Schedule = Field(default=Schedule(), description="Calendar and windows.")
    segments: tuple[Segment, ...] = Field(default=(), description="Declared splits of the population.")
    metrics: tuple[AnyMetric, ...] = Field(min_length=1, description="What is measured.")
    negative_controls: tuple[Identifier, ...] = Field(
        default=(), description="Metrics on which there can be no effect; one found there is bias."
    )
    economics: Economics | None = Field(default=None, description="What it is worth and what it costs.")
    decision: Decision = Field(default=Decision(), description="The rule; never more than a pilot.")
    analysis: Analysis = Field(default=Analysis(), description="Level and adjustments.")
    report: Report = Field(default=Report(), description="The page.")

    @property
    def evidence_level(self) -> Literal["quasi_experimental"]:
        """How far the answer can be trusted."""
        return "quasi_experimental"
