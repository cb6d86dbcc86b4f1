"""Writes `experiments/README.md`, the field reference, from the models; run this file to renew it."""

from __future__ import annotations

import datetime as dt
import types
import typing
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from loyalty_exp import grammar
from loyalty_exp.spec.arms import Share
from loyalty_exp.spec.data import TableName
from loyalty_exp.spec.day import Day
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.fields import keys_of
from loyalty_exp.spec.observational import Observational
from loyalty_exp.spec.program import Program

TARGET = Path(__file__).parents[1] / "experiments" / "README.md"

NAMED: list[tuple[Any, str]] = [
    (grammar.Identifier, "id"),
    (grammar.Column, "column"),
    (grammar.Label, "label"),
    (grammar.Words, "words"),
    (grammar.Text, "words, or `{en: ..., zh-CN: ...}`"),
    (Day, "day, as 2026-04-01"),
    (Share, "number above 0, or a fraction in quotes"),
    (TableName, "file or table"),
]
PLAIN = {
    dt.date: "day, as 2026-04-01",
    str: "words",
    int: "whole number",
    float: "number",
    bool: "true or false",
    type(None): "nothing",
}

HEAD = """\
# The example workspace

| file | what it is |
|---|---|
| `hillstrom_email.yaml` | A real randomized e-mail test of 64,000 customers, three arms, per-unit table |
| `double_points.yaml` | A planted effect: sells more, does not pay, as its curve by day shows |
| `program.yaml` | Currency, time zone and prices that experiments share |
| `program_main.yaml` | A whole program: points, tiers, lifecycle, holdout, calendar, cost book |
| `beauty_points.yaml` | Double and triple points on a category; no data |
| `free_shipping.yaml` | Free shipping and early access for the top tier; no data |
| `win_back_ladder.yaml` | A reminder, a coupon and a ladder of offers for lapsed members; no data |
| `points_and_perk_factorial.yaml` | Double points x free shipping, four arms; no data |
| `tier_benefits_observational.yaml` | What a tier brings, without randomization; no data |
| `referral_nps.yaml` | A reward on both sides of a referral; no data |
| `data/` | The rows. `members`, `assignments` and `transactions` are made by `loyalty_exp/samples.py` |

    loyalty-exp run experiments/hillstrom_email.yaml

Specs without data show how far the grammar reaches: they validate, and the notices of `loyalty-exp validate`
say what this version does not run yet.

Provenance of `data/hillstrom.parquet`: the MineThatData E-Mail Analytics And Data Mining Challenge, published
by Kevin Hillstrom in 2008 as an open challenge; no licence text came with it. All 64,000 rows and twelve
columns are as published, in their order; `customer_id` (1 to 64,000, the row number) is added. The price of
an e-mail and the margin in the spec are stated assumptions, not part of the data.

# Every field

Made from the models by `python tests/field_reference.py`; a test checks that it is current. A key in **bold**
must be given. Ids begin with a letter and hold letters, digits, `_` and `-`. Unknown keys are refused, with a
hint.
"""


def reference() -> str:
    """Give the whole text of the page."""
    parts = [HEAD]
    for model in _reached(Experiment, Observational, Program):
        parts.append(f"\n## {model.__name__}\n\n{_summary(model)}\n\n{_table(model)}")
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"


def _reached(*roots: type[BaseModel]) -> list[type[BaseModel]]:
    """Give the models in the order in which a reader meets them."""
    found: list[type[BaseModel]] = []
    waiting = list(roots)
    while waiting:
        model = waiting.pop(0)
        if model in found:
            continue
        found.append(model)
        hints = get_type_hints(model, include_extras=True)
        waiting += [m for name in model.model_fields for m in _models(hints[name])]
    return found


def _models(hint: Any) -> list[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return [hint]
    return [m for inner in get_args(hint) for m in _models(inner)]


def _summary(model: type[BaseModel]) -> str:
    text = (model.__doc__ or "").strip()
    first, _, rest = text.partition(".. code-block:: yaml")
    lines = " ".join(line.strip() for line in first.strip().splitlines()).strip()
    example = "\n".join(line.strip() for line in rest.strip().splitlines())
    return f"{lines}\n\n    {example}" if example else lines


def _table(model: type[BaseModel]) -> str:
    hints = get_type_hints(model, include_extras=True)
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    names = {id(field): name for name, field in model.model_fields.items()}
    for written, field in keys_of(model).items():
        key = f"**{written}**" if field.is_required() else written
        row = (key, _value(hints[names[id(field)]]), _default(field), field.description or "")
        rows.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |")
    return "\n".join(rows)


def _value(hint: Any) -> str:
    for known, words in NAMED:
        if hint == known:
            return words
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _value(inner[0])
    if origin is Literal:
        return ", ".join(f"`{v}`" for v in inner)
    if origin in (Union, types.UnionType, typing.Union):
        return " or ".join(dict.fromkeys(_value(i) for i in inner if i is not type(None)))
    if origin in (tuple, list):
        return f"list of {_value(inner[0])}" if inner else "empty list"
    if origin is dict:
        return f"mapping of {_value(inner[0])} to {_value(inner[1])}"
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    return PLAIN.get(hint, str(hint))


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if field.is_required() or value is PydanticUndefined or value is None or value in ((), {}):
        return ""
    if isinstance(value, BaseModel):
        return "its own defaults"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8", newline="\n")
