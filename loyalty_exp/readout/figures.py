"""Numbers with how sure they are: the leaves of a readout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loyalty_exp.stats.benefit_cost import NetBenefit
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.effect import Difference


@dataclass(frozen=True, slots=True)
class GuardrailResult:
    """A guardrail: the allowed change for the worse, in the metric's own unit, and what the interval says.

    ``relative`` is a margin that was declared as a share of the control mean. That mean is an estimate, too,
    so it is the interval of the relative change that is held against it.
    """

    margin: float
    status: Literal["pass", "breached", "unsettled"]
    relative: float | None = None


@dataclass(frozen=True, slots=True)
class Absolute:
    """A difference in the metric's own unit."""

    estimate: float
    std_error: float | None
    ci_lower: float | None
    ci_upper: float | None
    p_value: float | None
    p_value_adjusted: float | None
    log_p_value: float | None = None


@dataclass(frozen=True, slots=True)
class Relative:
    """A difference as a fraction of control; bounds are null when the set is unbounded, with the reason."""

    estimate: float | None
    std_error: float | None
    ci_lower: float | None
    ci_upper: float | None
    not_bounded: str | None = None


@dataclass(frozen=True, slots=True)
class Sequential:
    """What may be read before the planned end: an interval and a p-value that hold at all looks together."""

    ci_lower: float
    ci_upper: float
    p_value: float
    p_value_adjusted: float | None
    log_p_value: float | None


@dataclass(frozen=True, slots=True)
class Interval:
    """A money estimate with its interval."""

    estimate: float
    std_error: float
    ci_lower: float
    ci_upper: float

    def times(self, n: float) -> Interval:
        """Give the same for units together.

        Parameters
        ----------
        n : float
            How many.
        """
        return Interval(n * self.estimate, n * self.std_error, n * self.ci_lower, n * self.ci_upper)


@dataclass(frozen=True, slots=True)
class SequentialInterval:
    """Bounds of a money estimate that hold at all looks together."""

    ci_lower: float
    ci_upper: float


def absolute_of(found: Difference) -> Absolute:
    """Give a difference as the readout tells it, not yet adjusted."""
    return Absolute(
        found.estimate,
        found.std_error,
        found.ci_lower,
        found.ci_upper,
        found.p_value,
        None,
        found.log_p_value,
    )


def interval_of(found: Difference | NetBenefit) -> Interval:
    """Give an estimate of money as the readout tells it."""
    return Interval(found.estimate, found.std_error or 0.0, found.ci_lower, found.ci_upper)


def normal_interval(estimate: float, variance: float, alpha: float) -> Interval:
    """Interval of an estimate that is normal in the limit.

    Parameters
    ----------
    estimate, variance : float
        A variance below 0 by rounding counts as 0.
    alpha : float
        Two-sided.
    """
    std_error = max(variance, 0.0) ** 0.5
    half = normal_quantile(1 - alpha / 2) * std_error
    return Interval(estimate, std_error, estimate - half, estimate + half)
