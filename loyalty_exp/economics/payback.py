"""When the money is back for good, within what was observed and never beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.moments import Matrix, Vector


@dataclass(frozen=True, slots=True)
class Payback:
    """Cumulative net benefit after fixed cost, money a member; periods are counted from 1.

    Attributes
    ----------
    cumulative, std_error, lower : tuple of float, length t
        After each period; ``lower`` is the lower bound of its two-sided interval.
    first_crossing : int or None
        First period after which the sum is not negative; it may fall below 0 again.
    sustained : int or None
        First period from which on it is never negative again in what was observed.
    conservative : int or None
        The same for ``lower``. All three are None when not reached within what was observed.
    """

    cumulative: tuple[float, ...]
    std_error: tuple[float, ...]
    lower: tuple[float, ...]
    first_crossing: int | None
    sustained: int | None
    conservative: int | None


def payback(effects: Sequence[float], covariance: npt.ArrayLike, fixed: float, alpha: float) -> Payback:
    """Payback period of a fixed cost.

    Parameters
    ----------
    effects : sequence of float, length t
        Net benefit of each period, treated minus control, money a member.
    covariance : array, shape (t, t)
        Of these effects, from the members' values by period: a member who buys early buys less later, so
        periods are not independent.
    fixed : float
        Fixed cost a treated member, spent before the first period.
    alpha : float
        Two-sided; the conservative payback uses ``1 - alpha / 2`` on one side.

    Raises
    ------
    NotEstimable
        Without a period.
    """
    e, v = period_effects(effects, covariance)
    lines = np.tril(np.ones((len(e), len(e))))
    std_error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", lines, v, lines), 0.0))
    noise = 1e-12 * (abs(fixed) + float(np.abs(e).sum()))
    return paid_back((np.cumsum(e) - fixed).tolist(), std_error.tolist(), alpha, noise)


def paid_back(
    cumulative: Sequence[float], std_error: Sequence[float], alpha: float, noise: float = 0.0
) -> Payback:
    """Payback period of sums that are known with their errors.

    Parameters
    ----------
    cumulative, std_error : sequence of float, length t
        Net benefit up to the end of each period, after fixed cost, money a member.
    alpha : float
        Two-sided.
    noise : float
        Rounding error: a sum this little below 0 is 0.

    Raises
    ------
    NotEstimable
        Without a period.
    """
    sums, errors = np.asarray(cumulative, dtype=np.float64), np.asarray(std_error, dtype=np.float64)
    if not len(sums):
        raise NotEstimable("no period was observed")
    lower = sums - normal_quantile(1 - alpha / 2) * errors
    crossed = np.flatnonzero(sums >= -noise)
    return Payback(
        tuple(sums.tolist()),
        tuple(errors.tolist()),
        tuple(lower.tolist()),
        int(crossed[0]) + 1 if len(crossed) else None,
        for_good(sums.tolist(), noise),
        for_good(lower.tolist(), noise),
    )


def period_effects(effects: Sequence[float], covariance: npt.ArrayLike) -> tuple[Vector, Matrix]:
    """Check effects by period and their covariance.

    Parameters
    ----------
    effects : sequence of float, length t
        Effect of each period, in money.
    covariance : array, shape (t, t)
        Of these effects.

    Raises
    ------
    NotEstimable
        Without a period.
    """
    e, v = np.asarray(effects, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
    if not len(e):
        raise NotEstimable("no period was observed")
    if v.shape != (len(e), len(e)) or not (np.isfinite(e).all() and np.isfinite(v).all()):
        raise ValueError("one finite covariance for each pair of periods")
    size = float(np.abs(v).max())
    if np.abs(v - v.T).max() > 1e-9 * size or np.linalg.eigvalsh(v)[0] < -1e-9 * max(size, 1e-300):
        raise ValueError("a covariance matrix is symmetric and gives no negative variance")
    return e, v


def for_good(values: Sequence[float], noise: float = 0.0) -> int | None:
    """First period, counted from 1, from which on no value is negative; None when there is none.

    Parameters
    ----------
    values : sequence of float, length t
        One a period, in money.
    noise : float
        Values this little below 0 count as 0, in money.
    """
    negative = np.flatnonzero(np.asarray(values, dtype=np.float64) < -noise)
    first = int(negative[-1]) + 2 if len(negative) else 1
    return first if first <= len(values) else None
