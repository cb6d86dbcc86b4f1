"""Words the page must never say, in both languages, and reading a page as a reader sees it."""

from __future__ import annotations

import json
import re
from functools import cache
from html import unescape
from html.parser import HTMLParser
from typing import Any

from loyalty_exp.report.language import speech
from loyalty_exp.report.render import render
from loyalty_exp.report.wording import Wording

FORBIDDEN = (
    r"accept(s|ed)? the null",
    r"\bno (effect(?! is named)|difference)\b",
    r"\bproves?\b|\bproven\b",
    r"95% probability that",
    r"\d% confiden(t|ce)\b(?! interval)",
    r"marginally significant|\btrending\b",
    r"(?<!statistically )\bsignificant\b",
    r"(caused by|due to|result of) chance",
    r"\bwinners?\b",
    r"接受原假设|接受零假设",
    r"有\s*\d+%\s*的概率",
    r"证明(没有|无|了|有)",
    r"无效果|没有效果|没有差异|无差异",
    r"(?<!统计)显著",
    r"投入产出比",
    r"置信度\s*(为|是)?\s*\d|\d\s*%\s*的?(把握|置信度)",
    r"(边际|接近|趋于)显著",
    r"(由|出于)偶然",
    r"胜出",
)
LEFTOVERS = re.compile(
    r"\bNone\b|\bnan\b|\bNaN\b|undefined|\{[a-z_]+\}|built-in method|Traceback|\binf\b|</?span"
)


class Page(HTMLParser):
    """A page taken apart: text, tags in order, ids, and attributes."""

    VOID = frozenset({"meta", "link", "br", "path", "circle", "img"})

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in self.VOID:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self._inside):
            self.text.append(data)

    @property
    def words(self) -> str:
        """The visible text on one line."""
        return re.sub(r"\s+", " ", " ".join(self.text))

    def all(self, tag: str) -> list[dict[str, str]]:
        """Attributes of every element of a tag."""
        return [a for t, a in self.tags if t == tag]


def numbers(text: str) -> list[str]:
    """Numbers as a reader sees them, dates left out."""
    return re.findall(r"[+−]?[¥$]?\d[\d,]*(?:\.\d+)?%?", text)


def between(lower: float, upper: float, language: str = "en") -> str:
    """An interval of money in full: whole units at both ends where one of them has thousands."""
    words = Wording(speech(language), "¥", 0.05)
    step = 0 if max(abs(lower), abs(upper)) >= 1000 else -2
    to = {"en": "to", "zh-CN": "至"}[language]
    return f"{words.money(lower, step=step)} {to} {words.money(upper, step=step)}"


def tidy(html: str) -> str:
    """The words of a piece of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def squeezed(html: str) -> str:
    """Words without spaces: numbers stand in tags of their own."""
    return re.sub(r"\s", "", unescape(re.sub(r"<[^>]+>", "", html)))


@cache
def page(text: str, language: str) -> str:
    """Make a page once for each readout."""
    return render(json.loads(text), language)


def section(r: dict[str, Any], name: str = "money", language: str = "en") -> str:
    """A section of the page as HTML."""
    html = page(json.dumps(r), language)
    return html[html.index(f'id="s-{name}"') :].split("</section>")[0]


def rows_of(html: str, caption: str) -> dict[str, list[str]]:
    """The rows of a table, by the words of their first cell."""
    table = next(t for t in html.split("<table>")[1:] if caption in t.split("</caption>")[0]).split(
        "</table>"
    )[0]
    found = {}
    for row in table.split("<tr")[2:]:
        cells = [tidy(c) for c in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        found[cells[0]] = cells[1:]
    return found
