"""Rehearsing an experiment: the whole pipeline on the team's own history, with arms drawn again and again.

The rows leave the engine once. Each rehearsal draws arms under a fresh salt, sums what the units of each arm
did (without an effect, and with a planted one), and hands the sums to the very code that concludes an
analysis: effects, health, money, decision. What comes out is compared with the truth, which is known because
it was planted.

Truth is that of the units at hand: the mean over all of them of what they do under treatment less what they
do without. Intervals that also allow for units that were not drawn cover it a little more often than they
promise when units react differently (Neyman 1923, On the application of probability theory to agricultural
experiments, section 3; translated in Statistical Science 5, 1990).

What cannot change the verdict is left out: segments, secondary readings, curves and projections. So are
findings of the data themselves, which are the same in every draw: a check that warns in a rehearsal was made
to by chance. A stopping rule with looks is rehearsed at its last look.

A run is the same for the same spec, data, seed and effect, whatever interrupts it: a tile holds a number of
rehearsals that only the number of units decides, and is always computed whole.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import loyalty_exp
from loyalty_exp.economics.ledger import BENEFIT, COST, fixed_per_unit, open_ledger
from loyalty_exp.errors import Refused, UsageError
from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.metrics import Quantile
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS, Plan, plan
from loyalty_exp.pipeline import conclude
from loyalty_exp.planning.history import Column, History, read_history
from loyalty_exp.planning.plant import NET_BENEFIT, Wish, planted, wishes_of
from loyalty_exp.planning.redraw import Redraw
from loyalty_exp.planning.rehearsal_data import Strata, World, with_effect, world
from loyalty_exp.planning.rehearsal_result import Rehearsal, Truth, expectation_of, record_of, summarized
from loyalty_exp.planning.rehearsal_state import State
from loyalty_exp.planning.tally import capped, mask_of
from loyalty_exp.readout.result import Readout
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.not_yet_run import refuse_what_is_not_run
from loyalty_exp.spec.read import read
from loyalty_exp.stats.moments import Moments

Conclude = Callable[[Experiment, Outcomes], Readout]
Tell = Callable[[str], None]

TILE, WORDS = 64, 2**23
"""Rehearsals drawn at once, and the most points drawn at once; part of the method, see the module."""

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
    left_out : tuple of str
    history : History
    redraw : Redraw
    worlds : mapping of scenario to World
    truths : mapping of scenario to Truth
    planting : mapping of scenario to tuple of Wish
    """

    experiment: Experiment
    left_out: tuple[str, ...]
    history: History
    redraw: Redraw
    worlds: Mapping[str, World]
    truths: Mapping[str, Truth]
    planting: Mapping[str, tuple[Wish, ...]]


def rehearse(
    spec: Path,
    times: int,
    *,
    effects: Sequence[str] = (),
    seed: int | None = None,
    break_even: bool = True,
    begins: dt.date | None = None,
    state_file: Path | None = None,
    threads: int = 1,
    progress: Tell | None = None,
) -> Rehearsal:
    """Rehearse a spec.

    Parameters
    ----------
    spec : Path
    times : int
        Rehearsals of each scenario: without effect, and with the planted one.
    effects : sequence of str
        As ``nb=2`` or ``spend=+5%``.
    seed : int, optional
        ``analysis.seed`` when left out.
    break_even : bool
        Whether to rehearse an effect that just pays for itself, too, where the spec has money.
    begins : date, optional
        See `read_history`.
    state_file : Path, optional
        What is done is kept there, and found there by a later call.
    threads : int
        Of the engine.
    progress : callable, optional

    Raises
    ------
    SpecError, DataError, UsageError
    Refused
        If the design cannot be rehearsed.
    """
    tell = progress or (lambda _: None)
    whole = read(spec)
    refuse_what_is_not_run(whole)
    experiment, left_out = rehearsed(whole)
    wishes = wishes_of(effects, experiment)
    seed = experiment.analysis.seed if seed is None else seed
    asked = plan(experiment)
    history = read_history(
        experiment, asked, spec.resolve().parent, begins=begins, threads=threads, tell=tell
    )
    stage = staged(experiment, asked, history, wishes, seed, left_out, break_even=break_even)
    state = State.at(state_file, key_of(whole, stage))
    played(stage, times, state, tell)
    return summarized_of(whole, stage, times, state.records)


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
    history, redraw = drawn_from(experiment, history, seed)
    strata = redraw.strata
    worlds = {NULL: world(experiment, asked, history, strata)}
    truths = {NULL: truth_of(experiment, asked, history, {})}
    planting: dict[str, tuple[Wish, ...]] = {NULL: ()}
    said = list(left_out)

    def net_benefit(treated: Mapping[str, Column]) -> float:
        return truth_of(experiment, asked, history, treated).net_benefit[experiment.treatments[0]]

    def plant(name: str, chosen: tuple[Wish, ...]) -> None:
        treated = planted(history, experiment, asked, chosen, seed, net_benefit)
        worlds[name] = with_effect(worlds[NULL], strata, treated)
        truths[name] = truth_of(experiment, asked, history, treated)
        planting[name] = chosen

    if break_even and experiment.economics is not None:
        try:
            plant(BREAK_EVEN, (Wish(NET_BENEFIT, 0.0, False),))
        except UsageError:
            said.append("break-even: larger baskets cannot bring net benefit to 0 here")
    if wishes:
        plant(PLANTED, tuple(wishes))
    return Stage(experiment, tuple(said), history, redraw, worlds, truths, planting)


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
    if experiment.assignment is not None and experiment.assignment.grows:
        left_out.append("entry one by one: all begin at once")
    if experiment.segments:
        left_out.append("segments: they never decide")
    update: dict[str, Any] = {"metrics": tuple(metrics), "segments": ()}
    if experiment.economics is not None:
        bare = {"horizon": None, "rollout": None, "assumptions": (), "naive": ()}
        update["economics"] = experiment.economics.model_copy(update=bare)
    return experiment.model_copy(update=update), tuple(left_out)


def drawn_from(experiment: Experiment, history: History, seed: int) -> tuple[History, Redraw]:
    """Give the draw of a history; clusters are put in the order in which they are drawn."""
    from loyalty_exp.stats.poisson_bootstrap import unit_hashes

    shares = tuple(arm.share for arm in experiment.planned_arms)
    names = unit_hashes(history.strata)
    stratum, hashes = history.stratum, history.hashes
    if history.cluster is not None:
        hashes = unit_hashes(history.clusters)
        of = np.zeros(len(hashes), dtype=np.int64)
        if stratum is not None:
            of[history.cluster] = stratum
        order = np.lexsort((hashes, of))
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        history = replace(
            history, cluster=place[history.cluster], clusters=tuple(history.clusters[i] for i in order)
        )
        hashes, stratum = hashes[order], of[order] if stratum is not None else None
    return history, Redraw(hashes, _slices(stratum, names), shares, seed)


def _slices(stratum: np.ndarray[Any, Any] | None, names: np.ndarray[Any, Any]) -> Strata:
    if stratum is None or not len(stratum):
        return ()
    starts = np.flatnonzero(np.r_[True, np.diff(stratum) > 0])
    ends = np.r_[starts[1:], len(stratum)]
    return tuple((int(a), int(b), int(names[stratum[a]])) for a, b in zip(starts, ends, strict=True))


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
        share_of = {line.id: line.funded_share for line in experiment.economics.costs}
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
            once = fixed_per_unit(experiment, arm, units)
            fixed[arm] = sum(x * (1 - share_of[name]) for name, x in once.items())
    return Truth(effects, levels, variable, fixed)


def _level(means: Sequence[float]) -> float | None:
    if len(means) == 1:
        return means[0]
    return means[0] / means[1] if means[1] else None


def tile_of(drawn: int) -> int:
    """Rehearsals that are drawn at once."""
    return max(1, min(TILE, WORDS // max(drawn, 1)))


def played(stage: Stage, times: int, state: State, tell: Tell, judge: Conclude = conclude) -> None:
    """Play all rehearsals that are not done yet; what is done is kept whatever happens."""
    tile = tile_of(len(stage.redraw.hashes))
    try:
        while state.done < times:
            first = state.done - state.done % tile
            arms = stage.redraw.arms(first, tile)
            found = {name: w.outcomes(arms) for name, w in stage.worlds.items()}
            for i in range(state.done - first, min(tile, times - first)):
                tell(f"rehearsing: {first + i:,} of {times:,} ({(first + i) / times:.0%})")
                state.add(
                    {
                        name: record_of(judge(stage.experiment, outcomes[i]), stage.experiment)
                        for name, outcomes in found.items()
                    }
                )
            state.keep_now_and_then()
    finally:
        state.keep()


def key_of(whole: Experiment, stage: Stage) -> str:
    """Name a run: two runs with one key have the same records."""
    parts = [
        loyalty_exp.__version__,
        whole.spec_hash,
        stage.history.digest,
        stage.redraw.seed,
        {name: [w.text for w in wishes] for name, wishes in stage.planting.items()},
        TILE,
        WORDS,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def summarized_of(
    whole: Experiment, stage: Stage, times: int, records: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Rehearsal:
    """Turn records into rates."""
    experiment = stage.experiment
    planned = {
        name: expectation_of(conclude(experiment, w.expected()), experiment)
        for name, w in stage.worlds.items()
    }
    return Rehearsal(
        experiment=whole.experiment,
        spec_hash=whole.spec_hash,
        seed=stage.redraw.seed,
        rehearsals=times,
        units=stage.history.n,
        clusters=len(stage.history.clusters) if stage.history.cluster is not None else None,
        shares={arm.id: arm.share for arm in experiment.planned_arms},
        first_day=stage.history.first_day.isoformat() if stage.history.first_day else None,
        data_digest=stage.history.digest,
        left_out=stage.left_out,
        scenarios=tuple(
            summarized(
                name,
                [w.text for w in stage.planting[name]],
                stage.truths[name],
                planned[name],
                list(records[name])[:times],
                experiment,
            )
            for name in stage.worlds
        ),
    )
