"""The plan page: both languages, every message in the catalogues, nothing fetched, names escaped."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from made import experiment

from loyalty_exp.planning.plan_page import render
from loyalty_exp.planning.plan_words import REASONS, summary
from loyalty_exp.planning.size import size
from loyalty_exp.report.language import speech

PACKAGE = Path(__file__).resolve().parents[2] / "loyalty_exp" / "planning"


def messages() -> set[str]:
    found: set[str] = set()
    for path in PACKAGE.glob("plan_*.py"):
        keywords = {"say": None, "N_": None}
        found |= {str(m) for _, m, _, _ in extract_from_file("python", path, keywords=keywords)}
    return found


def catalogue(locale: str) -> dict[str, str]:
    with (PACKAGE / "locales" / locale / "LC_MESSAGES" / "plan.po").open("rb") as stream:
        return {str(m.id): str(m.string) for m in read_po(stream, locale=locale) if m.id}


@pytest.mark.parametrize(("locale", "code"), [("en", "en"), ("zh_CN", "zh-CN")])
def test_every_message_is_in_this_catalogue_or_in_that_of_the_report(locale: str, code: str) -> None:
    own = catalogue(locale)
    under = speech("zh-CN").translations
    missing = {m for m in messages() - set(own) if under.gettext(m) == m}
    assert missing == set()
    assert set(own) <= messages()
    assert all(own.values()), code


def test_placeholders_are_the_same_in_chinese() -> None:
    def names(message: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(message) if name}

    assert [m for m, t in catalogue("zh_CN").items() if names(m) != names(t)] == []


def test_chinese_sentences_use_full_width_punctuation() -> None:
    half = re.compile(r"[\u4e00-\u9fff][,;:?!()]|[,;:?!()][\u4e00-\u9fff]")
    assert [t for t in catalogue("zh_CN").values() if half.search(t)] == []


def test_reasons_of_the_plan_are_those_that_are_translated() -> None:
    words = "\n".join(p.read_text("utf-8") for p in PACKAGE.glob("*.py") if not p.name.startswith("plan_"))
    joined = re.sub(r'"\s+"', "", words)
    raised = set(re.findall(r'NotEstimable\(\s*"([^"]+)"', joined))
    own = {
        r for r in raised if any(s in r for s in ("baseline", "cluster is", "closed form", "effect planned"))
    }
    assert own and own <= set(REASONS)


def facts(**changes: Any) -> dict[str, Any]:
    arms = {
        "from_column": "arm",
        "control": "c",
        "treatments": ["t", "u"],
        "names": {"t": "<b>Mail & more</b>"},
    }
    sizing = {
        "mde": {"spend": 3.0},
        "baseline": {"spend": {"mean": 20.0, "sd": 10.0}},
        "money": {"sd_benefit": 10.0, "sd_cost": 2.0},
        "expected_cost_per_unit": 1.0,
        "available_units": 500,
    }
    spec = experiment(
        arms=arms, schedule={"start": "2026-04-01", "outcome_days": 28}, sizing=sizing | changes
    )
    return size(spec).to_dict()


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("changes", [{}, {"available_units": 90_000}, {"entry_per_day": 9.5}, {"mde": {}}])
def test_page_stands_alone_and_escapes_names(language: str, changes: dict[str, Any]) -> None:
    page = render(facts(**changes), language)
    assert "<b>Mail" not in page and "&amp;lt;" not in page and "&amp;#39;" not in page
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    assert "{" not in re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    assert page.count("<h1") == 1


def test_page_says_why_and_what_would_change_that() -> None:
    page = render(facts(), "en")
    assert "This test cannot answer the question" in page
    assert "What would change that" in page and "enough alone" in page
    assert "The money to expect" in page
    good = render(facts(available_units=90_000), "en")
    assert "Can answer" in good and "What would change that" not in good


def test_terminal_says_the_same_in_plain_text() -> None:
    text = summary(facts())
    assert "cannot answer" in text and "<" not in text.replace("<b>", "").replace("</b>", "")
    assert "Mail & more" in text
