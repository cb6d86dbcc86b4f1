"""People outside the program, for the comparison of members with them: how many, and their mean."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from loyalty_exp.errors import NotEstimable
from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.caps import Bounds
from loyalty_exp.outcomes.naive_columns import comparisons, measured
from loyalty_exp.outcomes.outcomes import Outside
from loyalty_exp.outcomes.roster import NOT_ASSIGNED, OUTSIDE
from loyalty_exp.outcomes.unit_table import UnitTable, Value
from loyalty_exp.outcomes.windows import Windows
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr, double, number
from loyalty_exp.warehouse.engine import Engine

NOBODY_OUTSIDE = "no one outside the program was found"


def outside_of_table(
    engine: Engine, experiment: Experiment, table: UnitTable
) -> Outside | NotEstimable | None:
    """Ask a per-unit table; None where the spec does not ask."""
    if not _asked(experiment):
        return None
    assert table.whole is not None and table.outside is not None
    x = table.values[measured(experiment).id].expr
    return _read(engine, sa.select(double(x).label("x")).select_from(table.whole).where(table.outside))


def outside_of_roster(
    engine: Engine,
    experiment: Experiment,
    windows: Windows,
    members: sa.FromClause,
    did: sa.FromClause,
    caps: Mapping[str, Bounds],
) -> Outside | NotEstimable | None:
    """Ask the roster of members with what they did; None where the spec does not ask.

    People who were not assigned have a window only where everybody was assigned on one day.
    """
    if not _asked(experiment):
        return None
    asked = measured(experiment)
    if windows.clock.fixed is None:
        return NotEstimable(
            "units were assigned on different days: people outside have no window of their own"
        )
    source = members.outerjoin(did, members.c.code == did.c.code)
    x = _capped(asked, double(sa.func.coalesce(did.c[asked.id], number(0))), caps)
    where = [members.c.outside == 1, members.c.state.in_([NOT_ASSIGNED, OUTSIDE])]
    if experiment.schedule.immature == "exclude":
        where.append(windows.is_over(members, windows.days(asked)))
    return _read(engine, sa.select(x.label("x")).select_from(source).where(*where))


def _capped(asked: UnitColumn, x: Expr, caps: Mapping[str, Bounds]) -> Expr:
    """Cap them as the units are."""
    value = Value(asked.id, x, x, "", "")
    return value.capped(*caps[asked.id]).expr if asked.id in caps else x


def _asked(experiment: Experiment) -> bool:
    return any(given.compare == "members" for given in comparisons(experiment))


def _read(engine: Engine, rows: sa.Select[tuple[object, ...]]) -> Outside | NotEstimable:
    inner = rows.subquery("outside")
    n, mean = engine.fetch(sa.select(sa.func.count(inner.c.x), sa.func.avg(inner.c.x)).select_from(inner))[0]
    return Outside(int(n), float(mean)) if n else NotEstimable(NOBODY_OUTSIDE)
