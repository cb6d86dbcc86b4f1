"""All members with what was assigned to them: who takes part, since when, and until when it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from loyalty_exp.outcomes.clock import DAY, Clock, big, boundary
from loyalty_exp.warehouse.atoms import Expr, as_text, column, row_code

IN, NOT_ASSIGNED, OUTSIDE, TWO_ARMS, LATE = 0, 1, 2, 3, 4
"""States of a member: taking part; not assigned; outside the population; in two arms; assigned too late."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """The assignments table as the spec maps it."""

    table: sa.FromClause
    unit: str
    arm: str
    micros: Expr | None


def assigned_once(assigned: Assigned) -> sa.Subquery:
    """One row a unit: its arm, another arm if there is one, and its earliest time."""
    arm = as_text(column(assigned.arm))
    time = assigned.micros if assigned.micros is not None else sa.null()
    query = sa.select(
        as_text(column(assigned.unit)).label("unit"),
        sa.func.min(arm).label("arm"),
        sa.func.max(arm).label("other_arm"),
        sa.func.min(sa.cast(time, sa.BigInteger)).label("assigned_at"),
    )
    return query.select_from(assigned.table).group_by(as_text(column(assigned.unit))).subquery("assigned")


def roster(
    members: sa.FromClause,
    unit: str,
    assigned: Assigned,
    clock: Clock,
    shifts: Sequence[int],
    in_population: sa.ColumnElement[bool] | None,
    carried: Mapping[str, Expr],
    assigned_before: int | None,
) -> sa.Select[tuple[object, ...]]:
    """Write the query: one row a member.

    Parameters
    ----------
    shifts : sequence of int
        Boundaries needed, in days after assignment.
    carried : mapping of name to expression
        Segments and covariates of the members table.
    assigned_before : int or None
        Moment from which an assignment is too late.
    """
    once = assigned_once(assigned)
    source = members.outerjoin(once, as_text(column_of(members, unit)) == once.c.unit)
    bounds: list[Expr]
    if clock.fixed is not None:
        bounds = [big(clock.moment(clock.fixed, s)).label(boundary(s)) for s in shifts]
    elif clock.local:
        calendar = clock.calendar(tuple(shifts))
        at = once.c.assigned_at
        source = source.outerjoin(calendar, sa.and_(at >= calendar.c.day_from, at < calendar.c.day_to))
        bounds = [calendar.c[boundary(s)].label(boundary(s)) for s in shifts]
    else:
        bounds = [(once.c.assigned_at + big(s * DAY)).label(boundary(s)) for s in shifts]
    begins = bounds[list(shifts).index(0)]
    outside = (
        sa.not_(sa.func.coalesce(in_population, sa.false())) if in_population is not None else sa.false()
    )
    late = begins.element >= big(assigned_before) if assigned_before is not None else sa.false()
    state = sa.case(
        (outside, OUTSIDE),
        (once.c.unit.is_(None), NOT_ASSIGNED),
        (once.c.arm != once.c.other_arm, TWO_ARMS),
        (late, LATE),
        else_=IN,
    )
    return sa.select(
        row_code().label("code"),
        as_text(column_of(members, unit)).label("unit"),
        once.c.arm.label("arm"),
        state.label("state"),
        *bounds,
        *(x.label(name) for name, x in carried.items()),
    ).select_from(source)


def column_of(members: sa.FromClause, name: str) -> Expr:
    """A column of the members table, told apart from the others."""
    from sqlalchemy.sql.elements import quoted_name

    return sa.column(quoted_name(name, True), _selectable=members)
