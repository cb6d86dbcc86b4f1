"""`economics:` what a result is worth and what it costs."""

from __future__ import annotations

from pydantic import Field, model_validator

from loyalty_exp.grammar import Column, Identifier, Label, Section, Text


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
    """One cost of the program: for each unit, for each event, or fixed."""

    id: Identifier = Field(description="Name of the line.")
    name: Text | None = Field(default=None, description="Name on the page.")
    per_unit: float | Identifier | None = Field(
        default=None, description="Money for each assigned unit: a number, or a price of the program file."
    )
    per_event: Column | None = Field(
        default=None, description="Metric id or column that counts the events; `price` is money for one."
    )
    price: float | Identifier | None = Field(
        default=None, description="Money for one event: a number, or a price of the program file."
    )
    fixed: float | None = Field(
        default=None, ge=0, description="Money once, shared by the units of its arms."
    )
    arms: tuple[Label, ...] | None = Field(
        default=None,
        description="Arms that cause the cost. Left out: all treatments for per_unit and fixed, "
        "all arms for per_event.",
    )

    @model_validator(mode="after")
    def _one_driver(self) -> CostLine:
        given = [k for k in ("per_unit", "per_event", "fixed") if getattr(self, k) is not None]
        if len(given) != 1:
            raise ValueError("a cost line has exactly one of per_unit, per_event, fixed")
        if (self.per_event is not None) != (self.price is not None):
            raise ValueError("per_event and price go together: the events, and the money for one of them")
        for amount in (self.per_unit, self.price):
            if isinstance(amount, float) and amount < 0:
                raise ValueError("a price must not be negative")
        return self


class Economics(Section):
    """Benefit and costs; every subsidy is a cost line, never a smaller benefit."""

    benefit: Benefit = Field(description="What a result is worth.")
    costs: tuple[CostLine, ...] = Field(default=(), description="What it costs.")
    hurdle: float = Field(
        default=0.0, ge=-1, le=100, description="Return on investment asked for; 0 is break-even."
    )
