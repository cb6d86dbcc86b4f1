"""Points in the books: revenue put off at selling price and released as points are redeemed.

This is the accounting view, a line of its own. It is at selling price while the liability of
:mod:`loyalty_exp.economics.points` is at cost: the two are never added, and only one of them is taken off a
return. Points given without a sale are no part of a sales contract.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from loyalty_exp.errors import NotEstimable


@dataclass(frozen=True, slots=True)
class Deferral:
    """A transaction price split between goods and points, money.

    Attributes
    ----------
    stand_alone_points : float
        Stand-alone selling price of the points.
    deferred : float
        Put off until the points are redeemed.
    goods_revenue : float
        Recognized at once.
    """

    stand_alone_points: float
    deferred: float
    goods_revenue: float


@dataclass(frozen=True, slots=True)
class Release:
    """Deferred revenue released period by period, money.

    Attributes
    ----------
    revenue : tuple of float
        Of each period; may be negative when the expected redemptions are raised.
    closing : float
        Contract liability at the end.
    """

    revenue: tuple[float, ...]
    closing: float


def defer(
    transaction_price: float,
    stand_alone_goods: float,
    points: float,
    face_value: float,
    redemption_rate: float,
) -> Deferral:
    """Split a transaction price by relative stand-alone selling prices.

    Parameters
    ----------
    transaction_price : float
        Money paid, without tax.
    stand_alone_goods : float
        What the goods sell for on their own.
    points : float
        Issued with the sale.
    face_value : float
        Money a point.
    redemption_rate : float
        Share expected to be redeemed.

    Raises
    ------
    NotEstimable
        When neither goods nor points have a stand-alone price.

    References
    ----------
    IFRS 15 paragraphs 74, 76 and B40-B43; ASC 606-10-32-31 and 606-10-55-42; CAS 14 (2017) articles 20, 21
    and 35.
    """
    if min(transaction_price, stand_alone_goods, points, face_value) < 0 or not 0 <= redemption_rate <= 1:
        raise ValueError("prices and points are not negative, and a redemption rate lies between 0 and 1")
    own = points * face_value * redemption_rate
    whole = stand_alone_goods + own
    if not whole > 0:
        raise NotEstimable("neither goods nor points have a stand-alone selling price")
    deferred = transaction_price * own / whole
    return Deferral(own, deferred, transaction_price - deferred)


def release(
    deferred: float, points: float, redeemed: Sequence[float], redemption_rates: Sequence[float]
) -> Release:
    """Release deferred revenue in step with redemptions, catching up when the rate is estimated anew.

    Parameters
    ----------
    deferred : float
        Money at the start; it is not split again when the rate changes.
    points : float
        Issued.
    redeemed : sequence of float
        Points redeemed in each period.
    redemption_rates : sequence of float
        Ultimate rate as estimated at the end of each period. One that the redemptions so far exceed counts as
        reached: everything is released.

    References
    ----------
    IFRS 15 paragraphs 41-45 and B44-B46 with illustrative example 52; KPMG, Revenue: IFRS 15 handbook,
    examples 10A and 10B.
    """
    if len(redeemed) != len(redemption_rates):
        raise ValueError("one redemption rate for each period")
    if deferred < 0 or any(r < 0 for r in redeemed) or not all(0 <= u <= 1 for u in redemption_rates):
        raise ValueError("money and points are not negative, and redemption rates lie between 0 and 1")
    if math.fsum(redeemed) > points:
        raise ValueError("more points redeemed than issued")
    revenue, released, so_far = [], 0.0, 0.0
    for used, rate in zip(redeemed, redemption_rates, strict=True):
        so_far += used
        expected = rate * points
        due = deferred * (so_far / expected) if so_far < expected else deferred
        revenue.append(due - released)
        released = due
    return Release(tuple(revenue), deferred - released)
