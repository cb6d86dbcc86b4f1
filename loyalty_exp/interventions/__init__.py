"""The kinds of intervention, one file each; the list is written out here."""

from typing import Annotated

from pydantic import Field

from loyalty_exp.interventions.intervention import Intervention
from loyalty_exp.interventions.message import Message
from loyalty_exp.interventions.points_bonus import PointsBonus
from loyalty_exp.interventions.points_multiplier import PointsMultiplier
from loyalty_exp.interventions.referral_reward import ReferralReward
from loyalty_exp.interventions.retention_offer import RetentionOffer
from loyalty_exp.interventions.tier_perk import TierPerk

KINDS: tuple[type[Intervention], ...] = (
    PointsMultiplier,
    PointsBonus,
    TierPerk,
    RetentionOffer,
    Message,
    ReferralReward,
)

AnyIntervention = Annotated[
    PointsMultiplier | PointsBonus | TierPerk | RetentionOffer | Message | ReferralReward,
    Field(discriminator="type"),
]

__all__ = ["KINDS", "AnyIntervention", "Intervention"]
