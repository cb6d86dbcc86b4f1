"""`assign`: draw the arms once, write them down, and say how even the draw is."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loyalty_exp.cli.session import common, session

if TYPE_CHECKING:
    from loyalty_exp.assignment.result import Assigned

SRM = 0.001
"""P-value of the sample-ratio check below which people are warned."""

NOTABLE = 0.1
"""Standardized difference from which a covariate is marked (Austin 2009, section 6)."""


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
@common
def assign(spec: Path, dry_run: bool, as_of: dt.date | None, threads: int) -> None:
    """Draw the members of SPEC and write results/<id>/assignment.parquet; same input, same bytes.

    What was drawn stands: a second call changes nothing, and a spec that would draw otherwise is refused.
    """
    from loyalty_exp.assignment.assign import assign as draw
    from loyalty_exp.spec.read import read

    now = session()
    now.progress("reading the spec")
    done = draw(
        read(spec),
        spec.resolve().parent,
        as_of=as_of,
        dry_run=dry_run,
        threads=threads,
        progress=now.progress,
    )
    now.rest()
    for line in said(done):
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
        wish = "its days are to be left out" if clash.policy == "censor" else "sales are not usual"
        lines.append(f"  calendar: '{clash.event}' from {clash.first} to {clash.last} is inside; {wish}")
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
