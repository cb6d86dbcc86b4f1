"""`data:` where the rows are, and which columns mean what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from loyalty_exp.grammar import Column, Section

TableName = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f]+$")]
"""A file beside the spec (Parquet, CSV, gzipped CSV), or a table of the engine's database."""


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

    engine: str = Field(
        default="duckdb",
        max_length=2000,
        description="`duckdb` for files, or a URL: duckdb:///file.duckdb, sqlite:///file.db.",
    )
    units: TableName | None = Field(default=None, description="Per-unit table: one row a unit.")
    members: TableName | None = Field(default=None, description="Members table: one row a member.")
    transactions: Transactions | None = Field(default=None, description="Transactions table.")
    assignments: Assignments | None = Field(default=None, description="Assignments table.")

    @model_validator(mode="after")
    def _one_shape(self) -> Data:
        if self.units is not None:
            if self.members or self.transactions or self.assignments:
                raise ValueError("give either `units`, or `members` with `transactions`, not both")
            return self
        if self.members is None or self.transactions is None:
            raise ValueError("give either `units` (a per-unit table), or both `members` and `transactions`")
        return self
