"""Proportions with beta priors: who is better, by how much, and what a wrong choice costs. No simulation.

Integrals run over the log odds, where every beta density is smooth with one peak, however sparse the counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.bayes.beta import DEPTH, BetaPosterior, cdf, density, peak, sf, support, width
from loyalty_exp.stats.bayes.quadrature import bounded, even
from loyalty_exp.stats.moments import Vector


def probability_better(treated: BetaPosterior, control: BetaPosterior) -> float:
    """Probability that the treated proportion is the higher one."""
    return probability_best([treated, control])[0]


def probability_best(arms: Sequence[BetaPosterior]) -> tuple[float, ...]:
    """Probability of each arm that its proportion is the highest.

    Parameters
    ----------
    arms : sequence of BetaPosterior
        At least two, independent.

    References
    ----------
    ``P(best) = integral f_i prod F_j``; for two arms and whole numbers equal to the sum of Miller (2015),
    Formulas for Bayesian A/B testing.
    """
    ends = _ends(arms)
    start, out = max(low for low, _ in ends), []
    for i, arm in enumerate(arms):
        y, step = _line(arms, start, ends[i][1])
        others = np.prod([cdf(a, y) for j, a in enumerate(arms) if j != i], axis=0)
        out.append(float(density(arm, y) @ others) * step)
    return tuple(out)


def expected_losses(arms: Sequence[BetaPosterior]) -> tuple[float, ...]:
    """What choosing each arm loses on average against the best of the others, as a proportion.

    ``E max(max_j p_j - p_i, 0)``, integrated from tails, so that a small loss is not the difference of two
    large numbers. For two arms the first value is the loss of choosing the first.

    References
    ----------
    Stucchio (2015), Bayesian A/B Testing at VWO.
    """
    from scipy import special

    ends, out = _ends(arms), []
    for i, arm in enumerate(arms):
        high = max(end for j, (_, end) in enumerate(ends) if j != i)
        y, step = _line(arms, ends[i][0], high)
        others = [np.log1p(-np.minimum(sf(a, y), 1 - 1e-16)) for j, a in enumerate(arms) if j != i]
        slope = special.expit(y) * special.expit(-y) * step
        out.append(float((cdf(arm, y) * -np.expm1(np.sum(others, axis=0))) @ slope))
    return tuple(out)


def difference_interval(treated: BetaPosterior, control: BetaPosterior, alpha: float) -> tuple[float, float]:
    """Central interval of probability ``1 - alpha`` of treated minus control."""
    low, high = _tails(alpha)
    return difference_quantile(treated, control, low), difference_quantile(treated, control, high)


def difference_quantile(treated: BetaPosterior, control: BetaPosterior, p: float) -> float:
    """Quantile of treated minus control."""
    return _root(lambda d: difference_cdf(d, treated, control) - p, -1.0, 1.0)


def lift_quantile(treated: BetaPosterior, control: BetaPosterior, p: float) -> float:
    """Quantile of ``treated / control - 1``; 0.5 gives the median lift."""

    def excess(log_ratio: float) -> float:
        return ratio_cdf(math.exp(log_ratio), treated, control) - p

    low, high = -1.0, 1.0
    while excess(low) > 0 and low > -700:
        low *= 2
    while excess(high) < 0 and high < 700:
        high *= 2
    return math.expm1(_root(excess, max(low, -700.0), min(high, 700.0)))


def lift_interval(treated: BetaPosterior, control: BetaPosterior, alpha: float) -> tuple[float, float]:
    """Central interval of probability ``1 - alpha`` of ``treated / control - 1``."""
    low, high = _tails(alpha)
    return lift_quantile(treated, control, low), lift_quantile(treated, control, high)


def expected_lift(treated: BetaPosterior, control: BetaPosterior) -> float:
    """Mean of ``treated / control - 1``.

    Raises
    ------
    NotEstimable
        If the mean does not exist: ``a <= 1`` in control, as with a uniform prior and no success.
    """
    if control.a <= 1:
        raise NotEstimable("too few successes in control: the mean of the lift does not exist")
    return treated.mean * (control.a + control.b - 1) / (control.a - 1) - 1


def difference_cdf(d: float, treated: BetaPosterior, control: BetaPosterior) -> float:
    """Probability that treated minus control is at most ``d``.

    Parameters
    ----------
    d : float
        Difference of proportions, from -1 to 1.
    """
    if d <= -1 or d >= 1:
        return float(d >= 1)
    from scipy import special

    if treated.variance <= control.variance:
        # Integrate over the sharper density, so that the other factor is smooth beside it.
        low, high = _logit(max(d, 0.0)), _logit(min(1.0, 1.0 + d))

        def beyond(y: Vector) -> Vector:
            return np.asarray(special.betaincc(control.a, control.b, np.clip(special.expit(y) - d, 0, 1)))

        # Below the cut the control is above surely, above it surely not.
        return _sure(treated, low) + _part(treated, low, high, beyond)
    low, high = _logit(max(-d, 0.0)), _logit(min(1.0, 1.0 - d))

    def within(y: Vector) -> Vector:
        return np.asarray(special.betainc(treated.a, treated.b, np.clip(special.expit(y) + d, 0, 1)))

    return _part(control, low, high, within) + _surely_above(control, high)


def ratio_cdf(r: float, treated: BetaPosterior, control: BetaPosterior) -> float:
    """Probability that treated over control is at most ``r``.

    Parameters
    ----------
    r : float
        Ratio of proportions, positive.
    """
    if not r > 0:
        return 0.0
    from scipy import special

    if width(treated) <= width(control):

        def beyond(y: Vector) -> Vector:
            return np.asarray(special.betaincc(control.a, control.b, np.minimum(special.expit(y) / r, 1)))

        return _part(treated, -math.inf, _logit(min(r, 1.0)), beyond)

    def within(y: Vector) -> Vector:
        return np.asarray(special.betainc(treated.a, treated.b, np.minimum(special.expit(y) * r, 1)))

    cut = _logit(min(1 / r, 1.0))
    return _part(control, -math.inf, cut, within) + _surely_above(control, cut)


def _part(arm: BetaPosterior, low: float, high: float, factor: Callable[[Vector], Vector]) -> float:
    """Integral of a density times a factor over log odds in ``[low, high]``."""
    ends = support(arm, 45.0)
    low, high = max(low, ends[0]), min(high, ends[1])
    if low >= high:
        return 0.0
    middle = min(max(peak(arm), low), high)
    total = 0.0
    for start, end in ((low, middle), (middle, high)):
        if start < end:
            y, weight = bounded(start, end)
            total += float((density(arm, y) * factor(y)) @ weight)
    return total


def _sure(arm: BetaPosterior, y: float) -> float:
    return 0.0 if y == -math.inf else float(cdf(arm, np.array([y]))[0])


def _surely_above(arm: BetaPosterior, y: float) -> float:
    return 0.0 if y == math.inf else float(sf(arm, np.array([y]))[0])


def _ends(arms: Sequence[BetaPosterior]) -> list[tuple[float, float]]:
    """Log odds outside which each density is below the smallest double."""
    if len(arms) < 2:
        raise ValueError("at least two arms")
    return [support(arm, DEPTH) for arm in arms]


def _line(arms: Sequence[BetaPosterior], low: float, high: float) -> tuple[Vector, float]:
    """Points and step between two log odds, fine enough for the sharpest arm."""
    # Sparse arms have densities like exp(a y - exp(y)), for which steps of 0.3 leave exp(-33).
    return even(low, max(high, low + 1e-9), min(0.9, *(width(arm) for arm in arms)))


def _logit(p: float) -> float:
    if p <= 0:
        return -math.inf
    return math.inf if p >= 1 else math.log(p) - math.log1p(-p)


def _tails(alpha: float) -> tuple[float, float]:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is between 0 and 1, not {alpha}")
    return alpha / 2, 1 - alpha / 2


def _root(excess: Callable[[float], float], low: float, high: float) -> float:
    """Where an increasing function crosses 0.

    References
    ----------
    Dowell & Jarratt (1971), A modified regula falsi method (Illinois), BIT 11, 168-174, every third step a
    bisection.
    """
    f_low, f_high = excess(low), excess(high)
    for step in range(300):
        guess = 0.5 * (low + high)
        if step % 3 and f_low < 0 < f_high:
            guess = (low * f_high - high * f_low) / (f_high - f_low)
        if not low < guess < high or high - low <= 1e-15 * max(abs(guess), 1e-3):
            break
        f = excess(guess)
        if f < 0:
            low, f_low, f_high = guess, f, f_high / 2 if step % 3 else f_high
        else:
            high, f_high, f_low = guess, f, f_low / 2 if step % 3 else f_low
        if abs(f) < 1e-14:
            return guess
    return 0.5 * (low + high)
