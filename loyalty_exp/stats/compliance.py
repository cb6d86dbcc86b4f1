"""The effect on those who take the offer when assigned to it, where not everybody does.

The headline stays the effect of assignment (ITT). The complier effect divides it by the difference that
assignment made to taking the offer. It holds when assignment acts only through the offer and nobody takes it
because of not being assigned. A comparison by offer taken ("as treated") is not offered: takers choose
themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import difference, known
from loyalty_exp.stats.distributions import t_quantile
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.means import enough_units, plain
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
    itt = difference(t.select(outcome), c.select(outcome), alpha)
    first = difference(t.select(received), c.select(received), alpha)
    if first.estimate == 0:
        raise NotEstimable("assignment made no difference to taking the offer")
    cace = itt.estimate / first.estimate
    std_error = complier_std_error(treated, control, outcome, received, "hc2")
    v = t.covariance + c.covariance
    df = math.inf if itt.df is None else itt.df
    q = t_quantile(1 - alpha / 2, df)
    found = fieller(itt.estimate, first.estimate, float(v[0, 0]), float(v[0, 1]), float(v[1, 1]), q)
    reason = ""
    if found.shape != "interval":
        reason = (
            "assignment did not clearly change who takes the offer, so the complier effect is not bounded"
        )
    f = _first_stage_f(treated, control, received, first.estimate)
    return ComplierEffect(itt, first, f, f < WEAK_F, known(cace, std_error, alpha, df), found, reason)


def complier_std_error(
    treated: Moments, control: Moments, outcome: str, received: str, kind: ErrorKind = "hc2"
) -> float:
    """Standard error of the complier effect by two-stage least squares; HC2 is that of the delta method.

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
