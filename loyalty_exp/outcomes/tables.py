"""Members, assignments and transactions: opened, and held against their contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from loyalty_exp.assignment.derived import derived_columns, sources, with_derived
from loyalty_exp.assignment.written import drawn_table
from loyalty_exp.errors import Breach, ContractBreach
from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.breaches import located, unknown_arms
from loyalty_exp.outcomes.contract import column_breaches, type_breaches, unit_breaches
from loyalty_exp.outcomes.currency import rate_of
from loyalty_exp.outcomes.earned import scope_columns
from loyalty_exp.outcomes.margin import money_columns, part_breaches, read_by
from loyalty_exp.outcomes.naive_columns import outside_predicates
from loyalty_exp.outcomes.per_unit import numeric_predicates
from loyalty_exp.outcomes.plan import balanced_for
from loyalty_exp.outcomes.roster import column_of
from loyalty_exp.outcomes.segment import read_for
from loyalty_exp.outcomes.times import TimeColumn, time_column
from loyalty_exp.outcomes.unit_table import is_textual
from loyalty_exp.spec.data import Transactions
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr, as_text, column, double, not_finite
from loyalty_exp.warehouse.engine import Engine


@dataclass(frozen=True, slots=True)
class Tables:
    """The three tables, their columns and their times.

    Attributes
    ----------
    rate : expression or None
        Money of the program's currency for one unit of the row's; None where all rows are in it.
    """

    members: sa.FromClause
    members_shown: str
    member_types: Mapping[str, str]
    assignments: sa.FromClause
    assignments_shown: str
    assigned_unit: str
    arm: str
    assigned_time: TimeColumn | None
    transactions: sa.FromClause
    transactions_shown: str
    sold_unit: str
    sold_types: Mapping[str, str]
    mapped: Transactions
    time: TimeColumn
    repeated_orders: int
    described: Mapping[str, object]
    rate: Expr | None = None

    def member(self, name: str) -> Expr:
        """A column of the members table."""
        return column_of(self.members, name)

    def of_members(self) -> dict[str, tuple[Expr, bool]]:
        """Columns of the members table, for conditions."""
        return {name: (self.member(name), is_textual(t)) for name, t in self.member_types.items()}

    def is_text(self, name: str) -> bool:
        """Tell whether a column of the transactions is text."""
        return is_textual(self.sold_types[name])

    def converted(self) -> dict[str, Expr]:
        """Money columns of the transactions in the currency of the program; none where all rows are in it."""
        if self.rate is None:
            return {}
        return {name: double(column(name)) * self.rate for name in money_columns(self.mapped)}

    def source_of(self, name: str) -> str:
        """Column of the transactions behind a name: the column itself, else the one mapped so."""
        return source_of(name, self.sold_types, self.mapped)


def source_of(name: str, types: Mapping[str, str], mapped: Transactions) -> str:
    """Look a name up among the columns, then among the mapping: ``margin`` may stand for ``contribution``."""
    if name not in types and name in {"amount", "margin", "discount"}:
        return getattr(mapped, name) or name
    return name


def checked_tables(engine: Engine, experiment: Experiment, columns: Sequence[UnitColumn]) -> Tables:
    """Open the tables and check columns, types, unit ids, arms, times and order ids.

    Raises
    ------
    ContractBreach
        With all that is wrong in columns and types at once, then with all that is wrong in rows.
    """
    data, unit = experiment.data, experiment.unit
    assert data.members is not None and data.transactions is not None
    mapped = data.transactions
    assignments, drawn = data.assignments, None
    if assignments is None:
        assignments, drawn = drawn_table(engine, experiment, "assignments")
    names = {"members": data.members, "assignments": assignments.table, "transactions": mapped.table}
    units = {
        "members": unit,
        "assignments": assignments.unit or unit,
        "transactions": mapped.unit or unit,
    }
    opened: dict[str, sa.TableClause] = {}
    for role, name in names.items():
        own = drawn if role == "assignments" else None
        opened[role] = own if own is not None else engine.open_table(name, role, units[role])
    types = {role: engine.columns(table) for role, table in opened.items()}
    carried = [c.source or c.id for c in columns if c.kind in {"column", "known"}]
    sold = [c for c in columns if c.of_transactions]
    summed = [
        source_of(c.source, types["transactions"], mapped) for c in sold if c.kind == "sum" and c.source
    ]
    parts = [name for c in sold if c.parts for name in read_by(c.parts, mapped)]
    conditions = [p.field for c in sold for p in c.where]
    earned = any(c.table == "earned" for c in columns)
    conditions += scope_columns(experiment) if earned else []
    chosen = [p.field for p in (*experiment.population.include, *experiment.population.exclude)]
    chosen += [p.field for p in outside_predicates(experiment)]
    chosen += balanced_for(experiment)
    made = derived_columns(experiment)
    named = [unit, *chosen, *map(read_for, experiment.segments), *experiment.strata, experiment.cluster]
    wanted: dict[str, list[str | None]] = {
        "members": [*(n for n in named if n not in made), *sources(experiment), *carried],
        "assignments": [units["assignments"], assignments.arm, assignments.time],
        "transactions": [
            units["transactions"],
            mapped.order,
            mapped.time,
            mapped.amount,
            mapped.refund_of,
            mapped.currency,
            *summed,
            *parts,
            *conditions,
        ],
    }
    breaches: list[Breach] = []
    for role, asked in wanted.items():
        breaches += column_breaches(names[role], types[role], [name for name in asked if name is not None])
    if breaches:
        raise ContractBreach(tuple(breaches))
    numbers = {
        "members": [*carried, *numeric_predicates(experiment)],
        "assignments": [],
        "transactions": [mapped.amount, *summed, *parts, *_compared_with_numbers(sold)],
    }
    must = {"members": carried, "assignments": [], "transactions": [mapped.amount, *summed, *parts]}
    for role, table in opened.items():
        breaches += engine.numbers(table, names[role], numbers[role])
        types[role] = engine.columns(table)
        known_bad = {b.column for b in breaches if b.table == names[role]}
        breaches += type_breaches(names[role], types[role], [c for c in must[role] if c not in known_bad])
    if breaches:
        raise ContractBreach(tuple(breaches))
    breaches += unit_breaches(engine, opened["members"], names["members"], unit, types["members"][unit])
    breaches += _assignment_breaches(engine, experiment, assignments.arm, opened, names, units)
    breaches += _transaction_breaches(
        engine, opened["transactions"], names["transactions"], mapped, units, summed
    )
    if parts or earned:
        breaches += part_breaches(engine, opened["transactions"], names["transactions"], mapped, parts)
    rate, in_currency = rate_of(engine, experiment, opened["transactions"], names["transactions"], columns)
    breaches += in_currency
    if breaches:
        raise ContractBreach(tuple(breaches))
    zone = mapped.naive_time_zone
    times = {
        role: time_column(engine, opened[role], names[role], types[role], name, zone) if name else None
        for role, name in (("assignments", assignments.time), ("transactions", mapped.time))
    }
    time = times["transactions"]
    assert time is not None
    members, member_types = with_derived(
        experiment, opened["members"], types["members"], names["members"], engine.dialect.name
    )
    return Tables(
        members,
        names["members"],
        member_types,
        opened["assignments"],
        names["assignments"],
        units["assignments"],
        assignments.arm,
        times["assignments"],
        opened["transactions"],
        names["transactions"],
        units["transactions"],
        types["transactions"],
        mapped,
        time,
        0 if mapped.lines else repeated_orders(engine, opened["transactions"], mapped),
        {names[role]: [list(types[role]), _count(engine, table)] for role, table in opened.items()},
        rate,
    )


def _count(engine: Engine, table: sa.FromClause) -> int:
    return int(engine.scalar(sa.select(sa.func.count()).select_from(table)))


def _compared_with_numbers(columns: Sequence[UnitColumn]) -> list[str]:
    found = []
    for p in (p for c in columns for p in c.where):
        values = p.value if isinstance(p.value, list) else [p.value]
        if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
            found.append(p.field)
    return found


def _assignment_breaches(
    engine: Engine,
    experiment: Experiment,
    arm_name: str,
    opened: Mapping[str, sa.FromClause],
    names: Mapping[str, str],
    units: Mapping[str, str],
) -> list[Breach]:
    table, shown = opened["assignments"], names["assignments"]
    unit = column(units["assignments"])
    arm = as_text(column(arm_name))
    arms = [a.id for a in experiment.planned_arms]
    breaches = []
    counts: dict[str | None, int] = dict(
        engine.fetch(sa.select(arm, sa.func.count()).select_from(table).group_by(arm))
    )
    checks = [
        (
            units["assignments"],
            "unit_not_null",
            "the unit id is missing",
            sa.or_(unit.is_(None), as_text(unit) == ""),
        ),
        (arm_name, "arm_not_null", "the arm is missing", sa.or_(arm.is_(None), arm == "")),
    ]
    unknown = sorted(a for a in counts if a and a not in arms)
    if unknown:
        message = unknown_arms(unknown, arms)
        checks.append((arm_name, "known_arm", message, arm.in_(unknown[:1000])))
    for name, rule, message, condition in checks:
        count, examples = located(engine, table, condition)
        if count:
            breaches.append(Breach(shown, name, rule, message, count, examples))
    member = as_text(column(units["members"])).label("unit")
    known = sa.select(member).select_from(opened["members"]).subquery("known")
    assigned = sa.select(as_text(unit).label("unit")).select_from(table).subquery("assigned")
    lost = sa.select(sa.func.count()).select_from(assigned.outerjoin(known, assigned.c.unit == known.c.unit))
    if not breaches and (count := int(engine.scalar(lost.where(known.c.unit.is_(None))))):
        message = f"assigned units are not in {names['members']}; check that ids are written the same way"
        breaches.append(Breach(shown, units["assignments"], "known_unit", message, count))
    return breaches


def _transaction_breaches(
    engine: Engine,
    table: sa.FromClause,
    shown: str,
    mapped: Transactions,
    units: Mapping[str, str],
    summed: Sequence[str],
) -> list[Breach]:
    names = list(dict.fromkeys([mapped.amount, *summed]))
    unit, order = column(units["transactions"]), column(mapped.order)
    asked: list[Expr] = [sa.func.count(), sa.func.count(unit), sa.func.count(order)]
    asked += [f(double(column(name))) for name in names for f in (sa.func.count, sa.func.sum)]
    rows, with_unit, with_order, *rest = engine.fetch(sa.select(*asked).select_from(table))[0]
    breaches = []
    if not rows:
        return [Breach(shown, "", "not_empty", "the table has no rows")]
    for name, filled, words in (
        (units["transactions"], with_unit, "unit"),
        (mapped.order, with_order, "order"),
    ):
        if filled < rows:
            count, examples = located(engine, table, column(name).is_(None))
            breaches.append(
                Breach(shown, name, f"{words}_not_null", f"the {words} id is missing", count, examples)
            )
    for i, name in enumerate(names):
        filled, total = rest[2 * i], rest[2 * i + 1]
        x = column(name)
        if filled < rows:
            count, examples = located(engine, table, x.is_(None))
            breaches.append(
                Breach(shown, name, "not_null", "values are missing; write 0 for none", count, examples)
            )
        if total is not None and abs(float(total)) < float("inf"):
            continue
        count, examples = located(engine, table, not_finite(double(x)))
        if count:
            breaches.append(Breach(shown, name, "finite", "holds NaN or infinite values", count, examples))
    return breaches


def repeated_orders(engine: Engine, table: sa.FromClause, mapped: Transactions) -> int:
    """Count rows whose order id an earlier row has; refunds are no orders.

    Ids that rise with the rows are proven unique by one scan.
    """
    order = as_text(column(mapped.order))
    source = sa.select(order.label("x")).select_from(table)
    if mapped.refund_of:
        source = source.where(sa.func.nullif(as_text(column(mapped.refund_of)), "").is_(None))
    inner = source.subquery()
    before = sa.select(inner.c.x, sa.func.lag(inner.c.x).over().label("before")).subquery()
    unsorted = sa.select(sa.func.count()).where(before.c.x <= before.c.before)
    if not engine.scalar(unsorted):
        return 0
    return sum(int(count) - 1 for _, count in engine.repeated(source))
