"""Every code that the package can emit has words in both languages; none shows as an identifier."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import get_args

import pytest

from loyalty_exp.economics.break_even import RateStatus
from loyalty_exp.economics.coupons import ShareStatus
from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.readout.result import Action
from loyalty_exp.readout.tables import tables
from loyalty_exp.report import coupons, method, points, readings, verdict
from loyalty_exp.report.check_names import FINDINGS, NAMES, TABLES
from loyalty_exp.report.deviations import AFTER_A_LOOK, LATE
from loyalty_exp.report.files import TITLES
from loyalty_exp.report.language import speech
from loyalty_exp.report.render import render
from loyalty_exp.report.roi import QUADRANT_NOTES, QUADRANTS
from loyalty_exp.spec.analysis import Multiplicity
from loyalty_exp.spec.events import EVENT_TABLES
from loyalty_exp.stats.benefit_cost import Quadrant
from report.states import STATES, readout
from report.words import Page

PACKAGE = Path(__file__).resolve().parents[2] / "loyalty_exp"
CODE = re.compile(r"[a-z]+(_[a-z]+)*")


def codes_in(folder: str, maker: str) -> set[str]:
    """Codes of what a folder makes: those written in the call, and those it draws from a table beside it."""
    found: set[str] = set()
    for path in (PACKAGE / folder).glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for function in [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]:
            calls = [
                n.args[0]
                for n in ast.walk(function)
                if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == maker and n.args
            ]
            found |= {str(a.value) for a in calls if isinstance(a, ast.Constant)}
            if any(isinstance(a, ast.Name) for a in calls):
                firsts = [n.elts[0] for n in ast.walk(function) if isinstance(n, ast.Tuple) and n.elts]
                tabled = [n.value for n in ast.walk(function) if isinstance(n, ast.Attribute)]
                firsts += [k for d in tabled if isinstance(d, ast.Dict) for k in d.keys if k]
                found |= {str(f.value) for f in firsts if isinstance(f, ast.Constant)}
    return {code for code in found if CODE.fullmatch(code)}


def codes_of_key(path: str, key: str = "code") -> set[str]:
    """Constant values that a file writes under a key."""
    tree = ast.parse((PACKAGE / path).read_text("utf-8"))
    return {
        str(v.value)
        for n in ast.walk(tree)
        if isinstance(n, ast.Dict)
        for k, v in zip(n.keys, n.values, strict=True)
        if isinstance(k, ast.Constant) and k.value == key and isinstance(v, ast.Constant)
    }


def returned(path: str, function: str) -> set[str]:
    """Texts that a function returns."""
    tree = ast.parse((PACKAGE / path).read_text("utf-8"))
    own = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == function)
    return {
        str(n.value.value)
        for n in ast.walk(own)
        if isinstance(n, ast.Return) and isinstance(n.value, ast.Constant) and n.value.value is not None
    }


CHECKS = codes_in("readout", "HealthCheck") | codes_in("outcomes", "Finding")


def test_the_search_sees_what_is_known_to_be_there() -> None:
    known = {"sample_ratio_by_segment", "few_clusters", "outlier", "taken_back_without_event", "no_variance"}
    assert known <= CHECKS and len(CHECKS) >= 30
    assert {"amended", "locked_after_look"} <= codes_of_key("store/registration.py")
    assert {"horizon_changed", "post_hoc_metric"} <= returned("store/registration.py", "_kind")


def test_every_check_has_names_and_findings_of_the_data_are_told_once() -> None:
    assert CHECKS - set(NAMES) - set(FINDINGS) == set()
    assert codes_in("outcomes", "Finding") - set(FINDINGS) == {"allocation_drift", "missing_outcome"}


def test_every_departure_from_the_plan_has_words() -> None:
    assert codes_of_key("store/registration.py") - set(LATE) == {"amended"}
    assert returned("store/registration.py", "_kind") == set(AFTER_A_LOOK)


def test_every_kind_of_the_vocabularies_has_words() -> None:
    assert set(ESTIMATORS) - set(readings.METHODS) == set()
    assert set(EVENT_TABLES) - set(TABLES) == set()
    assert set(get_args(Action)) - set(verdict.LABELS) == set()
    assert set(get_args(Action)) - set(verdict.ASKS) == set()
    levels = {"none", "weak", "moderate", "strong"}
    assert levels - set(verdict.EVIDENCE) == set()
    assert set(get_args(Quadrant)) == set(QUADRANTS) == set(QUADRANT_NOTES)
    assert {s for s in get_args(RateStatus) if s != "inside"} == set(points.AT_ANY_RATE)
    assert {s for s in get_args(ShareStatus) if s != "inside"} == set(coupons.AT_ANY_SHARE)
    adjusted = {choice for f in Multiplicity.model_fields.values() for choice in get_args(f.annotation)}
    assert adjusted - set(method.MULTIPLICITY) == set()


def test_every_table_has_a_title() -> None:
    found = {name for state in STATES for name in tables(readout(state))}
    assert found - set(TITLES) == set()


@pytest.mark.parametrize("table", [NAMES, FINDINGS])
def test_names_are_chinese_in_chinese(table: dict[str, tuple[str, str]]) -> None:
    say = speech("zh-CN").translations.gettext
    assert [c for c, names in table.items() if not all(re.search("[一-鿿]", say(n)) for n in names)] == []


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("status", ["pass", "warn", "fail", "not_run"])
def test_no_code_shows_as_an_identifier(language: str, status: str) -> None:
    r = readout("many_findings")
    told = {c["check"] for c in r["health"]}
    for code in sorted(CHECKS - told):
        r["health"].append({"check": code, "status": status, "p_value": None, "detail": {}})
    r["health"][5]["detail"]["codes"] = sorted(CHECKS)
    r["warnings"] = sorted(CHECKS)
    r["plan"]["deviations"] = readout("amended")["plan"]["deviations"]
    words = Page(render(r, language)).words
    # One-word codes, such as `data`, are words of English too.
    codes = {c for c in CHECKS | set(AFTER_A_LOOK) | set(LATE) if "_" in c}
    assert [c for c in codes if c in words] == []
    if language == "zh-CN":
        assert [c for c in codes if c.replace("_", " ") in words] == []
