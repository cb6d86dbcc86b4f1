"""`design:` how an effect is estimated where nothing was randomized."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from loyalty_exp.grammar import Column, Label, Predicate, Section
from loyalty_exp.spec.day import Day

Period = Literal["day", "week", "month"]


class DifferenceInDifferences(Section):
    """Change of those who took part, less the change of those who did not.

    .. code-block:: yaml

        design:
          type: difference_in_differences
          treated: {field: member_day, op: ==, value: 1}
          start: 2026-03-18
          period: week
          pre_periods: 26
          post_periods: 26
    """

    type: Literal["difference_in_differences"]
    treated: Predicate = Field(description="Who was treated; all other units are compared with them.")
    start: Day = Field(description="First day of the treatment.")
    period: Period = Field(default="week", description="Length of a period.")
    pre_periods: int = Field(ge=2, le=1000, description="Periods before; two at least, to see the trend.")
    post_periods: int = Field(ge=1, le=1000, description="Periods after.")
    anticipation_periods: int = Field(
        default=0, ge=0, le=100, description="Last periods before, left out as they may be affected already."
    )
    covariates: tuple[Column, ...] = Field(
        default=(), description="Known before; groups are balanced on them."
    )

    @model_validator(mode="after")
    def _something_before(self) -> DifferenceInDifferences:
        if self.pre_periods - self.anticipation_periods < 2:
            raise ValueError("fewer than two periods before are left; raise pre_periods")
        return self


class RegressionDiscontinuity(Section):
    """Units just above a threshold, against units just below it.

    .. code-block:: yaml

        design: {type: regression_discontinuity, running: qualifying_spend, cutoff: 8000, treated_if: ">="}
    """

    type: Literal["regression_discontinuity"]
    running: Column = Field(description="Column that is compared with the threshold, known before.")
    cutoff: float = Field(description="The threshold.")
    treated_if: Literal[">=", ">", "<=", "<"] = Field(default=">=", description="Side that is treated.")
    treated: Column | None = Field(
        default=None,
        description="Column of who was in fact treated (0 or 1), where the threshold only makes it likelier.",
    )
    bandwidth: float | None = Field(
        default=None, gt=0, description="Width on each side; the one of least mean squared error if left out."
    )
    donut: float = Field(default=0.0, ge=0, description="Width at the threshold that is left out.")
    covariates: tuple[Column, ...] = Field(
        default=(), description="Known before; they must not jump at the threshold."
    )

    @model_validator(mode="after")
    def _hole_in_band(self) -> RegressionDiscontinuity:
        if self.bandwidth is not None and self.donut >= self.bandwidth:
            raise ValueError("donut leaves nothing of bandwidth; make it smaller")
        return self


class Weighting(Section):
    """Units that were not treated, weighted to look like those that were.

    .. code-block:: yaml

        design: {type: weighting, treated: {field: joined, op: ==, value: 1}, covariates: [spend_12m, tier]}
    """

    type: Literal["weighting"]
    treated: Predicate = Field(description="Who was treated.")
    covariates: tuple[Column, ...] = Field(min_length=1, description="Known before; what is made equal.")
    method: Literal["entropy_balancing", "inverse_probability"] = Field(
        default="entropy_balancing", description="How weights are found."
    )
    trim: float = Field(
        default=0.01, ge=0, lt=0.5, description="Estimated chances nearer than this to 0 or 1 are left out."
    )


class SyntheticControl(Section):
    """Whole groups, such as cities, against a mixture of others that moved alike before.

    .. code-block:: yaml

        design: {type: synthetic_control, group: city, treated: [Hefei], start: 2026-03-18, pre_periods: 26}
    """

    type: Literal["synthetic_control"]
    group: Column = Field(description="Column of the group.")
    treated: tuple[Label, ...] = Field(min_length=1, description="Groups that were treated.")
    donors: tuple[Label, ...] = Field(default=(), description="Groups to mix; all others if left out.")
    start: Day = Field(description="First day of the treatment.")
    period: Period = Field(default="week", description="Length of a period.")
    pre_periods: int = Field(ge=5, le=1000, description="Periods before, in which groups must move alike.")
    post_periods: int = Field(default=1, ge=1, le=1000, description="Periods after.")

    @field_validator("donors")
    @classmethod
    def _each_once(cls, donors: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(donors)) < len(donors):
            raise ValueError("a donor is named twice; remove one")
        return donors

    @model_validator(mode="after")
    def _apart(self) -> SyntheticControl:
        if both := sorted(set(self.donors) & set(self.treated)):
            raise ValueError(f"{', '.join(both)} cannot be treated and a donor; remove it from one")
        return self


AnyDesign = Annotated[
    DifferenceInDifferences | RegressionDiscontinuity | Weighting | SyntheticControl,
    Field(discriminator="type"),
]
