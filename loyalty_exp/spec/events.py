"""Event tables beside the transactions: points, coupons, perks, contacts, referrals, surveys, exposures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from loyalty_exp.grammar import Address, Column, Section

TableName = Annotated[Address, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f]+$")]
"""A file beside the spec (Parquet, CSV, gzipped CSV), or a table of the engine's database."""


class EventTable(Section):
    """A table with one row an event."""

    table: TableName = Field(description="File or table.")
    unit: Column | None = Field(
        default=None, description="Column of the unit; named like `unit:` when left out."
    )
    time: Column = Field(description="Column of the time: a date, or a timestamp with time zone or in UTC.")


class PointsTable(EventTable):
    """Points earned, taken back, redeemed and expired.

    .. code-block:: yaml

        points: {table: data/points.parquet, time: ts, points: points, kind: kind, lot: lot}
    """

    points: Column = Field(description="Column of points, whole numbers above 0; the kind gives the sign.")
    kind: Column = Field(description="Column that holds earn, clawback, redeem, expire or pending.")
    lot: Column | None = Field(
        default=None, description="Column that holds base or bonus; all points are base if left out."
    )
    order: Column | None = Field(default=None, description="Column of the order id.")


class CouponsTable(EventTable):
    """Coupons redeemed."""

    subsidy: Column = Field(description="Column of money taken off, net of refunds.")
    code: Column | None = Field(default=None, description="Column of the code.")
    order: Column | None = Field(default=None, description="Column of the order id.")


class PerksTable(EventTable):
    """Perks used."""

    perk: Column = Field(description="Column that holds the perk, such as free_shipping.")
    quantity: Column | None = Field(
        default=None, description="Column of the quantity, such as minutes; 1 a row when left out."
    )


class ContactsTable(EventTable):
    """Messages sent; failed ones cost too."""

    channel: Column = Field(description="Column that holds the channel, such as sms.")
    failed: Column | None = Field(default=None, description="Column that says whether it was not delivered.")


class ReferralsTable(EventTable):
    """New members who were referred; the unit is the referrer."""

    reward: Column = Field(description="Column of money paid for it, both sides together.")
    activated: Column | None = Field(
        default=None, description="Column that says whether the new member has bought."
    )


class SurveysTable(EventTable):
    """Answers to a survey."""

    score: Column = Field(description="Column of the answer.")
    kind: Literal["nps", "csat"] = Field(description="`nps`: 0 to 10. `csat`: 1 to 5.")


class ExposuresTable(EventTable):
    """Members who saw or received what an arm receives."""

    arm: Column | None = Field(
        default=None,
        description="Column of the arm whose offer was received; that of the member's own arm if left out.",
    )


class TriggersTable(EventTable):
    """Members who came to the place where an offer could have been shown, in every arm alike."""


EVENT_TABLES = ("points", "coupons", "perks", "contacts", "referrals", "surveys", "exposures", "triggers")
"""Their names under `data:`."""
