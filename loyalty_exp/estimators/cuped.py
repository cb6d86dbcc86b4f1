"""Difference of means adjusted for one covariate known before assignment."""

from __future__ import annotations

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.difference import effect
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.means import adjusted
from loyalty_exp.stats.means import cuped as cuped_means
from loyalty_exp.stats.moments import Moments


def estimate(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Deng, Xu, Kohavi, Walker (2013), WSDM, equations 4 and 5; one covariate or more, one slope each."""
    found = cuped_means(treated, control, outcome, covariates)
    return effect("cuped", *found, alpha, adjusted(treated, control, outcome, ()))


CUPED = Estimator(
    "cuped",
    {
        "en": "Difference of means adjusted for behavior before assignment (CUPED, Deng et al. 2013), with "
        "Welch's t interval; relative lift with Fieller's interval.",
        "zh-CN": "用分组前行为校正的均值差（CUPED，Deng 等 2013），采用 Welch t 区间；"
        "相对提升采用 Fieller 区间。",
    },
    estimate,
    covariates=(1, 99),
)
