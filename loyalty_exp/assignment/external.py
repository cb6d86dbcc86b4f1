"""Arms that were drawn elsewhere: checked, never drawn."""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_exp.assignment.population import numbered
from loyalty_exp.errors import Breach, ContractBreach
from loyalty_exp.spec.arms import ArmsInColumn
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import as_text, column
from loyalty_exp.warehouse.engine import Engine


def external_arms(engine: Engine, experiment: Experiment) -> dict[str, int]:
    """Count the units of each arm in the table that the spec names.

    Raises
    ------
    ContractBreach
        For missing columns, ids or arms, arms that the spec does not name, and units that stand twice.
    """
    named, unit = experiment.data.assignments, experiment.unit
    if named is not None:
        shown, unit, arm = named.table, named.unit or unit, named.arm
    else:
        shown = experiment.data.units or ""
        arm = experiment.arms.from_column if isinstance(experiment.arms, ArmsInColumn) else "arm"
    table = engine.open_table(shown, "assignments" if named else "units", unit)
    types = engine.columns(table)
    if missing := [n for n in (unit, arm) if n not in types]:
        found = ", ".join(list(types)[:30])
        message = f"there is no such column; found: {found}"
        raise ContractBreach(tuple(Breach(shown, n, "column", message) for n in missing))
    arms = [a.id for a in experiment.planned_arms]
    x, y = column(unit), as_text(column(arm))
    breaches: list[Breach] = []
    for name, rule, message, condition in (
        (unit, "unit_not_null", "the unit id is missing", sa.or_(x.is_(None), as_text(x) == "")),
        (arm, "arm_not_null", "the arm is missing", sa.or_(y.is_(None), y == "")),
        (
            arm,
            "known_arm",
            f"holds arms that the spec does not name; it names {', '.join(arms)}",
            y.not_in(arms),
        ),
    ):
        count, examples = numbered(engine, table, condition)
        if count and not (rule == "known_arm" and breaches):
            breaches.append(Breach(shown, name, rule, message, count, examples))
    if not breaches and (twice := engine.repeated(sa.select(x.label("x")).select_from(table))):
        breaches.append(Breach(shown, unit, "unique", f"{len(twice):,} units stand in more than one row"))
    if not engine.scalar(sa.select(sa.func.count()).select_from(table)):
        breaches.append(Breach(shown, "", "not_empty", "the table has no rows"))
    if breaches:
        raise ContractBreach(tuple(breaches))
    counted = dict(engine.fetch(sa.select(y, sa.func.count()).select_from(table).group_by(y)))
    return {a: int(counted.get(a, 0)) for a in arms}
