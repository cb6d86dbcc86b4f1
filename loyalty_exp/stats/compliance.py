"""The effect on those who take the offer when assigned to it, where not everybody does.

The headline stays the effect of assignment (ITT). The complier effect divides it by the difference that
assignment made to taking the offer. It holds when assignment acts only through the offer and nobody takes it
because of not being assigned. A comparison by offer taken ("as treated") is not offered: takers choose
themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import difference, known, welch_df
from loyalty_exp.stats.distributions import t_quantile
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.means import ArmMeans, enough_units, plain
from loyalty_exp.stats.moments import Moments
from loyalty_exp.stats.relative import RatioSet, fieller

WEAK_F = 10.0
"""Below this first-stage F the delta interval misleads; the Anderson-Rubin set holds all the same."""

ErrorKind = Literal["iid", "hc0", "hc1", "hc2"]


@dataclass(frozen=True, slots=True)
class ComplierEffect:
    """Effect of the offer on compliers, with what it is made of.

    Attributes
    ----------
    itt : Difference
        Effect of assignment on the outcome.
    first_stage : Difference
        Effect of assignment on taking the offer: the share of compliers.
    first_stage_f : float
        Squared t of the first stage with equal variances; infinite when taking does not vary within arms.
    weak : bool
        Whether that F is below 10.
    delta : Difference
        Complier effect with the delta-method (2SLS, HC2) standard error.
    anderson_rubin : RatioSet
        All complier effects the data do not contradict; trustworthy however weak the first stage.
    not_bounded : str
        Why that set is no bounded interval; empty when it is one.
    """

    itt: Difference
    first_stage: Difference
    first_stage_f: float
    weak: bool
    delta: Difference
    anderson_rubin: RatioSet
    not_bounded: str = ""


def complier_effect(
    treated: Moments, control: Moments, outcome: str, received: str, alpha: float
) -> ComplierEffect:
    """Estimate the complier average causal effect by the ratio of Wald (two-stage least squares).

    Parameters
    ----------
    treated, control : Moments
        By assigned arm.
    outcome, received : str
        Columns; ``received`` is 1 or 0, or a dose.
    alpha : float
        Two-sided. The Anderson-Rubin set uses the Welch degrees of freedom of the ITT, so that it holds 0
        exactly when the ITT is not significant.

    Raises
    ------
    NotEstimable
        With fewer than two units in an arm, or when assignment made no difference to taking the offer.

    References
    ----------
    Imbens & Angrist (1994), Identification and estimation of local average treatment effects, Econometrica
    62, 467-475, theorem 1; Anderson & Rubin (1949), Annals of Mathematical Statistics 20, 46-63;
    Staiger & Stock (1997), Econometrica 65, 557-586 (F of 10).
    """
    enough_units(treated, control)
    t, c = plain(treated, (outcome, received)), plain(control, (outcome, received))
    found = complier_of_means(t, c, outcome, received, alpha)
    f = _first_stage_f(treated, control, received, found.first_stage.estimate)
    return replace(found, first_stage_f=f, weak=f < WEAK_F)


def complier_of_means(
    treated: ArmMeans, control: ArmMeans, outcome: str, received: str, alpha: float
) -> ComplierEffect:
    """Estimate the complier effect from means with their covariance: of clusters, or over strata.

    The first-stage F is the squared t of the first stage with the variance as given, which with
    one instrument is the effective F.

    Parameters
    ----------
    treated, control : ArmMeans
        By assigned arm, of both columns, with a covariance that fits the draw.
    outcome, received : str
    alpha : float
        Two-sided.

    Raises
    ------
    NotEstimable
        With fewer than two units in an arm, or when assignment made no difference to taking the offer.

    References
    ----------
    As :func:`complier_effect`; Montiel Olea & Pflueger (2013), A robust test for weak instruments, Journal of
    Business & Economic Statistics 31(3), 358-369 (the effective F).
    """
    itt = difference(treated.select(outcome), control.select(outcome), alpha)
    first = difference(treated.select(received), control.select(received), alpha)
    if first.estimate == 0:
        raise NotEstimable("assignment made no difference to taking the offer")
    i, j = (treated.columns.index(name) for name in (outcome, received))
    v = treated.covariance + control.covariance
    v_yy, v_yd, v_dd = float(v[i, i]), float(v[i, j]), float(v[j, j])
    cace = itt.estimate / first.estimate
    variance, whole = v_yy - 2 * cace * v_yd + cace * cace * v_dd, v_yy + cace * cace * v_dd
    std_error = math.sqrt(variance) / abs(first.estimate) if variance > 1e-13 * whole else 0.0
    df_y = welch_df(float(treated.covariance[i, i]), treated.df, float(control.covariance[i, i]), control.df)
    q = t_quantile(1 - alpha / 2, df_y)
    found = fieller(itt.estimate, first.estimate, v_yy, v_yd, v_dd, q)
    reason = ""
    if found.shape != "interval":
        reason = (
            "assignment did not clearly change who takes the offer, so the complier effect is not bounded"
        )
    f = first.estimate**2 / v_dd if v_dd > 0 else math.inf
    return ComplierEffect(itt, first, f, f < WEAK_F, known(cace, std_error, alpha, df_y), found, reason)


def complier_std_error(
    treated: Moments, control: Moments, outcome: str, received: str, kind: ErrorKind = "hc2"
) -> float:
    """Standard error of the complier effect by two-stage least squares; HC2 is that of the delta method.

    Raises
    ------
    NotEstimable
        If assignment made no difference to what was received.

    References
    ----------
    Wooldridge (2010), Econometric Analysis of Cross Section and Panel Data, 2nd ed., section 5.2.5 (HC0);
    closed here for one binary instrument.
    """
    enough_units(treated, control)
    pair = (treated.select((outcome, received)), control.select((outcome, received)))
    gap = pair[0].mean - pair[1].mean
    if gap[1] == 0:
        raise NotEstimable("assignment made no difference to taking the offer")
    slope = float(gap[0] / gap[1])
    squares = []
    for arm in pair:
        s = arm.comoment
        total = float(s[0, 0] + slope * slope * s[1, 1])
        residual = float(s[0, 0] - 2 * slope * s[0, 1] + slope * slope * s[1, 1])
        squares.append(residual if residual > 1e-13 * total else 0.0)
    n = [arm.n for arm in pair]
    n_all = sum(n)
    if kind == "iid":
        variance = sum(squares) / (n_all - 2) * (1 / n[0] + 1 / n[1])
    elif kind == "hc2":
        variance = sum(s / (m * (m - 1)) for s, m in zip(squares, n, strict=True))
    else:
        variance = sum(s / m**2 for s, m in zip(squares, n, strict=True))
        variance *= n_all / (n_all - 2) if kind == "hc1" else 1.0
    return math.sqrt(variance) / abs(float(gap[1]))


def _first_stage_f(treated: Moments, control: Moments, received: str, gap: float) -> float:
    df = treated.n + control.n - 2
    pooled = (
        (treated.n - 1) * treated.variance(received) + (control.n - 1) * control.variance(received)
    ) / df
    return gap * gap / (pooled * (1 / treated.n + 1 / control.n)) if pooled > 0 else math.inf
