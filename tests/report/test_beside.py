"""What stands beside the answer: comparisons that are not causal, a longer time, projected customer value."""

from __future__ import annotations

import re

import pytest

from loyalty_exp.report.language import speech
from loyalty_exp.report.render import render
from loyalty_exp.report.wording import Wording
from report.states import readout
from report.words import between, section, squeezed, tidy

EN = Wording(speech("en"), "¥", 0.05)
both = pytest.mark.parametrize("language", ["en", "zh-CN"])
TO = {"en": "to", "zh-CN": "至"}


def rows_of(html: str, caption: str) -> list[list[str]]:
    """Cells of the rows of a table, without the names of its rows."""
    tables = re.split(r"<table[^>]*>", html)[1:]
    table = next(t for t in tables if tidy(t.split("</caption>")[0]) == caption).split("</table>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr")[2:]]
    return [[tidy(cell) for cell in row[1:]] for row in rows if len(row) > 1]


@both
def test_the_panel_holds_every_comparison_with_the_causal_one_last(language: str) -> None:
    r = readout("naive")
    title = {"en": "What other comparisons would say", "zh-CN": "换一种比法会得出什么"}[language]
    mark = {"en": "not causal", "zh-CN": "非因果"}[language]
    html = section(r, "changed", language)
    rows = rows_of(html, f"{title} {mark}")
    figures = r["naive"][0]["figures"]
    assert [f["comparison"] for f in figures] == [
        "before_after", "before_after_market_adjusted", "participated", "members",
    ]  # fmt: skip
    for cells, f in zip(rows, figures[:3], strict=False):
        for cell, key in ((cells[0], "mean"), (cells[1], "mean_other")):
            assert cell.startswith(EN.exact(f[key]))
        assert EN.percent(f["relative"], signed=True, step=-1) in cells[2]
        assert TO[language] not in cells[2]
    assert {"en": "no one outside", "zh-CN": "没有计划外的人群"}[language] in rows[3][2]
    own = next(e for e in r["estimates"] if e["metric"] == "spend" and e["segment"] is None)
    assert len(rows) == 5 and TO[language] in rows[4][2]
    assert EN.exact(own["mean_treatment"]) in rows[4][0]
    assert html.count('<tr class="dim">') == 4


def test_a_page_without_comparisons_or_a_horizon_says_nothing_of_them() -> None:
    html = render(readout("early_ship"), "en")
    assert [
        w for w in ("not causal", "What happens after the test", "projected</caption>") if w in html
    ] == []


def test_an_invalid_page_withholds_them() -> None:
    r = readout("naive") | {"status": "invalid", "decision": readout("invalid")["decision"]}
    assert "not causal" not in render(r, "en")


@both
def test_what_is_assumed_is_told_apart_from_what_was_observed(language: str) -> None:
    r = readout("horizon")
    h = r["outlook"][0]["horizon"]
    title = {"en": "Over 120 days", "zh-CN": "120 天展望"}[language]
    html = section(r, language=language)
    rows = rows_of(html, title)
    values = [h["observed"], *(s["value"] for s in h["scenarios"]), h["mixture"]]
    for cells, value in zip(rows, values, strict=True):
        bounds = between(value["ci_lower"], value["ci_upper"], language)
        assert cells[1] == f"{EN.exact(value['estimate'])} {bounds}"
    assert [cells[0] for cells in rows] == ["–", "30%", "70%", "–"]
    told = squeezed(html)
    share, added = h["extrapolated_share"], h["mixture"]["estimate"] - h["observed"]["estimate"]
    assert 0 < share < 1
    said = {
        "en": f"Of{EN.exact(h['mixture']['estimate'])},{EN.exact(h['observed']['estimate'])}wasobserved"
        f"and{EN.exact(added, signed=True)}isassumed:{EN.percent(share, step=0)}ofit.",
        "zh-CN": f"外推占{EN.percent(share, step=0)}。",
    }[language]
    assert said in told
    assert EN.exact(h["sampling_std_error"]) in told


def test_parts_of_unlike_sign_are_told_as_amounts_only() -> None:
    r = readout("horizon")
    h = r["outlook"][0]["horizon"]
    h["observed"]["estimate"], h["mixture"]["estimate"], h["extrapolated_share"] = -2.0, 1.0, 3.0
    told = squeezed(section(r))
    assert "Of¥1.00,−¥2.00wasobservedand+¥3.00isassumed." in told and "300%ofit" not in told


def test_a_horizon_that_was_observed_assumes_nothing() -> None:
    html = section(readout("horizon_observed"))
    assert "All of it was observed: nothing is assumed." in tidy(html)
    assert len(rows_of(html, "Over 30 days")) == 1


def test_a_horizon_that_cannot_be_told_says_why() -> None:
    r = readout("horizon")
    r["outlook"][0]["horizon"] |= {
        "mixture": None,
        "not_estimable": "benefit or cost is known for the whole window only, not by month",
    }
    assert "There is no longer view: benefit or cost is known for the whole window only." in tidy(section(r))


@both
def test_a_projection_is_called_a_surrogate_and_shows_how_far_it_was_off(language: str) -> None:
    html = section(readout("customer_value"), language=language)
    told = squeezed(html)
    for words in {
        "en": ("Asurrogateandnotameasurement", "forecast12%off", "200resamples", "0.04,0.04", "2.30"),
        "zh-CN": ("这是替代指标，不是实测值", "误差最多为12%", "200次重抽样", "0.04、0.04", "2.30"),
    }[language]:
        assert words in told


@both
def test_a_projection_that_is_refused_says_why(language: str) -> None:
    told = tidy(section(readout("customer_value_refused"), language=language))
    words = {"en": "the models do not fit these data", "zh-CN": "模型不适合这些数据"}[language]
    assert words in told and "–12%" not in told


@both
def test_an_assumed_price_is_called_by_its_own_name(language: str) -> None:
    r = readout("rewards")
    r["plan"]["prices"] = {"sms_price": {"en": "Price of a text message", "zh-CN": "单条短信价格"}}
    told = tidy(section(r, language=language))
    assert {"en": "Price of a text message", "zh-CN": "单条短信价格"}[language] in told


@both
def test_what_the_roll_out_is_drawn_toward_is_told(language: str) -> None:
    r = readout("rollout_ship")
    r["plan"]["prior"] = {"mean": 0.25, "sd": 1.5}
    told = squeezed(section(r, language=language))
    said = {
        "en": "Thatpriorexpectsanetbenefitof¥0.25foreachmember,giveortake¥1.50.",
        "zh-CN": "该先验预期每个会员的净收益为¥0.25，标准差¥1.50。",
    }[language]
    assert said in told
