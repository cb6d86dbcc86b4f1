"""`economics:` what a result is worth and what it costs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from loyalty_exp.grammar import Column, Identifier, Label, Section, Text
from loyalty_exp.spec.naive import NaiveComparison, once_each
from loyalty_exp.spec.projection import Assumption, Horizon, Rollout

DRIVERS = ("per_unit", "per_event", "fixed", "points", "coupons", "perks", "contacts", "referrals")
"""Keys of a cost line that say what it grows with; a line has exactly one."""

PRICED = ("per_event", "perks", "contacts")
"""Drivers that need a price for one event."""


class Benefit(Section):
    """Contribution margin before program cost, for each unit."""

    metric: Identifier = Field(description="Id of an amount, count, proportion or repurchase metric.")
    margin: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Money metrics: the part that is margin, 0 to 1; 1 when left out.",
    )
    value: float | None = Field(
        default=None, gt=0, description="Counts and proportions: money one event is worth."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Benefit:
        if self.margin is not None and self.value is not None:
            raise ValueError("give either margin (for money) or value (for events), not both")
        return self


class CostLine(Section):
    """One cost of the program: for each unit, for each event of a kind, or fixed."""

    id: Identifier = Field(description="Name of the line.")
    name: Text | None = Field(default=None, description="Name on the page.")
    per_unit: float | Identifier | None = Field(
        default=None, description="Money for each assigned unit: a number, or a price of the program file."
    )
    per_event: Column | None = Field(
        default=None, description="Metric id or column that counts the events; `price` is money for one."
    )
    fixed: float | None = Field(
        default=None, ge=0, description="Money once, shared by the units of its arms."
    )
    points: Literal["base", "bonus", "all"] | None = Field(
        default=None,
        description="Points issued less points taken back, at the program's face value x cost to face x "
        "redemption rate.",
    )
    coupons: Literal["all"] | tuple[Label, ...] | None = Field(
        default=None,
        description="Money taken off by coupons: all of them, or a list of codes; of everyone who redeemed, "
        "also of those who would have bought anyway.",
    )
    perks: Label | None = Field(
        default=None, description="A perk of the perks table; `price` is money for one use."
    )
    contacts: Label | None = Field(
        default=None, description="A channel of the contacts table; `price` is money for one message."
    )
    referrals: Literal["all"] | None = Field(default=None, description="Rewards of the referrals table.")
    price: float | Identifier | None = Field(
        default=None, description="Money for one event: a number, or a price of the program file."
    )
    price_of: Identifier | None = Field(
        default=None,
        description="Price of the program file that was taken; filled in where a line names one.",
    )
    funded_share: float = Field(
        default=0.0, ge=0, le=1, description="Part of the cost that a partner pays, as 0.5."
    )
    scope: Literal["test", "rollout", "both"] = Field(
        default="test", description="Fixed costs: of the test, of the roll-out, or of each."
    )
    arms: tuple[Label, ...] | None = Field(
        default=None,
        description="Arms that cause the cost. Left out: all treatments for per_unit and fixed, "
        "all arms for whatever counts events.",
    )

    @property
    def driver(self) -> str:
        """What the line grows with: the key that is given."""
        return next(key for key in DRIVERS if getattr(self, key) is not None)

    @model_validator(mode="after")
    def _one_driver(self) -> CostLine:
        given = [k for k in DRIVERS if getattr(self, k) is not None]
        if len(given) != 1:
            raise ValueError(f"a cost line has exactly one of {', '.join(DRIVERS)}")
        if given == ["per_event"] and self.price is None:
            raise ValueError("per_event and price go together: the events, and the money for one of them")
        if given[0] in PRICED and self.price is None:
            raise ValueError(f"{given[0]} has no price; write price: the money for one")
        if given[0] not in PRICED and self.price is not None:
            raise ValueError(f"{given[0]} takes no price: what it costs is known already; remove price")
        for amount in (self.per_unit, self.price):
            if isinstance(amount, float) and amount < 0:
                raise ValueError("a price must not be negative")
        if self.coupons == ():
            raise ValueError("coupons names no code; write coupons: all, or a list of codes")
        if self.scope != "test" and self.fixed is None:
            raise ValueError("scope is for fixed costs; other costs occur wherever their events do")
        return self


class Economics(Section):
    """Benefit and costs; every subsidy is a cost line, never a smaller benefit."""

    benefit: Benefit = Field(description="What a result is worth.")
    costs: tuple[CostLine, ...] = Field(default=(), description="What it costs.")
    hurdle: float = Field(
        default=0.0, ge=-1, le=100, description="Return on investment asked for; 0 is break-even."
    )
    post_days: int | None = Field(
        default=None,
        ge=1,
        le=3660,
        description="Days after the offer that the outcome window still holds, so that purchases pulled "
        "forward are seen.",
    )
    horizon: Horizon | None = Field(
        default=None, description="A view beyond the observed window, shown beside it."
    )
    rollout: Rollout | None = Field(default=None, description="What shipping to everyone would bring.")
    assumptions: tuple[Assumption, ...] = Field(
        default=(), description="Numbers that are assumed, with how far off they may be."
    )
    naive: Annotated[tuple[NaiveComparison, ...], AfterValidator(once_each)] = Field(
        default=(), description="Comparisons that are not causal, shown beside as a warning."
    )
