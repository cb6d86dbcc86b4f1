"""Power of the log-rank test and of Cox's model: events first, units from the share that has one."""

from __future__ import annotations

import math
from typing import Literal

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.power.design import Level, Pair, Plan, check_target, shares
from loyalty_exp.stats.power.reference import normal_power
from loyalty_exp.stats.power.search import detectable, plan

Method = Literal["schoenfeld", "freedman"]
TWO_SIDED = Level()


def power(
    hazard_ratio: float,
    events: float,
    level: Level = TWO_SIDED,
    share: float = 0.5,
    method: Method = "schoenfeld",
) -> float:
    """Chance that the log-rank test rejects.

    Parameters
    ----------
    hazard_ratio : float
        Treatment over control, positive.
    events : float
        Of both arms.
    level : Level
    share : float
        Of treatment among the units at risk.
    method : str
        ``schoenfeld`` (log hazard ratio) or ``freedman`` (more cautious far from 1).

    Raises
    ------
    NotEstimable
        With no event.

    References
    ----------
    Schoenfeld (1981), The asymptotic properties of nonparametric tests for comparing survival distributions,
    Biometrika 68, 316-319; Freedman (1982), Tables of the number of patients required in clinical trials
    using the logrank test, Statistics in Medicine 1, 121-129, with unequal arms.
    """
    if not (hazard_ratio > 0 and math.isfinite(hazard_ratio)):
        raise ValueError(f"a hazard ratio is positive and finite, not {hazard_ratio}")
    if not events > 0:
        raise NotEstimable("no events")
    t, c = shares(share)
    if method == "schoenfeld":
        drift = math.log(hazard_ratio) * math.sqrt(t * c * events)
    else:
        k = t / c
        drift = (hazard_ratio - 1) / (k * hazard_ratio + 1) * math.sqrt(k * events)
    return normal_power(abs(drift), 1.0, 1.0, level)


def events(
    hazard_ratio: float,
    target: float = 0.8,
    level: Level = TWO_SIDED,
    share: float = 0.5,
    method: Method = "schoenfeld",
) -> float:
    """Events both arms must have together, unrounded.

    Parameters
    ----------
    hazard_ratio : float
        Treated over control, positive and not 1.
    target : float
        Power aimed at, between the level and 1.
    share : float
        Part of the units that is treated, between 0 and 1.

    Raises
    ------
    NotEstimable
        For a hazard ratio of 1.
    """
    found = _plan(hazard_ratio, (1.0, 1.0), target, level, share, method)
    return found.unrounded[0] + found.unrounded[1]


def sample_size(
    hazard_ratio: float,
    event_probability: Pair,
    target: float = 0.8,
    level: Level = TWO_SIDED,
    share: float = 0.5,
    method: Method = "schoenfeld",
) -> Plan:
    """Units each arm needs.

    Parameters
    ----------
    event_probability : pair of float
        Chance that a unit of treatment, of control, has its event within the follow-up.

    Notes
    -----
    Other parameters as in :func:`power`; the effect of the plan is the hazard ratio.
    """
    if not all(0 <= p <= 1 for p in event_probability):
        raise ValueError(f"probabilities are in [0, 1], not {event_probability}")
    return _plan(hazard_ratio, event_probability, target, level, share, method)


def detectable_hazard_ratio(
    events: float,
    target: float = 0.8,
    level: Level = TWO_SIDED,
    share: float = 0.5,
    method: Method = "schoenfeld",
) -> float:
    """Smallest hazard ratio above 1 that is found with the power aimed at.

    Parameters
    ----------
    events : float
        In both arms together.
    target : float
        Power aimed at, between the level and 1.
    share : float
        Part of the units that is treated, between 0 and 1.

    Raises
    ------
    NotEstimable
        If no hazard ratio is large enough; Freedman's drift is bounded.
    """
    check_target(target, level)

    def power_at(log_ratio: float) -> float:
        return power(math.exp(log_ratio), events, level, share, method)

    if power_at(500.0) < target:
        raise NotEstimable("no hazard ratio is detectable with so few events")
    return math.exp(detectable(lambda x: power_at(min(x, 500.0)), target, level, 1.0))


def _plan(
    hazard_ratio: float, probability: Pair, target: float, level: Level, share: float, method: Method
) -> Plan:
    if hazard_ratio == 1:
        raise NotEstimable("no number of events detects a hazard ratio of 1")
    if probability[0] <= 0 and probability[1] <= 0:
        raise NotEstimable("no unit is expected to have an event")

    def power_of(n: Pair) -> float:
        expected = n[0] * probability[0] + n[1] * probability[1]
        return power(hazard_ratio, expected, level, share, method)

    return plan(power_of, hazard_ratio, target, level, share, fewest=1e-3)
