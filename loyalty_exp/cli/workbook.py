"""`export --format xlsx`: the tables of a readout as sheets of one workbook, always the same bytes."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

from loyalty_exp.errors import UsageError
from loyalty_exp.readout.tables import Table

LONGEST = 31
"""Characters of the name of a sheet."""


def workbook(tables: Mapping[str, Table]) -> bytes:
    """Write each table to a sheet of its own: text stays text, whatever it begins with.

    Raises
    ------
    UsageError
        If the package that writes workbooks is not installed.
    """
    try:
        import xlsxwriter
    except ImportError:
        raise UsageError("--format xlsx needs the package XlsxWriter; install loyalty-exp[excel]") from None
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_numbers": False})
    book.set_properties({"created": dt.datetime(2000, 1, 1)})
    bold = book.add_format({"bold": True})
    for name, table in zip(sheet_names(tables), tables.values(), strict=True):
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for column, title in enumerate(table.header):
            sheet.write_string(0, column, title, bold)
        for row, cells in enumerate(table.rows, start=1):
            for column, value in enumerate(cells):
                _write(sheet, row, column, value)
    book.close()
    return out.getvalue()


def sheet_names(names: Iterable[str]) -> list[str]:
    """Shorten names to what a workbook takes, no two alike."""
    found: list[str] = []
    for name in names:
        short = re.sub(r"[\[\]:*?/\\]", "_", name)[:LONGEST]
        position = 1
        while short.lower() in map(str.lower, found):
            position += 1
            short = f"{short[: LONGEST - 1 - len(str(position))]}~{position}"
        found.append(short)
    return found


def _write(sheet: Any, row: int, column: int, value: Any) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, (int, float)):
        sheet.write_number(row, column, value)
    elif value is not None:
        sheet.write_string(row, column, str(value))
