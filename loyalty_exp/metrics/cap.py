"""Winsorizing: bounds that keep one basket from deciding a test."""

from __future__ import annotations

from pydantic import Field, model_validator

from loyalty_exp.grammar import Column, Section


class Cap(Section):
    """Winsorizing bounds, the same for all arms: given, or taken from the pooled pre-period."""

    quantile: float | None = Field(
        default=None,
        gt=0.5,
        lt=1,
        description="Quantile of the positive pre-period values, all arms pooled; the floor is its negative.",
    )
    pre_column: Column | None = Field(
        default=None, description="Per-unit tables: the pre-period column the quantile is taken from."
    )
    upper: float | None = Field(default=None, description="Largest value kept; larger ones count as this.")
    lower: float | None = Field(default=None, description="Smallest value kept; smaller ones count as this.")

    @model_validator(mode="after")
    def _one_way(self) -> Cap:
        given = self.upper is not None or self.lower is not None
        if (self.quantile is None) == (not given):
            raise ValueError("a cap has either a quantile, or an upper and/or lower bound")
        if self.upper is not None and self.lower is not None and self.lower >= self.upper:
            raise ValueError("the lower bound must be below the upper bound")
        return self
