"""The difference of two arms, with unequal variances, and the effect built on it."""

from __future__ import annotations

import math

from loyalty_exp.stats.distributions import t_quantile, t_two_sided
from loyalty_exp.stats.effect import Difference, Effect
from loyalty_exp.stats.means import ArmMeans, enough_units
from loyalty_exp.stats.relative import relative_lift


def welch_df(v_t: float, df_t: float, v_c: float, df_c: float) -> float:
    """Degrees of freedom of a sum of two independent variance estimates; infinity when both are 0.

    References
    ----------
    Welch (1947), Biometrika 34, 28-35; Satterthwaite (1946), An approximate distribution of estimates of
    variance components, Biometrics Bulletin 2(6), 110-114, equation 17.
    """
    total = v_t + v_c
    if total <= 0:
        return math.inf
    share_t, share_c = v_t / total, v_c / total
    return 1.0 / (share_t * share_t / df_t + share_c * share_c / df_c)


def difference(treated: ArmMeans, control: ArmMeans, alpha: float) -> Difference:
    """Treated minus control of one outcome, Welch's t.

    When neither arm varies there is no test: the standard error is 0, both bounds are the estimate, and the
    p-value is None.

    Parameters
    ----------
    treated, control : ArmMeans
        Of one outcome each.
    alpha : float
        Two-sided.

    Raises
    ------
    NotEstimable
        With no unit or one unit in an arm.

    References
    ----------
    Welch (1947), The generalization of Student's problem when several different population variances are
    involved, Biometrika 34, 28-35.
    """
    enough_units(treated, control)
    for arm in (treated, control):
        if len(arm.columns) != 1:
            raise ValueError(f"one outcome at a time, not {arm.columns}")
    v_t, v_c = float(treated.covariance[0, 0]), float(control.covariance[0, 0])
    estimate = float(treated.mean[0] - control.mean[0])
    std_error = math.sqrt(v_t + v_c)
    if std_error == 0:
        return Difference(estimate, 0.0, estimate, estimate, None)
    df = welch_df(v_t, treated.df, v_c, control.df)
    half = t_quantile(1 - alpha / 2, df) * std_error
    p, log_p = t_two_sided(estimate / std_error, df)
    return Difference(estimate, std_error, estimate - half, estimate + half, p, log_p, df)


def effect(
    estimator: str,
    treated: ArmMeans,
    control: ArmMeans,
    alpha: float,
    unadjusted: tuple[ArmMeans, ArmMeans] | None = None,
    absolute: Difference | None = None,
) -> Effect:
    """Put the difference and the relative lift of one outcome together.

    Parameters
    ----------
    estimator : str
        Name it is listed under.
    treated, control : ArmMeans
        Of one outcome each.
    alpha : float
        Two-sided.
    unadjusted : pair of ArmMeans, optional
        The same outcome without covariates, for the share of variance removed.
    absolute : Difference, optional
        Where the difference has its own method; Welch's when left out.
    """
    welch = difference(treated, control, alpha) if absolute is None else absolute
    v_t, v_c = float(treated.covariance[0, 0]), float(control.covariance[0, 0])
    mean_t, mean_c = float(treated.mean[0]), float(control.mean[0])
    df = math.inf if welch.df is None else welch.df
    reduction = None
    if unadjusted is not None:
        before = float(unadjusted[0].covariance[0, 0] + unadjusted[1].covariance[0, 0])
        reduction = 1 - (v_t + v_c) / before if before > 0 else None
    return Effect(
        estimator,
        treated.n,
        control.n,
        mean_t,
        mean_c,
        welch,
        relative_lift(mean_t, mean_c, v_t, v_c, alpha, df),
        reduction,
    )
