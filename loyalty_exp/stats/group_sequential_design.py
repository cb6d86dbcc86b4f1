"""What a plan of looks costs and yields: power, expected information, and the answer after stopping."""

from __future__ import annotations

import math
from dataclasses import dataclass

from loyalty_exp.stats.crossing import Crossing, crossing
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.group_sequential import Boundaries

_SPAN = 45.0
"""Drifts are searched this far from 0 on either side of the naive one."""


@dataclass(frozen=True, slots=True)
class Operating:
    """How a design behaves at one true effect.

    Attributes
    ----------
    cumulative_power : tuple of float, length k
        Chance of having stopped for a positive effect up to each look.
    stopping : tuple of float, length k
        Chance of stopping at each look, for either sign; the last look takes what remains.
    expected_information : float
        In the unit of the boundaries: 1 is the planned information.
    """

    cumulative_power: tuple[float, ...]
    stopping: tuple[float, ...]
    expected_information: float


@dataclass(frozen=True, slots=True)
class AfterStopping:
    """Inference once the test has stopped, by the stage-wise ordering of outcomes.

    Attributes
    ----------
    p_value : float
        With as many sides as the design.
    drift : float
        Median-unbiased estimate of the mean of the statistic at information 1.
    drift_lower, drift_upper : float
        Equal-tailed interval. Drift times the standard error at information 1 is the effect.
    """

    p_value: float
    drift: float
    drift_lower: float
    drift_upper: float


def operating_characteristics(bounds: Boundaries, drift: float) -> Operating:
    """Power and expected information at a true drift.

    Parameters
    ----------
    bounds : Boundaries
        For all looks planned.
    drift : float
        True effect divided by the standard error at information 1.

    References
    ----------
    Jennison & Turnbull (2000), Group Sequential Methods, chapter 19.
    """
    found = _crossing(bounds, drift)
    power, total = [], 0.0
    for p in found.upper:
        total += p
        power.append(total)
    stop = [a + b for a, b in zip(found.upper, found.lower, strict=True)]
    stop[-1] = 1 - math.fsum(stop[:-1])
    expected = math.fsum(p * t for p, t in zip(stop, bounds.information, strict=True))
    return Operating(tuple(power), tuple(stop), expected)


def required_drift(bounds: Boundaries, power: float) -> float:
    """Drift at which the design stops for a positive effect with the given chance.

    Parameters
    ----------
    power : float
        Between the level and 1.

    Raises
    ------
    ValueError
        If power is not above the error of one tail and below 1.
    """
    from scipy import optimize

    alpha = bounds.cumulative_alpha[-1] / bounds.sides
    if not alpha < power < 1:
        raise ValueError(f"power lies between {alpha:g} and 1, not {power}")
    fixed = fixed_drift(bounds, power)
    scale = math.sqrt(bounds.information[-1])
    return float(
        optimize.brentq(
            lambda d: math.fsum(_crossing(bounds, d).upper) - power, 0.0, 3 * fixed + 3 / scale, xtol=1e-10
        )
    )


def fixed_drift(bounds: Boundaries, power: float) -> float:
    """Drift at which one test at the end, without looks before, has the given power.

    Parameters
    ----------
    power : float
        Between the level and 1.
    """
    alpha = bounds.cumulative_alpha[-1] / bounds.sides
    return (normal_quantile(1 - alpha) + normal_quantile(power)) / math.sqrt(bounds.information[-1])


def inflation_factor(bounds: Boundaries, power: float) -> float:
    """Largest sample size of the design over that of a fixed test of the same error and power.

    Parameters
    ----------
    power : float
        Between the level and 1.

    References
    ----------
    Jennison & Turnbull (2000), Group Sequential Methods, chapter 2 (the constants R_P, R_B and R_WT).
    """
    return (required_drift(bounds, power) / fixed_drift(bounds, power)) ** 2


def after_stopping(bounds: Boundaries, z: float, look: int, alpha: float) -> AfterStopping:
    """P-value, estimate and interval that allow for having stopped early.

    Outcomes are ordered by the look of stopping first and the statistic second; only the looks taken matter.

    Parameters
    ----------
    bounds : Boundaries
    z : float
        Statistic at the look of stopping.
    look : int
        Counted from 0. Either the statistic reaches its critical value there, or the look is the last one.
    alpha : float
        Two-sided, of the interval.

    References
    ----------
    Tsiatis, Rosner, Mehta (1984), Exact confidence intervals following a group sequential test, Biometrics
    40(3), 797-803; Jennison & Turnbull (2000), Group Sequential Methods, chapter 8.
    """
    from scipy import optimize

    if not 0 <= look < len(bounds.information):
        raise ValueError(f"no look {look}")
    reached = (abs(z) if bounds.sides == 2 else z) >= bounds.critical_values[look]
    if not reached and look + 1 < len(bounds.information):
        raise ValueError("the test has not stopped at this look")
    times = bounds.information[: look + 1]
    upper = (*bounds.critical_values[:look], z)
    lower = (*bounds.lower[:look], -math.inf)

    def at_least(drift: float) -> float:
        return math.fsum(crossing(times, upper, lower, drift).upper)

    def drift_at(chance: float) -> float:
        naive, span = z / math.sqrt(times[-1]), _SPAN / math.sqrt(times[0])
        return float(optimize.brentq(lambda d: at_least(d) - chance, naive - span, naive + span, xtol=1e-10))

    p = at_least(0.0)
    return AfterStopping(
        min(1.0, 2 * min(p, 1 - p)) if bounds.sides == 2 else p,
        drift_at(0.5),
        drift_at(alpha / 2),
        drift_at(1 - alpha / 2),
    )


def _crossing(bounds: Boundaries, drift: float) -> Crossing:
    return crossing(bounds.information, bounds.critical_values, bounds.lower, drift)
