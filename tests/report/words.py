"""Words the page must never say, in both languages, and reading a page as a reader sees it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

FORBIDDEN = (
    r"accept(s|ed)? the null",
    r"\bno (effect|difference)\b",
    r"\bproves?\b|\bproven\b",
    r"95% probability that",
    r"\d% confiden(t|ce)\b(?! interval)",
    r"marginally significant|\btrending\b",
    r"(?<!statistically )\bsignificant\b",
    r"接受原假设|接受零假设",
    r"有\s*\d+%\s*的概率",
    r"证明(没有|无|了|有)",
    r"无效果|没有效果|没有差异|无差异",
    r"(?<!统计)显著",
    r"投入产出比",
)
LEFTOVERS = re.compile(r"\bNone\b|\bnan\b|\bNaN\b|undefined|\{[a-z_]+\}|built-in method|Traceback|\binf\b")


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
