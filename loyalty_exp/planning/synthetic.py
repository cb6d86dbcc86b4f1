"""The door of this room: a made loyalty program, its campaign, and the truth about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from loyalty_exp.planning.campaign import (
    Draw,
    Messages,
    Referrals,
    World,
    draw_arms,
    draw_messages,
    draw_referrals,
)
from loyalty_exp.planning.members import Flags, Ints, Members, draw_members
from loyalty_exp.planning.points import Burned, PointsLedger, joined, run_ledger
from loyalty_exp.planning.pool import draw_pool
from loyalty_exp.planning.purchases import Orders, orders_in
from loyalty_exp.planning.settings import ProgramSettings
from loyalty_exp.planning.truth import Measured, Truth, measured, truth_of


@dataclass(frozen=True, slots=True)
class SyntheticProgram:
    """A program as it would be seen, and what is never seen.

    Attributes
    ----------
    settings : ProgramSettings
    seed : int
    members : Members
    draw : Draw
    orders : Orders
        Those that happened, each member in the world that was drawn; by member and time.
    ledger : PointsLedger
        The points of these orders.
    messages : Messages
    referrals : Referrals
        Those that happened.
    outcomes : mapping of World to mapping of measure to array
        Every member in every world.
    """

    settings: ProgramSettings
    seed: int
    members: Members
    draw: Draw
    orders: Orders
    ledger: PointsLedger
    messages: Messages
    referrals: Referrals
    outcomes: Mapping[World, Measured]

    @property
    def all_or_nobody(self) -> Truth:
        """Everyone treated against nobody: what a roll-out brings."""
        return self.truth()

    @property
    def as_drawn(self) -> Truth:
        """Treated against untreated as the draw mixes households: what a comparison of arms estimates."""
        return self.truth(as_drawn=True)

    @property
    def observed(self) -> Measured:
        """Each member in the world that was drawn."""
        worlds = self.outcomes
        return {
            name: np.select([self.draw.world == w.value for w in worlds], [worlds[w][name] for w in worlds])
            for name in worlds[World.TREATED]
        }

    def truth(self, only: Flags | None = None, *, as_drawn: bool = False) -> Truth:
        """Give the planted effect on all members, or on some of them.

        Parameters
        ----------
        only : array of bool, optional
            Some members, as ``program.members.segment == "online"``.
        as_drawn : bool
            See :mod:`loyalty_exp.planning.truth`.
        """
        alone, beside = self.outcomes[World.UNTREATED], self.outcomes[World.BESIDE_TREATED]
        chance = self.draw.beside_chance
        mixed = {name: alone[name] + chance * (beside[name] - alone[name]) for name in alone}
        fixed = self.settings.fixed_cost / max(int(self.draw.treated.sum()), 1)
        untreated = mixed if as_drawn else alone
        return truth_of(self.outcomes[World.TREATED], untreated, self.settings, fixed, only)


def program(settings: ProgramSettings, seed: int) -> SyntheticProgram:
    """Make a program; the same settings and seed give the same program.

    Parameters
    ----------
    settings : ProgramSettings
    seed : int
        Of `numpy.random.PCG64`; members, usual orders, added orders, messages and referrals have streams of
        their own, so that untreated members do the same whatever effect is planted.
    """
    streams = [np.random.Generator(np.random.PCG64(s)) for s in np.random.SeedSequence(seed).spawn(5)]
    of_members, of_usual, of_added, of_messages, of_referrals = streams
    members = draw_members(settings, of_members)
    drawn = draw_arms(settings, members, seed)
    pool = draw_pool(settings, members, of_usual, of_added)
    referrals = draw_referrals(settings, of_referrals)
    outcomes: dict[World, Measured] = {}
    seen = []
    for world in (World.UNTREATED, World.TREATED, World.BESIDE_TREATED):
        if world is World.BESIDE_TREATED and not settings.spill_over:
            outcomes[world] = outcomes[World.UNTREATED]
            continue
        orders = orders_in(world, pool, settings, members)
        ledger = run_ledger(orders, settings)
        outcomes[world] = measured(world, orders, ledger, referrals, settings)
        lives = drawn.world == world.value
        if world is World.UNTREATED and not settings.spill_over:
            lives = ~drawn.treated
        seen.append((lives, orders, ledger))
    messages = draw_messages(settings, drawn.treated, of_messages)
    happen = referrals.happen(drawn.treated)
    referrals = Referrals(referrals.member[happen], referrals.time[happen], referrals.added[happen])
    orders, ledger = _as_seen(seen)
    return SyntheticProgram(settings, seed, members, drawn, orders, ledger, messages, referrals, outcomes)


def _as_seen(worlds: list[tuple[Flags, Orders, PointsLedger]]) -> tuple[Orders, PointsLedger]:
    """Take each member out of the world in which it lives."""
    keeps = [lives[orders.member] for lives, orders, _ in worlds]
    parts = [orders.only(keep) for keep, (_, orders, _) in zip(keeps, worlds, strict=True)]
    together = Orders(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Orders)))
    # A member has orders of one world only, so a stable sort keeps them in the order of time.
    sequence = np.argsort(together.member, kind="stable")
    place = np.empty(len(sequence), dtype=np.int64)
    place[sequence] = np.arange(len(sequence))
    renumbered = []
    begin = 0
    for keep in keeps:
        new = np.full(len(keep), -1, dtype=np.int64)
        new[keep] = place[begin : begin + int(keep.sum())]
        begin += int(keep.sum())
        renumbered.append(new)
    redeemed, expired = (
        _burned(
            [
                (lives, getattr(led, name), new)
                for (lives, _, led), new in zip(worlds, renumbered, strict=True)
            ]
        )
        for name in ("redeemed", "expired")
    )
    balance = sum(np.where(lives, ledger.balance, 0) for lives, _, ledger in worlds)
    pending = sum(np.where(lives, ledger.pending, 0) for lives, _, ledger in worlds)
    is_pending = np.concatenate(
        [led.is_pending[keep] for keep, (_, _, led) in zip(keeps, worlds, strict=True)]
    )
    ledger = PointsLedger(redeemed, expired, np.asarray(balance), np.asarray(pending), is_pending[sequence])
    return together.only(sequence), ledger


def _burned(worlds: list[tuple[Flags, Burned, Ints]]) -> Burned:
    """Join what was burned, by member and time, with the new places of orders."""
    parts = []
    for lives, burned, new in worlds:
        found = burned.only(lives[burned.member])
        # The place -1, of what expired, is kept.
        parts.append(replace(found, order=np.append(new, -1)[found.order]))
    all_of = joined(parts)
    return all_of.only(np.lexsort((all_of.bonus, all_of.time, all_of.member)))
