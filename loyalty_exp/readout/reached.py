"""Whom the offers reached, as the readout tells it."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty_exp.readout.figures import Absolute, Interval, Relative
from loyalty_exp.readout.money import RoiFacts


@dataclass(frozen=True, slots=True)
class ReachFacts:
    """Units of one arm that an offer reached; ``offer`` is the arm whose offer it is, null for any."""

    arm: str
    offer: str | None
    reached: int
    units: int
    share: float


@dataclass(frozen=True, slots=True)
class ComplierFacts:
    """Effect on units that the offer reached because they were assigned to it; the headline is ``assigned``.

    ``first_stage`` is what assignment made to the share that was reached, a fraction; its F is null where
    nothing varies within arms, and below 10 the interval of ``effect`` misleads. ``robust`` is the set that
    holds however weak it is (Anderson and Rubin); its bounds are null where it has none.
    """

    metric: str
    treatment: str
    control: str
    assigned: Absolute | None
    first_stage: Absolute | None
    first_stage_f: float | None
    weak: bool | None
    effect: Absolute | None
    robust: Relative | None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class TriggeredFacts:
    """One metric among units that came to the trigger; ``diluted`` is the same effect over all assigned."""

    metric: str
    treatment: str
    control: str
    units_treatment: int | None
    units_control: int | None
    share: float | None
    effect: Absolute | None
    diluted: Absolute | None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class TriggeredMoneyFacts:
    """Net benefit read among units that came to the trigger, over all assigned: one total, less noise."""

    treatment: str
    control: str
    net_benefit: Interval
    net_benefit_total: Interval
    roi: RoiFacts


@dataclass(frozen=True, slots=True)
class ExposureFacts:
    """Whom the offers reached, and what is read beside the headline because of it; nothing here decides."""

    reach: tuple[ReachFacts, ...]
    compliers: tuple[ComplierFacts, ...]
    triggered: tuple[TriggeredFacts, ...]
    triggered_money: tuple[TriggeredMoneyFacts, ...] = ()
