"""The door of this room: net benefit and return on investment of each treatment against control."""

from __future__ import annotations

from dataclasses import replace

from loyalty_exp.economics.ledger import BENEFIT, COST, fixed_per_unit, line_column, open_ledger
from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.outcomes import ArmMoments, Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.readout.result import CostLineFacts, EconomicsFacts, Interval, RoiFacts
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.benefit_cost import benefit_cost, net_benefit, probability_roi_above, roi_of
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.means import ArmMeans, adjusted


def appraise(experiment: Experiment, outcomes: Outcomes) -> tuple[EconomicsFacts, ...]:
    """Appraise every treatment; one that cannot be estimated is left out.

    Benefit and cost are adjusted with the covariates of the benefit metric, each with its own coefficient,
    and their covariance is kept.
    """
    if experiment.economics is None:
        return ()
    block = outcomes.overall[ECONOMICS]
    facts = []
    for treatment in experiment.treatments:
        try:
            facts.append(_appraise(experiment, treatment, block))
        except NotEstimable:
            continue
    return tuple(facts)


def _appraise(experiment: Experiment, treatment: str, block: ArmMoments) -> EconomicsFacts:
    economics = experiment.economics
    assert economics is not None
    control = experiment.control
    covariates = (
        experiment.library[economics.benefit.metric].needs(experiment.shape, experiment.library).covariates
    )
    variable = [line for line in economics.costs if line.fixed is None]
    columns = (BENEFIT, COST, *(line_column(line) for line in variable))
    ledgers = [open_ledger(experiment, arm, block[arm], covariates) for arm in (treatment, control)]
    pairs = adjusted(ledgers[0].moments, ledgers[1].moments, columns, covariates)
    arm_t, arm_c = (
        replace(means, mean=means.mean + [ledger.constants.get(c, 0.0) for c in columns])
        for means, ledger in zip(pairs, ledgers, strict=True)
    )
    units = {arm: moments.n for arm, moments in block.items()}
    fixed = fixed_per_unit(experiment, treatment, units)
    alpha = experiment.analysis.alpha
    pair = benefit_cost(_pair(arm_t), _pair(arm_c), sum(fixed.values()))
    money = net_benefit(pair, alpha)
    roi = roi_of(pair, alpha)
    n = block[treatment].n
    gap = dict(zip(columns, arm_t.mean - arm_c.mean, strict=True))
    per_unit = {line.id: float(gap[line_column(line)]) for line in variable} | fixed
    net = Interval(money.estimate, money.std_error, money.ci_lower, money.ci_upper)
    return EconomicsFacts(
        treatment=treatment,
        control=control,
        window=f"P{experiment.schedule.outcome_days}D" if experiment.schedule.outcome_days else "as recorded",
        benefit=_normal(pair.delta_benefit, pair.v_bb, alpha),
        cost=_normal(pair.total_cost, pair.v_cc, alpha),
        net_benefit=net,
        net_benefit_total=Interval(
            *(n * x for x in (net.estimate, net.std_error, net.ci_lower, net.ci_upper))
        ),
        probability_net_benefit_positive=money.probability_positive,
        probability_roi_above_hurdle=probability_roi_above(
            economics.hurdle if pair.total_cost > 0 else 0.0, pair
        ),
        roi=RoiFacts(roi.status, roi.quadrant, roi.estimate, roi.ci_lower, roi.ci_upper),
        fixed_per_unit=sum(fixed.values()),
        units=n,
        cost_lines=tuple(
            CostLineFacts(line.id, per_unit[line.id], n * per_unit[line.id], line.name or line.id)
            for line in economics.costs
            if line.id in per_unit
        ),
        points=None,
    )


def _pair(arm: ArmMeans) -> ArmMeans:
    """Keep benefit and cost, the first two columns, under the names the arithmetic knows."""
    return ArmMeans(arm.n, ("benefit", "cost"), arm.mean[:2], arm.covariance[:2, :2], arm.df)


def _normal(estimate: float, variance: float, alpha: float) -> Interval:
    std_error = max(variance, 0.0) ** 0.5
    half = normal_quantile(1 - alpha / 2) * std_error
    return Interval(estimate, std_error, estimate - half, estimate + half)
