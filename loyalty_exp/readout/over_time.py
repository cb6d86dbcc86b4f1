"""How the money summed up by day, as the readout tells it."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty_exp.readout.figures import Interval, Relative


@dataclass(frozen=True, slots=True)
class TimePoint:
    """Money so many days after assignment, a unit, treatment less control; `cost` holds fixed costs.

    The interval is that of the day alone; the band holds at all days together, null where nothing varies yet.
    """

    day: int
    benefit: float
    cost: float
    net_benefit: Interval
    band_lower: float | None
    band_upper: float | None


@dataclass(frozen=True, slots=True)
class PaybackFacts:
    """Days after which the money was back, counted from assignment; null when not within what was observed.

    ``sustained`` is the first day from which on net benefit was never negative again; ``conservative`` says
    the same of the lower end of the interval of each day, ``always_valid`` of the lower end of the band.
    """

    first_crossing: int | None
    sustained: int | None
    conservative: int | None
    always_valid: int | None


@dataclass(frozen=True, slots=True)
class PulledForwardFacts:
    """Benefit a unit within the days of the offer and in the days after it, treatment less control.

    ``share`` is the part of the first that was taken back in the second; null with a reason.
    """

    offer_days: int | None = None
    post_days: int | None = None
    during: Interval | None = None
    after: Interval | None = None
    share: Relative | None = None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class CannibalizationFacts:
    """Benefit a unit within the promoted categories and in all others, treatment less control.

    ``share`` is the part of the first that the others lost; null with a reason.
    """

    categories: tuple[str, ...]
    within: Interval | None = None
    outside: Interval | None = None
    share: Relative | None = None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class OverTimeFacts:
    """How the money of one treatment summed up, for the same units on all days.

    What a unit did counts on the day of its order, and a refund on that of its order; costs that no event
    causes are spent at the start. The last point is the net benefit of the economics.
    """

    treatment: str
    control: str
    period_days: int
    units_treatment: int
    units_control: int
    points: tuple[TimePoint, ...]
    payback: PaybackFacts | None
    pulled_forward: PulledForwardFacts | None
    cannibalization: CannibalizationFacts | None
    not_estimable: str | None = None
