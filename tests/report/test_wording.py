"""Rounding: the one place where numbers become words."""

from __future__ import annotations

import pytest

from loyalty_exp.report.language import speech
from loyalty_exp.report.wording import Wording, interval_step, rounded

EN, ZH = (Wording(speech(code), "¥", 0.05) for code in ("en", "zh-CN"))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (97036, "¥97,000"),
        (-1234567, "−¥1,230,000"),
        (4.891, "¥4.89"),
        (0, "¥0"),
        (0.0001, "¥0.000100"),
        (999.6, "¥1,000"),
    ],
)
def test_money_has_three_figures_and_a_true_minus(value: float, words: str) -> None:
    assert EN.money(value) == words


def test_interval_shares_one_rounding_with_its_estimate() -> None:
    step = interval_step(97036, 2350, 191722)
    assert [EN.money(v, step=step) for v in (97036, 2350, 191722)] == ["¥97,000", "¥2,400", "¥191,700"]


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "0%"), (0.7, "70%"), (0.018, "1.8%"), (-0.0004, "−0.04%")]
)
def test_zero_percent_is_a_true_zero(value: float, words: str) -> None:
    assert EN.percent(value, step=-1 if 0 < abs(value) < 0.1 else 0) == words


@pytest.mark.parametrize(
    ("p", "words"), [(0.0, "< 0.001"), (0.0009, "< 0.001"), (0.0123, "= 0.012"), (0.65, "= 0.65")]
)
def test_p_value_is_never_zero(p: float, words: str) -> None:
    assert EN.p_value(p) == words


@pytest.mark.parametrize(("p", "words"), [(1.0, ">99.9%"), (0.0, "<0.1%"), (0.978, "98%"), (0.9953, "99.5%")])
def test_chance_is_never_certain(p: float, words: str) -> None:
    assert EN.chance(p) == words


def test_days_and_points_follow_the_language() -> None:
    assert (EN.day("2026-11-13"), ZH.day("2026-11-13T02:00:00+08:00")) == ("13 Nov 2026", "2026年11月13日")
    assert (EN.points(0.022), ZH.points(0.022)) == ("+2.2\N{NO-BREAK SPACE}pp", "+2.2个百分点")


def test_rounding_keeps_something_of_what_is_not_zero() -> None:
    assert rounded(0.004, 0) == "0.004"
    assert rounded(-0.0, 0) in {"0", "-0"}


def test_sentence_escapes_names_and_keeps_numbers_together() -> None:
    said = EN.say("{arm} {n}", arm="<b>", n=EN.count(1234))
    assert said == '&lt;b&gt; <span class="nb">1,234</span>'
