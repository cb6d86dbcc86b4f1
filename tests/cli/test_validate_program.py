"""`validate` takes program files as it takes specs; `schema` prints the schema of each kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def program(workspace: Path) -> Path:
    return workspace / "program.yaml"


@pytest.fixture
def broken(program: Path) -> Path:
    program.write_text(
        program.read_text(encoding="utf-8").replace("code: USD", "code: usd"), encoding="utf-8"
    )
    return program


def test_a_program_file_is_valid_by_itself_and_beside_a_spec(call, program: Path, spec: Path) -> None:
    alone = call("validate", program)
    assert (alone.code, alone.out, alone.err) == (0, "", f"{program}: valid\n")
    both = call("validate", program, spec)
    assert (both.code, both.err.count(": valid")) == (0, 2)


def test_a_program_file_is_resolved(call, program: Path) -> None:
    resolved = call("validate", program, "--resolved", "--quiet")
    again = program.parent / "resolved.yaml"
    again.write_text(resolved.out, encoding="utf-8")
    assert "metrics: []" in resolved.out
    assert call("validate", again, "--resolved", "--quiet").out == resolved.out


def test_a_mistake_is_told_in_every_form(call, broken: Path) -> None:
    text = call("validate", broken)
    assert text.code == 2
    assert f"{broken}:5:18: currency.code: 'usd' is not a currency code" in text.err
    github = call("validate", broken, "--format", "github")
    assert (github.code, github.err) == (2, "")
    assert github.out.startswith(f"::error file={broken},line=5,col=18::currency.code")
    (problem,) = json.loads(call("validate", broken, "--format", "json").out)
    assert (problem["path"], problem["line"]) == ("currency.code", 5)
    assert json.loads(call("validate", broken, "--json").out)["valid"] is False


def test_running_a_program_file_says_what_it_is(call, program: Path) -> None:
    ran = call("run", program)
    assert ran.code == 2
    assert "this is a program file, not the spec of an experiment" in ran.err


@pytest.mark.parametrize("kind", ["experiment", "program", "readout"])
def test_each_kind_of_file_has_a_schema(call, kind: str) -> None:
    assert "$schema" in json.loads(call("schema", kind).out)
