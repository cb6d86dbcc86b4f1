"""What the page says beyond the test: hurdles, assumptions, the roll-out, and how looks were planned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from loyalty_exp.report.language import speech
from loyalty_exp.report.render import render
from loyalty_exp.report.wording import Wording, interval_step
from report.states import readout
from report.words import between, rows_of, section, squeezed, tidy

EN = Wording(speech("en"), "¥", 0.05)
both = pytest.mark.parametrize("language", ["en", "zh-CN"])
Change = Callable[[dict[str, Any]], None]


# The chance of every hurdle


@both
@pytest.mark.parametrize("state", ["rewards", "rollout_ship", "rewards_of_two"])
def test_chance_of_a_hurdle_is_that_of_the_readout(state: str, language: str) -> None:
    r = readout(state)
    best = max(r["economics"], key=lambda e: e["net_benefit_total"]["estimate"])["treatment"]
    look = next(o for o in r["outlook"] if o["treatment"] == (r["decision"]["arm"] or best))
    title = {"en": "How likely is each return?", "zh-CN": "各回报门槛的达标把握度如何？"}[language]
    rows = rows_of(section(r, language=language), title)
    known = dict(zip(look["acceptability"]["hurdles"], look["acceptability"]["probabilities"], strict=True))
    for hurdle in (-1.0, -0.25, 0.0, 0.5, 3.0):
        assert rows[EN.percent(hurdle, step=0)] == [EN.chance(known[hurdle])]
    assert len(rows) == 11


def test_registered_hurdle_is_marked_on_the_line_with_its_chance() -> None:
    r = readout("rollout_open")
    above = r["economics"][0]["probability_roi_above_hurdle"]
    html = section(r)
    assert html.count("stroke-dasharray") == 2
    assert html.count(f">{EN.chance(above)}</text>") == 2 and html.count(">above 50%</text>") == 2
    assert f"{EN.chance(above)}above50%" in squeezed(html)
    r["plan"]["hurdle"] = 5.0
    assert ">above 500%</text>" not in section(r)
    assert rows_of(section(r), "How likely is each return?")["500%"] == [EN.chance(above)]


def no_return(r: dict[str, Any]) -> None:
    r["outlook"][0]["acceptability"] = {"hurdles": [0.0], "probabilities": [0.9]}


def nothing_varies(r: dict[str, Any]) -> None:
    look = r["outlook"][0]["acceptability"]
    look["probabilities"] = [None] * len(look["hurdles"])


@pytest.mark.parametrize("change", [no_return, nothing_varies])
def test_no_line_is_drawn_where_a_return_says_nothing(change: Change) -> None:
    r = readout("rollout_open")
    change(r)
    html = render(r, "en")
    assert 'id="hurdles-t"' not in html and "If it is rolled out" in html


# Assumptions


@both
def test_assumptions_are_told_with_both_ends_and_their_share(language: str) -> None:
    r = readout("rewards")
    e, look = r["economics"][0], r["outlook"][0]
    title = {"en": "Which assumption moves the answer?", "zh-CN": "哪个假设对结论影响最大？"}[language]
    rows = list(rows_of(section(r, language=language), title).values())
    assert len(rows) == len(look["assumptions"]) == 4
    for found, a in zip(rows, look["assumptions"], strict=True):
        ends = [EN.exact(e["units"] * a[k]) for k in ("net_benefit_at_low", "net_benefit_at_high")]
        assert found == [*ends, EN.share(a["share_of_variance"])]


def test_bars_of_assumptions_carry_their_amounts_whole() -> None:
    r = readout("rewards")
    e, a = r["economics"][0], r["outlook"][0]["assumptions"]
    html = section(r)
    price = next(x for x in a if x["name"] == "sms_price")
    for key, value in (("net_benefit_at_low", "¥0.04"), ("net_benefit_at_high", "¥0.08")):
        assert html.count(f">{EN.exact(e['units'] * price[key])} at {value}</text>") == 2
    assert "Redemption rate of bonus points 70% to 95% , used 85%" in tidy(html)
    assert "Within its range, a gain turns into a loss." in tidy(html)


@both
def test_both_kinds_of_doubt_stand_side_by_side(language: str) -> None:
    r = readout("rollout_ship")
    e, look = r["economics"][0], r["outlook"][0]
    whole = look["net_benefit_with_assumptions"]
    title = {"en": "How sure, with assumptions counted in", "zh-CN": "计入假设后有多大把握"}[language]
    alone, together = rows_of(section(r, language=language), title).values()
    own = e["net_benefit_total"]
    assert alone[0] == between(own["ci_lower"], own["ci_upper"], language)
    assert together[0] == between(e["units"] * whole["ci_lower"], e["units"] * whole["ci_upper"], language)
    assert (alone[-1], together[-1]) == (
        EN.chance(e["probability_net_benefit_positive"]),
        EN.chance(look["probability_with_assumptions"]),
    )


# The roll-out


@both
@pytest.mark.parametrize("state", ["rollout_ship", "rollout_open", "rewards"])
def test_rollout_is_told_with_its_ranges_and_what_more_data_are_worth(state: str, language: str) -> None:
    r = readout(state)
    found = r["outlook"][0]["rollout"]
    title = {"en": "If it is rolled out", "zh-CN": "推广（放量）测算"}[language]
    rows = rows_of(section(r, language=language), title)
    names = {
        "en": (
            "Fixed costs of the roll-out",
            "Net benefit of the roll-out",
            "The same, drawn toward past programs",
            "The most that more data can be worth",
        ),
        "zh-CN": (
            "推广的固定投入",
            "推广的净收益",
            "推广的净收益（收缩估计）",
            "信息价值（再测最多值多少钱）",
        ),
    }[language]
    fixed, total, shrunk, worth = names
    assert rows[fixed][0] == EN.exact(found["fixed"])
    assert rows[worth][0] == EN.exact(found["value_of_information"])
    lost = {
        "en": ("Expected loss if rolled out", "Expected loss if not rolled out"),
        "zh-CN": ("推广的期望损失", "不推广的期望损失"),
    }[language]
    for name, key in zip(lost, ("loss_if_shipped", "loss_if_held"), strict=True):
        assert name not in rows if found.get(key) is None else rows[name][0] == EN.exact(found[key])
    for name, key, chance in (
        (total, "total", "probability_positive"),
        (shrunk, "shrunk_total", "probability_shrunk_positive"),
    ):
        if found[key] is None:
            assert name not in rows
            continue
        bounds = between(found[key]["ci_lower"], found[key]["ci_upper"], language)
        assert rows[name][0] == f"{EN.exact(found[key]['estimate'])} {bounds}"
        assert rows[name][-1] == EN.chance(found[chance])


@both
def test_rollout_that_the_rule_does_not_call_for_is_exploratory(language: str) -> None:
    flag = {"en": "exploratory", "zh-CN": "探索性"}[language]
    for state, flagged in (("rollout_ship", False), ("rollout_open", True)):
        r = readout(state)
        assert (r["decision"]["action"] == "ship") is not flagged
        assert (flag in tidy(section(r, language=language))) is flagged


@both
def test_what_happens_next_scales_the_answer_or_says_what_more_data_are_worth(language: str) -> None:
    r = readout("rollout_ship")
    found = r["outlook"][0]["rollout"]
    told = squeezed(section(r, "next", language))
    for key in ("total", "shrunk_total"):
        amounts = [found[key][k] for k in ("estimate", "ci_lower", "ci_upper")]
        step = interval_step(*amounts)
        assert step > 0 and all(EN.money(a, step=step) in told for a in amounts)
    assert {"en": "Iftheresponseholds", "zh-CN": "若效果保持不变"}[language] in told
    r = readout("rollout_open")
    told = squeezed(section(r, "next", language))
    worth = EN.money(r["outlook"][0]["rollout"]["value_of_information"])
    said = {"en": f"moredataareworth{worth}atmost", "zh-CN": f"再测的信息价值最多为{worth}"}[language]
    assert said in told


def test_rollout_before_the_end_says_that_its_intervals_are_of_this_look() -> None:
    assert (
        tidy(section(readout("rollout_at_a_look"))).count("Intervals here are those of this look alone") == 3
    )


@both
def test_rollout_that_cannot_be_projected_says_why(language: str) -> None:
    text = tidy(section(readout("rollout_refused"), language=language))
    told = {"en": "a stratum of the roll-out is not in the test", "zh-CN": "推广中的某一分层未参加实验"}
    assert told[language] in text
    assert {"en": "The most that more data", "zh-CN": "信息价值"}[language] not in text


@both
def test_page_without_such_facts_says_nothing_of_them(language: str) -> None:
    r = readout("ship")
    assert not r.get("outlook")
    html = render(r, language)
    for word in ("hurdles-t", "tornado-t", '"sub">Beyond', '"sub">What the rewards'):
        assert word not in html
    words = {"en": ["Hurdle", "Deadweight", "Redemption rate"], "zh-CN": ["回报门槛", "无效补贴", "兑换率"]}
    assert [w for w in words[language] if w in html] == []
    alone = render(readout("rewards_alone"), language)
    assert "hurdles-t" in alone and "tornado-t" not in alone
    assert {"en": "If it is rolled out", "zh-CN": "推广（放量）"}[language] not in alone.split(
        'class="files"'
    )[0]


def test_invalid_page_withholds_the_outlook() -> None:
    r = readout("invalid") | {"outlook": readout("rollout_ship")["outlook"]}
    r["economics"] = readout("rewards")["economics"]
    html = render(r, "en")
    assert [w for w in ("hurdles-t", "rolled out", "¥", "Hurdle") if w in html] == []


@both
@pytest.mark.parametrize(
    ("spending", "said"),
    [
        ({"spending": "obrien_fleming"}, "O'Brien-Fleming"),
        ({"spending": "pocock"}, "Pocock"),
        ({"spending": "power", "power": 2.5}, "2.5"),
    ],
)
def test_method_names_the_looks_and_how_alpha_is_spent(
    spending: dict[str, Any], said: str, language: str
) -> None:
    r = readout("early_ship")
    assert r["plan"]["sequential"]["spending"] == "obrien_fleming"
    r["plan"]["sequential"] |= spending
    text = tidy(section(r, "method", language))
    assert said in text
    assert {"en": "The looks are at 33% , 66% , 100% ;", "zh-CN": "查看时点为 33%"}[language] in text
