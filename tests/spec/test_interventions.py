"""Every kind of intervention: its example, its words in both languages, what it makes the program pay for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from loyalty_exp.grammar import LANGUAGES
from loyalty_exp.interventions import KINDS, AnyIntervention, Driver, Intervention
from loyalty_exp.spec.economics import CostLine
from loyalty_exp.spec.read import check_text

TRANSACTIONS = (Path(__file__).parent / "data" / "double_points.yaml").read_text("utf-8")
FOLDER = Path(__file__).parents[2] / "loyalty_exp" / "interventions"
READER: TypeAdapter[Intervention] = TypeAdapter(AnyIntervention)


def read(text: str) -> Intervention:
    import json

    return READER.validate_json(json.dumps(YAML(typ="safe").load(text), default=str))


def example(kind: type[Intervention]) -> str:
    found = re.search(r"code-block:: yaml\n\n\s+(\{.*\})", kind.__doc__ or "")
    assert found, f"{kind.__name__} shows no example"
    return found[1]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_every_kind_has_an_example_words_and_drivers(kind: type[Intervention]) -> None:
    given = read(example(kind))
    assert type(given) is kind
    said = {language: given.words(language) for language in LANGUAGES}
    assert all(said.values())
    assert said["en"] != said["zh-CN"]
    assert re.search(r"[\u4e00-\u9fff]", said["zh-CN"])
    assert said["en"].isascii() or "–" in said["en"]
    assert set(given.drivers()) <= set(get_args(Driver))
    assert isinstance(kind.price_promotion, bool)


def test_every_kind_has_a_file_of_its_own() -> None:
    (types,) = [[get_args(k.model_fields["type"].annotation)[0] for k in KINDS]]
    assert len(set(types)) == len(types) == 12
    assert {f"{t}.py" for t in types} <= {p.name for p in FOLDER.iterdir()}


def test_every_driver_is_a_key_of_cost_lines() -> None:
    assert set(get_args(Driver)) <= set(CostLine.model_fields)


def test_what_lowers_a_price_for_a_while_is_a_price_promotion() -> None:
    named = {get_args(k.model_fields["type"].annotation)[0] for k in KINDS if k.price_promotion}
    assert named == {"points_multiplier", "points_bonus", "coupon", "retention_offer"}


SAID = [
    ("{type: points_multiplier, multiplier: 2}", "2x points", "2 倍积分"),
    (
        "{type: points_multiplier, multiplier: 3, categories: [beauty], caps: {points_per_member: 6000}}",
        "3x points on beauty, at most 6,000 bonus points a member",
        "3 倍积分（beauty），每位会员活动积分至多 6,000",
    ),
    (
        "{type: coupon, percent: 15, min_spend: 100}",
        "15% off an order of 100 or more",
        "15% 优惠券（满 100 可用）",
    ),
    (
        "{type: retention_offer, ladder: [{after_days: 0, face_value: 10}, {after_days: 9, face_value: 20}]}",
        "offers of 10 / 20, one after the other",
        "阶梯挽回优惠 10 / 20",
    ),
    (
        "{type: retention_offer, face_value: 20, valid_days: 14}",
        "20 off the next order, valid 14 days",
        "挽回优惠 20，14 天有效",
    ),
    (
        "{type: tier_perk, perk: early_access, lead_hours: 48}",
        "early access, 48 hours ahead",
        "优先购买 48 小时",
    ),
    (
        "{type: policy, model: next_best, version: '2026.2', against: {en: the usual, zh-CN: 默认优惠}}",
        "policy next_best, version 2026.2, against the usual",
        "策略 next_best（版本 2026.2），对比默认优惠",
    ),
]


@pytest.mark.parametrize(("text", "english", "chinese"), SAID)
def test_the_words_say_what_is_received(text: str, english: str, chinese: str) -> None:
    given = read(text)
    assert (given.words("en"), given.words("zh-CN")) == (english, chinese)


def test_telling_members_costs_messages() -> None:
    assert read("{type: points_bonus, points: 500}").drivers() == ("points",)
    assert read("{type: points_bonus, points: 500, channel: sms}").drivers() == ("points", "contacts")
    assert read("{type: tier_perk, perk: early_access}").drivers() == ()
    assert read("{type: tier_perk, perk: gift}").drivers() == ("perks",)


def test_a_bundle_is_the_sum_of_its_parts() -> None:
    perk, points = (
        "{type: tier_perk, perk: gift, channel: sms}",
        "{type: points_bonus, points: 5, channel: sms}",
    )
    both = read(f"{{type: bundle, of: [{perk}, {points}]}}")
    assert both.drivers() == ("perks", "contacts", "points")
    assert both.words("en") == "a gift and 5 bonus points"
    assert both.lowers_price()
    assert not read(f"{{type: bundle, of: [{perk}, {perk}]}}").lowers_price()


MISTAKES: list[tuple[str, str, str]] = [
    ("{type: points_bonus, points: 12.5}", "points", "12.5 is not a whole number"),
    (
        "{type: points_multiplier, multiplier: 2, caps: {points_per_member: 99.5}}",
        "caps.points_per_member",
        "99.5 is not a whole number",
    ),
    (
        "{type: points_multiplier, multiplier: 2, caps: {points_per_membr: 9}}",
        "caps.points_per_membr",
        "did you mean 'points_per_member'?",
    ),
    ("{type: coupon, face_value: 20, percent: 10}", "", "either a face_value or a percent"),
    ("{type: coupon, face_value: 20, code: true}", "code", "quote it: 'true'"),
    ("{type: retention_offer}", "", "either a face_value or a ladder"),
    (
        "{type: retention_offer, ladder: [{after_days: 7, face_value: 1}, {after_days: 7, face_value: 2}]}",
        "",
        "let after_days rise",
    ),
    ("{type: tier_perk, perk: gift, lead_hours: 48}", "", "belongs to perk: early_access"),
    ("{type: tier_threshold_change, tier: gold, from: 20, to: 20}", "", "nothing would change"),
    ("{type: tier_threshold_change, tier: gold, form: 20, to: 10}", "form", "did you mean 'from'?"),
    ("{type: tier_threshold_change, tier: gold, to: 10}", "from", "is required"),
    ("{type: event, from: 2026-03-18, to: 2026-03-17}", "", "to lies before from"),
    ("{type: event, from: 18/03/2026, to: 2026-03-17}", "from", "is not a date"),
    ("{type: policy, model: m, version: v, frozen: false}", "frozen", "freeze a version"),
    ("{type: bundle, of: [{type: message, channel: sms}]}", "of", "at least 2"),
    (
        "{type: bundle, of: [{type: points_bonus, points: 1.5}, {type: message, channel: sms}]}",
        "of[0].points",
        "1.5 is not a whole number",
    ),
    ("{type: lottery}", "type", "'lottery' is not one of points_multiplier"),
]


@pytest.mark.parametrize(("text", "path", "words"), MISTAKES)
def test_a_mistake_is_told_at_its_place(text: str, path: str, words: str) -> None:
    old = "{type: points_multiplier, multiplier: 2}"
    assert old in TRANSACTIONS
    found: Any = [p for p in check_text(TRANSACTIONS.replace(old, text))[1] if p.severity == "error"]
    whole = "arms[1].intervention"
    assert [p.path for p in found] == [f"{whole}.{path}" if path else whole]
    assert words in f"{found[0].message} | {found[0].hint}"
