"""The plan page in a real Chromium: nothing is fetched, nothing is wider than the screen, nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from planning.plans import facts

from loyalty_exp.planning.plan_page import render

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_plan_is_quiet_and_fits(browser: Any, tmp_path: Path, language: str) -> None:
    path = tmp_path / "plan.html"
    path.write_text(render(facts(entry_per_day=9.5), language), "utf-8")
    asked: list[str] = []
    said: list[str] = []
    tab = browser.new_page()
    tab.on("request", lambda r: asked.append(r.url))
    tab.on("console", lambda m: said.append(m.text))
    tab.goto(path.as_uri())
    wide = {}
    for width in (320, 390, 820, 1280):
        tab.set_viewport_size({"width": width, "height": 800})
        wide[width] = tab.evaluate("document.documentElement.scrollWidth")
    charts = tab.evaluate("[...document.querySelectorAll('svg[role=img]')].length")
    tab.close()
    assert [u for u in asked if not u.startswith(("file:", "data:"))] == []
    assert said == []
    assert all(found <= width for width, found in wide.items()), wide
    assert charts == 4
