"""The money of weighted differences of arms: main effects, interactions, one factor on top of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations

from loyalty_exp.economics.increments import Increment, increment
from loyalty_exp.economics.ledger import (
    BENEFIT,
    COST,
    Ledger,
    fixed_per_unit,
    open_ledger,
    own_fixed,
    sharing_units,
)
from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.readout.contrasts import Asked, asked_contrasts, over_clusters, over_units, told
from loyalty_exp.readout.figures import interval_of, normal_interval
from loyalty_exp.readout.money import AddedMoney, roi_facts
from loyalty_exp.readout.result import ContrastFacts
from loyalty_exp.readout.sequential import Look
from loyalty_exp.spec.arms import ArmsInColumn
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.arm_means import ArmMeans
from loyalty_exp.stats.cluster_moments import ClusterArm
from loyalty_exp.stats.factorial import Cell
from loyalty_exp.stats.moments import Moments

NET = "$net"
COLUMNS = ("benefit", "cost", NET)


def money_contrasts(
    experiment: Experiment, outcomes: Outcomes, look: Look | None = None
) -> tuple[ContrastFacts, ...]:
    """Read every contrast on net benefit a unit, and what one factor adds on top of another.

    Fixed costs belong to arms: they are left out of the contrast and in what one arm adds to another.
    """
    if experiment.economics is None:
        return ()
    asked = asked_contrasts(experiment)
    known = [a.weighed for a in asked]
    extra = [a for a in _on_top(experiment) if a.weighed not in known]
    return tuple(_contrast(experiment, outcomes, a, look) for a in (*asked, *extra))


def _on_top(experiment: Experiment) -> list[Asked]:
    """Each factor on top of each arm that has another one on already; those on top of control are arms."""
    if not experiment.factors or isinstance(experiment.arms, ArmsInColumn):
        return []
    first = {f: levels[0] for f, levels in experiment.factors.items()}
    found = []
    for base, to in permutations(experiment.arms, 2):
        gap = [f for f in first if base.factors[f] != to.factors[f]]
        if len(gap) == 1 and base.factors[gap[0]] == first[gap[0]] and base.id != experiment.control:
            found.append(Asked(f"added_{gap[0]}_to_{base.id}", None, {to.id: 1.0, base.id: -1.0}))
    return found


def _contrast(experiment: Experiment, outcomes: Outcomes, asked: Asked, look: Look | None) -> ContrastFacts:
    from loyalty_exp.stats.factorial import contrast

    blank = ContrastFacts(asked.id, asked.name, None, dict(asked.weights))
    weights = asked.weighed
    try:
        means = {arm: _means(experiment, outcomes, arm) for arm in weights}
        test = contrast(list(weights.values()), list(means.values())).test(NET, experiment.analysis.alpha)
        added = None
        if sorted(weights.values()) == [-1.0, 1.0]:
            to, base = sorted(weights, key=lambda arm: -weights[arm])
            cells: dict[Cell, str] = {(1,): to, (0,): base}
            fixed = {cell: _fixed(experiment, outcomes, arm, look) for cell, arm in cells.items()}
            pair = {cell: means[arm] for cell, arm in cells.items()}
            added = _added(increment(pair, (1,), (0,), experiment.analysis.alpha, fixed), experiment)
    except NotEstimable as reason:
        return replace(blank, not_estimable=str(reason))
    return replace(told(blank, test), added=added)


def _added(found: Increment, experiment: Experiment) -> AddedMoney:
    pair, net, roi = found.pair, found.net_benefit, found.roi
    alpha = experiment.analysis.alpha
    return AddedMoney(
        normal_interval(pair.delta_benefit, pair.v_bb, alpha),
        normal_interval(pair.total_cost, pair.v_cc, alpha),
        interval_of(net),
        net.probability_positive,
        roi_facts(roi),
    )


def _fixed(experiment: Experiment, outcomes: Outcomes, arm: str, look: Look | None) -> float:
    """Fixed cost a unit of an arm."""
    return own_fixed(experiment, fixed_per_unit(experiment, arm, sharing_units(outcomes, look)))


def _means(experiment: Experiment, outcomes: Outcomes, arm: str) -> ArmMeans:
    """Benefit, cost and net benefit a unit of one arm, adjusted with slopes over all arms together."""
    assert experiment.economics is not None
    metric = experiment.library[experiment.economics.benefit.metric]
    covariates = metric.needs(experiment.shape, experiment.library).covariates
    weights: dict[str, Mapping[str, float]] = {
        "benefit": {BENEFIT: 1.0},
        "cost": {COST: 1.0},
        NET: {BENEFIT: 1.0, COST: -1.0},
        **{c: {c: 1.0} for c in covariates},
    }

    def opened(a: str, raw: Moments) -> Ledger:
        return open_ledger(experiment, a, raw, covariates)

    def priced(a: str, raw: Moments) -> Moments:
        return opened(a, raw).moments.combine(weights)

    block = outcomes.overall[ECONOMICS]
    if experiment.cluster is not None:
        clusters = {
            a: ClusterArm(c.sizes, tuple(priced(a, cell) for cell in c.cells))
            for a, c in outcomes.evidence.clusters[None][ECONOMICS].items()
        }
        found = over_clusters(clusters, arm, COLUMNS, covariates)
    else:
        found = over_units({a: priced(a, m) for a, m in block.items()}, arm, COLUMNS, covariates)
    constant = opened(arm, block[arm]).constants.get(COST, 0.0)
    shift = {"cost": constant, NET: -constant}
    mean = found.mean + [shift.get(c, 0.0) for c in COLUMNS]
    return ArmMeans(found.n, COLUMNS, mean, found.covariance, found.df)
