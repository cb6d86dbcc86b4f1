"""What was drawn, beside the drawn rows: read back, compared with the spec, replaced whole or not at all.

`assignment.parquet` holds the rows; `assignment.json` holds salt, thresholds, counts and the SHA-256 of the
rows' file. Two files cannot be renamed at once, so the new record is written first, as pending; then the rows
are renamed; then the record. Whichever instant the process dies, the next call finds either both old or both
new: a pending record whose digest is that of the rows is completed, any other is thrown away. A store, where
there is one, keeps the digest and the counts of every draw; `recorded.py` holds the files against it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loyalty_exp.errors import EngineError, Refused
from loyalty_exp.spec.experiment import Experiment

ROWS, RECORD, PENDING, LOCK = (
    "assignment.parquet",
    "assignment.json",
    ".assignment.json.pending",
    ".assignment.lock",
)
SCHEMA = "loyalty-exp/assignment/v1"


def home(folder: Path, experiment: Experiment) -> Path:
    """Where the assignment of a spec lies: ``results/<id>`` beside it."""
    return folder / "results" / experiment.experiment


def previous(folder: Path, *, mend: bool = False) -> dict[str, Any] | None:
    """Read the record of what was drawn in a folder.

    Parameters
    ----------
    mend : bool
        Complete or undo what a killed process began; only for who holds the lock, as another may be drawing.

    Raises
    ------
    Refused
        If the rows are gone, or are not those that were drawn.
    EngineError
        If a file cannot be read.
    """
    rows = folder / ROWS
    for last in (False, False, True):
        try:
            found = sha256_of(rows) if rows.exists() else None
            drawn = _record(folder, found, mend)
        except OSError as error:
            raise EngineError(f"{folder} cannot be read: {error.strerror}. Check its permissions.") from None
        except (ValueError, KeyError):
            raise Refused(
                f"{folder / RECORD} is not whole; bring it back from a backup. Nothing is drawn again."
            ) from None
        if (drawn["digest"] if drawn else None) == found:
            return drawn
        if last or mend:
            break
        time.sleep(0.05)  # another process may be between the two files
    if drawn is None:
        raise Refused(f"{rows} is there without {RECORD}; move it away, or bring its record back.")
    what = "is gone" if found is None else "is not the file that was drawn"
    raise Refused(f"{rows} {what}; bring it back from a backup. Units are never drawn a second time.")


def _record(folder: Path, found: str | None, mend: bool) -> dict[str, Any] | None:
    """Read the record that belongs to rows of a digest; a pending one where it does."""
    record, pending = folder / RECORD, folder / PENDING
    waiting = None
    if pending.exists():
        with contextlib.suppress(ValueError, KeyError, FileNotFoundError):  # cut off by a kill, or renamed
            waiting = json.loads(pending.read_text(encoding="utf-8"))
            waiting = waiting if waiting["digest"] == found else None
        if mend and waiting is not None:
            pending.replace(record)
        elif mend:
            pending.unlink(missing_ok=True)
    if waiting is None and not record.exists():
        return None
    drawn: dict[str, Any] = waiting or json.loads(record.read_text(encoding="utf-8"))
    if drawn.get("schema") != SCHEMA:
        raise Refused(f"{record} has schema {drawn.get('schema')!r}; this version reads '{SCHEMA}'.")
    return drawn


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a second process out; the operating system lets go of the lock when the first one ends.

    Raises
    ------
    Refused
        If another process is drawing.
    EngineError
        If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / LOCK).open("a+b")
    except OSError as error:
        raise EngineError(f"{folder} cannot be written: {error.strerror}. Mend the permissions.") from None
    with stream:
        try:
            import fcntl
        except ImportError:  # not on Windows
            yield
            return
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(f"another process is drawing in {folder}; wait until it ends.") from None
        for left in folder.glob(f".{ROWS}.*.tmp"):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)
        yield


def beside(folder: Path) -> Path:
    """Name of a temporary file for new rows; in the same folder, so that renaming it is one step."""
    return folder / f".{ROWS}.{secrets.token_hex(4)}.tmp"


def publish(folder: Path, rows: Path, record: dict[str, Any]) -> None:
    """Put new rows and their record in the place of the old ones.

    Raises
    ------
    Refused
        If a target is a symbolic link.
    EngineError
        If the disk is full or the folder cannot be written; the old files stay.
    """
    for name in (ROWS, RECORD, PENDING):
        if (folder / name).is_symlink():
            raise Refused(f"{folder / name} is a symbolic link; it is not overwritten. Remove it.")
    try:
        rows.chmod(0o600)
        _flush(rows)
        with (folder / PENDING).open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        (folder / PENDING).chmod(0o600)
        rows.replace(folder / ROWS)
        (folder / PENDING).replace(folder / RECORD)
        _flush(folder)
    except OSError as error:
        raise EngineError(f"{folder} cannot be written: {error.strerror}. Make room or mend it.") from None


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
