"""From bytes to text: the size, the encoding and the line ends of a spec file."""

from __future__ import annotations

from pathlib import Path

from loyalty_exp.errors import Problem, SpecError

LARGEST = 1_000_000
"""Bytes; a spec is written by hand."""

_INVISIBLE = {"\0": "NUL", "\x85": "U+0085", "\u2028": "U+2028", "\u2029": "U+2029"}


def text_of(path: Path, name: str) -> str:
    """Read a file as text with plain line ends and no byte order mark.

    Raises
    ------
    SpecError
        If there is no such file, or it is too large, or not UTF-8 text.
    """
    try:
        if path.is_dir():
            raise _whole(name, "is a folder, not a file", "name the .yaml file in it")
        size = path.stat().st_size
        if size > LARGEST:
            raise _too_large(name, size)
        raw = path.read_bytes()
    except FileNotFoundError:
        raise _whole(
            name, "there is no such file", "check the path, as seen from the current folder"
        ) from None
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise _whole(name, f"cannot be read: {words}", "check the path and its permissions") from None
    return decoded(raw, name)


def decoded(raw: bytes, name: str) -> str:
    """Decode UTF-8, with or without a byte order mark."""
    hint = "save the file as UTF-8"
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise _whole(name, "is UTF-16, not UTF-8", hint)
    if raw[:4].count(0) >= 2:
        raise _whole(name, "looks like UTF-16 or UTF-32 (it holds NUL bytes), not UTF-8", hint)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", errors="replace")
        odd = raw[error.start]
        meant = bytes([odd]).decode("latin-1")
        reading = f" ('{meant}' in latin-1)" if meant.isprintable() else ""
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        raise SpecError(
            (Problem(name, line, column, "", f"is not UTF-8: byte 0x{odd:02X}{reading}", hint),)
        ) from None


def tidied(text: str, name: str) -> str:
    """Give the text plain line ends; refuse characters that some readers take for one."""
    if len(text) > LARGEST:
        raise _too_large(name, len(text))
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    problems = []
    for number, line in enumerate(text.split("\n"), start=1):
        for character, called in _INVISIBLE.items():
            if (at := line.find(character)) >= 0:
                message = f"holds the invisible character {called}"
                problems.append(
                    Problem(name, number, at + 1, "", message, "remove it", line.replace("\0", " "))
                )
    if problems:
        raise SpecError(tuple(problems))
    return text


def _whole(name: str, message: str, hint: str) -> SpecError:
    return SpecError((Problem(name, 0, 0, "", message, hint),))


def _too_large(name: str, size: int) -> SpecError:
    return _whole(
        name, f"holds {size:,} bytes; a spec has at most {LARGEST:,}", "name the spec, not the data"
    )
