"""Time and traffic of a program: when results are mature, who is held out, layers, and unusual days."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from loyalty_exp.grammar import Identifier, Label, Section, Text, Words
from loyalty_exp.spec.day import Day


class Maturity(Section):
    """How long after a window its results may still change."""

    refund_days: int = Field(
        default=0,
        ge=0,
        le=3660,
        description="Days in which orders may be refunded: `schedule.refund_days` where a spec gives none.",
    )
    data_lag_days: int = Field(default=0, ge=0, le=365, description="Days until rows arrive.")


class _Span(Section):
    """From one day to another, both included."""

    from_: Day = Field(alias="from", description="First day.")
    to: Day = Field(description="Last day, included.")

    @model_validator(mode="after")
    def _in_order(self) -> _Span:
        if self.to < self.from_:
            raise ValueError("to lies before from; swap them, or correct one")
        return self


class Holdout(_Span):
    """Members who receive no campaign for a year, so that the whole program can be measured.

    .. code-block:: yaml

        holdout: {id: HO-2026, share: 0.05, salt: ho-2026, from: 2026-01-01, to: 2026-12-31}

    The experiment that bears its id measures the program: its control, the first arm with the same share and
    salt, are the members held out of all others.
    """

    id: Identifier = Field(description="Name of the holdout.")
    share: float = Field(gt=0, le=0.5, description="Part of the members, as 0.05.")
    by: Literal["unit", "household"] = Field(
        default="unit", description="Whether members or whole households are held out."
    )
    salt: Words = Field(description="Text that makes this draw different from all others.")
    reshuffle: Literal["yearly", "quarterly", "never"] = Field(
        default="never", description="When other members take their place."
    )


class Layer(Section):
    """A set of experiments that share no member."""

    id: Identifier = Field(description="Name of the layer.")
    name: Text | None = Field(default=None, description="Name on the page.")
    slots: int = Field(
        default=1000, ge=2, le=1_000_000, description="Equal parts that experiments may reserve."
    )
    salt: Words = Field(description="Text that makes this draw different from all others.")


class CalendarEvent(_Span):
    """Days on which sales are not usual, such as a shopping festival.

    .. code-block:: yaml

        {id: "618", from: 2026-05-28, to: 2026-06-20, refund_tail_days: 20}
    """

    id: Label = Field(description="Name of the event, in quotes when it looks like a number.")
    name: Text | None = Field(default=None, description="Name on the page.")
    refund_tail_days: int = Field(
        default=0, ge=0, le=365, description="Days after it in which refunds are more than usual."
    )
