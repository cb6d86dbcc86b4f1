"""Means of one or several outcomes in an arm, plain or adjusted for covariates known before assignment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.moments import Matrix, Moments, Vector

_NOISE = 1e-12
"""A standard deviation below this fraction of the mean is rounding error: the column is constant."""


@dataclass(frozen=True, slots=True, eq=False)
class ArmMeans:
    """Means of k outcomes in one arm, and how sure we are of them.

    Attributes
    ----------
    n : int
        Units in the arm.
    columns : tuple of str, length k
    mean : array, shape (k,)
        Each in the unit of its outcome.
    covariance : array, shape (k, k)
        Covariance of the means themselves, already divided by n.
    df : float
        Degrees of freedom of the variance estimate.
    """

    n: int
    columns: tuple[str, ...]
    mean: Vector
    covariance: Matrix
    df: float

    def at(self, column: str) -> tuple[float, float]:
        """Mean of one outcome, and the variance of that mean."""
        i = self.columns.index(column)
        return float(self.mean[i]), float(self.covariance[i, i])

    def select(self, column: str) -> ArmMeans:
        """One outcome alone."""
        i = self.columns.index(column)
        return ArmMeans(self.n, (column,), self.mean[[i]], self.covariance[np.ix_([i], [i])], self.df)


def plain(moments: Moments, outcomes: Sequence[str]) -> ArmMeans:
    """Sample means.

    Parameters
    ----------
    moments : Moments
        Of one arm.
    outcomes : sequence of str, length k

    Raises
    ------
    NotEstimable
        With no unit or one unit.

    References
    ----------
    Welch (1947), The generalization of Student's problem when several different population variances are
    involved, Biometrika 34, 28-35: variances are kept apart by arm.
    """
    enough_units(moments)
    chosen = _without_noise(moments.select(tuple(outcomes)))
    covariance = chosen.comoment / ((chosen.n - 1) * chosen.n)
    return ArmMeans(chosen.n, chosen.columns, chosen.mean, covariance, float(chosen.n - 1))


def cuped(
    treated: Moments, control: Moments, outcomes: Sequence[str], covariate: str
) -> tuple[ArmMeans, ArmMeans]:
    """Means adjusted for one covariate with a slope common to both arms.

    The slope is the regression of the outcome on the covariate over both arms merged; the covariate is
    centered on its mean over both arms merged. A constant covariate leaves the means as they are.

    Parameters
    ----------
    treated, control : Moments
        With the outcomes and the covariate among their columns.
    outcomes : sequence of str, length k
        Each gets its own slope; the covariance between the adjusted outcomes is kept.
    covariate : str

    Raises
    ------
    NotEstimable
        With no unit or one unit in an arm.

    References
    ----------
    Deng, Xu, Kohavi, Walker (2013), Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data, WSDM, equations 4 and 5.
    """
    enough_units(treated, control)
    columns = (*outcomes, covariate)
    t, c = treated.select(columns), control.select(columns)
    merged = _without_noise(t + c)
    k = len(outcomes)
    if merged.comoment[k, k] <= 0:
        return plain(treated, outcomes), plain(control, outcomes)
    theta = merged.comoment[:k, k] / merged.comoment[k, k]
    center = float(merged.mean[k])
    return _shifted(_without_noise(t), theta, center), _shifted(_without_noise(c), theta, center)


def lin(
    treated: Moments, control: Moments, outcomes: Sequence[str], covariates: Sequence[str]
) -> tuple[ArmMeans, ArmMeans]:
    """Means adjusted for several covariates with slopes of each arm's own.

    Each arm's regression is evaluated at the covariate means over both arms merged. The variance is the
    classical one of each arm's regression (divisor ``n - 1 - rank``), so it equals ordinary least squares run
    arm by arm, and is close to the HC2 variance of the interacted regression over both arms.

    Parameters
    ----------
    treated, control : Moments
    outcomes : sequence of str, length k
    covariates : sequence of str, length q
        Collinear ones are used as far as they differ; the rank is what counts.

    Raises
    ------
    NotEstimable
        With no unit or one unit in an arm, or with no more units than coefficients.

    References
    ----------
    Lin (2013), Agnostic notes on regression adjustments to experimental data, Annals of Applied Statistics
    7(1), 295-318, equation 2.
    """
    enough_units(treated, control)
    columns = (*outcomes, *covariates)
    t, c = treated.select(columns), control.select(columns)
    target = (t + c).mean[len(outcomes) :]
    k = len(outcomes)
    return _regressed(_without_noise(t), k, target), _regressed(_without_noise(c), k, target)


def adjusted(
    treated: Moments, control: Moments, outcomes: Sequence[str], covariates: Sequence[str]
) -> tuple[ArmMeans, ArmMeans]:
    """Means by the method the number of covariates calls for: none plain, one CUPED, several Lin."""
    if not covariates:
        enough_units(treated, control)
        return plain(treated, outcomes), plain(control, outcomes)
    if len(covariates) == 1:
        return cuped(treated, control, outcomes, covariates[0])
    return lin(treated, control, outcomes, covariates)


def _shifted(arm: Moments, theta: Vector, center: float) -> ArmMeans:
    """Subtract ``theta * (covariate - center)`` from every outcome of one arm."""
    k = len(theta)
    syy, sxy, sxx = arm.comoment[:k, :k], arm.comoment[:k, k], arm.comoment[k, k]
    residual = syy - np.outer(theta, sxy) - np.outer(sxy, theta) + np.outer(theta, theta) * sxx
    covariance = _settled(residual, syy) / ((arm.n - 1) * arm.n)
    mean = arm.mean[:k] - theta * (arm.mean[k] - center)
    return ArmMeans(arm.n, arm.columns[:k], mean, covariance, float(arm.n - 1))


def _regressed(arm: Moments, k: int, target: Vector) -> ArmMeans:
    """Regress the first k columns of one arm on the others, and evaluate at ``target``."""
    syy, sxy, sxx = arm.comoment[:k, :k], arm.comoment[k:, :k], arm.comoment[k:, k:]
    inverse, rank = pseudo_inverse(sxx)
    df = arm.n - 1 - rank
    if df < 1:
        raise NotEstimable(f"{arm.n} units in an arm are too few for {rank} covariates")
    beta = inverse @ sxy
    gap = target - arm.mean[k:]
    residual = _settled(syy - sxy.T @ beta, syy)
    covariance = residual / df * (1 / arm.n + float(gap @ inverse @ gap))
    return ArmMeans(arm.n, arm.columns[:k], arm.mean[:k] + gap @ beta, covariance, float(df))


def pseudo_inverse(matrix: Matrix) -> tuple[Matrix, int]:
    """Inverse of a covariance-like matrix on the space it spans, and the dimension of that space.

    References
    ----------
    Penrose (1955), A generalized inverse for matrices, Proceedings of the Cambridge Philosophical Society 51,
    406-413; computed on the correlation scale, eigenvalues below 1e-10 of the largest counting as 0.
    """
    scale = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    unit = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(matrix / np.outer(unit, unit))
    keep = values > 1e-10 * max(float(values.max(initial=0.0)), 0.0)
    inverse = (vectors[:, keep] / values[keep]) @ vectors[:, keep].T
    return inverse / np.outer(unit, unit), int(keep.sum())


def _settled(residual: Matrix, total: Matrix) -> Matrix:
    """Set residual variances that are rounding error of the total to exactly 0."""
    gone = np.diag(residual) <= 1e-12 * np.diag(total)
    out = residual.copy()
    out[gone, :] = 0.0
    out[:, gone] = 0.0
    return out


def _without_noise(moments: Moments) -> Moments:
    """Set the variance of columns that are constant up to rounding to exactly 0."""
    floor = moments.n * (_NOISE * np.abs(moments.mean)) ** 2
    constant = np.diag(moments.comoment) <= floor
    if not constant.any():
        return moments
    comoment = moments.comoment.copy()
    comoment[constant, :] = 0.0
    comoment[:, constant] = 0.0
    return Moments(moments.n, moments.columns, moments.mean, comoment)


def enough_units(*arms: Moments | ArmMeans) -> None:
    """Refuse arms of fewer than two units, in words; of two arms the first is the treatment.

    Raises
    ------
    NotEstimable
        With no unit or one unit in an arm.
    """
    names = ("the treatment arm", "the control arm") if len(arms) == 2 else ("an arm",)
    for arm, name in zip(arms, names, strict=True):
        if arm.n < 1:
            raise NotEstimable(f"no units in {name}")
        if arm.n < 2:
            raise NotEstimable(f"one unit in {name}")
