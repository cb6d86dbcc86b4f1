"""What an unquoted word of the YAML means, and which words two YAML readers take for different things."""

from __future__ import annotations

import math
import re

Plain = bool | int | float | str | None

_NULL = frozenset(["", "~", "null", "Null", "NULL"])
_TRUE = frozenset(["true", "True", "TRUE"])
_FALSE = frozenset(["false", "False", "FALSE"])
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORD = re.compile(r"y|n|yes|no|on|off", re.IGNORECASE)
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_OTHER_BASE = re.compile(r"[-+]?0[xXoObB][0-9a-fA-F_]+")
_CLOCK = re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?")
_UNDERSCORE = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?")
LONGEST_INTEGER = 15
"""Digits; longer numbers lose digits in other readers of JSON and YAML."""


def ambiguity(word: str) -> tuple[str, str] | None:
    """Say why an unquoted word cannot be read, and what to write; None when every reader agrees.

    YAML 1.1 reads ``no`` as false, ``12:30`` as 750, ``012`` as 10 and ``1_000`` as 1000; YAML 1.2 does not.
    A spec must mean the same everywhere, so such words are refused rather than guessed.
    """
    if _WORD.fullmatch(word):
        truth = "true" if word.lower() in {"y", "yes", "on"} else "false"
        return (
            f"{word} without quotes is {truth} to some YAML readers",
            f"quote it: '{word}', or write {truth}",
        )
    if _CLOCK.fullmatch(word):
        return f"{word} without quotes is a number to some YAML readers", f"quote it: '{word}'"
    if _LEADING_ZERO.fullmatch(word):
        plain = word.lstrip("+").lstrip("0") or "0"
        return (
            f"{word} without quotes is octal to some YAML readers",
            f"quote it: '{word}', or write {plain[:20]}",
        )
    if _UNDERSCORE.fullmatch(word):
        plain = word.replace("_", "")
        return (
            f"{word} without quotes is a number only to some readers",
            f"quote it: '{word}', or write {plain}",
        )
    if _OTHER_BASE.fullmatch(word):
        return f"{word} without quotes is a number only to some readers", f"quote it: '{word}'"
    if _NOT_FINITE.fullmatch(word):
        return f"{word} is not a finite number", "write a number"
    if _INT.fullmatch(word) and len(word.lstrip("+-")) > LONGEST_INTEGER:
        digits = len(word.lstrip("+-"))
        return (
            f"a number of {digits:,} digits is too long; at most {LONGEST_INTEGER} are read",
            "quote it if it is a name",
        )
    if _FLOAT.fullmatch(word) and not math.isfinite(float(word)):
        return f"{word[:40]} is too large for a number", "write a smaller number"
    return None


def meaning(word: str) -> Plain:
    """Read an unquoted word by the core schema of YAML 1.2; dates stay text."""
    if word in _NULL:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    if _INT.fullmatch(word):
        return int(word)
    if _FLOAT.fullmatch(word):
        return float(word)
    return word
