"""`validate` and `schema`: is the spec right, and what may stand in it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from loyalty_exp.cli.session import common, complain, session


@click.command(short_help="Check specs; name every problem, its place and a way to mend it.")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", type=click.Path(path_type=Path))
@click.option("--resolved", is_flag=True, help="Print the spec with every default filled in.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    help="Form of the problems.",
)
@common
def validate(specs: tuple[Path, ...], resolved: bool, form: str) -> int:
    """Check specs and program files; name every problem, its place and a way to mend it; open no data."""
    from loyalty_exp.spec.read import check_file, render_github, render_json, render_text, resolved_yaml

    now = session()
    checked = [check_file(path) for path in specs]
    problems = tuple(p for _, found in checked for p in found)
    if now.json:
        valid = all(spec is not None for spec, _ in checked)
        now.emit_json({"valid": valid, "problems": json.loads(render_json(problems))})
    elif form == "json":
        now.emit(_line(render_json(problems)))
    elif form == "github":
        now.emit(_line(render_github(problems)))
    else:
        if problems:
            (now.say if all(p.severity != "error" for p in problems) else complain)(render_text(problems))
        for path, (spec, _) in zip(specs, checked, strict=True):
            if spec is not None:
                now.say(f"{path}: valid")
                now.emit(resolved_yaml(spec) if resolved else "")
    return 2 if any(spec is None for spec, _ in checked) else 0


@click.command(short_help="Print the JSON Schema of a file.")
@click.argument("kind", type=click.Choice(["experiment", "program", "readout"]), default="experiment")
@common
def schema(kind: str) -> None:
    """Print the JSON Schema of a spec, a program file or a readout."""
    if kind == "readout":
        from loyalty_exp.readout.schema import readout_schema

        session().emit_json(readout_schema())
    else:
        from loyalty_exp.spec.schema import json_schema

        session().emit_json(json_schema("program" if kind == "program" else "experiment"))


def _line(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"
