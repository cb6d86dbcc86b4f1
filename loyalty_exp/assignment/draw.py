"""The draw itself: a hash gives each unit a point in [0, 1), and exact shares cut the line into arms.

The point is the first 13 hexadecimal digits (52 bits) of ``sha256(salt + ":" + unit)``, both as UTF-8 text,
read as a fraction of 16**13. A unit is in the first arm whose cumulative share exceeds its point. In SQL the
hexadecimal text itself is compared with thresholds, which needs no integers and is the same on every engine.
`tests/assignment/vectors.json` holds drawn triples; a change to one of them is a breaking release.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate

import numpy as np
import numpy.typing as npt

DIGITS = 13
SPACE: int = 16**DIGITS
"""Number of different points."""

AFTER_ALL = "g"
"""Text that comes after every hexadecimal digest."""


def digest_of(text: str) -> str:
    """SHA-256 of a text as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest(salt: str, unit: str) -> str:
    """Digest of a unit in the draw of this salt."""
    return digest_of(f"{salt}:{unit}")


def point(hexadecimal: str) -> float:
    """Point in [0, 1) of a digest; exact, since 52 bits fit into a float."""
    return float(int(hexadecimal[:DIGITS], 16) / SPACE)


def points(salt: str, units: Sequence[str]) -> npt.NDArray[np.float64]:
    """Points of many units: digests viewed as big-endian words, several times faster than text."""
    start = hashlib.sha256(f"{salt}:".encode())
    words = bytearray()
    for unit in units:
        one = start.copy()
        one.update(unit.encode())
        words += one.digest()[:8]
    whole = np.frombuffer(bytes(words), dtype=">u8").astype(np.uint64)
    where: npt.NDArray[np.float64] = (whole >> np.uint64(64 - 4 * DIGITS)).astype(np.float64) / SPACE
    return where


def threshold(share: Fraction) -> str:
    """Hexadecimal text below which lies exactly this share of the points.

    A point ``h / 16**13`` is below a share ``c`` exactly when ``h < ceil(c * 16**13)``; a longer digest
    compares with the 13 digits as its point does.
    """
    cut = math.ceil(share * SPACE)
    return AFTER_ALL if cut >= SPACE else f"{max(cut, 0):0{DIGITS}x}"


def cumulated(shares: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """Cumulative shares; the last is 1 whatever was lost in rounding the shares."""
    return (*accumulate(shares[:-1]), Fraction(1))


def thresholds(shares: Sequence[Fraction]) -> tuple[str, ...]:
    """Upper ends of all arms but the last, which takes the rest."""
    return tuple(threshold(c) for c in cumulated(shares)[:-1])


def arm_at(where: Fraction | float, shares: Sequence[Fraction]) -> int:
    """Position of the first arm whose cumulative share exceeds a point."""
    exact = Fraction(where)
    return next(i for i, c in enumerate(cumulated(shares)) if c > exact)


def arm_of(salt: str, unit: str, arms: Sequence[str], shares: Sequence[Fraction]) -> str:
    """Arm of a unit.

    Examples
    --------
    >>> arm_of("double-points-2026-04", "M00017", ["control", "double"], [Fraction(1, 2), Fraction(1, 2)])
    'double'
    """
    hexadecimal = digest(salt, unit)
    return next(
        arm for arm, end in zip(arms, (*thresholds(shares), AFTER_ALL), strict=True) if hexadecimal < end
    )
