"""Do the arms hold their shares, asked at every look: a Bayes factor, and the p-value it bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

CONCENTRATION = 1000.0
"""Default weight of the declared shares in the prior, in units of data.

Departures of about ``1 / sqrt(concentration)`` of a share are found soonest. With 1000, at the .001 level, an
arm that receives nobody is noticed after about 125 units, and at 100,000 units a lean of 4.3 standard errors
is (a single fixed test asks 3.3).
"""
_LOG_TWO_PI = math.log(2 * math.pi)


@dataclass(frozen=True, slots=True)
class SequentialSampleRatio:
    """The check of the arm sizes that may be repeated at every look.

    Attributes
    ----------
    log_bayes_factor : float
        Evidence that the shares differ from the declared ones, natural logarithm.
    p_value, log_p_value : float
        ``min(1, 1 / Bayes factor)``; over several looks keep the smallest.
    """

    log_bayes_factor: float
    p_value: float
    log_p_value: float


def sequential_sample_ratio(
    counts: Sequence[int], weights: Sequence[float], concentration: float = CONCENTRATION
) -> SequentialSampleRatio:
    """Test counts by arm against weights, at any number of looks.

    Parameters
    ----------
    counts : sequence of int
        Units by arm up to now; their order of arrival does not matter.
    weights : sequence of float
        Declared shares, all positive; need not sum to 1.
    concentration : float
        Of the Dirichlet prior around the declared shares; fixed in advance. Large values suit small
        departures in large samples.

    Raises
    ------
    ValueError
        For lengths that differ, negative counts, an arm of weight 0, or fewer than two arms.

    References
    ----------
    Lindon & Malek (2022), Anytime-valid inference for multinomial count data, NeurIPS 35.
    """
    if len(counts) != len(weights) or len(counts) < 2:
        raise ValueError("a sample ratio needs at least two arms, and as many weights as counts")
    if min(counts) < 0 or not all(w > 0 and math.isfinite(w) for w in weights):
        raise ValueError("counts must not be negative and every arm needs a positive weight")
    if not (concentration > 0 and math.isfinite(concentration)):
        raise ValueError("the concentration must be positive and finite")
    whole = math.fsum(weights)
    value = log_dirichlet_ratio(counts, [w / whole for w in weights], concentration)
    log_p = min(-value, 0.0)
    return SequentialSampleRatio(value, math.exp(log_p), log_p)


def log_dirichlet_ratio(counts: Sequence[int], shares: Sequence[float], concentration: float) -> float:
    """Log Bayes factor of a Dirichlet mixture, with prior mean at the shares, against the shares themselves.

    The gamma functions are split into Stirling's leading terms, which combine to a divergence of the observed
    from the declared shares, and a small remainder: nothing cancels, at 1e12 units as at 10.

    Parameters
    ----------
    counts : sequence of int, length k
        Units of each arm.
    shares : sequence of float, length k
        Expected, summing to 1.
    concentration : float
        Units that the prior is worth.

    References
    ----------
    Lindon & Malek (2022), see :func:`sequential_sample_ratio`.
    """
    n = sum(counts)
    total = n + concentration
    parts = []
    for count, share in zip(counts, shares, strict=True):
        mean, prior = total * share, concentration * share
        u = (count - n * share) / mean
        parts += [
            mean * _divergence(u),
            _remainder(count + prior) - _remainder(prior),
            -0.5 * math.log1p(count / prior),
        ]
    parts += [_remainder(concentration) - _remainder(total), 0.5 * math.log1p(n / concentration)]
    return math.fsum(parts)


def _divergence(u: float) -> float:
    """``(1 + u) log(1 + u) - u`` without cancellation."""
    if abs(u) > 0.02:
        return (1 + u) * math.log1p(u) - u
    return math.fsum((-u) ** j / (j * (j - 1)) for j in range(2, 12))


def _remainder(x: float) -> float:
    """``log Gamma(x)`` beyond Stirling's leading terms.

    References
    ----------
    Abramowitz & Stegun (1964), Handbook of Mathematical Functions, 6.1.41.
    """
    if x < 20:
        return math.lgamma(x) - ((x - 0.5) * math.log(x) - x + 0.5 * _LOG_TWO_PI)
    square = x * x
    return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / x
