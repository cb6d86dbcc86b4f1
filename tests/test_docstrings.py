"""Each public function of the arithmetic tells its source, its shapes and units, and what it refuses.

The rules, so that nobody has to guess:

- A docstring begins with one sentence.
- A parameter explains itself when it is an object of this package (its class says shapes and units), a text,
  a switch, a callable or a generator, or when its name stands in :data:`COMMON`. All other parameters are
  numbers or arrays: they are described under *Parameters*, or in the docstring that ``:func:`` points to.
- An array that is returned has its shape told.
- What is refused by ``NotEstimable`` stands under *Raises*.
- Arithmetic of several products has a source: a year, a ``:func:`` that has one, or, for a definition, the
  formula written out in double backquotes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import loyalty_exp

ROOT = Path(loyalty_exp.__file__).parent
FILES = sorted(p for room in ("stats", "estimators", "economics") for p in (ROOT / room).rglob("*.py"))

COMMON = {
    "alpha": "two-sided level of a test, or one minus the level of an interval",
    "p_values": "between 0 and 1, None where there is no test",
    "p_value": "between 0 and 1",
    "p": "a probability, or a sequence of them",
    "q": "a probability below which a share of the values lies",
    "z": "a standard normal statistic",
    "df": "degrees of freedom of a reference distribution; infinity for the normal one",
    "n": "units",
    "x_t": "successes, treated",
    "n_t": "units, treated",
    "x_c": "successes, control",
    "n_c": "units, control",
    "estimate": "in the unit of the metric",
    "std_error": "in the unit of the estimate",
    "replicates": "how many are drawn",
    "draws": "how many are drawn",
    "seed": "a whole number",
}
"""Numbers that mean the same everywhere."""

PLAIN = {
    "str",
    "bool",
    "None",
    "Literal",
    "Callable",
    "Generator",
    "Sequence",
    "Mapping",
    "Iterable",
    "tuple",
}
NUMBERS = {
    "float",
    "int",
    "ndarray",
    "NDArray",
    "ArrayLike",
    "Vector",
    "Matrix",
    "Flags",
    "Assignments",
    "Hashes",
}
SOURCE = r"\b(1[89]|20)\d\d\b"
"""A year, as citations have one."""
FORMULA = 6
"""Multiplications, divisions and powers from which a body is a formula with a source."""


@dataclass(frozen=True)
class Public:
    """A public function or method, with the docstrings around it."""

    where: str
    node: ast.FunctionDef
    doc: str
    around: str

    @property
    def parameters(self) -> list[ast.arg]:
        a = self.node.args
        return [x for x in (*a.posonlyargs, *a.args, *a.kwonlyargs) if x.arg not in ("self", "cls")]


def functions() -> Iterator[Public]:
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        head, place = ast.get_docstring(tree) or "", path.relative_to(ROOT).with_suffix("").as_posix()
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield Public(f"{place}.{node.name}", node, ast.get_docstring(node) or "", head)
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                around = f"{head}\n{ast.get_docstring(node) or ''}"
                for f in node.body:
                    if isinstance(f, ast.FunctionDef) and not f.name.startswith("_"):
                        yield Public(f"{place}.{node.name}.{f.name}", f, ast.get_docstring(f) or "", around)


PUBLIC = list(functions())
STANDARD = {"treated", "control", "outcome", "covariates", "alpha"}
"""Parameters of every estimator, described once in ``estimators.estimator.Estimate``."""


def section(doc: str, title: str) -> str:
    """Text under a heading, empty without it."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", doc, re.MULTILINE | re.DOTALL)
    return found.group(1) if found else ""


def points_on(doc: str) -> bool:
    """Whether a docstring leaves its parameters to another one."""
    return bool(re.search(r"(parameters|As|see|See)\b[^.]*:(func|class|meth):", doc, re.DOTALL))


def names_of(annotation: ast.expr | None) -> set[str]:
    if annotation is None:
        return set()
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    found = {n.id for n in ast.walk(annotation) if isinstance(n, ast.Name)}
    return found | {n.attr for n in ast.walk(annotation) if isinstance(n, ast.Attribute)}


def undescribed(f: Public) -> list[str]:
    described = {
        name.strip(" *`")
        for line in section(f.doc, "Parameters").splitlines()
        if line and not line.startswith(" ")
        for name in line.split(" : ")[0].split(",")
    }
    left = []
    for a in f.parameters:
        names = names_of(a.annotation)
        number = bool(names & NUMBERS)
        standard = "estimators/" in f.where and a.arg in STANDARD
        if number and a.arg not in described | set(COMMON) and not standard and not points_on(f.doc):
            left.append(a.arg)
    return left


def test_every_rule_has_functions_to_look_at() -> None:
    assert len(PUBLIC) > 400
    assert sum(bool(section(f.doc, "Parameters")) for f in PUBLIC) > 150
    assert sum(bool(section(f.doc, "References")) for f in PUBLIC) > 200


def test_each_begins_with_one_sentence() -> None:
    bad = [f.where for f in PUBLIC if not re.match(r"\S.*[.:]$|\S.*[^.]$\n\S", f.doc.split("\n\n")[0])]
    assert not bad


def test_numbers_and_arrays_are_described() -> None:
    bad = {f.where: left for f in PUBLIC if (left := undescribed(f))}
    assert not bad, "\n".join(f"{k}: {', '.join(v)}" for k, v in bad.items())


def test_returned_arrays_have_a_shape() -> None:
    bad = []
    for f in PUBLIC:
        arrays = names_of(f.node.returns) & {"Vector", "Matrix", "NDArray", "Flags", "Assignments", "Hashes"}
        if arrays and not re.search(r"shape|scalar", f.doc, re.IGNORECASE) and not points_on(f.doc):
            bad.append(f"{f.where}: shape")
    assert not bad, "\n".join(bad)


def raises_reason(node: ast.FunctionDef) -> bool:
    """Whether a reason leaves the function; one that a handler of its own catches does not."""
    caught = {
        id(x)
        for t in ast.walk(node)
        if isinstance(t, ast.Try) and any("NotEstimable" in ast.dump(h) for h in t.handlers)
        for body in t.body
        for x in ast.walk(body)
    }
    return any(
        isinstance(x, ast.Raise)
        and isinstance(x.exc, ast.Call)
        and "NotEstimable" in ast.dump(x.exc.func)
        and id(x) not in caught
        for x in ast.walk(node)
    )


def test_what_is_refused_is_told() -> None:
    bad = [
        f.where
        for f in PUBLIC
        if raises_reason(f.node) and "NotEstimable" not in section(f.doc, "Raises") and not points_on(f.doc)
    ]
    assert not bad, "\n".join(bad)


def is_formula(node: ast.FunctionDef) -> bool:
    ops = [x.op for x in ast.walk(node) if isinstance(x, ast.BinOp)]
    return sum(isinstance(op, ast.Mult | ast.Div | ast.Pow | ast.MatMult) for op in ops) >= FORMULA


def test_formulas_have_a_source() -> None:
    bad = [
        f.where
        for f in PUBLIC
        if is_formula(f.node)
        and not re.search(rf"{SOURCE}|:func:|``[^`]*[-+*/^=(][^`]*``", f"{f.doc}\n{f.around}")
    ]
    assert not bad, "\n".join(bad)


def test_estimators_name_their_source() -> None:
    bad = [
        f.where
        for f in PUBLIC
        if f.where.startswith("estimators/")
        and f.node.name.startswith("estimate")
        and not re.search(SOURCE, f.doc)
    ]
    assert not bad


@pytest.mark.parametrize("title", ["Parameters", "Returns", "Raises", "References", "Attributes", "Notes"])
def test_sections_are_underlined_as_long_as_their_title(title: str) -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        for line in re.findall(rf"^[ ]*{title}\n[ ]*(-+)$", text, re.MULTILINE):
            assert len(line) == len(title), f"{path.name}: {title}"
