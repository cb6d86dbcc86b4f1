"""Where things stand: paths into a document, and their lines and columns."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Keys and list positions from the root."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key and its value begin; (line, column) counted from 0.

    Attributes
    ----------
    key : tuple of int or None
        None for list items and for the root.
    value : tuple of int
        For a block of lines under a key, the key.
    in_mapping : bool
    """

    key: tuple[int, int] | None
    value: tuple[int, int]
    in_mapping: bool


def dotted(path: Path) -> str:
    """Write a path as ``arms[1].share``.

    Examples
    --------
    >>> dotted(("arms", 1, "share"))
    'arms[1].share'
    """
    words = ""
    for part in path:
        words += f"[{part}]" if isinstance(part, int) else f".{part[:80]}" if words else part[:80]
    return words


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to say about a path, before its line and column are looked up.

    Attributes
    ----------
    path : tuple
    message, hint : str
    on_key : bool
        Point at the key rather than at its value.
    severity : str
        ``error`` or ``notice``.
    """

    path: Path
    message: str
    hint: str = ""
    on_key: bool = False
    severity: str = "error"


def near(word: object, names: Iterable[str]) -> str:
    """Give the hint "did you mean ...?" when a name is near, else the names when they are few."""
    known = list(dict.fromkeys(names))
    folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(str(word)[:100].casefold(), list(folded), n=1, cutoff=0.6)
    if close:
        return f"did you mean '{folded[close[0]]}'?"
    return f"there are: {', '.join(known)}" if 0 < len(known) <= 20 else ""
