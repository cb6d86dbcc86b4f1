"""What decides who is in which arm: compared with what was drawn, and with the draws of other experiments."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from loyalty_exp.assignment.arms import ARM, TIME, shares_of
from loyalty_exp.assignment.layers import drawn_as_held_out, layer_of, measured
from loyalty_exp.assignment.ledger import RECORD
from loyalty_exp.errors import Refused, UsageError
from loyalty_exp.grammar import canonical
from loyalty_exp.spec.assignment import Trigger
from loyalty_exp.spec.experiment import Experiment

_WORDS = {
    "unit": "the unit",
    "cluster": "the cluster",
    "salt": "the salt",
    "arms": "arms or shares",
    "strata": "the strata",
    "layer": "the layer or its slots",
    "population": "the population",
    "start": "schedule.start",
    "trigger": "the trigger",
    "rerandomize": "the rule of rerandomization",
}


def drawable(experiment: Experiment) -> None:
    """Make sure that the spec says how to draw.

    Raises
    ------
    UsageError
        With what is missing.
    """
    plan = experiment.assignment
    if plan is None:
        raise UsageError(
            "the spec does not say how to draw: add assignment: {salt: a text used nowhere else}"
        )
    if not isinstance(experiment.arms, tuple):
        raise UsageError("arms are in a column of the data; there is nothing to draw")
    if experiment.schedule.start is None:
        raise UsageError("schedule.start is missing: the day on which members are assigned")
    if plan.trigger and experiment.schedule.end is None:
        raise UsageError("schedule.end is missing: the last day on which the trigger counts")
    if experiment.cluster and plan.strata and plan.grows:
        raise UsageError(
            "assignment.strata of clusters are drawn at once: a member who joins a drawn household later "
            "could not be given its arm. Leave out strata, or ramp and trigger"
        )
    reserved = {experiment.unit, ARM, TIME} & set(plan.strata)
    if reserved or experiment.unit in {ARM, TIME}:
        raise UsageError(f"a unit or a stratum cannot be called {ARM} or {TIME}; rename the column")
    drawn_as_held_out(experiment)


def plan_of(experiment: Experiment) -> dict[str, Any]:
    """Give everything that decides who is in which arm; none of it may change once units are drawn.

    Later steps of a ramp may; the holdout is the program's, and may be renewed.
    """
    plan = experiment.assignment
    assert plan is not None
    arms, shares = shares_of(experiment)
    layer = layer_of(experiment)
    return {
        "unit": experiment.unit,
        "cluster": experiment.cluster,
        "salt": plan.salt,
        "arms": [[arm, str(share)] for arm, share in zip(arms, shares, strict=True)],
        "strata": list(plan.strata),
        "layer": {**canonical(plan.layer), "slots": layer.slots, "salt": layer.salt}
        if plan.layer and layer
        else None,
        # Without defaults, so that a key added by a later version is no change.
        "population": experiment.population.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "start": str(experiment.schedule.start) if experiment.schedule.start else None,
        "trigger": _trigger(plan.trigger) if plan.trigger else None,
        "rerandomize": canonical(plan.rerandomize) if plan.rerandomize else None,
    }


def _trigger(trigger: Trigger) -> Any:
    """Give the column alone where nothing else is said, as earlier versions wrote it."""
    plain = not trigger.after_days and not trigger.yearly
    return trigger.column if plain else canonical(trigger)


def refuse_changes(drawn: dict[str, Any], experiment: Experiment) -> None:
    """Refuse a spec that would have drawn otherwise than what is written.

    Raises
    ------
    Refused
        With everything that differs.
    """
    plan, old = plan_of(experiment), drawn["plan"]
    changed = [_WORDS[key] for key in plan if plan[key] != old.get(key)]
    steps = [canonical(step) for step in experiment.assignment.ramp] if experiment.assignment else []
    in_force = [s for s in drawn["ramp"] if s["from"] <= drawn["as_of"]]
    begun = [s for s in steps if s["from"] <= drawn["as_of"]]
    if begun != in_force or bool(steps) != bool(drawn["ramp"]):
        changed.append("steps of the ramp that have begun")
    if changed:
        raise Refused(
            f"{experiment.experiment} was drawn on {drawn['as_of']} and the spec has changed since: "
            f"{', '.join(changed)}. What was drawn stands; undo the change, or give a new experiment a "
            "new id and a new salt."
        )


def refuse_shared(experiment: Experiment, folder: Path) -> None:
    """Refuse a salt that another draw uses, and slots that another experiment reserves at the same time.

    Raises
    ------
    Refused
    """
    plan = plan_of(experiment)
    program = experiment.program
    taken = {layer.salt: f"layer '{layer.id}'" for layer in program.layers}
    if program.holdout and measured(experiment) is None:
        taken[program.holdout.salt] = f"holdout '{program.holdout.id}'"
    for path in sorted(folder.parent.glob(f"*/{RECORD}")):
        try:
            other = json.loads(path.read_text(encoding="utf-8"))
            name, theirs, span = other["experiment"], other["plan"], other["span"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if name == experiment.experiment:
            continue
        taken.setdefault(theirs["salt"], f"experiment '{name}'")
        mine, other_layer = plan["layer"], theirs["layer"]
        if mine and other_layer and mine["id"] == other_layer["id"] and meet(span_of(experiment), span):
            low, high = max(mine["from"], other_layer["from"]), min(mine["to"], other_layer["to"])
            if low <= high:
                raise Refused(
                    f"slots {low} to {high} of layer '{mine['id']}' are reserved by experiment '{name}' at "
                    "the same time. Choose other slots, or other days."
                )
    if plan["salt"] in taken:
        raise Refused(
            f"the salt is that of {taken[plan['salt']]}: two draws with one salt are the same draw. "
            "Choose another text for assignment.salt."
        )


def span_of(experiment: Experiment) -> list[str | None]:
    """First day, and last day on which outcomes may count."""
    schedule = experiment.schedule
    if schedule.start is None:
        return [None, None]
    last = (schedule.end or schedule.start) + dt.timedelta(days=schedule.outcome_days or 0)
    return [schedule.start.isoformat(), last.isoformat()]


def meet(first: list[str | None], second: list[str | None]) -> bool:
    """Tell whether two spans share a day; an open end shares all."""
    a, b = first
    c, d = second
    return a is None or b is None or c is None or d is None or (a <= d and c <= b)
