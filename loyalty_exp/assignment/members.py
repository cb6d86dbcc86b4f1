"""Who is eligible: the members table, and why a member is left out of the draw."""

from __future__ import annotations

import datetime as dt
from calendar import isleap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from loyalty_exp.assignment.layers import held_out, in_slots
from loyalty_exp.spec.assignment import Trigger
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr, as_text
from loyalty_exp.warehouse.predicates import all_of

DEFAULT_EXCLUSIONS = {"is_employee": "employee", "is_test": "test_account", "fraud_flag": "fraud"}
"""Columns whose members are left out unless the spec says otherwise, and what they are called."""

_TRUE = ("true", "1", "1.0", "t", "yes", "y")
TEXT = ("VARCHAR", "TEXT", "CHAR", "STRING", "NVARCHAR", "ENUM")
FRACTIONS = ("DECIMAL", "NUMERIC", "DOUBLE", "FLOAT", "REAL")


def days_of(entries: Sequence[dt.date], trigger: Trigger) -> dict[str, str]:
    """Map what the column says to the day of entry, both as text: no engine has to count days.

    A yearly day is told by month and day; who was born on February 29 enters on the 28th of a common year.
    """
    found: dict[str, str] = {}
    for entry in entries:
        day = entry - dt.timedelta(days=trigger.after_days)
        if not trigger.yearly:
            found[day.isoformat()] = entry.isoformat()
            continue
        found.setdefault(day.isoformat()[5:], entry.isoformat())
        if (day.month, day.day) == (2, 28) and not isleap(day.year):
            found.setdefault("02-29", entry.isoformat())
    return found


@dataclass(frozen=True, slots=True)
class Members:
    """The members table of an experiment.

    Attributes
    ----------
    table : FromClause
    types : mapping of column to type name
    shown : str
        Its name in the spec.
    experiment : Experiment
    """

    table: sa.FromClause
    types: Mapping[str, str]
    shown: str
    experiment: Experiment

    def column(self, name: str) -> Expr:
        """A column, told apart from those of other tables."""
        return sa.column(quoted_name(name, True), _selectable=self.table)

    def text(self, name: str) -> Expr:
        """A column as text; whole numbers are written without a fraction, whatever their type."""
        x, kind = self.column(name), self.types[name]
        if kind.startswith(TEXT):
            return x
        return as_text(sa.cast(x, sa.BigInteger)) if kind.startswith(FRACTIONS) else as_text(x)

    @property
    def unit(self) -> Expr:
        """The unit id as text."""
        return self.text(self.experiment.unit)

    @property
    def key(self) -> Expr:
        """What the draw hashes: the cluster where there is one, else the unit."""
        return self.text(self.experiment.cluster or self.experiment.unit)

    @property
    def household(self) -> Expr:
        """The household; a member without one is a household of their own."""
        homes = self.experiment.program.households
        return (
            sa.func.coalesce(sa.func.nullif(self.text(homes.column), ""), self.unit) if homes else self.unit
        )

    def is_true(self, name: str) -> Expr:
        """Whether a flag is set: true, 1 or yes; an empty one is not."""
        said = sa.func.lower(as_text(self.column(name))).in_([sa.literal(v, sa.Text) for v in _TRUE])
        return sa.func.coalesce(said, sa.false())

    def reasons(self) -> dict[str, Expr]:
        """Conditions that leave a member out, in the order in which they are told."""
        chosen, out = self.experiment.population, {}
        if chosen.consent:
            out["no_consent"] = sa.not_(self.is_true(chosen.consent))
        if chosen.opt_out:
            out["opted_out"] = self.is_true(chosen.opt_out)
        if chosen.default_exclusions:
            out |= {why: self.is_true(name) for name, why in DEFAULT_EXCLUSIONS.items() if name in self.types}
        columns = {name: (self.column(name), kind.startswith(TEXT)) for name, kind in self.types.items()}
        wanted = all_of(chosen.include, chosen.exclude, columns)
        if wanted is not None:
            out["outside_population"] = sa.not_(sa.func.coalesce(wanted, sa.false()))
        if (apart := held_out(self.experiment, self.unit, self.household)) is not None:
            out["held_out"] = apart
        if (inside := in_slots(self.experiment, self.household)) is not None:
            out["other_slot"] = sa.not_(inside)
        if (entry := self.entry_day()) is not None:
            schedule = self.experiment.schedule
            first, last = (sa.literal(str(d), sa.Text) for d in (schedule.start, schedule.end))
            out["no_trigger"] = sa.not_(sa.func.coalesce(entry.between(first, last), sa.false()))
        return out

    def entry_day(self) -> Expr | None:
        """The day of entry as ISO text, where members enter one by one."""
        plan, schedule = self.experiment.assignment, self.experiment.schedule
        if plan is None or plan.trigger is None:
            return None
        trigger, x = plan.trigger, as_text(self.column(plan.trigger.column))
        if not trigger.after_days and not trigger.yearly:
            return x
        if schedule.start is None or schedule.end is None:
            return sa.null()
        span = range((schedule.end - schedule.start).days + 1)
        entries = days_of(tuple(schedule.start + dt.timedelta(days=i) for i in span), trigger)
        key = sa.func.substr(x, 6, 5) if trigger.yearly else x
        return sa.case(
            {sa.literal(k, sa.Text): sa.literal(v, sa.Text) for k, v in entries.items()}, value=key
        )

    def eligible(self) -> Expr:
        """Condition under which a member may be drawn."""
        reasons = [sa.not_(r) for r in self.reasons().values()]
        return sa.and_(*reasons) if reasons else sa.true()
