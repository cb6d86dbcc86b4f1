"""`analysis:` how sure is sure, and how many questions are asked at once."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from loyalty_exp.grammar import Section


class Multiplicity(Section):
    """Adjustment of p-values within each family of metrics."""

    primary: Literal["holm", "bonferroni", "none"] = Field(default="holm", description="Family-wise error.")
    secondary: Literal["benjamini_hochberg", "holm", "none"] = Field(
        default="benjamini_hochberg", description="False discovery rate, or family-wise error."
    )


class Analysis(Section):
    """Level, adjustment and thresholds of the health checks."""

    alpha: float = Field(default=0.05, description="Two-sided level; intervals are at 1 - alpha.")
    multiplicity: Multiplicity = Field(
        default=Multiplicity(), description="Adjustment for many metrics and arms."
    )
    sample_ratio_threshold: float = Field(
        default=0.001,
        gt=0,
        lt=0.1,
        description="A sample-ratio p-value below this makes the readout invalid.",
    )
    balance_threshold: float = Field(
        default=0.1, gt=0, lt=1, description="Largest standardized pre-period difference that passes."
    )
    min_cell: int = Field(
        default=50, ge=2, description="Segment cells with fewer units in an arm are not shown."
    )

    @field_validator("alpha")
    @classmethod
    def _a_level(cls, value: float) -> float:
        if not 0 < value < 0.5:
            hint = f"; did you mean {value / 100:g}?" if 1 <= value < 50 else ""
            raise ValueError(f"alpha must lie between 0 and 0.5{hint}")
        return value
