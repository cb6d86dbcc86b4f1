"""The share of units that have not repurchased yet, day by day, with censoring taken into account."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import normal_quantile, normal_two_sided
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.event_counts import Counts, EventCounts
from loyalty_exp.stats.moments import Vector

Scale = Literal["plain", "log", "log_log"]


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalCurve:
    """Kaplan-Meier curve of one arm: a step function, 1 before the first time.

    Attributes
    ----------
    n : int
        Units.
    time : array, shape (m,)
        Days at which an event or a censoring came.
    at_risk, events : array of int, shape (m,)
    survival : array, shape (m,)
        Share without the event after each time.
    std_error : array, shape (m,)
        Of the survival, by Greenwood; 0 where the survival is 1 or 0.
    cumulative_hazard : array, shape (m,)
        Nelson-Aalen.
    """

    n: int
    time: Vector
    at_risk: Counts
    events: Counts
    survival: Vector
    std_error: Vector
    cumulative_hazard: Vector

    def at(self, time: float) -> tuple[float, float]:
        """Survival just after a time, and its standard error.

        Parameters
        ----------
        time : float
            On the scale of the counts, such as days.

        Raises
        ------
        NotEstimable
            Where follow-up ends before the time, unless the event has come to every unit by then.
        """
        require_follow_up(self.time, float(self.survival[-1]), time, "the arm")
        i = int(np.searchsorted(self.time, time, side="right")) - 1
        return (1.0, 0.0) if i < 0 else (float(self.survival[i]), float(self.std_error[i]))

    def at_risk_at(self, time: float) -> int:
        """Units still followed just before a time; the table under the curve.

        Parameters
        ----------
        time : float
            On the scale of the counts, such as days.
        """
        i = int(np.searchsorted(self.time, time, side="left"))
        return int(self.at_risk[i]) if i < len(self.time) else 0


@dataclass(frozen=True, slots=True)
class MedianTime:
    """The day by which half of the units have had the event.

    Attributes
    ----------
    estimate, ci_lower, ci_upper : float or None
        None where the curve (or the limit) does not come down to one half within follow-up.
    """

    estimate: float | None
    ci_lower: float | None
    ci_upper: float | None


def kaplan_meier(counts: EventCounts) -> SurvivalCurve:
    """Estimate the survival curve.

    Raises
    ------
    NotEstimable
        With no units.

    References
    ----------
    Kaplan & Meier (1958), Nonparametric estimation from incomplete observations, JASA 53, 457-481, equation
    2b; Greenwood (1926), The natural duration of cancer, appendix 1; Aalen (1978), Nonparametric inference
    for a family of counting processes, Annals of Statistics 6, 701-726.
    """
    if counts.n < 1:
        raise NotEstimable("no units")
    n, d = counts.at_risk.astype(np.float64), counts.events.astype(np.float64)
    survival = np.asarray(np.cumprod(1 - d / n), dtype=np.float64)
    # n = d can happen at the last time only; the survival is then 0 and has no variance estimate.
    std_error = np.asarray(survival * np.sqrt(np.cumsum(greenwood_terms(n, d))), dtype=np.float64)
    return SurvivalCurve(
        counts.n, counts.time, counts.at_risk, counts.events, survival, std_error, np.cumsum(d / n)
    )


def greenwood_terms(at_risk: Vector, events: Vector) -> Vector:
    """``d / (n (n - d))`` by time; 0 where nobody is left.

    Parameters
    ----------
    at_risk, events : array, shape (t,)
        Counts by time; what is returned has the same shape.
    """
    left = at_risk - events
    return np.where(left > 0, events / (at_risk * np.where(left > 0, left, 1.0)), 0.0)


def survival_interval(curve: SurvivalCurve, alpha: float, scale: Scale = "log_log") -> tuple[Vector, Vector]:
    """Pointwise limits of the survival, each of shape (m,).

    Before the first event both limits are 1. Where the survival is 0 there is no variance estimate: the lower
    limit is 0 and the upper one is carried forward.

    Parameters
    ----------
    curve : SurvivalCurve
    alpha : float
        Two-sided.
    scale : str
        On which the limits are symmetric: ``plain`` (cut to [0, 1]), ``log`` or ``log_log``.

    References
    ----------
    Kalbfleisch & Prentice (2002), The Statistical Analysis of Failure Time Data, 2nd ed., section 1.4;
    Therneau & Grambsch (2000), Modeling Survival Data, chapter 2.
    """
    z = normal_quantile(1 - alpha / 2)
    inside = (curve.survival > 0) & (curve.survival < 1)
    s = np.where(inside, curve.survival, 0.5)
    spread = np.where(inside, z * curve.std_error / s, 0.0)
    if scale == "plain":
        lower, upper = s * (1 - spread), s * (1 + spread)
    elif scale == "log":
        lower, upper = s * np.exp(-spread), s * np.exp(spread)
    elif scale == "log_log":
        half = spread / -np.log(s)
        with np.errstate(over="ignore", under="ignore"):
            lower, upper = s ** np.exp(half), s ** np.exp(-half)
    else:
        raise ValueError(f"no such scale: {scale!r}")
    lower = np.where(inside, np.clip(lower, 0, 1), curve.survival)
    upper = np.where(inside, np.clip(upper, 0, 1), 1.0)
    if curve.survival[-1] == 0:
        upper[-1] = upper[-2] if len(upper) > 1 else 1.0
    return lower, upper


def median_time(curve: SurvivalCurve, alpha: float, scale: Scale = "log_log") -> MedianTime:
    """Median time to the event, with the limits where those of the curve cross one half.

    References
    ----------
    Brookmeyer & Crowley (1982), A confidence interval for the median survival time, Biometrics 38, 29-41,
    section 2.
    """
    lower, upper = survival_interval(curve, alpha, scale)
    return MedianTime(
        _crosses_half(curve.time, curve.survival),
        _crosses_half(curve.time, lower),
        _crosses_half(curve.time, upper),
    )


def _crosses_half(time: Vector, curve: Vector) -> float | None:
    """First time at one half or below; the middle of the step where the curve rests on one half."""
    below = np.flatnonzero(curve <= 0.5 + 1e-12)
    if not len(below):
        return None
    first = below[0]
    further = np.flatnonzero(curve < 0.5 - 1e-12)
    if abs(curve[first] - 0.5) <= 1e-12 and len(further):
        return float((time[first] + time[further[0]]) / 2)
    return float(time[first])


def require_follow_up(time: Vector, left: float, until: float, name: str) -> None:
    """Refuse a time beyond follow-up, in words, unless nobody is ``left`` without the event by then.

    Parameters
    ----------
    time : array, shape (t,)
        Times of the counts.
    left : float
        Units still followed, or a share of them.
    until : float
        On the scale of the counts.

    Raises
    ------
    NotEstimable
        If follow-up ends before; the reason names the arm.
    """
    if not until >= 0:
        raise ValueError(f"a time must be a number and not negative: {until}")
    if until > time[-1] and left > 0:
        raise NotEstimable(f"follow-up of {name} ends on day {time[-1]:g}, before day {until:g}")


def normal_difference(estimate: float, std_error: float, alpha: float) -> Difference:
    """Difference with a normal reference; when nothing varies the p-value is None."""
    if std_error == 0:
        return Difference(estimate, 0.0, estimate, estimate, None)
    half = normal_quantile(1 - alpha / 2) * std_error
    p, log_p = normal_two_sided(estimate / std_error)
    return Difference(estimate, std_error, estimate - half, estimate + half, p, log_p)


def two_arm_difference(
    treated: tuple[float, float], control: tuple[float, float], alpha: float
) -> Difference:
    """Treated minus control, each an estimate and its standard error.

    Parameters
    ----------
    treated, control : (float, float)
        Estimate and standard error.
    """
    return normal_difference(treated[0] - control[0], math.hypot(treated[1], control[1]), alpha)
