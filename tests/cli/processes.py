"""Command lines in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def start(*arguments: str | Path, **options: object) -> subprocess.Popen[bytes]:
    """Run a command line in a process of its own."""
    environment = {**os.environ, "COLUMNS": "100"} | dict(options.pop("env", {}))  # type: ignore[call-overload]
    return subprocess.Popen(
        [sys.executable, "-m", "loyalty_exp", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        **options,  # type: ignore[arg-type]
    )
