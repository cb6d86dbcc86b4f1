"""Contribution margin before program cost, as a sum over the transactions of a member."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from loyalty_exp.errors import Breach
from loyalty_exp.metrics.needs import MarginParts
from loyalty_exp.outcomes.breaches import located
from loyalty_exp.spec.data import Transactions
from loyalty_exp.spec.program import Program
from loyalty_exp.warehouse.atoms import Expr, as_text, column, double, not_finite, number
from loyalty_exp.warehouse.engine import Engine

MONEY = ("amount", "margin", "discount", "cogs", "shipping", "refund_cogs")
"""Columns of the transactions that hold money, by what they mean."""


def money_columns(mapped: Transactions) -> list[str]:
    """Columns of a transactions table that hold money."""
    return [name for key in MONEY if (name := getattr(mapped, key)) is not None]


def read_by(parts: MarginParts, mapped: Transactions) -> list[str]:
    """Columns that a margin is made of, the amount first."""
    names = [mapped.amount, mapped.discount if parts.discount_is_tender else None]
    if parts.basis == "contribution_margin":
        names += [mapped.cogs, mapped.refund_cogs, mapped.restockable]
    return list(dict.fromkeys(name for name in names if name is not None))


def tax_of(program: Program) -> float:
    """Rate of the value added tax in the amounts; 0 where they are without it."""
    return program.vat.rate if program.vat is not None and program.vat.included else 0.0


def part_breaches(
    engine: Engine, table: sa.FromClause, shown: str, mapped: Transactions, names: Sequence[str]
) -> list[Breach]:
    """Orders without a cost of goods, refunds with the wrong sign, and parts that are not finite."""
    is_refund = _is_refund(mapped)
    checks: list[tuple[str, str, str, Expr]] = []
    if mapped.refund_of:
        message = "refund rows must hold the money given back as a negative amount"
        positive = sa.and_(is_refund, double(column(mapped.amount)) > number(0))
        checks.append((mapped.amount, "refund_sign", message, positive))
    if mapped.cogs is not None and mapped.cogs in names:
        empty = sa.and_(sa.not_(is_refund), column(mapped.cogs).is_(None))
        checks.append((mapped.cogs, "not_null", "orders have no cost of goods; write 0 for none", empty))
    for name in dict.fromkeys(names):
        checks.append((name, "finite", "holds NaN or infinite values", not_finite(double(column(name)))))
    if not checks:
        return []
    asked = [sa.func.sum(sa.case((condition, 1), else_=0)) for *_, condition in checks]
    counts = engine.fetch(sa.select(*asked).select_from(table))[0]
    breaches = []
    for (name, rule, message, condition), count in zip(checks, counts, strict=True):
        if count:
            found, examples = located(engine, table, condition)
            breaches.append(Breach(shown, name, rule, message, found, examples))
    return breaches


def _is_refund(mapped: Transactions) -> Expr:
    if not mapped.refund_of:
        return sa.false()
    return sa.func.nullif(as_text(column(mapped.refund_of)), "").is_not(None)


def margin_sum(
    sales: sa.FromClause, inside: sa.ColumnElement[bool], parts: MarginParts, mapped: Transactions, tax: float
) -> Expr:
    """Sum the margin of orders and refunds inside a window.

    An order brings its amount without tax, less goods, fulfilment and the fee on the money paid. A refund row
    carries a negative amount, brings goods back only where they can be sold again, and costs its handling.
    """
    whole = parts.basis == "contribution_margin"
    order = sa.and_(inside, sales.c.refund_of.is_(None))
    refund = sa.and_(inside, sales.c.refund_of.is_not(None))
    paid = _money(sales, mapped.amount)
    value = paid + _money(sales, mapped.discount) if parts.discount_is_tender and mapped.discount else paid
    revenue = value / number(1 + tax) if tax else value
    sold, returned = revenue, revenue
    if whole:
        sold = sold - _money(sales, mapped.cogs) - number(parts.payment_fee_rate) * paid
        returned = returned + _goods_back(sales, mapped)
    if whole and not mapped.lines:
        sold = sold - number(parts.fulfilment_per_order)
        returned = returned - number(parts.return_handling)
    total: Expr = sa.func.sum(sa.case((order, sold), (refund, returned)))
    if whole and mapped.lines:
        for test, price in ((order, parts.fulfilment_per_order), (refund, parts.return_handling)):
            if price:
                total = total - number(price) * sa.func.count(sa.case((test, sales.c.order)).distinct())
    return total


def _money(sales: sa.FromClause, name: str | None) -> Expr:
    return sa.func.coalesce(double(sales.c[f"c:{name}"]), number(0)) if name else number(0)


def _goods_back(sales: sa.FromClause, mapped: Transactions) -> Expr:
    if mapped.refund_cogs:
        return sa.func.abs(_money(sales, mapped.refund_cogs))
    if mapped.restockable and mapped.cogs:
        usable = double(sales.c[f"c:{mapped.restockable}"]) != number(0)
        return sa.case((usable, sa.func.abs(_money(sales, mapped.cogs))), else_=number(0))
    return number(0)
