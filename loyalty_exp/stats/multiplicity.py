"""Adjusted p-values for families of tests; tests that do not exist (None) pass through uncounted.

Every method keeps ties tied, and gives the same answer in whatever order the tests come. A declared order is
the business of :mod:`loyalty_exp.stats.gatekeeping`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

P = float | None
Ranked = list[tuple[float, int]]


def bonferroni(p_values: Sequence[P]) -> tuple[P, ...]:
    """Multiply by the number of tests.

    References
    ----------
    Dunn (1961), Multiple comparisons among means, JASA 56, 52-64.
    """
    m = len(_ascending(p_values))
    return tuple(None if p is None else min(1.0, p * m) for p in p_values)


def sidak(p_values: Sequence[P]) -> tuple[P, ...]:
    """Chance that any of as many independent tests gives so small a p-value.

    References
    ----------
    Sidak (1967), Rectangular confidence regions for the means of multivariate normal distributions, JASA 62,
    626-633, theorem 1.
    """
    m = len(_ascending(p_values))
    return tuple(None if p is None else _any_of(m, p) for p in p_values)


def holm(p_values: Sequence[P]) -> tuple[P, ...]:
    """Step down: controls the chance of any false rejection whatever the dependence.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics
    6, 65-70, section 3; adjusted p-values as in Wright (1992), Biometrics 48, 1005-1013.
    """
    return _step_down(p_values, lambda p, left: p * left)


def holm_sidak(p_values: Sequence[P]) -> tuple[P, ...]:
    """Step down with Sidak's bound, for tests that are independent or positively dependent.

    References
    ----------
    Holland & Copenhaver (1987), An improved sequentially rejective Bonferroni test procedure, Biometrics 43,
    417-423, section 2.
    """
    return _step_down(p_values, lambda p, left: _any_of(left, p))


def hochberg(p_values: Sequence[P]) -> tuple[P, ...]:
    """Step up with Holm's factors, for tests that are independent or positively dependent.

    References
    ----------
    Hochberg (1988), A sharper Bonferroni procedure for multiple tests of significance, Biometrika 75,
    800-802.
    """
    return _step_up(p_values, lambda p, rank, m: p * (m - rank + 1))


def hochberg_sidak(p_values: Sequence[P]) -> tuple[P, ...]:
    """Step up with Sidak's bound, for independent tests.

    References
    ----------
    Hochberg (1988), Biometrika 75, 800-802, with the factors of Holland & Copenhaver (1987), Biometrics 43,
    417-423.
    """
    return _step_up(p_values, lambda p, rank, m: _any_of(m - rank + 1, p))


def hommel(p_values: Sequence[P]) -> tuple[P, ...]:
    """Close Simes' test over all subsets; never larger than Hochberg's.

    References
    ----------
    Hommel (1988), A stagewise rejective multiple test procedure based on a modified Bonferroni test,
    Biometrika 75, 383-386; adjusted p-values by Wright (1992), Biometrics 48, 1005-1013, appendix.
    """
    order = _ascending(p_values)
    p, m = [value for value, _ in order], len(order)
    found = [min((m * p[i] / (i + 1) for i in range(m)), default=1.0)] * m
    best = list(found)
    for size in range(m - 1, 1, -1):
        first = m - size + 1
        simes = min(size * p[first - 1 + k] / (k + 1) for k in range(1, size))
        for i in range(first):
            found[i] = min(size * p[i], simes)
        for i in range(first, m):
            found[i] = found[first - 1]
        best = [max(a, b) for a, b in zip(best, found, strict=True)]
    out: list[P] = [None] * len(p_values)
    for (value, i), adjusted in zip(order, best, strict=True):
        out[i] = min(1.0, max(adjusted, value))
    return tuple(out)


def benjamini_hochberg(p_values: Sequence[P]) -> tuple[P, ...]:
    """Step up: controls the expected share of false rejections among independent tests.

    References
    ----------
    Benjamini & Hochberg (1995), Controlling the false discovery rate, JRSS B 57(1), 289-300, equation 1.
    """
    return _step_up(p_values, lambda p, rank, m: p * (m / rank))


def benjamini_yekutieli(p_values: Sequence[P]) -> tuple[P, ...]:
    """Step up: controls the expected share of false rejections whatever the dependence.

    References
    ----------
    Benjamini & Yekutieli (2001), The control of the false discovery rate in multiple testing under
    dependency, Annals of Statistics 29, 1165-1188, theorem 1.3.
    """
    harmonic = math.fsum(1 / i for i in range(1, len(p_values) - list(p_values).count(None) + 1))
    return _step_up(p_values, lambda p, rank, m: p * (harmonic * m / rank))


@dataclass(frozen=True, slots=True)
class TwoStage:
    """Outcome of the two-stage procedure.

    Attributes
    ----------
    first_stage : int
        Rejections of the first stage.
    true_nulls : int
        Tests taken to be without effect in the second stage.
    rejected : tuple of bool or None
        In the order of the tests; None for a test that does not exist.
    """

    first_stage: int
    true_nulls: int
    rejected: tuple[bool | None, ...]


def benjamini_krieger_yekutieli(p_values: Sequence[P], q: float) -> TwoStage:
    """Estimate how many tests are without effect, then step up at a level that makes use of it.

    Parameters
    ----------
    p_values : sequence of float or None
        Of independent tests.
    q : float
        Allowed share of false rejections.

    References
    ----------
    Benjamini, Krieger, Yekutieli (2006), Adaptive linear step-up procedures that control the false discovery
    rate, Biometrika 93, 491-507, definition 6.
    """
    if not 0 < q < 1:
        raise ValueError(f"q lies between 0 and 1, not {q}")
    m = len(_ascending(p_values))
    adjusted = benjamini_hochberg(p_values)
    level = q / (1 + q)
    first = sum(p is not None and p <= level for p in adjusted)
    if first in (0, m):
        return TwoStage(first, m - first, tuple(None if p is None else first == m for p in adjusted))
    level *= m / (m - first)
    return TwoStage(first, m - first, tuple(None if p is None else p <= level for p in adjusted))


def _step_down(p_values: Sequence[P], adjust: Callable[[float, int], float]) -> tuple[P, ...]:
    """Adjust from the smallest p-value on, by how many tests are left; never below one before it."""
    out: list[P] = [None] * len(p_values)
    order = _ascending(p_values)
    left, running = len(order), 0.0
    for p, i in order:
        adjusted = adjust(p, left)
        if adjusted > running:
            running = adjusted if adjusted < 1 else 1.0
        out[i] = running
        left -= 1
    return tuple(out)


def _step_up(p_values: Sequence[P], adjust: Callable[[float, int, int], float]) -> tuple[P, ...]:
    """Adjust from the largest p-value on, by its rank; never above one after it."""
    out: list[P] = [None] * len(p_values)
    order = _ascending(p_values)
    m, running = len(order), 1.0
    for rank in range(m, 0, -1):
        p, i = order[rank - 1]
        running = min(running, adjust(p, rank, m))
        out[i] = running
    return tuple(out)


def _any_of(m: int, p: float) -> float:
    """``1 - (1 - p)^m`` without loss for small p."""
    return 1.0 if p == 1 else -math.expm1(m * math.log1p(-p))


def _ascending(p_values: Sequence[P]) -> Ranked:
    """P-values that exist, smallest first, with their places."""
    found = [(p, i) for i, p in enumerate(p_values) if p is not None]
    for p, _ in found:
        if not 0 <= p <= 1:
            raise ValueError(f"a p-value lies between 0 and 1, not {p}")
    found.sort()
    return found
