"""The page in a real Chromium, in every verdict: quiet, whole at every width, legible, printable."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from report.states import readout

pytestmark = pytest.mark.browser
Opened = Callable[..., Any]
BOTH = [("en", s) for s in ("ship", "rollout_ship", "factorial")]
BOTH += [("zh-CN", s) for s in ("ship", "rollout_ship", "factorial")]
PAGES = [(s, language) for language, s in BOTH] + [
    ("stop", "zh-CN"),
    ("iterate", "en"),
    ("extend", "zh-CN"),
    ("not_settled", "en"),
    ("works_not_shown_to_pay", "en"),
    ("sells_more_loses_money", "zh-CN"),
    ("invalid", "zh-CN"),
    ("observational", "en"),
    ("dominant", "en"),
    ("dominated", "zh-CN"),
    ("unbounded", "zh-CN"),
    ("no_cost_data", "en"),
    ("no_economics", "zh-CN"),
    ("zero_control_primary", "en"),
    ("eight_arms", "en"),
    ("forty_segments", "zh-CN"),
    ("hostile", "en"),
    ("long_names", "en"),
    ("long_names", "zh-CN"),
    ("early_ship", "zh-CN"),
    ("again", "en"),
    ("readings", "zh-CN"),
    ("many_findings", "en"),
    ("amended", "zh-CN"),
    ("rewards", "en"),
    ("rewards_of_two", "zh-CN"),
    ("built_up", "en"),
    ("built_up", "zh-CN"),
    ("built_up_and_lost", "zh-CN"),
    ("built_up_eight", "en"),
    ("built_up_never", "en"),
    ("naive", "zh-CN"),
    ("customer_value", "en"),
    ("clusters", "zh-CN"),
    ("plan", "en"),
    ("plan", "zh-CN"),
    ("plan_answerable", "zh-CN"),
    ("portfolio", "en"),
    ("portfolio", "zh-CN"),
]
OTHER = {"plan", "plan_answerable", "portfolio"}
each_page = pytest.mark.parametrize(("state", "language"), PAGES)

LAYOUT = """() => {
  const found = [], root = document.documentElement
  if (root.scrollWidth > root.clientWidth) found.push(['sideways', root.scrollWidth])
  for (const s of document.querySelectorAll('.scroll'))
    if (s.offsetParent && s.scrollWidth > s.clientWidth + 1)
      found.push(['table', s.querySelector('caption').textContent, s.scrollWidth - s.clientWidth])
  for (const chart of document.querySelectorAll('svg.chart')) {
    if (!chart.clientWidth) continue
    const card = chart.closest('.card').getBoundingClientRect(), name = chart.getAttribute('aria-labelledby')
    const scale = chart.getBoundingClientRect().width / chart.viewBox.baseVal.width
    const words = [...chart.querySelectorAll('text')].map(t => [t, t.getBoundingClientRect()])
    for (const [t, r] of words) {
      if (r.left < card.left || r.right > card.right) found.push(['cut', name, t.textContent])
      if (scale * parseFloat(getComputedStyle(t).fontSize) < 9) found.push(['small', name, t.textContent])
    }
    words.forEach(([t, a], i) => words.slice(i + 1).forEach(([u, b]) => {
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left)
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)
      if (across > 1 && down > 3) found.push(['overlap', name, t.textContent, u.textContent])
    }))
  }
  return found
}"""
OPEN = "document.querySelectorAll('details').forEach(d => d.open = true)"


def bottom(tab: Any, selector: str) -> float:
    found: float = tab.evaluate(f"document.querySelector({selector!r}).getBoundingClientRect().bottom")
    return found


@each_page
def test_page_is_quiet_and_fits_at_every_width_and_on_paper(
    browser: Any, made: Callable[[str, str], Path], state: str, language: str
) -> None:
    tab = browser.new_page(viewport={"width": 1280, "height": 800})
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda r: asked.append(r.url))
    tab.on("console", lambda m: said.append(m.text))
    tab.on("dialog", lambda d: said.append("dialog"))
    tab.goto(made(state, language).as_uri())
    if state not in {"hostile", *OTHER}:
        assert bottom(tab, ".trust") < (900 if state in {"long_names", "many_findings"} else 800)
    tab.evaluate(OPEN)
    found = {}
    for width in (1280, 820, 390, 320):
        tab.set_viewport_size({"width": width, "height": 844})
        found[width] = tab.evaluate(LAYOUT)
        if width == 390 and state not in {"hostile", "long_names", *OTHER}:
            assert bottom(tab, ".v-main") < 844
            if state != "invalid":
                assert bottom(tab, ".kpi b") <= 844
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": 688, "height": 1009})
    found["print"] = tab.evaluate(LAYOUT)
    tab.close()
    assert [u for u in asked if not u.startswith(("file:", "data:"))] == []
    assert said == []
    if state == "hostile":
        found = {k: [f for f in v if f[0] in {"sideways", "small"}] for k, v in found.items()}
    assert {k: v for k, v in found.items() if v} == {}


@pytest.mark.parametrize(
    ("state", "language"), [("ship", "en"), ("built_up", "zh-CN"), ("plan", "zh-CN"), ("portfolio", "en")]
)
def test_keyboard_reaches_everything(opened: Opened, state: str, language: str) -> None:
    tab = opened(state, language)
    expected = tab.evaluate("document.querySelectorAll('a[href], summary').length")
    seen = []
    for _ in range(expected):
        tab.keyboard.press("Tab")
        seen.append(tab.evaluate("document.activeElement.textContent.trim()"))
    assert seen[0] == tab.evaluate("document.querySelector('.skip').textContent")
    assert len(seen) == expected and all(seen)
    if state != "portfolio":
        tab.focus("summary")
        tab.keyboard.press("Enter")
        assert tab.evaluate("document.querySelector('details').open")


def test_a_table_is_saved_as_csv_by_its_link(opened: Opened) -> None:
    tab = opened("ship", "zh-CN")
    with tab.expect_download() as waiting:
        tab.click("a[download$='.estimates.csv']")
    saved = waiting.value
    assert saved.suggested_filename == "LOY-2026-014.estimates.csv"
    text = Path(saved.path()).read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    estimates = readout("ship")["estimates"]
    assert [r["metric"] for r in rows] == [e["metric"] for e in estimates]
    assert float(rows[0]["absolute.estimate"]) == estimates[0]["absolute"]["estimate"]


@pytest.mark.parametrize("state", ["ship", "rollout_ship"])
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_print_is_white_and_its_first_sheet_is_the_one_pager(
    opened: Opened, language: str, state: str
) -> None:
    tab = opened(state, language, 688, 1009, color_scheme="dark")
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert bottom(tab, "#s-next") < 1009
    assert tab.evaluate("getComputedStyle(document.querySelector('#s-money')).breakBefore") == "page"
    content = tab.pdf(prefer_css_page_size=True, tagged=True)
    assert b"/StructTreeRoot" in content
    assert 5 <= content.count(b"/Type /Page\n") <= {"ship": 8, "rollout_ship": 9}[state]


@pytest.mark.parametrize(
    ("state", "language", "fewest", "most"),
    [
        ("invalid", "zh-CN", 2, 4),
        ("again", "en", 5, 8),
        ("built_up", "en", 5, 8),
        ("built_up_eight", "en", 8, 12),
        ("plan", "zh-CN", 2, 5),
        ("portfolio", "en", 1, 3),
    ],
)
def test_paper_is_white_tagged_and_not_wasted(
    opened: Opened, state: str, language: str, fewest: int, most: int
) -> None:
    tab = opened(state, language, 688, 1009, color_scheme="dark")
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    content = tab.pdf(prefer_css_page_size=True, tagged=True)
    assert b"/StructTreeRoot" in content
    assert fewest <= content.count(b"/Type /Page\n") <= most
