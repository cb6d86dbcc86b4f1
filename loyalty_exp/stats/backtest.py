"""How far a projection was off where the later outcome is known, and what that adds to its error."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.replicates import Replicates


def absolute_percentage_error(predicted: Sequence[float], actual: Sequence[float]) -> float:
    """Mean over periods of ``|predicted - actual| / |actual|``, from a backtest.

    Parameters
    ----------
    predicted, actual : sequence of float, length t
        One a period, in one unit.

    Raises
    ------
    NotEstimable
        Without a period, or where an actual value is 0.
    """
    if len(predicted) != len(actual):
        raise ValueError("as many predictions as actual values")
    if not len(actual) or any(a == 0 for a in actual):
        raise NotEstimable("a percentage error needs actual values other than 0")
    return math.fsum(abs(p - a) / abs(a) for p, a in zip(predicted, actual, strict=True)) / len(actual)


def with_backtest_error(found: Replicates, error: float) -> float:
    """Standard error with the error of the models added: ``sqrt(se^2 + (error * estimate)^2)``.

    ``error`` is the percentage error of a backtest, as a fraction, read as a standard deviation of the
    projected difference relative to its size.

    Parameters
    ----------
    error : float
        A fraction of the estimate.
    """
    if not error >= 0:
        raise ValueError("a backtest error is not negative")
    return math.hypot(found.std_error, error * found.estimate)
