"""Every reference case, by name and source: checked here, or refused with the reason. Nothing is skipped.

The files `check_*.py` beside this one hold three tables each:

``CHECKS``
    family, or id of one case -> function from the case to the values it claims, by the case's own keys.
``REFUSED``
    id of a case -> why it is not matched: a fault of the peer, or a method that is not offered.
``NOT_COMPARED``
    ``family.key`` or ``case id.key`` -> why this one expected value is left out of the comparison.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from case import Case, compare, load  # noqa: E402

ROOMS = [import_module(path.stem) for path in sorted(HERE.glob("check_*.py"))]
CHECKS: dict[str, Callable[[Case], dict[str, Any]]] = {}
REFUSED: dict[str, str] = {}
NOT_COMPARED: dict[str, str] = {}
for room in ROOMS:
    for table, rows in ((CHECKS, room.CHECKS), (REFUSED, room.REFUSED), (NOT_COMPARED, room.NOT_COMPARED)):
        assert not set(table) & set(rows), f"{room.__name__} speaks of a case that another file owns"
        table.update(rows)
CASES = load()


@pytest.mark.parametrize("case", [c for c in CASES if c.id not in REFUSED], ids=lambda c: c.id)
def test_case(case: Case) -> None:
    check = CHECKS.get(case.id) or CHECKS[case.family]
    got = check(case)
    silent = [
        key
        for key in case.expected
        if key not in got and not {f"{case.family}.{key}", f"{case.id}.{key}"} & set(NOT_COMPARED)
    ]
    assert not silent, f"{case.id}: neither compared nor excused: {silent}"
    assert got
    for key, value in got.items():
        compare(value, case.expected[key], case, key)


def test_refusals_speak_of_cases_that_exist_and_say_why() -> None:
    known = {c.id for c in CASES}
    assert set(REFUSED) <= known, set(REFUSED) - known
    keys = {f"{name}.{key}" for c in CASES for name in (c.family, c.id) for key in c.expected}
    assert set(NOT_COMPARED) <= keys, set(NOT_COMPARED) - keys
    assert all(len(why) > 20 for why in (*REFUSED.values(), *NOT_COMPARED.values()))
