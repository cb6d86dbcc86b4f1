"""Integrals of smooth densities over a line, by rules that converge exponentially."""

from __future__ import annotations

from functools import cache

import numpy as np

from loyalty_exp.stats.moments import Vector


def even(low: float, high: float, width: float) -> tuple[Vector, float]:
    """Points and step of the trapezoidal rule for functions that vanish at both ends.

    Points have shape (m,).

    Parameters
    ----------
    low, high : float
        Where the function has vanished.
    width : float
        Standard deviation of the narrowest feature.

    References
    ----------
    Trefethen & Weideman (2014), The exponentially convergent trapezoidal rule, SIAM Review 56, 385-458.
    """
    count = min(max(int(np.ceil((high - low) / (width / 3))), 200), 2_000_000)
    points = np.linspace(low, high, count + 1)
    return points, (high - low) / count


def bounded(low: float, high: float) -> tuple[Vector, Vector]:
    """Points and weights for a function that need not vanish, nor be smooth, at the ends of ``[low, high]``.

    Both have shape (m,).

    Parameters
    ----------
    low, high : float
        Ends of the line, finite.

    References
    ----------
    Takahasi & Mori (1974), Double exponential formulas for numerical integration, Publications of RIMS 9,
    721-741 (tanh-sinh).
    """
    share, weight = _unit()
    return low + (high - low) * share, (high - low) * weight


@cache
def _unit() -> tuple[Vector, Vector]:
    step = 1 / 64
    t = np.arange(-3.4, 3.4 + step, step)
    inner = 0.5 * np.pi * np.sinh(t)
    share = 1 / (1 + np.exp(-2 * inner))
    weight = step * 0.25 * np.pi * np.cosh(t) / np.cosh(inner) ** 2
    return share, weight
