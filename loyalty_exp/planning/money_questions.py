"""The questions about money: net benefit by the rule of the spec, and ROI above its hurdle."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from loyalty_exp.economics.ledger import fixed_per_unit, own_fixed
from loyalty_exp.errors import NotEstimable
from loyalty_exp.planning.baseline import Baselines, Known, MoneyKnown
from loyalty_exp.planning.families import Means
from loyalty_exp.planning.question import UNLIKE, Amount, Question, baseline_of, effect_of, effect_of_clusters
from loyalty_exp.planning.result import Kind
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.sizing import NET_BENEFIT, Sizing
from loyalty_exp.stats.power.design import Level


def money_known(experiment: Experiment, sizing: Sizing, baselines: Baselines, arm: str) -> MoneyKnown | None:
    """Spread of benefit and cost: by hand, else of history.

    A cost that counts events is taken to grow in proportion: what doubles its mean doubles its spread.
    """
    if sizing.money is not None:
        given = sizing.money
        effect = effect_of_clusters(sizing, baselines) if experiment.cluster is not None else 1.0
        shared = given.correlation * given.sd_benefit * given.sd_cost
        spread = effect * given.sd_benefit**2, effect * shared, effect * given.sd_cost**2
        return MoneyKnown(None, 0.0, spread, (spread[0], 0.0, 0.0))
    known = baselines.money.get(arm)
    if known is None or known.cost_gap is not None or known.cost_mean <= 0:
        return known
    gap = expected_cost(experiment, sizing, baselines, arm)
    growth = max(1 + (gap or 0.0) / known.cost_mean, 0.0)
    bb, bc, cc = known.treatment
    return replace(known, treatment=(bb, bc * growth, cc * growth**2))


def net_spread(spread: tuple[float, float, float], hurdle: float = 0.0) -> float:
    """Standard deviation of benefit less ``1 + hurdle`` times cost, of one unit."""
    bb, bc, cc = spread
    return math.sqrt(max(bb - 2 * (1 + hurdle) * bc + (1 + hurdle) ** 2 * cc, 0.0))


def expected_cost(experiment: Experiment, sizing: Sizing, baselines: Baselines, arm: str) -> float | None:
    """Variable cost a unit that an arm causes more than control; None where nothing is known."""
    given = sizing.cost_of(arm)
    if given is not None:
        less = (sizing.cost_of(experiment.control) or 0.0) if isinstance(
            sizing.expected_cost_per_unit, dict
        ) else 0.0  # fmt: skip
        return given - less
    known = baselines.money.get(arm)
    return known.cost_gap if known else None


def fixed_cost(experiment: Experiment, arm: str, units: float) -> float:
    """Fixed cost a unit of an arm, without what partners pay, with so many units in all arms."""
    if experiment.economics is None:
        return 0.0
    split = {a.id: a.share * units for a in experiment.planned_arms}
    return own_fixed(experiment, fixed_per_unit(experiment, arm, split))


def expected_benefit(experiment: Experiment, sizing: Sizing, baselines: Baselines) -> float | None:
    """Benefit a unit if the effect to be found on the benefit metric is there; None where none is named."""
    economics = experiment.economics
    if economics is None:
        return None
    try:
        mean = baseline_of(sizing, baselines, economics.benefit.metric).mean
        found = effect_of(sizing, economics.benefit.metric, mean)
    except NotEstimable:
        return None
    sign = -1 if experiment.library[economics.benefit.metric].direction == "decrease" else 1
    worth = economics.benefit.margin or economics.benefit.value or 1.0
    return None if found is None else sign * found * worth


def _of_benefit(experiment: Experiment, sizing: Sizing, baselines: Baselines) -> Known | None:
    """Give the baseline of the benefit metric, whose covariates adjust the money."""
    if experiment.economics is None:
        return None
    try:
        return baseline_of(sizing, baselines, experiment.economics.benefit.metric)
    except NotEstimable:
        return None


def of_money(
    experiment: Experiment, sizing: Sizing, baselines: Baselines, treatment: str
) -> Iterator[Question]:
    """Ask whether one treatment pays: net benefit by the rule, and ROI above a hurdle where there is one."""
    economics, rule = experiment.economics, experiment.decision.ship_if
    by_hand = sizing.baseline.get(NET_BENEFIT)
    if economics is None and by_hand is None:
        return
    half = experiment.analysis.alpha / 2
    sure = rule.probability_net_benefit_positive if rule else None
    # Nothing ships whose interval of net benefit holds 0, whatever the rule asks for beside that.
    level = Level(min(round(1 - sure, 12), half) if sure else half, 1)
    threshold = max(rule.net_benefit_lower_above or 0.0, 0.0) if rule else 0.0
    benefit = expected_benefit(experiment, sizing, baselines)
    cost = expected_cost(experiment, sizing, baselines, treatment)
    named = sizing.mde.get(NET_BENEFIT)
    common: dict[str, Any] = {
        "id": NET_BENEFIT,
        "treatment": treatment,
        "role": "money",
        "weights": {treatment: 1.0, experiment.control: -1.0},
        "days": experiment.schedule.outcome_days or 0,
        "name": "normal",
        "mean": None,
        "known": _of_benefit(experiment, sizing, baselines),
    }
    known = money_known(experiment, sizing, baselines, treatment)

    def spread(hurdle: float) -> Means | None:
        if by_hand is not None and by_hand.sd is not None and hurdle == 0:
            drawn = effect_of_clusters(sizing, baselines) if experiment.cluster is not None else 1.0
            sd = by_hand.sd * math.sqrt((1 - by_hand.correlation**2) * drawn)
            return Means((sd, sd), "normal") if sd > 0 else None
        if known is None:
            return None
        sds = net_spread(known.treatment, hurdle), net_spread(known.control, hurdle)
        return Means(sds, "normal") if max(sds) > 0 else None

    def net(hurdle: float) -> Amount | None:
        if named is not None and named.absolute is not None and hurdle == 0:
            amount = named.absolute
            return lambda units: amount - threshold
        if benefit is None or cost is None:
            return None
        b, c = benefit, cost
        return lambda units: (
            b - (1 + hurdle) * (c + fixed_cost(experiment, treatment, units)) - threshold * (hurdle == 0)
        )

    asked: list[tuple[Kind, float, Level, bool]] = [("net_benefit", 0.0, level, economics is not None)]
    if economics is not None and (economics.hurdle != 0 or (rule and rule.probability_roi_above_hurdle)):
        roi = rule.probability_roi_above_hurdle if rule else None
        at = Level(round(1 - roi, 12) if roi else half, 1)
        asked.append(("roi", economics.hurdle, at, bool(roi)))
    for kind, hurdle, tail, required in asked:
        test = spread(hurdle)
        why = None if test else "the spread of the money is not known: give sizing.money, or sizing.history"
        by_rote = sizing.money is not None or by_hand is not None
        if experiment.cluster is not None and by_rote and sizing.icc is None:
            why = UNLIKE
        if test and named is None and benefit is not None and cost is None:
            why = "the expected cost is not known from the past: give sizing.expected_cost_per_unit"
        yield Question(kind, required=required, level=tail, test=test, effect=net(hurdle), reason=why,
                       **common)  # fmt: skip
