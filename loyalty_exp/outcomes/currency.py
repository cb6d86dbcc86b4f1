"""Rows in several currencies: converted at the frozen rates of the plan, or refused."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from loyalty_exp.errors import Breach
from loyalty_exp.metrics import Amount
from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.breaches import located
from loyalty_exp.outcomes.contract import currency_breaches
from loyalty_exp.outcomes.margin import money_columns
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr, as_text, column, number
from loyalty_exp.warehouse.engine import Engine


def rate_of(
    engine: Engine, experiment: Experiment, table: sa.FromClause, shown: str, columns: Sequence[UnitColumn]
) -> tuple[Expr | None, list[Breach]]:
    """Give the rate of each row (None where all are in the currency of the program), and what is broken."""
    mapped, program = experiment.data.transactions, experiment.program
    if mapped is None or not mapped.currency:
        return None, []
    code = program.currency.code if program.currency else None
    if program.fx is None or code is None:
        return None, currency_breaches(engine, table, shown, mapped.currency, code)
    found = as_text(column(mapped.currency))
    other = sa.or_(found.is_(None), found != sa.literal(code, sa.Text))
    if not engine.scalar(sa.select(sa.func.count()).select_from(table).where(other)):
        return None, []
    rates = {name: rate for name, rate in sorted(program.fx.rates.items()) if name != code}
    unknown = sa.or_(found.is_(None), found.not_in([sa.literal(c, sa.Text) for c in (code, *rates)]))
    count, examples = located(engine, table, unknown)
    if count:
        message = f"must be {code}, or a currency with a rate in program.fx: {', '.join(rates) or 'none'}"
        return None, [Breach(shown, mapped.currency, "one_currency", message, count, examples)]
    if breaches := _not_converted(experiment, shown, columns):
        return None, breaches
    whens = [(found == sa.literal(name, sa.Text), number(rate)) for name, rate in rates.items()]
    return sa.case(*whens, else_=number(1.0)), []


def _not_converted(experiment: Experiment, shown: str, columns: Sequence[UnitColumn]) -> list[Breach]:
    """Sums of money over columns that are not mapped as money, and so would mix currencies."""
    assert experiment.data.transactions is not None
    mapped = experiment.data.transactions
    known = {*money_columns(mapped), "amount", "margin", "discount"}
    return [
        Breach(
            shown,
            m.column,
            "one_currency",
            f"metric '{m.id}' sums money that is not converted; map it in data.transactions as margin, "
            "discount, cogs or shipping, or give the metric display: number",
        )
        for m in experiment.metrics
        if isinstance(m, Amount) and m.shown_as == "money" and m.column not in known
    ]
