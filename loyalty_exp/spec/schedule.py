"""`schedule:` the calendar, and the windows relative to each unit's assignment."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from loyalty_exp.grammar import Label, Section
from loyalty_exp.spec.day import Day


class CalendarConflict(Section):
    """What to do when the experiment runs into an event of the program's calendar.

    .. code-block:: yaml

        {event: "618", policy: forbid}
    """

    event: Label = Field(description="Event of the program's calendar.")
    policy: Literal["forbid", "annotate", "censor"] = Field(
        description="`forbid`: no draw. `annotate`: say so. `censor`: orders and events on its days "
        "count nowhere, in all arms alike; costs a unit and fixed costs count in full."
    )


class Schedule(Section):
    """When the offer ran, how long outcomes are counted, and how far the data reach."""

    start: Day | None = Field(default=None, description="First day of the offer.")
    end: Day | None = Field(default=None, description="Last day of the offer, included.")
    outcome_days: int | None = Field(
        default=None,
        ge=1,
        le=3660,
        description="Outcomes count in [t, t + outcome_days), t being assignment.",
    )
    pre_days: int = Field(
        default=0, ge=0, le=3660, description="Pre-period [t - pre_days, t) for covariates."
    )
    data_to: Day | None = Field(default=None, description="Last day the data hold completely.")
    windows: Literal["auto", "local_days", "utc_seconds"] = Field(
        default="auto",
        description="`local_days`: days begin at midnight in the program's time zone. `utc_seconds`: a day "
        "is 86,400 seconds. `auto`: local days when the assignment time is a date, UTC seconds when it is "
        "a timestamp.",
    )
    immature: Literal["exclude", "include"] = Field(
        default="exclude",
        description="Units whose outcome window is not over at data_to: leave out, or keep.",
    )
    refund_days: int = Field(
        default=0, ge=0, le=3660, description="Refunds count until this many days after the outcome window."
    )
    calendar_conflicts: tuple[CalendarConflict, ...] = Field(
        default=(), description="Events of the program's calendar that need more than a word."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Schedule:
        if self.start and self.end and self.end < self.start:
            raise ValueError("end lies before start; swap them, or correct one")
        if self.start and self.data_to and self.data_to < self.start:
            raise ValueError("data_to lies before start; give the last day that the data hold")
        return self
