"""One-pass bootstrap with Poisson(1) weights from a hash of unit and seed: any order, any split.

The weight of a unit in a replicate is a function of the unit's hash, the seed and the number of the
replicate, and of nothing else. So rows may come in any order and in any pieces, and the sums of the pieces
add up.

How a weight is made, so that it can be made elsewhere: ``state = hash xor mix(seed)``, all in unsigned 64-bit
arithmetic that wraps around. Block ``b = 0, 1, ...`` of four replicates takes the SplitMix64 output
``mix(state + (b + 1) * 0x9E3779B97F4A7C15)`` and cuts it into four 16-bit numbers, lowest first, for the
replicates ``4 b ... 4 b + 3``. A 16-bit number u stands for the weight ``w``, the count of the thresholds in
:data:`THRESHOLDS` that u reaches: the inverse of the Poisson(1) distribution function, rounded to 1/65,536.
The rounding leaves the mean of the weights exactly 1, and a variance of 1 - 3.1e-5: the standard error is
too small by 1.5e-5 of itself. The largest weight is 8.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.moments import Matrix, Vector
from loyalty_exp.stats.replicates import Replicates, percentile_difference

THRESHOLDS = (24109, 48219, 60273, 64292, 65296, 65497, 65531, 65535)
"""65,536 times the distribution function of Poisson(1) at 0, 1, ... 7, rounded to whole numbers."""

Hashes = npt.NDArray[np.uint64]

_STEP = 0x9E3779B97F4A7C15
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_UNITS, _REPLICATES = 128, 1024
"""Units and replicates a block: the weights of a block stay within a core's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class ReplicateSums:
    """Weighted sums of columns in every replicate; those of disjoint sets of units add.

    Attributes
    ----------
    n : int
        Units.
    seed : int
    columns : tuple of str, length k
    total : array, shape (k,)
        Sums with all weights 1, each in the unit of its column.
    weight : array, shape (replicates,)
        Sums of the weights: whole numbers.
    sums : array, shape (replicates, k)
        Sums of weight times value.
    """

    n: int
    seed: int
    columns: tuple[str, ...]
    total: Vector
    weight: Vector
    sums: Matrix

    def __add__(self, other: ReplicateSums) -> ReplicateSums:
        """Join two disjoint sets of units."""
        mine, theirs = ((s.seed, s.columns, s.sums.shape) for s in (self, other))
        if mine != theirs:
            raise ValueError(f"replicate sums of different seed, columns or size: {mine} and {theirs}")
        return ReplicateSums(
            self.n + other.n,
            self.seed,
            self.columns,
            self.total + other.total,
            self.weight + other.weight,
            self.sums + other.sums,
        )


def unit_hashes(ids: Iterable[str]) -> Hashes:
    """First 8 bytes, big-endian, of the SHA-256 of each id in UTF-8; shape (n,)."""
    digests = b"".join(hashlib.sha256(unit.encode()).digest()[:8] for unit in ids)
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)


def weights(hashes: Hashes, seed: int, first: int, count: int) -> npt.NDArray[np.uint8]:
    """Poisson(1) weights of some replicates.

    Parameters
    ----------
    hashes : array of uint64, shape (n,)
        One a unit, evenly spread over 64 bits.
    seed : int
        From 0 to 2**64 - 1.
    first, count : int
        Number of the first replicate, a multiple of 4, and how many.

    Returns
    -------
    array of uint8, shape (n, count)

    References
    ----------
    Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators, OOPSLA, ``mix64``
    (variant 13 of Stafford); Devroye (1986), Non-Uniform Random Variate Generation, section III.2.1
    (inversion by sequential search).
    """
    if not 0 <= seed < 2**64 or first % 4:
        raise ValueError("the seed has 64 bits, and the first replicate is a multiple of 4")
    blocks = -(-count // 4)
    counters = [(first // 4 + b + 1) * _STEP % 2**64 for b in range(blocks)]
    state = np.asarray(hashes, dtype=np.uint64) ^ _mix(np.array([seed], dtype=np.uint64))
    words = _mix(state[:, None] + np.array(counters, dtype=np.uint64))
    bits = words.astype("<u8", copy=False).view("<u2")
    # Eight comparisons that the processor makes 32 at a time cost less than one look-up in a table.
    out = (bits >= np.uint16(THRESHOLDS[0])).view(np.uint8)
    reached = np.empty(bits.shape, dtype=np.bool_)
    for threshold in THRESHOLDS[1:]:
        np.greater_equal(bits, np.uint16(threshold), out=reached)
        np.add(out, reached.view(np.uint8), out=out)
    return out[:, :count]


def _mix(x: Hashes) -> Hashes:
    """Scramble the 64 bits of every element, in place."""
    shifted = np.empty_like(x)
    for shift, factor in ((30, _FIRST), (27, _SECOND)):
        np.right_shift(x, np.uint64(shift), out=shifted)
        np.bitwise_xor(x, shifted, out=x)
        np.multiply(x, factor, out=x)
    np.right_shift(x, np.uint64(31), out=shifted)
    np.bitwise_xor(x, shifted, out=x)
    return x


def replicate_sums(
    hashes: Hashes, columns: Mapping[str, npt.ArrayLike], replicates: int, seed: int
) -> ReplicateSums:
    """Sums of columns under the weights of every replicate, in one pass over the units.

    Parameters
    ----------
    hashes : array of uint64, shape (n,)
        As :func:`unit_hashes` gives them; rows of one unit must be summed to one row before.
    columns : mapping of name to array of shape (n,)
        Values far from 0 for their spread are better centered first.
    replicates : int
    seed : int
        From 0 to 2**64 - 1; both arms may use the same, as their units differ.

    Raises
    ------
    ValueError
        If a value is not finite, or a column has another length than the hashes.

    References
    ----------
    Chamandy, Muralidharan, Najmi, Naidu (2012), Estimating uncertainty for massive data streams, Google
    technical report (Poisson bootstrap).
    """
    names = tuple(columns)
    ids = np.asarray(hashes, dtype=np.uint64)
    # A first column of ones sums the weights themselves.
    x = np.vstack([np.ones(len(ids)), *(np.asarray(columns[c], dtype=np.float64) for c in names)])
    if not np.isfinite(x).all() or replicates < 1:
        raise ValueError("replicate sums need finite values and at least one replicate")
    sums = np.zeros((len(x), replicates))
    for first in range(0, replicates, _REPLICATES):
        count = min(_REPLICATES, replicates - first)
        for at in range(0, len(ids), _UNITS):
            block = weights(ids[at : at + _UNITS], seed, first, count).astype(np.float64)
            sums[:, first : first + count] += x[:, at : at + _UNITS] @ block
    return ReplicateSums(len(ids), seed, names, x[1:].sum(axis=1), sums[0], sums[1:].T)


def merge(parts: Sequence[ReplicateSums]) -> ReplicateSums:
    """Join any number, at least one, of disjoint sets of units."""
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + part
    return joined


def mean(sums: ReplicateSums, column: str) -> Replicates:
    """Mean of a column, and the weighted mean in every replicate.

    Raises
    ------
    NotEstimable
        With fewer than two units, or so few that a replicate holds none.
    """
    i = sums.columns.index(column)
    return _quotient(sums, float(sums.total[i]), sums.sums[:, i], float(sums.n), sums.weight, "no unit")


def ratio(sums: ReplicateSums, numerator: str, denominator: str) -> Replicates:
    """Ratio of the sums of two columns, and the same in every replicate.

    Raises
    ------
    NotEstimable
        With fewer than two units, or if the denominator is 0 in the data or in a replicate.
    """
    i, j = sums.columns.index(numerator), sums.columns.index(denominator)
    return _quotient(
        sums,
        float(sums.total[i]),
        sums.sums[:, i],
        float(sums.total[j]),
        sums.sums[:, j],
        "a denominator of 0",
    )


def _quotient(
    sums: ReplicateSums, top: float, tops: Vector, bottom: float, bottoms: Vector, empty: str
) -> Replicates:
    if sums.n < 2:
        raise NotEstimable("fewer than two units")
    if bottom == 0:
        raise NotEstimable("the denominator is 0")
    missing = int((bottoms == 0).sum())
    if missing:
        raise NotEstimable(f"{missing:,} of {len(bottoms):,} replicates have {empty}")
    return Replicates(top / bottom, tops / bottoms)


def difference_of_means(
    treated: ReplicateSums, control: ReplicateSums, column: str, alpha: float
) -> Difference:
    """Treated minus control mean, with the percentile interval of the replicates.

    Raises
    ------
    NotEstimable
        As :func:`mean`; if nothing varies; with too few replicates for alpha.
    """
    return percentile_difference(mean(treated, column), mean(control, column), alpha)


def difference_of_ratios(
    treated: ReplicateSums, control: ReplicateSums, numerator: str, denominator: str, alpha: float
) -> Difference:
    """Treated minus control ratio of sums, with the percentile interval of the replicates.

    Raises
    ------
    NotEstimable
        As :func:`ratio`; if nothing varies; with too few replicates for alpha.
    """
    return percentile_difference(
        ratio(treated, numerator, denominator), ratio(control, numerator, denominator), alpha
    )
