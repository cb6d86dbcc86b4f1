"""Net benefit within one stratum of the draw, as roll-outs to other mixes of strata need it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from loyalty_exp.economics.ledger import BENEFIT, COST, open_ledger
from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.arm_means import ArmMeans
from loyalty_exp.stats.benefit_cost import benefit_cost, net_benefit
from loyalty_exp.stats.means import adjusted


def stratum_money(experiment: Experiment, outcomes: Outcomes) -> Callable[[str, str], tuple[float, float]]:
    """Give a reader: treatment and stratum to net benefit a unit before fixed costs, and its error.

    Raises
    ------
    NotEstimable
        By the reader, for a stratum that the test does not have.
    """

    def read(treatment: str, stratum: str) -> tuple[float, float]:
        assert experiment.economics is not None
        blocks = outcomes.strata.get(stratum)
        if blocks is None:
            known = ", ".join(sorted(outcomes.strata)[:10]) or "none"
            raise NotEstimable(f"the test has no stratum '{stratum}'; its strata: {known}")
        metric = experiment.library[experiment.economics.benefit.metric]
        covariates = metric.needs(experiment.shape, experiment.library).covariates
        pair = (treatment, experiment.control)
        ledgers = [open_ledger(experiment, arm, blocks[ECONOMICS][arm], covariates) for arm in pair]
        means = adjusted(ledgers[0].moments, ledgers[1].moments, (BENEFIT, COST), covariates)
        treated, control = (
            _named(m, ledger.constants.get(COST, 0.0)) for m, ledger in zip(means, ledgers, strict=True)
        )
        found = net_benefit(benefit_cost(treated, control), experiment.analysis.alpha)
        return found.estimate, found.std_error

    return read


def _named(means: ArmMeans, constant: float) -> ArmMeans:
    """Name the columns as the arithmetic knows them, and add what every unit costs."""
    return replace(means, columns=("benefit", "cost"), mean=means.mean + np.array([0.0, constant]))
