"""Repurchases and ends of follow-up counted by day: all that time-to-repurchase inference needs to know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.moments import Vector

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class EventCounts:
    """Units of one arm by the time at which their follow-up ended, and why it ended.

    At equal times events come before censorings, so a unit censored at t counts as at risk at t. A grouped
    query over ``(arm, day)`` gives these counts whatever the number of units.

    Attributes
    ----------
    time : array, shape (m,)
        Days since the start of follow-up, from 0 on, strictly increasing; whole or fractional.
    events : array of int, shape (m,)
        Units whose event came at each time.
    censored : array of int, shape (m,)
        Units followed to each time without the event. Every time holds at least one unit.

    Raises
    ------
    ValueError
        For counts that no data can have.
    """

    time: Vector
    events: Counts
    censored: Counts

    def __post_init__(self) -> None:
        time = increasing_times(self.time)
        events, censored = whole_counts(self.events), whole_counts(self.censored)
        if not len(time) == len(events) == len(censored):
            raise ValueError("as many counts as times")
        if (events + censored < 1).any():
            raise ValueError("a time without units; use grouped_counts, which leaves such times out")
        for name, value in (("time", time), ("events", events), ("censored", censored)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    def __add__(self, other: EventCounts) -> EventCounts:
        """Join the counts of two disjoint sets of units, exactly."""
        return grouped_counts(
            np.concatenate([self.time, other.time]),
            np.concatenate([self.events, other.events]),
            np.concatenate([self.censored, other.censored]),
        )

    @property
    def n(self) -> int:
        """Units."""
        return int(self.events.sum() + self.censored.sum())

    @property
    def at_risk(self) -> Counts:
        """Units still followed just before each time, shape (m,)."""
        leaving = self.events + self.censored
        return np.cumsum(leaving[::-1])[::-1]

    @property
    def last_follow_up(self) -> float:
        """Last time at which anybody was followed.

        Raises
        ------
        NotEstimable
            With no units.
        """
        if not len(self.time):
            raise NotEstimable("no units")
        return float(self.time[-1])


@dataclass(frozen=True, slots=True, eq=False)
class RiskTable:
    """Two arms side by side at the times of their events: one 2 x 2 table a time.

    Attributes
    ----------
    time, at_risk_treated, at_risk_control, events_treated, events_control : array, shape (m,)
        Counts are floats, so that products of large counts do not overflow.
    """

    time: Vector
    at_risk_treated: Vector
    at_risk_control: Vector
    events_treated: Vector
    events_control: Vector

    @property
    def at_risk(self) -> Vector:
        """Units at risk in both arms.

        Shape (m,).
        """
        return self.at_risk_treated + self.at_risk_control

    @property
    def events(self) -> Vector:
        """Events in both arms.

        Shape (m,).
        """
        return self.events_treated + self.events_control


def event_counts(time: npt.ArrayLike, event: npt.ArrayLike) -> EventCounts:
    """Count plain arrays, one row a unit.

    Parameters
    ----------
    time : array, shape (n,)
        Days to the event or to the end of follow-up.
    event : array of bool or 0/1, shape (n,)
        Whether the event came; otherwise the unit was censored.

    Raises
    ------
    ValueError
        For lengths that differ, times that are negative or not finite, or events other than 0 and 1.
    """
    flags = np.asarray(event)
    if not np.isin(flags, (0, 1)).all():
        raise ValueError("an event is 0 or 1")
    flags = flags.astype(np.int64)
    return grouped_counts(time, flags, 1 - flags)


def grouped_counts(time: npt.ArrayLike, events: npt.ArrayLike, censored: npt.ArrayLike) -> EventCounts:
    """Build counts from the rows of a grouped query, in any order; equal times are added up.

    Parameters
    ----------
    time : array, shape (r,)
    events, censored : array of int, shape (r,)
        Rows with neither are left out.
    """
    t = np.asarray(time, dtype=np.float64)
    d, c = whole_counts(events), whole_counts(censored)
    if not t.shape == d.shape == c.shape:
        raise ValueError("as many counts as times")
    kept = d + c > 0
    times, place = np.unique(t[kept], return_inverse=True)
    return EventCounts(times, summed(d[kept], place, len(times)), summed(c[kept], place, len(times)))


def merge_counts(parts: Iterable[EventCounts]) -> EventCounts:
    """Join any number of disjoint sets; the counts of no units when there are none."""
    return reduce(lambda a, b: a + b, parts, grouped_counts([], [], []))


def risk_table(treated: EventCounts, control: EventCounts) -> RiskTable:
    """Put two arms side by side at every time with an event in either.

    Raises
    ------
    NotEstimable
        With no units in an arm.
    """
    require_units(treated, control)
    time = np.union1d(treated.time[treated.events > 0], control.time[control.events > 0])
    risk_t, events_t = _at(treated, time)
    risk_c, events_c = _at(control, time)
    return RiskTable(time, risk_t, risk_c, events_t, events_c)


def require_units(treated: EventCounts, control: EventCounts) -> None:
    """Refuse an arm without units, in words.

    Raises
    ------
    NotEstimable
        Without units; the reason names the arm.
    """
    for arm, name in ((treated, "the treatment arm"), (control, "the control arm")):
        if arm.n < 1:
            raise NotEstimable(f"no units in {name}")


def increasing_times(time: npt.ArrayLike) -> Vector:
    """Copy times, refusing any that are negative, not finite or not strictly increasing.

    Parameters
    ----------
    time : array, shape (t,)
        What is returned has the same shape.
    """
    t = np.array(time, dtype=np.float64)
    if t.ndim != 1 or not np.isfinite(t).all() or (t < 0).any() or (np.diff(t) <= 0).any():
        raise ValueError("times must be finite, not negative and strictly increasing")
    return t


def whole_counts(counts: npt.ArrayLike) -> Counts:
    """Copy counts as integers, refusing any that are negative or not whole.

    Parameters
    ----------
    counts : array, shape (t,)
    """
    raw = np.array(counts)
    if raw.size and not np.issubdtype(raw.dtype, np.integer):
        as_float = raw.astype(np.float64)
        if not np.isfinite(as_float).all() or (as_float != np.floor(as_float)).any():
            raise ValueError("counts must be whole numbers")
    whole = raw.astype(np.int64)
    if (whole < 0).any():
        raise ValueError("counts must not be negative")
    return whole


def summed(counts: Counts, place: npt.NDArray[np.intp], size: int) -> Counts:
    """Add up counts by place, in integers.

    Parameters
    ----------
    place : array of int, shape (m,)
        Where each count belongs.
    size : int
        Places in all.
    """
    out = np.zeros(size, dtype=np.int64)
    np.add.at(out, place, counts)
    return out


def _at(arm: EventCounts, time: Vector) -> tuple[Vector, Vector]:
    """Units at risk and events of one arm at given times."""
    i = np.searchsorted(arm.time, time, side="left")
    padded = np.append(arm.at_risk, 0)
    events = np.append(arm.events, 0)
    hit = np.append(arm.time, np.inf)[i] == time
    return padded[i].astype(np.float64), np.where(hit, events[i], 0).astype(np.float64)
