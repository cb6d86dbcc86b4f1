"""Orders that may happen in any world: everything random about what members buy."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from loyalty_exp.planning.members import NEVER, Flags, Floats, Ints, Members
from loyalty_exp.planning.settings import DAY, ProgramSettings


@dataclass(frozen=True, slots=True)
class Pool:
    """Orders that may happen, one entry each; everything random about an order is here.

    An order is of the usual stream of its member, or is `added` by treatment. ``moved_to`` is the second in
    the campaign to which treatment pulls it, or `NEVER`. ``dropped`` ones do not happen under treatment.
    ``refund_part`` is 0 for orders that are kept; the ``luck`` of an order decides on what it uses.
    """

    member: Ints
    time: Ints
    added: Flags
    dropped: Flags
    moved_to: Ints
    spills: Flags
    money: Floats
    promoted: Flags
    switches: Flags
    refund_part: Floats
    refund_delay: Ints
    restockable: Flags
    coupon_luck: Floats
    perk_luck: Floats
    redeem_luck: Floats


def draw_pool(
    settings: ProgramSettings,
    members: Members,
    of_usual: np.random.Generator,
    of_added: np.random.Generator,
) -> Pool:
    """Make all orders that may happen in any world.

    The usual orders have a generator of their own, so that what happens without treatment does not depend on
    the planted effect.
    """
    gain = max(settings.more_orders, 0.0) * members.effect
    usual = of_usual.poisson(members.rate * (settings.pre_days + settings.data_days))
    added = of_added.poisson(members.rate * gain * (1 - settings.pull_forward) * settings.campaign_days)
    one = _draw_orders(settings, members, usual, False, of_usual)
    other = _draw_orders(settings, members, added, True, of_added)
    return Pool(*(np.concatenate([getattr(p, f.name) for p in (one, other)]) for f in fields(Pool)))


def _draw_orders(
    settings: ProgramSettings, members: Members, counts: Ints, added: bool, rng: np.random.Generator
) -> Pool:
    """Make so many orders a member, usual ones or added ones."""
    member = np.repeat(np.arange(settings.members, dtype=np.int64), counts)
    n = len(member)
    begin, end = (0, settings.campaign_end) if added else (settings.first, settings.data_end)
    time = rng.integers(begin, end, n)
    effect = members.effect[member]
    in_post = (time >= settings.campaign_end) & (time < settings.outcome_end) & (not added)
    moved = in_post & (rng.random(n) < settings.moved_chance * effect)
    noise = settings.basket_noise
    luck = rng.random((6, n))
    part = np.where(luck[1] < settings.full_refund_share, 1.0, rng.uniform(0.1, 0.9, n))
    promoted = (1 + settings.promoted_share) / 2 if added else settings.promoted_share
    return Pool(
        member=member,
        time=time,
        added=np.full(n, added),
        dropped=(luck[0] < -settings.more_orders * effect) & (not added),
        moved_to=np.where(moved, rng.integers(0, settings.campaign_end, n), NEVER),
        spills=(rng.random(n) < settings.spill_over) & added,
        money=members.level[member] * rng.lognormal(-(noise**2) / 2, noise, size=n),
        promoted=luck[2] < promoted,
        switches=(rng.random(n) < settings.switched) & (not added),
        refund_part=np.where(rng.random(n) < settings.refund_rate, part, 0.0),
        refund_delay=3600 + np.floor(rng.exponential(settings.refund_delay * DAY, n)).astype(np.int64),
        restockable=rng.random(n) < settings.restockable_share,
        coupon_luck=luck[3],
        perk_luck=luck[4],
        redeem_luck=luck[5],
    )
