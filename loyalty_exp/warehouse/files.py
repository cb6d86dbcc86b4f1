"""What a file really is, looked at before an engine reads it: format, encoding, header, last line."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

from loyalty_exp.errors import EngineError

Format = Literal["parquet", "csv"]

MOST_EXPANDED = 200 << 20
"""Bytes up to which a compressed file may expand however small it is; tables shrink to a tenth."""

_CHUNK = 1 << 20
_HEAD = 1 << 16


def format_of(path: Path, shown: str) -> Format:
    """Tell the format from the name, and refuse content that is something else.

    Raises
    ------
    EngineError
        For a missing, empty or unreadable file, or one whose content does not fit its name.
    """
    try:
        if path.is_dir():
            raise EngineError(f"{shown}: is a folder, not a file")
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError:
        raise EngineError(f"{shown}: there is no such file; data paths are relative to the spec") from None
    except OSError as error:
        raise EngineError(f"{shown}: cannot be read: {error.strerror or error}") from None
    if not head:
        raise EngineError(f"{shown}: the file is empty")
    name = path.name.lower()
    if name.endswith((".parquet", ".pq")):
        _parquet(path, shown, head)
        return "parquet"
    if name.endswith((".csv", ".csv.gz")):
        _text_only(shown, head, gzipped=name.endswith(".gz"))
        return "csv"
    raise EngineError(f"{shown}: unknown kind of file; name a .parquet, .csv or .csv.gz file")


def _parquet(path: Path, shown: str, head: bytes) -> None:
    with path.open("rb") as file:
        file.seek(-min(4, path.stat().st_size), io.SEEK_END)
        tail = file.read(4)
    if head[:4] != b"PAR1":
        raise EngineError(f"{shown}: is not a Parquet file (it does not begin with PAR1)")
    if tail != b"PAR1":
        raise EngineError(f"{shown}: the Parquet file is cut off (it does not end with PAR1)")


def _text_only(shown: str, head: bytes, gzipped: bool) -> None:
    is_gzip = head[:2] == b"\x1f\x8b"
    if is_gzip and not gzipped:
        raise EngineError(f"{shown}: is gzip-compressed but named .csv; name it .csv.gz")
    if gzipped and not is_gzip:
        raise EngineError(f"{shown}: is named .csv.gz but is not gzip-compressed")
    if head[:4] == b"PAR1":
        raise EngineError(f"{shown}: is a Parquet file named .csv; name it .parquet")
    if head[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        raise EngineError(f"{shown}: is UTF-16; save it as UTF-8")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise EngineError(f"{shown}: holds a web page, not CSV; the download probably failed")


def opened(path: Path) -> IO[bytes]:
    """Open a CSV file, decompressed."""
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")  # type: ignore[return-value]


def header_of(path: Path, shown: str) -> list[str]:
    """Check a CSV file from first byte to last, and give its column names.

    Raises
    ------
    EngineError
        If it is not UTF-8, holds NUL bytes, has no data, is cut off, or is separated by something else than
        commas.
    """
    try:
        lines, last = _scanned(path, shown)
        with opened(path) as raw:
            reader = csv.reader(io.TextIOWrapper(raw, "utf-8-sig", newline=""), strict=True)
            header = next(reader, [])
    except (OSError, EOFError, gzip.BadGzipFile) as error:
        raise EngineError(f"{shown}: cannot be read to its end: {error}") from None
    except csv.Error as error:
        raise EngineError(f"{shown}: line 1: {error}") from None
    if not any(name.strip() for name in header):
        raise EngineError(f"{shown}: line 1 holds no column names")
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        raise EngineError(
            f"{shown}: line 1: columns are separated by something else than commas; save it with commas"
        )
    if last not in b"\r\n":
        raise EngineError(
            f"{shown}: line {lines + 1}: the last line has no line end, so the file may be cut off; "
            "if it is whole, end it with a line end"
        )
    if lines < 2:
        raise EngineError(f"{shown}: holds a header and no rows")
    return header


def _scanned(path: Path, shown: str) -> tuple[int, bytes]:
    """Count lines; refuse bytes that are not UTF-8 text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, last, size = 0, b"\n", 0
    most = max(MOST_EXPANDED, 500 * path.stat().st_size)
    with opened(path) as file:
        for chunk in _chunks(file):
            size += len(chunk)
            if size > most:
                raise EngineError(f"{shown}: expands to more than 500 times its size; this is no table")
            if b"\0" in chunk:
                line = lines + chunk[: chunk.index(b"\0")].count(b"\n") + 1
                raise EngineError(
                    f"{shown}: line {line}: holds NUL bytes; it is UTF-16 or damaged; save it as UTF-8"
                )
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                line = lines + error.object[: error.start].count(b"\n") + 1
                raise EngineError(
                    f"{shown}: line {line}: is not UTF-8 (byte 0x{error.object[error.start]:02X}; "
                    "perhaps latin-1); save it as UTF-8"
                ) from None
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    return lines, last


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
