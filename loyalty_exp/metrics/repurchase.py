"""Share of units that bought again within N days, counted only where the N days are over."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loyalty_exp.estimators.estimator import Measure
from loyalty_exp.grammar import Column, Predicate
from loyalty_exp.metrics.metric import Display, Metric, MetricLibrary, with_covariates
from loyalty_exp.metrics.needs import Needs, Shape, UnitColumn


class Repurchase(Metric):
    """Share of mature units with an order in the first N days after assignment.

    .. code-block:: yaml

        {id: repurchase, type: repurchase, within_days: 28}
    """

    type: Literal["repurchase"]
    within_days: int = Field(ge=1, le=3660, description="N: days after assignment, half-open.")
    column: Column | None = Field(
        default=None, description="Per-unit tables: days until the next order, empty when there was none."
    )
    follow_up: Column | None = Field(
        default=None, description="Per-unit tables: days observed; units with fewer than N are not counted."
    )
    covariates: tuple[Column, ...] = Field(
        default=(),
        description="Columns known before assignment; `pre` is the metric itself before assignment.",
    )
    where: tuple[Predicate, ...] = Field(
        default=(), description="Only transactions that satisfy all of these."
    )

    def needs(self, shape: Shape, library: MetricLibrary) -> Needs:
        """Ask for a 0 or 1 a mature unit, null where the window is not over."""
        if shape == "units":
            value = UnitColumn(
                self.id,
                "within",
                self.column or self.id,
                days=self.within_days,
                missing="drop",
                follow_up=self.follow_up,
            )
        else:
            value = UnitColumn(self.id, "any_order", days=self.within_days, where=self.where, missing="drop")
        return with_covariates(value, self.covariates, shape, self.missing_covariates)

    def default_estimator(self, needs: Needs) -> str:
        """Score interval when nothing is adjusted: it holds for sparse tables too."""
        return "miettinen_nurminen" if not needs.covariates else super().default_estimator(needs)

    @property
    def measure(self) -> Measure:
        """A share of units."""
        return "proportion"

    @property
    def shown_as(self) -> Display:
        """Per cent, unless the spec says otherwise."""
        return self.display or "percent"
