"""The door of the spec: a YAML file becomes an experiment, or all its problems at once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from pydantic import ValidationError

from loyalty_exp.errors import Problem, Refused, SpecError
from loyalty_exp.grammar import Section
from loyalty_exp.spec import place
from loyalty_exp.spec.coherence import incoherent
from loyalty_exp.spec.document import Document
from loyalty_exp.spec.draft import draft
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.listing import render_github, render_json, render_text
from loyalty_exp.spec.not_yet_run import not_yet_run
from loyalty_exp.spec.parse import parse
from loyalty_exp.spec.problems import findings
from loyalty_exp.spec.program import Program
from loyalty_exp.spec.resolved import resolved_yaml
from loyalty_exp.spec.schema import json_schema
from loyalty_exp.spec.shorthand import Expanded, expand
from loyalty_exp.spec.source import text_of

if TYPE_CHECKING:
    from loyalty_exp.spec.observational import Observational

__all__ = [
    "check",
    "check_file",
    "check_text",
    "json_schema",
    "read",
    "read_text",
    "read_with",
    "render_github",
    "render_json",
    "render_text",
    "resolved_yaml",
]

_OF_PROGRAMS = Program.model_fields.keys() - Experiment.model_fields.keys()
_OF_EXPERIMENTS = (
    Experiment.model_fields.keys() | {"design", "negative_controls"}
) - Program.model_fields.keys()

Spec = Union[Experiment, "Observational"]


class _File(Section):
    """A program file under the key that names it in a spec, so that both are told of in the same words."""

    program: Program


def read(path: str | Path) -> Experiment:
    """Read a spec file.

    Paths under ``data:`` stay as they are written, relative to the folder of the file.

    Raises
    ------
    SpecError
        With all problems, in the order of the file.
    Refused
        If the spec has a design in place of arms: this version does not estimate without randomization.
    """
    return _or_raise(*check(path))


def read_with(path: str | Path, program: dict[str, Any]) -> Experiment:
    """Read a spec file with other parts of the program than those of the program file that it names.

    Raises
    ------
    SpecError, Refused
        As `read`.
    """
    document = parse(text_of(Path(path), str(path)), str(path))
    if isinstance(document.data.get("program"), str):
        document = replace(document, data={**document.data, "program": program})
    return _or_raise(*_checked(document, Path(path).parent))


def read_text(text: str, file: str = "<spec>", folder: Path | None = None) -> Experiment:
    """Read a spec from text.

    Parameters
    ----------
    text : str
    file : str
        Name in messages.
    folder : Path, optional
        Where the program file is looked for; the current folder when left out.

    Raises
    ------
    SpecError
        With all problems, in the order of the file.
    Refused
        If the spec has a design in place of arms: this version does not estimate without randomization.
    """
    return _or_raise(*check_text(text, file, folder))


def check(path: str | Path) -> tuple[Spec | None, tuple[Problem, ...]]:
    """Read a spec file and give what could be read, with all problems and notices."""
    try:
        text = text_of(Path(path), str(path))
    except SpecError as error:
        return None, error.problems
    return check_text(text, str(path), Path(path).parent)


def check_file(path: str | Path) -> tuple[Spec | Program | None, tuple[Problem, ...]]:
    """Read a spec or a program file, whichever it is, with all problems and notices."""
    try:
        document = parse(text_of(Path(path), str(path)), str(path))
    except SpecError as error:
        return None, error.problems
    return _checked_program(document) if _is_program(document) else _checked(document, Path(path).parent)


def check_text(
    text: str, file: str = "<spec>", folder: Path | None = None
) -> tuple[Spec | None, tuple[Problem, ...]]:
    """Read a spec from text and give what could be read, with all problems and notices."""
    try:
        document = parse(text, file)
    except SpecError as error:
        return None, error.problems
    if _is_program(document):
        message = "this is a program file, not the spec of an experiment"
        return None, (document.problem((), (0, 0), message, "name a spec that says program: and this file"),)
    return _checked(document, folder or Path())


def _is_program(document: Document) -> bool:
    """Tell a program file by its keys, also where one of them is misspelled."""
    keys = document.data.keys()
    named = isinstance(document.data.get("program"), str) or bool(keys & _OF_PROGRAMS)
    return named and not keys & _OF_EXPERIMENTS


def _checked(document: Document, folder: Path) -> tuple[Spec | None, tuple[Problem, ...]]:
    expanded = expand(document.data, folder)
    experiment, found = _validated(expanded)
    problems = _located(found, document, expanded)
    if any(p.severity == "error" for p in problems):
        return None, problems
    return experiment, problems


def _checked_program(document: Document) -> tuple[Program | None, tuple[Problem, ...]]:
    program, found, whole = None, [], {"program": document.data}
    try:
        program = _File.model_validate_json(json.dumps(whole)).program
    except ValidationError as error:
        found = findings(error, _File, whole)
    told = Expanded(whole, program=document)
    problems = _located(found, Document(document.file, document.lines), told)
    return (None if problems else program), problems


def _or_raise(experiment: Spec | None, problems: tuple[Problem, ...]) -> Experiment:
    if experiment is None:
        raise SpecError(tuple(p for p in problems if p.severity == "error"))
    if not isinstance(experiment, Experiment):
        from loyalty_exp.spec.observational import NOT_RUN

        raise Refused(f"{experiment.experiment}: {NOT_RUN}.")
    return experiment


def _validated(expanded: Expanded) -> tuple[Spec | None, list[place.Finding]]:
    """Validate each section, and the sections against each other."""
    spec, found = None, list(expanded.findings)
    model = _model_of(expanded.data)
    parts = draft(expanded.data)
    across = incoherent(parts)
    try:
        spec = model.model_validate_json(json.dumps(expanded.data))
    except ValidationError as error:
        own = findings(error, model, expanded.data)
        told = any(f.severity == "error" for f in across)
        found += [f for f in own if f.path or not told]
    return spec, [*found, *across, *not_yet_run(parts)]


def _model_of(data: dict[str, Any]) -> type[Spec]:
    """Tell an evaluation without randomization by its `design`; its grammar is read only then."""
    if "design" not in data:
        return Experiment
    from loyalty_exp.spec.observational import Observational

    return Observational


def _located(found: list[place.Finding], document: Document, expanded: Expanded) -> tuple[Problem, ...]:
    """Look up lines and columns, and put everything into the order of the files."""
    known = [path for path, _ in document.problems] + list(expanded.settled)
    problems = [p for _, p in document.problems] + expanded.elsewhere
    if expanded.program is not None:
        known += [("program", *path) for path, _ in expanded.program.problems]
        problems += [p for _, p in expanded.program.problems]
    own = set(map(id, expanded.findings))
    lent = any(_within(f.path, ("program", "metrics")) for f in found)
    for finding in found:
        told = any(_within(finding.path, path) for path in known)
        if id(finding) in own or not (told or (lent and _of_the_program(finding.path, document))):
            problems.append(_problem(finding, document, expanded.program))
    order = {id(p): i for i, p in enumerate(problems)}
    problems.sort(key=lambda p: (p.file != document.file, p.line, p.column, order[id(p)]))
    return tuple(dict.fromkeys(problems))


def _within(path: place.Path, outer: place.Path) -> bool:
    return path[: len(outer)] == outer


def _of_the_program(path: place.Path, document: Document) -> bool:
    """Tell whether a key of a shared metric is written in the program file, where it is reported already."""
    written = (*path[:2], "use") in document.places and path[:3] not in document.places
    return path[:1] == ("metrics",) and len(path) > 2 and written


def _problem(finding: place.Finding, document: Document, program: Document | None) -> Problem:
    path: place.Path = finding.path
    if program is not None and path[:1] == ("program",) and len(path) > 1:
        document, path = program, path[1:]
    problem = document.problem(path, _at(path, finding.on_key, document), finding.message, finding.hint)
    return replace(problem, severity=finding.severity)


def _at(path: place.Path, on_key: bool, document: Document) -> tuple[int, int]:
    """Give the place of a path, or of the nearest thing around it that is written."""
    for length in range(len(path), -1, -1):
        if known := document.places.get(path[:length]):
            return known.key if on_key and length == len(path) and known.key else known.value
    return (0, 0)
