"""What points cost: accrued when issued, burned when redeemed, and owed in between, all on the cost basis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loyalty_exp.errors import NotEstimable


@dataclass(frozen=True, slots=True)
class PointsPrice:
    """What a redeemed point costs.

    Attributes
    ----------
    face_value : float
        Money a point is worth to the member when she redeems it.
    cost_to_face : float
        Cost of one unit of face value: what a gift costs for its face; 1 for points taken as payment while
        the margin of that order is already counted in the benefit.
    """

    face_value: float
    cost_to_face: float = 1.0

    def __post_init__(self) -> None:
        if not self.face_value > 0 or not self.cost_to_face >= 0:
            raise ValueError("a point has a face value above 0 and a cost that is not negative")

    @property
    def cost(self) -> float:
        """Money a redeemed point costs."""
        return self.face_value * self.cost_to_face


def cost_to_face_of_own_goods(incremental: float, margin: float) -> float:
    """Cost of one unit of face value taken as payment on own goods by orders outside the benefit.

    Such an order brings margin that the benefit does not count, so far as it would not have come otherwise:
    ``1 - incremental * margin``. With orders inside the benefit, and to be cautious, it is 1.

    Parameters
    ----------
    incremental : float
        Share of those orders that would not have come otherwise.
    margin : float
        Share of the money that is contribution margin.
    """
    if not (0 <= incremental <= 1 and 0 <= margin <= 1):
        raise ValueError("shares lie between 0 and 1")
    return 1 - incremental * margin


@dataclass(frozen=True, slots=True)
class PointsFlow:
    """Points of one tranche, up to a day.

    Attributes
    ----------
    issued, clawed_back, redeemed, expired : float
        Points; claw-backs are those of refunded orders.
    """

    issued: float
    clawed_back: float = 0.0
    redeemed: float = 0.0
    expired: float = 0.0

    def __post_init__(self) -> None:
        if not min(self.issued, self.clawed_back, self.redeemed, self.expired) >= 0:
            raise ValueError("points are not negative")
        if self.outstanding < 0:
            raise ValueError("more points taken back, redeemed and expired than were issued")

    @property
    def net_issued(self) -> float:
        """Issued and not clawed back."""
        return self.issued - self.clawed_back

    @property
    def outstanding(self) -> float:
        """Neither redeemed nor expired."""
        return self.issued - self.clawed_back - self.redeemed - self.expired


@dataclass(frozen=True, slots=True)
class PointsPosition:
    """Cost of a tranche and what is still owed; ``accrual_cost = burn_cost + closing_liability``.

    Attributes
    ----------
    net_issued, outstanding, expected_future, breakage : float
        Points; breakage is what will never be redeemed.
    redemption_rate : float
        The rate used: as assumed, or the nearest one that the points already redeemed and expired allow.
    assumption_refuted : bool
        Whether the assumed rate had to be moved.
    conditional_redemption_rate : float or None
        Share of the outstanding points that will be redeemed; None when none are outstanding.
    cost_per_point_issued, cost_per_point_redeemed : float
        Money a point.
    accrual_cost, burn_cost, closing_liability : float
        Money. This liability is at cost; the one in the books is at selling price and is not added to it
        (:mod:`loyalty_exp.economics.contract_liability`).
    """

    net_issued: float
    outstanding: float
    expected_future: float
    breakage: float
    redemption_rate: float
    assumption_refuted: bool
    conditional_redemption_rate: float | None
    cost_per_point_issued: float
    cost_per_point_redeemed: float
    accrual_cost: float
    burn_cost: float
    closing_liability: float

    @property
    def identity_gap(self) -> float:
        """``accrual_cost - burn_cost - closing_liability``: 0 but for rounding."""
        return self.accrual_cost - self.burn_cost - self.closing_liability


def position(flow: PointsFlow, redemption_rate: float, price: PointsPrice) -> PointsPosition:
    """Cost and liability of a tranche under an assumed ultimate redemption rate.

    ``liability = price.cost min(max(rate net_issued - redeemed, 0), outstanding)``: what is still to come.

    Parameters
    ----------
    flow : PointsFlow
    redemption_rate : float
        Share of the net issued points that is ever redeemed. Points already redeemed are its floor, points
        already expired its ceiling.
    price : PointsPrice
    """
    if not 0 <= redemption_rate <= 1:
        raise ValueError(f"a redemption rate lies between 0 and 1, not {redemption_rate}")
    n, outstanding = flow.net_issued, flow.outstanding
    wanted = redemption_rate * n
    future = min(max(wanted - flow.redeemed, 0.0), outstanding)
    ever = flow.redeemed + future
    refuted = abs(ever - wanted) > 1e-9 * n
    return PointsPosition(
        net_issued=n,
        outstanding=outstanding,
        expected_future=future,
        breakage=n - ever,
        redemption_rate=ever / n if refuted else redemption_rate,
        assumption_refuted=refuted,
        conditional_redemption_rate=future / outstanding if outstanding > 0 else None,
        cost_per_point_issued=price.cost * (ever / n if refuted else redemption_rate),
        cost_per_point_redeemed=price.cost,
        accrual_cost=ever * price.cost,
        burn_cost=flow.redeemed * price.cost,
        closing_liability=future * price.cost,
    )


def true_up(flow: PointsFlow, before: float, after: float, price: PointsPrice) -> float:
    """Money by which the accrued cost changes when the redemption rate is estimated anew.

    A line of its own: written into past returns, it would change their history silently.

    Parameters
    ----------
    before, after : float
        Redemption rates, between 0 and 1.
    """
    return position(flow, after, price).accrual_cost - position(flow, before, price).accrual_cost


@dataclass(frozen=True, slots=True)
class PointsCostDifference:
    """What points cost a treated member more than a control member, money a member.

    Attributes
    ----------
    burn : float
        Redeemed so far.
    liability : float
        Owed at the end.
    """

    burn: float
    liability: float

    @property
    def accrual(self) -> float:
        """Both together; the cash view counts ``burn`` alone."""
        return self.burn + self.liability


def points_cost_difference(
    treated: Sequence[PointsPosition], control: Sequence[PointsPosition], n_treated: int, n_control: int
) -> PointsCostDifference:
    """Compare whole arms, base points and bonus points together.

    Lots are burned earliest expiry first, so bonus points displace base points: what the bonus lot burned is
    not what the bonus caused.

    Parameters
    ----------
    treated, control : sequence of PointsPosition
        All lots of an arm, each at its own redemption rate.
    n_treated, n_control : int
        Members assigned, those without points included.

    Raises
    ------
    NotEstimable
        With no member in an arm.
    """
    if min(n_treated, n_control) < 1:
        raise NotEstimable("no member in an arm")
    return PointsCostDifference(
        sum(p.burn_cost for p in treated) / n_treated - sum(p.burn_cost for p in control) / n_control,
        sum(p.closing_liability for p in treated) / n_treated
        - sum(p.closing_liability for p in control) / n_control,
    )
