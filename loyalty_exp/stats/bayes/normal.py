"""A normal estimate read with a declared normal prior on the effect.

The likelihood is normal with a known standard error. A flat prior therefore gives the interval of the z test,
to which Welch's interval tends for many units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import normal_cdf, normal_quantile, normal_two_sided

_LOG_ROOT_TWO_PI = 0.5 * math.log(2 * math.pi)
_LOG_HALF = math.log(0.5)


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed about the effect before the data.

    Attributes
    ----------
    mean, sd : float
        Of a normal distribution; ``sd`` infinite means flat.
    scale : str
        ``absolute``: in the unit of the metric. ``relative``: a fraction of the size of the control mean.
    """

    mean: float = 0.0
    sd: float = math.inf
    scale: Literal["absolute", "relative"] = "absolute"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and self.sd > 0):
            raise ValueError("a prior has a finite mean and a positive standard deviation")

    def on(self, scale: Literal["absolute", "relative"], control_mean: float) -> Prior:
        """Express the prior on another scale, the control mean taken as known.

        Parameters
        ----------
        control_mean : float
            In the unit of the metric.

        Raises
        ------
        NotEstimable
            If the control mean is 0.
        """
        if scale not in ("absolute", "relative"):
            raise ValueError(f"a scale is absolute or relative, not {scale}")
        if scale == self.scale:
            return self
        if control_mean == 0:
            raise NotEstimable("the control mean is 0")
        factor = abs(control_mean) if scale == "absolute" else 1 / abs(control_mean)
        return Prior(self.mean * factor, self.sd * factor, scale)


FLAT = Prior()


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed about the effect after the data: a normal distribution.

    Attributes
    ----------
    mean, sd : float
        On the scale of the prior.
    shrinkage : float
        Weight of the data in the mean, in (0, 1]; 1 for a flat prior.
    prior : Prior
        To be printed beside every number read off this.
    """

    mean: float
    sd: float
    shrinkage: float
    prior: Prior


@dataclass(frozen=True, slots=True)
class Loss:
    """What a decision costs on average, in the unit of the effect.

    Attributes
    ----------
    ship : float
        ``E max(-effect, 0)``: lost by shipping, where the effect is negative.
    keep : float
        ``E max(effect, 0)``: lost by keeping control, where the effect is positive.
    log_ship, log_keep : float
        Natural logarithms, finite where the losses themselves underflow.
    """

    ship: float
    keep: float
    log_ship: float
    log_keep: float


def posterior(estimate: float, std_error: float, prior: Prior = FLAT) -> Posterior:
    """Join an estimate with a prior on the SAME scale; see :meth:`Prior.on`.

    Parameters
    ----------
    estimate, std_error : float
    prior : Prior

    Raises
    ------
    NotEstimable
        If the standard error is 0.

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., equations 2.11 and 2.12.
    """
    if not (math.isfinite(estimate) and math.isfinite(std_error) and std_error >= 0):
        raise ValueError(f"an estimate and its standard error are finite, not {estimate} and {std_error}")
    if std_error == 0:
        raise NotEstimable("nothing varies")
    pull = (std_error / prior.sd) ** 2
    if math.isinf(pull):
        return Posterior(prior.mean, prior.sd, 0.0, prior)
    weight = 1 / (1 + pull)
    mean = weight * estimate + weight * pull * prior.mean
    return Posterior(mean, std_error * math.sqrt(weight), weight, prior)


def interval(belief: Posterior, alpha: float) -> tuple[float, float]:
    """Central interval of probability ``1 - alpha``."""
    half = normal_quantile(1 - alpha / 2) * belief.sd
    return belief.mean - half, belief.mean + half


def probability_above(belief: Posterior, threshold: float = 0.0) -> tuple[float, float]:
    """Probability that the effect exceeds a threshold: ``(p, log p)``, the logarithm always finite.

    Parameters
    ----------
    threshold : float
        On the scale of the prior.
    """
    z = (belief.mean - threshold) / belief.sd
    p, log_p = normal_two_sided(z)
    if z <= 0:
        return normal_cdf(z), log_p + _LOG_HALF
    return normal_cdf(z), math.log1p(-0.5 * p)


def probability_between(belief: Posterior, low: float, high: float) -> float:
    """Probability that the effect lies in a region, such as one of practical equivalence.

    Parameters
    ----------
    low, high : float
        Ends of the region, on the scale of the prior.

    References
    ----------
    Kruschke (2018), Rejecting or accepting parameter values in Bayesian estimation, Advances in Methods and
    Practices in Psychological Science 1, 270-280 (ROPE).
    """
    if not low <= high:
        raise ValueError(f"a region runs from low to high, not from {low} to {high}")
    a, b = (low - belief.mean) / belief.sd, (high - belief.mean) / belief.sd
    if a > 0:
        a, b = -b, -a
    return normal_cdf(b) - normal_cdf(a)


def expected_loss(belief: Posterior) -> Loss:
    """Average loss of either decision.

    References
    ----------
    Raiffa & Schlaifer (1961), Applied Statistical Decision Theory (unit normal linear loss
    integral); Stucchio (2015), Bayesian A/B Testing at VWO.
    """
    z = belief.mean / belief.sd
    log_sd = math.log(belief.sd)
    log_ship, log_keep = log_sd + _log_unit_loss(z), log_sd + _log_unit_loss(-z)
    return Loss(math.exp(log_ship), math.exp(log_keep), log_ship, log_keep)


def log_bayes_factor(estimate: float, std_error: float, prior: Prior, null: float = 0.0) -> float:
    """Natural logarithm of the evidence for an effect drawn from the prior against one of exactly ``null``.

    The ratio of prior to posterior density at the null (Savage-Dickey).

    Parameters
    ----------
    null : float
        On the scale of the prior.

    Raises
    ------
    NotEstimable
        For a flat prior, under which the factor is arbitrary, or a standard error of 0.

    References
    ----------
    Dickey (1971), The weighted likelihood ratio, linear hypotheses on normal location parameters, Annals of
    Mathematical Statistics 42, 204-223; Wagenmakers et al. (2010), Bayesian hypothesis testing for
    psychologists, Cognitive Psychology 60, 158-189.
    """
    if math.isinf(prior.sd):
        raise NotEstimable("a flat prior has no Bayes factor")
    after = posterior(estimate, std_error, prior)
    return _log_density(null, prior.mean, prior.sd) - _log_density(null, after.mean, after.sd)


def _log_density(x: float, mean: float, sd: float) -> float:
    z = (x - mean) / sd
    return -0.5 * z * z - math.log(sd) - _LOG_ROOT_TWO_PI


def _log_unit_loss(z: float) -> float:
    """Logarithm of ``phi(z) - z (1 - Phi(z))``, by its asymptotic series far out.

    References
    ----------
    Abramowitz & Stegun (1964), Handbook of Mathematical Functions, section 7.2 (repeated integrals).
    """
    log_phi = -0.5 * z * z - _LOG_ROOT_TWO_PI
    if z < 25:
        return math.log(math.exp(log_phi) - z * normal_cdf(-z))
    term, total = 1.0, 1.0
    for k in range(1, 9):
        term *= -(2 * k + 1) / (z * z)
        total += term
    return log_phi - 2 * math.log(z) + math.log(total)
