"""The house stands as it was drawn: imports go one way, and no room has a name that says nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}


def test_the_import_contracts_are_kept() -> None:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_has_its_place_in_the_layers() -> None:
    layers = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    rooms = {p.stem for p in (ROOT / "loyalty_exp").iterdir() if not p.name.startswith(("_", "."))}
    assert sorted(room for room in rooms if f"loyalty_exp.{room}" not in layers) == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    names = {p.stem for p in (ROOT / "loyalty_exp").rglob("*.py")}
    assert names & EMPTY_NAMES == set()


def test_the_lock_holds_names_versions_and_hashes_only() -> None:
    for line in (ROOT / "requirements-dev.lock").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(
            r"[a-z0-9-]+==[A-Za-z0-9.+!]+( ; [^/]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|#[^/]*|", line
        ), line


def test_the_lock_holds_every_declared_package() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = set(
        re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements-dev.lock").read_text(encoding="utf-8"), re.M)
    )
    declared = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[<>=~!\[ ]", d)[0].lower().replace(".", "-").replace("_", "-") for d in declared}
    assert names - locked == set()
