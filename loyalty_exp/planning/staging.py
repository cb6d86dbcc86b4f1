"""The stage of a rehearsal: what is drawn and in which order, the worlds, and what is true in each of them.

Truth is that of the units at hand: the mean over all of them of what they do under treatment less what they
do without. Intervals that also allow for units that were not drawn cover it a little more often than they
promise when units react differently (Neyman 1923, On the application of probability theory to agricultural
experiments, section 3; translated in Statistical Science 5, 1990).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from loyalty_exp.economics.ledger import BENEFIT, COST, fixed_per_unit, open_ledger, own_fixed
from loyalty_exp.errors import Refused, UsageError
from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.metrics import Quantile
from loyalty_exp.outcomes.plan import ECONOMICS, Plan
from loyalty_exp.planning.history import Column, History
from loyalty_exp.planning.interim import deciding, first_seen, looks_of
from loyalty_exp.planning.plant import NET_BENEFIT, Wish, planted
from loyalty_exp.planning.redraw import Redraw
from loyalty_exp.planning.rehearsal_data import Cuts, World, with_effect, world
from loyalty_exp.planning.rehearsal_result import Truth
from loyalty_exp.planning.tally import Cut, capped, mask_of
from loyalty_exp.spec.analysis import GroupSequential
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.moments import Moments

Positions = npt.NDArray[np.int64]

NULL, BREAK_EVEN, PLANTED = "null", "break_even", "planted"
"""Scenarios: nothing has an effect; the effect pays back its cost and no more; the effect that was asked for.

To ship by mistake is easiest at break-even, so that is where the rate of it is read.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """All that a rehearsal needs besides its number.

    Attributes
    ----------
    experiment : Experiment
        As rehearsed: without what cannot change the verdict.
    early : Experiment
        As read before the end.
    left_out : tuple of str
    history : History
    redraw : Redraw
    worlds : mapping of scenario to World
    truths : mapping of scenario to Truth
    planting : mapping of scenario to tuple of Wish
    """

    experiment: Experiment
    early: Experiment
    left_out: tuple[str, ...]
    history: History
    redraw: Redraw
    worlds: Mapping[str, World]
    truths: Mapping[str, Truth]
    planting: Mapping[str, tuple[Wish, ...]]


def staged(
    experiment: Experiment,
    asked: Plan,
    history: History,
    wishes: Sequence[Wish],
    seed: int,
    left_out: Sequence[str] = (),
    *,
    break_even: bool = True,
) -> Stage:
    """Lay out draws, worlds and truths."""
    experiment = as_large_as(experiment, history.n)
    history, redraw, cuts = drawn_from(experiment, history, seed)
    _enough_in_every_arm(experiment, len(redraw.hashes))
    worlds = {NULL: world(experiment, asked, history, cuts)}
    truths = {NULL: truth_of(experiment, asked, history, {})}
    planting: dict[str, tuple[Wish, ...]] = {NULL: ()}
    said = list(left_out)

    def net_benefit(treated: Mapping[str, Column]) -> float:
        return truth_of(experiment, asked, history, treated).net_benefit[experiment.treatments[0]]

    def plant(name: str, chosen: tuple[Wish, ...]) -> None:
        treated = planted(history, experiment, asked, chosen, seed, net_benefit)
        worlds[name] = with_effect(worlds[NULL], treated)
        truths[name] = truth_of(experiment, asked, history, treated)
        planting[name] = chosen

    if break_even and experiment.economics is not None:
        try:
            plant(BREAK_EVEN, (Wish(NET_BENEFIT, 0.0, False),))
        except UsageError:
            said.append("break-even: larger baskets cannot bring net benefit to 0 here")
    if wishes:
        plant(PLANTED, tuple(wishes))
    return Stage(experiment, deciding(experiment), tuple(said), history, redraw, worlds, truths, planting)


def _enough_in_every_arm(experiment: Experiment, drawn: int) -> None:
    what = "clusters" if experiment.cluster is not None else "units"
    for arm in experiment.planned_arms:
        if drawn * arm.share < 2:
            raise UsageError(
                f"arm '{arm.id}' with a share of {arm.share:.4g} would get {drawn * arm.share:.3g} of the "
                f"{drawn:,} {what} of the history; an arm needs at least 2. Raise its share, or give more of "
                "the past"
            )


def rehearsed(experiment: Experiment) -> tuple[Experiment, tuple[str, ...]]:
    """Leave out what cannot change the verdict, and say what.

    Raises
    ------
    Refused
        For a design or a deciding metric that sums cannot stand for.
    """
    if experiment.assignment is not None and experiment.assignment.rerandomize is not None:
        raise Refused(
            "assignment.rerandomize draws until arms are alike; this version does not rehearse such a draw"
        )
    left_out, metrics = [], []
    for metric in experiment.metrics:
        choice = experiment.estimator_of(metric)
        metric = metric.model_copy(update={"readings": ()})
        if ESTIMATORS[choice.type].evidence in {"moments", "strata", "clusters"}:
            metrics.append(metric)
            continue
        if metric.role != "secondary":
            raise Refused(
                f"metric '{metric.id}' decides, and its estimator {choice.type} reads every row; a rehearsal "
                "has sums only. Rehearse a copy of the spec with the usual estimator."
            )
        if isinstance(metric, Quantile):
            left_out.append(f"metric {metric.id}: a quantile is no sum")
            continue
        left_out.append(f"estimator {choice.type} of {metric.id}: the usual one stands in")
        metrics.append(metric.model_copy(update={"estimator": None}))
    if experiment.assignment is not None and experiment.assignment.ramp:
        left_out.append("the ramp: all begin at once")
    if experiment.analysis.sequential is not None:
        left_out.append("the number of planned units: the looks share out those of the history")
    if experiment.segments:
        left_out.append("segments: they never decide")
    update: dict[str, Any] = {"metrics": tuple(metrics), "segments": ()}
    if experiment.economics is not None:
        bare = {"horizon": None, "rollout": None, "assumptions": (), "naive": ()}
        update["economics"] = experiment.economics.model_copy(update=bare)
    return experiment.model_copy(update=update), tuple(left_out)


def as_large_as(experiment: Experiment, units: int) -> Experiment:
    """Plan the looks for the units at hand."""
    plan = experiment.analysis.sequential
    if not isinstance(plan, GroupSequential):
        return experiment
    changed = plan.model_copy(update={"planned_units": units})
    analysis = experiment.analysis.model_copy(update={"sequential": changed})
    return experiment.model_copy(update={"analysis": analysis})


def drawn_from(experiment: Experiment, history: History, seed: int) -> tuple[History, Redraw, Cuts]:
    """Give the draw of a history, with what is drawn in order of stratum, look and hash."""
    from loyalty_exp.stats.poisson_bootstrap import unit_hashes

    shares = tuple(arm.share for arm in experiment.planned_arms)
    hashes, begins, stratum = history.hashes, history.begins, history.stratum
    units: Column = np.ones(history.n)
    if history.cluster is not None:
        n = len(history.clusters)
        hashes, units = (
            unit_hashes(history.clusters),
            np.bincount(history.cluster, units, n).astype(np.float64),
        )
        # A cluster lies in one stratum, and is there when the last of its units is.
        stratum = _latest(history.cluster, stratum, n)
        begins = _latest(history.cluster, begins, n)
    look = first_seen(hashes, units, begins, looks_of(experiment))
    order = np.lexsort((hashes, look, stratum if stratum is not None else np.zeros(len(hashes))))
    hashes, look = hashes[order], look[order]
    stratum = stratum[order] if stratum is not None else np.zeros(len(hashes), dtype=np.int64)
    cuts = _neighbors(stratum, look)
    strata: list[tuple[int, int, int]] = []
    if history.strata:
        names = unit_hashes(history.strata)
        strata = [(c.first, c.end, int(names[c.stratum])) for c in _neighbors(stratum, 0 * look)]
    return _sorted(history, order), Redraw(hashes, tuple(strata), shares, seed), cuts


def _latest(cluster: Positions, of_unit: np.ndarray[Any, Any] | None, n: int) -> Any:
    """Largest value of each cluster."""
    if of_unit is None:
        return None
    out = np.full(n, of_unit.min() if len(of_unit) else 0, dtype=of_unit.dtype)
    np.maximum.at(out, cluster, of_unit)
    return out


def _sorted(history: History, order: Positions) -> History:
    """Put units in an order, or the clusters that are drawn instead of them."""
    if history.cluster is not None:
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        clusters = tuple(history.clusters[i] for i in order)
        return replace(history, cluster=place[history.cluster], clusters=clusters)
    return replace(
        history,
        hashes=history.hashes[order],
        columns={name: x[order] for name, x in history.columns.items()},
        stratum=history.stratum[order] if history.stratum is not None else None,
        begins=history.begins[order] if history.begins is not None else None,
    )


def _neighbors(stratum: Positions, look: Positions) -> Cuts:
    if not len(stratum):
        return (Cut(0, 0, 0, 0),)
    starts = np.flatnonzero(np.r_[True, (np.diff(stratum) != 0) | (np.diff(look) != 0)])
    ends = np.r_[starts[1:], len(stratum)]
    return tuple(
        Cut(int(a), int(b), int(stratum[a]), int(look[a])) for a, b in zip(starts, ends, strict=True)
    )


def truth_of(experiment: Experiment, asked: Plan, history: History, treated: Mapping[str, Column]) -> Truth:
    """Compute the true effects of treated values over all units; without any, of no effect."""
    sides = [
        capped({c.id: history.columns[c.id] for c in asked.columns}, history),
        capped({c.id: treated.get(c.id, history.columns[c.id]) for c in asked.columns}, history),
    ]
    blocks = {b.name: b for b in asked.blocks}

    def means(name: str, side: Mapping[str, Column]) -> dict[str, float]:
        block = blocks[name]
        there = np.ones(history.n, dtype=bool)
        for column in mask_of(block, history):
            there &= ~np.isnan(side[column])
        return {c: float(side[c][there].mean()) if there.any() else 0.0 for c in block.columns}

    effects, levels = {}, {}
    for metric in experiment.metrics:
        outcome = blocks[metric.id].outcome
        without, with_it = (_level([m[c] for c in outcome]) for m in (means(metric.id, s) for s in sides))
        levels[metric.id] = without
        effects[metric.id] = with_it - without if with_it is not None and without is not None else None
    variable: dict[str, float] = {}
    fixed: dict[str, float] = {}
    if experiment.economics is not None:
        block = blocks[ECONOMICS]
        units = {a.id: max(round(history.n * a.share), 1) for a in experiment.planned_arms}

        def worth(arm: str, side: Mapping[str, Column]) -> float:
            mean = means(ECONOMICS, side)
            k = len(block.columns)
            raw = Moments(
                history.n, block.columns, np.array([mean[c] for c in block.columns]), np.zeros((k, k))
            )
            ledger = open_ledger(experiment, arm, raw, block.covariates)
            m = ledger.moments
            return m.mean_of(BENEFIT) - m.mean_of(COST) - ledger.constants.get(COST, 0.0)

        base = worth(experiment.control, sides[0])
        for arm in experiment.treatments:
            variable[arm] = worth(arm, sides[1]) - base
            fixed[arm] = own_fixed(experiment, fixed_per_unit(experiment, arm, units))
    return Truth(effects, levels, variable, fixed)


def _level(means: Sequence[float]) -> float | None:
    if len(means) == 1:
        return means[0]
    return means[0] / means[1] if means[1] else None
