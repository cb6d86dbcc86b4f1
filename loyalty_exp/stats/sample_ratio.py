"""Do the arms hold the share of units they were promised? Chi-square, exact where counts are small."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loyalty_exp.stats.distributions import chi2_sf

_MAX_TABLES = 100_000


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """The check of the arm sizes against the declared weights.

    Attributes
    ----------
    statistic : float
        Pearson's chi-square.
    df : int
        Arms with a positive weight, minus one.
    p_value, log_p_value : float
        The natural logarithm stays finite where the p-value underflows to 0.
    exact : bool
        Whether the p-value comes from the multinomial distribution itself.
    """

    statistic: float
    df: int
    p_value: float
    log_p_value: float
    exact: bool = False


def sample_ratio(counts: Sequence[int], weights: Sequence[float]) -> SampleRatio:
    """Test counts by arm against weights.

    Parameters
    ----------
    counts : sequence of int
        Units by arm.
    weights : sequence of float
        Declared shares; need not sum to 1.

    Raises
    ------
    ValueError
        For lengths that differ, negative numbers, no units, fewer than two arms with a positive weight, or
        units in an arm of weight 0.

    References
    ----------
    Pearson (1900), Philosophical Magazine 50, 157-175; Fabijan et al. (2019), Diagnosing sample ratio
    mismatch in online controlled experiments, KDD, section 3. Exact: the probabilities of all tables no more
    likely than the observed one, Freeman & Halton (1951), Biometrika 38, 141-149.
    """
    if len(counts) != len(weights):
        raise ValueError("as many weights as counts")
    if min(weights, default=0) < 0 or min(counts, default=0) < 0 or not math.isfinite(sum(weights)):
        raise ValueError("counts and weights must be finite and not negative")
    if any(w == 0 and n > 0 for n, w in zip(counts, weights, strict=True)):
        raise ValueError("units in an arm of weight 0")
    pairs = [(n, w) for n, w in zip(counts, weights, strict=True) if w > 0]
    total, whole = sum(n for n, _ in pairs), math.fsum(w for _, w in pairs)
    if len(pairs) < 2 or total == 0:
        raise ValueError("a sample ratio needs units and at least two arms with a positive weight")
    observed = tuple(n for n, _ in pairs)
    shares = tuple(w / whole for _, w in pairs)
    statistic = math.fsum((n - total * s) ** 2 / (total * s) for n, s in zip(observed, shares, strict=True))
    df = len(pairs) - 1
    small = total * min(shares) < 5 and math.comb(total + df, df) <= _MAX_TABLES
    if small:
        p = _exact(observed, shares)
        return SampleRatio(statistic, df, p, math.log(p), True)
    p, log_p = chi2_sf(statistic, df)
    return SampleRatio(statistic, df, p, log_p)


def _exact(observed: tuple[int, ...], shares: tuple[float, ...]) -> float:
    """Sum the probabilities of all tables that are no more likely than the observed one."""
    total = sum(observed)
    logs = [math.log(s) for s in shares]
    factorial = [math.lgamma(i + 1) for i in range(total + 1)]

    def log_probability(table: tuple[int, ...]) -> float:
        return factorial[total] + math.fsum(n * s - factorial[n] for n, s in zip(table, logs, strict=True))

    limit = log_probability(observed) + 1e-9
    chosen = (log_probability(table) for table in _tables(total, len(observed)))
    return min(1.0, math.fsum(math.exp(value) for value in chosen if value <= limit))


def _tables(total: int, arms: int) -> Iterator[tuple[int, ...]]:
    """All ways to spread ``total`` units over ``arms`` arms."""
    if arms == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _tables(total - first, arms - 1):
            yield (first, *rest)
