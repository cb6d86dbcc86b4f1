"""What points did and what they are owed for, as the readout tells it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PointsArmFacts:
    """Points of one arm in its windows, in all; null where no table of points says so.

    ``opening_balance_used`` is true where more was redeemed and expired than was issued: points from before
    were used, nothing is outstanding of these, and ``closing_liability`` is the change of what is owed.
    ``true_up`` is what the cost of all points would change by at the rates estimated by now, or at the
    nearest that the points used so far allow: it is in no cost line, so that past results keep their rates.
    """

    arm: str
    units: int
    issued_base: float | None
    issued_bonus: float | None
    clawed_back: float | None
    net_issued: float
    redeemed: float | None
    expired: float | None
    outstanding: float | None
    expected_future: float | None
    redemption_rate: float
    assumption_refuted: bool
    opening_balance_used: bool
    accrual_cost: float
    burn_cost: float | None
    closing_liability: float | None
    true_up: float | None = None
    contract: ContractFacts | None = None


@dataclass(frozen=True, slots=True)
class PointsDifference:
    """Points and their cost of the treatment less control; `accrual_cost = burn_cost + closing_liability`."""

    net_issued: float
    redeemed: float | None
    accrual_cost: float
    burn_cost: float | None
    closing_liability: float | None
    true_up: float | None = None


@dataclass(frozen=True, slots=True)
class BreakEvenFacts:
    """Where the net benefit is 0, as a share; null with a status that says what holds at every share."""

    value: float | None
    status: str


@dataclass(frozen=True, slots=True)
class ContractFacts:
    """Points of one arm in the books, in all: revenue put off at selling price, in no cost and no return.

    The price paid is split by stand-alone selling prices between goods and the points given with them;
    ``released`` follows the points redeemed so far, and ``liability`` is what is left. Both are null where
    nothing says what was redeemed, and where points from before were used.
    """

    price: float
    points: float
    deferred: float
    released: float | None
    liability: float | None


@dataclass(frozen=True, slots=True)
class PointsFacts:
    """Points of a treatment against control: whole arms, because bonus points displace base points in use.

    ``break_even`` is the redemption rate, the same for all points, at which the points pay for themselves.
    ``base_if_all_redeemed`` and ``bonus_if_all_redeemed`` are what the cost lines would count a unit if every
    point of a lot were redeemed, without what partners pay.
    """

    arms: tuple[PointsArmFacts, ...]
    per_unit: PointsDifference
    total: PointsDifference
    cost_per_point: float
    break_even: BreakEvenFacts
    base_if_all_redeemed: float = 0.0
    bonus_if_all_redeemed: float = 0.0
