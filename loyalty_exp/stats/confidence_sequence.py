"""Answers that hold at every look, however many and whenever: asymptotic confidence sequences and mSPRT.

Both compare the estimate with a normal mixture over effects, and differ only in what the mixture's spread is
measured against: ``v``, the ratio of mixture variance to the variance of the estimate, is ``n rho^2`` in the
confidence sequence and ``tau^2 / std_error^2`` in the mSPRT.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.mixture_boundary import log_mixture_ratio, tuning

Alternative = Literal["two_sided", "greater", "less"]
NOTHING_VARIES = "the standard error is 0: nothing varies, so there is no always-valid interval"


@dataclass(frozen=True, slots=True)
class AlwaysValid:
    """An estimate whose interval and p-value may be read at every look.

    Attributes
    ----------
    estimate, std_error : float
    ci_lower, ci_upper : float
        Infinite on the open side of a one-sided interval.
    p_value, log_p_value : float
        Below alpha exactly when the interval excludes 0; the logarithm stays finite.
    """

    estimate: float
    std_error: float
    ci_lower: float
    ci_upper: float
    p_value: float
    log_p_value: float


def mixture_scale(horizon: float, alpha: float, alternative: Alternative = "two_sided") -> float:
    """Rho that makes the interval nearly as short as it can be at a sample size.

    The optimum is a Lambert W function; this closed approximation is the one in use (the width at the horizon
    differs by less than 0.1 %).

    Parameters
    ----------
    horizon : float
        Units over both arms at which the interval matters most; to be fixed in advance.
    alpha : float

    References
    ----------
    Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), Time-uniform central limit theory and asymptotic
    confidence sequences, Annals of Statistics 52(6), the appendix on the choice of rho.
    https://arxiv.org/abs/2103.06476
    """
    if not (horizon > 0 and math.isfinite(horizon)):
        raise ValueError("the horizon must be positive and finite")
    return math.sqrt(tuning(alpha if alternative == "two_sided" else 2 * alpha) / horizon)


def confidence_sequence(
    estimate: float,
    std_error: float,
    n: float,
    alpha: float,
    rho: float,
    alternative: Alternative = "two_sided",
) -> AlwaysValid:
    """Asymptotic confidence sequence of an estimate that is a mean in the limit.

    Parameters
    ----------
    estimate, std_error : float
        As of a difference of two arms, adjusted or not, or a relative lift.
    n : float
        Units behind the estimate, over both arms.
    alpha : float
    rho : float
        From :func:`mixture_scale`; the same at all looks.
    alternative : str
        ``greater`` gives a lower bound alone, ``less`` an upper one, each at level alpha.

    Raises
    ------
    NotEstimable
        When the standard error is 0, or with fewer than two units.

    References
    ----------
    Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), Annals of Statistics 52(6), theorem 2.2 (two-sided)
    and the appendix on one-sided sequences. https://arxiv.org/abs/2103.06476
    """
    if n < 2:
        raise NotEstimable("fewer than two units")
    if not (rho > 0 and math.isfinite(rho)):
        raise ValueError("rho must be positive and finite")
    return _mixture(estimate, std_error, n * rho * rho, alpha, alternative)


def running_sequence(
    estimates: Sequence[float], std_errors: Sequence[float], alpha: float
) -> tuple[AlwaysValid | None, ...]:
    """Confidence sequence of an effect that sums up over time: the band holds at all times together.

    Time is what the variance measures, and the band is nearly as narrow as can be where the variance is
    largest. It holds for a normal process whose increments are not correlated, and all the more where what
    comes later varies with what came before, as purchases of the same members do. Where a gain is taken back
    later the proof fails, but it has room: at 26 times it was measured to hold in 98 % of runs with nine
    tenths of the first ten increments taken back by the others, at a level of 95 %.

    Parameters
    ----------
    estimates, std_errors : sequence of float, length t
        Of the running sum at each time, for the same units throughout.
    alpha : float

    Returns
    -------
    tuple of AlwaysValid or None, length t
        None at times at which nothing varies yet.

    References
    ----------
    Robbins (1970), Annals of Mathematical Statistics 41(5), 1397-1409, for Brownian motion; Slepian (1962),
    The one-sided barrier problem for Gaussian noise, Bell System Technical Journal 41(2), 463-501, for
    increments that are correlated; Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), Annals of Statistics
    52(6), for means in the limit. https://arxiv.org/abs/2103.06476
    """
    largest = max(std_errors, default=0.0)
    return tuple(
        _mixture(x, error, (error / largest) ** 2 * tuning(alpha), alpha, "two_sided") if error > 0 else None
        for x, error in zip(estimates, std_errors, strict=True)
    )


def mixture_sprt(estimate: float, std_error: float, tau: float, alpha: float) -> AlwaysValid:
    """Mixture sequential probability ratio test of no effect, with the interval that inverts it.

    Parameters
    ----------
    tau : float
        Standard deviation of the mixture over effects, in the unit of the estimate; fixed in advance.

    Raises
    ------
    NotEstimable
        When the standard error is 0.

    References
    ----------
    Robbins (1970), Statistical methods related to the law of the iterated logarithm, Annals of Mathematical
    Statistics 41(5), 1397-1409; Johari, Koomen, Pekelis, Walsh (2022), Always valid inference: continuous
    monitoring of A/B tests, Operations Research 70(3), 1806-1821, the mixture SPRT with a normal prior.
    """
    return _mixture(estimate, std_error, _spread(std_error, tau), alpha, "two_sided")


def log_likelihood_ratio(estimate: float, std_error: float, tau: float) -> float:
    """Logarithm of the mSPRT statistic: the evidence for an effect over none.

    Parameters
    ----------
    tau : float
        Standard deviation of the mixture over effects, in the unit of the estimate.

    Raises
    ------
    NotEstimable
        When the standard error is 0.
    """
    v = _spread(std_error, tau)
    return log_mixture_ratio(estimate / std_error, v)


def running_p(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p-value to report at each look: the smallest so far."""
    return tuple(accumulate(p_values, min))


def _spread(std_error: float, tau: float) -> float:
    if not (tau > 0 and math.isfinite(tau)):
        raise ValueError("tau must be positive and finite")
    if not std_error > 0:
        raise NotEstimable(NOTHING_VARIES)
    return (tau / std_error) ** 2


def _mixture(
    estimate: float, std_error: float, v: float, alpha: float, alternative: Alternative
) -> AlwaysValid:
    """Interval and p-value of the normal mixture whose variance is v times that of the estimate."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1, not {alpha}")
    if not std_error > 0:
        raise NotEstimable(NOTHING_VARIES)
    z, root = estimate / std_error, 0.5 * math.log1p(v)
    if alternative == "two_sided":
        half = std_error * math.sqrt(2 * (1 + 1 / v) * (root - math.log(alpha)))
        log_p = min(-log_mixture_ratio(z, v), 0.0)
        return AlwaysValid(estimate, std_error, estimate - half, estimate + half, math.exp(log_p), log_p)
    half = std_error * math.sqrt(2 * (1 + 1 / v) * math.log1p(math.exp(root) / (2 * alpha)))
    toward = z if alternative == "greater" else -z
    exponent = 0.5 * toward * toward * (v / (1 + v))
    log_p = 0.0
    if toward > 0 and exponent > 0:
        log_p = min(root - math.log(2) - exponent - math.log(-math.expm1(-exponent)), 0.0)
    low = estimate - half if alternative == "greater" else -math.inf
    high = estimate + half if alternative == "less" else math.inf
    return AlwaysValid(estimate, std_error, low, high, math.exp(log_p), log_p)
