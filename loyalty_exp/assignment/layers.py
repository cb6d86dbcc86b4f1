"""Who is left to this experiment: the program's holdout, and the slots of a layer that it reserves.

Holdout and layers have salts of their own, so that they are independent of every experiment and of each
other. Both are drawn by household where the program names households (the holdout if it says so), so that
experiments on members and on households of one layer share nobody.
"""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import sqlalchemy as sa

from loyalty_exp.assignment.draw import threshold
from loyalty_exp.errors import UsageError
from loyalty_exp.spec.arms import weight
from loyalty_exp.spec.calendar import Holdout, Layer
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr, sha256_hex


def slot_of(where: float, slots: int) -> int:
    """Slot of a point in [0, 1): ``floor(point * slots)``, exactly."""
    return int(Fraction(where) * slots)


def layer_of(experiment: Experiment) -> Layer | None:
    """The layer that the spec names, looked up in the program.

    Raises
    ------
    UsageError
        If the program has no such layer, or too few slots.
    """
    wanted = experiment.assignment.layer if experiment.assignment else None
    if wanted is None:
        return None
    layers = {layer.id: layer for layer in experiment.program.layers}
    if wanted.id not in layers:
        known = ", ".join(layers) or "none"
        raise UsageError(f"assignment.layer: the program has no layer '{wanted.id}'; it has {known}")
    layer = layers[wanted.id]
    if wanted.to >= layer.slots:
        raise UsageError(
            f"assignment.layer: layer '{layer.id}' has slots 0 to {layer.slots - 1}, not {wanted.to}"
        )
    return layer


def hashed(salt: str, key: Expr) -> Expr:
    """Digest of a key in the draw of a salt."""
    return sha256_hex(sa.literal(f"{salt}:", sa.Text).concat(key))


def in_slots(experiment: Experiment, household: Expr) -> Expr | None:
    """Condition that a member lies in the reserved slots; None where no layer is named."""
    layer, plan = layer_of(experiment), experiment.assignment
    if layer is None or plan is None or plan.layer is None:
        return None
    hexadecimal = hashed(layer.salt, household)
    first, after = (Fraction(slot, layer.slots) for slot in (plan.layer.from_, plan.layer.to + 1))
    return sa.and_(hexadecimal >= threshold(first), hexadecimal < threshold(after))


def measured(experiment: Experiment) -> Holdout | None:
    """The program's holdout where the experiment bears its name: the whole program against it is measured."""
    holdout = experiment.program.holdout
    same = holdout is not None and holdout.id.casefold() == experiment.experiment.casefold()
    return holdout if same else None


def drawn_as_held_out(experiment: Experiment) -> None:
    """Make sure that who measures the holdout has just those members in control whom the others leave out.

    Raises
    ------
    UsageError
        With all that has to be written otherwise.
    """
    holdout, plan = measured(experiment), experiment.assignment
    if holdout is None or plan is None or not isinstance(experiment.arms, tuple):
        return
    salt = holdout_salt(holdout, experiment.schedule.start or holdout.from_)
    homes, first = experiment.program.households, experiment.arms[0]
    cluster = homes.column if homes and holdout.by == "household" else None
    faults = []
    if plan.salt != salt:
        period = salt.removeprefix(holdout.salt)
        words = f" with {period} after it, as others are held out in these days" if period else ""
        faults.append(f"assignment.salt is that of the holdout{words}")
    if first.id != experiment.control or weight(first.share) != Fraction(repr(holdout.share)):
        faults.append(f"the first arm is the control, with the share {holdout.share:g}")
    if experiment.cluster != cluster:
        faults.append(f"cluster is '{cluster}'" if cluster else "there is no cluster")
    if plan.strata or plan.layer or plan.ramp or plan.trigger or plan.rerandomize:
        faults.append("assignment has a salt and nothing else")
    if faults:
        raise UsageError(
            f"'{experiment.experiment}' is the holdout of the program, so that {'; '.join(faults)}. Give an "
            "experiment that does not measure the holdout another id."
        )


def holdout_of(experiment: Experiment) -> Holdout | None:
    """The program's holdout, if the experiment runs while it holds, and is not the one that measures it."""
    holdout, schedule = experiment.program.holdout, experiment.schedule
    if holdout is None or measured(experiment) is not None:
        return None
    start = schedule.start or holdout.from_
    end = max(schedule.end or start, start)
    return holdout if start <= holdout.to and end >= holdout.from_ else None


def holdout_salt(holdout: Holdout, day: dt.date) -> str:
    """Salt of the period in which a day lies: as written in the first, ``salt#1`` in the next, and so on."""
    if holdout.reshuffle == "never":
        return holdout.salt
    months = (day.year - holdout.from_.year) * 12 + day.month - holdout.from_.month
    months -= day.day < holdout.from_.day
    period = max(months, 0) // (12 if holdout.reshuffle == "yearly" else 3)
    return f"{holdout.salt}#{period}" if period else holdout.salt


def held_out(experiment: Experiment, unit: Expr, household: Expr) -> Expr | None:
    """Condition that a member is held out of every experiment; None where nobody is."""
    holdout = holdout_of(experiment)
    if holdout is None:
        return None
    if holdout.by == "household" and experiment.program.households is None:
        raise UsageError(
            "program.holdout is by household, but program.households is not given; name the column"
        )
    key = household if holdout.by == "household" else unit
    salt = holdout_salt(holdout, experiment.schedule.start or holdout.from_)
    return hashed(salt, key) < threshold(Fraction(repr(holdout.share)))
