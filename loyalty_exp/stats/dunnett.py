"""Several treatments against one control: simultaneous intervals and adjusted p-values, by quadrature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import t_two_sided
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.means import enough_units
from loyalty_exp.stats.moments import Moments, Vector, checked


@dataclass(frozen=True, slots=True)
class Dunnett:
    """All treatments against control.

    Attributes
    ----------
    critical_value : float
        Two-sided.
    df : float
        Degrees of freedom of the variance common to all arms.
    differences : tuple of Difference
        With simultaneous intervals and adjusted p-values, in the order of the treatments.
    """

    critical_value: float
    df: float
    differences: tuple[Difference, ...]


def dunnett(treated: Sequence[Moments], control: Moments, column: str, alpha: float) -> Dunnett:
    """Compare every treatment with control at a level that holds for all together.

    Takes the variance to be the same in all arms, which Welch's test with Holm's adjustment does not.

    Parameters
    ----------
    treated : sequence of Moments, length k
    control : Moments
    column : str
        The outcome.
    alpha : float
        Two-sided, for all comparisons together.

    Raises
    ------
    NotEstimable
        With no unit or one unit in an arm, or when nothing varies.

    References
    ----------
    Dunnett (1955), A multiple comparison procedure for comparing several treatments with a control, JASA 50,
    1096-1121; Dunnett & Sobel (1955), Biometrika 42, 258-260, for unequal sizes.
    """
    if not treated:
        raise ValueError("no treatment arm")
    arms = [checked(m.select((column,))) for m in (*treated, control)]
    for arm in arms:
        enough_units(arm)
    df = float(sum(m.n - 1 for m in arms))
    variance = math.fsum(m.comoment.item(0) for m in arms) / df
    if variance <= 0:
        raise NotEstimable("nothing varies in any arm")
    base = arms[-1]
    loadings = np.array([math.sqrt(m.n / (m.n + base.n)) for m in arms[:-1]])
    critical = critical_value(loadings, df, alpha)
    found = []
    for m in arms[:-1]:
        estimate = m.mean_of(column) - base.mean_of(column)
        std_error = math.sqrt(variance * (1 / m.n + 1 / base.n))
        half = critical * std_error
        p, log_p = tail(estimate / std_error, loadings, df)
        found.append(Difference(estimate, std_error, estimate - half, estimate + half, p, log_p, df))
    return Dunnett(critical, df, tuple(found))


def tail(t: float, loadings: Vector, df: float) -> tuple[float, float]:
    """Chance that any of the statistics exceeds ``|t|`` without effects: ``(p, log p)``.

    Parameters
    ----------
    t : float
    loadings : array, shape (k,)
        ``sqrt(n_i / (n_i + n_0))``; two statistics correlate by the product of theirs.
    df : float
        Infinity when the variance is known.

    References
    ----------
    Dunnett & Sobel (1955), Biometrika 42, 258-260 (one integral over the part of control, one
    over the standard deviation). Below 1e-9 Bonferroni's bound stands in, which is then exact to a few
    percent.
    """
    single, log_single = t_two_sided(t, df)
    k = len(loadings)
    if k == 1:
        return single, log_single
    if k * single > 1e-9:
        p = min(max(1 - _inside(abs(t), loadings, df), single), 1.0)
        return p, math.log(p)
    return k * single, log_single + math.log(k)


def critical_value(loadings: Vector, df: float, alpha: float) -> float:
    """Value that none of the statistics exceeds in size with probability ``1 - alpha`` without effects.

    See :func:`tail` for the parameters and the reference.
    """
    from scipy.optimize import brentq

    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1, not {alpha}")
    return float(brentq(lambda c: tail(c, loadings, df)[1] - math.log(alpha), 1e-6, 1e4, xtol=1e-11))


def _inside(c: float, loadings: Vector, df: float) -> float:
    """Chance that no statistic exceeds ``c`` in size."""
    from scipy import special

    z, w = _gauss(200)
    z = 8.5 * z
    w = 8.5 * w * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    if math.isinf(df):
        s, v = np.ones(1), np.ones(1)
    else:
        node, weight = _gauss(120)
        low, high = (math.sqrt(float(special.chdtri(df, q)) / df) for q in (1 - 1e-14, 1e-14))
        s = (high + low) / 2 + (high - low) / 2 * node
        log_density = (
            math.log(2)
            + df / 2 * math.log(df / 2)
            - math.lgamma(df / 2)
            + (df - 1) * np.log(s)
            - df * s * s / 2
        )
        v = (high - low) / 2 * weight * np.exp(log_density)
        v = v / v.sum()
    inner = np.ones((len(s), len(z)))
    for loading in loadings:
        rest = math.sqrt(1 - loading * loading)
        shift, edge = loading * z[None, :] / rest, c * s[:, None] / rest
        inner *= special.ndtr(shift + edge) - special.ndtr(shift - edge)
    return float(v @ (inner @ w))


@cache
def _gauss(n: int) -> tuple[Vector, Vector]:
    """Nodes and weights of Gauss and Legendre on [-1, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return nodes, weights
