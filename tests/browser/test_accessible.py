"""axe-core over the pages, all unfolded: both languages, light, dark and print, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ALL_LOOKS = (("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390), ("print", 688))
PAGES = [
    ("ship", "en", ALL_LOOKS),
    ("ship", "zh-CN", ALL_LOOKS),
    ("plan", "en", (("light", 1280), ("dark", 390))),
    ("plan", "zh-CN", (("light", 390), ("dark", 1280))),
    ("portfolio", "en", (("light", 390), ("dark", 1280))),
    ("portfolio", "zh-CN", (("light", 1280), ("dark", 390))),
    ("invalid", "en", (("dark", 1280),)),
    ("factorial", "zh-CN", (("light", 390),)),
    ("amended", "en", (("dark", 390),)),
    ("many_findings", "zh-CN", (("dark", 1280),)),
    ("rollout_ship", "en", (("dark", 1280),)),
    ("rewards", "zh-CN", (("light", 1280),)),
    ("again", "en", (("light", 390),)),
    ("built_up", "zh-CN", (("light", 390),)),
    ("built_up", "en", (("dark", 1280),)),
    ("naive", "en", (("dark", 390),)),
    ("customer_value", "zh-CN", (("light", 1280),)),
    ("hostile", "en", (("dark", 390),)),
]
Looks = Sequence[tuple[str, int]]


def violations(browser: Any, page: Path, looks: Looks) -> list[tuple[str, int, str, str]]:
    """Unfold a page, load axe past the page's policy, and give what it finds at each look of the page."""
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    source = resources.files("axe_playwright_python") / "axe.min.js"
    context = browser.new_context(bypass_csp=True)
    tab = context.new_page()
    tab.goto(page.as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    tab.add_script_tag(content=source.read_text("utf-8"))
    found = []
    for look, width in looks:
        scheme = "dark" if look == "dark" else "light"
        tab.set_viewport_size({"width": width, "height": 844})
        tab.emulate_media(media="print" if look == "print" else "screen", color_scheme=scheme)
        for rule, html in tab.evaluate(
            "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})"
            ".then(r => r.violations.map(v => [v.id, v.nodes[0].html]))",
            RULES,
        ):
            found.append((look, width, rule, html[:160]))
    context.close()
    return found


@pytest.mark.parametrize(("state", "language", "looks"), PAGES)
def test_axe_finds_nothing(
    browser: Any, made: Callable[[str, str], Path], state: str, language: str, looks: Looks
) -> None:
    assert violations(browser, made(state, language), looks) == []


def test_axe_is_not_blind(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text("<html><body><h3>x</h3><img src='data:,'><p style='color:#bbb'>pale</p></body></html>")
    rules = {rule for _, _, rule, _ in violations(browser, path, [("light", 390)])}
    assert {"image-alt", "color-contrast", "html-has-lang"} <= rules
