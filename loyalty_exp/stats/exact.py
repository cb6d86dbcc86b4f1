"""Exact tests of two proportions: given both margins (Fisher), and over all tables of the two arms."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.hypergeometric import Conditional, conditional
from loyalty_exp.stats.moments import Matrix, Vector
from loyalty_exp.stats.proportions import counted

Flags = npt.NDArray[np.bool_]

TIE = 1e-7
"""Tables whose order statistic differs by a smaller share are tied: the computed values are not exact."""

_MAX_TABLES = 1_000_000


@dataclass(frozen=True, slots=True)
class Exact:
    """An exact two-sided test.

    Attributes
    ----------
    p_value : float
        Exactly 1 when no table is less extreme, as for nobody in both arms.
    log_p_value : float
        Natural logarithm, finite where the p-value underflows.
    """

    p_value: float
    log_p_value: float


@dataclass(frozen=True, slots=True)
class OddsRatio:
    """Odds ratio given both margins; from 0 to infinity."""

    estimate: float
    ci_lower: float
    ci_upper: float


def fisher(x_t: int, n_t: int, x_c: int, n_c: int) -> Exact:
    """Test that two proportions are equal, given the total of successes.

    Two-sided by adding all tables that are no more likely than the observed one. Holds for any counts.

    Parameters
    ----------
    x_t, n_t, x_c, n_c : int
        Successes and units, treated and control.

    Raises
    ------
    NotEstimable
        With no unit in an arm.

    References
    ----------
    Fisher (1935), The logic of inductive inference, JRSS 98, 39-82; the two-sided rule as in R's
    ``fisher.test``, with its tolerance of 1e-7 for ties.
    """
    counted(x_t, n_t, x_c, n_c)
    tables = conditional(x_t, n_t, n_c, x_t + x_c)
    chosen = tables.log_weights <= tables.log_weights[tables.at(x_t)] + TIE
    if chosen.all():
        return Exact(1.0, 0.0)
    log_p = min(_log_sum(tables.log_weights[chosen]) - _log_sum(tables.log_weights), 0.0)
    return Exact(math.exp(log_p), log_p)


def odds_ratio(x_t: int, n_t: int, x_c: int, n_c: int, alpha: float) -> OddsRatio:
    """Odds ratio most likely given both margins, with exact limits (each tail half of alpha).

    The limits are dual to the one-sided exact tests, not to :func:`fisher`.

    Parameters
    ----------
    x_t, n_t, x_c, n_c : int
        Successes and units, treated and control.
    alpha : float
        Two-sided.

    Raises
    ------
    NotEstimable
        With no unit in an arm, or when all or none succeeded.

    References
    ----------
    Cornfield (1956), A statistical problem arising from retrospective studies, 3rd Berkeley Symposium 4,
    135-148; Fay (2010), Confidence intervals that match Fisher's exact or Blaker's exact tests, Biostatistics
    11, 373-374.
    """
    counted(x_t, n_t, x_c, n_c)
    total = x_t + x_c
    low, high = max(0, total - n_c), min(n_t, total)
    if low == high:
        raise NotEstimable("nothing varies: every odds ratio agrees with the data")

    def solve(excess: Callable[[Conditional], float]) -> float:
        return _solve(lambda log_psi: excess(conditional(x_t, n_t, n_c, total, log_psi)), x_t, n_t, x_c, n_c)

    log_half = math.log(alpha / 2)
    estimate = 0.0 if x_t == low else math.inf if x_t == high else solve(lambda t: t.mean() - x_t)
    lower = 0.0 if x_t == low else solve(lambda t: t.log_tail(x_t, upper=True) - log_half)
    upper = math.inf if x_t == high else solve(lambda t: log_half - t.log_tail(x_t, upper=False))
    return OddsRatio(estimate, lower, upper)


def _solve(excess: Callable[[float], float], x_t: int, n_t: int, x_c: int, n_c: int) -> float:
    """Odds ratio at which a rising function of its logarithm crosses 0."""
    from scipy.optimize import brentq

    cells = [k + 0.5 for k in (x_t, n_t - x_t, x_c, n_c - x_c)]
    center = math.log(cells[0] * cells[3] / (cells[1] * cells[2]))
    step = math.sqrt(sum(1 / k for k in cells))
    a, b = center - step, center + step
    while excess(a) > 0:
        a, step = a - step, 2 * step
    while excess(b) < 0:
        b, step = b + step, 2 * step
    return math.exp(brentq(excess, a, b, xtol=1e-13, rtol=1e-13))


def barnard(x_t: int, n_t: int, x_c: int, n_c: int) -> Exact:
    """Unconditional test, tables ordered by the size of the pooled z statistic.

    The p-value is the largest over the proportion common to both arms. Ties in the statistic count as
    extreme.

    See :func:`fisher` for the parameters.

    Raises
    ------
    NotEstimable
        With no unit in an arm, or with more tables than can be enumerated.

    References
    ----------
    Barnard (1947), Significance tests for 2 x 2 tables, Biometrika 34, 123-138; Suissa & Shuster (1985),
    Exact unconditional sample sizes for the 2 x 2 binomial trial, JRSS A 148, 317-327, section 2 (the z
    statistic).
    """
    counted(x_t, n_t, x_c, n_c)
    _enumerable(n_t, n_c)
    a, b = np.arange(n_t + 1.0)[:, None], np.arange(n_c + 1.0)[None, :]
    pooled = (a + b) / (n_t + n_c)
    variance = pooled * (1 - pooled) * (1 / n_t + 1 / n_c)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(variance > 0, np.abs(a / n_t - b / n_c) / np.sqrt(variance), 0.0)
    return _largest(z >= z[x_t, x_c] * (1 - TIE), n_t, n_c)


def boschloo(x_t: int, n_t: int, x_c: int, n_c: int) -> Exact:
    """Unconditional test, tables ordered by Fisher's two-sided p-value; never larger than Fisher's.

    See :func:`barnard` for the parameters and what is raised.

    References
    ----------
    Boschloo (1970), Raised conditional level of significance for the 2 x 2-table when testing the equality of
    two probabilities, Statistica Neerlandica 24, 1-9.
    """
    counted(x_t, n_t, x_c, n_c)
    _enumerable(n_t, n_c)
    return _largest(_no_larger(_fisher_of_all(n_t, n_c, "two-sided"), x_t, x_c), n_t, n_c)


def boschloo_doubled(x_t: int, n_t: int, x_c: int, n_c: int) -> Exact:
    """Twice the smaller one-sided test of Boschloo, which is what SciPy calls the two-sided one.

    See :func:`barnard` for the parameters and what is raised.
    """
    counted(x_t, n_t, x_c, n_c)
    _enumerable(n_t, n_c)
    sides = ("less", "greater")
    found = min(
        _largest(_no_larger(_fisher_of_all(n_t, n_c, side), x_t, x_c), n_t, n_c).log_p_value for side in sides
    )
    log_p = min(found + math.log(2), 0.0)
    return Exact(math.exp(log_p), log_p)


def _no_larger(order: Matrix, x_t: int, x_c: int) -> Flags:
    found: Flags = order <= order[x_t, x_c] * (1 + TIE)
    return found


def _enumerable(n_t: int, n_c: int) -> None:
    if (n_t + 1) * (n_c + 1) > _MAX_TABLES:
        raise NotEstimable("too many tables for an exact test over all of them; the score test serves here")


def _fisher_of_all(n_t: int, n_c: int, side: str) -> Matrix:
    """Fisher's p-value of every table, an array of shape ``(n_t + 1, n_c + 1)``."""
    out = np.ones((n_t + 1, n_c + 1))
    for total in range(n_t + n_c + 1):
        a = np.arange(max(0, total - n_c), min(n_t, total) + 1)
        tables = conditional(int(a[0]), n_t, n_c, total)
        weights = np.exp(tables.log_weights - tables.log_weights.max())
        weights /= weights.sum()
        if side == "less":
            p = np.cumsum(weights)
        elif side == "greater":
            p = np.cumsum(weights[::-1])[::-1]
        else:
            rising = np.sort(weights)
            p = np.cumsum(rising)[np.searchsorted(rising, weights * (1 + TIE), side="right") - 1]
        out[a, total - a] = p
    return out


def _largest(extreme: Flags, n_t: int, n_c: int) -> Exact:
    """Largest probability of the extreme tables over the proportion common to both arms."""
    if extreme.all():
        return Exact(1.0, 0.0)
    n = n_t + n_c
    log_t, log_c = _log_binomials(n_t), _log_binomials(n_c)
    log_counts = np.full(n + 1, -np.inf)
    rows, columns = np.nonzero(extreme)
    np.logaddexp.at(log_counts, rows + columns, log_t[rows] + log_c[columns])
    successes = np.arange(n + 1)

    def log_p(angles: Vector) -> Vector:
        share = np.sin(angles) ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            log_share, log_rest = np.log(share)[:, None], np.log1p(-share)[:, None]
            terms = log_counts + np.where(successes > 0, successes * log_share, 0.0)
            terms = terms + np.where(n - successes > 0, (n - successes) * log_rest, 0.0)
        top = terms.max(axis=1)
        safe = np.where(np.isfinite(top), top, 0.0)
        found: Vector = safe + np.log(np.maximum(np.exp(terms - safe[:, None]).sum(axis=1), 1e-300))
        return found

    angles = np.linspace(0, math.pi / 2, max(401, 8 * n // 2 + 1) if n < 500 else 4001)
    best = log_p(angles)
    width = angles[1] - angles[0]
    for middle in angles[np.argsort(best)[-6:]]:
        around, reach = float(middle), float(width)
        for _ in range(8):
            near = np.clip(np.linspace(around - reach, around + reach, 41), 0, math.pi / 2)
            values = log_p(near)
            around, reach = float(near[values.argmax()]), reach / 15
            best = np.append(best, values.max())
    found = min(float(best.max()), 0.0)
    return Exact(math.exp(found), found)


def _log_binomials(n: int) -> Vector:
    """Logarithms of ``n`` over ``0 ... n``."""
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    found: Vector = logs[n] - logs - logs[::-1]
    return found


def _log_sum(logs: Vector) -> float:
    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).sum()))
