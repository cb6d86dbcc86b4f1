"""Difference of means adjusted for several covariates, with slopes of each arm's own."""

from __future__ import annotations

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.difference import effect
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.means import adjusted
from loyalty_exp.stats.means import lin as lin_means
from loyalty_exp.stats.moments import Moments


def estimate(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Lin (2013), Annals of Applied Statistics 7(1), 295-318, with interactions; one or more covariates."""
    if not covariates:
        raise ValueError("regression adjustment needs at least one covariate")
    found = lin_means(treated, control, outcome, covariates)
    return effect("lin", *found, alpha, adjusted(treated, control, outcome, ()))


LIN = Estimator(
    "lin",
    {
        "en": "Difference of means adjusted by a regression within each arm on several covariates known "
        "before assignment (Lin 2013); relative lift with Fieller's interval.",
        "zh-CN": "在各组内对多个分组前协变量回归校正的均值差（Lin 2013）；相对提升采用 Fieller 区间。",
    },
    estimate,
    covariates=(1, 99),
)
