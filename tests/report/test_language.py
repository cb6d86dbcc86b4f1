"""The catalogues: every message in both languages, the same placeholders, careful words."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from loyalty_exp.report.render import template_folder
from report.words import FORBIDDEN

PACKAGE = Path(__file__).resolve().parents[2] / "loyalty_exp" / "report"


def messages() -> set[str]:
    """Every message that code and templates say."""
    found: set[str] = set()
    for path in PACKAGE.glob("*.py"):
        keywords = {"say": None, "N_": None, "gettext": None}
        found |= {str(m) for _, m, _, _ in extract_from_file("python", path, keywords=keywords)}
    for path in template_folder().glob("*.j2"):
        found |= {str(m) for _, m, _, _ in extract_from_file("jinja2", path, keywords={"_": None})}
    return found


def catalogue(locale: str) -> dict[str, str]:
    with (PACKAGE / "locales" / locale / "LC_MESSAGES" / "messages.po").open("rb") as stream:
        return {str(m.id): str(m.string) for m in read_po(stream, locale=locale) if m.id}


def names(message: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(message) if name is not None}


@pytest.mark.parametrize("locale", ["en", "zh_CN"])
def test_catalogue_holds_exactly_what_the_page_says(locale: str) -> None:
    found = catalogue(locale)
    assert set(found) == messages()
    assert all(found.values())


@pytest.mark.parametrize("locale", ["en", "zh_CN"])
def test_placeholders_are_the_same_in_a_translation(locale: str) -> None:
    assert [m for m, t in catalogue(locale).items() if names(m) != names(t)] == []


@pytest.mark.parametrize("locale", ["en", "zh_CN"])
@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_no_catalogue_says_more_than_statistics_can(locale: str, pattern: str) -> None:
    assert [t for t in catalogue(locale).values() if re.search(pattern, t, re.IGNORECASE)] == []


def test_chinese_sentences_use_full_width_punctuation() -> None:
    half = re.compile(r"[\u4e00-\u9fff}][,;:?!()]|[,;:?!()][\u4e00-\u9fff]")
    assert [t for t in catalogue("zh_CN").values() if half.search(t)] == []
