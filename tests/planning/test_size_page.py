"""The plan page: both languages, every message in the catalogues, nothing fetched, names escaped."""

from __future__ import annotations

import html
import re
from pathlib import Path
from string import Formatter
from typing import Any
from urllib.parse import unquote

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from plans import facts
from test_rehearsal import written
from test_rehearsal_looks import GROUP, SPEND

from loyalty_exp.planning.plan_page import render
from loyalty_exp.planning.plan_rehearsal import rehearsal_of
from loyalty_exp.planning.plan_view import FILES
from loyalty_exp.planning.plan_words import REASONS, summary
from loyalty_exp.planning.rehearsal import rehearse
from loyalty_exp.readout.tables import as_csv, tables
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


def plain(plan: dict[str, Any]) -> str:
    """Words of the page without tags."""
    return re.sub(r"<[^>]+>", "", render(plan, "en"))


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("changes", [{}, {"available_units": 90_000}, {"entry_per_day": 9.5}, {"mde": {}}])
def test_page_stands_alone_and_escapes_names(language: str, changes: dict[str, Any]) -> None:
    page = render(facts(**changes), language)
    assert "<b>Mail" not in page and "&amp;lt;" not in page and "&amp;#39;" not in page
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    assert "{" not in re.sub(r"<style>.*?</style>|href=\"data:[^\"]*\"", "", page, flags=re.S)
    assert page.count("<h1") == 1


def test_page_says_why_and_what_would_change_that() -> None:
    page = render(facts(), "en")
    assert "This test cannot answer the question" in page
    assert "What would change that" in page and "enough alone" in page
    assert "The money to expect" in page
    good = render(facts(available_units=90_000), "en")
    assert "Can answer" in good and "What would change that" not in good


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_table_of_the_plan_is_one_link_away(language: str) -> None:
    plan = facts()
    links = re.findall(
        r'<a href="data:text/csv;charset=utf-8,([^"]*)" download="([^"]*)"', render(plan, language)
    )
    saved = {name: unquote(html.unescape(text)).removeprefix("\ufeff") for text, name in links}
    own = plan["experiment"]["id"]
    assert saved == {f"{own}.plan.{n}.csv": as_csv(t.header, t.rows) for n, t in tables(plan).items()}
    assert set(FILES) == set(tables(plan))


def test_terminal_says_the_same_in_plain_text() -> None:
    text = summary(facts())
    assert "cannot answer" in text and "<" not in text.replace("<b>", "").replace("</b>", "")
    assert "Mail & more" in text


@pytest.mark.parametrize(
    ("analysis", "words"),
    [
        ({"multiplicity": {"primary": "fixed_sequence"}}, "tested in the order of the spec"),
        ({"sequential": {"method": "asymptotic_cs", "horizon": 9000}}, "set analysis.sequential.horizon"),
        (
            {"sequential": {"method": "group_sequential", "planned_units": 9000, "looks": [0.5, 1.0]}},
            "The looks are planned for 9,000 units",
        ),
    ],
)
def test_page_says_on_what_the_plan_rests(analysis: dict[str, Any], words: str) -> None:
    assert words in plain(facts(analysis))
    assert words not in plain(facts())


def test_baselines_of_the_past_are_shown() -> None:
    found = facts()
    spend = next(a for a in found["answers"] if a["id"] == "spend")
    spend["baseline"] |= {"zero_share": 0.347, "correlation": 0.56, "icc": 0.03}
    found["history"] |= {"as_of": "2026-01-01", "last_day": "2026-02-01", "units": 9, "entry_per_day": 14.6}
    page = plain(found)
    for words in ("35% at 0", "correlation 0.56", "likeness in clusters 0.030", "14.6 units enter a day"):
        assert words in page


def test_a_rehearsal_of_the_same_spec_is_shown(tmp_path: Path) -> None:
    path = written(tmp_path, metrics=SPEND, analysis={"sequential": GROUP})
    found = rehearse(path, 20, effects=["nb=2"])
    kept = tmp_path / "rehearsal.json"
    kept.write_text(found.to_json(), encoding="utf-8")
    assert rehearsal_of(kept, "another") is None and rehearsal_of(tmp_path / "none", found.spec_hash) is None
    plan = facts() | {"rehearsal": rehearsal_of(kept, found.spec_hash)}
    page = plain(plan)
    missed = found.scenarios[2].missed_ship
    assert missed is not None and re.search(rf"misses what is worth it: {missed.rate:.0%}\D", page)
    for words in ("Rehearsed on the past", "20 times", "with nb=+2", "an effect that just pays", "it ends"):
        assert words in page
    assert "用历史数据预演" in render(plan, "zh-CN")
    assert "Rehearsed on the past" not in render(facts(), "en")
