"""A calendar day as a spec writes it: ISO year-month-day, nothing else."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from pydantic import BeforeValidator

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_SLASHES = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})")


def _from_iso(value: object) -> object:
    """Read year-month-day; refuse ways in which day and month can be taken for one another."""
    if not isinstance(value, str):
        return value
    if _ISO.fullmatch(value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"'{value}' is not a day of the calendar; ISO dates: 2024-04-03") from None
    if match := _SLASHES.fullmatch(value):
        a, b, year = (int(part) for part in match.groups())
        readings = dict.fromkeys(f"{year}-{m:02}-{d:02}" for m, d in ((b, a), (a, b)) if m <= 12)
        raise ValueError(f"'{value}' is not an ISO date; ISO dates: {' or '.join(readings)}")
    raise ValueError(f"'{value[:40]}' is not an ISO date; ISO dates: 2024-04-03")


Day = Annotated[dt.date, BeforeValidator(_from_iso)]
"""A day, such as 2024-04-03."""
