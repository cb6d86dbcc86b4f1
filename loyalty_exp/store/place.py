"""Where the store of a workspace is, and how its address is written without secrets."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from loyalty_exp.errors import UsageError
from loyalty_exp.masking import masked, remember

VARIABLE = "LOYALTY_EXP_STORE"
FOLDER = ".loyalty-exp"

_DSN = re.compile(r"(?:^|\s)(?:host|hostaddr|dbname|user|password)\s*=")


@dataclass(frozen=True, slots=True)
class Place:
    """The store of a workspace: an SQLite file, or the URL of another database.

    Attributes
    ----------
    workspace : Path
        The folder of the specs.
    file : Path or None
        The SQLite file; None for another database.
    url : str
        For SQLAlchemy; may hold a password and is never printed, see `shown`.
    """

    workspace: Path
    file: Path | None
    url: str

    @property
    def shown(self) -> str:
        """The address for people."""
        return str(self.file) if self.file is not None else masked(self.url)

    def is_there(self) -> bool:
        """Tell whether something has been stored; of another database only opening it can tell."""
        return self.file is None or self.file.exists()


def place_of(workspace: Path, store: str | None = None) -> Place:
    """Find the store: as asked for, else from ``LOYALTY_EXP_STORE``, else a file in the workspace.

    A plain path is an SQLite file.

    Raises
    ------
    UsageError
        If the address cannot be read.
    """
    wanted = store or os.environ.get(VARIABLE) or ""
    if not wanted:
        return _of_file(workspace, workspace / FOLDER / "store.db")
    if "://" not in wanted:
        if _DSN.search(wanted):
            raise UsageError(
                f"the store {masked(wanted)} is written as key=value; write postgresql://user@host/database."
            )
        return _of_file(workspace, Path(wanted))
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    wanted = re.sub(r"^postgres://", "postgresql://", wanted)
    try:
        url = make_url(wanted)
    except (ArgumentError, ValueError):
        raise UsageError(
            f"the address of the store, {masked(wanted)}, is not one that SQLAlchemy reads. "
            "Write a path, or postgresql://user@host/database."
        ) from None
    remember(str(url.password or ""), str(url.query.get("password") or ""))
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise UsageError("a store in memory is gone when the command ends; give the path of a file.")
        return _of_file(workspace, Path(url.database))
    return Place(workspace, None, wanted)


def _of_file(workspace: Path, file: Path) -> Place:
    return Place(workspace, file, f"sqlite:///{file}")
