"""A program file is checked by itself, in the words in which a spec that names it would be told."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.program import Program
from loyalty_exp.spec.read import check, check_file, check_text, json_schema, read_text, resolved_yaml

UNITS = (Path(__file__).parent / "data" / "hillstrom_email.yaml").read_text("utf-8")
SPEC = UNITS.replace("unit: customer_id", "program: program.yaml\nunit: customer_id")
PROGRAM = """\
program: shop
timezone: Asia/Shanghai
currency: {code: CNY, symbol: ¥}
cost_prices: {email: {price: 0.05, per: message}}
metrics:
  - {id: spend, type: amount, column: spend}
"""
EXAMPLE = Path(__file__).parents[2] / "experiments" / "program.yaml"
STARTER = Path(__file__).parents[2] / "loyalty_exp" / "cli" / "starters" / "program.yaml"


def changed(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def checked(folder: Path, text: str) -> tuple[Experiment | Program | None, list[tuple[int, int, str, str]]]:
    path = folder / "program.yaml"
    path.write_text(text, "utf-8")
    found, problems = check_file(path)
    return found, [(p.line, p.column, p.path, f"{p.message} | {p.hint}") for p in problems]


@pytest.mark.parametrize("path", [EXAMPLE, STARTER])
def test_the_program_files_of_the_project_are_valid_and_fit_the_schema(path: Path) -> None:
    program, problems = check_file(path)
    assert isinstance(program, Program)
    assert problems == ()
    jsonschema.validate(YAML(typ="safe").load(path.read_text("utf-8")), json_schema("program"))


def test_a_resolved_program_is_read_again_to_the_same(tmp_path: Path) -> None:
    program, _ = checked(tmp_path, PROGRAM)
    assert isinstance(program, Program)
    text = resolved_yaml(program)
    assert YAML(typ="safe").load(text)["cost_prices"]["email"]["price"] == 0.05
    assert "source: null" in text
    assert checked(tmp_path, text)[0] == program


MISTAKES = [
    ("timezone: Asia", "timezon: Asia", 2, 1, "timezon", "did you mean 'timezone'?"),
    ("code: CNY", "code: yuan", 3, 18, "currency.code", "currency code"),
    ("price: 0.05", "price: -1", 4, 30, "cost_prices.email.price", "at least 0"),
    ("column: spend", "colum: spend", 6, 31, "metrics[0].colum", "did you mean 'column'?"),
    ("program: shop", "name: Shop", 1, 1, "program", "is required"),
    ("timezone: Asia/Shanghai", "timezone: Mars", 2, 11, "timezone", "not an IANA time zone"),
    ("program: shop", "program: shop\nprogram: shop", 2, 1, "program", "there twice"),
]


@pytest.mark.parametrize(("old", "new", "line", "column", "path", "words"), MISTAKES)
def test_a_mistake_is_named_with_its_place(
    tmp_path: Path, old: str, new: str, line: int, column: int, path: str, words: str
) -> None:
    program, found = checked(tmp_path, changed(PROGRAM, (old, new)))
    assert program is None
    assert [f[:3] for f in found] == [(line, column, path)]
    assert words in found[0][3]


@pytest.mark.parametrize("mistake", MISTAKES[1:4])
def test_a_spec_that_names_the_file_is_told_the_same(tmp_path: Path, mistake: tuple[str, str]) -> None:
    _, alone = checked(tmp_path, changed(PROGRAM, mistake[:2]))
    (tmp_path / "spec.yaml").write_text(SPEC, "utf-8")
    named = [p for p in check(tmp_path / "spec.yaml")[1] if Path(p.file).name == "program.yaml"]
    assert [(p.line, p.column, p.path, f"{p.message} | {p.hint}") for p in named] == alone


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    _, found = checked(tmp_path, changed(PROGRAM, *(m[:2] for m in MISTAKES[:4])))
    assert [f[2] for f in found] == [m[4] for m in MISTAKES[:4]]


def test_a_metric_defined_twice_is_a_mistake(tmp_path: Path) -> None:
    twice = PROGRAM + "  - {id: spend, type: amount, column: other}\n"
    program, found = checked(tmp_path, twice)
    assert program is None
    assert "metric 'spend' is defined twice" in found[0][3]


def test_a_spec_is_told_from_a_program_file(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(UNITS, "utf-8")
    assert isinstance(check_file(tmp_path / "spec.yaml")[0], Experiment)
    without = "\n".join(line for line in UNITS.splitlines() if not line.startswith("experiment:"))
    (tmp_path / "spec.yaml").write_text(without, "utf-8")
    found, problems = check_file(tmp_path / "spec.yaml")
    assert found is None
    assert [(p.path, p.message) for p in problems] == [("experiment", "is required")]


@pytest.mark.parametrize("text", ["", "a: [", "program: \t", "- program: x\n"])
def test_what_is_no_file_of_either_kind_is_refused(tmp_path: Path, text: str) -> None:
    program, found = checked(tmp_path, text)
    assert program is None
    assert found


def test_the_currency_column_stands_where_the_money_stands() -> None:
    column = "units: data/hillstrom.parquet"
    assert read_text(changed(UNITS, (column, f"currency: ccy\n  {column}"))).data.currency == "ccy"
    sold = (Path(__file__).parent / "data" / "double_points.yaml").read_text("utf-8")
    there = changed(sold, ("amount: amount}", "amount: amount, currency: ccy}"))
    assert read_text(there).data.transactions.currency == "ccy"  # type: ignore[union-attr]
    elsewhere = changed(sold, ("members: data", "currency: ccy\n  members: data"))
    assert [(p.path, p.message, p.hint) for p in check_text(elsewhere)[1] if p.severity == "error"] == [
        ("data", "`currency` here is a column of `units`", "write it under `transactions`")
    ]
