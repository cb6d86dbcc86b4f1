"""One Chromium for all browser tests, and pages that are made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from report.others import OTHERS
from report.states import readout

from loyalty_exp.cli.pdf import browser as found_browser
from loyalty_exp.report.render import render

CHROMIUM = found_browser()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium, Chrome or Edge was found")
    with playwright.sync_playwright() as p:
        found = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Give the file of a page, rendered when it is first asked for."""
    folder = tmp_path_factory.mktemp("pages")

    def _made(state: str, language: str) -> Path:
        path = folder / f"{state}.{language}.html"
        if not path.exists():
            other = OTHERS.get(state)
            html = other(language) if other else render(readout(state), language)
            path.write_text(html, encoding="utf-8")
        return path

    return _made


@pytest.fixture
def opened(browser: Any, made: Callable[[str, str], Path]) -> Iterator[Callable[..., Any]]:
    """Open a page, by state and language, in a tab of a size; tabs are closed after the test."""
    tabs: list[Any] = []

    def _opened(state: str, language: str, width: int = 1280, height: int = 800, **options: Any) -> Any:
        tab = browser.new_page(viewport={"width": width, "height": height}, **options)
        tabs.append(tab)
        tab.goto(made(state, language).as_uri())
        return tab

    yield _opened
    for tab in tabs:
        tab.close()
