"""The SQL of both specs of the grammar, for each dialect, as files to read.

LOYALTY_EXP_RENEW_GOLDEN=1 renews them.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from outcomes.program_data import spec

from loyalty_exp.outcomes.clock import midnight
from loyalty_exp.outcomes.per_unit import expressed
from loyalty_exp.outcomes.plan import plan
from loyalty_exp.outcomes.products import grouped, sampled
from loyalty_exp.outcomes.tables import Tables
from loyalty_exp.outcomes.times import TimeColumn
from loyalty_exp.outcomes.windowed import activity_query, roster_query, unit_table
from loyalty_exp.outcomes.windows import windows_of
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import column, microseconds
from loyalty_exp.warehouse.dialects import dialects, text_of

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


@pytest.mark.parametrize("dialect", ["duckdb", "sqlite", "postgresql", "spark"])
@pytest.mark.parametrize("make", [first, second])
def test_queries_are_as_they_were(make: Any, dialect: str) -> None:
    engine = dialects()[dialect]
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
    text = text_of(query, dialects()[dialect])
    assert f"{mark}a{mark}{mark}; DROP{mark}" in text
    assert ("'o\\'n\\\\e % :p'" if dialect == "spark" else "'o''n\\e % :p'") in text
