"""The history as an experiment of one arm: everyone in the population, assigned on a past day.

The readout's own tables, windows and sums then run unchanged. Only the table of assignments is not there: it
is made in the engine, a row a member.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import numpy.typing as npt
import sqlalchemy as sa

from loyalty_exp.errors import Breach
from loyalty_exp.spec.arms import Arm, ArmsInColumn
from loyalty_exp.spec.data import Assignments
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import as_text, column
from loyalty_exp.warehouse.engine import Engine, Facts, Query

ARM = "arm"


def past(experiment: Experiment, as_of: dt.date | None) -> Experiment:
    """Give the experiment that reads the history: one arm, no looks, no further readings.

    Parameters
    ----------
    as_of : date or None
        Day on which everyone is assigned; None for a per-unit table, whose windows are over.
    """
    control = experiment.control
    changes: dict[str, Any] = {
        "arms": (Arm(id=control, share=1.0, control=True),),
        "metrics": tuple(m.model_copy(update={"readings": ()}) for m in experiment.metrics),
        "analysis": experiment.analysis.model_copy(update={"sequential": None, "contrasts": ()}),
        "factors": {},
        "sizing": None,
    }
    if as_of is None:
        name = experiment.arms.from_column if isinstance(experiment.arms, ArmsInColumn) else ARM
        changes["arms"] = ArmsInColumn.model_construct(
            from_column=name, control=control, treatments=(), shares=None, names={}
        )
    else:
        table = Assignments(table="the members of the history", unit=experiment.unit, arm=ARM, time=None)
        changes["data"] = experiment.data.model_copy(update={"assignments": table})
        days = {"start": as_of, "end": None}
        changes["schedule"] = experiment.schedule.model_copy(update=days)
        changes["population"] = experiment.population.model_copy(update={"as_of": as_of})
    return experiment.model_copy(update=changes)


class WithoutArms(Engine):
    """An engine whose data name no arms: it puts everyone into control, and passes the rest on."""

    def __init__(self, engine: Engine, experiment: Experiment) -> None:
        self._engine = engine
        self._experiment = experiment
        self.name_version, self.dialect, self.folder = engine.name_version, engine.dialect, engine.folder

    def open_table(self, name: str, role: str, unit: str) -> sa.TableClause:
        """Open a table; assignments are made from the members, and a per-unit table keeps its control arm."""
        if role == "assignments":
            return self._assignments()
        table = self._engine.open_table(name, role, unit)
        return self._control_only(table, name) if role == "units" else table

    def _assignments(self) -> sa.TableClause:
        data, unit = self._experiment.data, self._experiment.unit
        assert data.members is not None
        members = self._engine.open_table(data.members, "members", unit)
        arm = sa.literal(self._experiment.control).label(ARM)
        known = sa.select(as_text(column(unit)).label(unit), arm).select_from(members)
        known = known.where(column(unit).is_not(None)).distinct()
        return self._engine.keep("loyalty_history", known)

    def _control_only(self, table: sa.TableClause, shown: str) -> sa.TableClause:
        arms = self._experiment.arms
        name = arms.from_column if isinstance(arms, ArmsInColumn) else ARM
        from loyalty_exp.outcomes.per_unit import number_columns, numeric_predicates
        from loyalty_exp.outcomes.plan import plan

        wanted = number_columns(plan(self._experiment)) | numeric_predicates(self._experiment)
        self._engine.numbers(table, shown, sorted(wanted))
        names = list(self._engine.columns(table))
        items: list[Any] = [column(n) for n in names if n != name]
        if name not in names:
            whole = sa.select(*items, sa.literal(self._experiment.control).label(name)).select_from(table)
        else:
            whole = sa.select(*items, column(name)).select_from(table)
            whole = whole.where(as_text(column(name)) == self._experiment.control)
        return self._engine.keep("loyalty_history", whole)

    def columns(self, table: sa.TableClause) -> dict[str, str]:
        """Pass on."""
        return self._engine.columns(table)

    def run(self, text: str) -> list[tuple[Any, ...]]:
        """Pass on."""
        return self._engine.run(text)

    def numbers(self, table: sa.TableClause, shown: str, wanted: Iterable[str]) -> list[Breach]:
        """Pass on."""
        return self._engine.numbers(table, shown, wanted)

    def facts(self, table: sa.TableClause) -> Mapping[str, Facts]:
        """Pass on."""
        return self._engine.facts(table)

    def fetch(self, query: Query) -> list[tuple[Any, ...]]:
        """Pass on."""
        return self._engine.fetch(query)

    def arrays(self, query: Query) -> dict[str, npt.NDArray[Any]]:
        """Pass on."""
        return self._engine.arrays(query)

    def keep(self, name: str, query: Query) -> sa.TableClause:
        """Pass on."""
        return self._engine.keep(name, query)

    def repeated(self, query: Query) -> list[tuple[Any, ...]]:
        """Pass on."""
        return self._engine.repeated(query)

    def unchanged(self) -> None:
        """Pass on."""
        self._engine.unchanged()

    def close(self) -> None:
        """Pass on."""
        self._engine.close()
