"""The program file: what all experiments of one loyalty program share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import Field, field_validator, model_validator

from loyalty_exp.grammar import Column, Identifier, Label, Section, Text, Words
from loyalty_exp.metrics import AnyMetric
from loyalty_exp.spec.calendar import CalendarEvent, Holdout, Layer, Maturity
from loyalty_exp.spec.membership import LifecycleState, Rfm, Tier
from loyalty_exp.spec.money import CostPrice, Currency, ExchangeRates, Vat
from loyalty_exp.spec.points import Points


class Households(Section):
    """Members who live together."""

    column: Column = Field(description="Column of the members table that identifies the household.")


class Program(Section):
    """What all experiments of a loyalty program share (`program.yaml`); only the first key must be given."""

    program: Identifier = Field(description="Id of the program.")
    name: Text | None = Field(default=None, description="Name on the page.")
    version: Words | None = Field(
        default=None, description="Version of these rules, in quotes when it looks like a number."
    )
    owner: Text | None = Field(default=None, description="Who answers for these rules.")
    timezone: str = Field(default="UTC", description="IANA name; days begin at local midnight here.")
    currency: Currency | None = Field(
        default=None, description="Currency of all amounts; plain numbers if left out."
    )
    fx: ExchangeRates | None = Field(default=None, description="Frozen rates of other currencies.")
    vat: Vat | None = Field(default=None, description="Value added tax; amounts are without it if left out.")
    households: Households | None = Field(default=None, description="Members who live together.")
    tiers: tuple[Tier, ...] = Field(default=(), description="Tiers, the lowest first.")
    lifecycle: tuple[LifecycleState, ...] = Field(
        default=(),
        description="States of members at assignment, in order: a member is in the first that fits. They are "
        "the values of `field: lifecycle`.",
    )
    rfm: Rfm | None = Field(default=None, description="Recency, frequency and monetary scores.")
    points: Points | None = Field(default=None, description="How points are earned, used and lost.")
    maturity: Maturity | None = Field(default=None, description="When results no longer change.")
    holdout: Holdout | None = Field(default=None, description="Members kept out of every experiment.")
    layers: tuple[Layer, ...] = Field(
        default=(), description="A member is in at most one experiment of a layer; layers are independent."
    )
    calendar: tuple[CalendarEvent, ...] = Field(default=(), description="Days on which sales are not usual.")
    cost_prices: dict[Identifier, CostPrice] = Field(
        default_factory=dict, description="Prices that cost lines may name."
    )
    metrics: tuple[AnyMetric, ...] = Field(
        default=(), description="Shared definitions; a spec takes one with {use: id}."
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            near = difflib.get_close_matches(value, sorted(available_timezones()), n=3, cutoff=0.6)
            hint = f"did you mean {', '.join(near)}?" if near else "write a name such as Europe/Berlin"
            raise ValueError(f"'{value}' is not an IANA time zone; {hint}") from None
        return value

    @field_validator("tiers")
    @classmethod
    def _rising(cls, tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
        spends = [t.qualifying_spend for t in tiers if t.qualifying_spend is not None]
        if any(b <= a for a, b in pairwise(spends)):
            raise ValueError("the qualifying spend of tiers must rise; write the lowest tier first")
        return tiers

    @model_validator(mode="after")
    def _each_once(self) -> Program:
        once("metric", (m.id for m in self.metrics))
        once("tier", (t.id for t in self.tiers))
        once("lifecycle state", (s.id for s in self.lifecycle))
        once("layer", (layer.id for layer in self.layers))
        once("calendar event", (e.id for e in self.calendar))
        salts = [layer.salt for layer in self.layers] + ([self.holdout.salt] if self.holdout else [])
        once("salt", salts, "is used twice; draws with one salt are not independent")
        return self


def once(noun: str, names: Iterable[Label], words: str = "is defined twice") -> None:
    """Refuse a name that stands twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{noun} '{name}' {words}")
        seen.add(name)


DEFAULT_PROGRAM = Program(program="default")

ProgramKind = Literal["program"]
