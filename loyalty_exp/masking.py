"""What is shown to people holds no secret of an address, and nothing that steers a terminal."""

from __future__ import annotations

import re
import unicodedata

HIDDEN = "***"

_IN_ADDRESS = re.compile(r"(\w://[^\s:/@]*):(?:\S*@|(?!\d+(?:[/?\s]|$))[^\n]{0,200}?@)")
_AS_OPTION = re.compile(
    r"((?:password|passwd|pwd|secret|token|key)=)(?:'[^'\n]*'|\"[^\"\n]*\"|[^&\s'\"]+)", re.IGNORECASE
)
_SHORTEST = 8
"""Shorter passwords are hidden in addresses, but not wherever these letters stand: they may be a word."""

_known: set[str] = set()


def remember(*secrets: str) -> None:
    """Hide these texts from now on, wherever and however they are quoted by others, such as a driver."""
    _known.update(s for s in secrets if len(s) >= _SHORTEST and s not in "postgresql")


def masked(text: str) -> str:
    """Hide the passwords of addresses in a text, and every secret that is known."""
    text = _AS_OPTION.sub(rf"\1{HIDDEN}", _IN_ADDRESS.sub(rf"\1:{HIDDEN}@", text))
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def visible(text: str, *, lines: bool = False) -> str:
    """Replace what a terminal would obey rather than show, so that words out of data pass for no others.

    Parameters
    ----------
    text : str
    lines : bool
        Keep line ends and tabs.
    """
    if text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(c if c in kept or not _steers(c) else "\N{REPLACEMENT CHARACTER}" for c in text)


def _steers(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "C" or category in {"Zl", "Zp"}
