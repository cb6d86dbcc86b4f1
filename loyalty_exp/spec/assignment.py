"""`assignment:` how members are drawn: salt, strata, layer, ramp, trigger, and rerandomization."""

from __future__ import annotations

from itertools import pairwise

from pydantic import Field, model_validator

from loyalty_exp.grammar import Column, Identifier, Section, Words
from loyalty_exp.spec.day import Day


class Slots(Section):
    """The part of a layer that the experiment reserves; nobody else in it is drawn.

    .. code-block:: yaml

        {id: earn, from: 0, to: 599}
    """

    id: Identifier = Field(description="Layer of the program.")
    from_: int = Field(alias="from", ge=0, description="First slot; the first of a layer is 0.")
    to: int = Field(ge=0, description="Last slot, included.")

    @model_validator(mode="after")
    def _in_order(self) -> Slots:
        if self.to < self.from_:
            raise ValueError("to lies before from; swap them, or correct one")
        return self


class RampStep(Section):
    """From a day on, this part of the population takes part."""

    from_: Day = Field(alias="from", description="Day from which the share holds.")
    share: float = Field(gt=0, le=1, description="Part of the population, as 0.1.")


class Trigger(Section):
    """Members enter one by one, on a day of their own that lies from schedule.start to schedule.end.

    .. code-block:: yaml

        {column: last_order, after_days: 180}
    """

    column: Column = Field(
        description="Column of the members table with a day: a tier reached, a last order, a birthday."
    )
    after_days: int = Field(
        default=0, ge=0, le=3660, description="Days after it on which the member enters, as 180 of silence."
    )
    yearly: bool = Field(
        default=False, description="Whether the day comes back every year, as a birthday does."
    )


class Rerandomize(Section):
    """Draw again until the arms are alike, by a criterion that is written down before.

    .. code-block:: yaml

        {covariates: [spend_90d, orders_90d], threshold: 0.5}
    """

    covariates: tuple[Column, ...] = Field(min_length=1, description="Number columns of the members table.")
    threshold: float | None = Field(
        default=None, gt=0, description="The first draw whose Mahalanobis distance is at most this is taken."
    )
    best_of: int | None = Field(
        default=None, ge=2, le=10_000, description="The most balanced of so many draws is taken."
    )
    max_tries: int = Field(default=1000, ge=1, le=10_000, description="Draws after which `threshold` fails.")

    @model_validator(mode="after")
    def _one_criterion(self) -> Rerandomize:
        if (self.threshold is None) == (self.best_of is None):
            raise ValueError("give exactly one of threshold and best_of")
        return self


class Assignment(Section):
    """The draw: a hash of salt and unit, so that the same spec and members give the same arms anywhere."""

    salt: Words = Field(description="Text that makes this draw different from all others; never reuse one.")
    strata: tuple[Column, ...] = Field(
        default=(),
        description="Attributes balanced by the draw: arms differ from their share by less than one.",
    )
    balance: tuple[Column, ...] = Field(
        default=(), description="Number columns of the members table to compare between the arms."
    )
    layer: Slots | None = Field(default=None, description="Slots of a layer of the program.")
    ramp: tuple[RampStep, ...] = Field(
        default=(), description="Growing shares of the population; a step adds units and moves none."
    )
    trigger: Trigger | None = Field(default=None, description="Entry one by one; all at once when left out.")
    rerandomize: Rerandomize | None = Field(default=None, description="Draw again until the arms are alike.")

    @model_validator(mode="after")
    def _goes_together(self) -> Assignment:
        for before, after in pairwise(self.ramp):
            if after.from_ <= before.from_ or after.share < before.share:
                raise ValueError("days and shares of a ramp must rise; nobody who was drawn is taken out")
        if self.ramp and self.trigger:
            raise ValueError("give either ramp or trigger; members enter by share, or one by one")
        if self.rerandomize and (self.strata or self.ramp or self.trigger):
            raise ValueError("rerandomize draws all members at once, without strata, ramp or trigger")
        return self

    @property
    def grows(self) -> bool:
        """Whether members are added after the first draw."""
        return bool(self.ramp) or self.trigger is not None
