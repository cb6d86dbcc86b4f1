"""Revenue and orders beside benefit and cost: which columns they are, and the block that holds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from loyalty_exp.metrics import Amount, Margin
from loyalty_exp.metrics.needs import MarginParts, UnitColumn
from loyalty_exp.outcomes.cost_columns import ORDERS
from loyalty_exp.spec.experiment import Experiment

RETURNS = "$returns"
"""Name of the block that holds revenue and orders together with benefit, cost drivers and covariates."""

REVENUE = "$revenue"


def benefit_is_revenue(experiment: Experiment) -> bool:
    """Tell whether the benefit is a share of revenue: what was paid, or a column with a declared margin."""
    assert experiment.economics is not None
    benefit, sold = experiment.economics.benefit, experiment.data.transactions
    metric = experiment.library[benefit.metric]
    if isinstance(metric, Margin):
        return metric.basis == "net_revenue"
    if not isinstance(metric, Amount):
        return False
    return benefit.margin is not None if sold is None else metric.column == sold.amount


def returns_columns(experiment: Experiment, benefit: UnitColumn) -> Iterator[UnitColumn]:
    """Columns that the economics lacks; transactions tell orders, and the revenue behind a margin.

    Parameters
    ----------
    benefit : UnitColumn
        Column of the benefit: revenue is summed over the same transactions.
    """
    if experiment.data.transactions is None or experiment.economics is None:
        return
    metric = experiment.library[experiment.economics.benefit.metric]
    if isinstance(metric, (Amount, Margin)) and not benefit_is_revenue(experiment):
        tender = benefit.parts is not None and benefit.parts.discount_is_tender
        parts = MarginParts(basis="net_revenue", discount_is_tender=tender)
        yield replace(benefit, id=REVENUE, kind="margin", source=None, parts=parts, check="")
    yield UnitColumn(ORDERS, "orders")


def revenue_among(columns: Iterable[str], experiment: Experiment, benefit: str) -> str | None:
    """Column that holds revenue; None where none does."""
    if REVENUE in columns:
        return REVENUE
    return benefit if benefit_is_revenue(experiment) else None
