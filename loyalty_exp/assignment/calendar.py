"""Events of the program's calendar inside the experiment: forbidden, or told."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from loyalty_exp.errors import Refused, UsageError
from loyalty_exp.spec.experiment import Experiment


@dataclass(frozen=True, slots=True)
class Clash:
    """One event that meets the days on which outcomes count.

    Attributes
    ----------
    event : str
    policy : str
        ``annotate``, ``censor`` or ``forbid``.
    first, last : str
        Days that both share, both included.
    days : int
    """

    event: str
    policy: str
    first: str
    last: str
    days: int


def clashes(experiment: Experiment) -> tuple[Clash, ...]:
    """Find the events that meet the experiment, and refuse it where one is forbidden.

    Raises
    ------
    Refused
        If one is forbidden.
    UsageError
        As :func:`events_inside`.
    """
    found = events_inside(experiment)
    if forbidden := [c for c in found if c.policy == "forbid"]:
        words = "; ".join(f"'{c.event}' from {c.first} to {c.last}" for c in forbidden)
        raise Refused(f"the experiment runs into days that it forbids: {words}. Choose other days.")
    return found


def events_inside(experiment: Experiment) -> tuple[Clash, ...]:
    """Find the events that meet the experiment; those without a policy are annotated.

    Raises
    ------
    UsageError
        If a policy names an event that the program does not have.
    """
    schedule, events = experiment.schedule, {e.id: e for e in experiment.program.calendar}
    policies = {c.event: c.policy for c in schedule.calendar_conflicts}
    if unknown := sorted(set(policies) - set(events)):
        known = ", ".join(events) or "none"
        raise UsageError(
            f"schedule.calendar_conflicts: the program has no event '{unknown[0]}'; it has {known}"
        )
    if schedule.start is None:
        return ()
    end = schedule.end or schedule.start
    # Where members enter one by one, the last of them has the whole window still to come.
    enters = end if experiment.assignment is not None and experiment.assignment.grows else schedule.start
    last = max(end, enters + dt.timedelta(days=(schedule.outcome_days or 1) - 1))
    found = []
    for name, event in events.items():
        low, high = max(event.from_, schedule.start), min(event.to, last)
        if low <= high:
            policy = policies.get(name, "annotate")
            found.append(Clash(name, policy, low.isoformat(), high.isoformat(), (high - low).days + 1))
    return tuple(found)
