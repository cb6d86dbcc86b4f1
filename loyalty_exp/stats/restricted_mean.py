"""Mean days to repurchase, counted up to a limit: an effect in days that needs no proportional hazards."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.event_counts import EventCounts, require_units
from loyalty_exp.stats.survival import greenwood_terms, kaplan_meier, require_follow_up, two_arm_difference


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """Restricted mean survival time (RMST) of one arm.

    Attributes
    ----------
    tau : float
        Days after which time no longer counts.
    n : int
        Units.
    estimate : float
        Mean of min(time to event, tau), days.
    variance : float
        Of the estimate, days squared.
    """

    tau: float
    n: int
    estimate: float
    variance: float

    @property
    def std_error(self) -> float:
        """Standard error, days."""
        return math.sqrt(self.variance)


@dataclass(frozen=True, slots=True)
class RestrictedMeanDifference:
    """Restricted means of two arms compared.

    Attributes
    ----------
    treated, control : RestrictedMean
        Up to the same tau.
    difference : Difference
        Treated minus control, days; negative means that the treatment arm comes back sooner.
    ratio, ratio_lower, ratio_upper : float or None
        Treated over control, the interval symmetric on the log scale; None when a mean is 0.
    """

    treated: RestrictedMean
    control: RestrictedMean
    difference: Difference
    ratio: float | None
    ratio_lower: float | None
    ratio_upper: float | None


def restricted_mean(counts: EventCounts, tau: float, name: str = "the arm") -> RestrictedMean:
    """Area under the Kaplan-Meier curve up to tau.

    The variance has no small-sample correction: without censoring it is the variance of min(time, tau) with
    divisor n, over n.

    Parameters
    ----------
    counts : EventCounts
    tau : float
        Days, positive.
    name : str
        What a refusal calls the arm.

    Raises
    ------
    NotEstimable
        With no units, or when follow-up ends before tau.

    References
    ----------
    Royston & Parmar (2013), Restricted mean survival time, BMC Medical Research Methodology 13:152, section
    "Non-parametric estimation"; Uno et al. (2014), Moving beyond the hazard ratio in quantifying the
    between-group difference in survival analysis, Journal of Clinical Oncology 32, 2380-2385, appendix.
    """
    if not (tau > 0 and math.isfinite(tau)):
        raise ValueError(f"tau must be positive: {tau}")
    curve = kaplan_meier(counts)
    require_follow_up(curve.time, float(curve.survival[-1]), tau, name)
    inside = curve.time < tau
    height = curve.survival[inside]
    starts = curve.time[inside]
    width = np.diff(np.append(starts, tau))
    beyond = np.cumsum((height * width)[::-1])[::-1]
    first = float(starts[0]) if len(starts) else tau
    estimate = first + (float(beyond[0]) if len(beyond) else 0.0)
    terms = greenwood_terms(curve.at_risk[inside].astype(np.float64), curve.events[inside].astype(np.float64))
    return RestrictedMean(tau, counts.n, estimate, float((beyond * beyond) @ terms))


def restricted_mean_difference(
    treated: EventCounts, control: EventCounts, alpha: float, tau: float | None = None
) -> RestrictedMeanDifference:
    """Compare restricted means.

    Parameters
    ----------
    treated, control : EventCounts
    alpha : float
        Two-sided.
    tau : float, optional
        Days; the smaller of the last follow-up times of the arms when left out. Declare it beforehand where
        the result decides.

    Raises
    ------
    NotEstimable
        With no units in an arm, or when the follow-up of an arm ends before tau.

    References
    ----------
    Uno et al. (2014), Journal of Clinical Oncology 32, 2380-2385, appendix (difference and ratio).
    """
    require_units(treated, control)
    limit = min(treated.last_follow_up, control.last_follow_up) if tau is None else tau
    if tau is None and limit == 0:
        raise NotEstimable("an arm was followed for no time")
    t = restricted_mean(treated, limit, "the treatment arm")
    c = restricted_mean(control, limit, "the control arm")
    gap = two_arm_difference((t.estimate, t.std_error), (c.estimate, c.std_error), alpha)
    if t.estimate <= 0 or c.estimate <= 0:
        return RestrictedMeanDifference(t, c, gap, None, None, None)
    ratio = t.estimate / c.estimate
    half = normal_quantile(1 - alpha / 2) * math.hypot(t.std_error / t.estimate, c.std_error / c.estimate)
    return RestrictedMeanDifference(t, c, gap, ratio, ratio * math.exp(-half), ratio * math.exp(half))
