"""How many times something happened for each unit, such as orders."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from loyalty_exp.grammar import Column, Predicate
from loyalty_exp.metrics.cap import Cap
from loyalty_exp.metrics.metric import Metric, MetricLibrary, with_covariates
from loyalty_exp.metrics.needs import Needs, Shape, UnitColumn


class Count(Metric):
    """How many times it happened for each unit: orders in the window, or a column of counts.

    .. code-block:: yaml

        {id: orders, type: count, covariates: [pre]}
    """

    type: Literal["count"]
    column: Column | None = Field(
        default=None,
        description="Per-unit tables: the column of counts. Transactions: left out, orders are counted.",
    )
    covariates: tuple[Column, ...] = Field(
        default=(),
        description="Columns known before assignment; `pre` is the metric itself before assignment.",
    )
    missing: Literal["reject", "zero", "drop"] = Field(
        default="reject", description="What an empty cell of a per-unit table means."
    )
    cap: Cap | None = Field(default=None, description="Winsorizing bounds for the test.")
    within_days: int | None = Field(
        default=None, ge=1, le=3660, description="Window; the schedule's when left out."
    )
    where: tuple[Predicate, ...] = Field(
        default=(), description="Only transactions that satisfy all of these."
    )

    @model_validator(mode="after")
    def _display_is_number(self) -> Count:
        if self.display == "percent":
            raise ValueError("a count is not shown as a percentage; use type: proportion")
        return self

    def needs(self, shape: Shape, library: MetricLibrary) -> Needs:
        """Ask for one count a unit, and its covariates."""
        if shape == "units":
            value = UnitColumn(
                self.id,
                "column",
                self.column or self.id,
                missing=self.missing,
                check="non_negative",
                cap=self.cap,
            )
        elif self.column is not None:
            value = UnitColumn(
                self.id, "sum", self.column, days=self.within_days, where=self.where, cap=self.cap
            )
        else:
            value = UnitColumn(self.id, "orders", days=self.within_days, where=self.where, cap=self.cap)
        return with_covariates(value, self.covariates, shape, self.missing_covariates)
