"""`size`: what a test takes, and whether it can answer its question at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loyalty_exp.cli.report import languages_option, templates_option
from loyalty_exp.cli.session import common, session

REHEARSAL = "rehearsal.json"

if TYPE_CHECKING:
    from loyalty_exp.planning.result import Sizing


@click.command(short_help="Plan a test: units, detectable effect, days, money.")
@click.argument("spec", type=click.Path(path_type=Path))
@languages_option
@templates_option
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the results.")
@click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="Engine threads.")
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(["not-answerable"]),
    help="End with exit code 1 when the test cannot answer its question.",
)
@common
def size(
    spec: Path,
    languages: tuple[str, ...],
    templates: Path | None,
    out: Path | None,
    threads: int,
    fail_on: tuple[str, ...],
) -> int:
    """Size the test of SPEC from its `sizing:` section; write sizing.json and a plan page a language.

    Baselines come from the team's own data (sizing.history) or from the spec (sizing.baseline). Without the
    section, the data are read, and the answer is the smallest effect that the units there are can find.
    A rehearsal of the same spec is shown on the page, too.
    """
    from loyalty_exp.planning.past_window import read_baselines
    from loyalty_exp.planning.plan_page import render
    from loyalty_exp.planning.plan_rehearsal import rehearsal_of
    from loyalty_exp.planning.plan_words import summary
    from loyalty_exp.planning.size import NOTHING, sizing_of
    from loyalty_exp.planning.size import size as answer
    from loyalty_exp.spec.read import read
    from loyalty_exp.workspace import own_templates, prepare, results_of, write_text

    now = session()
    experiment = read(spec)
    results = results_of(spec, experiment.experiment, out)
    prepare(results)
    history = sizing_of(experiment).history is not None
    found = read_baselines(experiment, spec.resolve().parent, threads, now.progress) if history else NOTHING
    now.progress("planning")
    plan = answer(experiment, found)
    now.rest()
    facts = plan.to_dict() | {"rehearsal": rehearsal_of(results.folder / REHEARSAL, experiment.spec_hash)}
    now.say(f"wrote {write_text(results.folder / 'sizing.json', _json(facts))}")
    folder = templates or own_templates(spec)
    for language in dict.fromkeys(languages or experiment.report.languages):
        page = render(facts, language, folder)
        now.say(f"wrote {write_text(results.folder / f'plan.{language}.html', page)}")
    if now.json:
        now.emit_json(facts)
    else:
        now.emit(summary(facts) + "\n")
    return _exit(plan, fail_on)


def _exit(plan: Sizing, fail_on: tuple[str, ...]) -> int:
    if not fail_on or plan.answerable:
        return 0
    session().say("--fail-on not-answerable: the test cannot answer its question")
    return 1


def _json(facts: dict[str, object]) -> str:
    import json

    return json.dumps(facts, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
