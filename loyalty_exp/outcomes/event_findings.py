"""What is found in event tables, is counted and shown, and does not stop the analysis."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from loyalty_exp.errors import Breach, ContractBreach
from loyalty_exp.outcomes.activity import NOBODY
from loyalty_exp.outcomes.clock import big
from loyalty_exp.outcomes.event_tables import Events
from loyalty_exp.outcomes.outcomes import Finding
from loyalty_exp.outcomes.tables import Tables
from loyalty_exp.outcomes.windows import Windows
from loyalty_exp.warehouse.atoms import Expr, as_text, column, hashed
from loyalty_exp.warehouse.engine import Engine


def event_findings(
    engine: Engine, events: Events, did: sa.FromClause, tables: Tables, windows: Windows
) -> list[Finding]:
    """Events of nobody, after the data end, standing twice, and taken back without having been given.

    Raises
    ------
    ContractBreach
        If more are of nobody than the spec allows for transactions.
    """
    nobody = sa.func.sum(sa.case((did.c.code == NOBODY, did.c.rows), else_=0))
    asked = sa.select(sa.func.sum(did.c.rows), nobody, sa.func.sum(did.c.lost)).select_from(did)
    rows, unknown, lost = (int(n or 0) for n in engine.fetch(asked)[0])
    limit = tables.mapped.max_unknown
    if rows and unknown / rows > limit:
        message = (
            f"{unknown / rows:.0%} of the events in the windows are of units that are not in the members "
            f"table, more than {limit:.0%}; check that both tables spell the unit alike"
        )
        raise ContractBreach((Breach(events.shown, events.unit, "known_unit", message, unknown),))
    late = 0
    if events.time.largest >= windows.end_of_data:
        after = events.time.micros >= big(windows.end_of_data)
        late = int(engine.scalar(sa.select(sa.func.count()).select_from(events.table).where(after)))
    detail = {"table": events.name}
    # The same thing twice a day is usual; twice a moment is a row that was written twice.
    severity = "note" if events.time.is_date else "warn"
    told = (
        ("events_of_unknown_members", unknown, rows, "warn"),
        ("events_after_data_to", late, events.rows, "note"),
        ("duplicate_events", repeated_events(engine, events), events.rows, severity),
        ("taken_back_without_event", lost, rows, "warn"),
    )
    return [
        Finding(code, n, share=n / whole if whole else None, severity=how, detail=detail)
        for code, n, whole, how in told
        if n
    ]


def repeated_events(engine: Engine, events: Events) -> int:
    """Count rows that say in all columns what an earlier row says."""
    names = [events.unit, events.time.name, *events.used]
    parts: list[Expr] = [sa.func.coalesce(as_text(column(name)), "") for name in names]
    key: Expr
    if engine.dialect.name == "duckdb":
        key = hashed(*(column(name) for name in names))
    else:
        key = parts[0]
        for part in parts[1:]:
            key = key.concat("\x1f").concat(part)
    query: sa.Select[Any] = sa.select(key.label("x")).select_from(events.table)
    return sum(int(count) - 1 for _, count in engine.repeated(query))
