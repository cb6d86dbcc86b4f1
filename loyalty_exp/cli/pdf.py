"""`--pdf`: a page is printed by whichever Chromium, Chrome or Edge is there; none is a dependency."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from loyalty_exp.errors import EngineError

VARIABLE = "LOYALTY_EXP_BROWSER"
"""Names the browser where it is not found, or where another one is wanted."""

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
PLACES = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "win32": (
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
        r"C:\Program Files\Microsoft\Edge\Application\msedge.exe",
    ),
}
SECONDS = 120
"""After which a browser that does not answer is stopped."""


def browser() -> str | None:
    """Find a browser that prints; None where there is none."""
    named = os.environ.get(VARIABLE)
    if named:
        return shutil.which(named)
    places = PLACES.get(sys.platform, ())
    return next((p for p in (*map(shutil.which, NAMES), *map(shutil.which, places)) if p), None)


def require_browser() -> str:
    """Find a browser that prints.

    Raises
    ------
    EngineError
        If there is none, or the one that the environment names is not there.
    """
    found = browser()
    if found is not None:
        return found
    named = os.environ.get(VARIABLE)
    if named:
        raise EngineError(
            f"--pdf: {VARIABLE} names '{named}', which is no program here. Correct it, or unset it."
        )
    raise EngineError(
        "--pdf needs Chromium, Chrome or Edge to print with, and none was found. Install one (Debian: "
        f"apt-get install chromium), or name it in {VARIABLE}; or open the page in any browser and print it."
    )


def print_page(program: str, page: Path) -> bytes:
    """Print a page as a tagged PDF with an outline, and give its bytes.

    Raises
    ------
    EngineError
        If the browser fails or does not answer.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "page.pdf"
        try:
            done = subprocess.run(
                [program, *_options(folder), f"--print-to-pdf={target}", page.resolve().as_uri()],
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EngineError(
                f"{program} did not print {page} within {SECONDS} seconds. Try again."
            ) from None
        except OSError as error:
            raise EngineError(
                f"{program} cannot be started: {error.strerror}. Name another in {VARIABLE}."
            ) from None
        if not target.is_file():
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            told = f": {last[0][:200]}" if last else ""
            raise EngineError(f"{program} printed nothing of {page} (exit code {done.returncode}){told}")
        return target.read_bytes()


def _options(folder: str) -> Sequence[str]:
    """Options of a browser of its own, without the net; as root it runs only outside its sandbox."""
    options = [
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--disable-extensions",
        "--disable-background-networking",
        f"--user-data-dir={folder}/profile",
        "--no-pdf-header-footer",
        "--generate-pdf-document-outline",
    ]
    return [*options, "--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else options
