"""A YAML file as plain data, with the place of every key and value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from loyalty_exp.errors import Problem
from loyalty_exp.masking import visible
from loyalty_exp.spec.place import Path, Place, dotted


@dataclass(slots=True)
class Document:
    """One YAML file: its data, its places, and what is wrong before any key is looked at."""

    file: str
    lines: list[str]
    data: dict[str, Any] = field(default_factory=dict)
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[tuple[Path, Problem]] = field(default_factory=list)

    @property
    def found(self) -> tuple[Problem, ...]:
        """Problems so far."""
        return tuple(problem for _, problem in self.problems)

    def problem(self, path: Path, at: tuple[int, int], message: str, hint: str = "") -> Problem:
        """Make a problem at a place, counted from 0."""
        line, column = at
        source = self.lines[line] if line < len(self.lines) else ""
        return Problem(
            self.file, line + 1, column + 1, visible(dotted(path)), visible(message), visible(hint), source
        )
