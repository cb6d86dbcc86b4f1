"""Power of the difference of two means, plain, adjusted for a covariate, or relative to control.

Adjusting for a covariate leaves ``1 - rho^2`` of the variance: plan with :func:`adjusted_sd`. A ratio of sums
is the mean of a linearized column: plan with the standard deviation :mod:`.ratio` gives.

The relative effect that decides is tested on Fieller's set, which excludes 0 exactly when the difference is
significant. So the detectable lift is the detectable difference over the size of the control mean. The
delta method tests another statistic, whose error grows with the lift. ``scale="delta"`` is the usual closed
form for it, kept for comparison. It takes that error as known, and so asks for somewhat too large a lift:
with a control mean 18 standard errors from 0 its test rejects .85 of the time where .80 was promised.
"""

from __future__ import annotations

import math
from typing import Literal

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import welch_df
from loyalty_exp.stats.power.design import Level, Pair, Plan, check_units
from loyalty_exp.stats.power.reference import normal_power, t_power
from loyalty_exp.stats.power.search import detectable, plan

Reference = Literal["welch", "pooled", "normal"]
TWO_SIDED = Level()


def adjusted_sd(sd: float, correlation: float) -> float:
    """Standard deviation that is left when a covariate of this correlation is adjusted for.

    Parameters
    ----------
    sd : float
        In the unit of the metric.
    correlation : float
        Of outcome and covariate.

    Raises
    ------
    ValueError
        If the correlation is outside [-1, 1].

    References
    ----------
    Deng, Xu, Kohavi, Walker (2013), WSDM, equation 5.
    """
    if not -1 <= correlation <= 1:
        raise ValueError(f"a correlation is in [-1, 1], not {correlation}")
    return sd * math.sqrt(1 - correlation * correlation)


def power(
    effect: float, sd: Pair, n: Pair, level: Level = TWO_SIDED, reference: Reference = "welch"
) -> float:
    """Chance that the test of a difference of means rejects.

    Parameters
    ----------
    effect : float
        True difference, in the unit of the metric.
    sd : pair of float
        Standard deviations of treatment and control.
    n : pair of float
        Units of treatment and control; fractions are allowed.
    level : Level
    reference : str
        ``welch``: t with Welch's degrees of freedom, the test that is run. ``pooled``: t with
        ``n_t + n_c - 2``. ``normal``: the limit for many units.

    Raises
    ------
    NotEstimable
        With fewer than two units in an arm, or when neither arm varies.

    References
    ----------
    Welch (1947), Biometrika 34, 28-35; Moser, Stevens, Watts (1989), The two-sample t test versus
    Satterthwaite's approximate F test, Communications in Statistics - Theory and Methods 18, 3963-3975.
    """
    return signed_power(abs(effect), sd, n, level, reference)


def signed_power(
    effect: float, sd: Pair, n: Pair, level: Level = TWO_SIDED, reference: Reference = "welch"
) -> float:
    """:func:`power`, a one-sided test looking upwards whatever the sign of the effect.

    Parameters
    ----------
    effect : float
        True difference with its sign, in the unit of the metric.
    """
    check_units(n)
    se = standard_error(sd, n)
    if reference == "normal":
        return normal_power(effect, se, se, level)
    if reference == "pooled":
        return t_power(effect / se, n[0] + n[1] - 2, level)
    df = welch_df(sd[0] ** 2 / n[0], n[0] - 1, sd[1] ** 2 / n[1], n[1] - 1)
    return t_power(effect / se, df, level)


def sample_size(
    effect: float,
    sd: Pair,
    target: float = 0.8,
    level: Level = TWO_SIDED,
    share: float = 0.5,
    reference: Reference = "welch",
) -> Plan:
    """Units each arm needs.

    Parameters
    ----------
    effect : float
        Difference that must not be missed, in the unit of the metric.
    sd : pair of float
        Standard deviations of treatment and control.
    target : float
        Power aimed at.
    level : Level
    share : float
        Of treatment among the units of the two arms.
    reference : str
        As in :func:`power`.

    Raises
    ------
    NotEstimable
        For an effect of 0, or when neither arm varies.
    """
    return plan(lambda n: power(effect, sd, n, level, reference), effect, target, level, share)


def detectable_effect(
    sd: Pair, n: Pair, target: float = 0.8, level: Level = TWO_SIDED, reference: Reference = "welch"
) -> float:
    """Smallest difference that is found with the power aimed at, in the unit of the metric.

    Parameters
    ----------
    target : float
        Power aimed at, between the level and 1.
    """
    check_units(n)
    scale = standard_error(sd, n)
    return detectable(lambda e: power(e, sd, n, level, reference), target, level, scale)


def detectable_lift(
    control_mean: float,
    sd: Pair,
    n: Pair,
    target: float = 0.8,
    level: Level = TWO_SIDED,
    reference: Reference = "welch",
    scale: Literal["fieller", "delta"] = "fieller",
) -> float:
    """Smallest relative lift that is found with the power aimed at, a fraction of the control mean's size.

    Parameters
    ----------
    control_mean : float
        In the unit of the metric.
    scale : str
        ``fieller`` or ``delta``; see the module. The delta method needs a larger lift, and finds none at all
        where the control mean is lost in its own error.
    target : float
        Power aimed at, between the level and 1.

    Raises
    ------
    NotEstimable
        If the control mean is 0, or no lift is detectable on the delta scale.

    References
    ----------
    Fieller (1954), JRSS B 16(2), 175-185; Deng, Knoblich, Lu (2018), KDD, on percent changes.
    """
    if control_mean == 0:
        raise NotEstimable("the control mean is 0")
    size = abs(control_mean)
    distance = detectable_effect(sd, n, target, level, reference) / standard_error(sd, n)
    v_t, v_c = sd[0] ** 2 / n[0] / size**2, sd[1] ** 2 / n[1] / size**2
    if scale == "fieller":
        return distance * math.sqrt(v_t + v_c)
    # r^2 = d^2 (v_t + (1 + r)^2 v_c): the larger root, at which the lift is d of its own errors above 0.
    d2 = distance * distance
    a = 1 - d2 * v_c
    if a <= 0:
        raise NotEstimable("no lift is detectable: the control mean is too uncertain")
    b = d2 * v_c if control_mean > 0 else -d2 * v_c
    return (b + math.sqrt(b * b + a * d2 * (v_t + v_c))) / a


def standard_error(sd: Pair, n: Pair) -> float:
    """Standard error of a difference of means.

    Raises
    ------
    NotEstimable
        When neither arm varies.
    ValueError
        For a negative standard deviation.
    """
    if not (sd[0] >= 0 and sd[1] >= 0 and math.isfinite(sd[0] + sd[1])):
        raise ValueError(f"standard deviations are finite and not negative, not {sd}")
    if sd[0] == 0 == sd[1]:
        raise NotEstimable("neither arm varies")
    return math.hypot(sd[0] / math.sqrt(n[0]), sd[1] / math.sqrt(n[1]))
