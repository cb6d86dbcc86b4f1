"""`sizing:` what a test is to find, and what is known before it: the input of `loyalty-exp size`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from loyalty_exp.grammar import Identifier, Label, Section
from loyalty_exp.spec.day import Day

NET_BENEFIT = "net_benefit"
"""Name under which the money is sized, beside the ids of the metrics."""


class Effect(Section):
    """Size of an effect that must not be missed; its direction is the metric's."""

    absolute: float | None = Field(default=None, description="In the unit of the metric.")
    relative: float | None = Field(
        default=None, description="As a fraction of the baseline mean: 0.05 is 5%."
    )

    @model_validator(mode="after")
    def _one_scale(self) -> Effect:
        if (self.absolute is None) == (self.relative is None):
            raise ValueError("give the effect either absolute or relative, such as {relative: 0.05}")
        _positive(self.absolute if self.absolute is not None else self.relative)
        return self


def _positive(size: float | None) -> None:
    if size is None:
        return
    if size == 0:
        raise ValueError("no number of units finds an effect of 0; name the smallest effect worth finding")
    if size < 0 or not math.isfinite(size):
        raise ValueError("an effect size is above 0; the direction is that of the metric")


def _number_or_section(value: object) -> object:
    """Read a bare number as an absolute effect."""
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {"absolute": value} if plain else value


EffectSize = Annotated[Effect, BeforeValidator(_number_or_section)]
"""An effect in a spec: a number in the unit of the metric, or a section."""


class Baseline(Section):
    """What a metric is like without the offer, given by hand."""

    mean: float = Field(
        default=0.0, description="Mean a unit; of a proportion, the share; of a ratio, the ratio."
    )
    sd: float | None = Field(
        default=None,
        ge=0,
        description="Standard deviation over units; of a ratio, that of its linearized column. Proportions "
        "do not need it.",
    )
    zero_share: float | None = Field(default=None, ge=0, le=1, description="Part of the units at exactly 0.")
    correlation: float = Field(
        default=0.0, description="Of the metric with its covariates, in [-1, 1]; 0 without any."
    )

    @model_validator(mode="after")
    def _a_correlation(self) -> Baseline:
        if not -1 <= self.correlation <= 1:
            raise ValueError(f"a correlation is in [-1, 1], not {self.correlation:g}; write 0.6 for 60%")
        return self


class Money(Section):
    """How benefit and variable cost of one unit vary, given by hand."""

    sd_benefit: float = Field(ge=0, description="Standard deviation of the benefit, money a unit.")
    sd_cost: float = Field(ge=0, description="Standard deviation of the variable cost in a treatment arm.")
    correlation: float = Field(default=0.0, description="Of benefit and cost, in [-1, 1].")

    @model_validator(mode="after")
    def _a_correlation(self) -> Money:
        if not -1 <= self.correlation <= 1:
            raise ValueError(f"a correlation is in [-1, 1], not {self.correlation:g}; write 0.6 for 60%")
        return self


class History(Section):
    """A past day on which all members of the population are looked at as if they had been assigned."""

    as_of: Day | None = Field(
        default=None,
        description="Transactions: outcomes are read in [as_of, as_of + outcome_days), covariates before; "
        "the last day whose windows are over in the data if left out. A per-unit table needs no day: its "
        "control arm is the history.",
    )


class Sizing(Section):
    """What the test is to find, and what is known before it.

    .. code-block:: yaml

        sizing: {power: 0.8, relative_mde: 0.05, history: {as_of: 2026-01-05}, available_units: 60000}
    """

    power: float = Field(default=0.8, gt=0, lt=1, description="Chance to find an effect of the size named.")
    mde: dict[Identifier, EffectSize] = Field(
        default_factory=dict,
        description="Smallest effect worth finding, by metric id; `net_benefit` is money a unit.",
    )
    relative_mde: float | None = Field(
        default=None,
        description="The same for all metrics that `mde` does not name, relative to the baseline.",
    )
    available_units: int | None = Field(
        default=None,
        ge=1,
        description="Units there are, all arms; the population on the day of history if left out.",
    )
    history: History | None = Field(default=None, description="Read baselines from the team's own data.")
    baseline: dict[Identifier, Baseline] = Field(
        default_factory=dict,
        description="Baselines by hand, by metric id; they come before those of history.",
    )
    money: Money | None = Field(default=None, description="Spread of benefit and cost by hand.")
    entry_per_day: float | None = Field(
        default=None,
        gt=0,
        description="Units that enter a day, all arms; everyone on the first day if left out.",
    )
    icc: float | None = Field(
        default=None, description="Intraclass correlation of units in a cluster, in [0, 1]."
    )
    cluster_size: float | None = Field(default=None, ge=1, description="Mean units of a cluster.")
    cluster_size_cv: float = Field(
        default=0.0, ge=0, description="Standard deviation of the cluster sizes over their mean."
    )
    expected_cost_per_unit: float | dict[Label, float] | None = Field(
        default=None,
        description="Variable cost a unit that is expected, for all treatments or by arm; read from history "
        "with the prices of the spec when left out. A cost of control counts for the cheapest shares.",
    )
    max_days: int | None = Field(
        default=None, ge=1, le=3660, description="Days from the start until the answer has to be there."
    )

    @model_validator(mode="after")
    def _possible(self) -> Sizing:
        _positive(self.relative_mde)
        if self.icc is not None and not 0 <= self.icc <= 1:
            raise ValueError(f"an intraclass correlation is in [0, 1], not {self.icc:g}; write 0.05 for 5%")
        costs = self.expected_cost_per_unit
        for cost in costs.values() if isinstance(costs, dict) else [costs]:
            if cost is not None and (cost < 0 or not math.isfinite(cost)):
                raise ValueError("an expected cost must not be negative")
        return self

    def cost_of(self, arm: str) -> float | None:
        """Give the cost a unit expected of an arm; None where none is named."""
        costs = self.expected_cost_per_unit
        return costs.get(arm) if isinstance(costs, dict) else costs

    def check_names(self, metrics: Iterable[str], arms: Iterable[str]) -> None:
        """Refuse metrics and arms that the spec does not have.

        Raises
        ------
        ValueError
            With the first that is unknown.
        """
        known, groups = {*metrics, NET_BENEFIT}, set(arms)
        for key, names in (("mde", self.mde), ("baseline", self.baseline)):
            if odd := sorted(set(names) - known):
                raise ValueError(f"sizing.{key} names '{odd[0]}', which is not a metric of this spec")
        costs = self.expected_cost_per_unit
        if isinstance(costs, dict) and (odd := sorted(set(costs) - groups)):
            raise ValueError(f"sizing.expected_cost_per_unit names '{odd[0]}', which is not an arm")
