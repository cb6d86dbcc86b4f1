"""Money beyond the test: a longer horizon, the roll-out, and numbers that are assumed."""

from __future__ import annotations

import math

from pydantic import Field, field_validator, model_validator

from loyalty_exp.grammar import Identifier, Label, Section

ASSUMED = ("redemption_rate_base", "redemption_rate_bonus", "cost_to_face", "margin")
"""Names of assumptions besides the prices of the program."""


class Persistence(Section):
    """One way the effect may go on."""

    rho_monthly: float = Field(ge=0, le=1, description="Part of the effect that is left a month later.")
    weight: float = Field(gt=0, le=1, description="How likely; weights sum to 1.")


class CustomerValue(Section):
    """Value of a customer after the window, projected from how often and how recently she bought.

    .. code-block:: yaml

        customer_value: {washout_days: 28, replicates: 200, backtest_limit: 0.25}
    """

    washout_days: int = Field(
        ge=0,
        le=3660,
        description="Days after assignment that are left out of the histories: the burst that the campaign "
        "itself caused.",
    )
    replicates: int = Field(
        default=200, ge=50, le=2_000, description="Resamples, each of which fits the models again."
    )
    backtest_limit: float = Field(
        default=0.25,
        gt=0,
        le=1,
        description="Largest error of a backtest, as a share of the purchases, with which a value is given.",
    )


class Horizon(Section):
    """A longer view: what is observed, and a tail that fades.

    .. code-block:: yaml

        horizon:
          days: 365
          persistence: [{rho_monthly: 0.0, weight: 0.5}, {rho_monthly: 0.6, weight: 0.5}]
          discount_annual: 0.10
    """

    days: int = Field(ge=1, le=3660, description="Days after assignment.")
    persistence: tuple[Persistence, ...] = Field(
        default=(), description="Ways the effect may go on after the outcome window."
    )
    discount_annual: float = Field(default=0.0, ge=0, le=1, description="Yearly rate of discount.")
    customer_value: CustomerValue | None = Field(
        default=None, description="A projection of each arm's customer value, shown beside; never decides."
    )

    @field_validator("persistence")
    @classmethod
    def _weights_sum_to_one(cls, ways: tuple[Persistence, ...]) -> tuple[Persistence, ...]:
        total = math.fsum(way.weight for way in ways)
        if ways and abs(total - 1) > 1e-9:
            raise ValueError(f"weights of persistence sum to {total:.6g}, not to 1; correct one")
        return ways


class Prior(Section):
    """What was expected of the net benefit of a unit before the data, from past experiments."""

    mean: float = Field(default=0.0, description="Expected net benefit of a unit.")
    sd: float = Field(gt=0, description="How far it may be from that.")


class Rollout(Section):
    """Shipping to everyone who is eligible.

    .. code-block:: yaml

        rollout: {eligible: 250000, coverage: 0.9, fixed: 30000, prior: {mean: 0.0, sd: 1.0}}
    """

    eligible: int | dict[Label, int] = Field(
        description="Number of eligible units, or the number in each stratum: {silver: 90000, gold: 20000}."
    )
    coverage: float = Field(default=1.0, gt=0, le=1, description="Part of them that is reached.")
    fixed: float = Field(
        default=0.0, ge=0, description="Money once, besides cost lines with scope rollout or both."
    )
    prior: Prior | None = Field(default=None, description="Shrinks the estimate; not shrunk if left out.")

    @field_validator("eligible")
    @classmethod
    def _someone(cls, eligible: int | dict[str, int]) -> int | dict[str, int]:
        counts = list(eligible.values()) if isinstance(eligible, dict) else [eligible]
        if min(counts, default=0) < 0 or sum(counts) < 1:
            raise ValueError("nobody is eligible; write the number of units, such as 250000")
        return eligible


class Assumption(Section):
    """One assumed number: between which values it may lie, or its standard deviation.

    .. code-block:: yaml

        {name: redemption_rate_bonus, low: 0.75, high: 0.95}
    """

    name: Identifier = Field(
        description="redemption_rate_base, redemption_rate_bonus, cost_to_face, margin, or name of a price."
    )
    low: float | None = Field(default=None, ge=0, description="Smallest value it may have.")
    high: float | None = Field(default=None, ge=0, description="Largest value it may have.")
    sd: float | None = Field(default=None, gt=0, description="Standard deviation.")

    @model_validator(mode="after")
    def _how_far(self) -> Assumption:
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high go together; give both")
        if self.low is None and self.sd is None:
            raise ValueError("an assumption says how far off it may be; give low and high, or sd")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("low must lie below high; swap them, or correct one")
        return self
