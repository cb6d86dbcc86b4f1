"""Net benefit of all assigned units, read among those who came to the trigger: the same money, less noise."""

from __future__ import annotations

from dataclasses import replace

from loyalty_exp.economics.ledger import BENEFIT, COST, fixed_per_unit, open_ledger
from loyalty_exp.economics.triggered import diluted
from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.exposure_columns import trigger_column
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.readout.exposure import trigger_refused, triggered_share
from loyalty_exp.readout.figures import Interval
from loyalty_exp.readout.money import RoiFacts
from loyalty_exp.readout.reached import TriggeredMoneyFacts
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.benefit_cost import benefit_cost, net_benefit, roi_of
from loyalty_exp.stats.means import ArmMeans, adjusted


def triggered_money(experiment: Experiment, outcomes: Outcomes) -> tuple[TriggeredMoneyFacts, ...]:
    """Appraise every treatment among triggered units; none where triggered units may not be read.

    Costs that every assigned unit causes and fixed costs do not hang on the trigger, and count in full.
    """
    if trigger_column(experiment) is None or trigger_refused(experiment, outcomes) is not None:
        return ()
    found = []
    for treatment in experiment.treatments:
        try:
            found.append(_one(experiment, outcomes, treatment))
        except NotEstimable:
            continue
    return tuple(found)


def _one(experiment: Experiment, outcomes: Outcomes, treatment: str) -> TriggeredMoneyFacts:
    economics, control = experiment.economics, experiment.control
    assert economics is not None
    block, whole = outcomes.triggered[ECONOMICS], outcomes.overall[ECONOMICS]
    if min(block[treatment].n, block[control].n) < experiment.analysis.min_cell:
        raise NotEstimable(f"fewer than {experiment.analysis.min_cell} units of an arm came to the trigger")
    metric = experiment.library[economics.benefit.metric]
    covariates = metric.needs(experiment.shape, experiment.library).covariates
    ledgers = [open_ledger(experiment, a, block[a], covariates) for a in (treatment, control)]
    means = adjusted(ledgers[0].moments, ledgers[1].moments, (BENEFIT, COST), covariates)
    treated, alone = (ArmMeans(m.n, ("benefit", "cost"), m.mean, m.covariance, m.df) for m in means)
    share, alpha = triggered_share(experiment, outcomes, treatment), experiment.analysis.alpha
    constant = ledgers[0].constants.get(COST, 0.0) - ledgers[1].constants.get(COST, 0.0)
    funded = {line.id: line.funded_share for line in economics.costs}
    fixed = fixed_per_unit(experiment, treatment, {arm: m.n for arm, m in whole.items()})
    pair = diluted(benefit_cost(treated, alone), share)
    pair = replace(
        pair,
        delta_cost=pair.delta_cost + constant,
        fixed=sum(x * (1 - funded[name]) for name, x in fixed.items()),
    )
    money, roi, n = net_benefit(pair, alpha), roi_of(pair, alpha), whole[treatment].n
    net = Interval(money.estimate, money.std_error, money.ci_lower, money.ci_upper)
    return TriggeredMoneyFacts(
        treatment,
        control,
        net,
        Interval(*(n * x for x in (net.estimate, net.std_error, net.ci_lower, net.ci_upper))),
        RoiFacts(roi.status, roi.quadrant, roi.estimate, roi.ci_lower, roi.ci_upper),
    )
