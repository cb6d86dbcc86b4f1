"""`doctor`: can this machine do the work, and what is missing."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from loyalty_exp.cli.session import common, session


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; what is optional never fails."""

    check: str
    ok: bool
    required: bool
    detail: str


@click.command(short_help="Say what this machine lacks, if anything.")
@common
def doctor() -> int:
    """Check Python, packages, engine, templates, fonts, browser and write permission."""
    now = session()
    findings = [check() for check in (_python, _packages, _engine, _templates, _folder, _browser, _fonts)]
    healthy = all(f.ok for f in findings if f.required)
    if now.json:
        now.emit_json({"ok": healthy, "checks": [asdict(f) for f in findings]})
    else:
        for f in findings:
            word = "ok" if f.ok else "FAILED" if f.required else "absent"
            now.emit(f"{word:<7} {f.check}: {f.detail}\n")
    return 0 if healthy else 3


def _python() -> Finding:
    words = f"{platform.python_version()}; 3.11 or newer is needed"
    return Finding("python", sys.version_info >= (3, 11), True, words)


def _packages() -> Finding:
    import importlib.metadata  # 20 ms that no other command needs

    try:
        wanted = [
            re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
            for line in importlib.metadata.requires("loyalty-exp") or ()
            if "extra ==" not in line
        ]
    except importlib.metadata.PackageNotFoundError:
        return Finding("packages", False, True, "loyalty-exp is not installed; run: pip install loyalty-exp")
    found, missing = [], []
    for name in wanted:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        words = f"missing: {', '.join(missing)}; run: pip install {' '.join(missing)}"
        return Finding("packages", False, True, words)
    return Finding("packages", True, True, ", ".join(found))


def _engine() -> Finding:
    def ask() -> str:
        import duckdb

        with duckdb.connect() as connection:
            answer = connection.execute("SELECT sum(i) FROM range(1001) t(i)").fetchone()
        if answer is None or int(answer[0]) != 500_500:
            raise RuntimeError(f"1 + ... + 1000 gave {answer}")
        return f"duckdb {duckdb.__version__} answers"

    return _tried("engine", ask)


def _templates() -> Finding:
    def look() -> str:
        from loyalty_exp.workspace import bundled

        folder = bundled("templates")
        if not (folder / "report.html.j2").is_file():
            raise FileNotFoundError(f"no report.html.j2 in {folder}")
        return str(folder)

    return _tried("templates", look)


def _folder() -> Finding:
    here = Path.cwd()
    can = os.access(here, os.W_OK)
    return Finding("folder", can, True, f"{here} {'can' if can else 'cannot'} be written")


def _browser() -> Finding:
    from loyalty_exp.cli.pdf import browser

    path = browser()
    words = "no Chromium, Chrome or Edge; `--pdf` needs one, and so do the browser tests"
    return Finding("browser", path is not None, False, path or words)


def _fonts() -> Finding:
    lister = shutil.which("fc-list")
    names = ""
    if lister:
        asked = subprocess.run([lister, ":lang=zh", "family"], capture_output=True, check=False)
        names = asked.stdout.decode("utf-8", errors="replace")
    first = names.split("\n")[0].split(",")[0]
    return Finding("fonts", bool(first), False, first or "no Chinese font here; readers' machines have one")


def _tried(check: str, attempt: Callable[[], str]) -> Finding:
    """Call a check; what it raises is its finding."""
    try:
        return Finding(check, True, True, attempt())
    except Exception as error:
        return Finding(check, False, True, f"{type(error).__name__}: {error}")
