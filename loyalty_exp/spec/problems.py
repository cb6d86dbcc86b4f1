"""From what the models refuse to findings: the path, plain words, and a hint."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from loyalty_exp.spec.fields import at, keys_of, kinds, sections
from loyalty_exp.spec.phrases import phrase, wrong_kinds
from loyalty_exp.spec.place import Finding, Path, dotted, near

_KIND = frozenset(
    f"{kind}_type"
    for kind in ["string", "dict", "tuple", "list", "model", "model_attributes", "float", "int", "bool"]
)

Branch = tuple[Path, str]
"""A place where one of several forms may stand, and the name of a form."""

Placed = tuple[Path, tuple[Branch, ...], ErrorDetails]


def findings(error: ValidationError, model: type[BaseModel], data: Any) -> list[Finding]:
    """Turn all errors of one validation into findings, one for each mistake."""
    placed = [(*_cleaned(e, data), e) for e in error.errors(include_url=False)]
    found = []
    for path, forms, one in _one_form(placed):
        if forms and one["type"] in _KIND and path == forms[-1][0]:
            tried = [e["type"] for p, others, e in placed if p == path and others and e["type"] in _KIND]
            found.append(Finding(path, *wrong_kinds(tried, at(data, path))))
        else:
            found += _finding(path, one, model, data)
    return _one_for_each_mistake(found)


def _cleaned(error: ErrorDetails, data: Any) -> tuple[Path, tuple[Branch, ...]]:
    """Drop from a location the names of forms, which are no part of the document."""
    loc, typed = error["loc"], False
    path: list[str | int] = []
    branches: list[Branch] = []
    for i, part in enumerate(loc):
        raw = at(data, tuple(path))
        last = i == len(loc) - 1
        if isinstance(raw, dict) and part == raw.get("type") and not typed and not last:
            typed = True
        elif part == "[key]":
            continue
        elif (isinstance(raw, dict) and part in raw) or (isinstance(raw, list) and isinstance(part, int)):
            path.append(part)
            typed = False
        elif last and error["type"] == "missing":
            path.append(part)
        else:
            branches.append((tuple(path), str(part)))
    return tuple(path), tuple(branches)


def _one_form(placed: list[Placed]) -> list[Placed]:
    """Where several forms may stand, keep the errors of the form that the author meant."""
    forms: dict[Path, dict[str, list[tuple[Path, str]]]] = defaultdict(lambda: defaultdict(list))
    for path, branches, error in placed:
        for where, form in branches:
            forms[where][form].append((path, error["type"]))
    kept = {where: _meant(where, tried) for where, tried in forms.items()}
    return [p for p in placed if all(form == kept[where] for where, form in p[1])]


def _meant(where: Path, tried: dict[str, list[tuple[Path, str]]]) -> str:
    """Choose a form: one of the right kind, with errors inside it, and few of them."""

    def cost(form: str) -> tuple[bool, bool, int]:
        errors = tried[form]
        wrong_kind = any(path == where and kind in _KIND for path, kind in errors)
        return wrong_kind, all(path == where for path, _ in errors), len(errors)

    return min(tried, key=cost)


def _finding(path: Path, error: ErrorDetails, model: type[BaseModel], data: Any) -> list[Finding]:
    kind = error["type"]
    if error["loc"] and error["loc"][-1] == "[key]":
        message, hint = phrase(error, path[-1])
        return [Finding(path, message, hint, on_key=True)]
    if kind == "extra_forbidden":
        keys = [k for s in sections(model, path[:-1], data) for k in keys_of(s)]
        message = f"'{str(path[-1])[:60]}' is not a key of {dotted(path[:-1]) or 'the spec'}"
        return [Finding(path, message, near(path[-1], keys), on_key=True)]
    if kind == "missing":
        return [Finding(path, "is required", _meaning_of(path, model, data))]
    if kind == "union_tag_not_found":
        return [Finding((*path, "type"), f"is required: one of {', '.join(kinds(model, path, data))}")]
    if kind == "union_tag_invalid":
        message, hint = phrase(error, at(data, (*path, "type")))
        return [Finding((*path, "type"), message, hint)]
    value = at(data, path)
    if kind == "too_short" and isinstance(value, list) and len(value) >= error["ctx"]["min_length"]:
        return []
    return [Finding(path, *phrase(error, value))]


def _meaning_of(path: Path, model: type[BaseModel], data: Any) -> str:
    for section in sections(model, path[:-1], data):
        if field := keys_of(section).get(str(path[-1])):
            return (field.description or "").rstrip(".")
    return ""


def _one_for_each_mistake(found: list[Finding]) -> list[Finding]:
    """Leave out "is required" where the key is there, misspelled."""
    meant = {
        (*f.path[:-1], f.hint.removeprefix("did you mean '").removesuffix("'?"))
        for f in found
        if f.on_key and f.hint.startswith("did you mean '")
    }
    return [f for f in found if not (f.message == "is required" and f.path in meant)]
