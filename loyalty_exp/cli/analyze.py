"""`analyze` and `run`: from a spec to the readout, the verdict and the pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loyalty_exp.cli.conditions import CONDITIONS, holding
from loyalty_exp.cli.report import (
    browser_for,
    languages_option,
    pdf_option,
    templates_option,
    write_pages,
    write_pdf,
)
from loyalty_exp.cli.session import common, session
from loyalty_exp.cli.store import store_option

if TYPE_CHECKING:
    from loyalty_exp.readout.result import Readout
    from loyalty_exp.workspace import Results

Command = Callable[..., Any]


def _day(context: click.Context, parameter: click.Parameter, value: dt.datetime | None) -> dt.date | None:
    return value.date() if value else None


def computing(command: Command) -> Command:
    """Add the argument and options of commands that compute a readout."""
    for decorate in (
        common,
        store_option,
        click.option(
            "--fail-on",
            multiple=True,
            type=click.Choice(list(CONDITIONS)),
            help="End with exit code 1 when this holds; may be given several times.",
        ),
        click.option(
            "--threads",
            type=click.IntRange(1, 256),
            default=1,
            show_default=True,
            help="Threads of the engine.",
        ),
        click.option(
            "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the results."
        ),
        click.option(
            "--as-of",
            type=click.DateTime(["%Y-%m-%d"]),
            callback=_day,
            help="Read the data as if this were the last complete day (2026-06-30).",
        ),
        click.argument("spec", type=click.Path(path_type=Path)),
    ):
        command = decorate(command)
    return command


@click.command(short_help="Compute the readout of a spec.")
@computing
def analyze(
    spec: Path,
    as_of: dt.date | None,
    out: Path | None,
    threads: int,
    fail_on: tuple[str, ...],
    store: str | None,
) -> int:
    """Compute the readout of SPEC and write readout.json."""
    readout, _ = computed(spec, as_of, out, threads, store)
    return told(readout, fail_on)


@click.command(short_help="Compute the readout, write the pages, print the verdict.")
@languages_option
@templates_option
@pdf_option
@computing
def run(
    spec: Path,
    as_of: dt.date | None,
    out: Path | None,
    threads: int,
    fail_on: tuple[str, ...],
    store: str | None,
    languages: tuple[str, ...],
    templates: Path | None,
    pdf: bool,
) -> int:
    """Compute the readout of SPEC, write the pages, and print the verdict in one line."""
    program = browser_for(pdf)
    readout, results = computed(spec, as_of, out, threads, store)
    write_pdf(write_pages(readout.to_dict(), results, languages, templates), program)
    return told(readout, fail_on)


def computed(
    spec: Path, as_of: dt.date | None, out: Path | None, threads: int, store: str | None = None
) -> tuple[Readout, Results]:
    """Read the spec, make sure that results can be written, compute, write the readout, record the look."""
    from loyalty_exp.pipeline import compute
    from loyalty_exp.store.in_force import read_in_force
    from loyalty_exp.store.registration import keep
    from loyalty_exp.workspace import prepare, results_of, write_text

    now = session()
    now.progress("reading the spec")
    experiment, note = read_in_force(spec, store)
    if note:
        now.say(note)
    results = results_of(spec, experiment.experiment, out)
    prepare(results)
    readout = compute(
        spec, as_of=as_of, threads=threads, progress=now.progress, store=store, experiment=experiment
    )
    now.rest()
    text = readout.to_json()
    seen = keep(readout.to_dict(), text, spec, store, lambda: write_text(results.readout, text))
    now.say(f"wrote {results.readout}")
    if seen:
        now.say(seen)
    return readout, results


def told(readout: Readout, fail_on: tuple[str, ...]) -> int:
    """Print the verdict, or the readout as JSON, and give the exit code."""
    from loyalty_exp.cli.verdict import verdict

    now, facts = session(), readout.to_dict()
    if now.json:
        now.emit(readout.to_json())
    else:
        now.emit(verdict(facts) + "\n")
    for warning in readout.warnings:
        now.say(f"warning: {warning.replace('_', ' ')}; the page says what it means")
    held = [condition for condition in fail_on if holding(condition, facts)]
    for condition in held:
        now.say(f"--fail-on {condition}: {CONDITIONS[condition]}")
    return 1 if held else 0
