"""Maximum likelihood for positive parameters: search over their logarithms, errors from the curvature."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.moments import Matrix, Vector

LIMIT = 12.0
"""An estimate more than ``exp(12)`` times the scale of the data, or less than its inverse, has run away."""

_STEP = 1e-4
_FLAT = 1e-6

Likelihood = Callable[[Vector], tuple[float, Vector]]


@dataclass(frozen=True, slots=True, eq=False)
class LikelihoodFit:
    """Parameters at the top of a likelihood.

    Attributes
    ----------
    parameters : array, shape (p,)
        Positive.
    covariance : array, shape (p, p), or None
        Inverse of the observed information, on the scale of the parameters; None where it was not asked for.
    log_likelihood : float
        Of all units together.
    """

    parameters: Vector
    covariance: Matrix | None
    log_likelihood: float

    @property
    def std_errors(self) -> Vector:
        """Root of the diagonal of the covariance.

        Shape (p,), in the order of the parameters.

        Raises
        ------
        NotEstimable
            For a fit without a covariance.
        """
        if self.covariance is None:
            raise NotEstimable("this fit gives no standard errors")
        return np.asarray(np.sqrt(np.diag(self.covariance)))


def maximize(
    likelihood: Likelihood,
    start: Sequence[float],
    weight: float,
    names: Sequence[str],
    determined: bool = True,
) -> LikelihoodFit:
    """Find the top of a likelihood in positive parameters.

    Parameters
    ----------
    likelihood : function
        From parameters to the log-likelihood and its gradient, both on the scale of the parameters. Data
        should be scaled so that parameters near 1 are ordinary.
    start : sequence of float, length p
    weight : float
        Units in the likelihood; the search works with the average over them.
    names : sequence of str, length p
        For reasons in words.
    determined : bool
        Whether the data must determine every parameter. A resample of them may leave one at its limit, where
        predictions still stand; such a fit has no covariance.

    Raises
    ------
    NotEstimable
        When a parameter runs off to 0 or infinity, or the top is flat: the data do not tell the parameters
        apart.

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, 2nd ed., algorithms 6.1 (BFGS) and 7.5 (within limits);
    Efron & Hinkley (1978), Assessing the accuracy of the maximum likelihood estimator: observed versus
    expected Fisher information, Biometrika 65, 457-482.
    """
    from scipy import optimize

    def downhill(log_theta: Vector) -> tuple[float, Vector]:
        theta = np.exp(np.clip(log_theta, -2 * LIMIT, 2 * LIMIT))
        value, gradient = likelihood(theta)
        return -value / weight, -gradient * theta / weight

    # Rounding of the sum limits how small the gradient can get: whether this is the top is judged below.
    options = {"gtol": 1e-7 if determined else 1e-6, "maxiter": 500}
    found = optimize.minimize(downhill, np.log(start), jac=True, method="BFGS", options=options)
    at = np.asarray(found.x, dtype=np.float64)
    far = np.abs(at) > LIMIT
    if not determined:
        if far.any():
            limits = [(-LIMIT, LIMIT)] * len(at)
            found = optimize.minimize(downhill, np.log(start), jac=True, method="L-BFGS-B", bounds=limits)
        if not np.isfinite(found.fun):
            raise NotEstimable("the likelihood has no maximum")
        return LikelihoodFit(np.exp(found.x), None, -float(found.fun) * weight)
    if far.any() or not np.isfinite(found.fun):
        which = " and ".join(n for n, f in zip(names, far, strict=True) if f) or "the likelihood"
        raise NotEstimable(f"{which} runs off without end: these data do not fit the model")
    gradient = downhill(at)[1]
    curvature = _curvature(lambda x: downhill(x)[1], at)
    eigenvalues = np.linalg.eigvalsh(curvature)
    if eigenvalues[0] <= _FLAT * max(eigenvalues[-1], 1e-3):
        raise NotEstimable("the likelihood is flat: these data do not tell the parameters apart")
    step = np.linalg.solve(curvature, gradient)
    if np.abs(step).max() > 1e-3:
        raise NotEstimable("no maximum of the likelihood was found")
    theta = np.exp(at - step)  # one Newton step, for the last digits
    covariance = np.linalg.inv(curvature) / weight * np.outer(theta, theta)
    return LikelihoodFit(theta, covariance, likelihood(theta)[0])


def _curvature(gradient: Callable[[Vector], Vector], at: Vector) -> Matrix:
    """Second derivatives by central differences of the gradient, made symmetric."""
    rows = []
    for i in range(len(at)):
        shift = np.zeros(len(at))
        shift[i] = _STEP
        rows.append((gradient(at + shift) - gradient(at - shift)) / (2 * _STEP))
    h = np.array(rows)
    return np.asarray((h + h.T) / 2)


def rescaled(fit: LikelihoodFit, factors: Sequence[float], log_shift: float) -> LikelihoodFit:
    """Bring a fit of scaled data back: parameters times factors, log-likelihood plus a constant.

    Parameters
    ----------
    factors : sequence of float
        By which each parameter is multiplied.
    log_shift : float
        Added to the log-likelihood.
    """
    k = np.asarray(factors, dtype=np.float64)
    if not all(math.isfinite(f) and f > 0 for f in k):
        raise ValueError("scale factors are positive")
    covariance = None if fit.covariance is None else fit.covariance * np.outer(k, k)
    return LikelihoodFit(fit.parameters * k, covariance, fit.log_likelihood + log_shift)
