"""From YAML text to a document, or to problems in the words of someone who edits YAML."""

from __future__ import annotations

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from loyalty_exp.errors import SpecError
from loyalty_exp.spec.document import Document
from loyalty_exp.spec.reading import Reading
from loyalty_exp.spec.source import tidied


def parse(text: str, file: str) -> Document:
    """Read one YAML document.

    Anchors, aliases, tags and merge keys are refused at the level of events, before anything is expanded.

    Raises
    ------
    SpecError
        If nothing can be made of the text: bad syntax, no mapping at the root, anchors, tags, deep nesting.
    """
    text = tidied(text, file)
    document = Document(file, text.split("\n"))
    try:
        Reading(document, iter(YAML(typ="safe", pure=True).parse(text))).whole()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (mark.line, mark.column) if mark else (0, 0)
        raise SpecError((*document.found, document.problem((), at, *_syntax(error, document, at)))) from None
    except YAMLError as error:
        position = getattr(error, "position", 0)
        before = text[:position]
        at = (before.count("\n"), len(before) - before.rfind("\n") - 1)
        message = f"holds the invisible character U+{ord(text[position : position + 1] or ' '):04X}"
        raise SpecError((document.problem((), at, message, "remove it"),)) from None
    return document


def _syntax(error: MarkedYAMLError, document: Document, at: tuple[int, int]) -> tuple[str, str]:
    """Say a syntax error in the words of someone who edits YAML."""
    line = document.lines[at[0]] if at[0] < len(document.lines) else ""
    problem = error.problem or "cannot be read"
    if "\t" in line[: at[1] + 1]:
        return "a tab where only spaces may stand", "indent with spaces"
    if "mapping values are not allowed" in problem:
        return "not YAML: a second ': ' in one line, or a line indented too far", "quote text that holds ': '"
    if "block end" in problem:
        return "not YAML: this line is not indented like the ones it belongs to", "check the spaces before it"
    if "stream end" in problem:
        return "not YAML: the file ends inside a bracket or a quote", "close the bracket or the quote"
    return f"not YAML: {problem}", "check brackets, quotes and indentation near here"
