"""Arms that were drawn elsewhere: checked, never drawn."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import sqlalchemy as sa

from loyalty_exp.assignment.calendar import clashes
from loyalty_exp.assignment.population import numbered
from loyalty_exp.assignment.result import Assigned
from loyalty_exp.errors import Breach, ContractBreach
from loyalty_exp.spec.arms import ArmsInColumn
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.sample_ratio import sample_ratio
from loyalty_exp.warehouse.atoms import Expr, as_text, column, sha256_hex
from loyalty_exp.warehouse.connect import open_engine
from loyalty_exp.warehouse.engine import Engine


def external(experiment: Experiment, folder: Path, threads: int, memory: str) -> Assigned:
    """Check the arms of another system, count them, and take their fingerprint.

    Raises
    ------
    ContractBreach
        If the table breaks its contract.
    Refused
        If the experiment runs into days that it forbids.
    """
    engine = open_engine(experiment.data.engine, folder, threads=threads, memory=memory)
    try:
        units, digest = external_arms(engine, experiment)
        engine.unchanged()
    finally:
        engine.close()
    shares = {a.id: a.share for a in experiment.planned_arms}
    ratio = sample_ratio([units[a] for a in shares], list(shares.values()))
    table = experiment.data.units
    if experiment.data.assignments is not None:
        table = experiment.data.assignments.table
    return Assigned(
        experiment=experiment.experiment,
        status="external",
        path=table,
        as_of=None,
        salt=None,
        units=units,
        drawn=units,
        shares=shares,
        sample_ratio=None if experiment.cluster else ratio,
        findings=clashes(experiment),
        record={"digest": digest, "spec_hash": experiment.spec_hash},
    )


def external_arms(engine: Engine, experiment: Experiment) -> tuple[dict[str, int], str]:
    """Count the units of each arm in the table that the spec names, and give the fingerprint of its rows.

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
    return {a: int(counted.get(a, 0)) for a in arms}, _fingerprint(engine, table, as_text(x), y)


def _fingerprint(engine: Engine, table: sa.FromClause, unit: Expr, arm: Expr) -> str:
    """Digest of who is in which arm, in whatever order the rows stand; the same on every engine.

    The rows' own digests are counted in 4,096 heaps, so that no row leaves the engine and a unit that comes,
    goes or moves is seen.
    """
    rows = sa.select(sha256_hex(unit.concat("\x1f").concat(arm)).label("hex")).select_from(table)
    inner = rows.subquery("rows")
    heap = sa.func.substr(inner.c.hex, 1, 3)
    asked = sa.select(heap, sa.func.count(), sa.func.min(inner.c.hex), sa.func.max(inner.c.hex)).group_by(
        heap
    )
    found = sorted([str(h), int(n), str(low), str(high)] for h, n, low, high in engine.fetch(asked))
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()
