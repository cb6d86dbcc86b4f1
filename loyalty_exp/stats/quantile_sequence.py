"""A test of equal quantiles that may be looked at after every unit: its p-value holds at all times at once.

Whether a unit lies below a value x is a coin with a fixed chance. If x is the quantile q of an arm, the
chance is q, and the mixture of likelihoods of all other chances over the likelihood of q is a martingale with
mean 1. Two arms with the same quantile share an x; the smallest product of both arms' ratios over all x,
turned upside down, is the p-value.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.moments import Vector


def always_valid_quantile_p(
    treated: npt.ArrayLike, control: npt.ArrayLike, q: float, tuned_for: float, alpha: float = 0.05
) -> tuple[float, float]:
    """Two-sided p-value and its logarithm, for the hypothesis that both arms have the same quantile.

    Parameters
    ----------
    treated, control : array, shapes (n_t,), (n_c,)
        All units so far, in any order.
    q : float
        Between 0 and 1.
    tuned_for : float
        Units of an arm at which the test is sharpest; decided before the data are seen.
    alpha : float
        Level at which it is sharpest; the p-value may be held against any other.

    Raises
    ------
    NotEstimable
        With an empty arm.

    References
    ----------
    Howard & Ramdas (2022), Sequential estimation of quantiles with applications to A/B testing and best-arm
    identification, Bernoulli 28(3), 1704-1728, the section on A/B testing; Howard, Ramdas, McAuliffe, Sekhon
    (2021), Time-uniform, nonparametric, nonasymptotic confidence sequences, Annals of Statistics 49(2),
    1055-1080, proposition 7 (two-sided beta-binomial mixture).
    """
    if not (0 < q < 1 and 0 < alpha < 1 and tuned_for > 0):
        raise ValueError(f"needs 0 < q < 1, 0 < alpha < 1 and tuned_for > 0, not {q}, {alpha}, {tuned_for}")
    arms = [np.sort(np.asarray(x, dtype=np.float64)) for x in (treated, control)]
    if any(x.ndim != 1 or not np.isfinite(x).all() for x in arms):
        raise ValueError("a quantile needs one row of finite values an arm")
    if min(len(x) for x in arms) == 0:
        raise NotEstimable("no units in an arm")
    # Width of the prior on the chance, so that the boundary is lowest at the units it is tuned for.
    log_level = 2 * math.log(1 / alpha)
    rho = tuned_for * q * (1 - q) / (log_level + math.log1p(log_level))
    r = max(rho - q * (1 - q), 1e-3 * q * (1 - q))
    common = np.unique(np.concatenate(arms))
    log_ratio = float(sum(_least_evidence(x, common, q, r) for x in arms).min())  # type: ignore[union-attr]
    log_p = min(0.0, -log_ratio)
    return math.exp(log_p), log_p


def _least_evidence(x: Vector, common: Vector, q: float, r: float) -> Vector:
    """For each value: log ratio against its being the quantile, ties counted on the kinder side."""
    n = len(x)
    below, upto = (np.searchsorted(x, common, side=side) for side in ("left", "right"))
    return _log_ratio(np.clip(_kindest(n, q, r), below, upto), n, q, r)


def _log_ratio(k: Vector, n: int, q: float, r: float) -> Vector:
    """Log likelihood of k of n below, mixed over Beta(r / (1 - q), r / q), less that of the chance q."""
    from scipy import special

    a, b = r / (1 - q), r / q
    mixed = special.betaln(a + k, b + n - k) - special.betaln(a, b)
    return np.asarray(mixed - k * math.log(q) - (n - k) * math.log1p(-q))


def _kindest(n: int, q: float, r: float) -> float:
    """Count below, not whole, that speaks least against q: the zero of the convex log ratio's slope."""
    from scipy import special

    a, b, low, high = r / (1 - q), r / q, 0.0, float(n)
    target = math.log(q / (1 - q))
    while high - low > 1e-10 * n:
        k = (low + high) / 2
        if special.digamma(a + k) - special.digamma(b + n - k) < target:
            low = k
        else:
            high = k
    return (low + high) / 2
