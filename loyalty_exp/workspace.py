"""The files of an experiment: where results go, how they are written whole, and how a readout is read back.

A file either keeps its old content or has its complete new one: it is written beside its target, flushed to
the disk and then renamed over it. Being in the same folder, the rename never crosses file systems. A symbolic
link is refused as a target rather than followed, so that nothing outside the folder is ever overwritten.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loyalty_exp.errors import DataError, EngineError, Refused

READOUT = "readout.json"
SCHEMA_FAMILY = "loyalty-exp/readout/v1"


@dataclass(frozen=True, slots=True)
class Results:
    """The output folder of one experiment."""

    folder: Path
    spec: Path

    @property
    def readout(self) -> Path:
        """The readout file."""
        return self.folder / READOUT

    def page(self, language: str) -> Path:
        """The report in a language."""
        return self.folder / f"report.{language}.html"


def results_of(spec: Path, experiment_id: str, out: Path | None = None) -> Results:
    """Say where the results of a spec go: ``results/<id>`` beside it, unless a folder is given."""
    return Results(out if out is not None else spec.parent / "results" / experiment_id, spec)


def prepare(results: Results) -> None:
    """Make the folder and prove that it can be written, before anything is computed.

    Raises
    ------
    EngineError
        If it cannot be made or written.
    """
    try:
        results.folder.mkdir(parents=True, exist_ok=True)
        probe = _beside(results.readout)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise _unwritable(results.folder, error) from None


def write_text(path: Path, text: str) -> Path:
    r"""Write a text whole or not at all, as UTF-8 with ``\n``; see `write_bytes`."""
    return write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file whole or not at all, with the permissions that umask asks for.

    Raises
    ------
    Refused
        If the target is a symbolic link or no plain file.
    EngineError
        If the disk is full, or the folder cannot be written; an older file stays as it was.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        what = "a symbolic link" if path.is_symlink() else "not a plain file"
        raise Refused(f"{path} is {what}; it is not overwritten. Remove it, or choose another folder.")
    temporary = _beside(path)
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise _unwritable(path, error, len(content)) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path


def read_readout(results: Results) -> dict[str, Any]:
    """Read a readout back.

    Raises
    ------
    Refused
        If there is none.
    DataError
        If the file cannot be read, is cut off, or is of another version.
    """
    path = results.readout
    remedy = f"Run: loyalty-exp analyze {results.spec}"
    try:
        readout = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refused(f"there is no readout at {path}; a report is made from one. {remedy}") from None
    except OSError as error:
        raise EngineError(f"{path} cannot be read: {error.strerror}. Check its permissions.") from None
    except ValueError as error:
        raise DataError(f"{path} is not whole JSON ({error}). {remedy}") from None
    found = readout.get("schema") if isinstance(readout, dict) else None
    if found != SCHEMA_FAMILY:
        raise DataError(f"{path} has schema {found!r}; this version reads '{SCHEMA_FAMILY}'. {remedy}")
    return dict(readout)


def own_templates(spec: Path) -> Path | None:
    """Give the folder ``reports/templates`` beside the spec, which overrides the templates of the package."""
    folder = spec.parent / "reports" / "templates"
    return folder if folder.is_dir() else None


def bundled(name: str) -> Path:
    """Find a folder that the wheel takes in: ``experiments`` or ``templates``.

    Raises
    ------
    EngineError
        If the installation is not whole.
    """
    package = Path(__file__).resolve().parent
    checkout = {"templates": package.parent / "reports" / "templates"}.get(name, package.parent / name)
    for folder in (package / "_bundled" / name, checkout):
        if folder.is_dir():
            return folder
    raise EngineError(f"the folder '{name}' of the package is missing. Install loyalty-exp again.")


def copy_workspace(source: Path, target: Path) -> int:
    """Copy specs and data, keep what is there already, and give the number of files kept.

    Raises
    ------
    EngineError
        If a file cannot be written.
    """
    kept = 0
    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        if not path.is_file() or "results" in inside.parts or any(p.startswith(".") for p in inside.parts):
            continue
        copy = target / inside
        if copy.exists() or copy.is_symlink():
            kept += 1
            continue
        make_folder(copy.parent)
        write_bytes(copy, path.read_bytes())
    return kept


def make_folder(folder: Path) -> None:
    """Make a folder and those above it.

    Raises
    ------
    EngineError
        If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def _flush_folder(folder: Path) -> None:
    """Make the rename itself last through a power cut, where folders can be flushed at all."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unwritable(path: Path, error: OSError, size: int | None = None) -> EngineError:
    bytes_wanted = f" ({size:,} bytes)" if size is not None else ""
    why = error.strerror or type(error).__name__
    return EngineError(
        f"{path}{bytes_wanted} cannot be written: {why}. "
        "Make room or mend the permissions, or choose another folder."
    )
