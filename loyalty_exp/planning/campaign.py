"""Who is treated: the draw by hash, and who lives with a treated member."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import numpy as np

from loyalty_exp.assignment.draw import SPACE, points
from loyalty_exp.planning.members import Flags, Floats, Ints, Members
from loyalty_exp.planning.settings import ProgramSettings


class World(Enum):
    """What may happen to one member; each has an outcome in every world, from the same random numbers."""

    UNTREATED = 0
    TREATED = 1
    BESIDE_TREATED = 2


@dataclass(frozen=True, slots=True)
class Draw:
    """The arms as drawn.

    Attributes
    ----------
    salt : str
    treated : array of bool
    world : array of int
        Value of the `World` in which each member lives.
    beside_chance : array of float
        Chance, over draws, that an untreated member lives with a treated one.
    """

    salt: str
    treated: Flags
    world: Ints
    beside_chance: Floats


def member_id(number: int) -> str:
    """Id of a member, counted from 0."""
    return f"M{number:08d}"


def household_id(number: int) -> str:
    """Id of a household, counted from 0."""
    return f"H{number:08d}"


def draw_arms(settings: ProgramSettings, members: Members, seed: int) -> Draw:
    """Draw members, or whole households, as `loyalty_exp.assignment` does: control has the first share."""
    salt = settings.salt or f"synthetic-{seed}"
    households = settings.draw == "household"
    count = int(members.household[-1]) + 1 if households else len(members.household)
    name = household_id if households else member_id
    control = 1 - Fraction(str(settings.share))
    drawn = points(salt, [name(i) for i in range(count)]) >= math.ceil(control * SPACE) / SPACE
    treated = drawn[members.household] if households else drawn
    shared = np.bincount(members.household, weights=treated)[members.household] > 0
    world = np.where(treated, World.TREATED.value, np.where(shared, World.BESIDE_TREATED.value, 0))
    chance: Floats = 1 - np.power(1 - settings.share, members.household_size - 1.0)
    if households:
        chance = np.zeros(len(treated))
    return Draw(salt, treated, world.astype(np.int64), chance)


@dataclass(frozen=True, slots=True)
class Referrals:
    """New members brought in during the campaign, one entry each; `added` ones only by treatment."""

    member: Ints
    time: Ints
    added: Flags

    def happen(self, treated: Flags) -> Flags:
        """Tell which happen when these members are treated."""
        return ~self.added | treated[self.member]

    def count(self, world: World, members: int) -> Floats:
        """Count by member in one world."""
        here = self.happen(np.full(members, world is World.TREATED))
        return np.bincount(self.member[here], minlength=members).astype(np.float64)


def draw_referrals(settings: ProgramSettings, rng: np.random.Generator) -> Referrals:
    """Make all referrals that may happen in any world, by time."""
    usual = settings.referral_rate * settings.members
    parts = []
    for mean, added in ((usual, False), (usual * settings.more_referrals, True)):
        n = int(rng.poisson(mean))
        who, when = rng.integers(0, settings.members, n), rng.integers(0, settings.campaign_end, n)
        parts.append((who, when, np.full(n, added)))
    member, time, is_added = (np.concatenate(column) for column in zip(*parts, strict=True))
    sequence = np.argsort(time, kind="stable")
    return Referrals(member[sequence], time[sequence], is_added[sequence])


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages to treated members, by time."""

    member: Ints
    time: Ints
    failed: Flags


def draw_messages(settings: ProgramSettings, treated: Flags, rng: np.random.Generator) -> Messages:
    """Send the messages of the campaign."""
    member = rng.permutation(np.repeat(np.flatnonzero(treated), settings.contacts))
    time = np.sort(rng.integers(0, settings.campaign_end, len(member)))
    return Messages(member, time, rng.random(len(member)) < settings.contact_failures)
