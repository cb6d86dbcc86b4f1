"""The page in every state and both languages: structure, words, safety, and sameness."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest

from loyalty_exp.readout.tables import as_csv, tables
from loyalty_exp.report.render import render, template_folder
from report.fixtures import HOSTILE
from report.others import OTHERS
from report.states import STATES, readout
from report.words import FORBIDDEN, LEFTOVERS, Page, numbers
from report.words import page as rendered

ROOT = Path(__file__).resolve().parents[2]
PAGES = [(state, language) for state in STATES for language in ("en", "zh-CN")]
EVERY = PAGES + [(other, language) for other in OTHERS for language in ("en", "zh-CN")]
each_page = pytest.mark.parametrize(("state", "language"), PAGES)
each_of_all_pages = pytest.mark.parametrize(("state", "language"), EVERY)


@cache
def html(state: str, language: str) -> str:
    return OTHERS[state](language) if state in OTHERS else rendered(json.dumps(readout(state)), language)


@cache
def page(state: str, language: str) -> Page:
    return Page(html(state, language))


@each_of_all_pages
def test_page_is_whole_and_holds_no_leftovers(state: str, language: str) -> None:
    text = page(state, language).words.replace(HOSTILE, "")
    if state != "hostile":
        assert LEFTOVERS.search(text) is None
    assert "never-print-this-salt" not in html(state, language)
    assert len(html(state, language).encode()) < 300_000


@each_of_all_pages
def test_page_says_no_more_than_statistics_can(state: str, language: str) -> None:
    text = page(state, language).words
    assert [p for p in FORBIDDEN if re.search(p, text, re.IGNORECASE)] == []


@each_of_all_pages
def test_structure_is_sound(state: str, language: str) -> None:
    p = page(state, language)
    headings = [int(t[1]) for t, _ in p.tags if re.fullmatch(r"h[1-6]", t)]
    assert headings.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(headings))
    for landmark in ("header", "main", "footer", "h1"):
        assert len(p.all(landmark)) == 1
    ids = Counter(a["id"] for _, a in p.tags if "id" in a)
    assert [i for i, n in ids.items() if n > 1] == []
    links = [a["href"] for a in p.all("a") if "download" not in a]
    assert [h for h in links if h[:1] != "#" or h[1:] not in ids] == []
    assert p.all("html")[0]["lang"] == language


@each_of_all_pages
def test_every_table_has_a_caption_and_scopes(state: str, language: str) -> None:
    p = page(state, language)
    assert len(p.all("table")) == len(p.all("caption")) > 0
    assert all(a.get("scope") in {"col", "row", "rowgroup"} for a in p.all("th"))


@each_of_all_pages
def test_every_picture_has_a_name_and_a_description(state: str, language: str) -> None:
    p = page(state, language)
    ids = {a["id"] for _, a in p.tags if "id" in a}
    for svg in p.all("svg"):
        if svg.get("role") == "img":
            assert {svg["aria-labelledby"], svg["aria-describedby"]} <= ids
        else:
            assert svg["aria-hidden"] == "true"


@each_of_all_pages
def test_page_needs_nothing_from_elsewhere(state: str, language: str) -> None:
    p, source = page(state, language), html(state, language)
    assert p.all("script") == [] and "@import" not in source
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?\s*(?:https?:)?//", source)
    assert not re.search(r"url\((?!#)", source)
    assert not [k for _, a in p.tags for k in a if k.startswith("on")]
    policy = next(a["content"] for a in p.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


@each_page
def test_first_screen_has_four_tiles_and_the_foot_tells_how_to_make_the_page_again(
    state: str, language: str
) -> None:
    source, r = html(state, language), readout(state)
    assert source.count('class="kpi"') == (0 if state == "invalid" else 4)
    foot = Page(source[source.index("<footer") :]).words
    assert r["experiment"]["spec_hash"] in foot and "loyalty-exp report" in foot


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
        ("worse", "Stop “Double points”: it makes Repurchase rate worse"),
        ("no_cost_data", "a return on nothing spent has no meaning"),
        ("zero_control_primary", "control is zero, so there is no relative change"),
        ("provisional_ship", "The readout is provisional: some outcomes are still open."),
        ("observational", "Pilot “Double points” against a control group drawn at random"),
        ("three_arms", "3-fold points"),
        ("five_arms", "5-fold points"),
        ("long_names", "Scale “Accelerator of bonus points for members who…”"),
        ("many_findings", "7 found ( 0.02% ) in the points table."),
        ("amended", "Version 3 of 10 Sep 2026 , after looks at the outcomes ( 2 )"),
        ("locked_after_look", "The plan was locked on 12 Oct 2026 , after looks at the outcomes: 3 ."),
        ("unlocked", "The plan was not locked before the results"),
        ("factorial", "Interaction of bonus points and shipping"),
    ],
)
def test_each_state_says_its_own_words(state: str, words: str) -> None:
    assert words in page(state, "en").words


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_without_randomization_a_win_is_no_more_than_a_pilot(language: str) -> None:
    text = page("observational", language).words
    first = text[: text.index({"en": "What happens next", "zh-CN": "下一步"}[language])]
    assert {"en": "Pilot only", "zh-CN": "仅限试点"}[language] in first
    assert {"en": "Weak", "zh-CN": "弱"}[language] in first
    assert not re.search({"en": r"Scale\b|Approve", "zh-CN": "全量推广|批准"}[language], first)
    assert {"en": "not formed at random", "zh-CN": "并非随机形成"}[language] in first
    assert not re.search(
        {"en": r"assigned to groups at random|chosen at random", "zh-CN": "随机分配"}[language], text
    )
    strong = readout("observational")
    strong["experiment"]["evidence_level"] = "strong"
    assert render(strong, language) == html("observational", language)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_departures_from_the_plan_are_told_and_secrets_are_not(language: str) -> None:
    text = page("amended", language).words
    method = text[text.index({"en": "Departures from", "zh-CN": "与预登记方案的偏离"}[language]) :]
    assert "More members were needed" in method and "metrics[3]" in method
    assert {"en": "kept out of the page", "zh-CN": "不在页面中显示"}[language] in method
    assert {"en": "Not as first registered", "zh-CN": "与最初预登记不一致"}[language] in text
    for state, said in (
        ("ship", {"en": "locked and has not changed since", "zh-CN": "方案已锁定，此后未作修改"}),
        ("unlocked", {"en": "was not locked before", "zh-CN": "在结果产生之前未锁定"}),
    ):
        assert said[language] in page(state, language).words
        assert {"en": "Version", "zh-CN": "版本"}[language] not in page(state, language).words


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_contrasts_are_told_metric_by_metric_with_money_last(language: str) -> None:
    source = html("factorial", language)
    table = source[source.index("Arms weighed" if language == "en" else "各组加权对比") :].split("</table>")[
        0
    ]
    rows = [
        [" ".join(re.sub(r"<[^>]+>", " ", c).split()) for c in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in table.split("<tr")[2:]
    ]
    heads = [row[0] for row in rows if len(row) == 1]
    money = {"en": "Net benefit per member, before fixed costs", "zh-CN": "每会员净收益（未扣固定投入）"}
    assert len(heads) == 5 and heads[-2] == money[language]
    to = {"en": "to", "zh-CN": "至"}[language]
    first = next(row for row in rows if len(row) > 1 and "bonus points" in row[0])
    assert "off → on" in first[0]
    assert first[1] == f"+¥2.90 +¥1.72 {to} +¥4.08"
    better, joint = {"en": ("Better", "Below zero"), "zh-CN": ("改善", "小于零")}[language]
    assert first[3].startswith(better) and "p &lt; 0.001" in first[3]
    assert next(row for row in rows if "shipping" in row[0] and "bonus" in row[0])[3].startswith(joint)
    on_top = {"en": "shipping on top of Double points", "zh-CN": "在“双倍积分”之上再加 shipping"}[language]
    return_on_it = {
        "en": "with fixed costs +¥0.40; ROI of what is added 27% (−12% to 66%)",
        "zh-CN": "计入固定投入后 +¥0.40；新增投入的 ROI 27%（−12% 至 66%）",
    }[language]
    told = next(row for row in rows if row[0].startswith(on_top))[3]
    assert return_on_it.replace(" ", "") in told.replace(" ", "")
    why = {"en": "a group holds no units", "zh-CN": "有一组没有样本"}[language]
    assert rows[-1][1].startswith("–") and why in rows[-1][3]
    weights = {"en": "+1 × Both", "zh-CN": "+1 × 都给"}[language]
    assert weights in next(row for row in rows if len(row) > 1)[0]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_what_the_test_could_have_found_is_that_of_its_standard_error(language: str) -> None:
    r = readout("ship")
    e = r["estimates"][0]
    least = (1.959964 + 0.841621) * e["absolute"]["std_error"]
    source = html("ship", language)
    figure = source[source.index('id="found-t"') :].split("</figure>")[0]
    cells = re.findall(r'<th scope="row" class="plain n">(.*?)</th><td class="n">(.*?)</td>', figure)
    assert [c[0] for c in cells] == [
        f"{round(e['units_treatment'] * s):,}" for s in (0.1, 0.25, 0.5, 1, 1.5, 2)
    ]
    wanted = [least / s**0.5 for s in (0.1, 0.25, 0.5, 1, 1.5, 2)]
    assert all(abs(float(c[1][1:]) - w) <= 0.00501 for c, w in zip(cells, wanted, strict=True))
    assert "+¥4.89" in re.sub(r"<[^>]+>", "", figure)


@pytest.mark.parametrize("state", ["invalid", "observational", "early_ship", "any_time"])
def test_what_the_test_could_have_found_is_left_out_where_it_would_mislead(state: str) -> None:
    assert 'id="found-t"' not in html(state, "en")


@each_page
def test_every_table_of_the_readout_is_one_link_away(state: str, language: str) -> None:
    r, found = readout(state), {}
    for a in page(state, language).all("a"):
        if "download" in a:
            assert a["href"].startswith("data:text/csv;charset=utf-8,")
            text = unquote(a["href"].split(",", 1)[1])
            assert text.startswith("\ufeff")
            found[a["download"]] = text.removeprefix("\ufeff")
    own = r["experiment"]["id"]
    drawn = found.pop(f"{own}.detectable.csv", None)
    assert (drawn is not None) == ('id="found-t"' in html(state, language))
    assert drawn is None or re.match(
        r"units_treatment,smallest_difference\r?\n([\d.]+,[\d.e-]+\r?\n){6}$", drawn
    )
    told = {n: t for n, t in tables(r).items() if state != "invalid" or n in {"arms", "health"}}
    assert found == {f"{own}.{n}.csv": as_csv(t.header, t.rows) for n, t in told.items()}


@each_of_all_pages
def test_every_chart_has_a_table_beside_it(state: str, language: str) -> None:
    figures = re.findall(r"<figure.*?</figure>", html(state, language), re.DOTALL)
    for figure in figures:
        if 'class="chart' in figure:
            assert "<table" in figure and "<caption" in figure
            described = re.search(r'aria-describedby="([^"]+)"', figure)
            assert described is not None
            text = figure[figure.index(f'id="{described.group(1)}"') :].split("</p>")[0]
            words = re.sub(r"<[^>]*>|^[^>]*>", "", text)
            assert len(words) > 20 and re.search(r"\d", words)
    if state == "ship":
        assert len(figures) == 4


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
    assert found - allowed - {"CSV", "report", "yaml", "orders", "pre", "points", "redeemed"} == set()


def test_same_readout_gives_the_same_bytes_on_another_day_in_another_place() -> None:
    program = (
        "import datetime, os, sys, time\n"
        "day = float(os.environ['DAY'])\n"
        "time.time = lambda: day\n"
        "class Day(datetime.datetime):\n"
        "    @classmethod\n"
        "    def now(cls, tz=None): return cls.fromtimestamp(day, tz)\n"
        "    @classmethod\n"
        "    def utcnow(cls): return cls.fromtimestamp(day)\n"
        "    @classmethod\n"
        "    def today(cls): return cls.fromtimestamp(day)\n"
        "datetime.datetime = Day\n"
        "from report.others import OTHERS\n"
        "from report.states import readout\n"
        "from loyalty_exp.report.render import render\n"
        "made = [render(readout(s), l) for s, l in (('ship', 'zh-CN'), ('built_up', 'en'))]\n"
        "made += [OTHERS[o](l) for o, l in (('plan', 'zh-CN'), ('portfolio', 'en'))]\n"
        "sys.stdout.buffer.write(chr(0).join(made).encode())"
    )
    places = [
        {"TZ": "Asia/Shanghai", "PYTHONHASHSEED": "1", "DAY": "1700000000"},
        {"TZ": "America/New_York", "PYTHONHASHSEED": "2", "DAY": "1900000000"},
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
    pages = (("ship", "zh-CN"), ("built_up", "en"), ("plan", "zh-CN"), ("portfolio", "en"))
    assert made[0] == made[1] == "\0".join(html(*page) for page in pages).encode()


def test_eight_arms_with_sixty_metrics_stay_below_the_hard_limit() -> None:
    r = readout("built_up_eight")
    plain = [m["id"] for m in r["plan"]["metrics"] if m["role"] != "guardrail"]
    own = [e for e in r["estimates"] if e["metric"] in plain]
    for i in range(1, 12):
        again = [{**m, "id": f"{m['id']}{i}"} for m in r["plan"]["metrics"][: len(plain)]]
        r["plan"]["metrics"] += [m | {"role": "secondary"} for m in again]
        r["estimates"] += [{**e, "metric": f"{e['metric']}{i}", "role": "secondary"} for e in own]
    assert len(r["plan"]["metrics"]) > 60
    assert len(render(r, "zh-CN").encode()) < 1_000_000


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


def test_readouts_of_the_states_are_of_the_published_form() -> None:
    from jsonschema import Draft202012Validator

    from loyalty_exp.readout.schema import readout_schema

    schema = readout_schema()
    # Readouts written by hand may leave keys out; what they hold is of the published kind.
    for part in (schema, *schema["$defs"].values()):
        part.pop("required", None)
    wrong = {
        s: [e.message[:90] for e in Draft202012Validator(schema).iter_errors(readout(s))] for s in STATES
    }
    assert {s: w[:2] for s, w in wrong.items() if w} == {}


def test_a_folder_of_ones_own_overrides_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "report.css").write_text("body{color:rebeccapurple}", encoding="utf-8")
    page = render(readout("ship"), "en", tmp_path)
    assert "rebeccapurple" in page
    assert "<h1" in page
