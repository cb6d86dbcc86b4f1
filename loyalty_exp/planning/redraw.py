"""Drawing the arms again and again: the law of the real draw, a thousand salts at the cost of one.

The real draw ranks or cuts ``sha256(salt + ":" + unit)``. To a rehearsal only the law of that draw matters:
for a salt that nobody has used, the points of different units are independent and uniform, and so are the
points of one unit under different salts. Here a unit is hashed once (64 bits of SHA-256 of its id) and mixed
with the number of the rehearsal by the finalizer of SplitMix64, which gives points of the same law for a few
machine instructions each. The cuts are those of the draw: shares of the line, or ranks in strata with a start
drawn for each stratum. Clusters are drawn as a whole.

References
----------
Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators, OOPSLA, figure 16
(``mix64variant13``); Madow (1949), On the theory of systematic sampling II, Annals of Mathematical Statistics
20, 333-354.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Arms = npt.NDArray[np.uint8]

GOLDEN = 0x9E3779B97F4A7C15
SPACE = 2**64
STARTS = 0xA5A5A5A5A5A5A5A5
"""Keeps the starts of the strata apart from the points of the units."""


@dataclass(frozen=True, slots=True, eq=False)
class Redraw:
    """What is drawn, units or clusters, in order of stratum.

    Attributes
    ----------
    hashes : array of uint64, shape (d,)
        One for each thing that is drawn, evenly spread over 64 bits.
    strata : tuple of (int, int, int)
        First and end position of each stratum, and a hash of its name; empty without strata.
    shares : tuple of float
        Of the arms, in their order; they sum to 1.
    seed : int
    """

    hashes: Words
    strata: tuple[tuple[int, int, int], ...]
    shares: tuple[float, ...]
    seed: int

    def arms(self, first: int, count: int) -> Arms:
        """Arms of some rehearsals as positions among the shares; shape (count, d)."""
        salts = salts_of(self.seed, first, count)
        points = mixed(self.hashes[None, :] ^ salts[:, None])
        out = np.zeros(points.shape, dtype=np.uint8)
        if not self.strata:
            for cut in cuts_of(self.shares):
                out += points >= np.uint64(cut)
            return out
        for begin, end, name in self.strata:
            starts = mixed(salts ^ np.uint64(name ^ STARTS)).astype(np.float64) / SPACE
            out[:, begin:end] = ranked(points[:, begin:end], starts, self.shares)
        return out


def salts_of(seed: int, first: int, count: int) -> Words:
    """One word for each rehearsal: the SplitMix64 sequence that starts from the seed."""
    start = (mixed(np.array([seed], dtype=np.uint64))[0].item() + (first + 1) * GOLDEN) % SPACE
    steps = np.arange(count, dtype=np.uint64) * np.uint64(GOLDEN) + np.uint64(start)
    return mixed(steps)


def mixed(words: Words) -> Words:
    """Spread every bit over all 64, in place."""
    words ^= words >> np.uint64(30)
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return words


def cuts_of(shares: Sequence[float]) -> tuple[int, ...]:
    """Upper ends of all arms but the last on the line of 64-bit words."""
    return tuple(min(int(c * SPACE), SPACE - 1) for c in list(accumulate(shares))[:-1])


def ranked(points: Words, starts: npt.NDArray[np.float64], shares: Sequence[float]) -> Arms:
    """Cut the ranks of one stratum at ``floor(c n + s)``; points are (count, n), a start for each row."""
    count, n = points.shape
    out = np.zeros((count, n), dtype=np.uint8)
    for c in list(accumulate(shares))[:-1]:
        below = np.floor(c * n + starts).astype(np.int64)
        at = sorted({min(int(b), n - 1) for b in (below.min(), below.max())})
        parted = np.partition(points, at, axis=1)
        ends = parted[np.arange(count), np.minimum(below, n - 1)]
        out += (points >= ends[:, None]) & (below < n)[:, None]
    return out
