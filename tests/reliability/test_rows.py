"""The list of faults, row by row: each has the test that stands for it, or the reason why there is none."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROWS = {
    "S": range(1, 51),
    "D": range(1, 45),
    "B": range(1, 10),
    "F": range(1, 31),
    "X": [*range(1, 8), *range(10, 20), *range(30, 45)],
}


def rows() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (Path(__file__).parent / "rows.tsv").read_text("utf-8").splitlines():
        ids, *told = line.split("\t")
        first, _, last = ids.partition("-")
        for number in range(int(first[1:]), int((last or first)[1:]) + 1):
            found.setdefault(f"{first[0]}{number:02d}", []).extend(told)
    return found


def test_every_row_has_a_test_or_a_reason() -> None:
    wanted = {f"{kind}{number:02d}" for kind, numbers in ROWS.items() for number in numbers}
    found = rows()
    assert set(found) == wanted
    assert [row for row, told in found.items() if not told] == []
    assert {row for row, told in found.items() if all(t.startswith("#") for t in told)} == {"X40"}


def test_every_test_that_stands_for_a_row_is_there() -> None:
    for row, told in rows().items():
        for name in told:
            if name.startswith("#"):
                continue
            file, _, function = name.partition("::")
            tree = ast.parse((TESTS / file).read_text("utf-8"))
            defined = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
            assert not function or function in defined, (row, name)


def test_rows_that_are_files_or_cases_are_there_by_name() -> None:
    corpus = {p.name[:3] for p in (TESTS / "spec" / "corpus").iterdir()}
    assert corpus >= {f"S{n:02d}" for n in ROWS["S"]}
    cases = (TESTS / "outcomes" / "test_corpus.py").read_text("utf-8")
    named = set(re.findall(r'"([DB][0-9]{2})', cases))
    for row, told in rows().items():
        if any(
            t.endswith(("::test_a_bad_file_is_refused", "::test_an_odd_file_is_read_right")) for t in told
        ):
            assert row in named or row.startswith("X"), row


def test_no_condition_takes_a_pattern() -> None:
    """X40: there is nothing that could be slow."""
    from loyalty_exp.grammar import Predicate

    operators = str(Predicate.model_json_schema()["properties"]["op"]["enum"])
    assert not re.search("like|regex|match", operators)
