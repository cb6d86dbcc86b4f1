"""`rehearse`: the whole pipeline on the team's own history, before anybody is treated."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loyalty_exp.cli.session import common, session
from loyalty_exp.cli.size import REHEARSAL

if TYPE_CHECKING:
    from loyalty_exp.planning.rehearsal_result import Rate, Reading, Rehearsal, Scenario

STATE = f"{REHEARSAL}.part"


def _day(context: click.Context, parameter: click.Parameter, value: dt.datetime | None) -> dt.date | None:
    return value.date() if value else None


@click.command(short_help="Try the whole pipeline on your own history.")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option("--times", type=click.IntRange(1, 10**6), default=500, show_default=True, help="Rehearsals.")
@click.option(
    "--effect",
    "effects",
    multiple=True,
    metavar="EFFECT",
    help="Plant an effect: nb=2 (net benefit a unit), METRIC=+5%, basket=+5%, frequency=+10%, churn=-10% or "
    "redemption=+20%; may be given several times.",
)
@click.option(
    "--aa", is_flag=True, help="Plant nothing, and end with exit code 1 if p-values are not uniform."
)
@click.option(
    "--begins",
    type=click.DateTime(["%Y-%m-%d"]),
    callback=_day,
    help="Day of the past on which all eligible members begin; as assigned, or the latest one, if left out.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), help="Seed; analysis.seed of the spec when left out."
)
@click.option(
    "--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="Threads of the engine."
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the results.")
@common
def rehearse(
    spec: Path,
    times: int,
    effects: tuple[str, ...],
    aa: bool,
    begins: dt.date | None,
    seed: int | None,
    threads: int,
    out: Path | None,
) -> int:
    """Rehearse SPEC on the history it names, and write rehearsal.json.

    Arms are drawn again and again with fresh salts, and each draw is analyzed and decided as the experiment
    will be: as things are, with an effect that just pays for itself, and with the effect that is asked for.
    An interrupted run goes on where it stopped.
    """
    from loyalty_exp.planning.rehearsal import rehearse as play
    from loyalty_exp.spec.read import read
    from loyalty_exp.workspace import prepare, results_of, write_text

    if aa and effects:
        raise click.UsageError("--aa plants nothing; leave out either --aa or --effect")
    now = session()
    now.progress("reading the spec")
    results = results_of(spec, read(spec).experiment, out)
    prepare(results)
    state = results.folder / STATE
    found = play(
        spec,
        times,
        effects=effects,
        seed=seed,
        break_even=not aa,
        begins=begins,
        state_file=state,
        threads=threads,
        progress=now.progress,
    )
    now.rest()
    text = found.to_json()
    now.say(f"wrote {write_text(results.folder / REHEARSAL, text)}")
    with contextlib.suppress(OSError):
        state.unlink(missing_ok=True)
    for line in said(found):
        now.say(line)
    now.say(f"next: loyalty-exp size {spec}, which shows this on the plan page")
    if now.json:
        now.emit(text)
    return 1 if aa and not found.uniform else 0


def said(found: Rehearsal) -> list[str]:
    """Say a rehearsal in lines for people."""
    what = f"{found.units:,} units" + (
        f" in {found.clusters:,} clusters" if found.clusters is not None else ""
    )
    since = f" beginning {found.first_day}" if found.first_day else ""
    lines = [f"{found.experiment}: {found.rehearsals:,} rehearsals of {what}{since}, seed {found.seed}"]
    for scenario in found.scenarios:
        lines += _scenario(scenario)
    lines += [f"left out: {words}" for words in found.left_out]
    return lines


def _scenario(s: Scenario) -> list[str]:
    head = {"null": "without an effect", "break_even": "at break-even"}.get(
        s.id, f"with {', '.join(s.effects)}"
    )
    worth = ", ".join(s.worth_shipping) or "no arm"
    lines = [f"{head} (worth shipping: {worth})"]
    for words, rate in (
        ("ships what is not worth it", s.false_ship),
        ("misses what is worth it", s.missed_ship),
        ("stops what is worth it", s.false_stop),
    ):
        if rate is not None:
            lines.append(f"  {words}: {_percent(rate)}")
    lines.append(
        "  verdicts: " + ", ".join(f"{a.replace('_', ' ')} {r.rate:.1%}" for a, r in s.verdicts.items())
    )
    if s.stops:
        ends = ", ".join(f"at {x.share:.0%} of the units {x.ended.rate:.1%}" for x in s.stops)
        lines.append(f"  ends {ends}; on average after {s.mean_units:,.0f} units")
    lines += [_reading(r, s.id == "null") for r in s.readings]
    lines += [f"  check {c.replace('_', ' ')} warns: {_percent(r)}" for c, r in s.warnings.items()]
    lines += [f"  warning: {words}" for words in s.alarms]
    return lines


def _reading(r: Reading, null: bool) -> str:
    true = "not defined" if r.truth is None else f"{r.truth:.4g}"
    parts = [f"truth {true}" + (f" ({r.relative_truth:+.2%})" if r.relative_truth else "")]
    if r.coverage is not None:
        parts.append(f"covered {_percent(r.coverage)}")
    if r.rejected is not None:
        words = (
            "false positives" if null and r.role != "money" else "settled" if r.role == "money" else "found"
        )
        parts.append(f"{words} {_percent(r.rejected)}")
    if r.held is not None:
        parts.append(f"margin held {_percent(r.held)}")
    if r.planned_power is not None and (r.truth or r.held):
        parts.append(f"planned {r.planned_power:.1%}")
    if r.variance_reduction is not None:
        parts.append(f"variance -{r.variance_reduction:.0%}")
    if r.uniform_p_value is not None:
        parts.append(f"KS p {r.uniform_p_value:.2g}")
    if r.not_estimable:
        parts.append(f"not estimable {r.not_estimable:,}")
    return f"  {r.metric}, {r.treatment}: " + "; ".join(parts)


def _percent(rate: Rate) -> str:
    return f"{rate.rate:.1%} [{rate.lower:.1%}, {rate.upper:.1%}]"
