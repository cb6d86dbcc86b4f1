"""What the engine answered: moments for each arm and segment cell, and what was found in the data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.moments import Moments

if TYPE_CHECKING:
    from loyalty_exp.stats.cluster_moments import ClusterArm
    from loyalty_exp.stats.event_counts import EventCounts
    from loyalty_exp.stats.moments import Vector
    from loyalty_exp.stats.projected_value import Buyers
    from loyalty_exp.stats.purchase_history import PurchaseHistory
    from loyalty_exp.stats.quantiles import OrderStatistics
    from loyalty_exp.stats.unit_rows import UnitRows

ArmMoments = Mapping[str, Moments]
"""Moments of one block, by arm id; every planned arm is there, with n = 0 when it is empty."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of one declared segment."""

    dimension: str
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the data that is counted and shown, and does not stop the analysis.

    Attributes
    ----------
    code : str
        ``multi_exposure``, ``duplicate_orders``, ``unknown_members``, ``after_data_to``,
        ``before_assignment``, ``negative_amount``, ``missing_outcome``, ``immature``,
        ``assigned_after_end``, ``not_assigned``, ``outside_population``, ``refund_without_order``,
        ``outlier``,
        ``allocation_drift``; of event tables ``events_of_unknown_members``, ``events_after_data_to``,
        ``duplicate_events``, ``taken_back_without_event``, with the table in ``detail``.
    rows : int
        Rows or units concerned.
    total : float or None
        Money concerned, in the currency of the spec.
    share : float or None
        Part of all rows or units, 0 to 1.
    severity : str
        ``"note"`` (expected, only counted) or ``"warn"``.
    detail : mapping
        Further numbers and names, plain JSON values; never unit ids.
    """

    code: str
    rows: int
    total: float | None = None
    share: float | None = None
    severity: str = "warn"
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What estimators read beyond moments, for the metrics that ask for it; by metric, then by arm.

    Attributes
    ----------
    event_counts : mapping of metric to mapping of arm to EventCounts
    order_statistics : mapping of metric to mapping of arm to OrderStatistics, or why there are none
    rows : mapping of metric to mapping of arm to UnitRows
    clusters : mapping of Cell or None to mapping of block name to mapping of arm to ClusterArm
        None is all units.
    split_clusters : int
        Clusters with units in more than one arm.
    follow_up : mapping of metric to mapping of arm to UnitRows
        Days of follow-up, how they ended, and covariates.
    """

    event_counts: Mapping[str, Mapping[str, EventCounts]] = field(default_factory=dict)
    order_statistics: Mapping[str, Mapping[str, OrderStatistics | NotEstimable]] = field(default_factory=dict)
    rows: Mapping[str, Mapping[str, UnitRows]] = field(default_factory=dict)
    clusters: Mapping[Cell | None, Mapping[str, Mapping[str, ClusterArm]]] = field(default_factory=dict)
    split_clusters: int = 0
    follow_up: Mapping[str, Mapping[str, UnitRows]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outside:
    """People outside the program: how many, and their mean of the benefit metric."""

    n: int
    mean: float


@dataclass(frozen=True, slots=True)
class Sums:
    """Moments of one set of columns in the one form that the draw of the arms asks for; the others are empty.

    Attributes
    ----------
    overall : ArmMoments
        Where units were drawn without strata.
    strata : mapping of stratum to ArmMoments
        Where units were drawn within strata.
    clusters : mapping of arm to ClusterArm
        Where clusters were drawn.
    """

    overall: ArmMoments = field(default_factory=dict)
    strata: Mapping[str, ArmMoments] = field(default_factory=dict)
    clusters: Mapping[str, ClusterArm] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OverTime:
    """The columns of the money as they had summed up by the end of each period since assignment.

    All periods speak of the same units, those of the headline: units whose windows are over, or all where the
    spec keeps the others. What a unit did counts in the period of its order or event, and a refund in that of
    its order, so that the last period holds the sums of the headline.

    Attributes
    ----------
    step : int
        Days of a period; the last may be shorter.
    ends : tuple of int
        Days since assignment at the end of each.
    at : tuple of Sums
        For each end: the columns of the economics block.
    beside : Sums or None
        The benefit column over its whole window with its parts: :data:`OFFER` and those of ``scopes``.
    offer_days : int or None
        Days of the offer, where the spec declares days after it.
    scopes : mapping of column to tuple of str
        Categories that an arm promotes, by the column of the benefit within them.
    """

    step: int
    ends: tuple[int, ...]
    at: tuple[Sums, ...]
    beside: Sums | None = None
    offer_days: int | None = None
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


OFFER = "$offer"
"""Column of the benefit within the days of the offer."""


@dataclass(frozen=True, slots=True)
class Customers:
    """Purchases of the customers of an arm after the washout, equal histories counted together.

    Attributes
    ----------
    buyers : Buyers
        At the end of the window; time in days.
    first : PurchaseHistory
        At the middle of the same time, for a backtest.
    first_count : array
        Customers of each of these histories.
    later : float
        Days with a purchase after the middle, of all customers together.
    """

    buyers: Buyers
    first: PurchaseHistory
    first_count: Vector
    later: float


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Sufficient statistics of one experiment.

    Attributes
    ----------
    units : mapping of arm to int
        Assigned units of the population (immature ones included), as the sample-ratio check needs them.
    units_analyzed : mapping of arm to int
        Units whose windows are over, or all where the spec keeps immature ones.
    immature : mapping of arm to int
        Units whose outcome window was not over.
    missing : mapping of column to mapping of arm to int
        Units with a null, for columns that had any.
    overall : mapping of block name to ArmMoments
    segments : mapping of Cell to mapping of block name to ArmMoments
        Cells in order of dimension as declared, then value; null values are the cell ``"(missing)"``.
    caps : mapping of column id to (lower, upper)
        Winsorizing bounds that were applied; None for an open side.
    findings : tuple of Finding
    first_assigned, last_assigned : date or None
    data_to : date or None
        Last day the data hold completely: of the spec, else of the data.
    engine : str
        Name and version of the engine.
    data_digest : str
        SHA-256 over tables' columns and row counts and all sufficient statistics at full precision.
    strata : mapping of stratum to mapping of block name to ArmMoments
        Empty when the draw had no strata.
    evidence : Evidence
        What estimators read beyond moments.
    skewness : mapping of metric to mapping of arm to float or None
        Of the primary metrics that are means; None where nothing varies.
    over_time : OverTime or None
        The money by period since assignment, of specs with economics over transactions.
    outside : Outside, or why there are none, or None
        People outside the program, where the spec compares members with them.
    customers : mapping of arm to Customers
        Where the spec projects their value; an arm without a mature unit is not there.
    triggered : mapping of block name to ArmMoments
        Of the units that came to the trigger; empty where none is declared.
    """

    units: Mapping[str, int]
    units_analyzed: Mapping[str, int]
    immature: Mapping[str, int]
    missing: Mapping[str, Mapping[str, int]]
    overall: Mapping[str, ArmMoments]
    segments: Mapping[Cell, Mapping[str, ArmMoments]]
    caps: Mapping[str, tuple[float | None, float | None]]
    findings: tuple[Finding, ...]
    first_assigned: dt.date | None
    last_assigned: dt.date | None
    data_to: dt.date | None
    engine: str
    data_digest: str
    strata: Mapping[str, Mapping[str, ArmMoments]] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    skewness: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    outside: Outside | NotEstimable | None = None
    customers: Mapping[str, Customers] = field(default_factory=dict)
    over_time: OverTime | None = None
    triggered: Mapping[str, ArmMoments] = field(default_factory=dict)
