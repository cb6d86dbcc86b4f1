"""A brand of one's own, as `reports/README.md` tells it: colors and a logo on all three pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from planning.plans import facts
from portfolio.samples import entries

from loyalty_exp.planning.plan_page import render as render_plan
from loyalty_exp.portfolio.gather import Gathered
from loyalty_exp.portfolio.render import render as render_portfolio
from loyalty_exp.report.render import render, template_folder
from report.states import readout

GUIDE = Path(__file__).resolve().parents[2] / "reports" / "README.md"


def pages(templates: Path | None) -> dict[str, str]:
    return {
        "report": render(readout("ship"), "en", templates),
        "plan": render_plan(facts(), "en", templates),
        "portfolio": render_portfolio(Gathered(entries(), (), None), "en", lambda name: "", templates),
    }


@pytest.fixture
def brand(tmp_path: Path) -> Path:
    """The folder that the guide tells to make, with the files it shows."""
    text = GUIDE.read_text("utf-8")
    for kind, name in (("css", "brand.css"), ("html", "_logo.html.j2")):
        shown = re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)
        assert len(shown) == 1
        (tmp_path / name).write_text(shown[0], encoding="utf-8")
    return tmp_path


def test_colors_and_logo_stand_on_all_pages(brand: Path) -> None:
    for html in pages(brand).values():
        style = html[html.index("<style>") : html.index("</style>")]
        assert style.rindex("--treat:#7a1f5c") > style.index("--treat:#0b5fa5")
        assert "prefers-color-scheme:dark" in style[style.rindex("--treat:#7a1f5c") :]
        header = html[html.index("<header") : html.index("</header>")]
        assert 'aria-label="Tulip Stores"' in header


def test_without_a_brand_there_is_none(brand: Path) -> None:
    for html in pages(None).values():
        assert "#7a1f5c" not in html and '<p class="logo"' not in html


def test_guide_names_every_token_and_no_other() -> None:
    css = (template_folder() / "report.css").read_text("utf-8")
    tokens = set(re.findall(r"--([a-z-]+):#", css))
    named = set(re.findall(r"`--([a-z-]+)`", GUIDE.read_text("utf-8")))
    soft = {f"{t}-soft" for t in ("pos", "neg", "warn", "treat")}
    assert named | soft == tokens
