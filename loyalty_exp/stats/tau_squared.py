"""Variance of true effects between experiments, by four estimators; each is at least 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.moments import Vector

TauMethod = Literal["reml", "dl", "pm", "ml", "fixed"]

_STEPS = 1_000
_TOLERANCE = 1e-13
_GRID = 120


def dersimonian_laird(y: Vector, v: Vector) -> float:
    """Moment estimator in closed form.

    Parameters
    ----------
    y, v : array, shape (k,)
        Effects of k studies, and their variances.

    References
    ----------
    DerSimonian & Laird (1986), Controlled Clinical Trials 7, 177-188.
    """
    w = 1 / v
    total = float(w.sum())
    excess = _q(y, w) - (len(y) - 1)
    return max(excess / (total - float(w @ w) / total), 0.0)


def paule_mandel(y: Vector, v: Vector) -> float:
    """Solve ``Q(tau2) = k - 1``, by Newton's method from below, which cannot overshoot.

    Parameters
    ----------
    y, v : array, shape (k,)
        Effects of k studies, and their variances.

    Raises
    ------
    NotEstimable
        If the iteration does not converge.

    References
    ----------
    Paule & Mandel (1982), Journal of Research of the National Bureau of Standards 87, 377-385.
    """
    tau2 = 0.0
    for _ in range(_STEPS):
        w = 1 / (v + tau2)
        residual = y - float(w @ y) / float(w.sum())
        excess = float(w @ residual**2) - (len(y) - 1)
        if excess <= 0:
            return tau2
        step = excess / float(w**2 @ residual**2)
        tau2 += step
        if step <= _TOLERANCE * tau2:
            return tau2
    raise NotEstimable("the variance between effects did not converge (Paule-Mandel)")


def restricted_likelihood(y: Vector, v: Vector) -> float:
    """Restricted maximum likelihood.

    Parameters
    ----------
    y, v : array, shape (k,)
        Effects of k studies, and their variances.

    References
    ----------
    Viechtbauer (2005), Bias and efficiency of meta-analytic variance estimators in the random-effects model,
    Journal of Educational and Behavioral Statistics 30, 261-293 (REML).
    """
    return _maximum(y, v, restricted=True)


def likelihood(y: Vector, v: Vector) -> float:
    """Maximum likelihood; too small with few effects.

    Parameters
    ----------
    y, v : array, shape (k,)
        Effects of k studies, and their variances.

    References
    ----------
    Viechtbauer (2005), Journal of Educational and Behavioral Statistics 30, 261-293 (ML).
    """
    return _maximum(y, v, restricted=False)


def _maximum(y: Vector, v: Vector, restricted: bool) -> float:
    """Find the highest point of the likelihood, which may have several peaks: a grid, then bisection."""
    low, high = 1e-4 * float(v.min()), 4 * float(np.ptp(y)) ** 2
    if high <= low:
        return 0.0
    grid = np.concatenate([[0.0], np.geomspace(low, high, _GRID)])
    best = int(np.argmax([_log_likelihood(t, y, v, restricted) for t in grid]))
    rising = _score(float(grid[best]), y, v, restricted) > 0
    if best == 0 and not rising:
        return 0.0
    left, right = (best, min(best + 1, _GRID)) if rising else (best - 1, best)
    lower, upper = float(grid[left]), float(grid[right])
    while upper - lower > _TOLERANCE * (upper + float(v.min())):
        middle = (lower + upper) / 2
        if _score(middle, y, v, restricted) > 0:
            lower = middle
        else:
            upper = middle
    return (lower + upper) / 2


def _log_likelihood(tau2: float, y: Vector, v: Vector, restricted: bool) -> float:
    w = 1 / (v + tau2)
    out = (float(np.log(w).sum()) - _q(y, w)) / 2
    return out - math.log(float(w.sum())) / 2 if restricted else out


def _score(tau2: float, y: Vector, v: Vector, restricted: bool) -> float:
    """Twice the slope of the log likelihood."""
    w = 1 / (v + tau2)
    total = float(w.sum())
    fit = float(w**2 @ (y - float(w @ y) / total) ** 2)
    # Restricted: the trace of W - w w' / sum(w).
    return fit - (float(w @ (total - w)) / total if restricted else total)


def _q(y: Vector, w: Vector) -> float:
    """Weighted squared distance to the weighted mean."""
    return float(w @ (y - float(w @ y) / float(w.sum())) ** 2)


ESTIMATORS: dict[TauMethod, Callable[[Vector, Vector], float]] = {
    "reml": restricted_likelihood,
    "dl": dersimonian_laird,
    "pm": paule_mandel,
    "ml": likelihood,
    "fixed": lambda y, v: 0.0,
}
