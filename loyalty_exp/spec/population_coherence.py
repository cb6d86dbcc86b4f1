"""Checks of conditions on members against the tiers, states and columns that the program declares."""

from __future__ import annotations

from collections.abc import Iterator

from loyalty_exp.grammar import Predicate
from loyalty_exp.spec.draft import Draft
from loyalty_exp.spec.membership import LIFECYCLE
from loyalty_exp.spec.place import Finding, Path, near


def conditions(spec: Draft) -> Iterator[tuple[Path, Predicate]]:
    """Give every condition on members with its place: of the population, and of segments."""
    if spec.population is not None:
        for key in ("include", "exclude"):
            for i, predicate in enumerate(getattr(spec.population, key)):
                yield ("population", key, i), predicate
    for i, segment in spec.segments.items():
        if segment.when is not None:
            yield ("segments", i, "when"), segment.when


def known_members(spec: Draft) -> Iterator[Finding]:
    """A condition on tier or lifecycle names what the program knows."""
    if spec.program is None:
        return
    known = {
        "tier": ("a tier", [t.id for t in spec.program.tiers]),
        LIFECYCLE: ("a lifecycle state", [s.id for s in spec.program.lifecycle]),
    }
    for path, predicate in conditions(spec):
        noun, names = known.get(predicate.field, ("", []))
        if not names or predicate.value is None:
            continue
        many = isinstance(predicate.value, list)
        values = predicate.value if isinstance(predicate.value, list) else [predicate.value]
        for i, value in enumerate(values):
            if str(value) not in names:
                where: Path = (*path, "value", i) if many else (*path, "value")
                yield Finding(where, f"'{str(value)[:60]}' is not {noun} of the program", near(value, names))


def joining_day(spec: Draft) -> Iterator[Finding]:
    """A state by the day of joining needs the column of that day."""
    if spec.program is None or spec.data is None or spec.data.joined is not None:
        return
    if not any(state.joined_within_days for state in spec.program.lifecycle):
        return
    for path, predicate in conditions(spec):
        if predicate.field == LIFECYCLE:
            message = "needs data.joined: a lifecycle state of the program asks for the day of joining"
            yield Finding((*path, "field"), message, "add joined: the column of that day, to data:")
            return
