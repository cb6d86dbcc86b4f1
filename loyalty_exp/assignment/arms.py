"""From eligible members to rows with an arm: the query of a draw, plain or in strata, at once or in steps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from loyalty_exp.assignment.derived import derived_columns
from loyalty_exp.assignment.draw import AFTER_ALL, threshold, thresholds
from loyalty_exp.assignment.layers import hashed
from loyalty_exp.assignment.members import Members
from loyalty_exp.assignment.strata import Cuts, lend_strata, same, strata_cuts
from loyalty_exp.spec.arms import weight
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr, as_text, column, double
from loyalty_exp.warehouse.engine import Engine

ARM, TIME = "arm", "assigned_at"
"""Columns of the written table, beside the unit and the strata."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What decides who is in which arm.

    Attributes
    ----------
    salt : str
        Of the accepted draw.
    arms : tuple of str
        In the order of the spec, which is the order in which the line is cut.
    shares : tuple of Fraction
    as_of : date
        Members who enter later are not drawn yet.
    """

    salt: str
    arms: tuple[str, ...]
    shares: tuple[Fraction, ...]
    as_of: dt.date


def shares_of(experiment: Experiment) -> tuple[tuple[str, ...], tuple[Fraction, ...]]:
    """Arms in the order of the spec, with their exact shares."""
    assert isinstance(experiment.arms, tuple)
    return tuple(a.id for a in experiment.arms), tuple(weight(a.share) for a in experiment.arms)


def rows_of(
    engine: Engine,
    members: Members,
    draw: Draw,
    before: sa.FromClause | None,
    beside: Sequence[str] = (),
) -> sa.Select[Any]:
    """Write the query of all who are in the draw: the unit under its own name, arm, day as text, strata.

    Parameters
    ----------
    before : FromClause, optional
        Rows drawn earlier; they come first, as they stand, and their units are not drawn again.
    beside : sequence of str
        Number columns of the members to carry along, as ``balance:0``...; only without earlier rows.
    """
    experiment = members.experiment
    eligible = _eligible(members, draw, before, beside)
    if experiment.strata:
        cuts = strata_cuts(
            engine, _drawn_units(members, eligible), len(experiment.strata), draw.salt, draw.shares
        )
        fresh = _stratified(engine, eligible, experiment, draw, cuts)
    else:
        ends = [sa.literal(t, sa.Text) for t in thresholds(draw.shares)]
        fresh = sa.select(*_columns(eligible, experiment, _arm(eligible.c.hex, ends, draw.arms)))
    if derived_columns(experiment):  # computed over all members, in whatever order the engine likes
        fresh = fresh.order_by(eligible.c.unit)
    if before is None:
        return fresh
    names = (experiment.unit, ARM, TIME, *experiment.strata)
    kept = sa.select(*(as_text(column(n)).label(n) if n == TIME else column(n).label(n) for n in names))
    added = sa.select(*fresh.subquery("added").c)
    both = sa.union_all(kept.select_from(before), added).subquery("both")
    return sa.select(*(both.c[n].label(n) for n in names))


def _eligible(
    members: Members, draw: Draw, before: sa.FromClause | None, beside: Sequence[str]
) -> sa.Subquery:
    """Members to be drawn: unit, digest, day of entry, strata as they are and as text."""
    experiment = members.experiment
    day = entry_day(members, draw)
    names = {f"v{i}": members.column(n) for i, n in enumerate(experiment.strata)}
    names |= {f"s{i}": as_text(members.column(n)) for i, n in enumerate(experiment.strata)}
    names |= {f"balance:{i}": double(members.column(n)) for i, n in enumerate(beside)}
    query = sa.select(
        members.column(experiment.unit).label("unit"),
        hashed(draw.salt, members.key).label("hex"),
        day.label("day"),
        *((members.key.label("key"),) if experiment.cluster else ()),
        *(x.label(n) for n, x in names.items()),
    ).select_from(members.table)
    query = query.where(members.eligible())
    if experiment.assignment is not None and experiment.assignment.grows:
        query = query.where(day <= sa.literal(draw.as_of.isoformat(), sa.Text))
    if before is not None:
        query = query.where(
            members.unit.not_in(sa.select(as_text(column(experiment.unit))).select_from(before))
        )
    return query.subquery("eligible")


def entry_day(members: Members, draw: Draw) -> Expr:
    """Day of assignment as ISO text: of the trigger, of the ramp step that takes the unit, or the start."""
    plan, schedule = members.experiment.assignment, members.experiment.schedule
    assert plan is not None
    if (entry := members.entry_day()) is not None:
        return entry
    if plan.ramp:
        hexadecimal = hashed(f"{plan.salt}#ramp", members.key)
        steps = [
            (hexadecimal < threshold(Fraction(repr(step.share))), sa.literal(step.from_.isoformat(), sa.Text))
            for step in plan.ramp
        ]
        return sa.case(*steps)
    return sa.literal(str(schedule.start or draw.as_of), sa.Text)


def _drawn_units(members: Members, eligible: sa.Subquery) -> sa.Subquery:
    """One row for each unit of the draw: clusters once."""
    strata = [eligible.c[f"s{i}"] for i in range(len(members.experiment.strata))]
    query = sa.select(eligible.c.hex, *strata)
    return (query.distinct() if members.experiment.cluster else query).subquery("drawn")


def _arm(hexadecimal: Expr, ends: Sequence[Expr], arms: Sequence[str]) -> Expr:
    whens = [(hexadecimal < end, sa.literal(arm, sa.Text)) for end, arm in zip(ends, arms[:-1], strict=True)]
    return sa.case(*whens, else_=sa.literal(arms[-1], sa.Text))


def _stratified(
    engine: Engine, eligible: sa.Subquery, experiment: Experiment, draw: Draw, cuts: Sequence[Cuts]
) -> sa.Select[Any]:
    if not cuts:
        none = [sa.literal(AFTER_ALL, sa.Text)] * (len(draw.arms) - 1)
        return sa.select(*_columns(eligible, experiment, _arm(eligible.c.hex, none, draw.arms)))
    strata = [c.stratum for c in cuts]
    table = lend_strata(engine, "ends", strata, [c.ends for c in cuts])
    ends = [table.c[f"b{i}"] for i in range(len(draw.arms) - 1)]
    chosen = _columns(eligible, experiment, _arm(eligible.c.hex, ends, draw.arms))
    return sa.select(*chosen).select_from(eligible.join(table, same(eligible, table, len(experiment.strata))))


def _columns(eligible: sa.Subquery, experiment: Experiment, arm: Expr) -> list[sa.Label[Any]]:
    strata = [eligible.c[f"v{i}"].label(n) for i, n in enumerate(experiment.strata)]
    carried = [c.label(c.name) for c in eligible.c if c.name.startswith("balance:")]
    return [
        eligible.c.unit.label(experiment.unit),
        arm.label(ARM),
        eligible.c.day.label(TIME),
        *strata,
        *carried,
    ]
