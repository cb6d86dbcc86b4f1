"""What a member is at assignment: tier, lifecycle state, and RFM scores."""

from __future__ import annotations

from pydantic import Field, model_validator

from loyalty_exp.grammar import Column, Label, Section, Text

LIFECYCLE = "lifecycle"
"""Name of the derived column that holds the lifecycle state."""

RFM_COLUMNS = ("rfm_recency", "rfm_frequency", "rfm_monetary", "rfm_score")
"""Names of the derived columns: three scores from 1 to 5, and their sum."""


class Tier(Section):
    """One tier."""

    id: Label = Field(description="The tier, as the data spell it.")
    name: Text | None = Field(default=None, description="Name on the page.")
    qualifying_spend: float | None = Field(
        default=None, ge=0, description="Spend from which it is reached; left out for the lowest."
    )


class LifecycleState(Section):
    """One state of members, by exactly one of three conditions on the day of assignment.

    .. code-block:: yaml

        {id: active, last_order_within_days: 90}
    """

    id: Label = Field(description="The state; a value of `field: lifecycle`.")
    name: Text | None = Field(default=None, description="Name on the page.")
    joined_within_days: int | None = Field(
        default=None, ge=1, le=36600, description="Joined at most this many days before."
    )
    last_order_within_days: int | None = Field(
        default=None, ge=1, le=36600, description="Last order at most this many days before."
    )
    last_order_over_days: int | None = Field(
        default=None, ge=1, le=36600, description="Last order more than this many days before, or never."
    )

    @model_validator(mode="after")
    def _one_condition(self) -> LifecycleState:
        keys = ("joined_within_days", "last_order_within_days", "last_order_over_days")
        if sum(getattr(self, key) is not None for key in keys) != 1:
            raise ValueError(f"a lifecycle state has exactly one of {', '.join(keys)}")
        return self


class Rfm(Section):
    """Scores 1 to 5 by quintile: `rfm_recency`, `rfm_frequency`, `rfm_monetary`, and their sum `rfm_score`.

    .. code-block:: yaml

        rfm: {recency: days_since_last_order, frequency: orders_12m, monetary: spend_12m}
    """

    recency: Column = Field(description="Days since the last order; few score high, none scores 1.")
    frequency: Column = Field(description="Number of orders; many score high.")
    monetary: Column = Field(description="Money spent; much scores high.")
