"""Checks of comparisons that are not causal: the data can hold what they need."""

from __future__ import annotations

from collections.abc import Iterator

from loyalty_exp.spec.draft import Draft
from loyalty_exp.spec.naive import Naive
from loyalty_exp.spec.place import Finding, Path


def naive(spec: Draft) -> Iterator[Finding]:
    """Each comparison finds its column, table or period."""
    if spec.data is None or spec.observational:
        return
    for i, given in spec.naive.items():
        path: Path = ("economics", "naive", i)
        check = _of_a_table if spec.units_shape else _of_transactions
        yield from check(path, given, spec)


def _of_a_table(path: Path, given: Naive, spec: Draft) -> Iterator[Finding]:
    if given.table is not None:
        message = "a per-unit table has no events of its own"
        yield Finding(path, message, "name the column that says who took part: column: ...")
    elif given.compare != "members" and given.column is None:
        what = {"before_after": "its value before", "participated": "who took part"}[given.compare]
        message = f"{given.compare} needs the column of the per-unit table that holds {what}"
        yield Finding(path, message, f"write {{compare: {given.compare}, column: ...}}")


def _of_transactions(path: Path, given: Naive, spec: Draft) -> Iterator[Finding]:
    assert spec.data is not None
    if given.column is not None:
        yield Finding(path, "a column is for a per-unit table; transactions are summed", "remove column")
    elif given.compare == "before_after" and spec.schedule is not None and not spec.schedule.pre_days:
        message = "before_after needs days before assignment"
        yield Finding(path, message, "write schedule.pre_days, best as many as outcome_days")
    elif given.compare == "participated":
        asked = (given.table,) if given.table else ("exposures", "coupons")
        if all(getattr(spec.data, name) is None for name in asked):
            message = f"there is no data.{' and no data.'.join(asked)}: nothing says who took part"
            yield Finding(path, message, "add one of them to data:")
