"""The rows of a rehearsal: one row a unit of the team's own history, fetched from the engine once.

Rows leave the engine for a rehearsal only: every column of the plan, and the stratum and cluster of the draw.
The arm that a unit had, if it had one, is forgotten. Where members are not assigned yet, all who are eligible
begin on one day of the past whose outcome window is over in the data.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from loyalty_exp.errors import Breach, ContractBreach, Refused, UsageError
from loyalty_exp.outcomes.caps import Bounds, with_caps
from loyalty_exp.outcomes.plan import Plan
from loyalty_exp.outcomes.unit_table import UnitTable, Value
from loyalty_exp.planning.one_arm import one_arm, past, past_window
from loyalty_exp.spec.arms import ArmsInColumn
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.population import Segment
from loyalty_exp.warehouse.atoms import double, number
from loyalty_exp.warehouse.connect import open_engine
from loyalty_exp.warehouse.engine import Engine

Column = npt.NDArray[np.float64]
Tell = Callable[[str], None]

UNIT = "$unit"
"""Dimension that carries the id of the unit along."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """One row a unit, in order of stratum and then of the hash of the id.

    Attributes
    ----------
    hashes : array of uint64, shape (n,)
    columns : mapping of column id to array, shape (n,)
        Not capped; NaN where a unit is not counted.
    droppable : frozenset of str
        Columns that units may lack.
    caps : mapping of column id to (lower, upper)
    stratum, cluster : array of int, shape (n,), or None
        Positions among the names.
    strata, clusters : tuple of str
    begins : array, shape (n,), or None
        Moment at which each unit began; where they began together, or nobody asked, None.
    first_day : date or None
        On which all began, where they began together.
    data_to : date or None
    engine : str
    digest : str
        SHA-256 over all of it.
    """

    hashes: npt.NDArray[np.uint64]
    columns: Mapping[str, Column]
    droppable: frozenset[str]
    caps: Mapping[str, Bounds]
    stratum: npt.NDArray[np.int64] | None
    cluster: npt.NDArray[np.int64] | None
    strata: tuple[str, ...]
    clusters: tuple[str, ...]
    begins: Column | None
    first_day: dt.date | None
    data_to: dt.date | None
    engine: str
    digest: str

    @property
    def n(self) -> int:
        """Units."""
        return len(self.hashes)


def read_history(
    experiment: Experiment,
    asked: Plan,
    folder: Path,
    *,
    begins: dt.date | None = None,
    threads: int = 1,
    tell: Tell = lambda _: None,
) -> History:
    """Fetch one row a unit.

    Parameters
    ----------
    asked : Plan
    folder : Path
        Of the spec.
    begins : date, optional
        Day of the past on which all eligible members begin. Left out: as they were assigned; where nobody is,
        the last day whose outcome window is over.

    Raises
    ------
    ContractBreach, EngineError
    Refused
        If nobody is assigned and nothing says who would be.
    UsageError
        If the windows of the data cannot be moved.
    """
    if begins is not None and experiment.shape == "units":
        raise UsageError("--begins needs transactions; the windows of a per-unit table are over")
    engine = open_engine(experiment.data.engine, folder, threads=threads)
    carrying = experiment.model_copy(
        update={"segments": (Segment.model_construct(id=UNIT, column=experiment.unit, when=None),)}
    )
    try:
        tell("reading one row a unit")
        if experiment.shape == "units":
            found = Found(_per_unit(engine, carrying, asked), experiment.schedule.start)
        else:
            found = _windowed(engine, carrying, asked, begins)
        _, caps = with_caps(engine, found.table, asked)
        return fetched(engine, found, asked, caps)
    finally:
        engine.close()


def _per_unit(engine: Engine, experiment: Experiment, asked: Plan) -> UnitTable:
    from loyalty_exp.outcomes.per_unit import arm_column, per_unit

    name = experiment.data.units
    assert name is not None
    if arm_column(experiment) not in engine.columns(engine.open_table(name, "units", experiment.unit)):
        # A table from before the launch has no arm; any column will do, since arms are drawn anew.
        anywhere = ArmsInColumn.model_construct(
            from_column=experiment.unit, control="", treatments=("",), shares=None, names={}
        )
        experiment = experiment.model_copy(update={"arms": anywhere})
    return per_unit(engine, experiment, asked)[0]


@dataclass(frozen=True, slots=True)
class Found:
    """One row a unit in the engine, on which days they began, and when each one did."""

    table: UnitTable
    first: dt.date | None
    data_to: dt.date | None = None
    begins: Mapping[str, int] = field(default_factory=dict)


def _windowed(engine: Engine, experiment: Experiment, asked: Plan, begins: dt.date | None) -> Found:
    """Sum what members did in their windows, as an analysis does."""
    from loyalty_exp.outcomes.event_tables import checked_events
    from loyalty_exp.outcomes.events import event_query
    from loyalty_exp.outcomes.queries import activity_query, earned_query, roster_query
    from loyalty_exp.outcomes.roster import IN
    from loyalty_exp.outcomes.tables import checked_tables
    from loyalty_exp.outcomes.window_sums import unit_table
    from loyalty_exp.outcomes.windowed import _all_of, _for_caps, _immature
    from loyalty_exp.outcomes.windows import windows_of

    looks = experiment.analysis.sequential is not None
    if begins is not None or experiment.data.assignments is None:
        if experiment.assignment is None:
            raise Refused(
                "nobody is assigned, and nothing says who would be: add assignment: {salt: ...}, or name "
                "data.assignments"
            )
        experiment = past(experiment, past_window(engine, experiment, begins, "--begins")[0])
        engine = one_arm(engine, experiment)
    columns = (*asked.columns, *_for_caps(asked))
    tables = checked_tables(engine, experiment, columns)
    windows = windows_of(experiment, tables, columns, None)
    dialect, repeated = engine.dialect.name, bool(tables.repeated_orders)
    members = engine.keep("loyalty_roster", roster_query(experiment, tables, windows, columns))
    did = engine.keep(
        "loyalty_activity",
        activity_query(dialect, experiment, tables, windows, columns, members, repeated),
    )
    beside: dict[str, sa.FromClause] = {}
    for found in checked_events(engine, experiment, tables, windows, columns):
        query = event_query(dialect, found, windows, members, experiment.schedule.refund_days)
        beside[found.name] = engine.keep(f"loyalty_{found.name}", query)
    if any(c.table == "earned" for c in columns):
        query = earned_query(dialect, experiment, tables, windows, columns, members, repeated)
        beside["earned"] = engine.keep("loyalty_earned", query)
    immature = any(_immature(engine, experiment, members, windows).values())
    open_still = immature and experiment.schedule.immature == "exclude"
    table = unit_table(experiment, tables, windows, columns, members, did, open_still, beside)
    kept = engine.keep("loyalty_units", _all_of(table))
    order: Mapping[str, int] = {}
    if looks and windows.clock.fixed is None:
        at = members.c[windows.begins]
        order = dict(engine.fetch(sa.select(members.c.unit, at).where(members.c.state == IN)))
    return Found(replace(table, rows=kept), windows.clock.fixed, windows.data_to, order)


def fetched(engine: Engine, of: Found, asked: Plan, caps: Mapping[str, Bounds]) -> History:
    """Fetch the rows, sort them by stratum and hash, and hold the values against their contract."""
    from loyalty_exp.stats.poisson_bootstrap import unit_hashes

    table = of.table
    values = {c.id: table.values[c.id] for c in asked.columns}
    items = [table.dimensions[UNIT].label("unit")]
    names = [name for name in ("stratum", "cluster") if getattr(table, name) is not None]
    items += [sa.func.coalesce(getattr(table, name), "").label(name) for name in names]
    for i, v in enumerate(values.values()):
        items.append(sa.func.coalesce(double(v.expr), number(0)).label(f"v{i}"))
        items.append(sa.case((v.expr.is_(None), 1), else_=0).label(f"null{i}"))
    found = engine.arrays(table.select(*items))
    hashes = unit_hashes(str(x) for x in found["unit"])
    begins = np.array([of.begins[str(x)] for x in found["unit"]], dtype=np.float64) if of.begins else None
    codes: dict[str, npt.NDArray[np.int64]] = {}
    known: dict[str, tuple[str, ...]] = {"stratum": (), "cluster": ()}
    for name in names:
        labels, at = np.unique(found[name].astype(str), return_inverse=True)
        codes[name], known[name] = at.astype(np.int64), tuple(str(x) for x in labels)
    order = (
        np.lexsort((hashes, codes["stratum"])) if "stratum" in codes else np.argsort(hashes, kind="stable")
    )
    columns: dict[str, Column] = {}
    breaches: list[Breach] = []
    for i, (name, value) in enumerate(values.items()):
        x = found[f"v{i}"].astype(np.float64)
        null = found[f"null{i}"].astype(bool)
        breaches += broken(x, null, value)
        columns[name] = np.where(null, np.nan, x)[order]
    if breaches:
        raise ContractBreach(tuple(breaches))
    hashes = hashes[order]
    stratum, cluster = (codes[n][order] if n in codes else None for n in ("stratum", "cluster"))
    seen = hashlib.sha256(hashes.tobytes())
    for name, x in columns.items():
        seen.update(name.encode() + x.tobytes())
    for part in (stratum, cluster):
        seen.update(part.tobytes() if part is not None else b"-")
    if begins is not None:
        begins = begins[order]
        seen.update(begins.tobytes())
    seen.update(repr(sorted(caps.items())).encode())
    return History(
        hashes,
        columns,
        frozenset(name for name, v in values.items() if v.droppable),
        caps,
        stratum,
        cluster,
        known["stratum"],
        known["cluster"],
        begins,
        of.first,
        of.data_to,
        engine.name_version,
        seen.hexdigest(),
    )


def broken(x: Column, null: npt.NDArray[np.bool_], value: Value) -> list[Breach]:
    """Say what is wrong with the values of a column."""
    rules = [
        ("not_null", "values are missing; say what that means with missing: zero or missing: drop",
         null & (not value.droppable)),
        ("finite", "holds NaN or infinite values; leave empty what is not known", ~np.isfinite(x)),
    ]  # fmt: skip
    if value.check == "binary":
        rules.append(("binary", "must be 0 or 1", (x != 0) & (x != 1)))
    if value.check == "non_negative":
        rules.append(("non_negative", "must not be negative", x < 0))
    return [
        Breach(value.where, value.column, rule, message, int(bad.sum()))
        for rule, message, bad in rules
        if bad.any()
    ]
