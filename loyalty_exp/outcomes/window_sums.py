"""One row a unit from the roster and the sums over its windows: who did nothing has zeros."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.clock import big
from loyalty_exp.outcomes.exposure_columns import TRIGGERED
from loyalty_exp.outcomes.plan import balanced_for, wants
from loyalty_exp.outcomes.roster import IN
from loyalty_exp.outcomes.tables import Tables
from loyalty_exp.outcomes.unit_table import UnitTable, Value, said_in_text
from loyalty_exp.outcomes.windows import Windows
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr, column, double, number


def unit_table(
    experiment: Experiment,
    tables: Tables,
    windows: Windows,
    columns: tuple[UnitColumn, ...],
    members: sa.FromClause,
    did: sa.FromClause,
    some_immature: bool,
    beside: Mapping[str, sa.FromClause] | None = None,
) -> UnitTable:
    """Express one row a unit: members without transactions or events have zeros.

    Parameters
    ----------
    beside : mapping of table name to table, optional
        Sums over event tables; columns of a table that is not there are 0.
    """
    beside = beside or {}
    source = members.outerjoin(did, members.c.code == did.c.code)
    for table in beside.values():
        source = source.outerjoin(table, members.c.code == table.c.code)
    exclude = experiment.schedule.immature == "exclude"
    items: dict[str, Expr] = {"arm": members.c.arm}
    if experiment.economics is not None:
        items["code"] = members.c.code
    items |= {f"segment:{s.id}": members.c[f"segment:{s.id}"] for s in experiment.segments}
    design = [name for name in ("stratum", "cluster") if name in members.c]
    items |= {name: members.c[name] for name in design}
    if wants(experiment, "rows"):
        items["unit"] = members.c.unit
    balanced = [f"balanced:{i}" for i in range(len(balanced_for(experiment)))]
    items |= {name: members.c[name] for name in balanced}
    if any(c.kind == "first_order" for c in columns):
        items["observed"] = big(windows.end_of_data) - members.c[windows.begins]
    values = {}
    x: Expr
    for c in columns:
        if c.kind == "first_order":
            items[c.id] = did.c[c.id]
            continue
        if c.kind == "known":
            items[c.id] = sa.case((members.c[f"member:{c.source}"].is_not(None), 1), else_=0)
            x, where, name = column(c.id), tables.members_shown, c.source or c.id
            values[c.id] = Value(c.id, x, x, where, name, may_be_null=False, is_binary=True, checked=False)
            continue
        if c.kind == "column":
            items[c.id] = members.c[f"member:{c.source}"]
            x, where, name = column(c.id), tables.members_shown, c.source or c.id
            filled = sa.func.coalesce(x, number(0)) if c.missing in {"zero", "indicator"} else x
            values[c.id] = Value(c.id, x, filled, where, name, c.missing, c.check)
            continue
        x = sa.func.coalesce(_figure(c, did, beside), 0)
        if c.kind in {"sum", "margin", "net"}:
            x = double(x)
        ends_early = windows.can_be_open(windows.days(c)) if c.window == "outcome" else False
        masked = exclude and ends_early
        items[c.id] = sa.case((windows.is_over(members, windows.days(c)), x)) if masked else x
        where, name = _shown(c, tables, experiment)
        values[c.id] = Value(
            c.id,
            column(c.id),
            column(c.id),
            where,
            name,
            "drop" if masked else "reject",
            "",
            masked,
            is_binary=c.kind in {"any_order", "any_event"},
            checked=c.kind in {"sum", "margin", "net"},
        )
    query = (
        sa.select(*(x.label(name) for name, x in items.items()))
        .select_from(source)
        .where(members.c.state == IN)
    )
    dimensions = {s.id: column(f"segment:{s.id}") for s in experiment.segments}
    return UnitTable(
        query.subquery("units"),
        column("arm"),
        dimensions,
        values,
        tables.assignments_shown,
        tables.arm,
        stratum=column("stratum") if "stratum" in items else None,
        cluster=column("cluster") if "cluster" in items else None,
        unit=column("unit") if "unit" in items else None,
        triggered=said_in_text(column(TRIGGERED)) if TRIGGERED in items else None,
        balanced=tuple(column(name) for name in balanced),
    )


def _figure(c: UnitColumn, did: sa.FromClause, beside: Mapping[str, sa.FromClause]) -> Expr:
    """Column of a table of sums; 0 where there were no events at all."""
    if c.table == "transactions":
        return did.c[c.id]
    if c.table not in beside:
        return sa.literal(0)
    return beside[c.table].c[(c.source or c.id) if c.table == "earned" else c.id]


def _shown(c: UnitColumn, tables: Tables, experiment: Experiment) -> tuple[str, str]:
    """Table and column behind a figure, for messages."""
    if c.table in {"transactions", "earned"}:
        known = c.table == "transactions" and c.source
        name = tables.source_of(c.source) if known and c.source else tables.mapped.order
        return tables.transactions_shown, name if c.kind != "margin" else tables.mapped.amount
    mapped = getattr(experiment.data, c.table)
    return mapped.table, c.source or mapped.time
