"""Power of the Bayesian reading: the chance that its credible interval will exclude 0."""

from __future__ import annotations

import math

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.bayes.normal import Prior
from loyalty_exp.stats.power.design import Level, check_target
from loyalty_exp.stats.power.reference import normal_power
from loyalty_exp.stats.power.search import MOST_UNITS, least

TWO_SIDED = Level()


def power(effect: float, std_error: float, prior: Prior, level: Level = TWO_SIDED) -> float:
    """Chance that the posterior interval of probability ``1 - alpha`` excludes 0, for one true effect.

    A prior around a gain makes gains easier and losses harder to find; the sign of the effect counts.

    Parameters
    ----------
    effect : float
        True effect, on the scale of the prior.
    std_error : float
        Of the estimate.
    prior : Prior
        A flat one gives the power of the z test.
    level : Level
        A one-sided reading looks upwards.

    Raises
    ------
    NotEstimable
        If nothing varies.

    References
    ----------
    Spiegelhalter, Abrams, Myles (2004), Bayesian Approaches to Clinical Trials and Health-Care Evaluation,
    Wiley, chapter 6.
    """
    if not (std_error >= 0 and math.isfinite(std_error)):
        raise ValueError(f"a standard error is finite and not negative, not {std_error}")
    if std_error == 0:
        raise NotEstimable("nothing varies")
    # posterior mean / sd > z  <=>  estimate > z se sqrt(1 + se^2 / tau^2) - prior mean se^2 / tau^2
    pull = (std_error / prior.sd) ** 2
    limit = std_error * math.sqrt(1 + pull)
    shifted = effect + prior.mean * pull
    upper = Level(level.tail, 1)
    up = normal_power(shifted, limit, std_error, upper)
    if level.sides == 1:
        return up
    return up + normal_power(-shifted, limit, std_error, upper)


def growth(
    effect: float, std_error: float, prior: Prior, target: float = 0.8, level: Level = TWO_SIDED
) -> float:
    """How many times the present units are needed in all; 1 when they are enough.

    Parameters
    ----------
    effect : float
        In the unit of the metric.
    target : float
        Power aimed at, between the level and 1.

    Raises
    ------
    NotEstimable
        If no number of units is enough.
    """
    check_target(target, level)
    found = least(lambda k: power(effect, std_error / math.sqrt(k), prior, level), target, 1.0, MOST_UNITS)
    if found is None:
        raise NotEstimable(f"more than {MOST_UNITS:.0e} times the present units would be needed")
    return found
