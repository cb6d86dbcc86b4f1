"""What may come after the test: roll-out, assumptions, horizons, as the readout tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loyalty_exp.readout.figures import Interval


@dataclass(frozen=True, slots=True)
class AcceptabilityFacts:
    """Probability that the return exceeds each hurdle; only the hurdle 0 where the cost is not above 0."""

    hurdles: tuple[float, ...]
    probabilities: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class AssumptionFacts:
    """One assumed number: its range, net benefit a unit at both ends, and its part of the total variance."""

    name: str
    low: float
    base: float
    high: float
    net_benefit_at_low: float
    net_benefit_at_high: float
    share_of_variance: float | None


@dataclass(frozen=True, slots=True)
class RolloutFacts:
    """Shipping to everyone eligible; fixed costs are those of the roll-out, not of the test.

    ``loss_if_shipped`` and ``loss_if_held`` are what either decision can be expected to lose, and
    ``value_of_information``, the smaller, the most that more data can be worth: money over all reached.
    """

    eligible: int | None
    coverage: float
    fixed: float
    net_benefit: Interval | None
    total: Interval | None
    probability_positive: float | None
    shrunk_total: Interval | None
    probability_shrunk_positive: float | None
    value_of_information: float | None
    not_estimable: str | None
    loss_if_shipped: float | None = None
    loss_if_held: float | None = None


@dataclass(frozen=True, slots=True)
class ScenarioFacts:
    """Net benefit a unit up to the horizon, if ``rho_monthly`` of the effect is left a month later."""

    rho_monthly: float
    weight: float
    value: Interval


@dataclass(frozen=True, slots=True)
class CustomerValueArm:
    """Projected value of a customer of one arm after the window, and how the models fit.

    ``backtest_error`` is that of purchases forecast from the first half of the history, as a share of those
    that came.
    """

    arm: str
    customers: int
    bought: int
    value: float
    parameters: Mapping[str, float]
    frequency_value_correlation: float | None
    backtest_error: float | None


@dataclass(frozen=True, slots=True)
class CustomerValueFacts:
    """Projected customer value, treatment less control, money a unit; a surrogate for what will be.

    The standard error of ``difference`` holds that of sampling, with the models fitted again in each of
    ``replicates`` resamples, and the error of the backtest.
    """

    washout_days: int
    history_days: int
    projected_days: int
    replicates: int
    arms: tuple[CustomerValueArm, ...] = ()
    difference: Interval | None = None
    sampling_std_error: float | None = None
    backtest_error: float | None = None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class HorizonFacts:
    """Net benefit a unit over a longer time: observed, discounted, and with declared ways that it goes on.

    ``mixture`` weighs the scenarios; its standard error holds the doubt between them, and
    ``sampling_std_error`` does not. ``extrapolated_share`` is the part of the mixture that was not observed.
    """

    days_observed: int | None
    days: int
    discount_annual: float
    period_days: int | None = None
    observed: Interval | None = None
    scenarios: tuple[ScenarioFacts, ...] = ()
    mixture: Interval | None = None
    sampling_std_error: float | None = None
    extrapolated_share: float | None = None
    not_estimable: str | None = None
    customer_value: CustomerValueFacts | None = None


@dataclass(frozen=True, slots=True)
class OutlookFacts:
    """Beyond the test, for one treatment.

    ``net_benefit_with_assumptions`` adds the doubt about assumptions to that of sampling.
    """

    treatment: str
    acceptability: AcceptabilityFacts
    assumptions: tuple[AssumptionFacts, ...]
    net_benefit_with_assumptions: Interval | None
    probability_with_assumptions: float | None
    rollout: RolloutFacts | None
    horizon: HorizonFacts | None = None
