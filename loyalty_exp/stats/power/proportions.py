"""Power of the difference of two proportions."""

from __future__ import annotations

import math
from typing import Literal

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.power.design import Level, Pair, Plan, check_units
from loyalty_exp.stats.power.reference import normal_power
from loyalty_exp.stats.power.search import detectable, plan
from loyalty_exp.stats.proportions import restricted_mle

Method = Literal["score", "pooled", "unpooled", "arcsine", "continuity"]
TWO_SIDED = Level()


def power(
    p_treatment: float, p_control: float, n: Pair, level: Level = TWO_SIDED, method: Method = "score"
) -> float:
    """Chance that the test of a difference of proportions rejects.

    Parameters
    ----------
    p_treatment, p_control : float
        True proportions.
    n : pair of float
        Units of treatment and control.
    level : Level
    method : str
        ``score``: the Miettinen-Nurminen test that is run. ``pooled``: the same without its factor
        ``N / (N - 1)``. ``unpooled``: Wald. ``arcsine``: on Cohen's h. ``continuity``: pooled with Yates'
        correction, for Fisher's exact test.

    Raises
    ------
    NotEstimable
        With fewer than two units in an arm, or when neither arm varies.

    References
    ----------
    Fleiss, Levin, Paik (2003), Statistical Methods for Rates and Proportions, 3rd ed., section 4.3 (pooled,
    continuity); Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., section 6.2
    (arcsine); Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226, equations 8 and 9 (score).
    """
    if p_treatment < p_control:
        # A one-sided test looks in the direction of the effect.
        p_treatment, p_control, n = p_control, p_treatment, (n[1], n[0])
    if method == "arcsine":
        return _arcsine(p_treatment, p_control, n, level)
    if method == "continuity":
        # The correction shortens the distance; it never turns it round.
        correction = min(0.5 * (1 / n[0] + 1 / n[1]), p_treatment - p_control)
        return power_against(0.0, p_treatment, p_control, n, level, "pooled", correction)
    return power_against(0.0, p_treatment, p_control, n, level, method)


def power_against(
    null: float,
    p_treatment: float,
    p_control: float,
    n: Pair,
    level: Level,
    method: Literal["score", "pooled", "unpooled"],
    correction: float = 0.0,
) -> float:
    """Chance to reject that the difference is ``null``; a one-sided test looks upwards.

    Parameters
    ----------
    null : float
        Difference of proportions under the null hypothesis.
    p_treatment, p_control : float
        Proportions, between 0 and 1.
    correction : float
        For continuity, as a difference of proportions.

    Raises
    ------
    NotEstimable
        If neither arm varies.

    References
    ----------
    Farrington & Manning (1990), Test statistics and sample size formulae for comparative binomial trials,
    Statistics in Medicine 9, 1447-1454, equation 4 with the restricted likelihood (their method 3).
    """
    check_units(n)
    check_proportions(p_treatment, p_control)
    n_t, n_c = n
    null_t, null_c = p_treatment, p_control
    if method != "unpooled":
        null_t, null_c = restricted_mle(p_treatment * n_t, n_t, p_control * n_c, n_c, null)
    se, se_null = _std_error(p_treatment, p_control, n), _std_error(null_t, null_c, n)
    if method == "score":
        se_null *= math.sqrt((n_t + n_c) / (n_t + n_c - 1))
    if se == 0:
        raise NotEstimable("neither arm varies")
    return normal_power(p_treatment - p_control - null - correction, se_null, se, level)


def sample_size(
    p_treatment: float,
    p_control: float,
    target: float = 0.8,
    level: Level = TWO_SIDED,
    share: float = 0.5,
    method: Method = "score",
) -> Plan:
    """Units each arm needs; parameters as in :func:`power` and :func:`.means.sample_size`."""
    effect = p_treatment - p_control
    return plan(lambda n: power(p_treatment, p_control, n, level, method), effect, target, level, share)


def detectable_effect(
    p_control: float,
    n: Pair,
    target: float = 0.8,
    level: Level = TWO_SIDED,
    method: Method = "score",
    direction: Literal["increase", "decrease"] = "increase",
) -> float:
    """Smallest difference that is found with the power aimed at, as a signed difference of proportions.

    What :func:`power` gives is inverted by bisection.

    Parameters
    ----------
    p_control : float
        Between 0 and 1.
    target : float
        Power aimed at, between the level and 1.

    Raises
    ------
    NotEstimable
        If no proportion between 0 and 1 is far enough away.
    """
    check_units(n)
    check_proportions(p_control)
    sign, room = (1, 1 - p_control) if direction == "increase" else (-1, p_control)
    edge = room * (1 - 1e-12)

    def power_at(gap: float) -> float:
        return power(p_control + sign * min(gap, edge), p_control, n, level, method)

    if edge <= 0 or power_at(edge) < target:
        raise NotEstimable(f"no {direction} of a proportion of {p_control:g} is detectable with these arms")
    scale = min(0.5 * math.sqrt(1 / n[0] + 1 / n[1]), edge)
    return sign * min(detectable(power_at, target, level, scale), edge)


def check_proportions(*proportions: float) -> None:
    """Refuse what is no proportion.

    Raises
    ------
    ValueError
        Outside [0, 1].
    """
    for p in proportions:
        if not 0 <= p <= 1:
            raise ValueError(f"a proportion is in [0, 1], not {p}")


def _arcsine(p_treatment: float, p_control: float, n: Pair, level: Level) -> float:
    check_units(n)
    check_proportions(p_treatment, p_control)
    h = 2 * math.asin(math.sqrt(p_treatment)) - 2 * math.asin(math.sqrt(p_control))
    se = math.sqrt(1 / n[0] + 1 / n[1])
    return normal_power(h, se, se, level)


def _std_error(p_t: float, p_c: float, n: Pair) -> float:
    return math.sqrt(p_t * (1 - p_t) / n[0] + p_c * (1 - p_c) / n[1])
