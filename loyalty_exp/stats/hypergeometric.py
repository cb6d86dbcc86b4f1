"""Successes of one arm given the total of both: the noncentral hypergeometric distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from loyalty_exp.stats.moments import Vector

_WHOLE = 20_000
"""Up to this many tables all are listed; beyond, those within sixty standard deviations of the likeliest."""


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """The possible numbers of successes, and how likely they are.

    Attributes
    ----------
    first : int
        The smallest number listed; the others follow one by one.
    log_weights : array
        Logarithms of the probabilities, up to a common constant.
    """

    first: int
    log_weights: Vector

    def at(self, x: int) -> int:
        """Place of a number of successes.

        Parameters
        ----------
        x : int
            Successes under treatment.
        """
        return x - self.first

    def mean(self) -> float:
        """Expected successes."""
        weights = np.exp(self.log_weights - self.log_weights.max())
        return self.first + float(weights @ np.arange(len(weights)) / weights.sum())

    def log_tail(self, x: int, upper: bool) -> float:
        """Logarithm of the probability of ``x`` or more (or of ``x`` or fewer) successes.

        Parameters
        ----------
        x : int
            Successes under treatment.
        """
        i, top = self.at(x), self.log_weights.max()
        part = self.log_weights[i:] if upper else self.log_weights[: i + 1]
        highest = part.max()
        whole = math.log(float(np.exp(self.log_weights - top).sum())) + float(top)
        return float(highest) + math.log(float(np.exp(part - highest).sum())) - whole


def conditional(x: int, n_t: int, n_c: int, total: int, log_odds_ratio: float = 0.0) -> Conditional:
    """Distribution of the successes among ``n_t`` units, given ``total`` among ``n_t + n_c``.

    Parameters
    ----------
    x : int
        A number of successes that must be among those listed.
    n_t, n_c : int
        Units of the arms.
    total : int
        Successes of both arms.
    log_odds_ratio : float
        0 when both arms are alike.

    References
    ----------
    Liao & Rosen (2001), Fast and stable algorithms for computing and sampling from the noncentral
    hypergeometric distribution, American Statistician 55, 366-369: ratios of neighbors
    from the mode outwards, which do not lose digits as differences of log-gamma values of large counts do.
    """
    low, high = max(0, total - n_c), min(n_t, total)
    mode = _mode(n_t, n_c, total, log_odds_ratio, low, high)
    first, last = low, high
    if high - low > _WHOLE:
        cells = (mode, n_t - mode, total - mode, n_c - total + mode)
        reach = 60 * (1 / math.sqrt(sum(1 / (k + 1) for k in cells)) + 1)
        first, last = max(low, min(x, math.floor(mode - reach))), min(high, max(x, math.ceil(mode + reach)))
    k = np.arange(first, last, dtype=np.float64)
    steps = np.log((n_t - k) * (total - k)) - np.log((k + 1) * (n_c - total + k + 1)) + log_odds_ratio
    up = np.cumsum(steps[mode - first :])
    down = -np.cumsum(steps[: mode - first][::-1])[::-1]
    return Conditional(first, np.concatenate([down, [0.0], up]))


def _mode(n_t: int, n_c: int, total: int, log_odds_ratio: float, low: int, high: int) -> int:
    """Likeliest number of successes, up to rounding, by bisection on the ratio of neighbors."""
    while low < high:
        k = (low + high) // 2
        rises = math.log((n_t - k) * (total - k)) - math.log((k + 1) * (n_c - total + k + 1)) + log_odds_ratio
        if rises > 0:
            low = k + 1
        else:
            high = k
    return low
