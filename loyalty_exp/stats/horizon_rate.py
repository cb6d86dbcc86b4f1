"""The share of units that repurchased by a horizon: by censoring, and on mature units only."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.event_counts import EventCounts, require_units
from loyalty_exp.stats.proportions import miettinen_nurminen
from loyalty_exp.stats.survival import kaplan_meier, require_follow_up, two_arm_difference


@dataclass(frozen=True, slots=True)
class HorizonRates:
    """Repurchase rates of two arms by a horizon.

    Attributes
    ----------
    horizon : float
        Days.
    n_treated, n_control : int
        Units that entered.
    rate_treated, rate_control : float
        Shares with the event by the horizon, the horizon itself included.
    difference : Difference
        Treated minus control, a share.
    """

    horizon: float
    n_treated: int
    n_control: int
    rate_treated: float
    rate_control: float
    difference: Difference

    @property
    def z(self) -> float | None:
        """Estimate over standard error; None when nothing varies.

        The p-value on mature units is the score test's, not this one's.
        """
        d = self.difference
        return d.estimate / d.std_error if d.std_error else None


def rate_at_horizon(treated: EventCounts, control: EventCounts, horizon: float, alpha: float) -> HorizonRates:
    """Compare 1 minus the Kaplan-Meier curve at a horizon.

    An arm at a rate of exactly 0 or 1 adds no variance; with few units read :func:`mature_rate_at_horizon` or
    the log-rank test there. When both arms are so, there is no test and the p-value is None.

    Parameters
    ----------
    treated, control : EventCounts
    horizon : float
        Days.
    alpha : float
        Two-sided.

    Raises
    ------
    NotEstimable
        With no units in an arm, or when the follow-up of an arm ends before the horizon.

    References
    ----------
    Klein, Logan, Harhoff, Andersen (2007), Analyzing survival curves at a fixed point in time, Statistics in
    Medicine 26, 4505-4519, section 2 (no transformation).
    """
    require_units(treated, control)
    found = []
    for arm, name in ((treated, "the treatment arm"), (control, "the control arm")):
        curve = kaplan_meier(arm)
        require_follow_up(curve.time, float(curve.survival[-1]), horizon, name)
        survival, std_error = curve.at(horizon)
        found.append((1 - survival, std_error))
    t, c = found
    return HorizonRates(horizon, treated.n, control.n, t[0], c[0], two_arm_difference(t, c, alpha))


def mature_rate_at_horizon(
    treated: EventCounts, control: EventCounts, horizon: float, alpha: float
) -> HorizonRates:
    """Compare shares among mature units, by the score method.

    Parameters
    ----------
    treated, control : EventCounts
        Of mature units only: those whose entry lies at least the horizon before the end of the data, whether
        or not the event came. Choosing them by how long they stayed without the event would be a bias.
    horizon : float
        Days.
    alpha : float
        Two-sided.

    Raises
    ------
    NotEstimable
        With no units in an arm.
    ValueError
        If a unit was censored before the horizon: it is not mature.

    References
    ----------
    Miettinen & Nurminen (1985), Comparative analysis of two rates, Statistics in Medicine 4, 213-226,
    equations 8-10.
    """
    require_units(treated, control)
    if not horizon >= 0:
        raise ValueError(f"a horizon must be a number and not negative: {horizon}")
    if any(arm.censored[arm.time < horizon].any() for arm in (treated, control)):
        raise ValueError("a mature unit is followed for the whole horizon")
    x_t, x_c = (int(arm.events[arm.time <= horizon].sum()) for arm in (treated, control))
    gap = miettinen_nurminen(x_t, treated.n, x_c, control.n, alpha)
    return HorizonRates(horizon, treated.n, control.n, x_t / treated.n, x_c / control.n, gap)
