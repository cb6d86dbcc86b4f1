"""A service that belongs to a tier, such as free shipping or early access."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from loyalty_exp.grammar import Language
from loyalty_exp.interventions.caps import PerkCaps
from loyalty_exp.interventions.intervention import Announced, Driver

_WORDS: dict[str, dict[Language, str]] = {
    "free_shipping": {"en": "free shipping", "zh-CN": "免运费"},
    "early_access": {"en": "early access", "zh-CN": "优先购买"},
    "priority_service": {"en": "priority service", "zh-CN": "专属客服"},
    "service_minutes": {"en": "personal service", "zh-CN": "专属服务时长"},
    "gift": {"en": "a gift", "zh-CN": "礼品"},
}


class TierPerk(Announced):
    """A perk of a tier.

    .. code-block:: yaml

        {type: tier_perk, perk: free_shipping}
    """

    type: Literal["tier_perk"]
    perk: Literal["free_shipping", "early_access", "priority_service", "service_minutes", "gift"] = Field(
        description="Which perk."
    )
    min_spend: float = Field(default=0.0, ge=0, description="Smallest order for which it is given.")
    lead_hours: int | None = Field(
        default=None, ge=1, le=8760, description="`early_access`: hours before everyone else."
    )
    stock_reserved: float | None = Field(
        default=None, gt=0, le=1, description="`early_access`: share of the stock that is set aside."
    )
    caps: PerkCaps | None = Field(default=None, description="How often it may be used.")

    @model_validator(mode="after")
    def _of_early_access(self) -> TierPerk:
        for key in ("lead_hours", "stock_reserved"):
            if getattr(self, key) is not None and self.perk != "early_access":
                raise ValueError(f"{key} belongs to perk: early_access; remove it")
        return self

    def words(self, language: Language) -> str:
        """Name the perk, with the hours of early access."""
        said = _WORDS[self.perk][language]
        if self.lead_hours:
            said += f" {self.lead_hours} 小时" if language == "zh-CN" else f", {self.lead_hours} hours ahead"
        return said

    def drivers(self) -> tuple[Driver, ...]:
        """Uses of the perk, and messages when members are told; early access itself costs nothing."""
        return (*(() if self.perk == "early_access" else ("perks",)), *self.telling)
