"""Cox's hazard ratio of two arms and the check of its assumption, from counts by day alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import chi2_sf, normal_quantile
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.event_counts import EventCounts, RiskTable, risk_table
from loyalty_exp.stats.log_rank import pooled_survival_before
from loyalty_exp.stats.partial_likelihood import Ties, likelihood_at, maximum
from loyalty_exp.stats.survival import normal_difference


@dataclass(frozen=True, slots=True)
class HazardRatio:
    """Pace of the treatment arm over that of the control arm, taken to be constant over time.

    Attributes
    ----------
    log_ratio : Difference
        Natural logarithm of the ratio, with Wald's interval and p-value.
    ratio, ci_lower, ci_upper : float
        Above 1: the treatment arm is faster.
    log_likelihood, log_likelihood_null : float
        Partial, at the estimate and at a ratio of 1.
    score_statistic, likelihood_ratio_statistic, wald_statistic : float
        Chi-squares with 1 degree of freedom.
    concordance : float or None
        Share of comparable pairs that the arm orders rightly, ties of the arm counting one half; None when no
        two units can be compared.
    """

    log_ratio: Difference
    ratio: float
    ci_lower: float
    ci_upper: float
    log_likelihood: float
    log_likelihood_null: float
    score_statistic: float
    likelihood_ratio_statistic: float
    wald_statistic: float
    concordance: float | None


@dataclass(frozen=True, slots=True)
class ProportionalHazards:
    """Test whether the hazard ratio drifts with time; a small p-value says that it does.

    Attributes
    ----------
    statistic : float
        Chi-square with 1 degree of freedom.
    p_value, log_p_value : float
    """

    statistic: float
    p_value: float
    log_p_value: float


def hazard_ratio(
    treated: EventCounts, control: EventCounts, alpha: float, ties: Ties = "efron"
) -> HazardRatio:
    """Fit Cox's model with the arm as the only covariate.

    Parameters
    ----------
    treated, control : EventCounts
    alpha : float
        Two-sided.
    ties : str
        ``efron`` or ``breslow``; the first is closer to the truth when many events share a day.

    Raises
    ------
    NotEstimable
        With no units in an arm, or when the likelihood has no maximum since only one arm has events while
        both are at risk.

    References
    ----------
    Cox (1972), Regression models and life-tables, JRSS B 34, 187-220; Efron (1977), The efficiency of Cox's
    likelihood function for censored data, JASA 72, 557-565; Breslow (1974), Covariance analysis of censored
    survival data, Biometrics 30, 89-99; both as in Therneau & Grambsch (2000), section 3.3.
    """
    table = risk_table(treated, control)
    log_ratio = maximum(table, ties)
    likelihood_null, null_score, null_information = likelihood_at(table, 0.0, ties)
    likelihood, _, information = likelihood_at(table, log_ratio, ties)
    std_error = 1 / math.sqrt(float(information.sum()))
    found = normal_difference(log_ratio, std_error, alpha)
    half = normal_quantile(1 - alpha / 2) * std_error
    return HazardRatio(
        found,
        math.exp(log_ratio),
        math.exp(log_ratio - half),
        math.exp(log_ratio + half),
        likelihood,
        likelihood_null,
        float(null_score.sum()) ** 2 / float(null_information.sum()),
        max(2 * (likelihood - likelihood_null), 0.0),
        (log_ratio / std_error) ** 2,
        _concordance(table, log_ratio),
    )


def proportional_hazards(
    treated: EventCounts, control: EventCounts, ties: Ties = "efron"
) -> ProportionalHazards:
    """Test a drift of the hazard ratio along 1 minus the pooled Kaplan-Meier curve.

    This is the score test of an added term arm x time, to which the correlation of Schoenfeld residuals with
    time is an approximation.

    Raises
    ------
    NotEstimable
        Where there is no hazard ratio, or all its information comes from one day.

    References
    ----------
    Grambsch & Therneau (1994), Proportional hazards tests and diagnostics based on weighted residuals,
    Biometrika 81, 515-526; Schoenfeld (1982), Partial residuals for the proportional hazards
    regression model, Biometrika 69, 239-241.
    """
    table = risk_table(treated, control)
    _, residual, information = likelihood_at(table, maximum(table, ties), ties)
    g = 1 - pooled_survival_before(table)
    # Centered at its information-weighted mean, time is orthogonal to the hazard ratio itself.
    g = g - float(g @ information) / float(information.sum())
    variance = float((g * g) @ information)
    if variance <= 1e-14 * float(information.sum()):
        raise NotEstimable("all events that tell of the hazard ratio came on one day")
    statistic = float(g @ residual) ** 2 / variance
    return ProportionalHazards(statistic, *chi2_sf(statistic, 1))


def _concordance(table: RiskTable, log_ratio: float) -> float | None:
    """Harrell's C of the arm; pairs tied in time are not comparable."""
    after_t = table.at_risk_treated - table.events_treated
    after_c = table.at_risk_control - table.events_control
    treated_first = float(table.events_treated @ after_c)
    control_first = float(table.events_control @ after_t)
    same_arm = float(table.events_treated @ after_t + table.events_control @ after_c)
    right = treated_first if log_ratio > 0 else control_first
    if log_ratio == 0:
        right = 0.5 * (treated_first + control_first)
    pairs = treated_first + control_first + same_arm
    return (right + 0.5 * same_arm) / pairs if pairs > 0 else None
