"""Means of one arm each with unknown mean and variance: the conjugate normal-inverse-gamma model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.bayes.quadrature import bounded
from loyalty_exp.stats.distributions import t_quantile
from loyalty_exp.stats.moments import Moments


@dataclass(frozen=True, slots=True)
class NormalGamma:
    """A belief: ``variance ~ InvGamma(alpha, beta)`` and, given it, ``mean ~ N(m, variance / kappa)``.

    Attributes
    ----------
    m : float
        In the unit of the metric.
    kappa : float
        Units the belief about the mean is worth.
    alpha : float
        Half the degrees of freedom of the belief about the variance.
    beta : float
        In the unit of the metric squared.
    """

    m: float
    kappa: float
    alpha: float
    beta: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.m) and self.kappa > 0 and self.alpha > 0 and self.beta > 0):
            raise ValueError("kappa, alpha and beta are positive, and m is finite")

    @property
    def df(self) -> float:
        """Degrees of freedom of the t distribution of the mean."""
        return 2 * self.alpha

    @property
    def scale(self) -> float:
        """Scale of the t distribution of the mean, in the unit of the metric."""
        return math.sqrt(self.beta / (self.alpha * self.kappa))


@dataclass(frozen=True, slots=True)
class MeanPosterior:
    """Belief about one arm after the data, with the prior to be printed beside it."""

    belief: NormalGamma
    prior: NormalGamma


def posterior(moments: Moments, column: str, prior: NormalGamma) -> MeanPosterior:
    """Join the moments of one arm with a prior; with no unit the prior stands.

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 3.3, with alpha = nu / 2 and
    beta = nu sigma^2 / 2.
    """
    n = moments.n
    if n == 0:
        return MeanPosterior(prior, prior)
    i = moments.columns.index(column)
    gap = moments.mean_of(column) - prior.m
    kappa = prior.kappa + n
    squares = float(moments.comoment[i, i]) + prior.kappa * n / kappa * gap * gap
    belief = NormalGamma(prior.m + n / kappa * gap, kappa, prior.alpha + n / 2, prior.beta + squares / 2)
    return MeanPosterior(belief, prior)


def interval(arm: MeanPosterior, alpha: float) -> tuple[float, float]:
    """Central interval of the mean, of probability ``1 - alpha``."""
    half = t_quantile(1 - alpha / 2, arm.belief.df) * arm.belief.scale
    return arm.belief.m - half, arm.belief.m + half


def probability_better(treated: MeanPosterior, control: MeanPosterior) -> float:
    """Probability that the treated mean is the higher one: two t distributions, by quadrature.

    ``P(better) = integral f_treated F_control``, over a line on which both densities are smooth.

    Raises
    ------
    NotEstimable
        If the scales are too far apart for the quadrature.
    """
    from scipy import special

    t, c = treated.belief, control.belief
    if not 1e-6 < t.scale / c.scale < 1e6:
        raise NotEstimable("one arm varies more than a million times as much as the other")
    sharp, wide, sign = (t, c, 1.0) if t.scale <= c.scale else (c, t, -1.0)
    gap = (sharp.m - wide.m) / wide.scale
    # Over the quantiles of the sharper arm, each half from its tail to the middle: no end is rounded to 1.
    tail, weight = bounded(0.0, 0.5)
    outward = np.asarray(special.stdtrit(sharp.df, np.maximum(tail, 1e-300)))
    ratio = sharp.scale / wide.scale
    below = weight @ special.stdtr(wide.df, sign * (gap + ratio * outward))
    above = weight @ special.stdtr(wide.df, sign * (gap - ratio * outward))
    return float(below + above)
