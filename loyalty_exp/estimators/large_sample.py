"""Difference of means with the normal distribution, as the large tests of other programs read it."""

from __future__ import annotations

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.difference import effect, z_difference
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.means import adjusted
from loyalty_exp.stats.moments import Moments


def estimate(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Unequal variances, no degrees of freedom: Welch's test in the limit; covariates are adjusted for.

    References
    ----------
    Welch (1947), Biometrika 34, 28-35, as the degrees of freedom grow without end.
    """
    t, c = adjusted(treated, control, outcome, covariates)
    plain = adjusted(treated, control, outcome, ()) if covariates else None
    return effect("z", t, c, alpha, plain, z_difference(t, c, alpha))


Z = Estimator(
    "z",
    {
        "en": "Difference of means with unequal variances and the normal distribution, for thousands of "
        "units; relative lift with Fieller's interval.",
        "zh-CN": "均值差，方差不等，采用正态分布（适用于数千以上单位）；相对提升采用 Fieller 区间。",
    },
    estimate,
    covariates=(0, 99),
)
