"""The door of the room: draw the members of an experiment once, write them down, say how even the draw is."""

from __future__ import annotations

import contextlib
import datetime as dt
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from loyalty_exp.assignment import ledger
from loyalty_exp.assignment.arms import ARM, TIME, Draw, rows_of, shares_of
from loyalty_exp.assignment.balance import differences, moments_by_arm, moments_of_rows, omnibus
from loyalty_exp.assignment.calendar import Clash, clashes
from loyalty_exp.assignment.external import external
from loyalty_exp.assignment.members import Members
from loyalty_exp.assignment.overlap import overlaps
from loyalty_exp.assignment.plan import drawable, refuse_changes, refuse_shared
from loyalty_exp.assignment.population import members_of
from loyalty_exp.assignment.recorded import Recorded, refuse_another
from loyalty_exp.assignment.rerandomization import accepted
from loyalty_exp.assignment.result import Assigned, record_of, stands
from loyalty_exp.assignment.rows import counts_of, write_rows
from loyalty_exp.assignment.written import opened
from loyalty_exp.errors import Refused
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.sample_ratio import sample_ratio
from loyalty_exp.warehouse.atoms import Expr, column
from loyalty_exp.warehouse.connect import open_engine, through_restarts
from loyalty_exp.warehouse.engine import Engine

Progress = Callable[[str], None]


def assign(
    experiment: Experiment,
    folder: Path,
    *,
    as_of: dt.date | None = None,
    dry_run: bool = False,
    threads: int = 1,
    memory: str = "1200MB",
    progress: Progress | None = None,
    recorded: Recorded | None = None,
) -> Assigned:
    """Draw the eligible members, or those who are new where members enter one by one or in steps.

    Parameters
    ----------
    folder : Path
        Of the spec; the table goes to ``results/<id>/assignment.parquet`` below it.
    as_of : date, optional
        Day up to which members enter, with a ramp or a trigger; today in the program's time zone when left
        out.
    dry_run : bool
        Compute everything, write nothing.
    recorded : Recorded, optional
        The last draw as a store remembers it: rows that are gone are drawn again only if they come out the
        same, byte for byte.

    Raises
    ------
    Refused
        If the spec has changed since the first draw, if the draw is not the recorded one, or a salt, a slot
        or a forbidden day is in the way.
    UsageError
        If the spec does not say how to draw.
    ContractBreach
        If the members table breaks its contract.
    """
    say = progress or (lambda _: None)
    if experiment.data.units is not None or experiment.data.assignments is not None:
        say("checking the assignments")
        return through_restarts(lambda: external(experiment, folder, threads, memory))
    drawable(experiment)
    found = clashes(experiment)
    today = as_of or dt.datetime.now(ZoneInfo(experiment.program.timezone)).date()
    home = ledger.home(folder, experiment)
    refuse_shared(experiment, home)
    if dry_run:
        before = ledger.previous(home) if home.exists() else None
        with tempfile.TemporaryDirectory() as scratch:
            return through_restarts(
                lambda: _drawn(
                    experiment, folder, before, Path(scratch), today, found, True, (threads, memory), say
                )
            )
    with ledger.locked(home):
        before = ledger.previous(home, mend=True)
        if before is not None:
            refuse_another(recorded, before["digest"], sum(before["units"].values()), there=True)
        done = through_restarts(
            lambda: _drawn(
                experiment, folder, before, home, today, found, False, (threads, memory), say, recorded
            )
        )
        say("comparing with other experiments")
        return replace(done, overlaps=overlaps(experiment, home, memory))


def _drawn(
    experiment: Experiment,
    folder: Path,
    before: dict[str, Any] | None,
    target: Path,
    today: dt.date,
    found: tuple[Clash, ...],
    dry_run: bool,
    engine_settings: tuple[int, str],
    say: Progress,
    recorded: Recorded | None = None,
) -> Assigned:
    plan = experiment.assignment
    assert plan is not None
    home = ledger.home(folder, experiment)
    if before is not None:
        refuse_changes(before, experiment)
        if not plan.grows or today.isoformat() < before["as_of"]:
            return stands(experiment, home, before, found)
    threads, memory = engine_settings
    say("reading the members")
    engine = open_engine(experiment.data.engine, folder, threads=threads, memory=memory)
    try:
        members = members_of(engine, experiment)
        left_out = _left_out(engine, members)
        draw, rerandomized = _draw(engine, members, today, before)
        columns = [experiment.unit, ARM, TIME, *experiment.strata]
        earlier = opened(engine, home / ledger.ROWS, "drawn before", columns) if before else None
        say("drawing")
        rows = ledger.beside(target)
        names = _covariates(experiment)
        # Kept once, rows need no join for their balance; earlier rows and clusters have no covariates there.
        kept = None
        if names and earlier is None and not experiment.cluster:
            kept, query = _kept(
                engine, rows_of(engine, members, draw, None, names), columns, draw, plan.grows
            )
        else:
            query = rows_of(engine, members, draw, earlier)
        try:
            write_rows(engine, query, rows, columns)
            engine.unchanged()
            units = counts_of(rows, draw.arms)
            if not sum(units.values()):
                raise Refused(f"nobody is eligible, so nobody is drawn: {_told(left_out)}")
            if before is not None and units == before["units"]:
                return stands(experiment, home, before, found)
            say("comparing the arms")
            written = opened(engine, rows, "written", [experiment.unit, ARM])
            drawn = _clusters(engine, members, written, draw) if experiment.cluster else units
            if kept is not None:
                arms = moments_of_rows(engine, kept, draw.arms, names)
            else:
                arms = moments_by_arm(engine, members, written, draw.arms, names) if names else {}
            record = record_of(experiment, draw, units, drawn, left_out, rerandomized, before)
            ratio = sample_ratio([drawn[a] for a in draw.arms], [float(s) for s in draw.shares])
            gaps = differences(arms, experiment.control) if arms else ()
            record["balance"] = [asdict(d) for d in gaps]
            test = omnibus(arms) if arms else None
            record["omnibus"] = asdict(test) if test else None
            record["digest"], record["bytes"] = ledger.sha256_of(rows), rows.stat().st_size
            if before is None and not dry_run:
                refuse_another(recorded, record["digest"], sum(units.values()), there=False)
            if not dry_run:
                ledger.publish(home, rows, record)
        finally:
            with contextlib.suppress(OSError):
                rows.unlink(missing_ok=True)
    finally:
        engine.close()
    status = "dry_run" if dry_run else "grown" if before else "drawn"
    path = None if dry_run else str(home / ledger.ROWS)
    return Assigned(
        experiment=experiment.experiment,
        status=status,
        path=path,
        as_of=draw.as_of.isoformat(),
        salt=draw.salt,
        units=units,
        drawn=drawn,
        shares={a: float(s) for a, s in zip(draw.arms, draw.shares, strict=True)},
        left_out=left_out,
        sample_ratio=ratio,
        differences=gaps,
        omnibus=test,
        findings=found,
        record=record,
    )


def _draw(
    engine: Engine, members: Members, today: dt.date, before: dict[str, Any] | None
) -> tuple[Draw, dict[str, Any] | None]:
    experiment = members.experiment
    plan = experiment.assignment
    assert plan is not None and experiment.schedule.start is not None
    arms, shares = shares_of(experiment)
    as_of = today if plan.grows else experiment.schedule.start
    if plan.rerandomize is None:
        return Draw(plan.salt, arms, shares, as_of), None
    taken = accepted(engine, members, plan.rerandomize, plan.salt, shares)
    return Draw(taken.salt, arms, shares, as_of), asdict(taken)


def _left_out(engine: Engine, members: Members) -> dict[str, int]:
    """Count why members are not eligible; each is told once, by the first reason."""
    reasons = members.reasons()
    if not reasons:
        return {}
    first = sa.case(*((condition, why) for why, condition in reasons.items())).label("why")
    inner = sa.select(first).select_from(members.table).subquery("reasons")
    rows = dict(engine.fetch(sa.select(inner.c.why, sa.func.count()).group_by(inner.c.why)))
    return {why: int(rows.get(why, 0)) for why in reasons}


def _told(left_out: Mapping[str, int]) -> str:
    parts = [f"{n:,} {why.replace('_', ' ')}" for why, n in left_out.items() if n]
    return ", ".join(parts) or "no member has entered yet"


def _clusters(engine: Engine, members: Members, written: sa.FromClause, draw: Draw) -> dict[str, int]:
    arm: Expr = sa.column(ARM, _selectable=written)
    unit: Expr = sa.column(members.experiment.unit, _selectable=written)
    joined = members.table.join(written, members.unit == sa.cast(unit, sa.Text))
    query = sa.select(arm, sa.func.count(members.key.distinct())).select_from(joined).group_by(arm)
    found = dict(engine.fetch(query))
    return {a: int(found.get(a, 0)) for a in draw.arms}


def _kept(
    engine: Engine, drawn: sa.Select[Any], columns: list[str], draw: Draw, days_differ: bool
) -> tuple[sa.TableClause, sa.Select[Any]]:
    """Keep drawn rows with their covariates, and give the query of the written ones; one day is no column."""
    here = [c for c in drawn.selected_columns if days_differ or c.key != TIME]
    kept = engine.keep("loyalty_drawn", drawn.with_only_columns(*here))
    day = column(TIME) if days_differ else sa.literal(draw.as_of.isoformat(), sa.Text)
    return kept, sa.select(*(day.label(c) if c == TIME else column(c) for c in columns)).select_from(kept)


def _covariates(experiment: Experiment) -> tuple[str, ...]:
    plan = experiment.assignment
    assert plan is not None
    return tuple(dict.fromkeys((*plan.balance, *(plan.rerandomize.covariates if plan.rerandomize else ()))))
