"""Value over a horizon: what was observed, discounted, and what is added by assuming that effects persist."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.economics.payback import period_effects
from loyalty_exp.stats.difference import known
from loyalty_exp.stats.effect import Difference


@dataclass(frozen=True, slots=True)
class Persistence:
    """A scenario: the last observed effect times ``rho`` in the first period after, ``rho^2`` in the next.

    Attributes
    ----------
    rho : float
        From 0 (gone at once) to 1 (stays).
    weight : float
        Belief in it.
    """

    rho: float
    weight: float

    def __post_init__(self) -> None:
        if not 0 <= self.rho <= 1 or not self.weight >= 0:
            raise ValueError("a persistence lies between 0 and 1, and its weight is not negative")


@dataclass(frozen=True, slots=True)
class ScenarioValue:
    """Value under one scenario.

    Attributes
    ----------
    persistence : Persistence
    value : Difference
        Money a member, sampling error only.
    factors : tuple of float
        What each observed period counts; the last one carries the tail.
    """

    persistence: Persistence
    value: Difference
    factors: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class HorizonValue:
    """Value over observed and assumed periods, money a member.

    Attributes
    ----------
    observed : Difference
        Nothing extrapolated; always shown.
    scenarios : tuple of ScenarioValue
    mixture : Difference
        Over scenarios by weight; its standard error holds both the sampling and the scenarios.
    sampling_std_error : float
        Of the mixture, without the doubt about the scenario.
    extrapolated_share : float or None
        Of the mixture's value; None where that is 0.
    """

    observed: Difference
    scenarios: tuple[ScenarioValue, ...]
    mixture: Difference
    sampling_std_error: float
    extrapolated_share: float | None


def horizon_value(
    effects: Sequence[float],
    covariance: npt.ArrayLike,
    discount: float,
    extra_periods: float,
    scenarios: Sequence[Persistence],
    alpha: float,
    ends: Sequence[float] | None = None,
    upfront: float = 0.0,
) -> HorizonValue:
    """Discount observed effects and extend them under scenarios.

    Parameters
    ----------
    effects : sequence of float, length t
        Net benefit of each observed period, money a member.
    covariance : array, shape (t, t)
    discount : float
        For each period; each effect is discounted from the end of its period.
    extra_periods : float
        After the last observed one; of a last part of a period that part counts.
    scenarios : sequence of Persistence
        Weights summing to 1.
    alpha : float
        Two-sided.
    ends : sequence of float, length t, optional
        Ends of the observed periods, in periods: 1, 2, ... when left out.
    upfront : float
        Cost before the first period, money a member: neither random, nor discounted, nor repeated.

    Raises
    ------
    NotEstimable
        Without an observed period.

    References
    ----------
    Law of total variance over scenarios, ``E Var + Var E``: Gelman et al. (2013), Bayesian Data Analysis, 3rd
    ed., equation 2.8.
    """
    e, v = period_effects(effects, covariance)
    if extra_periods < 0 or not discount > -1:
        raise ValueError("extra periods are not negative, and a discount lies above -1")
    if abs(math.fsum(s.weight for s in scenarios) - 1) > 1e-9:
        raise ValueError("the weights of the scenarios must sum to 1")
    at = np.arange(1.0, len(e) + 1) if ends is None else np.asarray(ends, dtype=np.float64)
    plain = (1 + discount) ** -at

    def value(factors: npt.NDArray[np.float64]) -> Difference:
        return known(float(factors @ e) - upfront, math.sqrt(max(float(factors @ v @ factors), 0.0)), alpha)

    observed, found = value(plain), []
    for s in scenarios:
        k = np.arange(1.0, math.ceil(extra_periods) + 1)
        part = np.minimum(1.0, extra_periods - (k - 1))
        factors = plain.copy()
        later = (1 + discount) ** -(at[-1] + np.minimum(k, extra_periods))
        factors[-1] += float((part * s.rho**k * later).sum())
        found.append(ScenarioValue(s, value(factors), tuple(factors.tolist())))
    mean = math.fsum(f.persistence.weight * f.value.estimate for f in found)
    within = math.fsum(f.persistence.weight * (f.value.std_error or 0.0) ** 2 for f in found)
    between = math.fsum(f.persistence.weight * (f.value.estimate - mean) ** 2 for f in found)
    return HorizonValue(
        observed,
        tuple(found),
        known(mean, math.sqrt(within + between), alpha),
        math.sqrt(within),
        1 - observed.estimate / mean if mean else None,
    )
