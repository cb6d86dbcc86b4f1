"""What a metric asks of the engine: per-unit columns, and which of them belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from loyalty_exp.grammar import Predicate

if TYPE_CHECKING:
    from loyalty_exp.metrics.cap import Cap

Shape = Literal["units", "transactions"]
Window = Literal["outcome", "pre"]
Source = Literal[
    "transactions", "points", "coupons", "perks", "contacts", "referrals", "exposures", "triggers", "earned"
]
"""Table of a column: ``earned`` is points computed from transactions by the rule of the program."""


@dataclass(frozen=True, slots=True)
class MarginParts:
    """What is taken off revenue for each order and each refund.

    Attributes
    ----------
    basis : str
        ``contribution_margin``, or ``net_revenue``, which takes off only refunds and tax.
    fulfilment_per_order, return_handling : float
        Money an order, and a refund.
    payment_fee_rate : float
        Part of the money paid for an order; it does not come back with a refund.
    discount_is_tender : bool
        Whether the discount column is added to the amount: points and coupons are a way to pay.
    """

    basis: Literal["contribution_margin", "net_revenue"] = "contribution_margin"
    fulfilment_per_order: float = 0.0
    payment_fee_rate: float = 0.0
    return_handling: float = 0.0
    discount_is_tender: bool = False


@dataclass(frozen=True, slots=True)
class UnitColumn:
    """One column of the per-unit table, and how it comes about.

    Attributes
    ----------
    id : str
        Name in the per-unit table; two needs with one id are one column and must be equal.
    kind : str
        ``column``: a column of the per-unit or members table as it is.
        ``within``: 1 when ``source`` (days until it happened, null when it has not) is below ``days``, else
        0; null where ``follow_up`` (days observed) is below ``days``.
        ``known``: 1 where ``source`` has a value, else 0.
        ``sum``: sum of ``source`` over the unit's transactions in the window, 0 when there are none.
        ``orders``: number of distinct orders in the window, refunds not counted.
        ``any_order``: 1 when there is at least one order in the window, else 0.
        ``first_order``: microseconds from assignment to the first order in the window, null without one.
        ``margin``: sum over orders and refunds in the window of what ``parts`` says.
        ``events``: number of rows of an event table in the window.
        ``any_event``: 1 when there is at least one row of an event table in the window, else 0.
        ``net``: points earned in the window less points taken back until its refunds end.
    source : str or None
        Column it is computed from.
    window : str
        ``outcome`` is [t, t + days), ``pre`` is [t - days, t), t being the unit's assignment.
    days : int or None
        Length of the window; None means the schedule's. Units whose outcome window is not over are null.
    where : tuple of Predicate
        Only transactions that satisfy all of them.
    missing : str
        What a null means: ``reject`` the data, count it as ``zero``, ``drop`` the unit from the metric, or
        count 0 silently because an ``indicator`` column tells such units apart.
    check : str
        ``binary`` (only 0 and 1), ``non_negative``, or empty.
    cap : Cap or None
        Winsorizing bounds.
    follow_up : str or None
        Column of days observed, for ``within``.
    table : str
        Table whose rows are summed or counted.
    lot : str or None
        Points: only ``base`` or only ``bonus``; points of no known lot are base.
    parts : MarginParts or None
        For ``margin``.
    """

    id: str
    kind: Literal[
        "column",
        "known",
        "within",
        "sum",
        "orders",
        "any_order",
        "first_order",
        "margin",
        "events",
        "any_event",
        "net",
    ]
    source: str | None = None
    window: Window = "outcome"
    days: int | None = None
    where: tuple[Predicate, ...] = ()
    missing: Literal["reject", "zero", "drop", "indicator"] = "reject"
    check: Literal["", "binary", "non_negative"] = ""
    cap: Cap | None = None
    follow_up: str | None = None
    table: Source = "transactions"
    lot: Literal["base", "bonus"] | None = None
    parts: MarginParts | None = None

    @property
    def of_transactions(self) -> bool:
        """True when it is summed over transactions."""
        return self.table == "transactions" and self.kind not in {"column", "known", "within"}


@dataclass(frozen=True, slots=True)
class Needs:
    """All a metric needs.

    Attributes
    ----------
    columns : tuple of UnitColumn
    outcome : tuple of str
        Ids: (value,) or, for a ratio, (numerator, denominator).
    covariates : tuple of str
        Ids; for a ratio (numerator, denominator) of the covariate, or nothing.
    """

    columns: tuple[UnitColumn, ...]
    outcome: tuple[str, ...]
    covariates: tuple[str, ...] = ()
