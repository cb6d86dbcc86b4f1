"""What is counted and shown, and does not stop the analysis."""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_exp.errors import Breach, ContractBreach
from loyalty_exp.outcomes.activity import NOBODY, native_range
from loyalty_exp.outcomes.clock import big
from loyalty_exp.outcomes.contract import MOST_IN_TWO_ARMS
from loyalty_exp.outcomes.outcomes import Finding
from loyalty_exp.outcomes.roster import IN, LATE, NOT_ASSIGNED, OUTSIDE, TWO_ARMS
from loyalty_exp.outcomes.tables import Tables
from loyalty_exp.outcomes.windows import Windows
from loyalty_exp.warehouse.atoms import Expr, column, double, number
from loyalty_exp.warehouse.engine import Engine


def member_findings(engine: Engine, members: sa.FromClause, tables: Tables) -> list[Finding]:
    """Units in two arms, assigned too late, not assigned, or outside the population.

    Raises
    ------
    ContractBreach
        If more than one in a hundred assigned units is in two arms.
    """
    rows = engine.fetch(
        sa.select(members.c.state, sa.func.count(), sa.func.count(members.c.arm)).group_by(members.c.state)
    )
    counts = {int(state): int(n) for state, n, _ in rows}
    assigned = sum(counts.get(state, 0) for state in (IN, TWO_ARMS, LATE))
    twice = counts.get(TWO_ARMS, 0)
    if assigned and twice / assigned > MOST_IN_TWO_ARMS:
        message = (
            f"{twice:,} of {assigned:,} units are in more than one arm; more than 1% is not an experiment"
        )
        raise ContractBreach((Breach(tables.assignments_shown, tables.arm, "one_arm", message, twice),))
    outside = sum(int(n) for state, _, n in rows if int(state) == OUTSIDE)
    told = (
        ("multi_exposure", twice, assigned, "warn"),
        ("assigned_after_end", counts.get(LATE, 0), assigned, "warn"),
        ("not_assigned", counts.get(NOT_ASSIGNED, 0), assigned + counts.get(NOT_ASSIGNED, 0), "note"),
        ("outside_population", outside, assigned + outside, "note"),
    )
    return [
        Finding(code, n, share=n / whole if whole else None, severity=severity)
        for code, n, whole, severity in told
        if n
    ]


def transaction_findings(engine: Engine, tables: Tables, windows: Windows) -> list[Finding]:
    """Transactions after the last complete day, negative amounts, order ids that stand twice."""
    amount, at = double(column(tables.mapped.amount)), tables.time.micros
    rows, least = engine.fetch(
        sa.select(sa.func.count(), sa.func.min(amount)).select_from(tables.transactions)
    )[0]
    findings = []
    if tables.repeated_orders:
        findings.append(
            Finding("duplicate_orders", tables.repeated_orders, share=tables.repeated_orders / rows)
        )
    # The ends of the columns, which many files carry, often show that there is nothing to count.
    n_late, late_total = 0, 0.0
    if tables.time.largest >= windows.end_of_data:
        near = native_range(tables.time, windows.end_of_data, tables.time.largest)
        n_late, late_total = _counted(engine, tables, amount, at >= big(windows.end_of_data), *near)
    n_negative, negative_total = 0, 0.0
    if least is not None and least < 0:
        n_negative, negative_total = _counted(engine, tables, amount, amount < number(0))
    if n_late:
        findings.append(
            Finding(
                "after_data_to",
                n_late,
                late_total,
                n_late / rows,
                "note",
                {"data_to": windows.data_to.isoformat()},
            )
        )
    if n_negative:
        severity = "note" if tables.mapped.refund_of else "warn"
        findings.append(Finding("negative_amount", n_negative, negative_total, n_negative / rows, severity))
    return findings


def _counted(
    engine: Engine, tables: Tables, amount: Expr, *where: sa.ColumnElement[bool]
) -> tuple[int, float]:
    """Count the transactions that satisfy all conditions, and sum their amounts."""
    asked = sa.select(sa.func.count(), sa.func.sum(amount)).select_from(tables.transactions).where(*where)
    n, total = engine.fetch(asked)[0]
    return int(n), float(total or 0.0)


def activity_findings(
    engine: Engine, members: sa.FromClause, did: sa.FromClause, tables: Tables
) -> list[Finding]:
    """Transactions of nobody, before assignment, and refunds of orders that are not there."""
    nobody = did.c.code == NOBODY
    joined = did.outerjoin(members, did.c.code == members.c.code)
    row = engine.fetch(
        sa.select(
            sa.func.sum(did.c.rows),
            sa.func.sum(did.c.amount),
            sa.func.sum(sa.case((nobody, did.c.rows), else_=0)),
            sa.func.sum(sa.case((nobody, did.c.amount), else_=0)),
            sa.func.sum(sa.case((members.c.state == IN, did.c.early), else_=0)),
            sa.func.sum(did.c.lost_refunds),
        ).select_from(joined)
    )[0]
    rows, amount, unknown, unknown_amount, early, lost = (float(x) if x is not None else 0.0 for x in row)
    findings = []
    limit = tables.mapped.max_unknown
    if rows and unknown / rows > limit:
        message = (
            f"{unknown / rows:.0%} of the transactions in the windows are of units that are not in the "
            f"members table, more than {limit:.0%}; check that both tables spell the unit alike, or raise "
            "data.transactions.max_unknown"
        )
        breach = Breach(tables.transactions_shown, tables.sold_unit, "known_unit", message, int(unknown))
        raise ContractBreach((breach,))
    if unknown:
        detail = {"share_of_amount": unknown_amount / amount if amount else None}
        findings.append(
            Finding("unknown_members", int(unknown), unknown_amount, unknown / rows, "warn", detail)
        )
    if early:
        findings.append(Finding("before_assignment", int(early), share=early / rows, severity="note"))
    if lost:
        findings.append(Finding("refund_without_order", int(lost), share=lost / rows))
    return findings
