"""Net benefit of all assigned units, read among those who came to the trigger: the same money, less noise."""

from __future__ import annotations

from dataclasses import replace

from loyalty_exp.economics.ledger import BENEFIT, COST, fixed_per_unit, open_ledger, own_fixed, sharing_units
from loyalty_exp.economics.triggered import diluted
from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.exposure_columns import trigger_column
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.readout.exposure import trigger_refused, triggered_share
from loyalty_exp.readout.figures import interval_of
from loyalty_exp.readout.money import roi_facts
from loyalty_exp.readout.reached import TriggeredMoneyFacts
from loyalty_exp.readout.sequential import Look
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.benefit_cost import benefit_cost, net_benefit, roi_of
from loyalty_exp.stats.means import ArmMeans, adjusted


def triggered_money(
    experiment: Experiment, outcomes: Outcomes, look: Look | None = None
) -> tuple[TriggeredMoneyFacts, ...]:
    """Appraise every treatment among triggered units; none where triggered units may not be read.

    Costs that every assigned unit causes and fixed costs do not hang on the trigger, and count in full.
    """
    if trigger_column(experiment) is None or trigger_refused(experiment, outcomes) is not None:
        return ()
    found = []
    for treatment in experiment.treatments:
        try:
            found.append(_one(experiment, outcomes, treatment, look))
        except NotEstimable:
            continue
    return tuple(found)


def _one(
    experiment: Experiment, outcomes: Outcomes, treatment: str, look: Look | None
) -> TriggeredMoneyFacts:
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
    gross = fixed_per_unit(experiment, treatment, sharing_units(outcomes, look))
    pair = diluted(benefit_cost(treated, alone), share)
    pair = replace(pair, delta_cost=pair.delta_cost + constant, fixed=own_fixed(experiment, gross))
    money, roi, n = net_benefit(pair, alpha), roi_of(pair, alpha), whole[treatment].n
    net = interval_of(money)
    return TriggeredMoneyFacts(treatment, control, net, net.times(n), roi_facts(roi))
