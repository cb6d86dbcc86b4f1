"""A reward for bringing a new member."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from loyalty_exp.grammar import Language
from loyalty_exp.interventions.caps import RewardCaps
from loyalty_exp.interventions.intervention import Announced, Driver


class ReferralReward(Announced):
    """A reward to the referrer, and perhaps to the new member.

    .. code-block:: yaml

        {type: referral_reward, referrer: 30, referee: 10}
    """

    type: Literal["referral_reward"]
    referrer: float = Field(ge=0, description="Paid to the member who refers, in the program's currency.")
    referee: float = Field(
        default=0.0, ge=0, description="Paid to the new member, in the program's currency."
    )
    referee_min_spend: float = Field(
        default=0.0, ge=0, description="Smallest order for which the new member's reward is paid."
    )
    caps: RewardCaps | None = Field(default=None, description="How many referrals are rewarded.")

    def words(self, language: Language) -> str:
        """Say both rewards."""
        if language == "zh-CN":
            return f"推荐奖励：推荐人 {self.referrer:g}，被推荐人 {self.referee:g}"
        return f"referral reward: {self.referrer:g} to the referrer, {self.referee:g} to the new member"

    def drivers(self) -> tuple[Driver, ...]:
        """Rewards, and messages when members are told."""
        return ("referrals", *self.telling)
