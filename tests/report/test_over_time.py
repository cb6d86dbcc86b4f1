"""What the page says of the money by day, of purchases pulled forward, and of other goods."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from loyalty_exp.report.language import speech
from loyalty_exp.report.wording import Wording
from report.states import readout
from report.words import Page, page, section

both = pytest.mark.parametrize("language", ["en", "zh-CN"])


def words(language: str = "en") -> Wording:
    return Wording(speech(language), "¥", 0.05)


def text(r: dict[str, Any], language: str = "en") -> str:
    found = "".join(Page("<section " + section(r, "built", language)).text)
    return re.sub(r"\s+", " ", found)


@both
def test_days_money_and_payback_of_the_readout_are_on_the_page(language: str) -> None:
    r = readout("built_up")
    (o,), w, said = r["over_time"], words(language), text(readout("built_up"), language)
    n = o["units_treatment"]
    for p in o["points"]:
        for value in (p["benefit"], p["cost"], p["net_benefit"]["estimate"]):
            assert w.exact(n * value) in said
    assert o["payback"] == {"first_crossing": 21, "sustained": 21, "conservative": 28, "always_valid": None}
    for day in (21, 28):
        assert w.say("Day {n}", n=w.count(day)).striptags() in said
    assert w.say("not within what was observed") in said


@both
def test_last_day_is_the_net_benefit_of_the_money_section(language: str) -> None:
    r = readout("built_up")
    total = words(language).exact(r["economics"][0]["net_benefit_total"]["estimate"])
    assert total in text(r, language)
    assert total in "".join(Page("<section " + section(r, "money", language)).text)


@both
def test_the_drawing_is_named_described_and_marked_with_text(language: str) -> None:
    html, w = section(readout("built_up"), "built", language), words(language)
    charts = re.findall(r'<svg class="chart (wide|narrow)"[^>]*aria-labelledby="built0-t"', html)
    assert charts == ["wide", "narrow"]
    assert 'id="built0-t"' in html and 'id="built0-d"' in html
    drawn = re.findall(r"<text[^>]*>([^<]*)</text>", html)
    for mark in (w.say("the offer ends"), w.say("money back after day {day}", day=w.count(21))):
        assert drawn.count(mark.striptags()) == 2


def test_shares_are_said_with_their_interval() -> None:
    said = text(readout("built_up"))
    assert (
        "32% of what the offer brought was taken back in the days after it (95% interval 16% to 50%)." in said
    )
    assert "11% of the gain in the promoted goods was lost in others (95% interval −3% to 26%)." in said
    assert "In beauty, food" in said and "In the 28 days after it" in said


def test_money_that_was_lost_again_and_shares_that_are_unclear_are_said_so() -> None:
    said = text(readout("built_up_and_lost"))
    assert "above zero after day 14 for the first time and fell below again" in said
    assert "not back for good within the 56 days observed" in said
    assert "not known: what the offer brought is not clearly different from zero." in said
    assert "on balance nothing was lost there (share lost −40%, 95% interval −70% to −10%)" in said


def test_money_that_was_never_back_is_not_projected() -> None:
    said = text(readout("built_up_never"))
    assert "The money was not back within the 28 days observed." in said
    assert "When the money was back" not in said
    assert "not known: the outcome window holds no days after the offer." in said
    assert "not known: no column of the purchases holds the category." in said


def test_without_points_there_is_a_reason_and_no_drawing() -> None:
    html = section(readout("built_up_unknown"), "built")
    assert "<svg" not in html and "<table" not in html
    assert "Net benefit by day is not known: too few units." in text(readout("built_up_unknown"))


def test_other_arms_are_folded_as_tables() -> None:
    r = readout("built_up_eight")
    html = section(r, "built")
    assert html.count("<svg") == 2
    assert "<svg" not in html[html.index("How the other arms built up") :]
    assert text(r).split("How the other arms built up")[1].count("In the 28 days of the offer") == 6


def test_a_readout_without_money_by_day_has_no_such_section() -> None:
    assert "s-built" not in page(json.dumps(readout("ship")), "en")
    r = readout("built_up")
    r["status"] = "invalid"
    assert "s-built" not in page(json.dumps(r), "en")
