"""Caps for heavy tails: one cap for both arms, found before or without looking at the arms."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.moments import Vector


def upper_cap(values: npt.ArrayLike, quantile: float, positive_only: bool = False) -> float:
    """Cap at a quantile of the values of both arms together, or of a period before.

    A cap of each arm's own would hide what the treatment does to its tail.

    Parameters
    ----------
    values : array
    quantile : float
        As 0.99; linear between order statistics.
    positive_only : bool
        Whether to look at the positive values alone: with many zeros, a quantile of all may itself be 0.

    Raises
    ------
    NotEstimable
        Without values.

    References
    ----------
    Hyndman & Fan (1996), Sample quantiles in statistical packages, American Statistician 50, 361-365,
    definition 7.
    """
    if not 0 < quantile < 1:
        raise ValueError(f"a quantile lies between 0 and 1, not {quantile}")
    x = np.asarray(values, dtype=np.float64)
    x = x[x > 0] if positive_only else x
    if not len(x):
        raise NotEstimable("no values to find a cap from")
    if not np.isfinite(x).all():
        raise ValueError("a cap needs finite values")
    return float(np.quantile(x, quantile))


def winsorize(values: npt.ArrayLike, upper: float | None = None, lower: float | None = None) -> Vector:
    """Bring what lies beyond a cap to the cap; nothing is dropped, and refunds need a lower cap.

    The shape is kept.

    Parameters
    ----------
    values : array
    upper, lower : float, optional

    References
    ----------
    Tukey (1962), The future of data analysis, Annals of Mathematical Statistics 33, 1-67, section 14.
    """
    x = np.asarray(values, dtype=np.float64)
    if upper is None and lower is None:
        return x.copy()
    if upper is not None and lower is not None and lower > upper:
        raise ValueError(f"the lower cap {lower} is above the upper cap {upper}")
    return np.clip(x, lower, upper)
