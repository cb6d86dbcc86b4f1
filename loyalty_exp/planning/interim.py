"""Looks before the end of a rehearsal: who is seen at each, what is read there, and where a run stops.

Units come in as they began in the history; where they began together, or nothing says when, in an order of
chance. A look at half of the units sees the half that came first. Of an analysis before the end only what can
decide is read. A run stops at the first look whose verdict is to ship or to stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from loyalty_exp.metrics import Ratio
from loyalty_exp.outcomes.plan import BALANCE, ECONOMICS
from loyalty_exp.planning.history import Column
from loyalty_exp.planning.looks import READS
from loyalty_exp.planning.redraw import Words, mixed
from loyalty_exp.readout.result import Readout
from loyalty_exp.spec.analysis import GroupSequential
from loyalty_exp.spec.experiment import Experiment

ENDS = frozenset({"ship", "stop"})
"""Verdicts after which nobody looks again."""

COMING = 0x3C3C3C3C3C3C3C3C
"""Keeps the order in which units come apart from their points and the starts of the strata."""


def looks_of(experiment: Experiment) -> tuple[float, ...]:
    """Shares of the units at the looks; the last is 1."""
    plan = experiment.analysis.sequential
    if plan is None:
        return (1.0,)
    return plan.looks if isinstance(plan, GroupSequential) else tuple((i + 1) / READS for i in range(READS))


def first_seen(
    hashes: Words, units: Column, begins: Column | None, looks: Sequence[float]
) -> npt.NDArray[np.int64]:
    """Look, counted from 0, that sees each thing that is drawn for the first time.

    Parameters
    ----------
    hashes : array of uint64, shape (d,)
    units : array, shape (d,)
        In it: 1, or the size of a cluster.
    begins : array, shape (d,), optional
    looks : sequence of float
        Shares of the units; a look that would see nobody new is left out.
    """
    if len(looks) == 1 or not len(hashes):
        return np.zeros(len(hashes), dtype=np.int64)
    chance = mixed(hashes ^ np.uint64(COMING))
    order = np.lexsort((chance, begins)) if begins is not None else np.argsort(chance, kind="stable")
    come = np.cumsum(units[order])
    at = np.searchsorted(np.array(looks[:-1]) * come[-1] * (1 + 1e-12), come)
    _, at = np.unique(at, return_inverse=True)
    out = np.empty(len(hashes), dtype=np.int64)
    out[order] = at
    return out


def deciding(experiment: Experiment) -> Experiment:
    """Give the experiment as read before the end: metrics that decide, and those that they are made of."""
    needed = {m.id for m in experiment.metrics if m.role != "secondary"}
    if experiment.economics is not None:
        needed.add(experiment.economics.benefit.metric)
    for m in experiment.metrics:
        if m.id in needed and isinstance(m, Ratio):
            needed |= {m.numerator, m.denominator}
    return experiment.model_copy(update={"metrics": tuple(m for m in experiment.metrics if m.id in needed)})


def blocks_of(experiment: Experiment) -> frozenset[str]:
    """Blocks of sums that an analysis before the end reads."""
    return frozenset({ECONOMICS, BALANCE, *(m.id for m in deciding(experiment).metrics)})


def walked(readouts: Sequence[Readout], experiment: Experiment) -> dict[str, Any]:
    """Keep of the looks of one rehearsal where it stopped, and what was read there.

    Returns
    -------
    mapping
        ``looks``, the share of the units that each sees; ``look`` where it stopped, counted from 0, ``units``
        seen there, its ``action`` and ``arm``, all ``warnings`` up to it;
        ``read`` by metric and treatment in the order of the last look, and ``read_money`` by treatment: the
        interval at the stop, whether any look of all excluded 0; of metrics, whether it did adjusted as the
        readout does, and whether a guardrail held at the stop; of money, the fixed cost a unit there.
        None where a metric is not read before the end.
    """
    stop = next((i for i, r in enumerate(readouts) if r.decision.action in ENDS), len(readouts) - 1)
    at, alpha = readouts[stop], experiment.analysis.alpha
    by_look = [
        {(e.metric, e.treatment): e.sequential for e in r.estimates if e.segment is None} for r in readouts
    ]
    overall = [e for e in at.estimates if e.segment is None]
    deciders = {(e.metric, e.treatment) for e in overall if e.role == "primary"}
    held = {(e.metric, e.treatment): e.guardrail.status == "pass" for e in overall if e.guardrail}
    read: list[list[Any] | None] = []
    for key, last in by_look[-1].items():
        seen = by_look[stop].get(key)
        if key not in by_look[0] or seen is None or last is None:
            read.append(None)
            continue
        whole = [s for one in by_look if (s := one.get(key)) is not None]
        crossed = any(s.p_value < alpha for s in whole)
        adjusted = [s.p_value_adjusted if key in deciders else s.p_value for s in whole]
        found = any(p is not None and p < alpha for p in adjusted)
        read.append([seen.ci_lower, seen.ci_upper, crossed, found, held.get(key)])
    money: list[list[Any] | None] = []
    for arm in experiment.treatments:
        facts = [next((m for m in r.economics if m.treatment == arm), None) for r in readouts]
        bounds = [m.net_benefit_sequential if m is not None else None for m in facts]
        there, here = facts[stop], bounds[stop]
        if there is None or here is None:
            money.append(None)
            continue
        crossed = any(b is not None and (b.ci_lower > 0 or b.ci_upper < 0) for b in bounds)
        money.append([here.ci_lower, here.ci_upper, crossed, there.fixed_per_unit])
    return {
        "action": at.decision.action,
        "arm": at.decision.arm,
        "looks": [sum(a.units for a in r.arms) / sum(a.units for a in readouts[-1].arms) for r in readouts],
        "look": stop,
        "units": sum(a.units for a in at.arms),
        "warnings": sorted({w for r in readouts[: stop + 1] for w in r.warnings}),
        "read": read,
        "read_money": money,
    }
