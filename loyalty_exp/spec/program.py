"""The program file: what all experiments of one loyalty program share."""

from __future__ import annotations

import difflib
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import Field, field_validator, model_validator

from loyalty_exp.grammar import Identifier, Section, Text, Words
from loyalty_exp.metrics import AnyMetric


class Currency(Section):
    """The currency of all amounts."""

    code: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code, as USD or CNY.")
    symbol: str = Field(
        default="", max_length=4, description="Written before amounts, as $ or ¥; code if empty."
    )


class CostPrice(Section):
    """One line of the cost book."""

    price: float = Field(ge=0, description="Money for one unit of the driver.")
    per: Words = Field(default="event", description="What one unit is: message, order, point.")
    source: Text | None = Field(default=None, description="Where the price comes from, and who owns it.")


class Program(Section):
    """Time zone, currency, cost prices and shared metrics of a loyalty program (`program.yaml`)."""

    program: Identifier = Field(description="Id of the program.")
    name: Text | None = Field(default=None, description="Name on the page.")
    timezone: str = Field(default="UTC", description="IANA name; days begin at local midnight here.")
    currency: Currency | None = Field(
        default=None, description="Currency of all amounts; plain numbers if left out."
    )
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

    @model_validator(mode="after")
    def _unique_metrics(self) -> Program:
        seen: set[str] = set()
        for metric in self.metrics:
            if metric.id in seen:
                raise ValueError(f"metric '{metric.id}' is defined twice")
            seen.add(metric.id)
        return self


DEFAULT_PROGRAM = Program(program="default")

ProgramKind = Literal["program"]
