"""The share of units that repurchased, where another event (an opt-out) ends the chance of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.event_counts import (
    Counts,
    EventCounts,
    grouped_counts,
    increasing_times,
    summed,
    whole_counts,
)
from loyalty_exp.stats.moments import Vector
from loyalty_exp.stats.survival import require_follow_up, two_arm_difference


@dataclass(frozen=True, slots=True, eq=False)
class CauseCounts:
    """Units of one arm by the time at which their follow-up ended, and which of k causes ended it.

    Attributes
    ----------
    causes : tuple of str, length k
    time : array, shape (m,)
        Days since the start of follow-up, strictly increasing.
    events : array of int, shape (k, m)
        By cause and time.
    censored : array of int, shape (m,)
        Every time holds at least one unit.
    """

    causes: tuple[str, ...]
    time: Vector
    events: Counts
    censored: Counts

    def __post_init__(self) -> None:
        time = increasing_times(self.time)
        events, censored = whole_counts(self.events), whole_counts(self.censored)
        if events.shape != (len(self.causes), len(time)) or censored.shape != time.shape:
            raise ValueError("events by cause and time, censorings by time")
        if (events.sum(axis=0) + censored < 1).any():
            raise ValueError("a time without units; use grouped_cause_counts, which leaves such times out")
        for name, value in (("time", time), ("events", events), ("censored", censored)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    def __add__(self, other: CauseCounts) -> CauseCounts:
        """Join the counts of two disjoint sets of units, exactly."""
        if self.causes != other.causes:
            raise ValueError(f"counts of different causes: {self.causes} and {other.causes}")
        return grouped_cause_counts(
            self.causes,
            np.concatenate([self.time, other.time]),
            np.concatenate([self.events, other.events], axis=1),
            np.concatenate([self.censored, other.censored]),
        )

    @property
    def n(self) -> int:
        """Units."""
        return int(self.events.sum() + self.censored.sum())

    def as_if_censored(self, cause: str) -> EventCounts:
        """Counts of one cause with all others taken for censoring.

        Right for the hazard of the cause (log-rank, Cox). Wrong for its share of units: 1 minus Kaplan-Meier
        of these counts overstates it.
        """
        own = self.events[self.causes.index(cause)]
        return grouped_counts(self.time, own, self.events.sum(axis=0) - own + self.censored)


@dataclass(frozen=True, slots=True)
class Incidence:
    """Share of units to which one cause has come by a time.

    Attributes
    ----------
    time : float
        Days.
    estimate, std_error : float
    """

    time: float
    estimate: float
    std_error: float


def cause_counts(time: npt.ArrayLike, cause: npt.ArrayLike, causes: tuple[str, ...]) -> CauseCounts:
    """Count plain arrays, one row a unit.

    Parameters
    ----------
    time : array, shape (n,)
        Days to the event or to the end of follow-up.
    cause : array of int, shape (n,)
        0 for a censored unit, otherwise the place of its cause in ``causes``, counted from 1.
    causes : tuple of str, length k
    """
    c = whole_counts(cause)
    if (c > len(causes)).any():
        raise ValueError("a cause that is not in the list")
    events = np.stack([(c == i + 1).astype(np.int64) for i in range(len(causes))])
    return grouped_cause_counts(causes, time, events, (c == 0).astype(np.int64))


def grouped_cause_counts(
    causes: tuple[str, ...], time: npt.ArrayLike, events: npt.ArrayLike, censored: npt.ArrayLike
) -> CauseCounts:
    """Build counts from the rows of a grouped query, in any order; equal times are added up.

    Parameters
    ----------
    causes : tuple of str, length k
    time : array, shape (r,)
    events : array of int, shape (k, r)
    censored : array of int, shape (r,)
    """
    t, d, c = np.asarray(time, dtype=np.float64), whole_counts(events), whole_counts(censored)
    if d.shape != (len(causes), len(t)) or c.shape != t.shape:
        raise ValueError("events by cause and time, censorings by time")
    kept = d.sum(axis=0) + c > 0
    times, place = np.unique(t[kept], return_inverse=True)
    by_cause = [summed(row[kept], place, len(times)) for row in d]
    return CauseCounts(causes, times, np.array(by_cause), summed(c[kept], place, len(times)))


def cumulative_incidence(counts: CauseCounts, cause: str, time: float, name: str = "the arm") -> Incidence:
    """Estimate the share of units to which a cause has come by a time.

    The variance is of Greenwood's type: multinomial increments at each time, carried to the estimate by the
    delta method. Without censoring it is that of a proportion.

    Parameters
    ----------
    counts : CauseCounts
    cause : str
    time : float
        Days.
    name : str
        What a refusal calls the arm.

    Raises
    ------
    NotEstimable
        With no units, or when follow-up ends before the time.

    References
    ----------
    Aalen & Johansen (1978), An empirical transition matrix for non-homogeneous Markov chains, Scandinavian
    Journal of Statistics 5, 141-150; Allignol, Schumacher, Beyersmann (2010), A note on variance estimation
    of the Aalen-Johansen estimator of the cumulative incidence function in competing risks, Biometrical
    Journal 52, 126-137, section 2 (Greenwood-type estimator).
    """
    if counts.n < 1:
        raise NotEstimable(f"no units in {name}")
    k = counts.causes.index(cause)
    total = counts.events.sum(axis=0).astype(np.float64)
    leaving = total + counts.censored
    n = np.cumsum(leaving[::-1])[::-1]
    survival = np.cumprod(1 - total / n)
    require_follow_up(counts.time, float(survival[-1]), time, name)
    until = counts.time <= time
    before = np.concatenate([[1.0], survival[:-1]])[until]
    n, total, own = n[until], total[until], counts.events[k][until] / n[until]
    incidence = np.cumsum(before * own)
    if not len(incidence):
        return Incidence(time, 0.0, 0.0)
    left = n - total
    # What an event of any kind takes from the incidence still to come; nothing comes where nobody is left.
    lost = np.where(left > 0, (incidence[-1] - incidence) * n / np.where(left > 0, left, 1.0), 0.0)
    any_cause = total / n
    square = own * (before - lost) ** 2 + (any_cause - own) * lost**2
    mean = before * own - lost * any_cause
    variance = float(np.sum((square - mean**2) / n))
    return Incidence(time, float(incidence[-1]), math.sqrt(max(variance, 0.0)))


def incidence_difference(
    treated: CauseCounts, control: CauseCounts, cause: str, time: float, alpha: float
) -> Difference:
    """Treated minus control of :func:`cumulative_incidence`, with a normal reference.

    Parameters
    ----------
    time : float
        On the scale of the counts, such as days.
    """
    t = cumulative_incidence(treated, cause, time, "the treatment arm")
    c = cumulative_incidence(control, cause, time, "the control arm")
    return two_arm_difference((t.estimate, t.std_error), (c.estimate, c.std_error), alpha)
