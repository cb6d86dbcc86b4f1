"""Fixtures and paths for all tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@dataclass(frozen=True)
class Call:
    """The command line as a test sees it: exit code, standard output and standard error."""

    code: int
    out: str
    err: str


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Callable[..., Call]:
    """Run a command line in this process."""
    from loyalty_exp.cli.main import run_cli

    def _call(*arguments: str | Path) -> Call:
        capfd.readouterr()
        code = run_cli([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return Call(code, out, err)

    return _call
