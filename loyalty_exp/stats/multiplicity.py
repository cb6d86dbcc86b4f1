"""Adjusted p-values for families of tests; tests that do not exist (None) pass through uncounted."""

from __future__ import annotations

from collections.abc import Sequence

P = float | None


def bonferroni(p_values: Sequence[P]) -> tuple[P, ...]:
    """Multiply by the number of tests.

    References
    ----------
    Dunn (1961), Multiple comparisons among means, JASA 56, 52-64.
    """
    m = len(_ascending(p_values))
    return tuple(None if p is None else min(1.0, p * m) for p in p_values)


def holm(p_values: Sequence[P]) -> tuple[P, ...]:
    """Step down: controls the chance of any false rejection whatever the dependence.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics
    6, 65-70, section 3; adjusted p-values as in Wright (1992), Biometrics 48, 1005-1013.
    """
    out: list[P] = [None] * len(p_values)
    order = _ascending(p_values)
    running = 0.0
    for rank, (p, i) in enumerate(order):
        running = max(running, min(1.0, p * (len(order) - rank)))
        out[i] = running
    return tuple(out)


def benjamini_hochberg(p_values: Sequence[P]) -> tuple[P, ...]:
    """Step up: controls the expected share of false rejections among independent tests.

    References
    ----------
    Benjamini & Hochberg (1995), Controlling the false discovery rate, JRSS B 57(1), 289-300, equation 1.
    """
    out: list[P] = [None] * len(p_values)
    order = _ascending(p_values)
    running = 1.0
    for rank in range(len(order), 0, -1):
        p, i = order[rank - 1]
        running = min(running, p * (len(order) / rank))
        out[i] = running
    return tuple(out)


def _ascending(p_values: Sequence[P]) -> list[tuple[float, int]]:
    """P-values that exist, smallest first, with their places."""
    for p in p_values:
        if p is not None and not 0 <= p <= 1:
            raise ValueError(f"a p-value lies between 0 and 1, not {p}")
    return sorted((p, i) for i, p in enumerate(p_values) if p is not None)
