"""Difference of plain means, unequal variances."""

from __future__ import annotations

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.difference import effect
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.means import adjusted
from loyalty_exp.stats.moments import Moments


def estimate(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Welch (1947), Biometrika 34, 28-35; covariates are not used."""
    return effect("welch", *adjusted(treated, control, outcome, ()), alpha)


WELCH = Estimator(
    "welch",
    {
        "en": "Difference of means with Welch's t interval (unequal variances); relative lift with Fieller's "
        "interval.",
        "zh-CN": "均值差，采用 Welch t 区间（方差不等）；相对提升采用 Fieller 区间。",
    },
    estimate,
)
