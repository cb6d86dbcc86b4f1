"""Reference cases: where they are kept, what each one says, and how a result is compared with it."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from loyalty_exp.stats.moments import Moments, from_rows

HERE = Path(__file__).parent
HILLSTROM = HERE.parents[1] / "experiments" / "data" / "hillstrom.parquet"


@dataclass(frozen=True)
class Case:
    """One case of one family; ``source`` tells which program, version, paper or table gave the values."""

    family: str
    id: str
    inputs: dict[str, Any]
    params: dict[str, Any]
    expected: dict[str, Any]
    tolerance: dict[str, Any]
    source: Any

    @property
    def alpha(self) -> float:
        return 1 - self.params.get("confidence", 0.95)


@cache
def load() -> tuple[Case, ...]:
    """Read all cases; the three origins write theirs a little differently."""
    out = []
    for path in sorted((HERE / "cases").glob("*.json")):
        text = json.loads(path.read_text(encoding="utf-8"))
        for c in text["cases"]:
            family = text.get("family", path.stem)
            out.append(
                Case(
                    family,
                    c["id"],
                    c["inputs"],
                    {**c.get("params", {}), **c.get("options", {})},
                    c["expected"],
                    _tolerance(c),
                    c.get("source") or c.get("method") or text.get("conventions"),
                )
            )
    return tuple(out)


def _tolerance(case: dict[str, Any]) -> dict[str, Any]:
    if "rel_tol" in case:
        return {"default": {"rel": case["rel_tol"], "abs": 1e-9}}
    rule = case["tolerance"]
    if "default" in rule:
        return rule
    plain = {"rel": 0.0, "abs": 0.0} | {k: v for k, v in rule.items() if k != "per_key"}
    return {"default": plain, "overrides": rule.get("per_key", {})}


@cache
def table(file: str) -> dict[str, list[Any]]:
    """Read a data file of the cases, as text columns."""
    if file == "data/hillstrom.csv":
        con = duckdb.connect()
        found = con.sql(f"select segment, visit, conversion, spend, history from '{HILLSTROM}'").fetchnumpy()
        return {k: list(v) for k, v in found.items()}
    with (HERE / "cases" / file).open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    return {k: [row[k] for row in rows] for k in rows[0]}


def column_of(source: dict[str, list[Any]], name: str) -> np.ndarray:
    """Give a column as numbers; a case may shift it, as in ``spend + 1e6``."""
    base, _, shift = name.partition(" + ")
    return np.array(source[base], dtype=float) + float(shift or 0)


def arms(inputs: dict[str, Any], *columns: str) -> tuple[Moments, Moments]:
    """Moments of both arms: of a data file, or of arrays written in the case."""
    if "data" not in inputs:
        t = {c: inputs.get(f"{c}_treatment", inputs.get("treatment")) for c in columns}
        c_ = {c: inputs.get(f"{c}_control", inputs.get("control")) for c in columns}
        return from_rows(t), from_rows(c_)
    data = inputs["data"]
    source = table(data["file"])
    arm = np.array(source[data["arm"]], dtype=str)
    values = {c: column_of(source, c) for c in columns}
    out = []
    for side in ("treatment", "control"):
        mask = arm == str(data[side])
        out.append(from_rows({c: v[mask] for c, v in values.items()}))
    return out[0], out[1]


def compare(got: Any, expected: Any, case: Case, key: str) -> None:
    """Compare a result with a case, part by part, at the tolerance the case states."""
    where = f"{case.id}.{key} (source: {case.source})"
    if isinstance(got, dict):
        for k, v in got.items():
            compare(v, expected[k], case, k)
    elif isinstance(got, (str, bool)) or expected is None:
        assert got == expected, where
    elif isinstance(expected, str):
        assert math.isinf(got), where
        assert (got > 0) == (not expected.startswith("-")), where
    elif isinstance(expected, list):
        assert len(got) == len(expected), where
        for a, b in zip(got, expected, strict=True):
            compare(a, b, case, key)
    else:
        rule = case.tolerance["default"] | case.tolerance.get("overrides", {}).get(key, {})
        assert got == pytest.approx(expected, rel=rule.get("rel", 0.0), abs=rule.get("abs", 0.0)), where
