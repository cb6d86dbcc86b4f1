"""A quantile of what units did, such as the 90th percentile of spend."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loyalty_exp.estimators.estimator import Measure
from loyalty_exp.grammar import Column, Predicate
from loyalty_exp.metrics.metric import Display, Metric, MetricLibrary
from loyalty_exp.metrics.needs import Needs, Shape, UnitColumn


class Quantile(Metric):
    """The value that a share of the units do not exceed, zeros counted.

    .. code-block:: yaml

        {id: spend_p90, type: quantile, column: amount, quantile: 0.9}
    """

    type: Literal["quantile"]
    quantile: float = Field(gt=0, lt=1, description="Share of the units, such as 0.9.")
    column: Column | None = Field(
        default=None,
        description="Per-unit tables: the column. Transactions: the amount that is summed a unit. The id "
        "when left out.",
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
        """Ask for the value of each unit."""
        source = self.column or self.id
        if shape == "units":
            value = UnitColumn(f"{self.id}__value", "column", source, missing=self.missing)
        else:
            value = UnitColumn(f"{self.id}__value", "sum", source, days=self.within_days, where=self.where)
        return Needs((value,), (value.id,))

    def default_estimator(self, needs: Needs) -> str:
        """Order statistics around the quantile."""
        return "quantile_difference"

    @property
    def measure(self) -> Measure:
        """A quantile of the units."""
        return "quantile"

    @property
    def shown_as(self) -> Display:
        """A number, unless the spec says otherwise."""
        return self.display or "number"
