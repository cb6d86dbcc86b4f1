"""One proportion with a beta prior, and its density over the log odds, where it has one smooth peak."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from loyalty_exp.stats.moments import Vector


@dataclass(frozen=True, slots=True)
class BetaPrior:
    """What is believed about a proportion before the data.

    Attributes
    ----------
    a, b : float
        Of a beta distribution, positive: as if ``a`` successes and ``b`` failures had been seen. 1 and 1 is
        uniform, 0.5 and 0.5 is Jeffreys'.
    """

    a: float = 1.0
    b: float = 1.0

    def __post_init__(self) -> None:
        if not (self.a > 0 and self.b > 0 and math.isfinite(self.a + self.b)):
            raise ValueError(f"a beta prior has positive parameters, not {self.a} and {self.b}")


UNIFORM = BetaPrior()

DEPTH = 740.0
"""``exp(-740)`` is next to the smallest double."""


@dataclass(frozen=True, slots=True)
class BetaPosterior:
    """What is believed about the proportion of one arm after the data.

    Attributes
    ----------
    a, b : float
        Of a beta distribution.
    prior : BetaPrior
        To be printed beside every number read off this.
    """

    a: float
    b: float
    prior: BetaPrior

    @property
    def mean(self) -> float:
        """Posterior mean, a proportion."""
        return self.a / (self.a + self.b)

    @property
    def variance(self) -> float:
        """Posterior variance."""
        total = self.a + self.b
        return self.a / total * (self.b / total) / (total + 1)


def posterior(x: int, n: int, prior: BetaPrior = UNIFORM) -> BetaPosterior:
    """Join ``x`` successes in ``n`` units with a prior; with no unit the prior stands.

    Parameters
    ----------
    x : int
        Successes among ``n`` units.

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 2.4.
    """
    if not 0 <= x <= n:
        raise ValueError(f"{x} successes in {n} units")
    return BetaPosterior(prior.a + x, prior.b + (n - x), prior)


def interval(arm: BetaPosterior, alpha: float) -> tuple[float, float]:
    """Central interval of probability ``1 - alpha`` of one proportion."""
    from scipy import special

    tail = alpha / 2
    return float(special.betaincinv(arm.a, arm.b, tail)), float(special.betainccinv(arm.a, arm.b, tail))


def width(arm: BetaPosterior) -> float:
    """Standard deviation of the log odds, nearly."""
    return math.sqrt(1 / arm.a + 1 / arm.b)


def peak(arm: BetaPosterior) -> float:
    """Log odds of the peak."""
    return math.log(arm.a) - math.log(arm.b)


def support(arm: BetaPosterior, depth: float) -> tuple[float, float]:
    """Log odds outside which the density is ``exp(-depth)`` of its peak.

    Parameters
    ----------
    depth : float
        In natural logarithms below the peak, positive.
    """

    def drop(y: float) -> float:
        return float(log_density(arm, np.array([y]))[0] - log_density(arm, np.array([peak(arm)]))[0])

    out = []
    for sign in (-1.0, 1.0):
        reach = width(arm)
        while drop(peak(arm) + sign * reach) > -depth:
            reach *= 1.5
        out.append(peak(arm) + sign * reach)
    return out[0], out[1]


def log_density(arm: BetaPosterior, y: Vector) -> Vector:
    """Logarithm of the density of the log odds, without its constant.

    Parameters
    ----------
    y : array, any shape
        Log odds; what is returned has the same shape.
    """
    return np.asarray(-arm.a * np.logaddexp(0, -y) - arm.b * np.logaddexp(0, y))


def density(arm: BetaPosterior, y: Vector) -> Vector:
    """Density of the log odds.

    Parameters
    ----------
    y : array, any shape
        Log odds; what is returned has the same shape.
    """
    from scipy import special

    return np.asarray(np.exp(log_density(arm, y) - float(special.betaln(arm.a, arm.b))))


def cdf(arm: BetaPosterior, y: Vector) -> Vector:
    """Distribution function at log odds.

    Parameters
    ----------
    y : array, any shape
        Log odds; what is returned has the same shape.
    """
    from scipy import special

    low, high = support(arm, DEPTH)
    out = (y > high).astype(np.float64)
    inside = (y >= low) & (y <= high)
    left, right = inside & (y < 0), inside & (y >= 0)
    # Of x and 1 - x the smaller one keeps its digits.
    out[left] = special.betainc(arm.a, arm.b, special.expit(y[left]))
    out[right] = special.betaincc(arm.b, arm.a, special.expit(-y[right]))
    return out


def sf(arm: BetaPosterior, y: Vector) -> Vector:
    """Upper tail at log odds.

    Parameters
    ----------
    y : array, any shape
        Log odds; what is returned has the same shape.
    """
    return cdf(BetaPosterior(arm.b, arm.a, arm.prior), -y)
