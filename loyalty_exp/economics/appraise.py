"""The door of this room: net benefit and return on investment of each treatment against control."""

from __future__ import annotations

from loyalty_exp.economics.ledger import (
    BENEFIT,
    COST,
    POINTS_AT_ONE,
    fixed_per_unit,
    line_column,
    own_fixed,
    sharing_units,
)
from loyalty_exp.economics.money_means import money_means
from loyalty_exp.economics.spend import spend_facts
from loyalty_exp.economics.summaries import coupon_facts, points_facts
from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.cost_columns import counts_points
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.readout.figures import SequentialInterval, interval_of, normal_interval
from loyalty_exp.readout.money import CostLineFacts, EconomicsFacts, roi_facts
from loyalty_exp.readout.sequential import Look
from loyalty_exp.spec.economics import CostLine
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.benefit_cost import benefit_cost, net_benefit, probability_roi_above, roi_of
from loyalty_exp.stats.means import ArmMeans


def appraise(
    experiment: Experiment, outcomes: Outcomes, look: Look | None = None
) -> tuple[EconomicsFacts, ...]:
    """Appraise every treatment; one that cannot be estimated is left out.

    Benefit and cost are adjusted with the covariates of the benefit metric, each with its own coefficient,
    and their covariance is kept.
    """
    if experiment.economics is None:
        return ()
    facts = []
    for treatment in experiment.treatments:
        try:
            facts.append(_appraise(experiment, treatment, outcomes, look))
        except NotEstimable:
            continue
    return tuple(facts)


def _appraise(
    experiment: Experiment, treatment: str, outcomes: Outcomes, look: Look | None
) -> EconomicsFacts:
    economics = experiment.economics
    assert economics is not None
    control = experiment.control
    covariates = (
        experiment.library[economics.benefit.metric].needs(experiment.shape, experiment.library).covariates
    )
    variable = [line for line in economics.costs if line.fixed is None]
    at_one = tuple(POINTS_AT_ONE.values()) if counts_points(experiment) else ()
    columns = (BENEFIT, COST, *(line_column(line) for line in variable), *at_one)
    block = outcomes.overall[ECONOMICS]
    arm_t, arm_c = money_means(experiment, outcomes, treatment, columns, covariates)
    gross = fixed_per_unit(experiment, treatment, sharing_units(outcomes, look))
    fixed = own_fixed(experiment, gross)
    alpha = experiment.analysis.alpha
    pair = benefit_cost(_pair(arm_t), _pair(arm_c), fixed)
    money = net_benefit(pair, alpha)
    roi = roi_of(pair, alpha)
    n = block[treatment].n
    gap = {name: float(x) for name, x in zip(columns, arm_t.mean - arm_c.mean, strict=True)}
    gross |= {line.id: gap[line_column(line)] for line in variable}
    net_of = {c.id: gross[c.id] * (1 - c.funded_share) for c in variable}
    points_cost = sum(net_of[c.id] for c in variable if c.points is not None)
    coupons_cost = sum(net_of[c.id] for c in variable if c.coupons is not None)
    seen = look.interval(money.estimate, money.std_error, n + block[control].n) if look else None
    net = interval_of(money)
    return EconomicsFacts(
        treatment=treatment,
        control=control,
        window=f"P{experiment.schedule.outcome_days}D" if experiment.schedule.outcome_days else "as recorded",
        benefit=normal_interval(pair.delta_benefit, pair.v_bb, alpha),
        cost=normal_interval(pair.total_cost, pair.v_cc, alpha),
        net_benefit=net,
        net_benefit_total=net.times(n),
        probability_net_benefit_positive=money.probability_positive,
        probability_roi_above_hurdle=probability_roi_above(
            economics.hurdle if pair.total_cost > 0 else 0.0, pair
        ),
        roi=roi_facts(roi),
        fixed_per_unit=fixed,
        units=n,
        cost_lines=tuple(_line(line, gross[line.id], n) for line in economics.costs if line.id in gross),
        points=points_facts(
            experiment, outcomes, treatment, pair, tuple(gap.get(c, 0.0) for c in at_one), points_cost
        ),
        net_benefit_sequential=SequentialInterval(*seen) if seen else None,
        coupons=coupon_facts(experiment, outcomes, treatment, pair, coupons_cost),
        spend=spend_facts(experiment, outcomes, treatment, pair.fixed),
    )


def _line(line: CostLine, gross: float, n: int) -> CostLineFacts:
    net, funded = gross * (1 - line.funded_share), gross * line.funded_share
    return CostLineFacts(line.id, net, n * net, line.name or line.id, funded, n * funded)


def _pair(arm: ArmMeans) -> ArmMeans:
    """Keep benefit and cost, the first two columns, under the names the arithmetic knows."""
    return ArmMeans(arm.n, ("benefit", "cost"), arm.mean[:2], arm.covariance[:2, :2], arm.df)
