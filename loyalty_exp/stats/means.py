"""Means of one or several outcomes in an arm, plain or adjusted for covariates known before assignment."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.arm_means import ArmMeans, OneMean, enough_units, one_mean, plain
from loyalty_exp.stats.moments import NOISE, SLACK, Matrix, Moments, Vector, checked, without_noise
from loyalty_exp.stats.slopes import Slope, pseudo_inverse, slopes

__all__ = ["ArmMeans", "OneMean", "adjusted", "cuped", "enough_units", "lin", "plain"]


def cuped(
    treated: Moments,
    control: Moments,
    outcomes: Sequence[str],
    covariates: str | Sequence[str],
    slope: Slope = "merged",
) -> tuple[ArmMeans, ArmMeans]:
    """Means adjusted for covariates with slopes common to both arms.

    Covariates are centered on their means over both arms merged. A constant covariate leaves the means as
    they are. The variance is that of the adjusted outcome in each arm (divisor ``n - 1``), so it allows for
    arms that vary unequally; that the slope is estimated is not counted, which matters for a dozen units, not
    for hundreds.

    Parameters
    ----------
    treated, control : Moments
        With the outcomes and the covariates among their columns.
    outcomes : sequence of str, length k
        Each gets its own slopes; the covariance between the adjusted outcomes is kept.
    covariates : str or sequence of str
    slope : str
        ``merged``: the regression over both arms merged (CUPED). ``within``: the slope of analysis of
        covariance.

    Raises
    ------
    NotEstimable
        With no unit or one unit in an arm.
    ValueError
        For moments that no data can have.

    References
    ----------
    Deng, Xu, Kohavi, Walker (2013), Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data, WSDM, equations 4 and 5.
    """
    enough_units(treated, control)
    names = (covariates,) if isinstance(covariates, str) else tuple(covariates)
    if len(names) == len(outcomes) == 1 and slope == "merged":
        return _cuped_one(treated, control, outcomes[0], names[0])
    columns = (*outcomes, *names)
    t, c = checked(treated.select(columns)), checked(control.select(columns))
    theta = slopes(t, c, outcomes, names, slope)
    center = (t + c).mean[len(outcomes) :]
    return _shifted(without_noise(t), theta, center), _shifted(without_noise(c), theta, center)


def lin(
    treated: Moments, control: Moments, outcomes: Sequence[str], covariates: Sequence[str]
) -> tuple[ArmMeans, ArmMeans]:
    """Means adjusted for several covariates with slopes of each arm's own.

    Each arm's regression is evaluated at the covariate means over both arms merged. The variance is the
    classical one of each arm's regression (divisor ``n - 1 - rank``), so it equals ordinary least squares run
    arm by arm: it allows for arms that vary unequally, and for leverage, as HC2 does, but not for a variance
    that changes with the covariates. For that one the rows are needed: :mod:`loyalty_exp.stats.regression`.

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
    ValueError
        For moments that no data can have.

    References
    ----------
    Lin (2013), Agnostic notes on regression adjustments to experimental data, Annals of Applied Statistics
    7(1), 295-318, the regression with interactions.
    """
    enough_units(treated, control)
    columns = (*outcomes, *covariates)
    t, c = checked(treated.select(columns)), checked(control.select(columns))
    target = (t + c).mean[len(outcomes) :]
    k = len(outcomes)
    return _regressed(without_noise(t), k, target), _regressed(without_noise(c), k, target)


def adjusted(
    treated: Moments, control: Moments, outcomes: Sequence[str], covariates: Sequence[str]
) -> tuple[ArmMeans, ArmMeans]:
    """Means by the method the number of covariates calls for: none plain, one CUPED, several Lin."""
    if not covariates:
        enough_units(treated, control)
        if len(outcomes) == 1:
            return one_mean(treated, outcomes[0]), one_mean(control, outcomes[0])
        return plain(treated, outcomes), plain(control, outcomes)
    if len(covariates) == 1:
        return cuped(treated, control, outcomes, covariates[0])
    return lin(treated, control, outcomes, covariates)


def _cuped_one(treated: Moments, control: Moments, outcome: str, covariate: str) -> tuple[ArmMeans, ArmMeans]:
    """One outcome and one covariate, in plain numbers."""
    n_t, y_t, x_t, yy_t, xy_t, xx_t = _pair(treated, outcome, covariate)
    n_c, y_c, x_c, yy_c, xy_c, xx_c = _pair(control, outcome, covariate)
    n = n_t + n_c
    gap, weight = x_c - x_t, n_t * n_c / n
    center = x_t + gap * (n_c / n)
    xx = xx_t + xx_c + gap * gap * weight
    if xx <= n * (NOISE * center) ** 2:
        return one_mean(treated, outcome), one_mean(control, outcome)
    theta = (xy_t + xy_c + gap * (y_c - y_t) * weight) / xx
    rest_t, rest_c = yy_t + theta * (theta * xx_t - 2 * xy_t), yy_c + theta * (theta * xx_c - 2 * xy_c)
    v_t = rest_t / ((n_t - 1) * n_t) if rest_t > NOISE * yy_t else 0.0
    v_c = rest_c / ((n_c - 1) * n_c) if rest_c > NOISE * yy_c else 0.0
    return (
        OneMean(n_t, outcome, y_t - theta * (x_t - center), v_t),
        OneMean(n_c, outcome, y_c - theta * (x_c - center), v_c),
    )


def _pair(arm: Moments, outcome: str, covariate: str) -> tuple[int, float, float, float, float, float]:
    """``n, mean y, mean x, Syy, Sxy, Sxx`` of one arm, checked, without rounding noise."""
    i, j = arm.columns.index(outcome), arm.columns.index(covariate)
    n, at, cross = arm.n, arm.mean.item, arm.comoment.item
    y, x, yy, xy, xx = at(i), at(j), cross(i, i), cross(i, j), cross(j, j)
    if not (yy >= 0 and xx >= 0 and xy * xy <= yy * xx * (1 + SLACK) and isfinite(y + x + yy + xx)):
        # Either wrong, or rounding: the careful check tells.
        checked(arm.select((outcome, covariate)))
    if yy <= n * (NOISE * y) ** 2:
        yy = xy = 0.0
    if xx <= n * (NOISE * x) ** 2:
        xx = xy = 0.0
    return n, y, x, yy, xy, xx


def _shifted(arm: Moments, theta: Matrix, center: Vector) -> ArmMeans:
    """Subtract ``(covariates - center) @ theta`` from the outcomes of one arm; ``theta`` has shape (q, k)."""
    k = theta.shape[1]
    syy, sxy, sxx = arm.comoment[:k, :k], arm.comoment[k:, :k], arm.comoment[k:, k:]
    cross = theta.T @ sxy
    residual = syy - cross - cross.T + theta.T @ sxx @ theta
    covariance = _settled(residual, syy) / ((arm.n - 1) * arm.n)
    mean = arm.mean[:k] - (arm.mean[k:] - center) @ theta
    return ArmMeans(arm.n, arm.columns[:k], mean, covariance, arm.n - 1.0)


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


def _settled(residual: Matrix, total: Matrix) -> Matrix:
    """Set residual variances that are rounding error of the total to exactly 0."""
    gone = np.diag(residual) <= NOISE * np.diag(total)
    out = residual.copy()
    out[gone, :] = 0.0
    out[:, gone] = 0.0
    return out
