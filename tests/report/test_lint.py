"""The wording lint: over every catalogue of the package and every page it renders, in both languages."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from portfolio.samples import entries

from loyalty_exp.planning.plan_page import render as render_plan
from loyalty_exp.portfolio.gather import Gathered
from loyalty_exp.portfolio.render import render as render_portfolio
from report.fixtures import HOSTILE
from report.states import STATES, readout
from report.words import FORBIDDEN, LEFTOVERS, Page, page

PACKAGE = Path(__file__).resolve().parents[2] / "loyalty_exp"
CATALOGUES = sorted(PACKAGE.rglob("*.po"))
HALF = re.compile(r"[一-鿿][,;:?!()]|[,;:?!()][一-鿿]")
INLINE = re.compile(r"</?(?:span|strong|b|i|small|a|code|svg|path|circle)\b[^>]*>|<br>")


def running_text(html: str) -> list[str]:
    """The words of a page as a reader sees them run: inline tags join, all others part."""
    body = html[html.index("<body") :]
    joined = INLINE.sub("", re.sub(r"<svg.*?</svg>", "", body, flags=re.DOTALL))
    return [unescape(" ".join(line.split())) for line in re.split(r"<[^>]*>", joined) if line.strip()]


def wrong(text: str) -> list[str]:
    return [p for p in FORBIDDEN if re.search(p, text, re.IGNORECASE)]


def test_there_are_catalogues_of_all_three_pages() -> None:
    assert len(CATALOGUES) == 6


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda p: f"{p.parents[3].name}-{p.parents[1].name}")
def test_no_catalogue_says_more_than_statistics_can(path: Path) -> None:
    with path.open("rb") as stream:
        said = [str(m.string) for m in read_po(stream) if m.id]
    assert [(t, w) for t in said if (w := wrong(t))] == []
    assert path.parents[1].name == "en" or [t for t in said if HALF.search(t)] == []


@pytest.mark.parametrize("state", [s for s in STATES if s != "hostile"])
def test_chinese_pages_use_full_width_punctuation(state: str) -> None:
    import json

    lines = running_text(page(json.dumps(readout(state)), "zh-CN"))
    assert len(lines) > 40
    assert [line for line in lines if HALF.search(line)] == []


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_plan_and_portfolio_keep_to_the_same_words(language: str) -> None:
    from planning.plans import facts

    for html in (
        render_plan(facts(), language),
        render_portfolio(Gathered(entries(), (), None), language, lambda name: ""),
    ):
        text = Page(html).words
        assert not LEFTOVERS.search(text.replace(HOSTILE, "")) and wrong(text) == []
        assert len(Page(html).all("table")) == len(Page(html).all("caption")) > 0
        if language == "zh-CN":
            assert [line for line in running_text(html) if HALF.search(line)] == []


@pytest.mark.parametrize(
    "text",
    [
        "We accept the null hypothesis",
        "There was no effect on orders",
        "a 95% probability that it works",
        "we are 98% confident",
        "this proves that it pays",
        "The rise is significant",
        "marginally significant",
        "caused by chance",
        "Gold is the winner among the segments",
        "接受原假设",
        "有95%的概率盈利",
        "证明没有效果",
        "两组没有差异",
        "结果显著",
        "置信度98%",
        "投入产出比为 1.7",
        "由偶然造成",
    ],
)
def test_the_lint_catches_what_it_is_for(text: str) -> None:
    assert wrong(text)


@pytest.mark.parametrize(
    "text",
    [
        "statistically significant at the registered 5% level",
        "95% confidence interval",
        "data this extreme would be rare if the true effect were zero",
        "统计显著",
        "95% 置信区间",
        "尚无定论",
    ],
)
def test_the_lint_lets_careful_words_pass(text: str) -> None:
    assert wrong(text) == []
