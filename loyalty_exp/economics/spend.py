"""What the money spent brought: extra revenue for each unit of it, and the price of an extra order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from loyalty_exp.economics.ledger import COST
from loyalty_exp.economics.money_means import ECONOMICS_BOOK, RETURNS_BOOK, money_means
from loyalty_exp.economics.pull_forward import (
    Share,
    TwoDifferences,
    cost_per_incremental,
    return_on_spend,
    two_differences,
)
from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.cost_columns import ORDERS
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import money_column
from loyalty_exp.outcomes.returns_columns import RETURNS, REVENUE, revenue_among
from loyalty_exp.readout.figures import Interval, Relative, normal_interval
from loyalty_exp.readout.money import SpendFacts
from loyalty_exp.spec.experiment import Experiment


def spend_facts(
    experiment: Experiment, outcomes: Outcomes, treatment: str, fixed: float
) -> SpendFacts | None:
    """Read revenue and orders against the cost, with their covariances; None where the data tell neither.

    Parameters
    ----------
    fixed : float
        Fixed cost a treated unit, without what partners pay.

    Raises
    ------
    NotEstimable
        With fewer than two units or clusters in an arm.
    """
    assert experiment.economics is not None
    benefit = experiment.economics.benefit.metric
    book = RETURNS_BOOK if RETURNS in outcomes.overall else ECONOMICS_BOOK
    raw = outcomes.overall[book.block][treatment].columns
    known = [REVENUE] if revenue_among(raw, experiment, money_column(benefit, experiment)) else []
    known += [ORDERS] if ORDERS in raw else []
    if not known:
        return None
    covariates = experiment.library[benefit].needs(experiment.shape, experiment.library).covariates
    arms = money_means(experiment, outcomes, treatment, (COST, *known), covariates, book)
    alpha, facts = experiment.analysis.alpha, SpendFacts()
    if REVENUE in known:
        pair = two_differences(*arms, REVENUE, COST)
        found, reason = _ratio(lambda: return_on_spend(pair, fixed, alpha))
        facts = replace(facts, revenue=_first(pair, alpha), iroas=found, iroas_not_estimable=reason)
    if ORDERS in known:
        costs = two_differences(*arms, COST, ORDERS)
        found, reason = _ratio(lambda: cost_per_incremental(costs, fixed, alpha))
        orders = _first(two_differences(*arms, ORDERS, COST), alpha)
        facts = replace(facts, orders=orders, cost_per_order=found, cost_per_order_not_estimable=reason)
    return facts


def _ratio(read: Callable[[], Share]) -> tuple[Relative | None, str | None]:
    """Give a ratio with its bounds, or the reason why there is none."""
    try:
        share = read()
    except NotEstimable as reason:
        return None, str(reason)
    if share.estimate is None:
        return None, share.reason
    return Relative(share.estimate, None, share.found.lower, share.found.upper), None


def _first(pair: TwoDifferences, alpha: float) -> Interval:
    return normal_interval(pair.first, pair.v_11, alpha)
