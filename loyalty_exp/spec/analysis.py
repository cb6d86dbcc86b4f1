"""`analysis:` how sure is sure, and how many questions are asked at once."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from loyalty_exp.grammar import Identifier, Label, Section, Text, Words


class Multiplicity(Section):
    """Adjustment of p-values within each family of metrics."""

    primary: Literal["holm", "hochberg", "hommel", "dunnett", "bonferroni", "fixed_sequence", "none"] = Field(
        default="holm",
        description="Family-wise error; `dunnett` uses that all treatments share one control, and Bonferroni "
        "over metrics; `fixed_sequence` tests in the order of the spec, each at the full level, until one "
        "fails.",
    )
    secondary: Literal["benjamini_hochberg", "benjamini_yekutieli", "holm", "gatekeeping", "none"] = Field(
        default="benjamini_hochberg",
        description="False discovery rate, or family-wise error; `gatekeeping` tests them by Holm once all "
        "primary ones have passed, so that the error holds over both families.",
    )

    @model_validator(mode="after")
    def _gate(self) -> Multiplicity:
        if self.secondary == "gatekeeping" and self.primary != "holm":
            raise ValueError("secondary: gatekeeping goes with primary: holm; write one of the two otherwise")
        return self


class AlwaysValid(Section):
    """Look whenever you like: an asymptotic confidence sequence, shortest toward a planned end.

    .. code-block:: yaml

        sequential: {method: asymptotic_cs, horizon: 20000}
    """

    method: Literal["asymptotic_cs"]
    horizon: int = Field(
        ge=10,
        description="Units, all arms, at the planned end. Intervals hold at every look before it and after "
        "it; after it they are wider.",
    )


class GroupSequential(Section):
    """Look a few times, at declared shares of the planned units: Lan-DeMets alpha spending.

    .. code-block:: yaml

        sequential: {method: group_sequential, planned_units: 40000, looks: [0.25, 0.5, 0.75, 1.0]}
    """

    method: Literal["group_sequential"]
    planned_units: int = Field(ge=10, description="Units, all arms, that the last look is to have.")
    looks: tuple[float, ...] = Field(
        min_length=1, max_length=100, description="Shares of the planned units at the looks; the last is 1."
    )
    spending: Literal["obrien_fleming", "pocock", "power"] = Field(
        default="obrien_fleming",
        description="How alpha is spent: late, evenly, or as a power of the share of units (Kim and DeMets).",
    )
    power: float | None = Field(default=None, gt=0, le=20, description="`spending: power`: the exponent.")

    @field_validator("looks")
    @classmethod
    def _rising_to_one(cls, looks: tuple[float, ...]) -> tuple[float, ...]:
        if looks[0] <= 0 or any(b <= a for a, b in pairwise(looks)) or looks[-1] != 1:
            raise ValueError("looks must rise from above 0 to 1; write [0.25, 0.5, 0.75, 1.0]")
        return looks

    @model_validator(mode="after")
    def _exponent(self) -> GroupSequential:
        if (self.spending == "power") != (self.power is not None):
            raise ValueError("power and spending: power belong together; write {spending: power, power: 2}")
        return self


Sequential = Annotated[AlwaysValid | GroupSequential, Field(discriminator="method")]


class Contrast(Section):
    """A weighted difference of arms, such as an interaction; weights sum to 0.

    .. code-block:: yaml

        {id: interaction, weights: {"11": 1, "10": -1, "01": -1, "00": 1}}
    """

    id: Identifier = Field(description="Name of the contrast.")
    name: Text | None = Field(default=None, description="Name on the page.")
    weights: dict[Label, float] = Field(description="Weight of each arm; arms left out weigh 0.")

    @field_validator("weights")
    @classmethod
    def _sum_to_zero(cls, weights: dict[str, float]) -> dict[str, float]:
        if sum(weight != 0 for weight in weights.values()) < 2:
            raise ValueError("a contrast compares at least two arms; give two weights that are not 0")
        total = math.fsum(weights.values())
        if abs(total) > 1e-9:
            raise ValueError(f"weights sum to {total:.6g}, not to 0; correct one")
        return weights


class Analysis(Section):
    """Level, adjustment and thresholds of the health checks."""

    alpha: float = Field(default=0.05, description="Two-sided level; intervals are at 1 - alpha.")
    multiplicity: Multiplicity = Field(
        default=Multiplicity(), description="Adjustment for many metrics and arms."
    )
    sequential: Sequential | None = Field(
        default=None, description="How results may be read before the planned end; left out: not at all."
    )
    contrasts: tuple[Contrast, ...] = Field(
        default=(), description="Weighted differences of arms besides each treatment against control."
    )
    trigger_alike: Words | None = Field(
        default=None,
        description="How the trigger is logged alike in all arms, such as `the visit is logged before the "
        "offer is chosen`; without it the effect on triggered units is not read.",
    )
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="Of the methods that draw at random.")
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
