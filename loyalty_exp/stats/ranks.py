"""Comparisons of two arms by rank: Mann-Whitney and Brunner-Munzel, with ties.

Everything is counted on the sorted distinct values, in ``O(N log N)`` time; no table of pairs is made. The
exact Mann-Whitney distribution is offered up to :data:`EXACT_UNITS` units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import normal_two_sided, t_quantile, t_two_sided
from loyalty_exp.stats.moments import Vector

EXACT_UNITS = 100
"""Units of both arms up to which the exact distribution is computed."""

ALL_TIED = "all values are equal"


@dataclass(frozen=True, slots=True)
class MannWhitney:
    """Does the treated arm tend to larger values?

    Attributes
    ----------
    u : float
        Pairs with treated above control, ties one half.
    superiority : float
        ``u`` over all pairs: probability of a larger value under treatment, ties one half.
    variance : float
        Of ``u`` when both arms are alike, corrected for ties.
    z, p_value, log_p_value : float or None
        Two-sided; ``z`` is None for the exact test, all are None when there is no test.
    not_tested : str
        Why there is no test; empty when there is one.
    """

    u: float
    superiority: float
    variance: float
    z: float | None
    p_value: float | None
    log_p_value: float | None
    not_tested: str = ""


@dataclass(frozen=True, slots=True)
class BrunnerMunzel:
    """Probability of a larger value under treatment, ties one half, without equal variances.

    Attributes
    ----------
    superiority, std_error, ci_lower, ci_upper : float
        The limits are those of the t interval and may pass 0 or 1 in small arms.
    statistic, df, p_value, log_p_value : float
        Of the hypothesis that the probability is one half; two-sided.
    """

    superiority: float
    std_error: float
    ci_lower: float
    ci_upper: float
    statistic: float
    df: float
    p_value: float
    log_p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """Distinct values of both arms, and how often each arm has them."""

    values: Vector
    treated: Vector
    control: Vector


def mann_whitney(
    treated: npt.ArrayLike, control: npt.ArrayLike, *, exact: bool = False, continuity: bool = False
) -> MannWhitney:
    """Mann-Whitney test (Wilcoxon rank sum).

    Parameters
    ----------
    treated, control : array, shapes (n_t,), (n_c,)
    exact : bool
        Use the exact distribution given the ties; both tails at least as far from the middle count.
    continuity : bool
        Move the normal statistic one half toward 0; the exact test needs none.

    Raises
    ------
    NotEstimable
        With an empty arm; for an exact test of more than :data:`EXACT_UNITS` units.

    References
    ----------
    Mann & Whitney (1947), On a test of whether one of two random variables is stochastically larger than the
    other, Annals of Mathematical Statistics 18(1), 50-60; Hollander, Wolfe, Chicken (2014), Nonparametric
    Statistical Methods, 3rd edition, Wiley, section 4.1 (ties); Streitberg & Roehmel (1986), Exact
    distributions for permutation and rank tests, Statistical Software Newsletter 12, 10-17 (exact).
    """
    counted = _count(treated, control)
    n_t, n_c = float(counted.treated.sum()), float(counted.control.sum())
    n = n_t + n_c
    u = float(counted.treated @ _midpoint(counted.control))
    both = counted.treated + counted.control
    ties = float((both * (both - 1) * (both + 1)).sum())
    variance = max(n_t * n_c / 12 * (n + 1 - ties / (n * (n - 1))), 0.0) if len(both) > 1 else 0.0
    superiority = u / (n_t * n_c)
    if variance == 0:
        return MannWhitney(u, superiority, 0.0, None, None, None, ALL_TIED)
    if exact:
        p = _exact_p(counted)
        return MannWhitney(u, superiority, variance, None, p, math.log(p))
    gap = u - n_t * n_c / 2
    if continuity:
        gap = math.copysign(max(abs(gap) - 0.5, 0.0), gap)
    z = gap / math.sqrt(variance)
    return MannWhitney(u, superiority, variance, z, *normal_two_sided(z))


def _exact_p(counted: _Counted) -> float:
    """Share of the splits whose rank sum is at least as far from its mean as the one seen."""
    both = counted.treated + counted.control
    n, n_t = int(both.sum()), int(counted.treated.sum())
    if n > EXACT_UNITS:
        raise NotEstimable(f"the exact test is offered up to {EXACT_UNITS} units, not {n:,}")
    doubled = np.rint(2 * (_midpoint(both) + 0.5)).astype(int)  # midranks are whole or half
    ranks = np.repeat(doubled, both.astype(int))
    # ways[k, s]: share of all splits so far that put k units with doubled rank sum s under treatment.
    ways = np.zeros((n_t + 1, int(ranks.sum()) + 1))
    ways[0, 0] = 1.0
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, :-rank].copy()
    sums = ways[n_t]
    far = np.abs(np.arange(len(sums)) - n_t * (n + 1))
    seen = abs(int(counted.treated @ doubled) - n_t * (n + 1))
    return min(1.0, float(sums[far >= seen].sum() / sums.sum()))


def brunner_munzel(treated: npt.ArrayLike, control: npt.ArrayLike, alpha: float) -> BrunnerMunzel:
    """Test and interval for the probability of a larger value, with Satterthwaite's degrees of freedom.

    Parameters
    ----------
    treated, control : array, shapes (n_t,), (n_c,)
    alpha : float
        Two-sided.

    Raises
    ------
    NotEstimable
        With fewer than two units in an arm; if the arms do not overlap or all values are equal, so that
        nothing varies.

    References
    ----------
    Brunner & Munzel (2000), The nonparametric Behrens-Fisher problem, Biometrical Journal 42(1), 17-25,
    sections 3 and 4.
    """
    counted = _count(treated, control)
    arms = (counted.treated, counted.control)
    n_t, n_c = (float(a.sum()) for a in arms)
    if min(n_t, n_c) < 2:
        raise NotEstimable("fewer than two units in an arm")
    # Placements: where a unit stands among the other arm, as a share of it.
    v_t, p = _placement_variance(counted.treated, _midpoint(counted.control) / n_c)
    v_c, _ = _placement_variance(counted.control, _midpoint(counted.treated) / n_t)
    a, b = v_t / n_t, v_c / n_c
    if a + b <= 0:
        raise NotEstimable(ALL_TIED if len(counted.values) == 1 else "the arms do not overlap")
    error = math.sqrt(a + b)
    df = (a + b) ** 2 / (a * a / (n_t - 1) + b * b / (n_c - 1))
    statistic = (p - 0.5) / error
    half = t_quantile(1 - alpha / 2, df) * error
    return BrunnerMunzel(p, error, p - half, p + half, statistic, df, *t_two_sided(statistic, df))


def _placement_variance(times: Vector, placement: Vector) -> tuple[float, float]:
    """Sample variance and mean of the placements."""
    n = float(times.sum())
    mean = float(times @ placement) / n
    return float(times @ (placement - mean) ** 2) / (n - 1), mean


def _midpoint(times: Vector) -> Vector:
    """How many units have smaller values, plus half of those with the same one."""
    return np.asarray(np.cumsum(times) - times / 2)


def _count(treated: npt.ArrayLike, control: npt.ArrayLike) -> _Counted:
    x, y = finite_values(treated), finite_values(control)
    values, code = np.unique(np.concatenate([x, y]), return_inverse=True)
    count = [
        np.bincount(c, minlength=len(values)).astype(np.float64) for c in (code[: len(x)], code[len(x) :])
    ]
    return _Counted(values, count[0], count[1])


def finite_values(values: npt.ArrayLike) -> Vector:
    """One arm's values, checked; shape (n,).

    Parameters
    ----------
    values : array, shape (n,)

    Raises
    ------
    NotEstimable
        Without units.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or not np.isfinite(x).all():
        raise ValueError("ranks need one row of finite values an arm")
    if len(x) == 0:
        raise NotEstimable("no units in an arm")
    return x
