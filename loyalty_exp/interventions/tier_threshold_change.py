"""Another spend from which a member reaches a tier."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from loyalty_exp.grammar import Label, Language
from loyalty_exp.interventions.intervention import Announced, Driver


class TierThresholdChange(Announced):
    """A tier that is reached sooner, or later.

    .. code-block:: yaml

        {type: tier_threshold_change, tier: gold, from: 2000, to: 1500}
    """

    type: Literal["tier_threshold_change"]
    tier: Label = Field(description="The tier, as the data spell it.")
    from_: float = Field(alias="from", ge=0, description="Qualifying spend today.")
    to: float = Field(ge=0, description="Qualifying spend for members of the arm.")

    @model_validator(mode="after")
    def _a_change(self) -> TierThresholdChange:
        if self.from_ == self.to:
            raise ValueError("from and to are the same; nothing would change for the arm")
        return self

    def words(self, language: Language) -> str:
        """Say the tier and both thresholds."""
        if language == "zh-CN":
            return f"{self.tier} 定级消费由 {self.from_:g} 调整为 {self.to:g}"
        return f"{self.tier} from a spend of {self.to:g}, not {self.from_:g}"

    def drivers(self) -> tuple[Driver, ...]:
        """Perks of the tier, for those who reach it or miss it; and messages when members are told."""
        return ("perks", *self.telling)
