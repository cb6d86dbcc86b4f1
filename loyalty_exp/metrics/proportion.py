"""Whether something happened for each unit, such as a visit."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loyalty_exp.estimators.estimator import Measure
from loyalty_exp.grammar import Column, Predicate
from loyalty_exp.metrics.metric import Display, Metric, MetricLibrary, with_covariates
from loyalty_exp.metrics.needs import Needs, Shape, UnitColumn


class Proportion(Metric):
    """Share of units for which it happened: a column of 0 and 1, or at least one order in the window.

    .. code-block:: yaml

        {id: visit, type: proportion, column: visit}
    """

    type: Literal["proportion"]
    column: Column | None = Field(
        default=None,
        description="Per-unit tables: a column of 0 and 1. Transactions: left out, any order counts.",
    )
    covariates: tuple[Column, ...] = Field(
        default=(),
        description="Columns known before assignment; `pre` is the metric itself before assignment.",
    )
    missing: Literal["reject", "zero", "drop"] = Field(
        default="reject", description="What an empty cell of a per-unit table means."
    )
    within_days: int | None = Field(
        default=None, ge=1, le=3660, description="Window; the schedule's when left out."
    )
    where: tuple[Predicate, ...] = Field(
        default=(), description="Only transactions that satisfy all of these."
    )

    def needs(self, shape: Shape, library: MetricLibrary) -> Needs:
        """Ask for a 0 or 1 a unit, and its covariates."""
        if shape == "units":
            value = UnitColumn(
                self.id, "column", self.column or self.id, missing=self.missing, check="binary"
            )
        else:
            value = UnitColumn(self.id, "any_order", days=self.within_days, where=self.where, check="binary")
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
