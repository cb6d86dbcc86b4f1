"""Cox's partial likelihood of two arms, from one 2 x 2 table a day, with events that share a day."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.event_counts import RiskTable
from loyalty_exp.stats.moments import Vector

Ties = Literal["efron", "breslow"]

_MANY_TIES = 2_000
"""Up to this many events at one time Efron's sum is written out; beyond, gamma functions close it."""


def maximum(table: RiskTable, ties: Ties) -> float:
    """Log hazard ratio at which the partial likelihood is greatest: Newton, kept inside a bracket.

    Raises
    ------
    NotEstimable
        Without an event in an arm while both arms were at risk.
    """
    if ties not in ("efron", "breslow"):
        raise ValueError(f"no such way to treat ties: {ties!r}")
    both = (table.at_risk_treated > 0) & (table.at_risk_control > 0)
    for events, name in ((table.events_treated, "treatment"), (table.events_control, "control")):
        if not events[both].any():
            raise NotEstimable(f"no event in the {name} arm while both arms were at risk")
    low, high, x = -math.inf, math.inf, 0.0
    for _ in range(200):
        _, residual, information = likelihood_at(table, x, ties)
        score, curvature = float(residual.sum()), float(information.sum())
        low, high = (x, high) if score > 0 else (low, x)
        step = max(-2.0, min(2.0, score / curvature)) if curvature > 0 else math.copysign(2.0, score)
        moved = x + step
        if not low < moved < high and math.isfinite(low + high):
            moved = 0.5 * (low + high)
        if abs(moved - x) <= 1e-9 * (1 + abs(x)):  # the next error is about its square
            return moved
        x = moved
    return x


def likelihood_at(table: RiskTable, log_ratio: float, ties: Ties) -> tuple[float, Vector, Vector]:
    """Partial log-likelihood, and by event time the score (Schoenfeld residuals summed) and information.

    The terms have shape (m,), one an event time.

    Parameters
    ----------
    log_ratio : float
        Logarithm of the hazard ratio.

    References
    ----------
    Cox (1972), Regression models and life-tables, JRSS B 34(2), 187-220; Efron (1977), The efficiency of
    Cox's likelihood function for censored data, JASA 72, 557-565, and Breslow (1974), Covariance analysis of
    censored survival data, Biometrics 30, 89-99, for events that share a day.
    """
    theta, d = math.exp(log_ratio), table.events
    treated = theta * table.at_risk_treated
    whole = treated + table.at_risk_control
    if ties == "efron":
        step_treated = theta * table.events_treated / d
        step = step_treated + table.events_control / d
    else:
        step_treated = step = np.zeros_like(d)
    logs, inverse, inverse_square = _tie_sums(whole, step, d)
    # The r-th tied event meets (treated - r step_treated) / (whole - r step) = q + k / (whole - r step).
    q = np.divide(step_treated, step, out=np.zeros_like(d), where=step > 0)
    k = treated - q * whole
    mean = d * q + k * inverse
    square = d * q * q + 2 * q * k * inverse + k * k * inverse_square
    likelihood = log_ratio * float(table.events_treated.sum()) - float(logs.sum())
    return likelihood, table.events_treated - mean, np.maximum(mean - square, 0.0)


def _tie_sums(whole: Vector, step: Vector, events: Vector) -> tuple[Vector, Vector, Vector]:
    """Sums over r < d of the logarithm, the inverse and the squared inverse of ``whole - r step``."""
    if not step.any():
        return events * np.log(whole), events / whole, events / whole**2
    out = np.zeros((3, len(whole)))
    few = events <= _MANY_TIES
    at = np.repeat(np.flatnonzero(few), events[few].astype(np.int64))
    first = np.concatenate([[0], np.cumsum(events[few])])[:-1]
    r = np.arange(len(at)) - np.repeat(first, events[few].astype(np.int64))
    terms = whole[at] - r * step[at]
    for row, values in zip(out, (np.log(terms), 1 / terms, 1 / terms**2), strict=True):
        row += np.bincount(at, weights=values, minlength=len(whole))
    if not few.all():
        from scipy import special

        b, d = step[~few], events[~few]
        x = whole[~few] / b
        out[0, ~few] = d * np.log(b) + special.gammaln(x + 1) - special.gammaln(x - d + 1)
        out[1, ~few] = (special.digamma(x + 1) - special.digamma(x - d + 1)) / b
        out[2, ~few] = (special.polygamma(1, x - d + 1) - special.polygamma(1, x + 1)) / b**2
    return out[0], out[1], out[2]
