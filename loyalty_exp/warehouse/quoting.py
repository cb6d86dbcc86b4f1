"""Names and texts as they stand in SQL, the same on every engine."""

from __future__ import annotations


def quoted(name: str) -> str:
    """Quote the name of a column or a table."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: object) -> str:
    """Quote a text, or the path of a file."""
    return "'" + str(text).replace("'", "''") + "'"
