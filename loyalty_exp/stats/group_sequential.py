"""Planned looks: critical values that spend the error rate look by look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from loyalty_exp.stats.crossing import (
    REACH,
    START,
    Survival,
    advance,
    check_information,
    crossing,
    log_tail,
    masses,
    no_new_data,
)
from loyalty_exp.stats.distributions import normal_cdf, normal_quantile
from loyalty_exp.stats.spending import Spending, cumulative_alpha


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Critical values of the statistic at each look.

    Attributes
    ----------
    information : tuple of float, length k
        As shares of the planned information; the last may exceed 1.
    critical_values : tuple of float, length k
        The test stops when the statistic (two-sided: its size) reaches it; infinite where nothing is spent.
    cumulative_alpha : tuple of float, length k
        Error spent up to each look, over all tails.
    nominal_p : tuple of float, length k
        The fixed-sample p-value, over all tails, that just stops at that look.
    sides : int
        1 (large values stop) or 2.
    """

    information: tuple[float, ...]
    critical_values: tuple[float, ...]
    cumulative_alpha: tuple[float, ...]
    nominal_p: tuple[float, ...]
    sides: int

    @property
    def lower(self) -> tuple[float, ...]:
        """Critical values below, minus infinity for a one-sided test."""
        return tuple(-c if self.sides == 2 else -math.inf for c in self.critical_values)


def boundaries(
    information: Sequence[float],
    alpha: float,
    spending: Spending,
    sides: int = 2,
    planned: float = 1.0,
    final: bool = False,
) -> Boundaries:
    """Critical values at the looks actually taken, by the error they may spend.

    Only the looks up to now are needed; looks to come change nothing. The look that reaches the planned
    information spends all that is left, and with more information than planned (overrun) it does so at its
    true correlation with the looks before. A look without new data spends nothing and repeats the critical
    value before it. After all is spent the critical value is infinite.

    Parameters
    ----------
    information : sequence of float, length k
        At each look: units, or 1 / variance of the estimate; not decreasing.
    alpha : float
        Over all tails.
    spending : function
        From :mod:`loyalty_exp.stats.spending`.
    sides : int
        1 or 2; two-sided boundaries are symmetric.
    planned : float
        Information at which the test is planned to end, in the unit of ``information``.
    final : bool
        Whether the last look is the end although less than planned has come in (underrun): it then spends all
        that is left. To be decided without regard to the results.

    Raises
    ------
    ValueError
        For information that decreases or is not positive, or alpha or sides that do not exist.

    References
    ----------
    Lan & DeMets (1983), Biometrika 70(3), 659-663; Jennison & Turnbull (2000), Group Sequential
    Methods, chapters 7 and 19.
    """
    _check(alpha, sides)
    check_information(information)
    if not (planned > 0 and math.isfinite(planned)):
        raise ValueError("planned information must be positive and finite")
    fractions = tuple(t / planned for t in information)
    spent = list(cumulative_alpha(spending, fractions, alpha, sides))
    if final or fractions[-1] >= 1:
        spent[-1] = alpha
    return Boundaries(fractions, *_solved(fractions, spent, sides), sides)


def constant_boundaries(
    information: Sequence[float], alpha: float, delta: float, sides: int = 2
) -> Boundaries:
    """Boundaries of a fixed shape ``C fraction^(delta - 1/2)``, for looks that are all known in advance.

    ``delta`` 0 is O'Brien and Fleming's, 1/2 Pocock's. The last of the information is fraction 1.

    Parameters
    ----------
    information : sequence of float, length k
        As shares of the planned information, increasing.
    delta : float
        0 for the shape of O'Brien and Fleming, 0.5 for Pocock's.
    sides : int
        1 or 2.

    References
    ----------
    Wang & Tsiatis (1987), Approximately optimal one-parameter boundaries for group sequential trials,
    Biometrics 43(1), 193-199; Jennison & Turnbull (2000), Group Sequential Methods, chapter 2.
    """
    from scipy import optimize

    _check(alpha, sides)
    check_information(information)
    fractions = tuple(t / information[-1] for t in information)

    def made(c: float) -> tuple[tuple[float, ...], list[float]]:
        critical = tuple(c * t ** (delta - 0.5) for t in fractions)
        found = crossing(fractions, critical, [-v if sides == 2 else -math.inf for v in critical])
        total, spent = 0.0, []
        for p in found.upper:
            total += sides * p
            spent.append(total)
        return critical, spent

    low = -normal_quantile(alpha / sides)
    high = -normal_quantile(alpha / sides / len(fractions)) + 1
    c = (
        low
        if len(fractions) == 1
        else optimize.brentq(lambda c: made(c)[1][-1] - alpha, low, high, xtol=1e-12)
    )
    critical, spent = made(float(c))
    return Boundaries(fractions, critical, tuple(spent), _nominal(critical, sides), sides)


def _check(alpha: float, sides: int) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1, not {alpha}")
    if sides not in (1, 2):
        raise ValueError(f"a test has 1 or 2 sides, not {sides}")


def _solved(
    times: Sequence[float], spent: Sequence[float], sides: int
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Critical values, error spent, nominal p-values."""
    steps = [b - a for a, b in zip((0.0, *spent), spent, strict=False)]
    if min(steps) < -1e-12:
        raise ValueError("a spending function must not decrease")
    smallest = min((p / sides for p in steps[1:] if p > 1e-300), default=0.5)
    reach = max(REACH, 2 - normal_quantile(smallest))
    state, total = START, 0.0
    critical: list[float] = []
    done: list[float] = []
    for t, upto in zip(times, spent, strict=True):
        if state.time and no_new_data(state.time, t):
            critical.append(critical[-1])
        else:
            critical.append(_critical(state, t, (upto - total) / sides))
            total = max(total, upto)
            state = advance(state, t, -critical[-1] if sides == 2 else -math.inf, critical[-1], reach)
        done.append(total)
    return tuple(critical), tuple(done), _nominal(critical, sides)


def _critical(state: Survival, time: float, target: float) -> float:
    """Critical value that is exceeded for the first time now with the given chance.

    Newton's method on the log of the chance, from the quantile without earlier looks: the chance is
    log-concave (Prekopa 1973), so the steps fall toward the root from above and need no bracket.
    """
    if target < 1e-300:
        return math.inf
    c = -normal_quantile(target)
    if state.time == 0:
        return c
    carried = masses(state, time)
    for _ in range(60):
        log_p, slope = log_tail(carried, state.time, time, c)
        step = (math.log(target) - log_p) / slope
        c += step
        if abs(step) < 1e-12 * max(1.0, abs(c)):
            break
    return c


def _nominal(critical: Sequence[float], sides: int) -> tuple[float, ...]:
    return tuple(sides * normal_cdf(-c) for c in critical)
