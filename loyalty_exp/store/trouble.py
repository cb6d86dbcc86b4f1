"""What a database complains of, in words that say what to do; passwords are never among them."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from loyalty_exp.errors import EngineError, LoyaltyExpError, Refused, UsageError
from loyalty_exp.masking import masked
from loyalty_exp.store.place import Place

_SQLITE = {
    "SQLITE_BUSY": "is held by another program; waited as long as is reasonable. Run the command again, or "
    "end the program that holds it.",
    "SQLITE_LOCKED": "is held by another program. Run the command again.",
    "SQLITE_FULL": "cannot grow: the disk is full. Nothing was changed. Make room and run the command again.",
    "SQLITE_IOERR": "cannot be written or read: the disk failed, is full, or a limit is reached. Nothing was "
    "changed. Mend it and run the command again.",
    "SQLITE_READONLY": "cannot be written: it, or its folder, is read-only. Mend the permissions.",
    "SQLITE_CANTOPEN": "cannot be opened. Check that its folder exists and can be written.",
    "SQLITE_NOTADB": "is not an SQLite database. Move the file away, or name another with --store.",
    "SQLITE_CORRUPT": "is damaged. Put a backup in its place.",
    "SQLITE_PERM": "may not be opened. Mend the permissions.",
    "SQLITE_AUTH": "may not be opened. Mend the permissions.",
}

_SERVER = {
    "password authentication failed": "refuses the user or the password",
    "no password supplied": "wants a password; none was given",
    "connection refused": "does not answer: no server listens there",
    "no such file or directory": "does not answer: no server listens there",
    "could not translate host name": "has a host name that is not known",
    "failed to resolve host": "has a host name that is not known",
    "no schema has been selected": "has no schema to work in; create one, or set the search path of the user",
    "does not exist": "has no such database, user or schema",
    "permission denied": "does not let this user do that",
    "starting up": "is starting up; run the command again in a moment",
    "shutting down": "is shutting down",
    "timeout expired": "does not answer in time",
    "lock timeout": "is held by another program; run the command again",
    "already exists": "holds tables of these names that loyalty-exp did not make; name another database",
}


def comes_back(error: SQLAlchemyError) -> bool:
    """Tell whether a connection broke, or a server is just starting or stopping: a later try may succeed."""
    if not isinstance(error, DBAPIError):
        return False
    said = str(error.orig).lower()
    return error.connection_invalidated or any(
        w in said for w in ("starting up", "shutting down", "recovery mode")
    )


def went_away(error: SQLAlchemyError) -> bool:
    """Tell whether nobody answers at the address of a server."""
    return isinstance(error, OperationalError) and any(
        w in str(error.orig).lower() for w in ("connection refused", "no such file or directory")
    )


def in_words(place: Place, error: SQLAlchemyError | ImportError | OSError) -> LoyaltyExpError:
    """Turn what a database or its driver raised into an error with an exit code."""
    name = f"the store {place.shown}"
    if isinstance(error, ImportError):
        return UsageError(
            f"{name} needs a driver that is not installed ({error.name or error}). "
            "For PostgreSQL: pip install 'loyalty-exp[postgresql]'"
        )
    if isinstance(error, IntegrityError):
        return Refused(f"{name} was written by another process at the same moment. Run the command again.")
    original = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(original, sqlite3.Error):
        code = getattr(original, "sqlite_errorname", "") or ""
        for known, words in _SQLITE.items():
            if code.startswith(known):
                return EngineError(f"{name} {words}")
    said = " ".join(str(original or error).split())
    for known, words in _SERVER.items():
        if known in said.lower():
            return EngineError(f"{name} {words}. Check the address in --store or LOYALTY_EXP_STORE.")
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return EngineError(f"{name} closed the connection; nothing was changed. Run the command again.")
    return EngineError(f"{name} failed: {masked(said)[:300]}")
