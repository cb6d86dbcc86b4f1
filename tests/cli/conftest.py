"""Workspaces for tests of the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of the example workspace."""
    folder = tmp_path / "workspace"
    shutil.copytree(ROOT / "experiments", folder, ignore=shutil.ignore_patterns("results"))
    return folder


@pytest.fixture
def spec(workspace: Path) -> Path:
    return workspace / "hillstrom_email.yaml"
