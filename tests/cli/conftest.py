"""The command line as a test sees it: arguments in; exit code, standard output and standard error out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Call:
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


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of the example workspace."""
    folder = tmp_path / "workspace"
    shutil.copytree(ROOT / "experiments", folder, ignore=shutil.ignore_patterns("results"))
    return folder


@pytest.fixture
def spec(workspace: Path) -> Path:
    return workspace / "hillstrom_email.yaml"
