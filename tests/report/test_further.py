"""What the page says of looks before the end, of other readings, of buying again and of clusters."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from typing import Any

import pytest

from loyalty_exp.report.language import speech
from loyalty_exp.report.render import render
from loyalty_exp.report.wording import Wording
from report.states import readout
from report.words import Page, page

EN = Wording(speech("en"), "¥", 0.05)
both = pytest.mark.parametrize("language", ["en", "zh-CN"])


@cache
def words(state: str, language: str = "en") -> str:
    return Page(page(json.dumps(readout(state)), language)).words


def tidy(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def first(state: str, language: str = "en") -> str:
    """The first screen as a reader sees it."""
    html = page(json.dumps(readout(state)), language)
    return tidy(html[html.index('class="first"') : html.index('class="toc"')])


def section(r: dict[str, Any], name: str, language: str = "en") -> str:
    html = page(json.dumps(r), language)
    return tidy(html[html.index(f'id="s-{name}"') :].split("</section>")[0])


@both
@pytest.mark.parametrize(
    ("state", "said"),
    [
        (
            "early_ship",
            {
                "en": "This is look 2 at 9,000 of 13,500 planned members; the interval holds at every look.",
                "zh-CN": "这是第 2 次查看，已有 9,000 个会员（计划 13,500 个）；该区间在每次查看时均成立。",
            },
        ),
        (
            "early_extend",
            {"en": "This is look 1 at 1,200 of 6,000 planned members", "zh-CN": "这是第 1 次查看"},
        ),
        ("final_look", {"en": "This is the final look, number 3,", "zh-CN": "这是最后一次（第 3 次）查看"}),
        (
            "any_time",
            {"en": "This is a look at 1,500 of 8,000 planned members", "zh-CN": "计划 8,000 个会员"},
        ),
    ],
)
def test_first_screen_says_which_look_this_is(state: str, said: dict[str, str], language: str) -> None:
    squeezed = first(state, language).replace(" ", "")
    assert said[language].replace(" ", "") in squeezed


def test_verdicts_of_the_looks_are_what_their_names_say() -> None:
    actions = {s: readout(s)["decision"]["action"] for s in ("early_ship", "early_extend", "any_time")}
    assert actions == {"early_ship": "ship", "early_extend": "extend", "any_time": "extend"}


@both
@pytest.mark.parametrize("state", ["early_ship", "early_extend", "final_look", "any_time"])
def test_first_screen_shows_the_interval_that_decides_and_no_other(state: str, language: str) -> None:
    r = readout(state)
    money, text = r["economics"][0], first(state, language)
    seen, own, units = money["net_benefit_sequential"], money["net_benefit_total"], money["units"]
    step = 1 if abs(own["estimate"]) >= 1000 else 0
    for bound in ("ci_lower", "ci_upper"):
        assert EN.money(seen[bound] * units, step=step) in text
        assert EN.money(own[bound], step=step) not in text
    spend = next(e for e in r["estimates"] if e["metric"] == "spend" and e["segment"] is None)
    assert EN.money(spend["sequential"]["ci_lower"], step=-2, signed=True) in text
    assert {"en": "no interval that holds at every look", "zh-CN": "没有在每次查看时均成立的区间"}[
        language
    ] in text


def test_metric_table_shows_what_holds_at_every_look_and_guardrails_say_that_theirs_does_not() -> None:
    r = readout("early_ship")
    text = section(r, "changed")
    e = next(e for e in r["estimates"] if e["metric"] == "spend" and e["segment"] is None)
    shown = [EN.money(e["sequential"][b], step=-2, signed=True) for b in ("ci_lower", "ci_upper")]
    assert " to ".join(shown) in text
    assert EN.percent(e["relative"]["ci_lower"], signed=True, step=-1) not in text
    assert "guardrails are read by the interval of this look alone" in text
    assert "Difference, drawn" in text


@both
@pytest.mark.parametrize(
    ("state", "authors"), [("early_ship", r"Lan (and|与) DeMets"), ("any_time", r"Waudby-Smith")]
)
def test_method_of_looking_is_named(state: str, authors: str, language: str) -> None:
    assert re.search(authors, section(readout(state), "method", language))
    assert not re.search(authors, words("ship", language))
    held = {"en": "Looking often finds extremes by luck", "zh-CN": "多次查看容易碰上偶然的极端值"}[language]
    assert held in words(state, language) and held not in words("ship", language)


@both
def test_look_too_early_for_bounds_says_so_and_makes_no_number_up(language: str) -> None:
    r = readout("no_bounds_yet")
    assert r["economics"][0]["net_benefit_sequential"]["ci_lower"] is None
    text = first("no_bounds_yet", language)
    assert {"en": "without bounds so far", "zh-CN": "尚无界"}[language] in text
    assert {"en": "Not settled", "zh-CN": "尚无定论"}[language] in section(r, "changed", language)


@both
def test_posterior_probability_stands_beside_its_prior(language: str) -> None:
    for state in ("ship", "early_ship"):
        text = first(state, language)
        assert {"en": "Under a flat prior, the posterior", "zh-CN": "在平坦先验下"}[language] in text


@both
def test_readings_are_told_with_what_they_read_and_never_decide(language: str) -> None:
    r = readout("readings")
    text = section(r, "changed", language)
    known = {e["estimator"]: e["facts"] or {} for e in r["readings"]}
    cap = EN.money(known["winsorized"]["cap"])
    assert len(r["readings"]) == 7
    told = {
        "en": [
            "Read in other ways",
            "Further readings never decide",
            f"values above {cap} counted as {cap}",
            f"larger than control in {EN.share(known['mann_whitney']['probability_larger'])} of pairs",
            "prior: normal, mean ¥0, standard deviation ¥2.00",
            "prior: flat",
            "mixture over effects: standard deviation ¥1.50",
            "Randomization test",
            "Poisson bootstrap",
        ],
        "zh-CN": [
            "其他读法",
            "其他读数不参与决策",
            f"高于 {cap} 的值按 {cap} 计",
            "先验：正态，均值 ¥0",
            "先验：平坦",
            "效应混合分布：标准差 ¥1.50",
        ],
    }[language]
    method = section(r, "method", language)
    assert (
        method.count(
            {"en": "Further reading, which never decides", "zh-CN": "其他读法（不参与决策）"}[language]
        )
        == 6
    )
    assert [t for t in told if t.replace(" ", "") not in text.replace(" ", "")] == []


@both
def test_cox_is_told_as_a_ratio_and_not_as_a_difference(language: str) -> None:
    r = readout("again")
    cox = next(e for e in r["readings"] if e["estimator"] == "cox")
    ratio = EN.number(cox["facts"]["hazard_ratio"], step=-2)
    text = section(r, "changed", language)
    name = {"en": "Hazard ratio (Cox), adjusted", "zh-CN": "风险比（Cox，已校正）"}[language]
    assert ratio in text[text.index(name) :][:80]
    assert EN.points(cox["absolute"]["estimate"]).split("\N{NO-BREAK SPACE}")[0] not in text


def test_reading_that_could_not_be_made_says_why() -> None:
    r = readout("readings")
    r["readings"][3] |= {"absolute": None, "relative": None, "not_estimable": "more than 200,000 units; x"}
    assert "so many units need no drawn reference" in section(r, "changed")


@both
def test_buying_again_is_drawn_with_who_is_followed_and_how_else_it_reads(language: str) -> None:
    r = readout("again")
    text, facts = section(r, "again", language), r["repurchase"][0]
    for arm in ("control", "double"):
        points = {p["day"]: p for p in facts["curves"][arm]}
        assert EN.share(points[56]["share"]) in text
        assert all(EN.count(points[d]["at_risk"]) in text for d in (0, 14, 28, 42, 56))
    for value in (facts["rate_by_censoring"]["estimate"], facts["rate_of_mature_units"]["estimate"]):
        assert EN.points(value).split("\N{NO-BREAK SPACE}")[0] in text
    assert EN.number(facts["hazard_ratio"]["estimate"], step=-2) in text
    assert {"en": "the others never decide", "zh-CN": "其余读数不参与决策"}[language] in text


def test_hazards_that_are_not_proportional_are_told() -> None:
    r = readout("again")
    warned = "one hazard ratio does not describe the whole time"
    assert warned not in section(r, "again")
    r["repurchase"][0]["proportional_p_value"] = 0.002
    assert warned in section(r, "again")


def test_buying_again_without_curves_says_why_and_draws_nothing() -> None:
    r = readout("again")
    r["repurchase"][0] |= {
        "curves": {"control": [], "double": []},
        "rate_by_censoring": None,
        "restricted_mean": None,
        "log_rank_p_value": None,
        "hazard_ratio": None,
        "proportional_p_value": None,
        "not_estimable": "no units in an arm",
    }
    text = section(r, "again")
    assert "cannot be drawn: a group holds no units" in text and "not estimable" in text
    assert 'id="again0-t"' in render(r, "en") and 'aria-labelledby="again0-t"' not in render(r, "en")


def test_other_arms_are_folded_and_only_the_shown_one_is_drawn() -> None:
    r = readout("again")
    other = copy.deepcopy(r["repurchase"][0]) | {"treatment": "triple"}
    other["curves"]["triple"] = other["curves"].pop("double")
    r["arms"].append({**r["arms"][1], "id": "triple", "name": "Triple points"})
    r["repurchase"].append(other)
    html = render(r, "en")
    assert html.count('aria-labelledby="again0-t"') == 2 and 'aria-labelledby="again1-t"' not in html
    assert "Triple points against control" in section(r, "again")


@both
def test_clusters_are_counted_and_few_of_them_are_told(language: str) -> None:
    text = section(readout("clusters"), "trust", language)
    assert {"en": "Whole clusters are counted.", "zh-CN": "按群组计数。"}[language] in text
    assert {"en": "18 clusters. With fewer than 20,", "zh-CN": "群组少于 20 个时"}[language] in text
    assert {"en": "Clusters", "zh-CN": "群组数"}[language] in text
    assert "Clusters" not in section(readout("ship"), "trust")
    told = {"en": "Whole clusters of members were assigned", "zh-CN": "以会员的群组为整体随机分组"}[language]
    assert told in section(readout("clusters"), "method", language)


@both
def test_skewed_values_and_split_clusters_have_words(language: str) -> None:
    assert {"en": "Welch interval misses more often", "zh-CN": "Welch 区间在一侧更容易偏离真值"}[
        language
    ] in section(readout("skewed"), "trust", language)
    r = readout("clusters")
    check = next(c for c in r["health"] if c["check"] == "clusters_in_two_arms")
    check |= {"status": "warn", "detail": {"clusters": 3}}
    text = section(r, "trust", language)
    assert {"en": "3 clusters have members in more than one group", "zh-CN": "3 个群组的会员分属多个组"}[
        language
    ] in text


def test_invalid_page_withholds_readings_and_curves() -> None:
    r = readout("invalid")
    for state in ("readings", "again"):
        r |= {k: readout(state)[k] for k in ("readings", "repurchase") if readout(state)[k]}
    html = render(r, "en")
    assert 'id="s-again"' not in html and "Read in other ways" not in html


@both
def test_a_ratio_stands_beside_its_numerator_and_denominator(language: str) -> None:
    r = readout("readings")
    known = next(e["facts"] for e in r["estimates"] if e["metric"] == "growth" and e["segment"] is None)
    spend = next(e["absolute"] for e in r["estimates"] if e["metric"] == "spend" and e["segment"] is None)
    assert known["numerator"] == pytest.approx(spend["estimate"])
    text = section(r, "changed", language).replace(" ", "")
    name = {"en": "Spendpermember", "zh-CN": "每会员人均消费"}[language]
    assert f"{name}{EN.money(known['numerator'], signed=True, step=-2)}" in text


def test_readings_that_take_units_as_independent_are_not_made_over_clusters() -> None:
    r = readout("clusters")
    assert {e["estimator"] for e in r["readings"]} == {"cox", "censored_rate"}
    assert all(e["absolute"] is None and "clusters" in e["not_estimable"] for e in r["readings"])
    facts = r["repurchase"][0]
    assert facts["rate_by_censoring"] is facts["hazard_ratio"] is facts["log_rank_p_value"] is None
    assert facts["rate_of_mature_units"]["p_value"] is not None
    text = section(r, "again")
    assert "Without bands, as whole clusters were drawn" in text and "Bands are" not in text
    assert "Bands are" in section(readout("again"), "again")


@both
def test_the_probability_of_being_best_is_told_where_it_is_known(language: str) -> None:
    r = copy.deepcopy(readout("readings"))
    flat = [e for e in r["readings"] if e["estimator"] == "normal_prior" and "prior_sd" not in e["facts"]]
    flat[0]["facts"] |= {"probability_best": 0.731, "probability_control_best": 0.069}
    told = {"en": "best of all arms with probability 73", "zh-CN": "为各组中最优的概率 73"}[language]
    text = section(r, "changed", language)
    assert told.replace(" ", "") in text.replace(" ", "")
    assert EN.chance(0.069) in text
