"""A sum for each unit, such as spend or margin."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loyalty_exp.grammar import Column, Predicate
from loyalty_exp.metrics.cap import Cap
from loyalty_exp.metrics.metric import Display, Metric, MetricLibrary, with_covariates
from loyalty_exp.metrics.needs import Needs, Shape, UnitColumn


class Amount(Metric):
    """A sum for each unit: spend, margin, minutes.

    .. code-block:: yaml

        {id: spend, type: amount, column: amount, role: primary, covariates: [pre]}
    """

    type: Literal["amount"]
    column: Column = Field(
        description="Column that is summed: of the per-unit table, or of the transactions."
    )
    covariates: tuple[Column, ...] = Field(
        default=(),
        description="Columns known before assignment; `pre` is the metric itself before assignment. The "
        "score of a model trained before is such a column, too (CUPAC).",
    )
    missing: Literal["reject", "zero", "drop"] = Field(
        default="reject", description="What an empty cell of a per-unit table means."
    )
    cap: Cap | None = Field(default=None, description="Winsorizing bounds for the test, never for the money.")
    within_days: int | None = Field(
        default=None, ge=1, le=3660, description="Window; the schedule's when left out."
    )
    where: tuple[Predicate, ...] = Field(
        default=(), description="Only transactions that satisfy all of these."
    )

    def needs(self, shape: Shape, library: MetricLibrary) -> Needs:
        """Ask for one sum a unit, and its covariates."""
        kind: Literal["column", "sum"] = "column" if shape == "units" else "sum"
        value = UnitColumn(
            self.id,
            kind,
            self.column,
            days=self.within_days,
            where=self.where,
            missing=self.missing,
            cap=self.cap,
        )
        return with_covariates(value, self.covariates, shape, self.missing_covariates)

    @property
    def shown_as(self) -> Display:
        """Money, unless the spec says otherwise."""
        return self.display or "money"
