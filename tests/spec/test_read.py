"""The door of the spec: what is read, what is refused, and in which words."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from loyalty_exp.errors import Problem, SpecError
from loyalty_exp.spec.read import (
    check,
    check_text,
    json_schema,
    read,
    read_text,
    render_github,
    render_json,
    render_text,
    resolved_yaml,
)

DATA = Path(__file__).parent / "data"
GOLDEN = Path(__file__).parents[1] / "golden" / "spec_errors.txt"
TRANSACTIONS = (DATA / "double_points.yaml").read_text("utf-8")
UNITS = (DATA / "hillstrom_email.yaml").read_text("utf-8")


def plain(text: str) -> Any:
    return YAML(typ="safe").load(text)


def dates_as_text(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def changed(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def errors(text: str) -> list[tuple[str, str]]:
    return [
        (p.path, f"{p.message} | {p.hint}") for p in check_text(text, "spec.yaml")[1] if p.severity == "error"
    ]


@pytest.mark.parametrize("name", ["hillstrom_email", "double_points"])
def test_a_design_spec_is_read_as_it_stands(name: str) -> None:
    assert read(DATA / f"{name}.yaml").experiment == name


@pytest.mark.parametrize("name", ["hillstrom_email", "double_points"])
def test_a_resolved_spec_is_read_again_to_the_same_hash(name: str) -> None:
    spec = read(DATA / f"{name}.yaml")
    again = read_text(resolved_yaml(spec))
    assert again.spec_hash == spec.spec_hash
    assert resolved_yaml(again) == resolved_yaml(spec)


def test_unclear_words_are_quoted_when_a_spec_is_printed() -> None:
    arms = UNITS[UNITS.index("  control:") : UNITS.index("metrics:")]
    unclear = "  control: 'off'\n  treatments: ['no', '1_0', '012', 'null', '# x', 'a: b', '1e3']\n"
    spec = read_text(changed(UNITS, (arms, unclear), (", arms: [Mens E-Mail, Womens E-Mail]", "")))
    assert spec.treatments == ("no", "1_0", "012", "null", "# x", "a: b", "1e3")
    assert read_text(resolved_yaml(spec)).spec_hash == spec.spec_hash


def test_key_order_and_comments_do_not_change_the_hash() -> None:
    lines = UNITS.splitlines()
    assert lines[1].startswith("question") and lines[2].startswith("unit")
    swapped = "\n".join(["# a comment", lines[0], lines[2], lines[1], *lines[3:]])
    assert read_text(swapped).spec_hash == read_text(UNITS).spec_hash


def test_valid_parts_that_are_not_yet_run_are_notices() -> None:
    experiment, problems = check(DATA / "double_points.yaml")
    assert experiment is not None
    assert [(p.severity, p.line, p.column, p.path) for p in problems] == [
        ("notice", 17, 30, "arms[1].intervention"),
    ]
    assert "outcome window ends with it" in problems[0].message


def test_five_mistakes_earn_five_problems_in_the_order_of_the_file() -> None:
    text = (DATA / "five_mistakes.yaml").read_text("utf-8")
    with pytest.raises(SpecError) as caught:
        read_text(text, "five_mistakes.yaml")
    listed = render_text(caught.value.problems) + "\n"
    if os.environ.get("RENEW_GOLDEN"):
        GOLDEN.write_text(listed, "utf-8")
    assert listed == GOLDEN.read_text("utf-8")
    assert len(caught.value.problems) == 5


CROSS_CHECKS: list[tuple[str, tuple[tuple[str, str], ...], str, str]] = [
    (UNITS, (("metric: spend,", "metric: spent,"),), "economics.benefit.metric", "did you mean 'spend'?"),
    (UNITS, (("margin: 0.40", "value: 2"),), "economics.benefit.value", "write margin"),
    (UNITS, (("metric: spend, margin", "metric: visit, margin"),), "economics.benefit.margin", "write value"),
    (UNITS, (("metric: spend, margin: 0.40", "metric: visit"),), "economics.benefit.value", "is required"),
    (UNITS, (("arms: [Mens E-Mail,", "arms: [Mens Email,"),), "economics.costs[0].arms[0]", "'Mens E-Mail'?"),
    (UNITS, (("[history, recency]", "[pre]"),), "metrics[0].covariates", "per-unit table"),
    (UNITS, (("per_unit: 0.05", "per_unit: email"),), "economics.costs[0].per_unit", "not a price"),
    (
        UNITS,
        (("[history, recency]", "[history], cap: {quantile: 0.99}"),),
        "metrics[0].cap.quantile",
        "pre_column",
    ),
    (UNITS, (("[history, recency]", "[history], within_days: 7"),), "metrics[0].within_days", "per-unit"),
    (UNITS, (("id: visit", "id: spend"),), "metrics[2].id", "defined twice"),
    (UNITS, (("id: visit", "id: history"),), "metrics[0].covariates", "the metric 'history' another id"),
    (TRANSACTIONS, (("covariates: [pre]", "covariates: [orders]"),), "metrics[0].covariates", "'orders'"),
    (UNITS, (("role: primary, ", ""),), "metrics", "role: primary"),
    (TRANSACTIONS, (("pre_days: 56, ", ""),), "metrics[0].covariates", "pre_days"),
    (TRANSACTIONS, (("outcome_days: 28, ", ""),), "schedule.outcome_days", "is required"),
    (TRANSACTIONS, (("metric: margin", "metric: aov"),), "economics.benefit.metric", "ratio"),
    (TRANSACTIONS, (("numerator: spend", "numerator: aov"),), "metrics[2].numerator", "itself"),
    (TRANSACTIONS, (("id: set_up", "id: points"),), "economics.costs[1].id", "defined twice"),
    (TRANSACTIONS, (("[segment]", "[segment, segment]"),), "segments[1].id", "defined twice"),
    (TRANSACTIONS, (("[segment]", "[Past Year]"),), "segments[0]", "column: 'Past Year'"),
]


@pytest.mark.parametrize(("text", "pairs", "path", "words"), CROSS_CHECKS)
def test_sections_are_checked_against_each_other(text: str, pairs: Any, path: str, words: str) -> None:
    found = errors(changed(text, *pairs))
    assert path in [p for p, _ in found]
    assert any(words in w for p, w in found if p == path)


def test_arms_must_fit_the_shape_of_the_data() -> None:
    listed = TRANSACTIONS[TRANSACTIONS.index("arms:") : TRANSACTIONS.index("schedule:")]
    in_column = UNITS[UNITS.index("arms:") : UNITS.index("metrics:")]
    assert errors(changed(UNITS, (in_column, listed)))[0][0] == "arms"
    assert [p for p, _ in errors(changed(TRANSACTIONS, (listed, in_column)))] == ["arms"]


def test_a_rule_about_money_needs_economics() -> None:
    without = UNITS[: UNITS.index("economics:")] + UNITS[UNITS.index("decision:") :]
    assert [p for p, _ in errors(without)] == ["decision.ship_if.probability_net_benefit_positive"]


def test_a_mistake_in_one_section_does_not_hide_those_in_others() -> None:
    text = changed(TRANSACTIONS, ("multiplier: 2", "multiplier: two"), ("metric: margin", "metric: margn"))
    assert [p for p, _ in errors(text)] == ["arms[1].intervention.multiplier", "economics.benefit.metric"]


def test_the_key_on_of_next_steps_needs_no_quotes() -> None:
    steps = "\n  next_steps: [{action: Roll out, on: [ship]}]"
    assert read_text(UNITS.rstrip() + steps + "\n").decision.next_steps[0].on == ("ship",)


@pytest.mark.parametrize("word", ["yes", "No", "OFF", "y", "012", "12:30", "12:30:45", "1_000", "0x1F"])
def test_words_that_readers_take_for_different_things_must_be_quoted(word: str) -> None:
    (found,) = errors(changed(UNITS, ("unit: customer_id", f"unit: {word}")))
    assert found[0] == "unit" and f"quote it: '{word}'" in found[1]
    assert read_text(changed(UNITS, ("unit: customer_id", f"unit: '{word}'"))).unit == word


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from paths(value[key], (*path, key))


@pytest.mark.parametrize("odd", ["x", [], None])
@pytest.mark.parametrize("text", [UNITS, TRANSACTIONS])
def test_any_value_in_any_place_is_read_or_refused_in_words(text: str, odd: Any) -> None:
    whole = dates_as_text(plain(text))
    for path in paths(whole):
        spec = copy.deepcopy(whole)
        inner = spec
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = odd
        experiment, problems = check_text(json.dumps(spec, indent=1))
        wrong = [p for p in problems if p.severity == "error"]
        assert (experiment is None) == bool(wrong), path
        assert all(p.line > 0 and p.column > 0 for p in wrong), path
        assert not any(word in p.message for p in wrong for word in ("Input", "Tuple", "valid "))


PROGRAM = """\
program: shop
timezone: Asia/Shanghai
currency: {code: CNY, symbol: ¥}
cost_prices: {email: {price: 0.05, per: message}}
metrics:
  - {id: spend, type: amount, column: spend}
"""
WITH_PROGRAM = changed(
    UNITS,
    ("unit: customer_id", "program: program.yaml\nunit: customer_id"),
    ("{id: spend, type: amount, column: spend, role: primary", "{use: spend, role: primary"),
    ("per_unit: 0.05", "per_unit: email"),
)


def test_a_program_file_lends_its_metrics_and_prices(tmp_path: Path) -> None:
    (tmp_path / "program.yaml").write_text(PROGRAM, "utf-8")
    (tmp_path / "spec.yaml").write_text(WITH_PROGRAM, "utf-8")
    spec = read(tmp_path / "spec.yaml")
    assert spec.program.timezone == "Asia/Shanghai"
    assert (spec.metrics[0].id, spec.metrics[0].role) == ("spend", "primary")
    assert spec.economics is not None and spec.economics.costs[0].per_unit == 0.05
    assert read_text(resolved_yaml(spec)).spec_hash == spec.spec_hash


def test_a_program_file_is_not_taken_for_a_spec() -> None:
    assert [words for _, words in errors(PROGRAM)] == [
        "this is a program file, not the spec of an experiment | name a spec that says program: and this file"
    ]


def test_a_mistake_in_the_program_file_is_placed_in_that_file(tmp_path: Path) -> None:
    (tmp_path / "program.yaml").write_text(PROGRAM.replace("code: CNY", "code: yuan"), "utf-8")
    (tmp_path / "spec.yaml").write_text(WITH_PROGRAM, "utf-8")
    (problem,) = check(tmp_path / "spec.yaml")[1]
    assert (Path(problem.file).name, problem.line, problem.column) == ("program.yaml", 3, 18)
    assert problem.path == "currency.code"


def test_a_shared_metric_with_a_mistake_is_reported_once(tmp_path: Path) -> None:
    (tmp_path / "program.yaml").write_text(PROGRAM.replace("column: spend", "colum: spend"), "utf-8")
    (tmp_path / "spec.yaml").write_text(WITH_PROGRAM, "utf-8")
    problems = check(tmp_path / "spec.yaml")[1]
    assert [(Path(p.file).name, p.path) for p in problems] == [("program.yaml", "metrics[0].colum")]


@pytest.mark.parametrize("program", [None, "a: [", "\t"])
def test_a_program_file_that_cannot_be_read_is_one_problem(tmp_path: Path, program: str | None) -> None:
    if program is not None:
        (tmp_path / "program.yaml").write_text(program, "utf-8")
    (tmp_path / "spec.yaml").write_text(WITH_PROGRAM, "utf-8")
    assert len({p.file for p in check(tmp_path / "spec.yaml")[1]}) == 1


def test_an_unknown_shared_metric_is_named() -> None:
    text = changed(UNITS, ("{id: visit, type: proportion, column: visit}", "{use: visits}"))
    assert [p for p, _ in errors(text)] == ["metrics[2].use"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (UNITS.encode("utf-16"), "UTF-16"),
        (UNITS.replace("Do", "D\xe9").encode("latin-1"), "latin-1"),
        (b"x" * 10_000_000, "10,000,000 bytes"),
        (UNITS.encode() + b"# \x00", "NUL"),
    ],
)
def test_a_file_that_is_not_a_spec_is_refused_fast(tmp_path: Path, raw: bytes, words: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(raw)
    start = time.perf_counter()
    _, (problem,) = check(path)
    assert words in problem.message
    assert time.perf_counter() - start < 1


def test_a_missing_file_and_a_folder_are_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as missing:
        read(tmp_path / "nowhere.yaml")
    assert "no such file" in render_text(missing.value.problems)
    with pytest.raises(SpecError) as folder:
        read(tmp_path)
    assert "is a folder" in render_text(folder.value.problems)


def test_github_annotations_are_escaped() -> None:
    problem = Problem("a,b:c.yaml", 3, 4, "arms", "100%\nsure", "")
    assert render_github([problem]) == "::error file=a%2Cb%3Ac.yaml,line=3,col=4::arms: 100%25%0Asure"


def test_github_annotations_beyond_ten_are_text() -> None:
    lines = render_github([Problem("a.yaml", i, 1, "", "odd") for i in range(1, 13)]).splitlines()
    assert [line.startswith("::error ") for line in lines] == [True] * 10 + [False] * 2


def test_notices_are_annotated_as_notices() -> None:
    listed = render_github(check(DATA / "double_points.yaml")[1])
    assert listed.startswith("::notice file=") and ",line=17,col=30::arms[1].intervention: " in listed


def test_json_holds_every_field_of_a_problem() -> None:
    (first, *_) = json.loads(render_json(check(DATA / "double_points.yaml")[1]))
    assert set(first) == {"file", "line", "column", "path", "message", "hint", "source", "severity"}


def test_a_value_cannot_steer_the_terminal() -> None:
    text = changed(UNITS, ("type: amount", 'type: "\\e[31mred"'))
    assert "\x1b" not in render_text(check_text(text)[1])


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft7Validator:
    document = json_schema("experiment")
    assert document["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(document)
    return jsonschema.Draft7Validator(document)


@pytest.mark.parametrize("text", [UNITS, TRANSACTIONS, WITH_PROGRAM])
def test_the_schema_accepts_what_is_read(schema: jsonschema.Draft7Validator, text: str) -> None:
    assert list(schema.iter_errors(dates_as_text(plain(text)))) == []


def test_the_schema_accepts_a_resolved_spec(schema: jsonschema.Draft7Validator) -> None:
    assert list(schema.iter_errors(plain(resolved_yaml(read_text(TRANSACTIONS))))) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("unit: customer", "unti: x\nunit: customer"),
        ("type: amount", "type: amuont"),
        ("margin: 0.40", "margn: 0.4"),
        ("0.95", "95"),
    ],
)
def test_the_schema_refuses_what_is_refused(schema: jsonschema.Draft7Validator, old: str, new: str) -> None:
    assert list(schema.iter_errors(plain(changed(UNITS, (old, new)))))


def test_the_schema_of_the_program_file_accepts_a_program() -> None:
    document = json_schema("program")
    jsonschema.Draft7Validator.check_schema(document)
    assert list(jsonschema.Draft7Validator(document).iter_errors(plain(PROGRAM))) == []
    assert list(jsonschema.Draft7Validator(document).iter_errors({"program": "x", "timezon": "UTC"}))


def test_reading_a_spec_loads_no_heavy_library() -> None:
    script = (
        "import sys, loyalty_exp.spec.read;"
        "heavy = 'scipy matplotlib pandas statsmodels duckdb sqlalchemy'.split();"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
