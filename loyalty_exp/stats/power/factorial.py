"""Power of main effects and of the interaction in a two by two design."""

from __future__ import annotations

import math

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.power.design import Level, Plan
from loyalty_exp.stats.power.reference import t_power
from loyalty_exp.stats.power.search import detectable, plan

TWO_SIDED = Level()
Cells = tuple[float, float, float, float]
"""Both treatments, the first only, the second only, neither."""


def interaction_error(sd: Cells, n: Cells) -> tuple[float, float]:
    """Standard error of a difference of differences, and its degrees of freedom.

    In a balanced design the variance is four times that of a main effect, which averages two differences.

    Raises
    ------
    NotEstimable
        With fewer than two units in a cell, or when no cell varies.

    References
    ----------
    Cox & Reid (2000), The Theory of the Design of Experiments, Chapman & Hall, chapter 5; Satterthwaite
    (1946), Biometrics Bulletin 2(6), 110-114, equation 17.
    """
    if not all(units >= 2 for units in n):
        raise NotEstimable("fewer than two units in a cell")
    if not all(s >= 0 and math.isfinite(s) for s in sd):
        raise ValueError(f"standard deviations are finite and not negative, not {sd}")
    parts = [s * s / units for s, units in zip(sd, n, strict=True)]
    variance = math.fsum(parts)
    if variance == 0:
        raise NotEstimable("no cell varies")
    spread = math.fsum((v / variance) ** 2 / (units - 1) for v, units in zip(parts, n, strict=True))
    return math.sqrt(variance), 1 / spread


def interaction_power(effect: float, sd: Cells, n: Cells, level: Level = TWO_SIDED) -> float:
    """Chance that the test of the interaction rejects.

    Parameters
    ----------
    effect : float
        What the second treatment adds to the effect of the first, in the unit of the metric.
    sd, n : tuple of four float
        Standard deviation and units of every cell.
    level : Level
    """
    se, df = interaction_error(sd, n)
    return t_power(abs(effect) / se, df, level)


def interaction_sample_size(effect: float, sd: Cells, target: float = 0.8, level: Level = TWO_SIDED) -> Plan:
    """Units each cell needs, four cells of one size; the plan's treatment and control are one cell each.

    Parameters
    ----------
    effect : float
        The interaction, in the unit of the metric.
    target : float
        Power aimed at, between the level and 1.
    """
    return plan(lambda n: interaction_power(effect, sd, (n[0],) * 4, level), effect, target, level, 0.5)


def detectable_interaction(sd: Cells, n: Cells, target: float = 0.8, level: Level = TWO_SIDED) -> float:
    """Smallest interaction that is found with the power aimed at.

    Parameters
    ----------
    target : float
        Power aimed at, between the level and 1.
    """
    se, _ = interaction_error(sd, n)
    return detectable(lambda e: interaction_power(e, sd, n, level), target, level, se)
