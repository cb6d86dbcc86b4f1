"""The SQL of both specs of the grammar, for each dialect, as files to read.

LOYALTY_EXP_RENEW_GOLDEN=1 renews them.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from outcomes.ledger_data import ledger
from outcomes.program_data import spec

from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.clock import midnight
from loyalty_exp.outcomes.cluster_rows import cluster_table, cluster_totals
from loyalty_exp.outcomes.event_tables import Events
from loyalty_exp.outcomes.events import event_query
from loyalty_exp.outcomes.ordered_values import known_values, values_at
from loyalty_exp.outcomes.outcomes import OFFER
from loyalty_exp.outcomes.per_unit import expressed
from loyalty_exp.outcomes.periods import Part, periods_of
from loyalty_exp.outcomes.plan import Block, Plan, plan
from loyalty_exp.outcomes.products import grouped, sampled
from loyalty_exp.outcomes.queries import activity_query, earned_query, period_query, roster_query
from loyalty_exp.outcomes.repurchase_days import repurchase_days
from loyalty_exp.outcomes.running import changes, steps, totals, who_counts
from loyalty_exp.outcomes.tables import Tables
from loyalty_exp.outcomes.times import TimeColumn
from loyalty_exp.outcomes.unit_table import UnitTable, Value, joined
from loyalty_exp.outcomes.window_sums import unit_table
from loyalty_exp.outcomes.windows import Windows, windows_of
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.quantiles import QuantileRanks
from loyalty_exp.warehouse.atoms import column, microseconds, number
from loyalty_exp.warehouse.dialects import dialect_of, text_of

FOLDER = Path(__file__).parent.parent / "golden" / "sql"

FIRST = Experiment.model_validate(
    {
        "experiment": "hillstrom_email",
        "question": "Do merchandise e-mails to past customers earn more than they cost?",
        "unit": "customer_id",
        "data": {"units": "data/hillstrom.parquet"},
        "arms": {
            "from_column": "segment",
            "control": "No E-Mail",
            "treatments": ("Mens E-Mail", "Womens E-Mail"),
            "shares": {"No E-Mail": 1.0, "Mens E-Mail": 1.0, "Womens E-Mail": 1.0},
        },
        "metrics": (
            {
                "id": "spend",
                "type": "amount",
                "column": "spend",
                "role": "primary",
                "covariates": ("history", "recency"),
            },
            {"id": "conversion", "type": "proportion", "column": "conversion"},
            {"id": "visit", "type": "proportion", "column": "visit"},
        ),
        "economics": {
            "benefit": {"metric": "spend", "margin": 0.40},
            "costs": ({"id": "email", "per_unit": 0.05, "arms": ("Mens E-Mail", "Womens E-Mail")},),
        },
        "decision": {"ship_if": {"probability_net_benefit_positive": 0.95}},
    }
)

Queries = dict[str, sa.Select[Any]]


def first() -> Queries:
    asked = plan(FIRST)
    types = {"customer_id": "VARCHAR", "segment": "VARCHAR", "spend": "DOUBLE", "history": "DOUBLE"}
    types |= dict.fromkeys(("recency", "conversion", "visit"), "INTEGER")
    table = expressed(FIRST, asked, sa.table("units"), types, {})
    return {"provisional centers": sampled(table), "moments": grouped(table, asked, {}, (), True)[0]}


def second() -> Queries:
    experiment = spec()
    asked = plan(experiment)
    at = microseconds(column("assigned_at"), "date")
    last = midnight(dt.date(2026, 4, 3), "UTC")
    tables = Tables(
        sa.table("members"),
        "members",
        {"member_id": "VARCHAR", "tier": "VARCHAR", "segment": "VARCHAR"},
        sa.table("assignments"),
        "assignments",
        "member_id",
        "arm",
        TimeColumn("assigned_at", "date", True, at, midnight(dt.date(2026, 4, 1), "UTC"), last),
        sa.table("transactions"),
        "transactions",
        "member_id",
        {"amount": "DOUBLE", "margin": "DOUBLE", "reward_cost": "DOUBLE"},
        experiment.data.transactions,  # type: ignore[arg-type]
        TimeColumn("ts", "instant", False, microseconds(column("ts"), "instant"), 0, last),
        0,
        {},
    )
    windows = windows_of(experiment, tables, asked.columns, None)
    members = roster_query(experiment, tables, windows, asked.columns)
    roster = sa.table("loyalty_roster", *(sa.column(c.key) for c in members.selected_columns if c.key))
    did = activity_query("duckdb", experiment, tables, windows, asked.columns, roster, False)
    activity = sa.table("loyalty_activity", *(sa.column(c.key) for c in did.selected_columns if c.key))
    table = unit_table(experiment, tables, windows, asked.columns, roster, activity, False)
    return {
        "roster": members,
        "activity": did,
        "moments": grouped(table, asked, {}, ("segment",), True)[0],
    }


def third() -> Queries:
    """What estimators read beyond moments: days, ranks, clusters, strata."""
    table = UnitTable(
        sa.table("units"),
        column("arm"),
        {"tier": column("tier")},
        {"spend": Value("spend", column("spend"), column("spend"), "units", "spend", may_be_null=False)},
        "units",
        "arm",
        joined([column("tier"), column("region")]),
        column("store"),
    )
    part = Plan((), (Block("spend", ("spend",), ()),))
    ranks = {"a": QuantileRanks(3, 9, 12, 0.95), "b": QuantileRanks(4, 9, 13, 0.95)}
    totals = cluster_totals(table, part, frozenset(), "tier")
    kept = sa.table("loyalty_clusters", *(sa.column(c.key) for c in totals.selected_columns if c.key))
    return {
        "days": repurchase_days(table, column("days"), column("followed"), 28),
        "ranks": values_at(known_values(table, "spend"), ranks),
        "cluster totals": totals,
        "clusters": grouped(cluster_table(table, kept, part, "tier"), part, {}, ("size", "tier"), False)[0],
    }


def fourth() -> Queries:
    """The ledger: margin from its parts, points by table and by rule, coupons, contacts."""
    by_table, by_rule = (_fourth_spec(with_points) for with_points in (True, False))
    queries: Queries = {}
    for experiment in (by_table, by_rule):
        columns = plan(experiment).columns
        first, last = midnight(dt.date(2026, 3, 1), "UTC"), midnight(dt.date(2026, 4, 3), "UTC")
        types = dict.fromkeys(("amount", "cogs", "refund_cogs"), "DOUBLE") | {"part": "VARCHAR"}
        tables = Tables(
            sa.table("members"),
            "members",
            {"m": "VARCHAR"},
            sa.table("assignments"),
            "assignments",
            "m",
            "arm",
            None,
            sa.table("orders"),
            "orders",
            "m",
            types,
            experiment.data.transactions,  # type: ignore[arg-type]
            TimeColumn("at", "instant", False, microseconds(column("at"), "instant"), first, last),
            0,
            {},
            sa.case((column("currency") == sa.literal("HKD", sa.Text), number(0.92)), else_=number(1.0)),
        )
        windows = windows_of(experiment, tables, columns, None)
        members = roster_query(experiment, tables, windows, columns)
        roster = sa.table("loyalty_roster", *(sa.column(c.key) for c in members.selected_columns if c.key))
        if experiment is by_rule:
            queries["points by rule"] = earned_query(
                "duckdb", experiment, tables, windows, columns, roster, False
            )
            continue
        queries["margin"] = activity_query("duckdb", experiment, tables, windows, columns, roster, False)
        queries |= _over_time(experiment, tables, windows, columns, roster)
        for name, value in (("points", "points"), ("coupons", "subsidy"), ("contacts", None)):
            mapped = getattr(experiment.data, name)
            keys = (getattr(mapped, key, None) for key in ("kind", "lot", "order"))
            asked = tuple(c for c in columns if c.table == name)
            described = dict.fromkeys(("kind", "channel", "code", "o"), "VARCHAR") | {"subsidy": "DOUBLE"}
            at = TimeColumn("at", "instant", False, microseconds(column("at"), "instant"), first, last)
            events = Events(
                name, name, sa.table(name), "m", at, described, *keys, value, rows=9, columns=asked
            )
            queries[name] = event_query("duckdb", events, windows, roster, 15)
    return queries


def _over_time(
    experiment: Experiment,
    tables: Tables,
    windows: Windows,
    columns: tuple[UnitColumn, ...],
    roster: sa.TableClause,
) -> Queries:
    """The margin by period, and how its sums and products change from one to the next."""
    periods = periods_of(windows.clock, 31, 1_000)
    margin = next(c for c in columns if c.kind == "margin")
    parts = [Part(margin), Part(replace(margin, id=OFFER), 10)]
    rows = period_query("duckdb", experiment, tables, windows, parts, roster, False, periods)
    kept = sa.table("loyalty_periods", *(sa.column(c.key) for c in rows.selected_columns if c.key))
    values = {"pre": Value("pre", column("pre"), column("pre"), "units", "pre", may_be_null=False)}
    table = UnitTable(sa.table("loyalty_units"), column("arm"), {}, values, "units", "arm", column("tier"))
    who = who_counts(table, ("pre",), (12.5,), ())
    names = [part.column.id for part in parts]
    return {
        "margin by period": rows,
        "changes of running sums": changes(steps(kept, who, names[:1], {}), 1, 1),
        "the offer and the whole": totals(steps(kept, who, names, {OFFER: {"": 1.0}}), 2, 1),
    }


def _fourth_spec(with_points: bool) -> Experiment:
    offer = {"type": "points_multiplier", "multiplier": 3.0, "categories": ("beauty",)}
    offer |= {"caps": {"points_per_order": 500, "points_per_member": 1500}}
    sold = {"table": "orders", "order": "o", "time": "at", "amount": "amount", "refund_of": "refund_of"}
    sold |= {"cogs": "cogs", "refund_cogs": "refund_cogs", "category": "part", "currency": "currency"}
    mapped = {"table": "points", "time": "at", "points": "points", "kind": "kind", "lot": "lot", "order": "o"}
    points = {"face_value": 0.01, "earn": {"per_money": 1.0}, "redemption_rate": {"base": {"mean": 0.7}}}
    parts = {"fulfilment_per_order": 8.0, "payment_fee_rate": 0.006, "return_handling": 6.0}
    costs: tuple[dict[str, object], ...] = ({"id": "points", "points": "all"},)
    if with_points:
        costs += (
            {"id": "codes", "coupons": ("SPRING", "o'neil")},
            {"id": "sms", "contacts": "sms", "price": 0.05},
        )
    return ledger(
        "sqlite:///all.db",
        ("coupons", "contacts"),
        program={"vat": {"rate": 0.13}, "points": points},
        data={"transactions": sold, "points": mapped if with_points else None},
        arms=({"id": "C", "share": 0.5}, {"id": "T", "share": 0.5, "intervention": offer}),
        metrics=({"id": "contribution", "type": "margin", "role": "primary", **parts},),
        economics={"benefit": {"metric": "contribution"}, "costs": costs},
    )


@pytest.mark.parametrize("dialect", ["duckdb", "sqlite", "postgresql", "spark"])
@pytest.mark.parametrize("make", [first, second, third, fourth])
def test_queries_are_as_they_were(make: Any, dialect: str) -> None:
    engine = dialect_of(dialect)
    texts = [f"-- {name}\n{text_of(query, engine)};\n" for name, query in make().items()]
    text = "\n".join(line.rstrip() for line in "\n".join(texts).splitlines()) + "\n"
    path = FOLDER / f"{make.__name__}_{dialect}.sql"
    if os.environ.get("LOYALTY_EXP_RENEW_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("dialect", ["duckdb", "sqlite", "postgresql", "spark"])
def test_names_and_values_cannot_leave_their_quotes(dialect: str) -> None:
    mark = "`" if dialect == "spark" else '"'
    query = sa.select(column(f"a{mark}; DROP")).where(column("x") == sa.literal("o'n\\e % :p", sa.Text))
    text = text_of(query, dialect_of(dialect))
    assert f"{mark}a{mark}{mark}; DROP{mark}" in text
    assert ("'o\\'n\\\\e % :p'" if dialect == "spark" else "'o''n\\e % :p'") in text
