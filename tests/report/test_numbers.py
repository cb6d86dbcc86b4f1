"""What the page shows is what `readout.json` holds, read back from the page and compared as numbers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from report.states import STATES, readout
from report.words import page, tidy

NUMBER = re.compile(r"([+−-]?)\s*[¥$]?\s*(\d[\d,]*)(\.\d+)?\s*(%|pp|个百分点)?")
PLAIN = [s for s in STATES if s not in {"hostile", "invalid", "long_names"}]
both = pytest.mark.parametrize("language", ["en", "zh-CN"])
Shown = tuple[float, float, bool]


def shown(text: str) -> list[Shown]:
    """Numbers of a cell: value, half a unit of its last figure, and whether it counts in hundredths."""
    found = []
    for sign, whole, rest, unit in NUMBER.findall(text):
        value = float(whole.replace(",", "") + rest) * (-1 if sign in {"−", "-"} else 1)
        trailing = len(whole) - len(whole.rstrip("0")) if not rest and whole != "0" else 0
        step = 10.0 ** (trailing if not rest else 1 - len(rest))
        found.append((value, step / 2, bool(unit)))
    return found


def same(cell: list[Shown], wanted: list[float], percent: bool) -> bool:
    """Say whether shown numbers are the wanted ones within rounding; a percentage is of hundredths."""
    scale = 100 if percent else 1
    return len(cell) == len(wanted) and all(
        abs(v - scale * w) <= half * 1.0001 for (v, half, _), w in zip(cell, wanted, strict=True)
    )


def table_of(html: str, start: str) -> list[list[str]]:
    """Rows of the first table after a text, as the words of their cells; small print joined to its cell."""
    table = html[html.index(start) :].split("</table>")[0]
    rows = []
    for row in table.split("<tr")[1:]:
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        rows.append([tidy(re.sub(r"<svg.*?</svg>", "", c, flags=re.DOTALL)) for c in cells])
    return rows


def overall(r: dict[str, Any], *roles: str) -> list[dict[str, Any]]:
    """Estimates of all units, in the order of the table: by pillar, then as planned."""
    order = {m["id"]: i for i, m in enumerate(r["plan"]["metrics"])}
    pillars = ["satisfaction", "growth", "cost", "advocacy"]
    metrics = {m["id"]: m for m in r["plan"]["metrics"]}
    own = [e for e in r["estimates"] if e["segment"] is None and e["role"] in roles]
    own.sort(key=lambda e: order[e["metric"]])
    if "guardrail" not in roles:
        own.sort(key=lambda e: pillars.index(metrics[e["metric"]]["pillar"]))
    return own


@both
@pytest.mark.parametrize("state", PLAIN)
def test_metric_table_shows_the_numbers_of_the_readout(state: str, language: str) -> None:
    r = readout(state)
    metrics = {m["id"]: m for m in r["plan"]["metrics"]}
    html = page(json.dumps(r), language)
    start = {"en": "Every metric, each arm against control", "zh-CN": "全部指标"}[language]
    rows = [row for row in table_of(html, start) if len(row) == 7][1:]
    wanted = overall(r, "primary", "secondary")
    assert len(rows) == len(wanted) > 0
    for cells, e in zip(rows, wanted, strict=True):
        percent = metrics[e["metric"]]["display"] == "percent"
        if e["absolute"] is None:
            assert cells[3].startswith("–")
            continue
        assert same(shown(cells[1]), [e["mean_control"]], percent), (cells, e)
        assert same(shown(cells[2]), [e["mean_treatment"]], percent), (cells, e)
        seen = e["sequential"] or e["absolute"]
        bounds = [b for b in (seen["ci_lower"], seen["ci_upper"]) if b is not None]
        assert same(shown(cells[3]), [e["absolute"]["estimate"], *bounds], percent), (cells, e)
        if e["relative"] and e["relative"]["estimate"] is not None:
            found = e["relative"]
            sure = [] if e["sequential"] else [found["ci_lower"], found["ci_upper"]]
            assert same(shown(cells[4]), [found["estimate"], *[b for b in sure if b is not None]], True)
        p = seen["p_value_adjusted"] if seen["p_value_adjusted"] is not None else seen["p_value"]
        if p is not None and p >= 0.001 and not e["not_estimable"]:
            told = re.search(r"= (0\.\d+|1\.00)", cells[6])
            assert told is not None and abs(float(told.group(1)) - p) <= 0.5 * 10.0 ** -(
                len(told.group(1)) - 2
            )


@both
@pytest.mark.parametrize("state", PLAIN)
def test_guardrail_table_shows_the_numbers_of_the_readout(state: str, language: str) -> None:
    r = readout(state)
    metrics = {m["id"]: m for m in r["plan"]["metrics"]}
    wanted = overall(r, "guardrail")
    if not wanted:
        return
    start = {"en": "Guardrails: what must not get worse", "zh-CN": "护栏指标：不允许变差的指标"}[language]
    rows = [row for row in table_of(page(json.dumps(r), language), start) if len(row) == 7][1:]
    assert len(rows) == len(wanted)
    for cells, e in zip(rows, wanted, strict=True):
        metric, found = metrics[e["metric"]], e["absolute"]
        percent = metric["display"] == "percent"
        for cell, value in ((cells[1], e["mean_control"]), (cells[2], e["mean_treatment"])):
            assert same(shown(cell), [value], percent), (cells, e)
        if found is not None:
            bounds = [b for b in (found["ci_lower"], found["ci_upper"]) if b is not None]
            assert same(shown(cells[3]), [found["estimate"], *bounds], percent), (cells, e)
        if e["guardrail"]:
            worse = e["guardrail"]["margin"] * (1 if metric["direction"] == "decrease" else -1)
            assert same(shown(cells[4]), [worse], percent), (cells, e)


@both
@pytest.mark.parametrize("state", PLAIN)
def test_forest_shows_every_cell_of_the_readout_beside_the_effect_of_all(state: str, language: str) -> None:
    r = readout(state)
    html = page(json.dumps(r), language)
    if not any(e["segment"] for e in r["estimates"]):
        assert 'class="overall"' not in html
        return
    metrics = {m["id"]: m for m in r["plan"]["metrics"]}
    forests = html[html.index('id="s-who"') :].split("</section>")[0].split("<table")[1:]
    told = [row for f in forests for row in table_of(f, ">") if len(row) == 5 and shown(row[1])]
    cells = [e for e in r["estimates"] if e["segment"] and not e["suppressed"]]
    whole = {(e["metric"], e["treatment"]) for e in cells}
    assert len(told) == len(cells) + len(forests) and len(forests) >= len(whole)
    known = [e for e in cells if e["absolute"] and e["absolute"]["ci_lower"] is not None]
    assert sum(f.count('class="overall"') for f in forests) == len(known)
    for e in known:
        percent = metrics[e["metric"]]["display"] == "percent"
        numbers = [e["absolute"][k] for k in ("estimate", "ci_lower", "ci_upper")]
        units = [float(e["units_treatment"] + e["units_control"])]
        assert any(
            same(shown(row[1]), units, False) and same(shown(row[3]), numbers, percent) for row in told
        ), e


@both
@pytest.mark.parametrize("state", [s for s in PLAIN if s not in {"no_economics", "no_cost_data"}])
def test_money_table_shows_the_ledger_of_the_readout(state: str, language: str) -> None:
    r = readout(state)
    arm = r["decision"]["arm"]
    best = max(r["economics"], key=lambda e: e["net_benefit_total"]["estimate"])
    e = next((x for x in r["economics"] if x["treatment"] == arm), best)
    html = page(json.dumps(r), language)
    section = html[html.index('id="waterfall-t"') :]
    rows = [row for row in table_of(section, "<table>") if row][1:]
    lines = e["cost_lines"]
    by_name = {row[0]: row for row in rows}
    for line in lines:
        name = line["name"] if isinstance(line["name"], str) else (line["name"] or {}).get(language)
        cells = by_name[name] if name in by_name else next(x for x in rows if line["id"] in x[0].lower())
        per_unit, total = (shown(cells[-3]), shown(cells[-2]))
        assert abs(per_unit[0][0] - line["per_unit"]) <= max(per_unit[0][1], 0.005) * 1.0001
        assert abs(total[0][0] - line["total"]) <= max(total[0][1], 0.5) * 1.0001
    net = shown(rows[-1][-2])[0]
    assert abs(net[0] - e["net_benefit_total"]["estimate"]) <= max(net[1], 0.5) * 1.0001
    own = [shown(by_name[row[0]][-2])[0] for row in rows[1 : 1 + len(lines)]]
    rest = shown(rows[0][-2])[0][0] - sum(value for value, _, _ in own)
    assert abs(rest - net[0]) <= 0.5 * (len(own) + 2) * 1.0001
    for row, (value, _, _) in zip(rows[1:], own, strict=False):
        spent = sum(c["total"] for c in lines)
        if row[-1] not in {"–", ""}:
            assert abs(shown(row[-1])[0][0] - 100 * value / spent) <= shown(row[-1])[0][1] + 0.1
    benefit = shown(rows[0][-2])[0]
    assert abs(benefit[0] - e["benefit"]["estimate"] * e["units"]) <= max(benefit[1], 0.5) * 1.0001


@both
@pytest.mark.parametrize("state", [s for s in PLAIN if s not in {"no_economics"}])
def test_first_tiles_show_money_to_three_figures(state: str, language: str) -> None:
    r = readout(state)
    arm = r["decision"]["arm"]
    best = max(r["economics"], key=lambda e: e["net_benefit_total"]["estimate"])
    e = next((x for x in r["economics"] if x["treatment"] == arm), best)
    html = page(json.dumps(r), language)
    tiles = re.findall(r'<div class="kpi"><dt>.*?</dt><dd><b[^>]*>(.*?)</b>', html, re.DOTALL)
    value, half, _ = shown(tidy(tiles[0]))[0]
    net = e["net_benefit_total"]["estimate"]
    assert abs(value - net) <= half * 1.0001 and half <= max(abs(net) * 0.06, 0.5)
    roi = e["roi"]
    if roi["status"] == "interval":
        value, half, percent = shown(tidy(tiles[1]))[0]
        assert percent and abs(value - 100 * roi["estimate"]) <= half * 1.0001
