"""`data:` where the rows are, and which columns mean what."""

from __future__ import annotations

from pydantic import Field, model_validator

from loyalty_exp.grammar import Address, Column, Section
from loyalty_exp.spec.events import (
    EVENT_TABLES,
    ContactsTable,
    CouponsTable,
    ExposuresTable,
    PerksTable,
    PointsTable,
    ReferralsTable,
    SurveysTable,
    TableName,
    TriggersTable,
)

__all__ = ["Assignments", "Data", "TableName", "Transactions"]


class Transactions(Section):
    """The transactions table and the meaning of its columns."""

    table: TableName = Field(description="File or table.")
    unit: Column | None = Field(
        default=None, description="Column of the unit; named like `unit:` when left out."
    )
    order: Column = Field(description="Column of the order id.")
    time: Column = Field(
        description="Column of the order time: a date, or a timestamp with time zone or in UTC."
    )
    amount: Column = Field(description="Column of money paid.")
    margin: Column | None = Field(default=None, description="Column of contribution margin.")
    discount: Column | None = Field(default=None, description="Column of discount given.")
    category: Column | None = Field(default=None, description="Column of the category.")
    cogs: Column | None = Field(default=None, description="Column of the cost of the goods.")
    shipping: Column | None = Field(default=None, description="Column of the shipping fee that was paid.")
    restockable: Column | None = Field(
        default=None,
        description="Column that says, on a refund row, whether the goods can be sold again, so that their "
        "cost comes back.",
    )
    refund_cogs: Column | None = Field(
        default=None, description="Column of the cost of goods that comes back, on a refund row."
    )
    currency: Column | None = Field(
        default=None,
        description="Column of the currency of the row; every row must hold the currency of the program.",
    )
    refund_of: Column | None = Field(
        default=None,
        description="Column that holds, on a refund row, the order it reverses; empty on orders. "
        "A refund counts at the time of its order.",
    )
    lines: bool = Field(
        default=False,
        description="True when a row is an order line, so that an order id stands in several rows.",
    )
    naive_time_zone: str | None = Field(
        default=None,
        description="IANA zone of timestamps without one; they are refused when this is left out.",
    )
    max_unknown: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Largest share of transactions in the windows whose unit is not in the members "
        "table; with more, the two tables do not belong together and the data are refused.",
    )

    @model_validator(mode="after")
    def _one_way_back(self) -> Transactions:
        if self.restockable is not None and self.refund_cogs is not None:
            raise ValueError("give either restockable (a flag) or refund_cogs (money), not both")
        return self


class Assignments(Section):
    """The table that says who was put into which arm, and when."""

    table: TableName = Field(description="File or table.")
    unit: Column | None = Field(
        default=None, description="Column of the unit; named like `unit:` when left out."
    )
    arm: Column = Field(default="arm", description="Column of the arm.")
    time: Column | None = Field(
        default=None, description="Column of the assignment time; the schedule's start for all when left out."
    )


class Data(Section):
    """Either a per-unit table, or members and transactions with an assignments table."""

    engine: Address = Field(
        default="duckdb",
        description="`duckdb` for files, or a URL: duckdb:///file.duckdb, sqlite:///file.db, "
        "postgresql://user@host/database (the password in PGPASSWORD or ~/.pgpass).",
    )
    units: TableName | None = Field(default=None, description="Per-unit table: one row a unit.")
    currency: Column | None = Field(
        default=None,
        description="Column of the currency in the per-unit table; every row must hold the currency of the "
        "program.",
    )
    exposed: Column | None = Field(
        default=None,
        description="Column of the per-unit table that is 1 for units that received what a treatment "
        "receives, in control too, else 0.",
    )
    triggered: Column | None = Field(
        default=None,
        description="Column of the per-unit table that is 1 for units that came to where an offer could have "
        "been shown, in all arms alike, else 0.",
    )
    members: TableName | None = Field(default=None, description="Members table: one row a member.")
    transactions: Transactions | None = Field(default=None, description="Transactions table.")
    assignments: Assignments | None = Field(default=None, description="Assignments table.")
    joined: Column | None = Field(
        default=None, description="Column of the day on which the unit joined, for lifecycle states."
    )
    last_order: Column | None = Field(
        default=None,
        description="Column of the day of the last order before assignment, for lifecycle states; read from "
        "the transactions when left out.",
    )
    points: PointsTable | None = Field(default=None, description="Points table.")
    coupons: CouponsTable | None = Field(default=None, description="Coupons table.")
    perks: PerksTable | None = Field(default=None, description="Perks table.")
    contacts: ContactsTable | None = Field(default=None, description="Contacts table.")
    referrals: ReferralsTable | None = Field(default=None, description="Referrals table.")
    surveys: SurveysTable | None = Field(default=None, description="Surveys table.")
    exposures: ExposuresTable | None = Field(default=None, description="Exposures table.")
    triggers: TriggersTable | None = Field(default=None, description="Triggers table.")

    @model_validator(mode="after")
    def _one_shape(self) -> Data:
        if self.units is not None:
            if self.members or self.transactions or self.assignments:
                raise ValueError("give either `units`, or `members` with `transactions`, not both")
            for table in EVENT_TABLES:
                if getattr(self, table) is not None:
                    raise ValueError(f"`{table}` stands beside transactions; a per-unit table counts its own")
            return self
        for key, table in (("exposed", "exposures"), ("triggered", "triggers")):
            if getattr(self, key) is not None:
                raise ValueError(
                    f"`{key}` is a column of `units`; beside transactions give the table `{table}`"
                )
        if self.currency is not None:
            raise ValueError("`currency` here is a column of `units`; write it under `transactions`")
        if self.members is None or self.transactions is None:
            raise ValueError("give either `units` (a per-unit table), or both `members` and `transactions`")
        return self
