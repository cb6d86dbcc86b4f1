"""Cox's proportional hazards with covariates known before assignment, on rows; a secondary reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.partial_likelihood import Ties
from loyalty_exp.stats.survival import normal_difference


@dataclass(frozen=True, slots=True)
class CoxFit:
    """Coefficients of Cox's model.

    Attributes
    ----------
    n, events : int
        Units, and those with the event.
    columns : tuple of str, length q
    log_ratios : tuple of Difference, length q
        Natural logarithm of the hazard ratio for one unit of each column, with Wald's interval and p-value.
    log_likelihood : float
        Partial, at the estimate.
    """

    n: int
    events: int
    columns: tuple[str, ...]
    log_ratios: tuple[Difference, ...]
    log_likelihood: float

    def log_ratio(self, column: str) -> Difference:
        """Log hazard ratio of one column."""
        return self.log_ratios[self.columns.index(column)]


def cox(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    covariates: Mapping[str, npt.ArrayLike],
    alpha: float,
    ties: Ties = "efron",
) -> CoxFit:
    """Fit Cox's model by ``statsmodels``. For the arm alone :func:`.hazard_ratio.hazard_ratio` needs no rows.

    Parameters
    ----------
    time : array, shape (n,)
        Days to the event or to the end of follow-up.
    event : array of bool or 0/1, shape (n,)
    covariates : mapping of name to array, each of shape (n,)
        The arm as 0/1 among them.
    alpha : float
        Two-sided.
    ties : str
        ``efron`` or ``breslow``.

    Raises
    ------
    NotEstimable
        Without an event, when the covariates are collinear or constant, or when the likelihood has no
        maximum.
    ValueError
        For lengths that differ, values that are not finite, or events other than 0 and 1.

    References
    ----------
    Cox (1972), JRSS B 34, 187-220; Efron (1977), JASA 72, 557-565; Breslow (1974), Biometrics 30, 89-99;
    ties as in Therneau & Grambsch (2000), Modeling Survival Data, section 3.3.
    """
    t, d = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=np.float64)
    columns = tuple(covariates)
    if not columns or any(np.shape(v) != t.shape for v in (d, *covariates.values())):
        raise ValueError("at least one covariate, and as many values as times")
    x = np.column_stack([np.asarray(covariates[c], dtype=np.float64) for c in columns])
    if not (np.isfinite(x).all() and np.isfinite(t).all() and np.isin(d, (0, 1)).all()):
        raise ValueError("times and covariates must be finite, events 0 or 1")
    if not d.any():
        raise NotEstimable("no event came to any unit")
    scale = x.std(axis=0)
    if (scale <= 1e-12 * np.abs(x).max(axis=0)).any():
        raise NotEstimable("a covariate is the same for all units")
    standard = (x - x.mean(axis=0)) / scale
    if np.linalg.matrix_rank(standard) < len(columns):
        raise NotEstimable("the covariates are collinear")
    beta, covariance, likelihood = _fitted(t, d, standard, ties)
    found = tuple(
        normal_difference(float(b / s), float(np.sqrt(v) / s), alpha)
        for b, v, s in zip(beta, np.diag(covariance), scale, strict=True)
    )
    return CoxFit(len(t), int(d.sum()), columns, found, likelihood)


def _fitted(t: Any, d: Any, x: Any, ties: Ties) -> tuple[Any, Any, float]:
    """Coefficients on the standardized scale, their covariance, and the log-likelihood."""
    from statsmodels.duration.hazard_regression import PHReg

    model = PHReg(t, x, status=d, ties=ties)
    beta = np.zeros(x.shape[1])
    for _ in range(50):
        information = -np.asarray(model.hessian(beta))
        if np.linalg.matrix_rank(information, tol=1e-9 * len(t)) < len(beta):
            raise NotEstimable("the covariates separate the units with events from those without")
        step = np.linalg.solve(information, model.score(beta))
        # Halve a step that would lower the likelihood; it is concave, so this settles.
        now = model.loglike(beta)
        for _ in range(30):
            if model.loglike(beta + step) >= now - 1e-10 * abs(now):
                break
            step = step / 2
        beta = beta + step
        if np.abs(beta).max() > 25:
            break
        if np.abs(step).max() <= 1e-12 * (1 + np.abs(beta).max()):
            return beta, np.linalg.inv(-np.asarray(model.hessian(beta))), float(model.loglike(beta))
    raise NotEstimable("the likelihood has no maximum: a covariate orders all the events")
