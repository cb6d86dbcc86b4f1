"""The wheel works where there is no checkout: it carries its templates and the example workspace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy, so that nothing is left in the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    names = ("loyalty_exp", "reports", "experiments", "pyproject.toml", "README.md")
    for name in names:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__", "results"))
        else:
            shutil.copy(path, source / name)
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(source),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_templates_workspace_starters_and_catalogues(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "loyalty_exp/_bundled/templates/report.html.j2",
        "loyalty_exp/_bundled/experiments/hillstrom_email.yaml",
        "loyalty_exp/_bundled/experiments/data/hillstrom.parquet",
        "loyalty_exp/cli/starters/win-back.yaml",
        "loyalty_exp/report/locales/zh_CN/LC_MESSAGES/messages.po",
    ):
        assert wanted in names


def test_the_demo_runs_from_an_installed_wheel_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    # This environment lends the packages it needs; the .pth files in it are not read, so no checkout is seen.
    Path(site, "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    where = [python, "-c", "import loyalty_exp; print(loyalty_exp.__file__)"]
    found = subprocess.run(
        where, check=True, capture_output=True, text=True, cwd=tmp_path, env=environment
    ).stdout
    assert Path(found.strip()).is_relative_to(tmp_path)
    done = subprocess.run(
        [python, "-m", "loyalty_exp", "demo"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("hillstrom_email: ship Mens E-Mail: ")
    pages = tmp_path / "loyalty-exp-demo" / "results" / "hillstrom_email"
    assert {p.name for p in pages.iterdir()} == {"readout.json", "report.en.html", "report.zh-CN.html"}
