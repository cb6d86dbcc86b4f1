"""The redemption rate at which points pay for themselves, in words where no rate does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loyalty_exp.economics.points import PointsPrice

RateStatus = Literal["inside", "profitable_at_any_rate", "loss_at_any_rate", "indifferent_at_any_rate"]


@dataclass(frozen=True, slots=True)
class BreakEvenRate:
    """Redemption rate at which the net benefit is 0.

    Attributes
    ----------
    value : float or None
        A rate from 0 to 1; None when there is none.
    status : str
        ``inside``, or what holds at every rate from 0 to 1.
    """

    value: float | None
    status: RateStatus


def break_even_redemption_rate(
    delta_benefit: float, other_cost: float, fixed: float, delta_points: float, price: PointsPrice
) -> BreakEvenRate:
    """Redemption rate at which benefit and cost are equal.

    Parameters
    ----------
    delta_benefit, other_cost, fixed : float
        Money a member: difference of benefit, difference of variable cost without points, fixed cost.
    delta_points : float
        Net points issued a treated member more than a control member.
    price : PointsPrice
    """
    rest, slope = delta_benefit - other_cost - fixed, delta_points * price.cost
    if slope == 0:
        if rest == 0:
            return BreakEvenRate(None, "indifferent_at_any_rate")
        return BreakEvenRate(None, "profitable_at_any_rate" if rest > 0 else "loss_at_any_rate")
    rate = rest / slope
    if 0 <= rate <= 1:
        return BreakEvenRate(rate, "inside")
    # Outside, the net benefit has one sign over the whole range: that at a rate of 0.
    return BreakEvenRate(None, "profitable_at_any_rate" if rest > 0 else "loss_at_any_rate")
