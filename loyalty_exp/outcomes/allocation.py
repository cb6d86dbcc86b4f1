"""Do the arms share the units alike on all days of assignment, or did their shares drift?"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from loyalty_exp.outcomes.clock import DAY, big
from loyalty_exp.outcomes.outcomes import Finding
from loyalty_exp.outcomes.roster import IN
from loyalty_exp.outcomes.windows import Windows
from loyalty_exp.stats.distributions import chi2_sf
from loyalty_exp.warehouse.engine import Engine

MOST_DAYS = 60
"""Days of assignment beyond which weeks are compared."""

LEAST = 5.0
"""Units expected in the smallest arm of a period; smaller periods are joined with the next."""

Counts = Sequence[int]


def allocation_findings(
    engine: Engine, members: sa.FromClause, windows: Windows, arms: Sequence[str]
) -> list[Finding]:
    """Compare the shares of the arms between days of assignment, or weeks; nothing where there is but one."""
    if windows.clock.fixed is not None:
        return []
    by_day = _by_day(engine, members, windows, arms)
    weekly = len(by_day) > MOST_DAYS
    periods = joined(by_week(by_day) if weekly else by_day)
    if len(periods) < 2:
        return []
    statistic, df, pulls = homogeneous(list(periods.values()))
    if not df:
        return []
    p, log_p = chi2_sf(statistic, df)
    day, counts = list(periods.items())[pulls.index(max(pulls))]
    begins = windows.clock.first + dt.timedelta(days=day)
    detail = {
        "p_value": p,
        "log_p_value": log_p,
        "statistic": statistic,
        "df": df,
        "period": "week" if weekly else "day",
        "periods": len(periods),
        "worst": {
            "begins": begins.isoformat(),
            "units": sum(counts),
            "shares": {arm: n / sum(counts) for arm, n in zip(arms, counts, strict=True)},
        },
    }
    units = sum(sum(counts) for counts in periods.values())
    return [Finding("allocation_drift", units, severity="note", detail=detail)]


def _by_day(
    engine: Engine, members: sa.FromClause, windows: Windows, arms: Sequence[str]
) -> dict[int, list[int]]:
    """Count the units of each arm by days since the first assignment, in order."""
    begins, first = members.c[windows.begins], windows.earliest
    # A local day has one boundary; a moment is moved back to the begin of its 24 hours.
    day = begins if windows.clock.local else begins - (begins - big(first)) % big(DAY)
    inner = sa.select(members.c.arm, day.label("day")).where(members.c.state == IN).subquery("assigned")
    query = sa.select(inner.c.arm, inner.c.day, sa.func.count()).group_by(inner.c.arm, inner.c.day)
    counts: dict[int, list[int]] = defaultdict(lambda: [0] * len(arms))
    for arm, moment, n in engine.fetch(query):
        # Between two local midnights there may be an hour more or less.
        counts[round((int(moment) - first) / DAY)][arms.index(arm)] += int(n)
    return dict(sorted(counts.items()))


def by_week(days: Mapping[int, Counts]) -> dict[int, Counts]:
    """Add days to weeks, which begin with the first day."""
    weeks: dict[int, Counts] = {}
    for day, counts in days.items():
        week = day - day % 7
        weeks[week] = _sum(weeks.get(week), counts)
    return weeks


def joined(periods: Mapping[int, Counts]) -> dict[int, Counts]:
    """Join periods with the next until each has enough units of the smallest arm to be expected.

    References
    ----------
    Cochran (1954), Some methods for strengthening the common chi-square tests, Biometrics 10(4), 417-451,
    section 2, asks for expectations of 5 in all but a fifth of the cells; here all have them.
    """
    totals = [sum(column) for column in zip(*periods.values(), strict=True)]
    smallest = min((n for n in totals if n), default=0) / max(sum(totals), 1)
    kept: dict[int, Counts] = {}
    begins, waiting = None, None
    for day, counts in periods.items():
        begins, waiting = day if begins is None else begins, _sum(waiting, counts)
        if sum(waiting) * smallest >= LEAST:
            kept[begins] = waiting
            begins, waiting = None, None
    if waiting is not None and kept:
        last = max(kept)
        kept[last] = _sum(kept[last], waiting)
    return kept


def homogeneous(rows: Sequence[Counts]) -> tuple[float, int, list[float]]:
    """Pearson's chi-square of periods by arms: statistic, degrees of freedom, and the part of each period.

    References
    ----------
    Pearson (1900), Philosophical Magazine 50, 157-175, with the degrees of freedom of Fisher (1922), On the
    interpretation of chi-square from contingency tables, JRSS 85(1), 87-94.
    """
    totals = [sum(column) for column in zip(*rows, strict=True)]
    whole = sum(totals)
    parts = [
        math.fsum(
            (n - sum(row) * total / whole) ** 2 / (sum(row) * total / whole)
            for n, total in zip(row, totals, strict=True)
            if total
        )
        for row in rows
    ]
    return math.fsum(parts), (len(rows) - 1) * (sum(1 for t in totals if t) - 1), parts


def _sum(first: Counts | None, second: Counts) -> Counts:
    return second if first is None else [a + b for a, b in zip(first, second, strict=True)]
