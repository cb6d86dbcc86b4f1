"""Power of an experiment that is running, from what it has shown so far.

For futility and planning only; the test at the end is not changed by looking at these.
"""

from __future__ import annotations

import math

from loyalty_exp.stats.distributions import normal_cdf
from loyalty_exp.stats.power.design import Level

TWO_SIDED = Level()


def conditional_power(
    z: float, information: float, drift: float | None = None, level: Level = TWO_SIDED
) -> float:
    """Chance that the final test rejects, given the data so far and an assumed effect.

    Parameters
    ----------
    z : float
        Statistic now.
    information : float
        Share of the final information that is in, in (0, 1).
    drift : float, optional
        Assumed effect over the standard error at the END; the current trend when left out.
    level : Level
        A one-sided test looks upwards.

    References
    ----------
    Jennison & Turnbull (2000), Group Sequential Methods, section 10.2; Lan & Wittes (1988), The B-value: a
    tool for monitoring data, Biometrics 44, 579-585.
    """
    _check(information)
    final_drift = z / math.sqrt(information) if drift is None else drift
    mean = z * math.sqrt(information) + final_drift * (1 - information)
    return _rejects(mean, math.sqrt(1 - information), level)


def predictive_power(z: float, information: float, level: Level = TWO_SIDED) -> float:
    """Chance that the final test rejects, averaged over a flat posterior of the effect.

    Parameters
    ----------
    information : float
        Share of the planned information, between 0 and 1.

    References
    ----------
    Spiegelhalter, Freedman, Blackburn (1986), Monitoring clinical trials: conditional or predictive power?,
    Controlled Clinical Trials 7, 8-17; Jennison & Turnbull (2000), section 10.3.
    """
    _check(information)
    root = math.sqrt(information)
    return _rejects(z / root, math.sqrt((1 - information) / information), level)


def _rejects(mean: float, spread: float, level: Level) -> float:
    power = normal_cdf((mean - level.quantile) / spread)
    return power + normal_cdf((-mean - level.quantile) / spread) if level.sides == 2 else power


def _check(information: float) -> None:
    if not 0 < information < 1:
        raise ValueError(f"the share of information is between 0 and 1, not {information}")
