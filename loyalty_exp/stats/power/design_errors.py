"""How wrong a significant result of a weak design is: its sign, and its size."""

from __future__ import annotations

import math
from dataclasses import dataclass

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import normal_cdf
from loyalty_exp.stats.power.design import Level

TWO_SIDED = Level()


@dataclass(frozen=True, slots=True)
class DesignErrors:
    """What to expect of a significant estimate.

    Attributes
    ----------
    power : float
        Chance of significance, either sign.
    wrong_sign : float
        Type S error: chance that a significant estimate has the wrong sign.
    exaggeration : float
        Type M error: mean size of a significant estimate over the true size.
    """

    power: float
    wrong_sign: float
    exaggeration: float


def design_errors(effect: float, std_error: float, level: Level = TWO_SIDED) -> DesignErrors:
    """Power, type S and type M error of a two-sided z test.

    Parameters
    ----------
    effect : float
        True effect, from knowledge outside these data.
    std_error : float
        Of the design, in the unit of the effect.
    level : Level
        Two-sided.

    Raises
    ------
    NotEstimable
        For an effect of 0, which has no sign, or a standard error of 0.

    References
    ----------
    Gelman & Carlin (2014), Beyond power calculations: assessing type S (sign) and type M (magnitude) errors,
    Perspectives on Psychological Science 9, 641-651; closed form of Lu, Qiu, Deng (2019), A note on Type S/M
    errors in hypothesis testing, British Journal of Mathematical and Statistical Psychology 72, 1-17.
    """
    if level.sides != 2:
        raise ValueError("errors of sign belong to a two-sided test")
    if not (std_error >= 0 and math.isfinite(std_error) and math.isfinite(effect)):
        raise ValueError("effect and standard error are finite, and the error is not negative")
    if effect == 0:
        raise NotEstimable("an effect of 0 has no sign")
    if std_error == 0:
        raise NotEstimable("nothing varies")
    true, limit = abs(effect) / std_error, level.quantile
    right, wrong = normal_cdf(true - limit), normal_cdf(-true - limit)
    power = right + wrong
    size = _density(limit - true) + _density(limit + true) + true * (right - wrong)
    return DesignErrors(power, wrong / power, size / (power * true))


def _density(x: float) -> float:
    return math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
