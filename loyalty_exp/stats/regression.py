"""Regression adjustment from the rows themselves, with variances that hold whatever the scatter looks like.

The means in :mod:`loyalty_exp.stats.means` need only sums of products; the sandwich variances here need every
residual with its leverage, and so the rows.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import known
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.moments import Matrix, Vector

Variance = Literal["classical", "HC0", "HC1", "HC2", "HC3"]


def regress(
    outcome: npt.ArrayLike,
    treated: npt.ArrayLike,
    covariates: npt.ArrayLike,
    alpha: float,
    interacted: bool = True,
    variance: Variance = "HC2",
) -> Difference:
    """Difference of the arms adjusted for covariates by least squares.

    Parameters
    ----------
    outcome : array, shape (n,)
    treated : array of bool, shape (n,)
    covariates : array, shape (n, q) or (n,)
        Known before assignment. Constant ones are dropped, collinear ones count once.
    alpha : float
        Two-sided.
    interacted : bool
        Slopes of each arm's own (Lin); otherwise slopes common to both (analysis of covariance).
    variance : str
        ``classical`` takes one variance for all units; HC0 to HC3 do not.

    Raises
    ------
    NotEstimable
        With no unit or one unit in an arm, or with no more units than coefficients.
    ValueError
        For values that are not finite, or shapes that do not agree.

    References
    ----------
    Lin (2013), Agnostic notes on regression adjustments to experimental data, Annals of Applied Statistics
    7(1), 295-318, section 4; MacKinnon & White (1985), Some heteroskedasticity-consistent covariance matrix
    estimators, Journal of Econometrics 29, 305-325 (HC0 to HC3).
    """
    y, arm = np.asarray(outcome, dtype=np.float64), np.asarray(treated, dtype=bool)
    x = np.asarray(covariates, dtype=np.float64).reshape(len(y), -1)
    if arm.shape != y.shape or not (np.isfinite(y).all() and np.isfinite(x).all()):
        raise ValueError("regression needs finite values, one arm and one row of covariates a unit")
    for side, name in ((arm, "the treatment arm"), (~arm, "the control arm")):
        if side.sum() < 2:
            raise NotEstimable(f"{'one unit' if side.any() else 'no units'} in {name}")
    x = x - x.mean(axis=0)
    d = arm.astype(np.float64)[:, None]
    design = np.hstack([np.ones_like(d), d, x, d * x] if interacted else [np.ones_like(d), d, x])
    design[:, 2:] = _scaled(design[:, 2:])
    inverse = np.linalg.pinv(design.T @ design, rcond=1e-10, hermitian=True)
    df = len(y) - round(float(np.trace(inverse @ design.T @ design)))
    if df < 1:
        raise NotEstimable(f"{len(y)} units are too few for {len(y) - df} coefficients")
    coefficients = inverse @ design.T @ y
    residual = y - design @ coefficients
    squared = _square(design, inverse, residual, df, variance)
    if squared <= 1e-24 * float(y @ y) / len(y):
        squared = 0.0
    return known(float(coefficients[1]), math.sqrt(squared), alpha, float(df))


def missing_indicator(covariate: npt.ArrayLike) -> Matrix:
    """Split a covariate with gaps into one without, and a column that marks the gaps.

    Adjusting for both gives units without a history a level of their own: they are neither dropped nor taken
    to have spent nothing. What fills the gaps does not matter then; it is the mean of the others.

    Parameters
    ----------
    covariate : array, shape (n,)
        Missing where not a number.

    Returns
    -------
    array, shape (n, 2)

    Raises
    ------
    NotEstimable
        When all are missing.

    References
    ----------
    Zhao & Ding (2024), To adjust or not to adjust? Estimating the average treatment effect in randomized
    experiments with missing covariates, JASA 119, 450-460, section 3 (missingness indicator method).
    """
    x = np.asarray(covariate, dtype=np.float64)
    missing = np.isnan(x)
    if missing.all():
        raise NotEstimable("the covariate is missing for all units")
    filled: Matrix = np.column_stack([np.where(missing, x[~missing].mean(), x), missing.astype(np.float64)])
    return filled


def _square(design: Matrix, inverse: Matrix, residual: Vector, df: int, variance: str) -> float:
    """Variance of the second coefficient."""
    if variance == "classical":
        return float(residual @ residual / df * inverse[1, 1])
    if variance not in ("HC0", "HC1", "HC2", "HC3"):
        raise ValueError(f"the variance is classical, HC0, HC1, HC2 or HC3, not {variance}")
    pull = design @ inverse[1]
    weight = np.ones(len(residual))
    if variance == "HC1":
        weight *= len(residual) / df
    if variance in ("HC2", "HC3"):
        rest = 1 - np.einsum("ij,jk,ik->i", design, inverse, design)
        if rest.min() < 1e-9:
            raise NotEstimable("one unit alone decides a coefficient, so its residual says nothing")
        weight = 1 / rest if variance == "HC2" else 1 / rest**2
    return float((pull * pull * residual * residual) @ weight)


def _scaled(x: Matrix) -> Matrix:
    """Columns brought to length 1; constant ones to 0."""
    size = np.sqrt((x * x).sum(axis=0))
    found: Matrix = np.where(size > 0, x / np.where(size > 0, size, 1.0), 0.0)
    return found
