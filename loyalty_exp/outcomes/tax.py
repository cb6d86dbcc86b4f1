"""Value added tax in a benefit that sums what was paid: it is no revenue, and is taken out of the money."""

from __future__ import annotations

from dataclasses import replace

from loyalty_exp.metrics import Amount
from loyalty_exp.metrics.needs import MarginParts, UnitColumn
from loyalty_exp.spec.experiment import Experiment


def holds_tax(experiment: Experiment) -> bool:
    """Tell whether the benefit sums the amounts of the transactions, with the tax that is in them."""
    vat, economics, sold = experiment.program.vat, experiment.economics, experiment.data.transactions
    if vat is None or not vat.included or not vat.rate or economics is None or sold is None:
        return False
    metric = experiment.library[economics.benefit.metric]
    return isinstance(metric, Amount) and metric.column == sold.amount


def without_tax(column: UnitColumn) -> UnitColumn:
    """The same sum as net revenue: orders less refunds, divided by one plus the rate."""
    return replace(column, kind="margin", source=None, parts=MarginParts(basis="net_revenue"))
