"""What the page says of points, coupons and partners, and of those of the other arms."""

from __future__ import annotations

from typing import Any

import pytest

from loyalty_exp.report.language import speech
from loyalty_exp.report.wording import Wording
from report.states import readout
from report.words import rows_of, section, squeezed, tidy

EN = Wording(speech("en"), "¥", 0.05)
both = pytest.mark.parametrize("language", ["en", "zh-CN"])


@both
def test_points_are_told_of_both_arms_and_beyond_control(language: str) -> None:
    r = readout("rewards")
    points = r["economics"][0]["points"]
    treated, control = points["arms"]
    title = {"en": "Points: issued, burned", "zh-CN": "积分：发放、核销与负债"}[language]
    rows = list(rows_of(section(r, language=language), title).values())
    assert len(rows) == 11 + 1 + 4
    keys = ("issued_base", "issued_bonus", "clawed_back", "net_issued", "redeemed", "expired", "outstanding",
            "expected_future", "accrual_cost", "burn_cost", "closing_liability")  # fmt: skip
    for found, key in zip(rows[:11], keys, strict=True):
        say = EN.exact if key.endswith(("cost", "liability")) else EN.count
        assert found[:2] == [say(treated[key]), say(control[key])]
        if key in points["total"]:
            total = points["total"][key]
            assert found[3] == (
                EN.exact(total, signed=True) if say == EN.exact else EN.number(total, step=0, signed=True)
            )
    gap = treated["expired"] - treated["units"] * control["expired"] / control["units"]
    assert rows[5][3] == EN.number(gap, step=0, signed=True)
    for found, key in zip(rows[12:], ("price", "deferred", "released", "liability"), strict=True):
        own, other = treated["contract"][key], control["contract"][key]
        beyond = own - treated["units"] * other / control["units"]
        assert found == [EN.exact(own), EN.exact(other), EN.exact(beyond / treated["units"], signed=True),
                         EN.exact(beyond, signed=True)]  # fmt: skip
    assert treated["contract"]["deferred"] == pytest.approx(
        treated["contract"]["released"] + treated["contract"]["liability"]
    )


@both
def test_a_new_redemption_rate_stands_on_a_line_of_its_own(language: str) -> None:
    r = readout("rewards")
    line = {"en": "True-up at the rates estimated by now", "zh-CN": "按最新兑换率的调整额"}[language]
    assert line not in tidy(section(r, language=language))
    points = r["economics"][0]["points"]
    for place, value in ((points["arms"][0], 120.0), (points["per_unit"], 0.25), (points["total"], 99.0)):
        place["true_up"] = value
    (cells,) = (
        found
        for name, found in rows_of(
            section(r, language=language), {"en": "Points: issued", "zh-CN": "积分：发放"}[language]
        ).items()
        if name.startswith(line)
    )
    assert cells == [EN.exact(120.0), "–", EN.exact(0.25, signed=True), EN.exact(99.0, signed=True)]


@both
def test_what_the_money_bought_is_told_with_its_interval_or_with_a_reason(language: str) -> None:
    r = readout("rewards")
    spend = r["economics"][0]["spend"]
    title = {"en": "What the money bought", "zh-CN": "钱换来了什么"}[language]
    to = {"en": "to", "zh-CN": "至"}[language]
    rows = list(rows_of(section(r, language=language), title).values())
    assert len(rows) == 4
    for found, key in ((rows[1], "iroas"), (rows[3], "cost_per_order")):
        value = spend[key]
        assert found[0] == (
            f"{EN.exact(value['estimate'])} {EN.exact(value['ci_lower'])} {to} {EN.exact(value['ci_upper'])}"
        )
    spend |= {"iroas": None, "iroas_not_estimable": "the cost is negative"}
    spend |= {"cost_per_order": None}
    spend |= {
        "cost_per_order_not_estimable": "the number of incremental outcomes is not clearly different from 0"
    }
    text = tidy(section(r, language=language))
    assert {"en": "less was spent than in control", "zh-CN": "投入少于对照组"}[language] in text
    assert {"en": "orders are not clearly more", "zh-CN": "订单数与对照组没有明显差别"}[language] in text


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("profitable_at_any_rate", {"en": "pays at any redemption rate", "zh-CN": "在任何兑换率下都盈利"}),
        ("loss_at_any_rate", {"en": "loses at any redemption rate", "zh-CN": "在任何兑换率下都亏损"}),
        (
            "indifferent_at_any_rate",
            {"en": "neither gains nor loses at any", "zh-CN": "在任何兑换率下都不盈不亏"},
        ),
    ],
)
@both
def test_break_even_rate_outside_of_all_rates_is_words(
    status: str, said: dict[str, str], language: str
) -> None:
    r = readout("rewards")
    inside = r["economics"][0]["points"]["break_even"]
    assert inside["status"] == "inside"
    assert EN.percent(inside["value"], step=-1) in tidy(section(r, language=language))
    r["economics"][0]["points"]["break_even"] = {"value": None, "status": status}
    text = tidy(section(r, language=language))
    assert said[language] in text and EN.percent(inside["value"], step=-1) not in text


def test_break_even_of_a_program_that_issues_fewer_points_has_no_upper_bound() -> None:
    r = readout("rewards")
    assert "The program pays as long as at most" in tidy(section(r))
    r["economics"][0]["points"]["per_unit"]["accrual_cost"] = -1.0
    assert "The program breaks even where" in tidy(section(r))


@both
def test_assumptions_on_points_that_did_not_hold_are_told(language: str) -> None:
    r = readout("rewards")
    told = [
        {"en": "more is redeemed already than was ever expected", "zh-CN": "已核销的积分超过原先预计的总量"},
        {"en": "so points from before were used", "zh-CN": "说明动用了此前的积分"},
    ]
    assert not any(t[language] in tidy(section(r, language=language)) for t in told)
    arm = r["economics"][0]["points"]["arms"][0]
    arm |= {"assumption_refuted": True, "opening_balance_used": True, "outstanding": None}
    arm |= {"expected_future": None}
    text = tidy(section(r, language=language))
    assert all(t[language] in text for t in told)


def test_points_without_a_table_of_them_tell_only_what_is_known() -> None:
    r = readout("rewards")
    points = r["economics"][0]["points"]
    gone = ("issued_base", "issued_bonus", "clawed_back", "redeemed", "expired", "outstanding",
            "expected_future", "burn_cost", "closing_liability")  # fmt: skip
    for arm in points["arms"]:
        arm |= dict.fromkeys(gone)
        arm["contract"] |= {"released": None, "liability": None}
    for key in ("redeemed", "burn_cost", "closing_liability"):
        points["per_unit"][key] = points["total"][key] = None
    names = list(rows_of(section(r), "Points: issued"))
    assert names[:2] == ["Net points issued", "Cost of points as issued"]
    assert names[3:] == ["Price paid for orders", "Revenue put off for points given with them"]


@both
def test_coupons_are_told_with_their_share_and_what_it_takes(language: str) -> None:
    r = readout("rewards")
    c = r["economics"][0]["coupons"]
    c |= {"incremental_share": 0.412, "incremental_orders": 0.118, "deadweight_subsidy": 1.35,
          "deadweight_subsidy_total": 2030.4, "break_even": {"value": 0.491, "status": "inside"}}  # fmt: skip
    html = section(r, language=language)
    title = {"en": "Coupons: what was extra", "zh-CN": "优惠券：哪些是增量"}[language]
    rows = list(rows_of(html, title).values())
    assert rows[3] == ["¥1.35", "¥2,030"]
    assert rows[4:] == [["41.2%"], ["49.1%"], [EN.exact(c["cost_per_incremental_order"])]]
    said = {
        "en": "41.2%oftheredemptionswereincremental;thecampaignbreaksevenat49.1%.",
        "zh-CN": "核销中增量占比为41.2%；盈亏平衡点为49.1%。",
    }
    assert said[language] in squeezed(html)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"break_even": {"value": None, "status": "profitable_at_any_share"}},
            {"en": "pays even if no redemption is incremental", "zh-CN": "即使没有任何核销属于增量也能盈利"},
        ),
        (
            {"break_even": {"value": None, "status": "never"}},
            {"en": "breaks even only with more extra orders", "zh-CN": "只有增量订单多于核销数"},
        ),
        (
            {"incremental_share": None, "not_estimable": "not more coupons were redeemed than in control"},
            {"en": "is not known: not more coupons", "zh-CN": "核销的优惠券不多于对照组"},
        ),
        ({"cost_per_incremental_order": None}, {"en": "no extra orders", "zh-CN": "没有增量订单"}),
        (
            {"incremental_orders": 0.9},
            {"en": "Extra orders exceed redemptions", "zh-CN": "增量订单多于核销数，说明"},
        ),
    ],
)
@both
def test_coupons_that_are_not_a_plain_share_have_words(
    change: dict[str, Any], said: dict[str, str], language: str
) -> None:
    r = readout("rewards")
    r["economics"][0]["coupons"] |= {"incremental_orders": 0.1} | change
    assert said[language] in tidy(section(r, language=language))


@both
def test_costs_are_told_gross_and_net_of_what_partners_pay(language: str) -> None:
    r = readout("rewards")
    html = section(r, language=language)
    title = {"en": "From extra margin", "zh-CN": "从增量毛利"}[language]
    rows = rows_of(html, title)
    line = next(c for c in r["economics"][0]["cost_lines"] if c["id"] == "coupons")
    assert line["funded_total"] == pytest.approx(line["total"])
    own = rows[{"en": "Coupons", "zh-CN": "优惠券"}[language]]
    gross = line["total"] + line["funded_total"]
    assert own[:2] == [EN.exact(gross), EN.exact(line["funded_total"])]
    assert own[3] == EN.exact(line["total"])
    said = {"en": "Costs are net of what partners pay", "zh-CN": "扣除合作方承担后的净额"}[language]
    assert said in tidy(html)
    assert said not in tidy(section(readout("rollout_ship"), language=language))


def test_other_arms_are_folded() -> None:
    html = section(readout("rewards_of_two"))
    shown, folded = html.split('<details class="extra"><summary>Rewards of the other arms', 1)
    assert shown.count("Points: issued, burned") == 1 and folded.count("Points: issued, burned") == 1
    assert shown.count("Coupons: what was extra") == 1 and folded.count("Coupons: what was extra") == 1
    assert folded.count("If it is rolled out") == 2 and "Roll-outs of the other arms" in folded
