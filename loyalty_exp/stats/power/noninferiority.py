"""Power to show that an arm is worse by less than a margin: the power a guardrail needs.

Higher is better throughout; for a metric that should be low turn the signs of the effect round, and for a
proportion give that of the opposite. The test is one-sided at ``alpha``, so that it agrees with the two-sided
interval at ``2 alpha``. Beyond the margin its power falls below alpha, as it should.
"""

from __future__ import annotations

from typing import Literal

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.power import means, proportions
from loyalty_exp.stats.power.design import Level, Pair, Plan, check_effect
from loyalty_exp.stats.power.search import plan

ONE_SIDED = Level(0.025, 1)
ScoreMethod = Literal["score", "pooled", "unpooled"]


def means_power(
    effect: float,
    margin: float,
    sd: Pair,
    n: Pair,
    level: Level = ONE_SIDED,
    reference: means.Reference = "welch",
) -> float:
    """Chance that the lower bound of a difference of means lies above ``-margin``.

    Parameters
    ----------
    effect : float
        True difference, 0 for arms that are equal.
    margin : float
        Positive: the loss that is still allowed, in the unit of the metric.
    sd, n, level, reference
        As in :func:`.means.power`.

    References
    ----------
    Julious (2004), Sample sizes for clinical trials with Normal data, Statistics in Medicine 23, 1921-1986.
    """
    _check(margin, level)
    return means.signed_power(effect + margin, sd, n, level, reference)


def means_sample_size(
    effect: float,
    margin: float,
    sd: Pair,
    target: float = 0.8,
    level: Level = ONE_SIDED,
    share: float = 0.5,
    reference: means.Reference = "welch",
) -> Plan:
    """Units each arm needs; the effect of the plan is the distance from the margin.

    Parameters
    ----------
    effect : float
        True difference, in the unit of the metric.
    margin : float
        Positive, in the unit of the metric.
    target : float
        Power aimed at, between the level and 1.
    share : float
        Part of the units that is treated, between 0 and 1.

    Raises
    ------
    NotEstimable
        If the effect is at the margin or beyond it.
    """
    _within(effect + margin)
    return plan(
        lambda n: means_power(effect, margin, sd, n, level, reference), effect + margin, target, level, share
    )


def proportions_power(
    p_treatment: float,
    p_control: float,
    margin: float,
    n: Pair,
    level: Level = ONE_SIDED,
    method: ScoreMethod = "score",
) -> float:
    """Chance that a proportion is shown to be lower by less than a margin.

    Parameters
    ----------
    p_treatment, p_control : float
        True proportions.
    margin : float
        Positive: the loss that is still allowed.
    n, level
        As in :func:`.proportions.power`.
    method : str
        ``score``: the Miettinen-Nurminen test that is run; ``pooled``: Farrington and Manning's own.

    References
    ----------
    Farrington & Manning (1990), Statistics in Medicine 9, 1447-1454, equation 4.
    """
    _check(margin, level)
    return proportions.power_against(-margin, p_treatment, p_control, n, level, method)


def proportions_sample_size(
    p_treatment: float,
    p_control: float,
    margin: float,
    target: float = 0.8,
    level: Level = ONE_SIDED,
    share: float = 0.5,
    method: ScoreMethod = "score",
) -> Plan:
    """Units each arm needs; the effect of the plan is the distance from the margin.

    Parameters
    ----------
    p_treatment, p_control : float
        Proportions, between 0 and 1.
    margin : float
        A positive difference of proportions.
    target : float
        Power aimed at, between the level and 1.
    share : float
        Part of the units that is treated, between 0 and 1.
    """
    distance = p_treatment - p_control + margin
    _within(distance)
    return plan(
        lambda n: proportions_power(p_treatment, p_control, margin, n, level, method),
        distance,
        target,
        level,
        share,
    )


def superiority_sample_size(
    p_treatment: float,
    p_control: float,
    beyond: float,
    target: float = 0.8,
    level: Level = ONE_SIDED,
    share: float = 0.5,
    method: ScoreMethod = "score",
) -> Plan:
    """Units each arm needs to show that a proportion is higher by more than ``beyond``.

    Parameters
    ----------
    p_treatment, p_control : float
        Proportions, between 0 and 1.
    beyond : float
        A positive difference of proportions.
    target : float
        Power aimed at, between the level and 1.
    share : float
        Part of the units that is treated, between 0 and 1.
    """
    distance = p_treatment - p_control - beyond
    _within(distance)
    return plan(
        lambda n: proportions.power_against(beyond, p_treatment, p_control, n, level, method),
        distance,
        target,
        level,
        share,
    )


def _check(margin: float, level: Level) -> None:
    if not margin > 0:
        raise ValueError(f"a margin is positive, not {margin}")
    if level.sides != 1:
        raise ValueError("non-inferiority is tested on one side")


def _within(distance: float) -> None:
    check_effect(distance)
    if distance < 0:
        raise NotEstimable("the effect planned for is on the wrong side of the margin")
