"""Gamma-Gamma: what a customer spends at a purchase, shrunk towards all customers when she bought seldom.

It takes spend for independent of how often a customer buys: check
:func:`loyalty_exp.stats.purchase_history.frequency_value_correlation` and print it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.maximum_likelihood import LikelihoodFit, maximize, rescaled
from loyalty_exp.stats.moments import Vector

NAMES = ("p", "q", "gamma")


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """Parameters: spend is gamma with shape ``p``, its rate gamma with shape ``q`` and rate ``gamma``.

    ``gamma`` is in the unit of money.
    """

    p: float
    q: float
    gamma: float

    def __post_init__(self) -> None:
        if not all(np.isfinite(v) and v > 0 for v in (self.p, self.q, self.gamma)):
            raise ValueError("p, q and gamma are positive")


def spend_log_likelihood(
    model: GammaGamma, frequency: Vector, value: Vector, count: Vector
) -> tuple[float, Vector]:
    """Log-likelihood of mean spends, and its gradient in ``(p, q, gamma)``.

    Parameters
    ----------
    frequency, value, count : array, shape (n,)
        Purchases, mean spend a purchase in money, and customers, of each row; the gradient has shape (3,).

    References
    ----------
    Fader & Hardie (2013), The Gamma-Gamma model of monetary value, equation 1a.
    """
    from scipy import special

    p, q, gamma = model.p, model.q, model.gamma
    x, z = frequency, value
    lg, psi = special.gammaln, special.digamma
    total = np.log(gamma + x * z)
    shape = p * x
    each = lg(shape + q) - lg(shape) - lg(q) + q * np.log(gamma) + (shape - 1) * np.log(z)
    each = each + shape * np.log(x) - (shape + q) * total
    rows = (
        x * (psi(shape + q) - psi(shape) + np.log(z) + np.log(x) - total),
        psi(shape + q) - psi(q) + np.log(gamma) - total,
        q / gamma - (shape + q) / (gamma + x * z),
    )
    return float(count @ each), np.array([float(count @ g) for g in rows])


def fit_gamma_gamma(
    frequency: npt.ArrayLike,
    value: npt.ArrayLike,
    count: Vector | None = None,
    start: GammaGamma | None = None,
    determined: bool = True,
) -> LikelihoodFit:
    """Fit the three parameters, in the order ``p, q, gamma``.

    Parameters
    ----------
    frequency : array, shape (n,)
        Repeat purchases; customers with none say nothing and are left out.
    value : array, shape (n,)
        Mean money a repeat purchase, above 0 for those customers.
    count : array, shape (n,), optional
        Times each customer counts.
    start : GammaGamma, optional
    determined : bool
        As in :func:`~loyalty_exp.stats.maximum_likelihood.maximize`.

    Raises
    ------
    NotEstimable
        With fewer than three repeat customers, or data that do not determine the parameters.

    References
    ----------
    Fader & Hardie (2013), The Gamma-Gamma model of monetary value, equation 1a.
    """
    x, z = np.asarray(frequency, dtype=np.float64), np.asarray(value, dtype=np.float64)
    if x.shape != z.shape or not (x >= 0).all():
        raise ValueError("as many values as frequencies, and no frequency below 0")
    w = np.ones(len(x)) if count is None else np.asarray(count, dtype=np.float64)
    chosen = (x > 0) & (w > 0)
    x, z, w = x[chosen], z[chosen], w[chosen]
    if not ((z > 0) & np.isfinite(z)).all():
        raise ValueError("the spend model needs a mean spend above 0 for every repeat customer")
    if len(x) < 3:
        raise NotEstimable("fewer than three customers with a repeat purchase")
    if np.ptp(z) <= 1e-12 * z.max():
        raise NotEstimable("spend does not vary")
    n, unit = float(w.sum()), float(w @ z / w.sum())
    first = (2.0, 3.0, 1.0) if start is None else (start.p, start.q, start.gamma / unit)
    found = maximize(
        lambda v: spend_log_likelihood(GammaGamma(*v), x, z / unit, w), first, n, NAMES, determined
    )
    return rescaled(found, (1.0, 1.0, unit), -n * float(np.log(unit)))


def spend_model_of(fit: LikelihoodFit) -> GammaGamma:
    """Name the parameters of a fit."""
    return GammaGamma(*(float(v) for v in fit.parameters))


def mean_spend(model: GammaGamma) -> float:
    """Mean money a purchase over all customers.

    Raises
    ------
    NotEstimable
        For ``q`` of 1 or less, where the mean is infinite.

    References
    ----------
    Fader & Hardie (2013), The Gamma-Gamma model of monetary value: ``E(Z) = p gamma / (q - 1)``.
    """
    if model.q <= 1:
        raise NotEstimable("spend varies so much between customers that its mean is infinite (q at most 1)")
    return model.p * model.gamma / (model.q - 1)


def expected_spend(model: GammaGamma, frequency: npt.ArrayLike, value: npt.ArrayLike) -> Vector:
    """Money a purchase expected of each customer; the mean of all for those without a repeat purchase.

    Parameters
    ----------
    frequency, value : array, shape (n,)
        Purchases, and mean spend a purchase in money; what is returned has the same shape.

    References
    ----------
    Fader & Hardie (2013), equation 5.
    """
    x, z = np.asarray(frequency, dtype=np.float64), np.asarray(value, dtype=np.float64)
    mean_spend(model)
    return np.asarray(model.p * (model.gamma + x * z) / (model.p * x + model.q - 1))
