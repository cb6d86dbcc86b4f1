"""Mixtures of martingales: the algebra behind answers that hold at every look, with bounds."""

from __future__ import annotations

import math

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.sample_ratio_sequential import log_dirichlet_ratio


def log_mixture_ratio(z: float, v: float) -> float:
    """Log of ``sqrt(1 / (1 + v)) exp(z^2 v / (2 (1 + v)))``: a normal mixture over effects against none.

    Parameters
    ----------
    z : float
        Estimate over its standard error.
    v : float
        Variance of the mixture over that of the estimate.
    """
    return 0.5 * (z * z * (v / (1 + v)) - math.log1p(v))


def tuning(alpha: float) -> float:
    """Intrinsic time over mixture scale at which a normal mixture is nearly as low as it can be.

    ``-2 log(alpha) + log(1 - 2 log(alpha))``, an approximation to a Lambert W function.

    References
    ----------
    Howard, Ramdas, McAuliffe, Sekhon (2021), Annals of Statistics 49(2), 1055-1080, section 3.5.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1 (below 1/2 if one-sided), not {alpha}")
    return -2 * math.log(alpha) + math.log1p(-2 * math.log(alpha))


def normal_mixture_scale(variance: float, alpha: float, sides: int = 2) -> float:
    """Variance to add in :func:`normal_mixture_boundary` so that it is lowest at an intrinsic time.

    Parameters
    ----------
    variance : float
        Intrinsic time: the summed variance.
    sides : int
        1 or 2.

    References
    ----------
    Howard, Ramdas, McAuliffe, Sekhon (2021), Time-uniform, nonparametric, nonasymptotic confidence sequences,
    Annals of Statistics 49(2), 1055-1080, section 3.5.
    """
    return variance / tuning(alpha if sides == 2 else 2 * alpha)


def log_normal_mixture(s: float, variance: float, scale: float) -> float:
    """Logarithm of the two-sided normal mixture of exponential martingales, of a sum s with a variance.

    Parameters
    ----------
    s : float
        A centered sum.
    variance : float
        Intrinsic time: its variance.
    scale : float
        From :func:`normal_mixture_scale`.
    """
    return log_mixture_ratio(s / math.sqrt(variance), variance / scale)


def normal_mixture_boundary(variance: float, alpha: float, scale: float, sides: int = 2) -> float:
    """Height that a sum of sub-Gaussian terms ever exceeds with chance at most alpha, at an intrinsic time.

    Parameters
    ----------
    variance : float
        Intrinsic time: the summed variance.
    scale : float
        From :func:`normal_mixture_scale`.
    sides : int
        1 or 2.

    References
    ----------
    Howard, Ramdas, McAuliffe, Sekhon (2021), Annals of Statistics 49(2), section 3.2 (conjugate mixtures).
    """
    from scipy import optimize, special

    total = variance + scale
    two_sided = math.sqrt(
        total * (math.log(total / scale) - 2 * math.log(alpha if sides == 2 else 2 * alpha))
    )
    if sides == 2:
        return two_sided

    def gap(s: float) -> float:
        tail = float(special.log_ndtr(s / math.sqrt(total)))
        return 0.5 * math.log(4 * scale / total) + s * s / (2 * total) + tail + math.log(alpha)

    return float(optimize.brentq(gap, 0.0, two_sided + 10 * math.sqrt(total), xtol=1e-12 * two_sided))


def proportion_sequence(successes: int, trials: int, alpha: float, horizon: float) -> tuple[float, float]:
    """Interval of one proportion that holds at every look, exact for 0/1 data.

    All proportions that a beta mixture around them, as heavy as the horizon asks, does not contradict.

    Parameters
    ----------
    successes, trials : int
        Up to now.
    horizon : float
        Trials at which the interval should be shortest; fixed in advance.

    Raises
    ------
    NotEstimable
        With no trials.

    References
    ----------
    Robbins (1970), Annals of Mathematical Statistics 41(5), 1397-1409; Howard, Ramdas, McAuliffe, Sekhon
    (2021), Annals of Statistics 49(2), 1055-1080, section 3.2, the two-sided beta-binomial mixture.
    """
    from scipy import optimize

    if trials < 1:
        raise NotEstimable("no trials")
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
    weight = max(horizon / tuning(alpha) - 1, 1e-3)

    def gap(p: float) -> float:
        return log_dirichlet_ratio((successes, trials - successes), (p, 1 - p), weight) + math.log(alpha)

    center, edge = (successes + 0.5) / (trials + 1), 1e-12
    low = 0.0 if gap(edge) <= 0 else float(optimize.brentq(gap, edge, center, xtol=1e-13))
    high = 1.0 if gap(1 - edge) <= 0 else float(optimize.brentq(gap, center, 1 - edge, xtol=1e-13))
    return low, high
