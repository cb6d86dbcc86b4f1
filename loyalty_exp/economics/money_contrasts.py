"""The money of weighted differences of arms: main effects, interactions, one factor on top of another."""

from __future__ import annotations

from dataclasses import replace

from loyalty_exp.economics.ledger import BENEFIT, COST, open_ledger
from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.readout.contrasts import NOT_OVER_CLUSTERS, Asked, asked_contrasts
from loyalty_exp.readout.result import ContrastFacts
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.arm_means import ArmMeans, plain
from loyalty_exp.stats.moments import merge

NET = "$net"


def money_contrasts(experiment: Experiment, outcomes: Outcomes) -> tuple[ContrastFacts, ...]:
    """Read every contrast on net benefit a unit; fixed costs are left out, as they belong to arms."""
    if experiment.economics is None:
        return ()
    return tuple(_contrast(experiment, outcomes, asked) for asked in asked_contrasts(experiment))


def _contrast(experiment: Experiment, outcomes: Outcomes, asked: Asked) -> ContrastFacts:
    from loyalty_exp.stats.factorial import contrast

    blank = ContrastFacts(asked.id, asked.name, None, dict(asked.weights))
    if experiment.cluster is not None:
        return replace(blank, not_estimable=NOT_OVER_CLUSTERS)
    arms = [arm for arm, weight in asked.weights.items() if weight]
    try:
        means = [_net(experiment, outcomes, arm) for arm in arms]
        test = contrast([asked.weights[arm] for arm in arms], means).test(NET, experiment.analysis.alpha)
    except NotEstimable as reason:
        return replace(blank, not_estimable=str(reason))
    return replace(
        blank,
        estimate=test.estimate,
        std_error=test.std_error,
        ci_lower=test.ci_lower,
        ci_upper=test.ci_upper,
        p_value=test.p_value,
    )


def _net(experiment: Experiment, outcomes: Outcomes, arm: str) -> ArmMeans:
    """Net benefit a unit of one arm, adjusted with slopes over all arms together."""
    from loyalty_exp.stats.means import cuped

    assert experiment.economics is not None
    metric = experiment.library[experiment.economics.benefit.metric]
    covariates = metric.needs(experiment.shape, experiment.library).covariates
    block = outcomes.overall[ECONOMICS]
    weights = {NET: {BENEFIT: 1.0, COST: -1.0}, **{c: {c: 1.0} for c in covariates}}
    ledgers = {a: open_ledger(experiment, a, m, covariates) for a, m in block.items()}
    money = {a: ledger.moments.combine(weights) for a, ledger in ledgers.items()}
    rest = merge((m for a, m in money.items() if a != arm), money[arm].columns)
    found = cuped(money[arm], rest, (NET,), covariates)[0] if covariates else plain(money[arm], (NET,))
    constant = ledgers[arm].constants.get(COST, 0.0)
    return ArmMeans(found.n, (NET,), found.mean - constant, found.covariance, found.df)
