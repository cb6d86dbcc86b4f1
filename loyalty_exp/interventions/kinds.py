"""The kinds of intervention, one file each; the list is written out here."""

from __future__ import annotations

from loyalty_exp.interventions.coupon import Coupon
from loyalty_exp.interventions.event import Event
from loyalty_exp.interventions.expiry_extension import ExpiryExtension
from loyalty_exp.interventions.message import Message
from loyalty_exp.interventions.points_bonus import PointsBonus
from loyalty_exp.interventions.points_multiplier import PointsMultiplier
from loyalty_exp.interventions.policy import Policy
from loyalty_exp.interventions.referral_reward import ReferralReward
from loyalty_exp.interventions.retention_offer import RetentionOffer
from loyalty_exp.interventions.tier_perk import TierPerk
from loyalty_exp.interventions.tier_threshold_change import TierThresholdChange

Single = (
    PointsMultiplier
    | PointsBonus
    | TierPerk
    | Coupon
    | RetentionOffer
    | Message
    | ReferralReward
    | ExpiryExtension
    | TierThresholdChange
    | Event
    | Policy
)
"""One thing that an arm receives; a new kind is one line here."""
