"""What a metric asks of the engine: per-unit columns, and which of them belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from loyalty_exp.grammar import Predicate

if TYPE_CHECKING:
    from loyalty_exp.metrics.metric import Cap, Metric

Shape = Literal["units", "transactions"]
Window = Literal["outcome", "pre"]


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
        ``sum``: sum of ``source`` over the unit's transactions in the window, 0 when there are none.
        ``orders``: number of distinct orders in the window, refunds not counted.
        ``any_order``: 1 when there is at least one order in the window, else 0.
    source : str or None
        Column it is computed from.
    window : str
        ``outcome`` is [t, t + days), ``pre`` is [t - days, t), t being the unit's assignment.
    days : int or None
        Length of the window; None means the schedule's. Units whose outcome window is not over are null.
    where : tuple of Predicate
        Only transactions that satisfy all of them.
    missing : str
        What a null means: ``reject`` the data, count it as ``zero``, or ``drop`` the unit from the metric.
    check : str
        ``binary`` (only 0 and 1), ``non_negative``, or empty.
    cap : Cap or None
        Winsorizing bounds.
    follow_up : str or None
        Column of days observed, for ``within``.
    """

    id: str
    kind: Literal["column", "within", "sum", "orders", "any_order"]
    source: str | None = None
    window: Window = "outcome"
    days: int | None = None
    where: tuple[Predicate, ...] = ()
    missing: Literal["reject", "zero", "drop"] = "reject"
    check: Literal["", "binary", "non_negative"] = ""
    cap: Cap | None = None
    follow_up: str | None = None


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


MetricLibrary = Mapping[str, "Metric"]
