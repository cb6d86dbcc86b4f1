"""Who is in the program: households, tiers, how often and how much each member buys, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.planning.settings import DAY, ProgramSettings

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.str_]

NEVER = np.int64(2**62)
"""A second that does not come."""


@dataclass(frozen=True, slots=True)
class Members:
    """One entry a member, all of length N; seconds count from the start of the campaign.

    Attributes
    ----------
    household : array of int
        Number of the household, from 0, ascending.
    household_size : array of int
    tier, region, segment : array of str
    joined : array of int
        Second, a midnight before the start.
    rate : array of float
        Orders a day while active; 0 for those who never buy.
    level : array of float
        Mean money of an order.
    leaves, leaves_treated : array of int
        Second of churn without and with treatment.
    effect : array of float
        What multiplies the planted effects.
    """

    household: Ints
    household_size: Ints
    tier: Texts
    region: Texts
    segment: Texts
    joined: Ints
    rate: Floats
    level: Floats
    leaves: Ints
    leaves_treated: Ints
    effect: Floats


def draw_members(settings: ProgramSettings, rng: np.random.Generator) -> Members:
    """Make the members."""
    n = settings.members
    household, size = _households(settings, rng)
    # A sum of gammas with one scale is gamma: the shared part makes the correlation within a household.
    shared, own = (
        settings.household_share * settings.frailty,
        (1 - settings.household_share) * settings.frailty,
    )
    of_household = rng.gamma(shared, size=household[-1] + 1) if shared else np.zeros(household[-1] + 1)
    frailty = (of_household[household] + (rng.gamma(own, size=n) if own else 0.0)) / settings.frailty
    buys = rng.random(n) >= settings.never_buyers
    rate = settings.orders_per_day * frailty * buys
    spread = settings.basket_spread
    level = settings.basket * rng.lognormal(-(spread**2) / 2, spread, size=n)
    joined = -DAY * np.ceil(rng.exponential(600.0, size=n) + 1).astype(np.int64)
    leaves, treated = _churn(settings, joined, rng)
    segment = _named(settings.segments, rng.random(n))
    effect = np.ones(n)
    for name, factor in settings.effect_of_segment.items():
        effect[segment == name] = factor
    standing = rate * level * rng.lognormal(0.0, 0.5, size=n)
    place = np.empty(n)
    place[np.argsort(standing, kind="stable")] = (np.arange(n) + 0.5) / n
    region = _named(settings.regions, rng.random(n))
    tier = _named(settings.tiers, place)
    return Members(household, size, tier, region, segment, joined, rate, level, leaves, treated, effect)


def _households(settings: ProgramSettings, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Number of the household and its size, for each member; the last household may be cut short."""
    n = settings.members
    shares = np.asarray(settings.household_sizes, dtype=float)
    drawn = rng.choice(len(shares), size=n, p=shares / shares.sum()) + 1
    household = np.repeat(np.arange(n), drawn)[:n].astype(np.int64)
    return household, np.bincount(household)[household].astype(np.int64)


def _churn(settings: ProgramSettings, joined: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Second of churn without and with treatment: one exponential life, read with two hazards."""
    begins = np.maximum(joined, settings.first)
    life = rng.exponential(1.0, size=len(joined))
    if not settings.churn_per_day:
        never = np.full(len(joined), NEVER)
        return never, never
    leaves = begins + np.floor(life / settings.churn_per_day * DAY).astype(np.int64)
    longer = np.floor(np.maximum(leaves, 0) / (1 - settings.churn_reduction)).astype(np.int64)
    return leaves, np.where(leaves > 0, longer, leaves)


def _named(shares: Mapping[str, float], place: Floats) -> Texts:
    """Names by places in [0, 1), with these shares."""
    names, weights = np.array(list(shares)), np.array(list(shares.values()), dtype=float)
    at = np.searchsorted(np.cumsum(weights / weights.sum()), place, side="right")
    named: Texts = names[np.minimum(at, len(names) - 1)]
    return named
