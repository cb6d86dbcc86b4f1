"""axe-core over the pages, with everything unfolded: both languages, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from planning.test_size_page import facts
from portfolio.samples import entries

from loyalty_exp.planning.plan_page import render as render_plan
from loyalty_exp.portfolio.gather import Gathered
from loyalty_exp.portfolio.render import render as render_portfolio

pytestmark = pytest.mark.browser
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = [
    ("ship", "en", "light", 1280),
    ("ship", "zh-CN", "dark", 390),
    ("invalid", "en", "dark", 1280),
    ("factorial", "zh-CN", "light", 390),
    ("amended", "en", "dark", 390),
    ("many_findings", "zh-CN", "dark", 1280),
    ("rollout_ship", "en", "dark", 1280),
    ("rewards_of_two", "zh-CN", "light", 1280),
    ("again", "en", "light", 390),
    ("built_up", "zh-CN", "light", 390),
    ("built_up_eight", "en", "dark", 1280),
    ("hostile", "en", "dark", 390),
]


def violations(browser: Any, page: Path, scheme: str, width: int) -> list[tuple[str, str]]:
    """Unfold a page, load axe past the page's policy, and give what it finds."""
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    source = resources.files("axe_playwright_python") / "axe.min.js"
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=True
    )
    tab = context.new_page()
    tab.goto(page.as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    tab.add_script_tag(content=source.read_text("utf-8"))
    found = tab.evaluate(
        "rules => axe.run(document, {runOnly: rules})"
        ".then(r => r.violations.map(v => [v.id, v.nodes[0].html]))",
        RULES,
    )
    context.close()
    return [(rule, html[:160]) for rule, html in found]


@pytest.mark.parametrize(("state", "language", "scheme", "width"), PAGES)
def test_axe_finds_nothing_on_the_report(
    browser: Any,
    made: Callable[[str, str], Path],
    state: str,
    language: str,
    scheme: str,
    width: int,
) -> None:
    assert violations(browser, made(state, language), scheme, width) == []


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("zh-CN", "dark")])
def test_axe_finds_nothing_on_plan_and_portfolio(
    browser: Any, tmp_path: Path, language: str, scheme: str
) -> None:
    found = Gathered(entries(), (), None)
    made = {
        "plan": render_plan(facts(), language),
        "portfolio": render_portfolio(found, language, lambda name: f"{name}.html"),
    }
    for name, html in made.items():
        path = tmp_path / f"{name}.html"
        path.write_text(html, encoding="utf-8")
        assert violations(browser, path, scheme, 390) == []


def test_axe_is_not_blind(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text("<html><body><h3>x</h3><img src='data:,'><p style='color:#bbb'>pale</p></body></html>")
    rules = {rule for rule, _ in violations(browser, path, "light", 390)}
    assert {"image-alt", "color-contrast", "html-has-lang"} <= rules
