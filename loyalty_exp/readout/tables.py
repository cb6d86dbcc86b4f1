"""The readout as tidy tables: one row a fact, nested names joined by dots, lists in tables of their own.

Every list of the readout becomes a table. What lies nested in its rows as a list (cost lines, points of a
curve, assumptions) becomes a further table, whose rows begin with the columns that say which row they belong
to. A part that a later version adds is a table without a line of code here.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KEYS = ("metric", "role", "treatment", "control", "arm", "segment.dimension", "segment.value", "id", "check")
"""Columns that say which row of a table a nested row belongs to."""

PARTED = ("exposure",)
"""Parts of the readout that hold several lists."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")
"""First characters that a spreadsheet may take for a formula (CWE-1236)."""


Found = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header; cells are text, numbers, truth values or None."""

    header: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def tables(readout: Mapping[str, Any]) -> dict[str, Table]:
    """Give every list of a readout as a table, by name; empty ones are left out.

    Parameters
    ----------
    readout : mapping
        As `Readout.to_dict` gives it.
    """
    found: Found = {}
    parts = {f"{whole}_{k}": v for whole in PARTED for k, v in (readout.get(whole) or {}).items()}
    for name, value in [*readout.items(), *parts.items()]:
        if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
            found.setdefault(name, [])
            for row in value:
                if name == "health":
                    _put_check(found, row)
                else:
                    _put(found, name, row, {})
    return {name: _table(rows) for name, rows in found.items() if rows}


def _put_check(found: Found, check: Mapping[str, Any]) -> None:
    """Put a check into its table, and its numbers, which differ from check to check, one a row beside it."""
    own = {"check": check["check"]}
    _put(found, "health", {k: v for k, v in check.items() if k != "detail"}, {})
    flat: dict[str, Any] = {}
    below: list[tuple[str, Any]] = []
    _flatten(check["detail"] or {}, "", flat, below)
    found.setdefault("health_numbers", []).extend(
        {**own, "item": item, "value": value} for item, value in flat.items() if value is not None
    )
    for path, value in below:
        for part in value:
            _put(found, f"health_{path.replace('.', '_')}", part, own)


def _put(found: Found, name: str, row: Mapping[str, Any], keys: Mapping[str, Any]) -> None:
    """Put a row into its table and what is nested in it into others."""
    flat: dict[str, Any] = {}
    below: list[tuple[str, Any]] = []
    _flatten(row, "", flat, below)
    found.setdefault(name, []).append({**keys, **flat})
    own = {**keys, **{k: flat[k] for k in KEYS if flat.get(k) is not None}}
    for path, value in below:
        child = f"{name}_{path.replace('.', '_')}"
        for part in value:
            _put(found, child, part, {k: v for k, v in own.items() if k not in part})


def _flatten(row: Mapping[str, Any], prefix: str, flat: dict[str, Any], below: list[tuple[str, Any]]) -> None:
    """Join nested names by dots; set lists of rows, and lists side by side, aside."""
    lists = {k: v for k, v in row.items() if isinstance(v, list)}
    if len(lists) > 1 and len({len(v) for v in lists.values()}) == 1 and not _rows(*lists.values()):
        side = [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
        below.append((prefix.rstrip(".") or "values", side))
        row = {k: v for k, v in row.items() if k not in lists}
    for key, value in row.items():
        path = f"{prefix}{key}"
        if (
            isinstance(value, Mapping)
            and value
            and all(isinstance(v, list) and _rows(v) for v in value.values())
        ):
            below.append((path, [{"arm": k, **part} for k, parts in value.items() for part in parts]))
        elif isinstance(value, Mapping):
            _flatten(value, f"{path}.", flat, below)
        elif isinstance(value, list) and value and _rows(value):
            below.append((path, value))
        else:
            flat[path] = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def _rows(*values: Sequence[Any]) -> bool:
    """Say whether any of the lists holds rows and not plain values."""
    return any(isinstance(part, Mapping) for value in values for part in value)


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Give rows one header; what is null in one row and nested in another keeps its nested columns only."""
    columns = dict.fromkeys(name for row in rows for name in row)
    nested = {name[:i] for name in columns for i, letter in enumerate(name) if letter == "."}
    columns = dict.fromkeys(name for name in columns if name not in nested)
    return Table(tuple(columns), tuple(tuple(row.get(name) for name in columns) for row in rows))


def as_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Write CSV that a spreadsheet opens as data: text that looks like a formula gets a quote before it.

    Numbers stay numbers, also negative ones.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_cell(name) for name in header])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
