"""Other readings of a relative lift than Fieller's: the delta method, the logarithm, and geometric means."""

from __future__ import annotations

import math
from dataclasses import dataclass

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import difference, known, welch_df
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.means import ArmMeans
from loyalty_exp.stats.relative import CONTROL_IS_ZERO, delta_variance


@dataclass(frozen=True, slots=True)
class LogLift:
    """A relative lift inferred on the scale of logarithms, given back as a fraction of control.

    Attributes
    ----------
    estimate, ci_lower, ci_upper : float
        Fractions of control (0.12 is +12 %); never below -1.
    on_log_scale : Difference
        The logarithm of the ratio of the means, with its standard error and its test of no lift.
    """

    estimate: float
    ci_lower: float
    ci_upper: float
    on_log_scale: Difference


def delta_lift(
    treated_mean: float, control_mean: float, v_t: float, v_c: float, alpha: float, df: float = math.inf
) -> Difference:
    """Lift as a fraction of the size of the control mean, by the delta method; its interval is symmetric.

    The control mean is taken to be far from 0: where it is not, Fieller's set in
    :func:`loyalty_exp.stats.relative.relative_lift` says so, this one does not.

    Parameters
    ----------
    treated_mean, control_mean : float
        Of independent arms.
    v_t, v_c : float
        Variances of these means.
    alpha : float
        Two-sided.
    df : float
        Degrees of freedom of the reference t distribution; infinity for the normal one.

    Returns
    -------
    Difference
        All in fractions of control.

    Raises
    ------
    NotEstimable
        If the control mean is 0.

    References
    ----------
    Deng, Knoblich, Lu (2018), Applying the delta method in metric analytics, KDD, on percent changes.
    """
    if control_mean == 0:
        raise NotEstimable(CONTROL_IS_ZERO)
    variance = delta_variance(treated_mean, control_mean, v_t, 0.0, v_c)
    return known((treated_mean - control_mean) / abs(control_mean), math.sqrt(variance), alpha, df)


def lift_df(ratio: float, v_t: float, df_t: float, v_c: float, df_c: float) -> float:
    """Degrees of freedom of ``treated - ratio * control``, at a value of the ratio.

    Handed to :func:`loyalty_exp.stats.relative.relative_lift` with the estimated ratio they give the interval
    of Tamhane and Logan; those of the difference (ratio 1) make lift and difference agree on significance.

    Parameters
    ----------
    ratio : float
        Treated over control.
    v_t, v_c : float
        Variances of the means.
    df_t, df_c : float
        Their degrees of freedom.

    References
    ----------
    Tamhane & Logan (2004), Finding the maximum safe dose level for heteroscedastic data, Journal of
    Biopharmaceutical Statistics 14, 843-856, section 2.
    """
    return welch_df(v_t, df_t, ratio * ratio * v_c, df_c)


def log_lift(
    treated_mean: float,
    control_mean: float,
    v_t: float,
    v_c: float,
    alpha: float,
    df_t: float = math.inf,
    df_c: float = math.inf,
) -> LogLift:
    """Lift by the delta method on the logarithm of the ratio.

    Parameters
    ----------
    treated_mean, control_mean : float
        Of independent arms; both must be positive.
    v_t, v_c : float
        Variances of these means.
    alpha : float
        Two-sided.
    df_t, df_c : float
        Degrees of freedom of the two variances; infinity for the normal distribution.

    Raises
    ------
    NotEstimable
        Unless both means are positive.

    References
    ----------
    Katz, Baptista, Azen, Pike (1978), Obtaining confidence intervals for the risk ratio in cohort studies,
    Biometrics 34, 469-474, method C, for means.
    """
    if not (treated_mean > 0 and control_mean > 0):
        raise NotEstimable("the logarithm of a lift needs two positive means")
    w_t, w_c = v_t / treated_mean**2, v_c / control_mean**2
    df = math.inf if math.isinf(df_t) and math.isinf(df_c) else welch_df(w_t, df_t, w_c, df_c)
    return _from_log(known(math.log(treated_mean / control_mean), math.sqrt(w_t + w_c), alpha, df))


def geometric_lift(treated: ArmMeans, control: ArmMeans, alpha: float) -> LogLift:
    """Lift of the geometric mean, from the means of the logarithms of positive values.

    Another question than the lift of the mean: it speaks of the typical unit, not of the sum.

    Parameters
    ----------
    treated, control : ArmMeans
        Of one column, the natural logarithm of the outcome.
    alpha : float
        Two-sided.

    References
    ----------
    Bland & Altman (1996), The use of transformation when comparing two means, BMJ 312, 1153.
    """
    return _from_log(difference(treated, control, alpha))


def _from_log(found: Difference) -> LogLift:
    """Bring a difference of logarithms back to a fraction."""
    low, high = math.expm1(found.ci_lower), _expm1(found.ci_upper)
    return LogLift(math.expm1(found.estimate), low, high, found)


def _expm1(x: float) -> float:
    """``exp(x) - 1``, infinite where it overflows."""
    return math.expm1(x) if x < 709 else math.inf
