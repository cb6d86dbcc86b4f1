"""What members buy and send back in one world: the orders of the pool that happen there."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from loyalty_exp.planning.campaign import World
from loyalty_exp.planning.members import NEVER, Flags, Floats, Ints, Members
from loyalty_exp.planning.pool import Pool
from loyalty_exp.planning.settings import ProgramSettings


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders of one world. Money is in cents, times in seconds from the start.

    ``incremental`` orders would not have happened without treatment. ``refund_time`` is `NEVER` when nothing
    came back before the data end, and then all that came back is 0: ``refunded`` money, ``cogs_back``,
    ``subsidy_back``, and the points taken back, ``base_back`` and ``bonus_back``.
    """

    member: Ints
    time: Ints
    amount: Ints
    cogs: Ints
    fulfillment: Ints
    fee: Ints
    promoted: Flags
    incremental: Flags
    subsidy: Ints
    perk: Flags
    base: Ints
    bonus: Ints
    refund_time: Ints
    refunded: Ints
    cogs_back: Ints
    handling: Ints
    subsidy_back: Ints
    base_back: Ints
    bonus_back: Ints
    restockable: Flags
    redeem_luck: Floats

    @property
    def margin(self) -> Ints:
        """Contribution margin before program cost, as on the day of the order."""
        return self.amount - self.cogs - self.fulfillment - self.fee

    @property
    def refund_margin(self) -> Ints:
        """What a refund does to the margin: negative, or 0 without one."""
        return self.cogs_back - self.refunded - self.handling

    def only(self, keep: Flags | Ints) -> Orders:
        """Give some of the orders."""
        return Orders(*(getattr(self, f.name)[keep] for f in fields(self)))


def orders_in(world: World, pool: Pool, settings: ProgramSettings, members: Members) -> Orders:
    """Give the orders that happen in one world, by member and time."""
    treated = world is World.TREATED
    leaves = (members.leaves_treated if treated else members.leaves)[pool.member]
    here = (pool.time >= members.joined[pool.member]) & (pool.time < leaves)
    in_campaign = (pool.time >= 0) & (pool.time < settings.campaign_end)
    if treated:
        here &= ~(pool.dropped & in_campaign)
    else:
        here &= ~pool.added | (pool.spills if world is World.BESIDE_TREATED else False)
    time = np.where(treated & (pool.moved_to < NEVER), pool.moved_to, pool.time)
    found = np.flatnonzero(here)
    found = found[np.argsort(pool.member[found] * 2**32 + (time[found] - settings.first), kind="stable")]
    member, time = pool.member[found], time[found]
    offered = treated & (time >= 0) & (time < settings.campaign_end)
    bigger = np.where(offered, 1 + settings.larger_basket * members.effect[member], 1.0)
    amount = np.maximum(np.rint(pool.money[found] * bigger * 100), 1).astype(np.int64)
    promoted = pool.promoted[found] | (offered & pool.switches[found])
    gross = np.where(promoted, settings.margin_promoted, settings.margin_other)
    subsidy = _coupons(settings, member, amount, offered & (pool.coupon_luck[found] < settings.coupon_chance))
    cogs = _cents(amount * (1 - gross))
    base = base_points(settings, amount - subsidy)
    bonus = np.where(offered, bonus_points(settings, base), 0)
    part = pool.refund_part[found]
    came_back = time + pool.refund_delay[found]
    part = np.where(came_back < settings.data_end, part, 0.0)
    refunded = _cents(amount * part)
    part = refunded / amount
    restockable = pool.restockable[found]
    subsidy_back = np.floor(subsidy * part + 1e-9).astype(np.int64)
    kept = base_points(settings, amount - subsidy - refunded + subsidy_back)
    return Orders(
        member=member,
        time=time,
        amount=amount,
        cogs=cogs,
        fulfillment=np.full(len(found), round(settings.fulfillment * 100)),
        fee=_cents(amount * settings.payment_fee),
        promoted=promoted,
        incremental=pool.added[found] | (pool.time[found] >= members.leaves[member]),
        subsidy=subsidy,
        perk=offered & (pool.perk_luck[found] < settings.perk_chance),
        base=base,
        bonus=bonus,
        refund_time=np.where(refunded > 0, came_back, NEVER),
        refunded=refunded,
        cogs_back=np.where(restockable, _cents(cogs * part), 0),
        handling=np.where(refunded > 0, round(settings.return_handling * 100), 0),
        subsidy_back=subsidy_back,
        base_back=base - kept,
        bonus_back=np.where(offered, bonus - bonus_points(settings, kept), 0),
        restockable=restockable,
        redeem_luck=pool.redeem_luck[found],
    )


def base_points(settings: ProgramSettings, cents: Ints) -> Ints:
    """Points by the rule, for what was paid in money and points: the floor for each order."""
    points: Ints = np.floor(cents * (settings.points_per_money / 100) + 1e-9).astype(np.int64)
    return points


def bonus_points(settings: ProgramSettings, base: Ints) -> Ints:
    """Points of the treatment above the base points of an order."""
    points: Ints = np.floor(base * (settings.points_multiplier - 1) + 1e-9).astype(np.int64)
    return points


def _coupons(settings: ProgramSettings, member: Ints, amount: Ints, wants: Flags) -> Ints:
    """Money off each order: a member's first order that wants the coupon and is large enough."""
    face = round(settings.coupon * 100)
    can = np.flatnonzero(wants & (amount >= max(round(settings.coupon_min_spend * 100), face)))
    first = np.ones(len(can), dtype=bool)
    first[1:] = member[can][1:] != member[can][:-1]
    subsidy = np.zeros(len(amount), dtype=np.int64)
    subsidy[can[first]] = face
    return subsidy


def _cents(amount: npt.NDArray[np.floating]) -> Ints:
    cents: Ints = np.rint(amount).astype(np.int64)
    return cents
