"""Projected customer value of an arm against control: a surrogate, the models fitted again in each resample.

The models read what customers did after the washout, because a burst that the campaign caused would raise
the rate for good. A backtest fits them to the first half of that time and forecasts the second; its error is
added to that of sampling, and beyond the limit of the spec no value is given.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.customers import Span, span_of
from loyalty_exp.outcomes.outcomes import Customers, Outcomes
from loyalty_exp.readout.figures import interval_of
from loyalty_exp.readout.outlook import CustomerValueArm, CustomerValueFacts
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.projection import CustomerValue, Horizon
from loyalty_exp.stats.backtest import absolute_percentage_error, with_backtest_error
from loyalty_exp.stats.difference import known
from loyalty_exp.stats.projected_value import (
    Projection,
    fitted_models,
    mean_value,
    projected_difference,
)
from loyalty_exp.stats.purchase_history import frequency_value_correlation
from loyalty_exp.stats.repeat_buying import expected_later_purchases, fit_bg_nbd, model_of

LEAST_BUYERS = 100
"""Customers of an arm that bought after the washout, below which seven parameters are not fitted."""

PERIOD = 30.0
"""Days of a period of the projection, as nearly as whole periods allow."""


def customer_value(
    experiment: Experiment, asked: Horizon, outcomes: Outcomes, treatment: str
) -> CustomerValueFacts | None:
    """Project both arms and compare them; None where the spec does not ask."""
    span, given = span_of(experiment), asked.customer_value
    if span is None or given is None:
        return None
    facts = CustomerValueFacts(span.start, span.end - span.start, asked.days - span.end, given.replicates)
    pair, over = (treatment, experiment.control), projection(asked, span)
    try:
        arms = [_priced(experiment, _customers(outcomes, arm)) for arm in pair]
        facts = replace(
            facts, arms=tuple(_arm(arm, found, over, span) for arm, found in zip(pair, arms, strict=True))
        )
        return _compared(experiment, facts, given, arms, over, treatment)
    except NotEstimable as reason:
        return replace(facts, not_estimable=str(reason))


def projection(asked: Horizon, span: Span) -> Projection:
    """Cut the days after the window into periods of about a month, each discounted."""
    days = asked.days - span.end
    periods = max(round(days / PERIOD), 1)
    length = days / periods
    return Projection(periods, length, (1 + asked.discount_annual) ** (length / 365) - 1)


def _customers(outcomes: Outcomes, arm: str) -> Customers:
    found = outcomes.customers.get(arm)
    if found is None:
        raise NotEstimable(f"no unit of arm {arm} has a window that is over")
    bought = float(found.buyers.customers[found.buyers.history.frequency > 0].sum())
    if bought < LEAST_BUYERS:
        raise NotEstimable(
            f"fewer than {LEAST_BUYERS} customers of arm {arm} bought after the washout: {bought:.0f}"
        )
    return found


def _priced(experiment: Experiment, found: Customers) -> Customers:
    """Turn what customers brought into contribution margin."""
    assert experiment.economics is not None and found.buyers.margin is not None
    worth = experiment.economics.benefit.margin or 1.0
    return replace(found, buyers=replace(found.buyers, margin=worth * found.buyers.margin))


def _arm(arm: str, found: Customers, over: Projection, span: Span) -> CustomerValueArm:
    """Fit one arm and say how it fits."""
    buyers = found.buyers
    try:
        buying, spend = fitted_models(buyers)
    except NotEstimable as reason:
        raise NotEstimable(f"in arm {arm}, {reason}") from None
    try:
        together = frequency_value_correlation(buyers.history.frequency, buyers.value, buyers.customers)
    except NotEstimable:
        together = None
    return CustomerValueArm(
        arm=arm,
        customers=round(buyers.customers.sum()),
        bought=round(buyers.customers[buyers.history.frequency > 0].sum()),
        value=mean_value(buyers, (buying, spend), over),
        parameters={
            "r": buying.r, "alpha": buying.alpha, "a": buying.a, "b": buying.b,
            "p": spend.p, "q": spend.q, "gamma": spend.gamma,
        },
        frequency_value_correlation=together,
        backtest_error=_backtest(found, span),
    )  # fmt: skip


def _backtest(found: Customers, span: Span) -> float:
    """Error of purchases forecast from the first half, as a share of those that came."""
    try:
        model = model_of(fit_bg_nbd(found.first, found.first_count))
    except NotEstimable as reason:
        raise NotEstimable(f"in the backtest, {reason}") from None
    expected = expected_later_purchases(model, found.first, float(span.end - span.middle))
    return absolute_percentage_error([float(found.first_count @ expected)], [found.later])


def _compared(
    experiment: Experiment,
    facts: CustomerValueFacts,
    given: CustomerValue,
    arms: list[Customers],
    over: Projection,
    treatment: str,
) -> CustomerValueFacts:
    """Resample both arms; the seed is that of the spec, and each treatment has a stream of its own."""
    error = max(arm.backtest_error or 0.0 for arm in facts.arms)
    facts = replace(facts, backtest_error=error)
    if error > given.backtest_limit:
        words = f"the backtest is off by {error:.0%}, more than the limit of {given.backtest_limit:.0%}"
        return replace(facts, not_estimable=words)
    stream = np.random.SeedSequence([experiment.analysis.seed, experiment.treatments.index(treatment)])
    found = projected_difference(
        arms[0].buyers, arms[1].buyers, over, given.replicates, np.random.Generator(np.random.PCG64(stream))
    )
    whole = known(found.estimate, with_backtest_error(found, error), experiment.analysis.alpha)
    return replace(
        facts,
        difference=interval_of(whole),
        sampling_std_error=found.std_error,
    )
