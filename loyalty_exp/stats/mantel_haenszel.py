"""One odds ratio, risk ratio, risk difference or rate ratio over strata with few events each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import chi2_sf, normal_quantile
from loyalty_exp.stats.moments import Vector


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """A chi-square test: ``log_p_value`` stays finite where the p-value underflows to 0."""

    statistic: float
    df: int
    p_value: float
    log_p_value: float


@dataclass(frozen=True, slots=True)
class CommonRatio:
    """A ratio common to all strata, with the standard error of its logarithm."""

    estimate: float
    log_std_error: float
    ci_lower: float
    ci_upper: float


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Events and units by stratum; strata with nobody in an arm tell nothing and are left out.

    Attributes
    ----------
    x_t, n_t, x_c, n_c : array, shape (s,)
        Events and units of the treatment arm, then of the control arm.
    """

    x_t: Vector
    n_t: Vector
    x_c: Vector
    n_c: Vector

    @property
    def n(self) -> Vector:
        """Units by stratum.

        Shape (s,).
        """
        return self.n_t + self.n_c


def tables(x_t: npt.ArrayLike, n_t: npt.ArrayLike, x_c: npt.ArrayLike, n_c: npt.ArrayLike) -> Tables:
    """Check counts by stratum.

    Raises
    ------
    NotEstimable
        When no stratum has units in both arms.
    ValueError
        For counts no data can have.
    """
    a, n, b, m = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (x_t, n_t, x_c, n_c))
    if not ((a >= 0) & (a <= n) & (b >= 0) & (b <= m)).all():
        raise ValueError("events from 0 to the number of units")
    keep = (n > 0) & (m > 0)
    if not keep.any():
        raise NotEstimable("no stratum has units in both arms")
    return Tables(a[keep], n[keep], b[keep], m[keep])


def common_odds_ratio(of: Tables, alpha: float) -> CommonRatio:
    """Mantel-Haenszel odds ratio.

    Raises
    ------
    NotEstimable
        When it would be 0 or infinite.

    References
    ----------
    Mantel & Haenszel (1959), JNCI 22, 719-748; Robins, Breslow, Greenland (1986), Estimators of the
    Mantel-Haenszel variance consistent in both sparse data and large-strata limiting models, Biometrics 42,
    311-323.
    """
    not_t, not_c = of.n_t - of.x_t, of.n_c - of.x_c
    r, s = of.x_t * not_c / of.n, of.x_c * not_t / of.n
    top, bottom = float(r.sum()), float(s.sum())
    p, q = (of.x_t + not_c) / of.n, (of.x_c + not_t) / of.n
    _both_positive(top, bottom, "odds")
    variance = (
        float(p @ r) / (2 * top**2)
        + float(p @ s + q @ r) / (2 * top * bottom)
        + float(q @ s) / (2 * bottom**2)
    )
    return _ratio(top / bottom, variance, alpha)


def common_risk_ratio(of: Tables, alpha: float) -> CommonRatio:
    """Mantel-Haenszel risk ratio.

    References
    ----------
    Greenland & Robins (1985), Estimation of a common effect parameter from sparse follow-up data, Biometrics
    41, 55-68 (risk ratio).
    """
    r, s = of.x_t * of.n_c / of.n, of.x_c * of.n_t / of.n
    top, bottom = float(r.sum()), float(s.sum())
    _both_positive(top, bottom, "risk")
    events = of.x_t + of.x_c
    d = float(((of.n_t * of.n_c * events - of.x_t * of.x_c * of.n) / of.n**2).sum())
    return _ratio(top / bottom, d / (top * bottom), alpha)


def common_risk_difference(of: Tables) -> tuple[float, float, float]:
    """Mantel-Haenszel risk difference with two standard errors: Greenland-Robins and Sato.

    Sato's holds both for few large and for many small strata; the other for few large ones.

    References
    ----------
    Greenland & Robins (1985), Biometrics 41, 55-68 (risk difference); Sato (1989), On the variance estimator
    for the Mantel-Haenszel risk difference, Biometrics 45, 1323-1324.
    """
    weight = of.n_t * of.n_c / of.n
    total = float(weight.sum())
    d = float((of.x_t * of.n_c / of.n - of.x_c * of.n_t / of.n).sum()) / total
    binomial = of.x_t * (of.n_t - of.x_t) * of.n_c**3 + of.x_c * (of.n_c - of.x_c) * of.n_t**3
    robins = float((binomial / (of.n_t * of.n_c * of.n**2)).sum()) / total**2
    p = (of.n_t**2 * of.x_c - of.n_c**2 * of.x_t + of.n_t * of.n_c * (of.n_c - of.n_t) / 2) / of.n**2
    q = (of.x_t * (of.n_c - of.x_c) + of.x_c * (of.n_t - of.x_t)) / (2 * of.n)
    sato = (d * float(p.sum()) + float(q.sum())) / total**2
    return d, math.sqrt(robins), math.sqrt(max(sato, 0.0))


def cochran_mantel_haenszel(of: Tables, continuity: bool = False) -> ChiSquare:
    """Test that events and arms are independent in every stratum.

    Raises
    ------
    NotEstimable
        When no stratum has both events and units without one.

    References
    ----------
    Mantel & Haenszel (1959), Statistical aspects of the analysis of data from retrospective studies of
    disease, JNCI 22, 719-748, there with the correction of 1/2.
    """
    events, n = of.x_t + of.x_c, of.n
    gap = abs(float((of.x_t - of.n_t * events / n).sum()))
    variance = of.n_t * of.n_c * events * (n - events) / (n**2 * np.maximum(n - 1, 1))
    total = float(variance.sum())
    if total <= 0:
        raise NotEstimable("no stratum has both units with and units without the event")
    return _chi_square(max(gap - (0.5 if continuity else 0.0), 0.0) ** 2 / total, 1)


def breslow_day(of: Tables, tarone: bool = True) -> ChiSquare:
    """Test that the odds ratio is the same in all strata.

    Raises
    ------
    NotEstimable
        With fewer than two strata that hold units with and units without the event.

    References
    ----------
    Breslow & Day (1980), Statistical Methods in Cancer Research I, IARC, equation 4.30; Tarone (1985), On
    heterogeneity tests based on efficient scores, Biometrika 72, 91-95.
    """
    odds = common_odds_ratio(of, 0.05).estimate
    events = of.x_t + of.x_c
    keep = (events > 0) & (events < of.n)
    if keep.sum() < 2:
        raise NotEstimable("fewer than two strata with both units with and units without the event")
    x, n_t, n_c, m = of.x_t[keep], of.n_t[keep], of.n_c[keep], events[keep]
    fitted = np.array([_fitted(odds, *cell) for cell in zip(n_t, n_c, m, strict=True)])
    parts = 1 / fitted + 1 / (m - fitted) + 1 / (n_t - fitted) + 1 / (n_c - m + fitted)
    variance = 1 / parts
    gap = x - fitted
    statistic = float((gap**2 / variance).sum())
    if tarone:
        statistic -= float(gap.sum()) ** 2 / float(variance.sum())
    return _chi_square(max(statistic, 0.0), int(keep.sum()) - 1)


def common_rate_ratio(
    events_t: Sequence[float],
    exposure_t: Sequence[float],
    events_c: Sequence[float],
    exposure_c: Sequence[float],
    alpha: float,
) -> CommonRatio:
    """Mantel-Haenszel ratio of event rates; the interval takes events as Poisson.

    Parameters
    ----------
    events_t, events_c : array of int, shape (s,)
        Events by stratum, treated and control.
    exposure_t, exposure_c : array, shape (s,)
        Time at risk by stratum, in one unit.

    References
    ----------
    Greenland & Robins (1985), Biometrics 41, 55-68 (person-time data).
    """
    a, s, b, u = (np.asarray(v, dtype=np.float64) for v in (events_t, exposure_t, events_c, exposure_c))
    keep = s + u > 0
    a, s, b, u = a[keep], s[keep], b[keep], u[keep]
    total = s + u
    top, bottom = float((a * u / total).sum()), float((b * s / total).sum())
    _both_positive(top, bottom, "rate")
    variance = float(((a + b) * s * u / total**2).sum()) / (top * bottom)
    return _ratio(top / bottom, variance, alpha)


def _fitted(odds: float, n_t: float, n_c: float, events: float) -> float:
    """Events expected in the treatment arm, margins fixed, at a given odds ratio."""
    if abs(odds - 1) < 1e-12:
        return n_t * events / (n_t + n_c)
    a = odds - 1
    b = -(n_c - events + odds * (n_t + events))
    c = odds * n_t * events
    q = -0.5 * (b - math.sqrt(b * b - 4 * a * c))  # b < 0: no cancellation
    return c / q


def _both_positive(top: float, bottom: float, word: str) -> None:
    if top <= 0 or bottom <= 0:
        raise NotEstimable(f"the {word} ratio is 0, infinite or undefined: an arm has none in every stratum")


def _ratio(estimate: float, log_variance: float, alpha: float) -> CommonRatio:
    se = math.sqrt(log_variance)
    spread = math.exp(normal_quantile(1 - alpha / 2) * se)
    return CommonRatio(estimate, se, estimate / spread, estimate * spread)


def _chi_square(statistic: float, df: int) -> ChiSquare:
    p, log_p = chi2_sf(statistic, df)
    return ChiSquare(statistic, df, p, log_p)
