"""Money of a program: its currency, exchange rates, tax, and the prices of the cost book."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from loyalty_exp.grammar import Section, Text, Words
from loyalty_exp.spec.day import Day

CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Currency(Section):
    """The currency of all amounts."""

    code: CurrencyCode = Field(description="ISO 4217 code, as USD or CNY.")
    symbol: str = Field(
        default="", max_length=4, description="Written before amounts, as $ or ¥; code if empty."
    )


class ExchangeRates(Section):
    """Rates of the plan, the same before, in and after every experiment, so that they are no effect.

    .. code-block:: yaml

        fx: {frozen_on: 2026-01-01, rates: {HKD: 0.92}}
    """

    frozen_on: Day = Field(description="Day of the rates.")
    rates: dict[CurrencyCode, Annotated[float, Field(gt=0)]] = Field(
        min_length=1, description="Money of the program's currency for one unit of another."
    )


class Vat(Section):
    """Value added tax.

    .. code-block:: yaml

        vat: {rate: 0.13, included: true}
    """

    rate: float = Field(ge=0, lt=1, description="Rate, as 0.13.")
    included: bool = Field(
        default=True, description="Whether the amounts in the data include it; a margin never does."
    )


class CostPrice(Section):
    """One line of the cost book."""

    name: Text | None = Field(default=None, description="Name on the page; made from the id when left out.")
    price: float = Field(ge=0, description="Money for one unit of the driver.")
    per: Words = Field(default="event", description="What one unit is, in words for the page.")
    unit: Words | None = Field(default=None, description="What is counted: message, order, minute, point.")
    source: Text | None = Field(default=None, description="Where the price comes from.")
    owner: Text | None = Field(default=None, description="Who answers for it.")
