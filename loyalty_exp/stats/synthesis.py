"""What several experiments say together, and what each one says once the others are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import known
from loyalty_exp.stats.distributions import chi2_sf, normal_quantile, t_quantile
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.moments import Vector
from loyalty_exp.stats.tau_squared import ESTIMATORS, TauMethod


@dataclass(frozen=True, slots=True, eq=False)
class Synthesis:
    """A pooled effect and its heterogeneity.

    Attributes
    ----------
    k : int
        Effects pooled.
    pooled : Difference
        Mean effect, normal interval; equal to the one effect when there is only one.
    hartung_knapp : Difference or None
        The same mean with an interval that counts how few effects there are; None for one effect or when all
        effects are equal.
    tau2 : float
        Variance of the true effects, at least 0.
    q, q_df, q_p_value, q_log_p_value : float, int, float or None, float or None
        Cochran's test that all effects are equal; no p-value for one effect.
    i2, h2 : float
        Share of the variance due to heterogeneity (0 to 1), and total over sampling variance (1 or more).
    prediction : tuple of float or None
        Range of the true effect of the next experiment; None for fewer than three effects.
    shrunken, shrunken_std_error : array, shape (k,)
        Each effect pulled to the mean as far as its noise calls for.
    share_own : array, shape (k,)
        Weight of the effect's own estimate in its shrunken one, 0 to 1.
    """

    k: int
    pooled: Difference
    hartung_knapp: Difference | None
    tau2: float
    q: float
    q_df: int
    q_p_value: float | None
    q_log_p_value: float | None
    i2: float
    h2: float
    prediction: tuple[float, float] | None
    shrunken: Vector
    shrunken_std_error: Vector
    share_own: Vector


@dataclass(frozen=True, slots=True)
class ProgramTotal:
    """Sum of the effects of the experiments that were shipped.

    Attributes
    ----------
    claimed : float
        Plain sum: too high when winners were picked by their estimates.
    shrunken, std_error, ci_lower, ci_upper : float
        Sum of the shrunken effects.
    """

    claimed: float
    shrunken: float
    std_error: float
    ci_lower: float
    ci_upper: float


def synthesize(
    estimates: Sequence[float],
    variances: Sequence[float],
    alpha: float,
    method: TauMethod = "reml",
    prediction: Literal["t", "normal"] = "t",
) -> Synthesis:
    """Pool independent effects with a random-effects model.

    Parameters
    ----------
    estimates : sequence of float, length k
        All in the same unit.
    variances : sequence of float, length k
        Their squared standard errors, above 0.
    alpha : float
        Two-sided.
    method : str
        Of the variance between effects: ``reml``, ``dl``, ``pm``, ``ml``, or ``fixed`` for 0.
    prediction : str
        Reference of the prediction interval: t with ``k - 2`` degrees of freedom, or normal.

    Raises
    ------
    NotEstimable
        Without effects, or with a standard error of 0.

    References
    ----------
    DerSimonian & Laird (1986), Meta-analysis in clinical trials, Controlled Clinical Trials 7, 177-188;
    Knapp & Hartung (2003), Statistics in Medicine 22, 2693-2710; Higgins & Thompson (2002),
    Statistics in Medicine 21, 1539-1558 (H2 and I2); Higgins, Thompson, Spiegelhalter (2009), JRSS A
    172, 137-159 (prediction); Morris (1983), JASA 78, 47-55 (shrinkage).
    """
    y, v = _effects(estimates, variances)
    k = len(y)
    tau2 = ESTIMATORS[method](y, v) if k > 1 else 0.0
    w, w0 = 1 / (v + tau2), 1 / v
    mean, se = _mean(y, w), 1 / math.sqrt(float(w.sum()))
    q = float(w0 @ (y - _mean(y, w0)) ** 2) if k > 1 else 0.0
    p, log_p = chi2_sf(q, k - 1) if k > 1 else (None, None)
    own = tau2 / (tau2 + v) if k > 1 else np.ones(1)
    typical = (k - 1) * float(w0.sum()) / (float(w0.sum()) ** 2 - float(w0 @ w0)) if k > 1 else math.inf
    return Synthesis(
        k,
        known(mean, se, alpha),
        _hartung_knapp(y, w, mean, alpha),
        tau2,
        q,
        k - 1,
        p,
        log_p,
        tau2 / (tau2 + typical),
        1 + tau2 / typical,
        _prediction(mean, se, tau2, k, alpha, prediction),
        own * y + (1 - own) * mean,
        np.sqrt(own * v + ((1 - own) * se) ** 2),
        own,
    )


def program_total(
    estimates: Sequence[float],
    variances: Sequence[float],
    shipped: Sequence[bool],
    alpha: float,
    method: TauMethod = "reml",
) -> ProgramTotal:
    """Sum the effects of what was shipped, shrunken by all experiments, shipped or not.

    The sum of winners' estimates is too high, because luck helped them win. Shrinkage needs every experiment
    of the program, the losers too: handing in winners alone brings the error back.

    Parameters
    ----------
    estimates, variances : sequence of float, length k
        Of all experiments.
    shipped : sequence of bool, length k

    Raises
    ------
    NotEstimable
        Without effects, or when nothing was shipped.

    References
    ----------
    Efron (2011), Tweedie's formula and selection bias, JASA 106, 1602-1614, section 1, with the normal prior
    of Morris (1983), JASA 78, 47-55.
    """
    found = synthesize(estimates, variances, alpha, method)
    chosen = np.asarray(shipped, dtype=bool)
    if len(chosen) != found.k:
        raise ValueError("one shipped flag for each effect")
    if not chosen.any():
        raise NotEstimable("nothing was shipped")
    y, v = _effects(estimates, variances)
    own = found.share_own[chosen]
    # The mean is common to all, so its error adds up instead of averaging out.
    common = float((1 - own).sum()) * (found.pooled.std_error or 0.0)
    std_error = math.sqrt(float(own @ v[chosen]) + common**2)
    total = float(found.shrunken[chosen].sum())
    half = normal_quantile(1 - alpha / 2) * std_error
    return ProgramTotal(float(y[chosen].sum()), total, std_error, total - half, total + half)


def _effects(estimates: Sequence[float], variances: Sequence[float]) -> tuple[Vector, Vector]:
    y, v = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    if y.shape != v.shape or y.ndim != 1:
        raise ValueError("as many variances as estimates")
    if not len(y):
        raise NotEstimable("no effects to pool")
    if not np.isfinite(y).all() or not np.isfinite(v).all() or (v < 0).any():
        raise ValueError("estimates and variances must be finite, variances at least 0")
    if (v == 0).any():
        raise NotEstimable("an effect with a standard error of 0")
    return y, v


def _mean(y: Vector, w: Vector) -> float:
    return float(w @ y) / float(w.sum())


def _hartung_knapp(y: Vector, w: Vector, mean: float, alpha: float) -> Difference | None:
    k = len(y)
    if k < 2:
        return None
    variance = float(w @ (y - mean) ** 2) / ((k - 1) * float(w.sum()))
    return known(mean, math.sqrt(variance), alpha, k - 1.0) if variance > 0 else None


def _prediction(
    mean: float, se: float, tau2: float, k: int, alpha: float, reference: str
) -> tuple[float, float] | None:
    if k < 3:
        return None
    q = t_quantile(1 - alpha / 2, k - 2.0) if reference == "t" else normal_quantile(1 - alpha / 2)
    half = q * math.sqrt(se * se + tau2)
    return mean - half, mean + half
