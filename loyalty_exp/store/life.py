"""The life of an experiment: which state the facts put it in, and which step is refused from there.

::

    draft -> locked -> running -> closed -> mature -> decided -> archived

A state is never stored. It follows from what was recorded and from the calendar of the spec, so that it
cannot contradict them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from loyalty_exp.errors import Refused

State = Literal["draft", "locked", "running", "closed", "mature", "decided", "archived"]

STATES: tuple[State, ...] = ("draft", "locked", "running", "closed", "mature", "decided", "archived")
ACTIONS = ("ship", "stop", "iterate", "extend", "not_settled")
"""What people may decide; `not_settled` closes an experiment that gave no answer."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an experiment.

    Attributes
    ----------
    id : str
    locked : bool
    start, end : date or None
        First and last day of the offer, where the spec says.
    assigned : bool
        Units were drawn.
    status, recommended : str or None
        Status and recommended action of the last look.
    decision : str or None
        The last decision.
    archived : bool
    """

    id: str
    locked: bool = False
    start: dt.date | None = None
    end: dt.date | None = None
    assigned: bool = False
    status: str | None = None
    recommended: str | None = None
    decision: str | None = None
    archived: bool = False


def state_of(facts: Facts, today: dt.date) -> State:
    """Say in which state an experiment is."""
    if facts.archived:
        return "archived"
    if facts.decision is not None and facts.decision != "extend":
        return "decided"
    if not facts.locked:
        return "draft"
    if facts.status == "mature":
        return "mature"
    if facts.end is not None and today > facts.end:
        return "closed"
    if facts.assigned or facts.status is not None or (facts.start is not None and today >= facts.start):
        return "running"
    return "locked"


def may_lock(facts: Facts) -> None:
    """Refuse to lock or amend what is settled.

    Raises
    ------
    Refused
    """
    if facts.archived:
        raise Refused(
            f"{facts.id} is archived; what was registered for it stays as it is. Give a new "
            "experiment a new id."
        )
    if facts.decision is not None and facts.decision != "extend":
        raise Refused(
            f"{facts.id} is decided ({facts.decision}); its plan can no longer be amended. Give a "
            "new experiment a new id."
        )


def may_assign(facts: Facts) -> None:
    """Refuse to add units to what is settled.

    Raises
    ------
    Refused
    """
    if facts.archived or (facts.decision is not None and facts.decision != "extend"):
        settled = "archived" if facts.archived else f"decided ({facts.decision})"
        raise Refused(f"{facts.id} is {settled}; no units are drawn into it. Give a new experiment a new id.")


def may_decide(facts: Facts, action: str, because: str) -> None:
    """Refuse a decision that comes too early, twice, against an invalid readout, or without a reason.

    Raises
    ------
    Refused
    """
    if facts.archived:
        raise Refused(f"{facts.id} is archived; its decision stands.")
    if facts.decision is not None and facts.decision != "extend":
        raise Refused(
            f"{facts.id} is decided already ({facts.decision}); a decision is not rewritten. "
            "Test again under a new id to overturn it."
        )
    if not facts.locked:
        raise Refused(
            f"{facts.id} is not locked, so no rule was registered to decide by. Run: loyalty-exp lock SPEC"
        )
    if facts.status is None:
        raise Refused(
            f"no look at {facts.id} is recorded since it was locked; there is nothing to decide on. "
            "Run: loyalty-exp analyze SPEC"
        )
    if facts.status == "invalid" and action not in {"stop", "iterate"}:
        raise Refused(
            f"the readout of {facts.id} is invalid and carries no decision to {action}. Mend the "
            "cause and analyze again, or decide --action stop or iterate."
        )
    if facts.status == "provisional" and action not in {facts.recommended, "stop", "extend"}:
        raise Refused(
            f"outcome windows of {facts.id} are still open and the rule says "
            f"{facts.recommended}; it is too early to decide {action}. Wait, or decide "
            "--action stop or extend."
        )
    if not because.strip():
        raise Refused("a decision needs its reason: --because TEXT.")
    if action != facts.recommended and not has_substance(because):
        raise Refused(
            f"the rule recommends {facts.recommended}, not {action}; who differs from it says why "
            "in a sentence that a reader a year from now understands: --because TEXT."
        )


def may_archive(facts: Facts, learning: str) -> None:
    """Refuse to archive what is undecided, or without a learning.

    Raises
    ------
    Refused
    """
    if facts.archived:
        raise Refused(f"{facts.id} is archived already; its learning is not rewritten.")
    if facts.decision is None:
        raise Refused(f"{facts.id} is not decided. Run: loyalty-exp decide SPEC --by NAME --because TEXT")
    if facts.decision == "extend":
        raise Refused(f"{facts.id} was extended and is still open; decide it first.")
    if not has_substance(learning):
        raise Refused(
            "an archive entry says what was learned, in a sentence that helps whoever plans the next "
            "experiment: --learning TEXT."
        )


def has_substance(text: str) -> bool:
    """Tell a sentence from a filler: twenty Latin letters or ten Chinese ones, and several different."""
    letters = [c for c in text if c.isalnum()]
    width = sum(2 if ord(c) > 0x2E80 else 1 for c in letters)
    return width >= 20 and len(set(letters)) >= 6
