"""The portfolio: every experiment on one page, sums that agree with the arithmetic, both languages whole."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import json
import re
from pathlib import Path
from string import Formatter
from urllib.parse import unquote

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from report.fixtures import HOSTILE
from report.words import FORBIDDEN, LEFTOVERS, Page

import loyalty_exp.portfolio.view as view_module
from loyalty_exp.cli.main import run_cli
from loyalty_exp.portfolio.gather import Entry, Gathered, gather
from loyalty_exp.portfolio.render import render
from loyalty_exp.portfolio.totals import totals_of, was_shipped
from loyalty_exp.portfolio.view import PortfolioView, build_view
from loyalty_exp.report.render import template_folder
from loyalty_exp.stats.synthesis import program_total
from portfolio.samples import entries, hostile, plain

PACKAGE = Path(view_module.__file__).parent
LANGUAGES = ("en", "zh-CN")
TODAY = dt.date(2026, 7, 1)


def page(found: Gathered, language: str = "en") -> str:
    return render(found, language, lambda name: f"{name}/report.{language}.html" if name == "a" else "")


def test_sums_are_those_of_the_arithmetic() -> None:
    (found,) = totals_of(entries(), None)
    wanted = program_total([50e3, 9e3, -20e3], [12e3**2, 15e3**2, 9e3**2], [True, True, False], found.alpha)
    assert found.sums == wanted
    assert (found.experiments, found.shipped, found.sums.claimed) == (3, 2, 59_000.0)
    assert found.sums.shrunken < found.sums.claimed
    assert found.realized is None
    assert found.realized_over_claimed is None


def test_the_holdout_is_compared_and_not_added() -> None:
    kept_out = Entry("ho-2026", plain("ho-2026", 23_600.0, 10_000.0))
    (found,) = totals_of((*entries(), kept_out), "HO-2026")
    assert found.experiments == 3
    assert found.realized is not None
    assert found.realized_over_claimed == pytest.approx(0.4)
    words = Page(page(Gathered((*entries(), kept_out), (), "HO-2026"))).words
    assert "40%" in words
    assert "Realized over claimed" in words


def test_people_overrule_the_rule_in_what_was_shipped() -> None:
    shipped = [was_shipped(e) for e in entries()]
    assert shipped == [True, True, False, False]
    assert not was_shipped(dataclasses.replace(entries()[0], decision="stop"))


@pytest.mark.parametrize("keys", [{"status": "invalid"}, {"status": "provisional"}])
def test_what_is_not_mature_and_valid_is_not_added(keys: dict) -> None:
    own = plain("a", 1.0, 1.0) | keys
    assert totals_of((Entry("a", own),), None) == ()
    own = plain("a", 1.0, 1.0, kind="observational")
    assert totals_of((Entry("a", own),), None) == ()


def test_an_invalid_readout_shows_no_money() -> None:
    own = plain("a", 123_456.0, 1.0) | {"status": "invalid"}
    words = Page(page(Gathered((Entry("a", own),), (), None))).words
    assert "Not valid" in words
    assert "123" not in words


def test_currencies_are_never_added_together() -> None:
    other = plain("z", 5.0, 1.0)
    other["plan"] = {**other["plan"], "currency": {"code": "CHF", "symbol": ""}}
    found = totals_of((*entries(), Entry("z", other)), None)
    assert [t.experiments for t in found] == [3, 1]
    assert found[1].symbol == "CHF "


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_whole_in_both_languages(language: str) -> None:
    html = page(Gathered(entries(), ("results/x/readout.json: cut off",), None), language)
    own = Page(html)
    assert not LEFTOVERS.search(own.words)
    assert not [p for p in FORBIDDEN if re.search(p, own.words, re.IGNORECASE)]
    links = [a["href"] for a in own.all("a") if "download" not in a]
    assert links == ["#main", f"a/report.{language}.html"]
    assert own.all("html")[0]["lang"] == language
    assert not own.all("script")
    assert len(own.all("tr")) == 5
    assert "cut off" in own.words
    ids = [a["id"] for _, a in own.tags if "id" in a]
    assert len(ids) == len(set(ids))
    if language == "zh-CN":
        assert not re.search("Experiment|Net benefit|Claimed", own.words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_names_stay_words(language: str) -> None:
    html = page(Gathered((hostile(),), (HOSTILE,), HOSTILE), language)
    assert "<script" not in html
    assert "49" not in Page(html).words


def test_an_empty_workspace_says_what_to_do(tmp_path: Path) -> None:
    found = gather(tmp_path, TODAY)
    assert found == Gathered((), (), None)
    assert "There is no readout yet" in Page(page(found)).words
    assert list(tmp_path.iterdir()) == []


def test_what_the_template_uses_is_what_the_view_declares() -> None:
    source = (template_folder() / "portfolio.html.j2").read_text(encoding="utf-8")
    used = set(re.findall(r"\bp\.(\w+)", source))
    assert used == {f.name for f in dataclasses.fields(PortfolioView)}
    assert set(re.findall(r"p\.words\.(\w+)", source)) == {
        f.name for f in dataclasses.fields(view_module.Words)
    }


def test_readouts_and_store_are_gathered_and_a_bad_file_is_told(tmp_path: Path, capfd) -> None:
    for name, text in (("a", json.dumps(plain("a", 1.0, 1.0))), ("b", '{"schema": ')):
        folder = tmp_path / "results" / name
        folder.mkdir(parents=True)
        (folder / "readout.json").write_text(text, encoding="utf-8")
    (tmp_path / "program.yaml").write_text(
        "program: p\nholdout: {id: HO, share: 0.05, salt: s, from: 2026-01-01, to: 2026-12-31}\n",
        encoding="utf-8",
    )
    assert run_cli(["portfolio", "--workspace", str(tmp_path), "--json"]) == 0
    out, err = capfd.readouterr()
    told = json.loads(out)
    assert [e["experiment"] for e in told["experiments"]] == ["a"]
    assert told["holdout"] == "HO"
    assert "not whole JSON" in err
    assert {Path(p).name for p in told["pages"]} == {"portfolio.en.html", "portfolio.zh-CN.html"}
    assert not (tmp_path / ".loyalty-exp").exists()


def catalogue(locale: str) -> dict[str, str]:
    with (PACKAGE / "locales" / locale / "LC_MESSAGES" / "portfolio.po").open("rb") as stream:
        return {str(m.id): str(m.string) for m in read_po(stream, locale=locale) if m.id}


@pytest.mark.parametrize("locale", ["en", "zh_CN"])
def test_the_catalogue_holds_what_the_report_does_not_say(locale: str) -> None:
    said = {
        str(m)
        for path in PACKAGE.glob("*.py")
        for _, m, _, _ in extract_from_file("python", path, keywords={"say": None, "N_": None})
    }
    report = PACKAGE.parent / "report" / "locales" / locale / "LC_MESSAGES" / "messages.po"
    with report.open("rb") as stream:
        there = {str(m.id) for m in read_po(stream, locale=locale) if m.id}
    own = catalogue(locale)
    assert said - there <= set(own)
    assert set(own) <= said
    assert all(own.values())

    def names(message: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(message) if name is not None}

    assert [m for m, t in own.items() if names(m) != names(t)] == []
    assert [t for t in own.values() for p in FORBIDDEN if re.search(p, t, re.IGNORECASE)] == []


def test_every_number_of_the_view_is_words() -> None:
    def leaves(value: object) -> list[object]:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return [x for f in dataclasses.fields(value) for x in leaves(getattr(value, f.name))]
        if isinstance(value, tuple):
            return [x for v in value for x in leaves(v)]
        return [value]

    view = build_view(Gathered(entries(), (), None), "en", lambda _: "")
    assert {type(x) for x in leaves(view) if not isinstance(x, str | bool) and x is not None} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tables_are_one_link_away_and_unrounded(language: str) -> None:
    found = Gathered(entries(), (), None)
    own = Page(page(found, language))
    saved = {a["download"]: unquote(a["href"].split(",", 1)[1]) for a in own.all("a") if "download" in a}
    assert set(saved) == {"portfolio.experiments.csv", "portfolio.totals.csv"}
    rows = list(csv.DictReader(io.StringIO(saved["portfolio.experiments.csv"].removeprefix("\ufeff"))))
    assert [r["experiment"] for r in rows] == [e.id for e in found.entries]
    first = found.entries[0].readout
    assert first is not None
    assert (
        float(rows[0]["net_benefit_total.estimate"]) == first["economics"][0]["net_benefit_total"]["estimate"]
    )
    (total,) = csv.DictReader(io.StringIO(saved["portfolio.totals.csv"].removeprefix("\ufeff")))
    sums = totals_of(found.entries, None)[0].sums
    assert sums is not None and float(total["shrunken.ci_lower"]) == sums.ci_lower


def with_points(entry: Entry, *totals: tuple[float | None, float]) -> Entry:
    """Give each treatment points: what is still owed, where it is known, and what all would cost."""
    assert entry.readout is not None
    row = entry.readout["economics"][0]
    rows = [
        {**row, "points": {"total": {"closing_liability": owed, "accrual_cost": cost}}}
        for owed, cost in totals
    ]
    return dataclasses.replace(entry, readout={**entry.readout, "economics": rows})


def test_the_points_liability_is_summed_over_treatments_and_experiments() -> None:
    a, b, c, d = entries()
    known = (with_points(a, (700.0, 900.0), (300.0, 500.0)), with_points(b, (-100.0, 50.0)), c, d)
    (found,) = totals_of(known, None)
    assert found.owed is not None and (found.owed.amount, found.owed.most) == (900.0, False)
    unknown = (known[0], with_points(b, (None, 50.0)), c, d)
    (found,) = totals_of(unknown, None)
    assert found.owed is not None and (found.owed.amount, found.owed.most) == (1050.0, True)
    words = Page(page(Gathered(unknown, (), None))).words
    assert "Points liability created" in words and "at most" in words
    assert "新增积分负债" in Page(page(Gathered(known, (), None), "zh-CN")).words


def test_an_invalid_readout_and_one_without_points_owe_nothing() -> None:
    a, b, c, d = (dataclasses.replace(e) for e in entries())
    for e in (a, b, c):
        assert e.readout is not None
        for row in e.readout["economics"]:
            row["points"] = None
    assert totals_of((a, b, c, d), None)[0].owed is None
    invalid = with_points(a, (700.0, 900.0))
    assert invalid.readout is not None
    broken = dataclasses.replace(invalid, readout={**invalid.readout, "status": "invalid"})
    assert totals_of((broken, b, c, d), None)[0].owed is None
