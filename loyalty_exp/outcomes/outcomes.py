"""What the engine answered: moments for each arm and segment cell, and what was found in the data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from loyalty_exp.stats.moments import Moments

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
        ``assigned_after_end``, ``not_assigned``, ``outside_population``, ``refund_without_order``.
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
