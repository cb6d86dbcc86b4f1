"""Is a guardrail safe? The interval against the margin, not the absence of significance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import welch_df
from loyalty_exp.stats.distributions import t_one_sided
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.means import ArmMeans, enough_units
from loyalty_exp.stats.one_sided import OneSided, one_sided
from loyalty_exp.stats.proportions import counted, score

Status = Literal["pass", "breached", "unsettled"]
Direction = Literal["increase", "decrease"]


@dataclass(frozen=True, slots=True)
class NonInferiority:
    """A one-sided test that the harm is smaller than the margin.

    Attributes
    ----------
    statistic : float
        Positive when the estimate is on the allowed side of the margin.
    df : float or None
        None for a normal reference.
    p_value, log_p_value : float
        One-sided.
    passed : bool
        Whether the p-value is below alpha, which is when the one-sided bound is on the allowed side.
    """

    statistic: float
    df: float | None
    p_value: float
    log_p_value: float
    passed: bool


def margin_status(lower: float | None, upper: float | None, margin: float, direction: Direction) -> Status:
    """Place an interval against the change for the worse that is still allowed.

    Parameters
    ----------
    lower, upper : float or None
        Interval of treated minus control; None when there is no bounded interval.
    margin : float
        Positive, in the unit of the interval.
    direction : str
        Which way is better: with ``increase`` harm is a fall below ``-margin``, with ``decrease`` a rise
        above ``margin``.

    Returns
    -------
    str
        ``pass`` when the whole interval is on the allowed side, ``breached`` when the whole interval is
        beyond the margin, ``unsettled`` otherwise.

    References
    ----------
    Piaggio et al. (2012), Reporting of noninferiority and equivalence randomized trials (CONSORT), JAMA 308,
    2594-2604, figure 1.
    """
    _sign(margin, direction)
    if lower is None or upper is None:
        return "unsettled"
    worst, best = (lower, upper) if direction == "increase" else (-upper, -lower)
    if worst > -margin:
        return "pass"
    return "breached" if best < -margin else "unsettled"


def noninferiority(
    difference: Difference, margin: float, direction: Direction, alpha: float
) -> tuple[NonInferiority, OneSided]:
    """Test that a difference is not worse than a margin.

    Parameters
    ----------
    difference : Difference
    margin : float
        Positive, in the unit of the difference.
    direction : str
        Which way is better.
    alpha : float
        One-sided.

    Returns
    -------
    (test, bound) : tuple
        The second holds the one-sided interval of the difference itself, at the same alpha.

    Raises
    ------
    NotEstimable
        When nothing varies.

    References
    ----------
    Rothmann, Wiens, Chan (2012), Design and Analysis of Non-Inferiority Trials, Chapman & Hall, section 12.2.
    """
    sign = _sign(margin, direction)
    side: Literal["greater", "less"] = "greater" if sign > 0 else "less"
    found = one_sided(difference, side, alpha, -sign * margin)
    passed = found.p_value < alpha
    return NonInferiority(sign * found.statistic, found.df, found.p_value, found.log_p_value, passed), found


def relative_noninferiority(
    treated: ArmMeans, control: ArmMeans, margin: float, direction: Direction, alpha: float
) -> NonInferiority:
    """Test that the treated mean is not worse than control by a share of the control mean.

    The control mean is itself an estimate, and counted as one: what is tested is
    ``treated - (1 - margin) * control > 0`` where increase is better.

    Parameters
    ----------
    treated, control : ArmMeans
        Of one outcome each; control should be positive.
    margin : float
        Positive, as 0.02 for 2 percent.
    direction : str
        Which way is better.
    alpha : float
        One-sided.

    Raises
    ------
    NotEstimable
        With no unit or one unit in an arm, when nothing varies, or when the control mean is not positive.

    References
    ----------
    Laster & Johnson (2003), Non-inferiority trials: the "at least as good as" criterion, Statistics in
    Medicine 22, 187-200, section 3.
    """
    sign = _sign(margin, direction)
    enough_units(treated, control)
    (m_t, v_t), (m_c, v_c) = treated.only(), control.only()
    if m_c <= 0:
        raise NotEstimable("a margin as a share of control needs a positive control mean")
    kept = 1 - sign * margin
    variance = v_t + kept * kept * v_c
    if variance <= 0:
        raise NotEstimable("nothing varies")
    df = welch_df(v_t, treated.df, kept * kept * v_c, control.df)
    statistic = sign * (m_t - kept * m_c) / math.sqrt(variance)
    p, log_p = t_one_sided(statistic, df)
    return NonInferiority(statistic, df, p, log_p, p < alpha)


def proportion_noninferiority(
    x_t: int,
    n_t: int,
    x_c: int,
    n_c: int,
    margin: float,
    direction: Direction,
    alpha: float,
) -> NonInferiority:
    """Score test that a proportion is not worse than control by a margin.

    Parameters
    ----------
    x_t, n_t, x_c, n_c : int
        Successes and units, treated and control.
    margin : float
        Between 0 and 1.
    direction : str
        Which way is better.
    alpha : float
        One-sided.

    Raises
    ------
    NotEstimable
        With no unit in an arm.

    References
    ----------
    Farrington & Manning (1990), Test statistics and sample size formulae for comparative binomial trials with
    null hypothesis of non-zero risk difference or non-unity relative risk, Statistics in Medicine 9,
    1447-1454, section 2.
    """
    sign = _sign(margin, direction)
    counted(x_t, n_t, x_c, n_c)
    statistic = sign * score(x_t, n_t, x_c, n_c, -sign * margin, corrected=False)
    p, log_p = t_one_sided(statistic, math.inf)
    return NonInferiority(statistic, None, p, log_p, p < alpha)


def _sign(margin: float, direction: str) -> float:
    """1 where increase is better, -1 where decrease is."""
    if margin <= 0:
        raise ValueError(f"a margin is positive, not {margin}")
    if direction not in ("increase", "decrease"):
        raise ValueError(f"direction is increase or decrease, not {direction}")
    return 1.0 if direction == "increase" else -1.0
