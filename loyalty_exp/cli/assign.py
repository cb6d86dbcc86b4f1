"""`assign`: draw the arms once, write them down, and say how even the draw is."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loyalty_exp.cli.session import common, session
from loyalty_exp.cli.store import store_option
from loyalty_exp.errors import UsageError

if TYPE_CHECKING:
    from loyalty_exp.assignment.result import Assigned

SRM = 0.001
"""P-value of the sample-ratio check below which people are warned."""

NOTABLE = 0.1
"""Standardized difference from which a covariate is marked (Austin 2009, section 6)."""


def _size(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)? ?[KMGT]i?B", value):
        raise click.BadParameter("write a number and a unit, as 1200MB or 4GB")
    return value


def _day(context: click.Context, parameter: click.Parameter, value: dt.datetime | None) -> dt.date | None:
    return value.date() if value else None


@click.command(short_help="Draw who is in which arm; never twice.")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Compute everything, write nothing.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    callback=_day,
    help="With a ramp or a trigger: draw those who have entered by this day; today when left out.",
)
@click.option(
    "--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="Threads of the engine."
)
@click.option(
    "--memory",
    callback=_size,
    default="1200MB",
    show_default=True,
    metavar="SIZE",
    help="Memory limit of the engine, as 4GB.",
)
@click.option(
    "--table", metavar="NAME", help="Write the drawn rows into this table of data.engine's database as well."
)
@store_option
@common
def assign(
    spec: Path,
    dry_run: bool,
    as_of: dt.date | None,
    threads: int,
    memory: str,
    table: str | None,
    store: str | None,
) -> None:
    """Draw the members of SPEC and write results/<id>/assignment.parquet; same input, same bytes.

    What was drawn stands: a second call changes nothing, and a spec that would draw otherwise is refused.
    Where there is a store, the draw is recorded in it with its digest.
    """
    from loyalty_exp.assignment.assign import assign as draw
    from loyalty_exp.store.in_force import read_in_force
    from loyalty_exp.store.registration import known_draw, record_draw

    now = session()
    now.progress("reading the spec")
    folder = spec.resolve().parent
    experiment, note = read_in_force(spec, store)
    if note:
        now.say(note)
    known = known_draw(experiment, folder, store)
    done = draw(
        experiment,
        folder,
        as_of=as_of,
        dry_run=dry_run,
        threads=threads,
        memory=memory,
        progress=now.progress,
        recorded=known.draw if known else None,
    )
    lines = said(done)
    if table is not None:
        from loyalty_exp.assignment.table import write_table

        if done.status in {"external", "dry_run"}:
            raise UsageError("--table writes drawn rows; here nothing is drawn")
        now.progress("writing the table")
        lines.append(f"  table {table}: {write_table(experiment, folder, table):,} rows added")
    if known is not None and not dry_run:
        counts, digest = done.units, str(done.record["digest"])
        words = record_draw(experiment, spec, store, digest=digest, counts=counts)
        lines.append(f"  store: {words}")
        if not known.locked:
            lines.append(
                "  note: the plan is not locked; lock it before outcomes are seen: loyalty-exp lock SPEC"
            )
    now.rest()
    for line in lines:
        now.say(line)
    if now.json:
        now.emit_json(done.to_dict())


def said(done: Assigned) -> list[str]:
    """Say a draw in lines for people."""
    whole = sum(done.units.values())
    lines = [_head(done)]
    total = sum(done.drawn.values())
    for arm, n in done.units.items():
        share = done.drawn[arm] / total if total else 0.0
        clusters = f" in {done.drawn[arm]:,} clusters" if done.drawn != done.units else ""
        lines.append(f"  {arm}: {n:,}{clusters} ({share:.2%}, planned {done.shares[arm]:.2%})")
    if left := {why: n for why, n in done.left_out.items() if n}:
        words = ", ".join(f"{why.replace('_', ' ')} {n:,}" for why, n in left.items())
        lines.append(f"  left out: {words} (drawn: {whole:,})")
    if done.sample_ratio is not None:
        alarm = "; the arms do not have their shares" if done.sample_ratio.flagged(SRM) else ""
        lines.append(f"  sample ratio: p = {done.sample_ratio.p_value:.3g}{alarm}")
    for gap in done.differences:
        value = "differs, and does not vary" if gap.standardized is None else f"{gap.standardized:+.3f}"
        mark = "  <- notable" if gap.standardized is None or abs(gap.standardized) >= NOTABLE else ""
        lines.append(
            f"  balance {gap.covariate}, {gap.arm}: {gap.mean:,.4g} against {gap.control_mean:,.4g}, "
            f"standardized difference {value}{mark}"
        )
    if done.omnibus is not None and done.omnibus.p_value is not None:
        test = done.omnibus
        lines.append(
            f"  balance of all: chi-square {test.statistic:.2f} on {test.df}, p = {test.p_value:.3g}"
        )
    if tried := done.record.get("rerandomization"):
        lines.append(f"  rerandomized: {tried['tries']:,} draws, distance {tried['distance']:.3g}")
    for clash in done.findings:
        wish = "its days are left out of outcomes" if clash.policy == "censor" else "sales are not usual"
        lines.append(f"  calendar: '{clash.event}' from {clash.first} to {clash.last} is inside; {wish}")
    for other in done.overlaps:
        tested = "" if other.p_value is None else f", arms of both independent: p = {other.p_value:.3g}"
        alarm = "; they are not: each effect carries a part of the other" if other.uneven else ""
        lines.append(
            f"  also in '{other.experiment}': {other.units:,} units ({other.share:.1%}){tested}{alarm}"
        )
    return lines


def _head(done: Assigned) -> str:
    whole = f"{sum(done.units.values()):,}"
    return {
        "drawn": f"drew {whole} units of {done.experiment}; wrote {done.path}",
        "grown": f"added units to {done.experiment}, {whole} now; wrote {done.path}",
        "unchanged": f"{done.experiment} was drawn on {done.as_of}: {whole} units, unchanged, in {done.path}",
        "dry_run": f"would draw {whole} units of {done.experiment}; nothing is written",
        "external": f"{done.experiment} was assigned elsewhere: {whole} units in {done.path}, checked only",
    }[done.status]
