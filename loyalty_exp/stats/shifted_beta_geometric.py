"""Shifted beta-geometric: how long members stay when each renews, or not, period after period.

Retention of a cohort rises with time without anyone changing her mind, because those likely to leave leave
first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.maximum_likelihood import LikelihoodFit, maximize
from loyalty_exp.stats.moments import Vector


@dataclass(frozen=True, slots=True)
class ShiftedBetaGeometric:
    """Parameters of the beta distribution of the probability of leaving at a renewal."""

    alpha: float
    beta: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.alpha + self.beta) and self.alpha > 0 and self.beta > 0):
            raise ValueError("alpha and beta are positive")


def fit_shifted_beta_geometric(members: Sequence[float]) -> LikelihoodFit:
    """Fit the two parameters, in the order ``alpha, beta``, to one cohort.

    Parameters
    ----------
    members : sequence of float, length periods + 1
        Members at the start and after each renewal; never rising. Shares of the cohort give the same
        estimates, but their standard errors are those of a cohort of that size.

    Raises
    ------
    NotEstimable
        When nobody left, or nobody stayed, or with fewer than two renewals.

    References
    ----------
    Fader & Hardie (2007), How to project customer retention, Journal of Interactive Marketing 21(1), 76-90,
    equations 5 and 6 and appendix B.
    """
    from scipy import special

    n = np.asarray(members, dtype=np.float64)
    if n.ndim != 1 or not len(n) or not (np.isfinite(n).all() and (n >= 0).all() and (np.diff(n) <= 0).all()):
        raise ValueError("members of a cohort are not negative and never rise")
    if len(n) < 3:
        raise NotEstimable("at least two renewals are needed")
    if n[-1] == n[0] or n[1] == 0:
        raise NotEstimable("nobody left" if n[-1] == n[0] else "nobody stayed")
    left, t, last = -np.diff(n), np.arange(1.0, len(n)), len(n) - 1.0

    def likelihood(theta: Vector) -> tuple[float, Vector]:
        a, b = theta
        base, psi = special.betaln(a, b), special.digamma
        log_left = special.betaln(a + 1, b + t - 1) - base
        log_stay = special.betaln(a, b + last) - base
        both = psi(a + b)
        d_a = psi(a + 1) - psi(a + b + t) - psi(a) + both
        d_b = psi(b + t - 1) - psi(a + b + t) - psi(b) + both
        stay_a, stay_b = both - psi(a + b + last), psi(b + last) - psi(a + b + last) - psi(b) + both
        gradient = np.array([left @ d_a + n[-1] * stay_a, left @ d_b + n[-1] * stay_b])
        return float(left @ log_left + n[-1] * log_stay), gradient

    return maximize(likelihood, (1.0, 1.0), float(n[0]), ("alpha", "beta"))


def retention_model_of(fit: LikelihoodFit) -> ShiftedBetaGeometric:
    """Name the parameters of a fit."""
    return ShiftedBetaGeometric(*(float(v) for v in fit.parameters))


def share_remaining(model: ShiftedBetaGeometric, periods: npt.ArrayLike) -> Vector:
    """Share of a cohort still there after so many renewals.

    Parameters
    ----------
    periods : array, any shape
        Renewals; what is returned has the same shape.

    References
    ----------
    Fader & Hardie (2007), Journal of Interactive Marketing 21(1), 76-90, equation 6.
    """
    from scipy import special

    t = np.asarray(periods, dtype=np.float64)
    base = special.betaln(model.alpha, model.beta)
    return np.asarray(np.exp(special.betaln(model.alpha, model.beta + t) - base))


def retention_rate(model: ShiftedBetaGeometric, period: npt.ArrayLike) -> Vector:
    """Share of those there after ``period - 1`` renewals who also make the next one.

    Parameters
    ----------
    period : array, any shape
        Counted from 1; what is returned has the same shape.

    References
    ----------
    Fader & Hardie (2007), Journal of Interactive Marketing 21(1), 76-90, equation 8.
    """
    t = np.asarray(period, dtype=np.float64)
    return np.asarray((model.beta + t - 1) / (model.alpha + model.beta + t - 1))


def expected_residual_lifetime(model: ShiftedBetaGeometric, survived: int, discount: float) -> float:
    """Discounted periods a member who has made ``survived`` renewals will still renew for (DERL).

    The next renewal counts in full, each later one is divided by one more ``1 + discount``.

    Parameters
    ----------
    survived : int
        Renewals made.
    discount : float
        A fraction a period.

    Raises
    ------
    NotEstimable
        Without discount when ``alpha`` is at most 1: the sum is infinite.

    References
    ----------
    Fader & Hardie (2010), Customer-base valuation in a contractual setting: the perils of ignoring
    heterogeneity, Marketing Science 29(1), 85-93, the closed form of discounted expected residual lifetime.
    """
    from scipy import special

    if survived < 0 or not discount >= 0:
        raise ValueError("renewals made and the discount are not negative")
    a, b = model.alpha, model.beta + survived
    if discount == 0:
        if a <= 1:
            raise NotEstimable("without discount the expected lifetime is infinite (alpha at most 1)")
        return b / (a - 1)
    return float(b / (a + b) * special.hyp2f1(1.0, b + 1, a + b + 1, 1 / (1 + discount)))
