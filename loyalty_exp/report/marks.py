"""Where the marks of a small interval drawing stand, as words for the template."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WIDTH = 200.0
EDGE = 8.0


@dataclass(frozen=True, slots=True)
class IntervalMark:
    """X positions of an interval, its estimate, zero, an allowed change and the effect of all; the dot."""

    lower: str
    upper: str
    point: str
    zero: str
    allowed: str
    inside: bool
    overall: str = ""
    radius: str = "4"


@dataclass(frozen=True, slots=True)
class Scale:
    """A common range of x for intervals that are compared by eye."""

    low: float
    high: float

    def x(self, value: float) -> str:
        """Give the position of a value."""
        share = (value - self.low) / (self.high - self.low)
        return f"{EDGE + min(1.0, max(0.0, share)) * (WIDTH - 2 * EDGE):.1f}"

    def mark(
        self,
        estimate: float,
        lower: float,
        upper: float,
        allowed: float | None = None,
        *,
        overall: float | None = None,
        weight: float | None = None,
    ) -> IntervalMark:
        """Give the marks of one interval; a weight from 0 to 1 is shown by the area of the dot."""
        return IntervalMark(
            lower=self.x(lower),
            upper=self.x(upper),
            point=self.x(estimate),
            zero=self.x(0.0),
            allowed="" if allowed is None else self.x(allowed),
            inside=self.low <= lower and upper <= self.high,
            overall="" if overall is None else self.x(overall),
            radius="4" if weight is None else f"{max(1.5, 6 * weight**0.5):.1f}",
        )


def scale_of(values: Iterable[float]) -> Scale:
    """Give a range that holds zero and all values, with a little room."""
    found = [0.0, *values]
    low, high = min(found), max(found)
    room = (high - low) * 0.06 or 1.0
    return Scale(low - room, high + room)
