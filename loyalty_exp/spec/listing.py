"""Problems as text with a caret, as annotations of GitHub, and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict

from loyalty_exp.errors import Problem
from loyalty_exp.masking import visible

ANNOTATIONS = 10
"""GitHub shows this many of a kind in one step."""

WIDEST = 160
"""Characters of a source line that are shown."""


def render_text(problems: Iterable[Problem]) -> str:
    """List problems for people: place, path, message, the line with a caret, and the hint."""
    return "\n".join(_one(problem) for problem in problems)


def _one(problem: Problem) -> str:
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    path = f"{problem.path}: " if problem.path else ""
    notice = "notice: " if problem.severity == "notice" else ""
    lines = [f"{place}: {notice}{path}{problem.message}"]
    if problem.source.strip():
        start = max(0, problem.column - 1 - WIDEST // 2)
        shown = visible(problem.source[start : start + WIDEST].expandtabs(1))
        lines += [f"  {shown}", "  " + " " * (problem.column - 1 - start) + "^"]
    if problem.hint:
        lines.append(f"  hint: {problem.hint}")
    return "\n".join(lines)


def render_github(problems: Iterable[Problem]) -> str:
    """List problems as workflow commands; beyond the ten of a kind that GitHub shows, as text."""
    lines, shown = [], Counter[str]()
    for problem in problems:
        shown[problem.severity] += 1
        if shown[problem.severity] > ANNOTATIONS:
            lines.append(_one(problem))
            continue
        command = "notice" if problem.severity == "notice" else "error"
        place = f",line={problem.line},col={problem.column}" if problem.line else ""
        path = f"{problem.path}: " if problem.path else ""
        hint = f" ({problem.hint})" if problem.hint else ""
        words = _data(path + problem.message + hint)
        lines.append(f"::{command} file={_property(problem.file)}{place}::{words}")
    return "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def render_json(problems: Iterable[Problem]) -> str:
    """List problems for programs, in the order of the file."""
    return json.dumps([asdict(problem) for problem in problems], ensure_ascii=False, indent=2)
