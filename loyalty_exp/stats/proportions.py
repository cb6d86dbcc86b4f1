"""The difference of two proportions by the score method, which holds for sparse and one-sided tables too."""

from __future__ import annotations

import math

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import normal_quantile, normal_two_sided
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.one_proportion import wilson


def restricted_mle(x_t: float, n_t: float, x_c: float, n_c: float, delta: float) -> tuple[float, float]:
    """Most likely pair of proportions whose difference is ``delta``.

    Parameters
    ----------
    x_t, n_t, x_c, n_c : float
        Successes and units, treated and control.
    delta : float
        Treated minus control, in [-1, 1].

    Returns
    -------
    (p_t, p_c) : pair of float

    References
    ----------
    Miettinen & Nurminen (1985), Comparative analysis of two rates, Statistics in Medicine 4, 213-226,
    appendix I (closed form of the cubic), and Newton steps on the likelihood equation, since the arc cosine
    of the closed form loses half the digits for rare events.
    """
    low, high = max(0.0, -delta), min(1.0, 1.0 - delta)
    if high <= low:
        return low + delta, low
    y_t, y_c = n_t - x_t, n_c - x_c
    if _pull(x_t, x_c, low + delta, low) - _pull(y_t, y_c, 1 - low - delta, 1 - low) <= 0:
        return max(low + delta, 0.0), low
    if _pull(x_t, x_c, high + delta, high) - _pull(y_t, y_c, 1 - high - delta, 1 - high) >= 0:
        return min(high + delta, 1.0), high
    n = n_t + n_c
    l2 = (n_t + 2 * n_c) * delta - n - (x_t + x_c)
    l1 = (n_c * delta - n - 2 * x_c) * delta + x_t + x_c
    l0 = x_c * delta * (1 - delta)
    q = (l2 / (3 * n)) ** 3 - l1 * l2 / (6 * n * n) + l0 / (2 * n)
    p = math.copysign(math.sqrt(max((l2 / (3 * n)) ** 2 - l1 / (3 * n), 0.0)), q)
    angle = 0.0 if p == 0 else math.acos(max(-1.0, min(1.0, q / p**3)))
    p_c = 2 * p * math.cos((math.pi + angle) / 3) - l2 / (3 * n)
    if not low < p_c < high:
        p_c = 0.5 * (low + high)
    for _ in range(60):
        p_t = p_c + delta
        if p_c <= 0 or p_c >= 1 or p_t <= 0 or p_t >= 1:
            break
        slope = x_c / p_c - y_c / (1 - p_c) + x_t / p_t - y_t / (1 - p_t)
        bend = x_c / p_c**2 + y_c / (1 - p_c) ** 2 + x_t / p_t**2 + y_t / (1 - p_t) ** 2
        moved = p_c + slope / bend
        if moved <= low:
            moved = 0.5 * (p_c + low)
        elif moved >= high:
            moved = 0.5 * (p_c + high)
        step, p_c = abs(moved - p_c), moved
        if step <= 1e-13 * p_c:
            break
    return min(max(p_c + delta, 0.0), 1.0), p_c


def _pull(k_t: float, k_c: float, p_t: float, p_c: float) -> float:
    """``k_t / p_t + k_c / p_c``, a term without counts being 0 and a term without probability infinite."""
    total = 0.0
    for k, p in ((k_t, p_t), (k_c, p_c)):
        if k > 0:
            total += k / p if p > 1e-300 else math.inf
    return total


def score(x_t: float, n_t: float, x_c: float, n_c: float, delta: float, corrected: bool = True) -> float:
    """Score statistic of the hypothesis that the difference is ``delta``; signed, infinite where impossible.

    Parameters
    ----------
    x_t, n_t, x_c, n_c : float
        Successes and units, treated and control.
    delta : float
        Treated minus control.
    corrected : bool
        Whether the variance carries the factor ``n / (n - 1)``.

    References
    ----------
    Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226, equations 8 and 9; without the factor, Mee
    (1984), Biometrics 40, 1175-1176, and Farrington & Manning (1990), Statistics in Medicine 9, 1447-1454.
    """
    gap = x_t / n_t - x_c / n_c - delta
    p_t, p_c = restricted_mle(x_t, n_t, x_c, n_c, delta)
    n = n_t + n_c
    variance = p_t * (1 - p_t) / n_t + p_c * (1 - p_c) / n_c
    if corrected:
        variance *= n / (n - 1)
    if variance <= 0:
        return 0.0 if gap == 0 else math.copysign(math.inf, gap)
    return gap / math.sqrt(variance)


def miettinen_nurminen(
    x_t: int, n_t: int, x_c: int, n_c: int, alpha: float, corrected: bool = True
) -> Difference:
    """Difference of proportions with the score test and the interval that inverts it.

    ``p_value < alpha`` exactly when the interval excludes 0. When both arms are all 0 or all 1 there is no
    test: the p-value is None, the interval still exists. ``std_error`` is the unpooled Wald one, for pictures
    and sums only.

    Parameters
    ----------
    x_t, n_t, x_c, n_c : int
        Successes and units, treated and control.
    alpha : float
        Two-sided.
    corrected : bool
        Without the factor ``n / (n - 1)`` this is Mee's interval, and the test is Pearson's chi-square.

    Raises
    ------
    NotEstimable
        With no unit in an arm.

    References
    ----------
    Miettinen & Nurminen (1985), Comparative analysis of two rates, Statistics in Medicine 4, 213-226,
    equations 8-10.
    """
    counted(x_t, n_t, x_c, n_c)
    p_t, p_c = x_t / n_t, x_c / n_c
    estimate = p_t - p_c
    std_error = math.sqrt(p_t * (1 - p_t) / n_t + p_c * (1 - p_c) / n_c)
    z = -normal_quantile(alpha / 2)
    lower = _bound(x_t, n_t, x_c, n_c, estimate, -1.0, z, corrected)
    upper = _bound(x_t, n_t, x_c, n_c, estimate, 1.0, z, corrected)
    at_zero = score(x_t, n_t, x_c, n_c, 0.0, corrected)
    if x_t + x_c in (0, n_t + n_c):
        return Difference(estimate, std_error, lower, upper, None)
    p, log_p = normal_two_sided(at_zero)
    if p < alpha:
        lower = max(lower, math.ulp(0.0)) if estimate > 0 else lower
        upper = min(upper, -math.ulp(0.0)) if estimate < 0 else upper
    else:
        lower, upper = min(lower, 0.0), max(upper, 0.0)
    return Difference(estimate, std_error, lower, upper, p, log_p)


def counted(x_t: int, n_t: int, x_c: int, n_c: int) -> None:
    """Refuse tables that hold nobody in an arm, or more successes than units.

    Raises
    ------
    NotEstimable
        With no unit in an arm.
    ValueError
        For counts that cannot be.
    """
    for n, x, name in ((n_t, x_t, "the treatment arm"), (n_c, x_c, "the control arm")):
        if n < 1:
            raise NotEstimable(f"no units in {name}")
        if not 0 <= x <= n:
            raise ValueError(f"{x} successes in {n} units of {name}")


def _bound(
    x_t: int, n_t: int, x_c: int, n_c: int, estimate: float, end: float, z: float, corrected: bool
) -> float:
    """Where the score statistic leaves ``[-z, z]`` between the estimate and ``end``.

    References
    ----------
    Dowell & Jarratt (1971), A modified regula falsi method (Illinois), BIT 11, 168-174, with bisection as a
    safeguard.
    """
    target = math.copysign(z, -end)

    def excess(delta: float) -> float:
        return score(x_t, n_t, x_c, n_c, delta, corrected) - target

    if estimate == end:
        return end
    inner, outer = estimate, end
    f_inner, f_outer = excess(inner), excess(outer)
    if f_outer * f_inner > 0:
        return end
    side = 0
    for step in range(200):
        if step == 0:
            # A first guess at Wald's distance keeps the bracket narrow for large samples.
            n = 1 / n_t + 1 / n_c
            guess = inner + end * 1.2 * z * math.sqrt(0.25 * n)
        elif math.isinf(f_outer) or step % 8 == 7:
            guess = 0.5 * (inner + outer)
        else:
            guess = (inner * f_outer - outer * f_inner) / (f_outer - f_inner)
        if not min(inner, outer) < guess < max(inner, outer):
            guess = 0.5 * (inner + outer)
        f = excess(guess)
        if f == 0:
            return guess
        if (f > 0) == (f_inner > 0):
            inner, f_inner = guess, f
            f_outer = f_outer / 2 if side == 1 else f_outer
            side = 1
        else:
            outer, f_outer = guess, f
            f_inner = f_inner / 2 if side == -1 else f_inner
            side = -1
        if abs(outer - inner) <= 1e-14 * max(abs(outer), 1e-6) or abs(f) < 1e-13:
            return guess
    return 0.5 * (inner + outer)


def newcombe(x_t: int, n_t: int, x_c: int, n_c: int, alpha: float) -> tuple[float, float]:
    """Hybrid score interval of a difference of proportions.

    References
    ----------
    Newcombe (1998), Interval estimation for the difference between independent proportions, Statistics in
    Medicine 17, 873-890, method 10.
    """
    counted(x_t, n_t, x_c, n_c)
    p_t, p_c = x_t / n_t, x_c / n_c
    low_t, high_t = wilson(x_t, n_t, alpha)
    low_c, high_c = wilson(x_c, n_c, alpha)
    d = p_t - p_c
    return d - math.hypot(p_t - low_t, high_c - p_c), d + math.hypot(high_t - p_t, p_c - low_c)
