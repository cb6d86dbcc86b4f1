"""A service that belongs to a tier, such as free shipping or early access."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loyalty_exp.grammar import Language
from loyalty_exp.interventions.intervention import Intervention

_WORDS = {
    "free_shipping": {"en": "free shipping", "zh-CN": "免运费"},
    "early_access": {"en": "early access", "zh-CN": "优先购买"},
    "priority_service": {"en": "priority service", "zh-CN": "专属客服"},
    "gift": {"en": "a gift", "zh-CN": "礼品"},
}


class TierPerk(Intervention):
    """A perk of a tier.

    .. code-block:: yaml

        {type: tier_perk, perk: free_shipping}
    """

    type: Literal["tier_perk"]
    perk: Literal["free_shipping", "early_access", "priority_service", "gift"] = Field(
        description="Which perk."
    )

    def words(self, language: Language) -> str:
        """Name the perk."""
        return _WORDS[self.perk][language]
