"""The words for each kind of error that the models raise."""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import ErrorDetails

from loyalty_exp.spec.place import near

_IDENTIFIER = r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"
_BOUNDS = {
    "greater_than": ("must be above", "gt"),
    "greater_than_equal": ("must be at least", "ge"),
    "less_than": ("must be below", "lt"),
    "less_than_equal": ("must be at most", "le"),
}
_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
}


def shown(value: Any) -> str:
    """Show a value of the spec in a message, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return f"'{value}'" if len(value) <= 60 else f"'{value[:57]}...'"
    return "nothing" if value is None else str(value)[:60]


def phrase(error: ErrorDetails, value: Any) -> tuple[str, str]:
    """Say one error in plain words, with what to do.

    Parameters
    ----------
    error : ErrorDetails
        As the model raised it.
    value : object
        What the author wrote there.
    """
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        message, _, hint = str(context["error"]).partition("; ")
        return message, hint
    if kind == "literal_error":
        return _choice(value, re.findall(r"'([^']*)'", context["expected"]))
    if kind == "union_tag_invalid":
        return _choice(value, re.findall(r"'([^']*)'", context["expected_tags"]))
    if kind in _BOUNDS:
        return _bound(kind, context, value)
    if kind in _WANTED:
        return _wrong_kind(_WANTED[kind], value)
    if kind.startswith("date"):
        return f"{shown(value)} is not a date", "ISO dates: 2024-04-03"
    if kind == "string_too_short":
        return "must not be empty", "write some text, or remove the key if it may be left out"
    if kind == "string_too_long":
        return f"has {len(str(value)):,} characters; at most {context['max_length']:,} fit", "shorten it"
    if kind == "string_pattern_mismatch":
        return _pattern(context["pattern"], str(value))
    if kind == "too_short":
        return f"needs at least {context['min_length']} item(s)", "add one"
    if kind == "too_long":
        return f"takes at most {context['max_length']} item(s)", "remove the others"
    if kind == "finite_number":
        return "must be a finite number", ""
    return error["msg"].removeprefix("Value error, ").removeprefix("Input ").replace("Input", "it"), ""


def _choice(value: Any, known: list[str]) -> tuple[str, str]:
    words = (
        f"one of {', '.join(known)}" if len(known) > 1 else f"'{known[0]}', which is all that may stand here"
    )
    if value is None:
        return f"is empty; it is {words}", ""
    hint = near(value, known)
    if known == ["pre"]:
        hint = "on a per-unit table: {numerator: column, denominator: column}"
    return f"{shown(value)} is not {words}", "" if hint.startswith("there are") else hint


def _bound(kind: str, context: dict[str, Any], value: Any) -> tuple[str, str]:
    words, key = _BOUNDS[kind]
    bound = context[key]
    percent = isinstance(value, (int, float)) and bound == 1 and "less" in kind and 1 < value <= 100
    return f"{shown(value)} {words} {bound:g}", f"did you mean {value / 100:g}?" if percent else ""


def wrong_kinds(kinds: list[str], value: Any) -> tuple[str, str]:
    """Say that a value is none of the kinds that may stand there."""
    wanted = list(dict.fromkeys(_WANTED[kind] for kind in kinds))
    if "text" in wanted and not isinstance(value, (dict, list)):
        return _wrong_kind("text", value)
    if len(wanted) == 1:
        return _wrong_kind(wanted[0], value)
    words = f"{', '.join(wanted[:-1])} or {wanted[-1]}"
    if value is None:
        return _wrong_kind(words, value)
    return f"{shown(value)} is not {words}", ""


def _wrong_kind(wanted: str, value: Any) -> tuple[str, str]:
    if value is None:
        return f"is empty where {wanted} is expected", "give a value, or remove the key if it may be left out"
    hint = ""
    if wanted == "text" and isinstance(value, (bool, int, float)):
        hint = f"quote it: '{shown(value)}'"
    elif isinstance(value, str) and "number" in wanted:
        if match := re.fullmatch(r"\s*([0-9.]{1,15})\s*%", value):
            hint = f"did you mean {float(match[1]) / 100:g}?" if match[1].count(".") <= 1 else ""
        elif re.fullmatch(r"[-+]?[0-9]+(\.[0-9]+)?", value):
            hint = "remove the quotes"
    elif wanted == "a list" and not isinstance(value, dict):
        hint = f"write [{value if isinstance(value, str) and len(value) < 60 else '...'}]"
    elif wanted == "a mapping":
        hint = "write {key: value}, or keys in lines of their own"
    return f"{shown(value)} is not {wanted}", hint


def _pattern(pattern: str, value: str) -> tuple[str, str]:
    if pattern == _IDENTIFIER:
        if len(value) > 63 and re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", value):
            return f"has {len(value):,} characters; at most 63 fit", "shorten it"
        plain = re.sub(r"[^A-Za-z0-9_-]+", "_", value).strip("_-")
        hint = f"such as '{plain[:63]}'" if re.match(r"[A-Za-z]", plain) and len(plain) <= 63 else ""
        return f"{shown(value)}: an id may hold letters, digits, _ and -, and begins with a letter", hint
    if pattern == r"^[A-Z]{3}$":
        return f"{shown(value)} is not a currency code", "three capital letters, such as USD"
    return f"{shown(value)} holds a control character", "remove it"
