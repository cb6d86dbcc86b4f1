"""The page in every state and both languages: structure, words, safety, and sameness."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from loyalty_exp.report.render import render, template_folder
from report.fixtures import HOSTILE
from report.states import STATES, readout
from report.words import FORBIDDEN, LEFTOVERS, Page, numbers

ROOT = Path(__file__).resolve().parents[2]
PAGES = [(state, language) for state in STATES for language in ("en", "zh-CN")]
each_page = pytest.mark.parametrize(("state", "language"), PAGES)


@cache
def html(state: str, language: str) -> str:
    return render(readout(state), language)


@cache
def page(state: str, language: str) -> Page:
    return Page(html(state, language))


@each_page
def test_page_is_whole_and_holds_no_leftovers(state: str, language: str) -> None:
    text = page(state, language).words.replace(HOSTILE, "")
    if state != "hostile":
        assert LEFTOVERS.search(text) is None
    assert "never-print-this-salt" not in html(state, language)
    assert len(html(state, language).encode()) < 300_000


@each_page
def test_page_says_no_more_than_statistics_can(state: str, language: str) -> None:
    text = page(state, language).words
    assert [p for p in FORBIDDEN if re.search(p, text, re.IGNORECASE)] == []


@each_page
def test_structure_is_sound(state: str, language: str) -> None:
    p = page(state, language)
    headings = [int(t[1]) for t, _ in p.tags if re.fullmatch(r"h[1-6]", t)]
    assert headings.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(headings))
    for landmark in ("header", "main", "footer", "h1"):
        assert len(p.all(landmark)) == 1
    ids = Counter(a["id"] for _, a in p.tags if "id" in a)
    assert [i for i, n in ids.items() if n > 1] == []
    assert [a["href"] for a in p.all("a") if a["href"][1:] not in ids] == []
    assert p.all("html")[0]["lang"] == language


@each_page
def test_every_table_has_a_caption_and_scopes(state: str, language: str) -> None:
    p = page(state, language)
    assert len(p.all("table")) == len(p.all("caption")) > 0
    assert all(a.get("scope") in {"col", "row", "rowgroup"} for a in p.all("th"))


@each_page
def test_every_picture_has_a_name_and_a_description(state: str, language: str) -> None:
    p = page(state, language)
    ids = {a["id"] for _, a in p.tags if "id" in a}
    for svg in p.all("svg"):
        if svg.get("role") == "img":
            assert {svg["aria-labelledby"], svg["aria-describedby"]} <= ids
        else:
            assert svg["aria-hidden"] == "true"


@each_page
def test_page_needs_nothing_from_elsewhere(state: str, language: str) -> None:
    p, source = page(state, language), html(state, language)
    assert p.all("script") == [] and "@import" not in source
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?\s*(?:https?:)?//", source)
    assert not re.search(r"url\((?!#)", source)
    assert not [k for _, a in p.tags for k in a if k.startswith("on")]
    policy = next(a["content"] for a in p.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


@pytest.mark.parametrize("state", [s for s in STATES if s != "hostile"])
def test_numbers_are_the_same_in_both_languages(state: str) -> None:
    def table(language: str) -> list[str]:
        source = html(state, language)
        cells = re.findall(r'<td class="(?:n|n w)">(.*?)</td>', source)
        return numbers(" ".join(re.sub(r"<[^>]+>", " ", c) for c in cells))

    assert table("en") == table("zh-CN")
    assert state == "invalid" or len(table("en")) > 20


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_invalid_page_withholds_every_amount_and_effect(language: str) -> None:
    text = page("invalid", language).words
    assert "¥" not in text and "ROI" not in text.replace("Campaign ROI report", "")
    assert {"en": "Not valid", "zh-CN": "结果无效"}[language] in text
    for section in ("s-money", "s-changed", "s-who"):
        assert section not in html("invalid", language)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_hostile_names_stay_words(language: str) -> None:
    source = html("hostile", language)
    assert "<script" not in source
    assert "49 " not in re.sub(r"[\d.]49 ", "", page("hostile", language).words[:400])
    assert "{{7*7}}" in page("hostile", language).words


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("ship", "Scale “Double points”"),
        ("stop", "Stop “Double points”: it costs more than it brings in"),
        ("iterate", "Gross-margin rate broke its limit"),
        ("extend", "Let the test run on"),
        ("not_settled", "the data fit both a gain and a loss"),
        ("works_not_shown_to_pay", "It works, but we cannot yet say that it pays"),
        ("sells_more_loses_money", "it sells more and loses money"),
        ("invalid", "Do not use these results"),
        ("dominant", "Earns more and costs less"),
        ("unbounded", "ROI not determinable"),
        ("dominated", "Costs money, no gain seen"),
        ("save_tradeoff", "each ¥1 saved gives up ¥0.43 of margin"),
        ("zero_cost", "No cost"),
        ("no_economics", "Repurchase rate"),
        ("zero_control_mean", "control is zero, so there is no relative change"),
        ("eight_arms", "8-fold points"),
        ("forty_segments", "store-39"),
    ],
)
def test_each_state_says_its_own_words(state: str, words: str) -> None:
    assert words in page(state, "en").words


@each_page
def test_reason_has_at_most_sixty_words(state: str, language: str) -> None:
    because = re.search(r'<h2 id="verdict-h">.*?</h2>\s*<p>(.*?)</p>', html(state, language), re.DOTALL)
    assert because is not None
    text = re.sub(r"<[^>]+>", "", because.group(1))
    assert 3 < len(text.split()) <= 60 or (language == "zh-CN" and 10 < len(text) <= 220)


def test_chinese_page_is_chinese_except_for_names() -> None:
    words = page("ship", "zh-CN").words
    found = set(re.findall(r"[A-Za-z]{3,}", words))
    allowed = {
        "LOY",
        "ROI",
        "CUPED",
        "ITT",
        "Holm",
        "Benjamini",
        "Hochberg",
        "Deng",
        "Welch",
        "Fieller",
        "Asia",
        "Shanghai",
        "loyalty",
        "exp",
    }
    assert found - allowed - {"report", "yaml", "orders", "pre", "points", "redeemed"} == set()


def test_same_readout_gives_the_same_bytes_in_another_place() -> None:
    program = (
        "import sys; from report.states import readout; from loyalty_exp.report.render import render;"
        "sys.stdout.buffer.write(render(readout('ship'), 'zh-CN').encode())"
    )
    places = [
        {"TZ": "Asia/Shanghai", "PYTHONHASHSEED": "1"},
        {"TZ": "America/New_York", "PYTHONHASHSEED": "2"},
    ]
    made = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, **p, "PYTHONPATH": str(ROOT / "tests")},
            capture_output=True,
            check=True,
        ).stdout
        for p in places
    ]
    assert made[0] == made[1] == html("ship", "zh-CN").encode()


def test_door_opens_without_the_plotting_library() -> None:
    program = "import loyalty_exp.report.render, sys; raise SystemExit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_templates_of_another_folder_are_used(tmp_path: Path) -> None:
    (tmp_path / "report.html.j2").write_text("{{ r.id }} {{ r.verdict.label }}", encoding="utf-8")
    assert render(readout("stop"), "en", tmp_path) == "LOY-2026-014 Stop"


def test_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="speaks en and zh-CN"):
        render(readout("ship"), "fr")


def test_template_uses_only_what_the_view_declares() -> None:
    from dataclasses import fields

    from loyalty_exp.report.view import ReportView

    declared = {f.name for f in fields(ReportView)}
    used = {
        m for f in template_folder().glob("*.j2") for m in re.findall(r"\br\.(\w+)", f.read_text("utf-8"))
    }
    assert used == declared


@pytest.mark.parametrize("state", ["ship", "invalid"])
def test_page_is_made_of_checks_nobody_has_named_yet(state: str) -> None:
    r = readout(state)
    r["health"].append(
        {"check": "brand_new_check", "status": "warn", "p_value": 0.03, "detail": {"odd": [1]}}
    )
    assert "brand new check" in Page(render(r, "en")).words


def test_a_folder_of_ones_own_overrides_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "report.css").write_text("body{color:rebeccapurple}", encoding="utf-8")
    page = render(readout("ship"), "en", tmp_path)
    assert "rebeccapurple" in page
    assert "<h1" in page
