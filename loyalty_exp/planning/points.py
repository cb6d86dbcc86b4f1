"""The points ledger of one world: lots that become usable, are burned, expire, and are taken back.

Rules, all of them exact to the point:

- An order earns its points on its day; they may be used ``pending_days`` later.
- Lots expire on a grid of days. The earliest expiry is burned first, base before bonus on the same day.
- Points of a refund are taken from the lot of the order, then from the lots that expire first. What is not
  there any more becomes debt, which later points pay off before they can be used.
- A member who redeems on an order uses all points up to a part of what is paid, in whole steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loyalty_exp.planning.members import NEVER, Flags, Ints
from loyalty_exp.planning.purchases import Orders
from loyalty_exp.planning.settings import DAY, ProgramSettings

TAKEN_BACK, USABLE, REDEMPTION = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Burned:
    """Points redeemed, or expired: one entry an event and kind of lot, of points above 0.

    Attributes
    ----------
    member, time, points : array of int
    bonus : array of bool
    order : array of int
        Place of the order they paid; -1 for points that expired.
    """

    member: Ints
    time: Ints
    points: Ints
    bonus: Flags
    order: Ints

    def only(self, keep: Flags | Ints) -> Burned:
        """Give some of the entries, or all in another order."""
        return Burned(
            self.member[keep], self.time[keep], self.points[keep], self.bonus[keep], self.order[keep]
        )


@dataclass(frozen=True, slots=True)
class PointsLedger:
    """What became of the points.

    Attributes
    ----------
    redeemed, expired : Burned
    balance : array of int
        Usable points of each member at the data end; negative is debt.
    pending : array of int
        Points of each member that are not usable yet at the data end.
    is_pending : array of bool
        Whether the points of an order are not usable yet at the data end.
    """

    redeemed: Burned
    expired: Burned
    balance: Ints
    pending: Ints
    is_pending: Flags


def run_ledger(orders: Orders, settings: ProgramSettings) -> PointsLedger:
    """Follow the points of all members at once: first the first event of each, then the second, and so on."""
    usable_at = orders.time + settings.pending_days * DAY
    before = orders.refund_time <= usable_at
    base = orders.base - np.where(before, orders.base_back, 0)
    bonus = orders.bonus - np.where(before, orders.bonus_back, 0)
    is_pending = usable_at >= settings.data_end
    pending = np.zeros(settings.members, dtype=np.int64)
    np.add.at(pending, orders.member[is_pending], (base + bonus)[is_pending])
    back = ~before & (orders.refund_time < NEVER) & (orders.base_back + orders.bonus_back > 0)
    asks = (orders.redeem_luck < settings.redeem_chance) & (orders.time < settings.data_end)
    groups = (
        (TAKEN_BACK, np.flatnonzero(back), orders.refund_time),
        (USABLE, np.flatnonzero(~is_pending & (base + bonus > 0)), usable_at),
        (REDEMPTION, np.flatnonzero(asks), orders.time),
    )
    kind = np.concatenate([np.full(len(which), k) for k, which, _ in groups])
    order = np.concatenate([which for _, which, _ in groups])
    time = np.concatenate([at[which] for _, which, at in groups])
    member = orders.member[order]
    sequence = np.argsort((member * 2**32 + (time - settings.first)) * 4 + kind, kind="stable")
    rank = _rank(member[sequence])
    sequence = sequence[np.argsort(rank, kind="stable")]
    ends = np.cumsum(np.bincount(rank)) if len(rank) else np.zeros(0, dtype=np.int64)
    lots = _Lots(orders, settings, base, bonus)
    for begin, end in zip([0, *ends[:-1]], ends, strict=False):
        now = sequence[begin:end]
        lots.expire(member[now], time[now])
        for k, act in ((TAKEN_BACK, lots.take_back), (USABLE, lots.add), (REDEMPTION, lots.redeem)):
            act(order[now[kind[now] == k]])
    lots.expire(np.arange(settings.members), np.full(settings.members, settings.data_end - 1))
    balance = lots.held.sum(axis=1) - lots.debt
    return PointsLedger(joined(lots.redeemed), joined(lots.expired), balance, pending, is_pending)


class _Lots:
    """Points held, one row a member; columns by expiry, base before bonus. Changed event after event."""

    def __init__(self, orders: Orders, settings: ProgramSettings, base: Ints, bonus: Ints) -> None:
        grid = settings.expiry_grid * DAY
        since = orders.time - settings.first
        # The first boundary of the grid at or after the end of the life.
        self.base_at = 2 * -((since + settings.base_expiry_days * DAY) // -grid)
        self.bonus_at = 2 * -((since + settings.bonus_expiry_days * DAY) // -grid) + 1
        columns = int(max(self.base_at.max(initial=0), self.bonus_at.max(initial=0))) // 2 + 1
        self.expires = settings.first + np.arange(columns, dtype=np.int64) * grid
        with_bonus = self.bonus_at[bonus > 0]
        self.earliest = min(self.base_at.min(initial=2 * columns), with_bonus.min(initial=2 * columns)) // 2
        self.held = np.zeros((settings.members, 2 * columns), dtype=np.int32)
        self.debt = np.zeros(settings.members, dtype=np.int64)
        self.passed = np.zeros(settings.members, dtype=np.int64)
        self.orders, self.settings, self.base, self.bonus = orders, settings, base, bonus
        worth = (orders.amount - orders.subsidy) * settings.redeem_most / 100 / settings.point_value
        self.most = np.floor(worth + 1e-9).astype(np.int64)
        self.redeemed: list[Burned] = []
        self.expired: list[Burned] = []

    def expire(self, member: Ints, time: Ints) -> None:
        """Remove what expires at these times or before; each member stands here once."""
        over = np.searchsorted(self.expires, time, side="right")
        late = over > np.maximum(self.passed[member], self.earliest)
        member, over = member[late], over[late]
        self.passed[member] = over
        held = self.held[member]
        row, at = np.nonzero(held * (np.arange(held.shape[1]) // 2 < over[:, None]))
        points = held[row, at].astype(np.int64)
        self.held[member[row], at] = 0
        self.expired.append(
            Burned(member[row], self.expires[at // 2], points, at % 2 == 1, np.full(len(row), -1))
        )

    def add(self, order: Ints) -> None:
        """Make points of orders usable; debt is paid first."""
        member = self.orders.member[order]
        for points, at in (
            (self.base[order], self.base_at[order]),
            (self.bonus[order], self.bonus_at[order]),
        ):
            paid = np.minimum(self.debt[member], points)
            self.debt[member] -= paid
            self.held[member, at] += points - paid

    def take_back(self, order: Ints) -> None:
        """Take points of refunds back: from the lot, then from what expires first, then as debt."""
        member = self.orders.member[order]
        for points, at in (
            (self.orders.base_back[order], self.base_at[order]),
            (self.orders.bonus_back[order], self.bonus_at[order]),
        ):
            own = np.minimum(self.held[member, at], points)
            self.held[member, at] -= own
            rest = points - own
            self.debt[member] += rest - self._burn(member, rest).sum(axis=1)

    def redeem(self, order: Ints) -> None:
        """Pay orders partly in points."""
        member, step = self.orders.member[order], self.settings.redeem_step
        points = np.minimum(self.most[order], self.held[member].sum(axis=1)) // step * step
        order, member, points = order[points > 0], member[points > 0], points[points > 0]
        burned = self._burn(member, points)
        for bonus in (False, True):
            of_kind = burned[:, int(bonus) :: 2].sum(axis=1)
            some = of_kind > 0
            kind = np.full(int(some.sum()), bonus)
            at = order[some]
            self.redeemed.append(Burned(member[some], self.orders.time[at], of_kind[some], kind, at))

    def _burn(self, member: Ints, points: Ints) -> Ints:
        """Take points from the lots that expire first, as far as there are any; give what each lot lost."""
        held = self.held[member]
        burned = np.clip(points[:, None] - (np.cumsum(held, axis=1) - held), 0, held).astype(np.int64)
        self.held[member] = held - burned
        return burned


def _rank(member: Ints) -> Ints:
    """Place of each entry among those of its member; members stand together."""
    place = np.arange(len(member))
    begins = np.ones(len(member), dtype=bool)
    begins[1:] = member[1:] != member[:-1]
    return place - np.maximum.accumulate(np.where(begins, place, 0))


def joined(parts: list[Burned]) -> Burned:
    """Put entries one after another."""
    none = np.zeros(0, dtype=np.int64)
    parts = [Burned(none, none, none, np.zeros(0, dtype=np.bool_), none), *parts]
    return Burned(
        np.concatenate([part.member for part in parts]),
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.bonus for part in parts]),
        np.concatenate([part.order for part in parts]),
    )
