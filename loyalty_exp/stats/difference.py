"""The difference of two arms, with unequal variances, and the effect built on it."""

from __future__ import annotations

import math

from loyalty_exp.stats.distributions import t_quantile, t_two_sided
from loyalty_exp.stats.effect import Difference, Effect
from loyalty_exp.stats.means import ArmMeans, enough_units
from loyalty_exp.stats.relative import relative_lift


def welch_df(v_t: float, df_t: float, v_c: float, df_c: float) -> float:
    """Degrees of freedom of a sum of two independent variance estimates; infinity when both are 0.

    Parameters
    ----------
    v_t, v_c : float
        Variances of the two estimates.
    df_t, df_c : float
        Their degrees of freedom.

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


def known(
    estimate: float, std_error: float, alpha: float, df: float = math.inf, quantile: float | None = None
) -> Difference:
    """Test and interval of an estimate whose standard error is at hand.

    Parameters
    ----------
    estimate, std_error : float
        A standard error of 0 gives no test: both bounds are the estimate, and the p-value is None.
    alpha : float
        Two-sided.
    df : float
        Degrees of freedom of the reference t distribution; infinity for the normal one.
    quantile : float, optional
        The ``1 - alpha / 2`` quantile, where it is at hand.
    """
    if std_error == 0:
        return Difference(estimate, 0.0, estimate, estimate, None)
    if quantile is None:
        quantile = t_quantile(1 - alpha / 2, df)
    half = quantile * std_error
    p, log_p = t_two_sided(estimate / std_error, df)
    return Difference(
        estimate, std_error, estimate - half, estimate + half, p, log_p, None if df == math.inf else df
    )


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
    (m_t, v_t), (m_c, v_c) = treated.only(), control.only()
    return known(m_t - m_c, math.sqrt(v_t + v_c), alpha, welch_df(v_t, treated.df, v_c, control.df))


def z_difference(treated: ArmMeans, control: ArmMeans, alpha: float) -> Difference:
    """Treated minus control of one outcome with the normal distribution, for very large samples.

    See :func:`difference` for the parameters and what is raised. Above some thousand units the two agree to
    the digits that are printed; for fewer this one claims too much.
    """
    enough_units(treated, control)
    (m_t, v_t), (m_c, v_c) = treated.only(), control.only()
    return known(m_t - m_c, math.sqrt(v_t + v_c), alpha)


def effect(
    estimator: str,
    treated: ArmMeans,
    control: ArmMeans,
    alpha: float,
    unadjusted: tuple[ArmMeans, ArmMeans] | None = None,
    absolute: Difference | None = None,
) -> Effect:
    """Put the difference and the relative lift of one outcome together.

    Both rest on the same degrees of freedom, so that the lift's interval excludes 0 exactly when the
    difference's does.

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
    (m_t, v_t), (m_c, v_c) = treated.only(), control.only()
    if absolute is None:
        enough_units(treated, control)
        df = welch_df(v_t, treated.df, v_c, control.df)
        quantile = t_quantile(1 - alpha / 2, df)
        absolute = known(m_t - m_c, math.sqrt(v_t + v_c), alpha, df, quantile)
    else:
        df = math.inf if absolute.df is None else absolute.df
        quantile = t_quantile(1 - alpha / 2, df)
    reduction = None
    if unadjusted is not None:
        before = unadjusted[0].only()[1] + unadjusted[1].only()[1]
        reduction = 1 - (v_t + v_c) / before if before > 0 else None
    lift = relative_lift(m_t, m_c, v_t, v_c, alpha, df, quantile)
    return Effect(estimator, treated.n, control.n, m_t, m_c, absolute, lift, reduction)
