"""The page in a real Chromium: nothing is fetched, nothing scrolls sideways, the first screen fits."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report.states import readout

from loyalty_exp.report.render import render

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(
    (p for n in ("chromium", "chromium-browser", "google-chrome", "chrome") if (p := shutil.which(n))), None
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome was found on the path"),
]
PAGES = [
    ("ship", "en"),
    ("ship", "zh-CN"),
    ("invalid", "zh-CN"),
    ("works_not_shown_to_pay", "en"),
    ("eight_arms", "en"),
    ("hostile", "en"),
    ("early_ship", "zh-CN"),
    ("again", "en"),
    ("readings", "zh-CN"),
    ("rewards", "en"),
    ("rewards_of_two", "zh-CN"),
    ("rollout_ship", "en"),
    ("rollout_ship", "zh-CN"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as p:
        found = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pages")
    for state, language in PAGES:
        (made / f"{state}.{language}.html").write_text(render(readout(state), language), encoding="utf-8")
    return made


def opened(browser: Any, folder: Path, name: str, width: int, height: int, **options: Any) -> Any:
    tab = browser.new_page(viewport={"width": width, "height": height}, **options)
    tab.goto((folder / f"{name}.html").as_uri())
    return tab


def bottom(tab: Any, selector: str) -> float:
    found: float = tab.evaluate(f"document.querySelector({selector!r}).getBoundingClientRect().bottom")
    return found


@pytest.mark.parametrize(("state", "language"), PAGES)
def test_page_fetches_nothing_and_says_nothing_to_the_console(
    browser: Any, folder: Path, state: str, language: str
) -> None:
    tab = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda r: asked.append(r.url))
    tab.on("console", lambda m: said.append(m.text))
    tab.on("dialog", lambda d: said.append("dialog"))
    tab.goto((folder / f"{state}.{language}.html").as_uri())
    tab.close()
    assert [u for u in asked if not u.startswith(("file:", "data:"))] == []
    assert said == []


@pytest.mark.parametrize(("state", "language"), PAGES)
def test_nothing_scrolls_sideways(browser: Any, folder: Path, state: str, language: str) -> None:
    tab = opened(browser, folder, f"{state}.{language}", 320, 800)
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    wide = {}
    for width in (320, 390, 820, 1280):
        tab.set_viewport_size({"width": width, "height": 800})
        wide[width] = tab.evaluate("document.documentElement.scrollWidth")
    tab.close()
    assert all(found <= width for width, found in wide.items()), wide


@pytest.mark.parametrize("page", ["ship.en", "again.en", "rewards.en"])
@pytest.mark.parametrize("width", [320, 390, 820, 1280])
def test_chart_text_is_at_least_nine_pixels(browser: Any, folder: Path, width: int, page: str) -> None:
    tab = opened(browser, folder, page, width, 800)
    smallest = tab.evaluate(
        """Math.min(...[...document.querySelectorAll('svg.chart')].filter(s => s.clientWidth).map(s =>
        s.getBoundingClientRect().width / s.viewBox.baseVal.width * Math.min(
        ...[...s.querySelectorAll('text')].map(t => parseFloat(getComputedStyle(t).fontSize)))))"""
    )
    tab.close()
    assert smallest >= 9


@pytest.mark.parametrize(("state", "language"), [p for p in PAGES if p[0] != "hostile"])
def test_first_screen_fits(browser: Any, folder: Path, state: str, language: str) -> None:
    tab = opened(browser, folder, f"{state}.{language}", 1280, 800)
    assert bottom(tab, ".trust") < 800
    tab.set_viewport_size({"width": 390, "height": 844})
    assert bottom(tab, ".v-main") < 844
    if state != "invalid":
        assert bottom(tab, ".kpi b") <= 844
    tab.close()


def test_keyboard_reaches_everything(browser: Any, folder: Path) -> None:
    tab = opened(browser, folder, "ship.en", 1280, 800)
    expected = tab.evaluate("document.querySelectorAll('a[href], summary').length")
    seen = []
    for _ in range(expected):
        tab.keyboard.press("Tab")
        seen.append(tab.evaluate("document.activeElement.textContent.trim()"))
    assert seen[0] == "Skip to the report"
    assert len(seen) == expected and all(seen)
    tab.focus("summary")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.querySelector('details').open")
    tab.close()


@pytest.mark.parametrize("state", ["ship", "rollout_ship"])
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_print_is_white_and_its_first_sheet_is_the_one_pager(
    browser: Any, folder: Path, language: str, state: str
) -> None:
    tab = opened(browser, folder, f"{state}.{language}", 688, 1009, color_scheme="dark")
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert bottom(tab, "#s-next") < 1009
    assert tab.evaluate("getComputedStyle(document.querySelector('#s-money')).breakBefore") == "page"
    sheets = tab.pdf(prefer_css_page_size=True, tagged=True).count(b"/Type /Page\n")
    tab.close()
    assert 5 <= sheets <= {"ship": 8, "rollout_ship": 9}[state]
