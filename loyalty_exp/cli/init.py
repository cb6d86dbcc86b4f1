"""`init`: a new workspace with a commented spec, a program file, a schema for editors and made data."""

from __future__ import annotations

import json
from pathlib import Path

import click

from loyalty_exp.cli.session import common, session

STARTERS = ("points-multiplier", "tier-perk", "win-back", "factorial", "observational")
OBSERVATIONAL = "observational"
SCHEMA = Path(".loyalty-exp") / "experiment.schema.json"


@click.command(short_help="Make a workspace that validates and runs.")
@click.argument("folder", required=False, default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--template",
    type=click.Choice(STARTERS),
    default=STARTERS[0],
    show_default=True,
    help="What is to be tested.",
)
@common
def init(folder: Path, template: str) -> None:
    """Make a workspace in FOLDER that validates and runs; nothing that is there is overwritten.

    The template `observational` validates; this version does not estimate without randomization.
    """
    from loyalty_exp.samples import SCENARIOS, write_sample
    from loyalty_exp.spec.schema import json_schema
    from loyalty_exp.workspace import make_folder, write_text

    spec = folder / f"{template.replace('-', '_')}.yaml"
    texts = {spec: _starter(template), folder / "program.yaml": _starter("program")}
    chosen = template == OBSERVATIONAL
    names = ("members", "transactions") if chosen else ("members", "assignments", "transactions")
    data = [folder / "data" / f"{name}.parquet" for name in names]
    _refuse_to_overwrite([*texts, folder / SCHEMA, *data])
    for path in (folder / SCHEMA.parent, folder / "data"):
        make_folder(path)
    schema = json_schema("observational" if chosen else "experiment")
    write_text(folder / SCHEMA, json.dumps(schema, ensure_ascii=False, indent=1) + "\n")
    write_sample(SCENARIOS[template], folder / "data")
    for path, text in texts.items():
        write_text(path, text)
    session().say(f"wrote {spec}, program.yaml, {SCHEMA} and made data in {folder / 'data'}")
    session().say(f"next: loyalty-exp {'validate' if chosen else 'run'} {spec}")
    if session().json:
        session().emit_json({"spec": str(spec), "files": [str(p) for p in (*texts, folder / SCHEMA, *data)]})


def _refuse_to_overwrite(paths: list[Path]) -> None:
    from loyalty_exp.errors import Refused

    there = [str(p) for p in paths if p.exists() or p.is_symlink()]
    if there:
        raise Refused(f"{', '.join(there)} is there already and is not overwritten. Choose another folder.")


def _starter(name: str) -> str:
    return (Path(__file__).parent / "starters" / f"{name}.yaml").read_text(encoding="utf-8")
