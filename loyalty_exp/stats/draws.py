"""Schemes of assignment that can be drawn again: complete, Bernoulli, within blocks, by clusters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import Protocol

import numpy as np
import numpy.typing as npt

from loyalty_exp.stats.moments import Vector

Assignments = npt.NDArray[np.bool_]
"""Shape (draws, units); true is treated."""

CELLS = 1 << 21
"""Assignments times units held at once."""

COUNTLESS = 10**18
"""Where counting of assignments stops: no one lists as many."""


class Draw(Protocol):
    """A scheme of assignment over n units."""

    @property
    def n(self) -> int:
        """Units."""

    @property
    def count(self) -> int:
        """How many assignments are possible; :data:`COUNTLESS` where there are more."""

    def every(self) -> Iterator[tuple[Assignments, Vector]]:
        """All assignments in batches, with their probabilities up to a common factor.

        Assignments have shape (batch, n), probabilities shape (batch,).
        """

    def sample(self, rng: np.random.Generator, size: int) -> Assignments:
        """Independent draws, shape (size, n).

        Parameters
        ----------
        size : int
            How many draws.
        """


@dataclass(frozen=True, slots=True)
class Complete:
    """A fixed number of the n units is treated, all choices alike."""

    n: int
    treated: int

    @property
    def count(self) -> int:
        """Choices of the treated."""
        fewer = min(self.treated, self.n - self.treated)
        # 70 choose 35 is beyond the end of counting already, and every choice of that many from more.
        return COUNTLESS if fewer >= 35 else min(math.comb(self.n, fewer), COUNTLESS)

    def every(self) -> Iterator[tuple[Assignments, Vector]]:
        """All choices.

        Shapes (batch, n) and (batch,).
        """
        choices = combinations(range(self.n), self.treated)
        while chosen := list(islice(choices, max(1, CELLS // self.n))):
            z = np.zeros((len(chosen), self.n), dtype=np.bool_)
            z[np.arange(len(chosen))[:, None], np.array(chosen, dtype=np.intp)] = True
            yield z, np.ones(len(chosen))

    def sample(self, rng: np.random.Generator, size: int) -> Assignments:
        """Shuffle the labels.

        Shape (size, n).

        Parameters
        ----------
        size : int
            How many draws.
        """
        labels = np.arange(self.n) < self.treated
        return rng.permuted(np.broadcast_to(labels, (size, self.n)), axis=1)


@dataclass(frozen=True, slots=True)
class Bernoulli:
    """Every unit is treated with its own probability, independently, as by a hash.

    Assignments that leave an arm empty are left out: the test is conditional on both arms being there.
    """

    shares: tuple[float, ...]

    @property
    def n(self) -> int:
        """Units."""
        return len(self.shares)

    @property
    def count(self) -> int:
        """Assignments with both arms."""
        return COUNTLESS if self.n >= 60 else int(2**self.n) - 2

    def every(self) -> Iterator[tuple[Assignments, Vector]]:
        """All assignments with both arms.

        Shapes (batch, n) and (batch,).
        """
        at_once, p = max(1, CELLS // self.n), np.array(self.shares)
        for start in range(1, self.count + 1, at_once):
            code = np.arange(start, min(start + at_once, self.count + 1), dtype=np.int64)
            z = (code[:, None] >> np.arange(self.n)) & 1 == 1
            yield z, np.where(z, p, 1 - p).prod(axis=1)

    def sample(self, rng: np.random.Generator, size: int) -> Assignments:
        """Toss a coin for every unit, again where an arm is empty.

        Shape (size, n).

        Parameters
        ----------
        size : int
            How many draws.
        """
        z = rng.random((size, self.n)) < np.array(self.shares)
        while (bad := z.all(axis=1) | ~z.any(axis=1)).any():
            z[bad] = rng.random((int(bad.sum()), self.n)) < np.array(self.shares)
        return z


@dataclass(frozen=True, slots=True)
class Blocked:
    """A draw of its own in every block or stratum.

    Attributes
    ----------
    blocks : tuple of tuple of int
        Positions of the units of each block; each unit is in one block.
    draws : tuple of Draw
        One a block.
    """

    blocks: tuple[tuple[int, ...], ...]
    draws: tuple[Draw, ...]

    @property
    def n(self) -> int:
        """Units."""
        return sum(len(b) for b in self.blocks)

    @property
    def count(self) -> int:
        """Product over the blocks."""
        product_so_far = 1
        for draw in self.draws:
            product_so_far = min(product_so_far * draw.count, COUNTLESS)
        return product_so_far

    def every(self) -> Iterator[tuple[Assignments, Vector]]:
        """All combinations of the assignments of the blocks.

        Shapes (batch, n) and (batch,).
        """
        listed = []
        for draw in self.draws:
            parts = list(draw.every())
            listed.append((np.concatenate([z for z, _ in parts]), np.concatenate([p for _, p in parts])))
        picks = product(*(range(len(p)) for _, p in listed))
        while chosen := list(islice(picks, max(1, CELLS // self.n))):
            at = np.array(chosen)
            z, probability = np.zeros((len(at), self.n), dtype=np.bool_), np.ones(len(at))
            for b, (block, (part, p)) in enumerate(zip(self.blocks, listed, strict=True)):
                z[:, list(block)] = part[at[:, b]]
                probability *= p[at[:, b]]
            yield z, probability

    def sample(self, rng: np.random.Generator, size: int) -> Assignments:
        """Draw block by block.

        Shape (size, n).

        Parameters
        ----------
        size : int
            How many draws.
        """
        z = np.zeros((size, self.n), dtype=np.bool_)
        for block, draw in zip(self.blocks, self.draws, strict=True):
            z[:, list(block)] = draw.sample(rng, size)
        return z


@dataclass(frozen=True, slots=True)
class Clustered:
    """Clusters are drawn; their units follow.

    Attributes
    ----------
    cluster : tuple of int
        For each unit, the position of its cluster in the draw.
    draw : Draw
        Over the clusters.
    """

    cluster: tuple[int, ...]
    draw: Draw

    @property
    def n(self) -> int:
        """Units."""
        return len(self.cluster)

    @property
    def count(self) -> int:
        """Assignments of the clusters."""
        return self.draw.count

    def every(self) -> Iterator[tuple[Assignments, Vector]]:
        """All assignments of the clusters.

        Shapes (batch, n) and (batch,).
        """
        for z, p in self.draw.every():
            yield z[:, list(self.cluster)], p

    def sample(self, rng: np.random.Generator, size: int) -> Assignments:
        """Draw the clusters.

        Shape (size, n).

        Parameters
        ----------
        size : int
            How many draws.
        """
        return self.draw.sample(rng, size)[:, list(self.cluster)]
