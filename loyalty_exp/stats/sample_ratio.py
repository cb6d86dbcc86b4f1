"""Do the arms hold the share of units they were promised? Chi-square, exact where counts are small."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from loyalty_exp.errors import NotEstimable
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
    expected : tuple of float
        Units each arm with a positive weight was promised.
    residuals : tuple of float
        ``(observed - expected)`` of each of these arms over its standard deviation under the weights; which
        arm is off, and by how much.
    """

    statistic: float
    df: int
    p_value: float
    log_p_value: float
    exact: bool = False
    expected: tuple[float, ...] = ()
    residuals: tuple[float, ...] = ()

    def flagged(self, threshold: float) -> bool:
        """Whether the p-value is below a threshold, also where it underflows.

        Parameters
        ----------
        threshold : float
            Between 0 and 1, as 0.001.
        """
        return self.log_p_value < math.log(threshold)


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
    observed, shares = _promised(counts, weights)
    found = _pearson(observed, shares)
    total, df = sum(observed), found.df
    if total * min(shares) < 5 and math.comb(total + df, df) <= _MAX_TABLES:
        p, log_p = _exact(observed, shares)
        return replace(found, p_value=p, log_p_value=log_p, exact=True)
    return found


def exact_sample_ratio(counts: Sequence[int], weights: Sequence[float]) -> SampleRatio:
    """Test counts by arm against weights with the multinomial distribution itself.

    Two arms may hold up to a million units; more arms, small numbers only. See :func:`sample_ratio` for the
    parameters.

    Raises
    ------
    NotEstimable
        With more tables than can be enumerated.
    """
    observed, shares = _promised(counts, weights)
    total, df = sum(observed), len(shares) - 1
    if math.comb(total + df, df) > (_MAX_TABLES if df > 1 else 10 * _MAX_TABLES):
        raise NotEstimable("too many tables for the exact test; the chi-square test serves here")
    p, log_p = _exact(observed, shares)
    return replace(_pearson(observed, shares), p_value=p, log_p_value=log_p, exact=True)


def g_sample_ratio(counts: Sequence[int], weights: Sequence[float]) -> SampleRatio:
    """Test counts by arm against weights with the likelihood ratio.

    See :func:`sample_ratio` for the parameters and what is raised.

    References
    ----------
    Wilks (1938), The large-sample distribution of the likelihood ratio for testing composite hypotheses,
    Annals of Mathematical Statistics 9, 60-62.
    """
    observed, shares = _promised(counts, weights)
    total = sum(observed)
    # The linear terms sum to 0; with them, counts close to the promise do not cancel.
    statistic = 2 * math.fsum(
        (n * math.log1p((n - total * s) / (total * s)) if n else 0.0) - (n - total * s)
        for n, s in zip(observed, shares, strict=True)
    )
    p, log_p = chi2_sf(statistic, len(shares) - 1)
    return replace(_pearson(observed, shares), statistic=max(statistic, 0.0), p_value=p, log_p_value=log_p)


def _pearson(observed: tuple[int, ...], shares: tuple[float, ...]) -> SampleRatio:
    """Chi-square test, with what was promised and how far each arm is from it."""
    total, df = sum(observed), len(shares) - 1
    expected = tuple(total * s for s in shares)
    others = [math.fsum((*shares[:i], *shares[i + 1 :])) for i in range(len(shares))]
    residuals = tuple((n - e) / math.sqrt(e * o) for n, e, o in zip(observed, expected, others, strict=True))
    statistic = math.fsum((n - e) ** 2 / e for n, e in zip(observed, expected, strict=True))
    return SampleRatio(statistic, df, *chi2_sf(statistic, df), False, expected, residuals)


def _promised(counts: Sequence[int], weights: Sequence[float]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Counts and shares of the arms with a positive weight."""
    if len(counts) != len(weights):
        raise ValueError("as many weights as counts")
    if min(weights, default=0) < 0 or min(counts, default=0) < 0 or not math.isfinite(sum(weights)):
        raise ValueError("counts and weights must be finite and not negative")
    if any(w == 0 and n > 0 for n, w in zip(counts, weights, strict=True)):
        raise ValueError("units in an arm of weight 0")
    pairs = [(n, w) for n, w in zip(counts, weights, strict=True) if w > 0]
    if len(pairs) < 2 or sum(n for n, _ in pairs) == 0:
        raise ValueError("a sample ratio needs units and at least two arms with a positive weight")
    whole = math.fsum(w for _, w in pairs)
    return tuple(n for n, _ in pairs), tuple(w / whole for _, w in pairs)


def _exact(observed: tuple[int, ...], shares: tuple[float, ...]) -> tuple[float, float]:
    """Sum the probabilities of all tables that are no more likely than the observed one: ``(p, log p)``."""
    total = sum(observed)
    logs = [math.log(s) for s in shares]
    factorial = [math.lgamma(i + 1) for i in range(total + 1)]

    def log_probability(table: tuple[int, ...]) -> float:
        return factorial[total] + math.fsum(n * s - factorial[n] for n, s in zip(table, logs, strict=True))

    limit = log_probability(observed) + 1e-9
    values = [v for v in (log_probability(t) for t in _tables(total, len(observed))) if v <= limit]
    top = max(values)
    log_p = min(top + math.log(math.fsum(math.exp(v - top) for v in values)), 0.0)
    return math.exp(log_p), log_p


def _tables(total: int, arms: int) -> Iterator[tuple[int, ...]]:
    """All ways to spread ``total`` units over ``arms`` arms."""
    if arms == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _tables(total - first, arms - 1):
            yield (first, *rest)
