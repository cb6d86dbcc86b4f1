"""What the money will look like at the size of the test, and the shares that answer at least money."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from loyalty_exp.errors import NotEstimable
from loyalty_exp.planning.baseline import Baselines
from loyalty_exp.planning.money_questions import (
    expected_benefit,
    expected_cost,
    fixed_cost,
    money_known,
)
from loyalty_exp.planning.question import Question
from loyalty_exp.planning.result import Cheapest, MoneyPlan
from loyalty_exp.planning.solve import Terms, units_needed
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.sizing import NET_BENEFIT, Sizing
from loyalty_exp.stats.power.arms import cheapest_shares
from loyalty_exp.stats.power.net_benefit import Spread, roi_plan


def money_plans(
    experiment: Experiment, sizing: Sizing, baselines: Baselines, units: float | None
) -> tuple[MoneyPlan, ...]:
    """Expect the readout of the money for each treatment, with so many units in all arms."""
    if experiment.economics is None or units is None:
        return ()
    return tuple(_plan(experiment, sizing, baselines, arm, units) for arm in experiment.treatments)


def net_per_unit(
    experiment: Experiment, sizing: Sizing, baselines: Baselines, treatment: str, units: float
) -> float | None:
    """Net benefit a treated unit that is planned for; None where it is not known."""
    named = sizing.mde.get(NET_BENEFIT)
    benefit = expected_benefit(experiment, sizing, baselines)
    cost = expected_cost(experiment, sizing, baselines, treatment)
    if benefit is None or cost is None:
        return named.absolute if named is not None else None
    return benefit - cost - fixed_cost(experiment, treatment, units)


def _plan(
    experiment: Experiment, sizing: Sizing, baselines: Baselines, treatment: str, units: float
) -> MoneyPlan:
    shares = {a.id: a.share for a in experiment.planned_arms}
    n = shares[treatment] * units, shares[experiment.control] * units
    benefit = expected_benefit(experiment, sizing, baselines)
    cost = expected_cost(experiment, sizing, baselines, treatment)
    fixed = fixed_cost(experiment, treatment, units)
    net = net_per_unit(experiment, sizing, baselines, treatment, units)
    known = money_known(experiment, sizing, baselines, treatment)
    blank = MoneyPlan(
        treatment=treatment,
        units=math.ceil(n[0] * (1 - 1e-12)),
        control_units=math.ceil(n[1] * (1 - 1e-12)),
        benefit=benefit,
        cost=cost,
        fixed=fixed,
        net_benefit=net,
        half_width=None,
        roi=None,
        roi_lower=None,
        roi_upper=None,
        roi_status=None,
        probability_readable=None,
        budget_at_risk=n[0] * (cost + fixed) if cost is not None else None,
        control_cost=n[1] * max(net, 0.0) if net is not None else None,
    )
    if known is None:
        return replace(
            blank, reason="the spread of the money is not known: give sizing.money, or sizing.history"
        )
    if benefit is None or cost is None:
        which = "benefit" if benefit is None else "cost"
        return replace(blank, reason=f"the expected {which} is not known, so there is no interval to expect")
    try:
        found = roi_plan(
            benefit,
            cost,
            _spread(known.treatment),
            _spread(known.control),
            n,
            experiment.analysis.alpha,
            fixed,
        )
    except NotEstimable as why:
        return replace(blank, reason=str(why))
    unknown = known.cost_gap is None and known.treatment[2] == 0
    return replace(
        blank,
        reason="the spread of the cost is not known, so the intervals hold only that of the benefit"
        if unknown
        else None,
        half_width=found.half_width,
        roi=found.roi.estimate,
        roi_lower=found.roi.ci_lower,
        roi_upper=found.roi.ci_upper,
        roi_status=found.roi.status,
        probability_readable=found.probability_bounded,
    )


def _spread(spread: tuple[float, float, float]) -> Spread:
    bb, bc, cc = spread
    sd = math.sqrt(bb), math.sqrt(cc)
    shared = min(max(bc / (sd[0] * sd[1]), -1.0), 1.0) if sd[0] > 0 and sd[1] > 0 else 0.0
    return Spread(sd[0], sd[1], shared)


def cheapest(
    experiment: Experiment,
    sizing: Sizing,
    baselines: Baselines,
    terms: Terms,
    binding: Question | None,
    units: float,
) -> Cheapest | None:
    """Shares that give every comparison its precision for the least money; None where no arm costs anything.

    A control unit costs what is named for it, else the net benefit it goes without.
    """
    if binding is None or binding.treatment is None:
        return None
    costs: dict[str, float] = {}
    for arm in experiment.treatments:
        cost = sizing.cost_of(arm)
        if cost is None:
            cost = expected_cost(experiment, sizing, baselines, arm)
        if cost is None or cost <= 0:
            return None
        costs[arm] = cost
    named = sizing.cost_of(experiment.control) if isinstance(sizing.expected_cost_per_unit, dict) else None
    forgone = net_per_unit(experiment, sizing, baselines, experiment.treatments[0], units)
    control = named if named else forgone
    shares: Mapping[str, float] = terms.shares
    if control is None or control <= 0:
        reason = (
            "A control unit costs nothing here, so no shares are cheapest: the more control, the cheaper."
        )
        return Cheapest(dict(shares), None, None, None, reason)
    every = {experiment.control: control} | costs
    best = dict(zip(every, cheapest_shares(list(every.values())), strict=True))
    found: list[tuple[float, float]] = []
    for split in (best, shares):
        try:
            needed = units_needed(binding, replace(terms, shares=split))
        except NotEstimable as why:
            return Cheapest(best, None, None, None, str(why))
        found.append((needed, needed * math.fsum(split[arm] * every[arm] for arm in every)))
    return Cheapest(best, found[0][0], found[0][1], found[1][1])
