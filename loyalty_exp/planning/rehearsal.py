"""Rehearsing an experiment: the whole pipeline on the team's own history, with arms drawn again and again.

The rows leave the engine once. Each rehearsal draws arms under a fresh salt, sums what the units of each arm
did (without an effect, and with a planted one), and hands the sums to the very code that concludes an
analysis: effects, health, money, decision. What comes out is compared with the truth, which is known because
it was planted.

What cannot change the verdict is left out: segments, secondary readings, curves and projections. So are
findings of the data themselves, which are the same in every draw: a check that warns in a rehearsal was made
to by chance. A plan with looks is rehearsed look by look, see `interim`.

A run is the same for the same spec, data, seed and effect, whatever interrupts it: a tile holds a number of
rehearsals that only the number of units decides, and is always computed whole.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import loyalty_exp
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.plan import plan
from loyalty_exp.pipeline import conclude
from loyalty_exp.planning.history import read_history
from loyalty_exp.planning.interim import blocks_of, walked
from loyalty_exp.planning.plant import wishes_of
from loyalty_exp.planning.rehearsal_rates import expectation_of, record_of, summarized
from loyalty_exp.planning.rehearsal_result import Rehearsal
from loyalty_exp.planning.rehearsal_state import State
from loyalty_exp.planning.staging import Stage, rehearsed, staged
from loyalty_exp.readout.result import Readout
from loyalty_exp.readout.sequential import look_of
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.not_yet_run import refuse_what_is_not_run
from loyalty_exp.spec.read import read

Conclude = Callable[[Experiment, Outcomes], Readout]
Tell = Callable[[str], None]

TILE, WORDS = 64, 2**23
"""Rehearsals drawn at once, and the most points drawn at once; part of the method, see the module."""


def judged(experiment: Experiment, outcomes: Outcomes) -> Readout:
    """Conclude as an analysis does, with p-values of looks off a table."""
    look = look_of(experiment, outcomes)
    return conclude(experiment, outcomes, look=replace(look, tabled=True) if look else None)


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


def tile_of(drawn: int) -> int:
    """Rehearsals that are drawn at once."""
    return max(1, min(TILE, WORDS // max(drawn, 1)))


def played(stage: Stage, times: int, state: State, tell: Tell, judge: Conclude = judged) -> None:
    """Play all rehearsals that are not done yet; what is done is kept whatever happens."""
    tile, early = tile_of(len(stage.redraw.hashes)), blocks_of(stage.experiment)
    try:
        while state.done < times:
            first = state.done - state.done % tile
            arms = stage.redraw.arms(first, tile)
            found = {name: w.at_looks(arms, early) for name, w in stage.worlds.items()}
            for i in range(state.done - first, min(tile, times - first)):
                tell(f"rehearsing: {first + i:,} of {times:,} ({(first + i) / times:.0%})")
                state.add(
                    {
                        name: _played(stage, [outcomes[i] for outcomes in looks], judge)
                        for name, looks in found.items()
                    }
                )
            state.keep_now_and_then()
    finally:
        state.keep()


def _played(stage: Stage, looks: Sequence[Outcomes], judge: Conclude) -> dict[str, Any]:
    """Analyze one draw at every look, and keep what the rates are made of."""
    last = judge(stage.experiment, looks[-1])
    record = record_of(last, stage.experiment)
    if len(looks) == 1:
        return record
    readouts = [*(judge(stage.early, outcomes) for outcomes in looks[:-1]), last]
    return record | walked(readouts, stage.experiment)


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
                stage.history.n,
            )
            for name in stage.worlds
        ),
    )
