"""What every kind of metric shares: its place in the readout, its direction, its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from pydantic import Field, model_validator

from loyalty_exp.estimators.choice import EstimatorChoice
from loyalty_exp.estimators.estimator import Measure
from loyalty_exp.grammar import Identifier, Section, Text
from loyalty_exp.metrics.needs import Needs, Shape, UnitColumn

Role = Literal["primary", "secondary", "guardrail"]
Pillar = Literal["satisfaction", "growth", "cost", "advocacy"]
Display = Literal["money", "number", "percent"]

PRE = "pre"
"""Name of the covariate that is the metric itself before assignment."""


MetricLibrary = Mapping[str, "Metric"]
"""Metrics by id."""


class Guardrail(Section):
    """How much worse a guardrail may get, in the metric's own unit or relative to control."""

    absolute: float | None = Field(default=None, gt=0, description="Allowed change in the metric's own unit.")
    relative: float | None = Field(
        default=None, gt=0, lt=1, description="Allowed change as a fraction of the control mean."
    )

    @model_validator(mode="after")
    def _one_scale(self) -> Guardrail:
        if (self.absolute is None) == (self.relative is None):
            raise ValueError("give the margin either absolute or relative")
        return self


class Metric(Section):
    """Fields common to all kinds of metric."""

    id: Identifier = Field(description="Name of the metric, unique in the spec.")
    name: Text | None = Field(default=None, description="Name on the page; the id when left out.")
    role: Role = Field(default="secondary", description="`primary` decides, `guardrail` must not get worse.")
    direction: Literal["increase", "decrease"] = Field(
        default="increase", description="Which way is better for the business."
    )
    margin: Guardrail | None = Field(
        default=None, description="Guardrails: the change for the worse that is still allowed."
    )
    pillar: Pillar = Field(default="growth", description="Heading of the page under which the metric stands.")
    display: Display | None = Field(
        default=None, description="How numbers are written; by the kind when left out."
    )
    definition: Text | None = Field(default=None, description="One sentence for the glossary of the page.")
    missing_covariates: Literal["reject", "indicator"] = Field(
        default="reject",
        description="Units without a covariate: reject the data, or count 0 and add an indicator of them.",
    )
    estimator: EstimatorChoice | None = Field(
        default=None,
        description="How arms are compared: a name, or `{type: ..., parameters}`; the usual one for this "
        "kind of metric, its covariates and the design when left out.",
    )
    readings: tuple[EstimatorChoice, ...] = Field(
        default=(), description="Secondary readings: further estimators, shown beside; they never decide."
    )

    @model_validator(mode="after")
    def _guardrail_has_margin(self) -> Metric:
        if self.role == "guardrail" and self.margin is None:
            raise ValueError("a guardrail needs a margin, such as margin: {absolute: 0.01}")
        if self.role != "guardrail" and self.margin is not None:
            raise ValueError("a margin belongs to a metric with role: guardrail")
        return self

    def needs(self, shape: Shape, library: MetricLibrary) -> Needs:
        """Say which per-unit columns this metric needs, for the shape of the data at hand."""
        raise NotImplementedError

    def default_estimator(self, needs: Needs) -> str:
        """Name of the estimator that reads this metric."""
        return {0: "welch", 1: "cuped"}.get(len(needs.covariates), "lin")

    @property
    def measure(self) -> Measure:
        """What estimators of this metric compare."""
        return "mean"

    @property
    def shown_as(self) -> Display:
        """How the numbers of this metric are written."""
        return self.display or "number"


def with_covariates(
    value: UnitColumn,
    covariates: tuple[str, ...],
    shape: Shape,
    missing: Literal["reject", "indicator"] = "reject",
) -> Needs:
    """Needs of a metric of one value: the column itself, and its covariates.

    The covariate ``pre`` is, on transactions, the same column over the window before assignment; any other
    name is a column of the per-unit or members table.
    """
    extra: list[UnitColumn] = []
    for name in covariates:
        if name == PRE and shape == "transactions":
            extra.append(replace(value, id=f"{value.id}__pre", window="pre", missing="zero", check=""))
        elif missing == "indicator":
            extra.append(UnitColumn(f"{name}__or_zero", "column", source=name, missing="indicator"))
            extra.append(UnitColumn(f"{name}__known", "known", source=name))
        else:
            extra.append(UnitColumn(name, "column", source=name))
    return Needs((value, *extra), (value.id,), tuple(c.id for c in extra))
