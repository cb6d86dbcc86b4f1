"""The horizon of a spec: net benefit by month of the window, discounted, and the declared ways it may go on.

What every unit costs at once, and fixed costs, are paid at the start: they are neither discounted nor
repeated by the months that are assumed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from loyalty_exp.economics.customer_value import customer_value
from loyalty_exp.economics.horizon import HorizonValue, Persistence, horizon_value
from loyalty_exp.economics.ledger import COST, Ledger, causes, open_ledger, prices
from loyalty_exp.economics.money_means import Book, money_means
from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.horizon_columns import HORIZON, MONTH, month_ends, running, split
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS, economics_columns, money_column
from loyalty_exp.readout.figures import interval_of
from loyalty_exp.readout.money import EconomicsFacts
from loyalty_exp.readout.outlook import HorizonFacts, OutlookFacts, ScenarioFacts
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.projection import Horizon
from loyalty_exp.stats.moments import Moments

YEAR = 365.0


def with_horizon(
    experiment: Experiment,
    outcomes: Outcomes,
    money: Iterable[EconomicsFacts],
    looks: tuple[OutlookFacts, ...],
) -> tuple[OutlookFacts, ...]:
    """Add the horizon to what is said beyond the test of every treatment, where the spec declares one."""
    asked = experiment.economics.horizon if experiment.economics is not None else None
    if asked is None:
        return looks
    fixed = {facts.treatment: facts.fixed_per_unit for facts in money}
    return tuple(
        replace(look, horizon=_horizon(experiment, asked, outcomes, look.treatment, fixed[look.treatment]))
        for look in looks
    )


def _horizon(
    experiment: Experiment, asked: Horizon, outcomes: Outcomes, treatment: str, fixed: float
) -> HorizonFacts:
    """Give the horizon of one treatment, or why there is none."""
    days = experiment.schedule.outcome_days
    nothing = HorizonFacts(
        days,
        asked.days,
        asked.discount_annual,
        customer_value=customer_value(experiment, asked, outcomes, treatment),
    )
    try:
        found = _value(experiment, asked, outcomes, treatment, fixed)
    except NotEstimable as reason:
        return replace(nothing, not_estimable=str(reason))
    return replace(
        nothing,
        period_days=_period(experiment),
        observed=interval_of(found.observed),
        scenarios=tuple(
            ScenarioFacts(way.rho_monthly, way.weight, interval_of(value.value))
            for way, value in zip(asked.persistence, found.scenarios, strict=False)
        ),
        mixture=interval_of(found.mixture),
        sampling_std_error=found.sampling_std_error,
        extrapolated_share=found.extrapolated_share,
    )


def _period(experiment: Experiment) -> int:
    """Days of a period: a month, or the window where that is shorter."""
    return min(MONTH, experiment.schedule.outcome_days or MONTH)


def _value(
    experiment: Experiment, asked: Horizon, outcomes: Outcomes, treatment: str, fixed: float
) -> HorizonValue:
    ends = month_ends(experiment)
    if not ends:
        raise NotEstimable("nothing says how many days were observed")
    money = tuple(economics_columns(experiment).values())
    if len(ends) > 1 and not split(experiment, money):
        raise NotEstimable("benefit or cost is known for the whole window only, not by month")
    assert experiment.economics is not None
    metric = experiment.library[experiment.economics.benefit.metric]
    covariates = metric.needs(experiment.shape, experiment.library).covariates
    names = tuple(f"$net:{end}" for end in ends)
    book = Book(HORIZON if len(ends) > 1 else ECONOMICS, _by_month)
    treated, control = money_means(experiment, outcomes, treatment, names, covariates, book)
    period = _period(experiment)
    ways = [Persistence(w.rho_monthly ** (period / MONTH), w.weight) for w in asked.persistence]
    return horizon_value(
        (treated.mean - control.mean).tolist(),
        treated.covariance + control.covariance,
        (1 + asked.discount_annual) ** (period / YEAR) - 1,
        (asked.days - ends[-1]) / period if ways else 0.0,
        ways or [Persistence(0.0, 1.0)],
        experiment.analysis.alpha,
        [end / period for end in ends],
        fixed + _at_the_start(experiment, outcomes, treatment),
    )


def _at_the_start(experiment: Experiment, outcomes: Outcomes, treatment: str) -> float:
    """Cost that every unit causes once, treatment less control."""
    block = outcomes.overall[ECONOMICS]
    each = [
        open_ledger(experiment, arm, block[arm], ()).constants.get(COST, 0.0)
        for arm in (treatment, experiment.control)
    ]
    return each[0] - each[1]


def _by_month(experiment: Experiment, arm: str, raw: Moments, covariates: tuple[str, ...]) -> Ledger:
    """Price the running totals of one arm, and take the net benefit of each month from them."""
    ends = month_ends(experiment)
    weights = _net_weights(experiment, arm)
    net: dict[str, dict[str, float]] = {}
    for i, end in enumerate(ends):
        now = {c if end == ends[-1] else running(c, end): w for c, w in weights.items()}
        before = {running(c, ends[i - 1]): -w for c, w in weights.items()} if i else {}
        net[f"$net:{end}"] = now | before
    return Ledger(raw.combine(net | {c: {c: 1.0} for c in covariates}), {})


def _net_weights(experiment: Experiment, arm: str) -> dict[str, float]:
    """Weights of the columns of the money in the net benefit of a unit, without what every unit costs."""
    economics = experiment.economics
    assert economics is not None
    worth = economics.benefit.margin or economics.benefit.value or 1.0
    weights = {money_column(economics.benefit.metric, experiment): worth}
    for line in economics.costs:
        if line.fixed is not None or not causes(line, arm, experiment):
            continue
        for driver, price in (prices(line, experiment) or {}).items():
            weights[driver] = weights.get(driver, 0.0) - (1 - line.funded_share) * price
    return weights
