"""The portfolio in a real Chromium: nothing is fetched, nothing scrolls sideways, links lead to the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from portfolio.samples import entries, hostile, plain

from loyalty_exp.portfolio.gather import Entry, Gathered
from loyalty_exp.portfolio.render import render

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_page_is_quiet_and_fits(browser: Any, tmp_path: Path, language: str) -> None:
    held = Gathered(
        (*entries(), hostile(), Entry("ho", plain("ho", 9_000.0, 4_000.0))), ("x: cut off",), "ho"
    )
    path = tmp_path / "portfolio.html"
    path.write_text(
        render(held, language, lambda name: f"{name}/report.html" if name == "a" else ""), "utf-8"
    )
    asked: list[str] = []
    said: list[str] = []
    tab = browser.new_page()
    tab.on("request", lambda r: asked.append(r.url))
    tab.on("console", lambda m: said.append(m.text))
    tab.on("dialog", lambda d: said.append("dialog"))
    tab.goto(path.as_uri())
    wide = {}
    for width in (320, 390, 820, 1280):
        tab.set_viewport_size({"width": width, "height": 800})
        wide[width] = tab.evaluate("document.documentElement.scrollWidth")
    link = tab.evaluate("document.querySelector('td a, th a').href")
    tab.close()
    assert [u for u in asked if not u.startswith(("file:", "data:"))] == []
    assert said == []
    assert all(found <= width for width, found in wide.items()), wide
    assert link == (tmp_path / "a" / "report.html").as_uri()
