"""Difference of two ratios of sums, plain and adjusted for the ratio before assignment."""

from __future__ import annotations

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.moments import Moments
from loyalty_exp.stats.ratio import ratio_effect


def estimate_delta(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Deng, Knoblich, Lu (2018), KDD, equation 3; covariates are not used."""
    numerator, denominator = outcome
    return ratio_effect(treated, control, numerator, denominator, alpha)


def estimate_cuped(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Deng, Knoblich, Lu (2018), KDD, with CUPED on the linearized ratio; two covariates."""
    numerator, denominator = outcome
    if len(covariates) != 2:
        raise ValueError("a ratio is adjusted by a pre-period numerator and denominator")
    return ratio_effect(treated, control, numerator, denominator, alpha, covariates)


RATIO_DELTA = Estimator(
    "ratio_delta",
    {
        "en": "Difference of ratios of sums with the delta method at the unit of randomization (Deng, "
        "Knoblich, Lu 2018); relative lift with Fieller's interval.",
        "zh-CN": "合计之比的差，在随机化单位上用 delta 方法（Deng、Knoblich、Lu 2018）；"
        "相对提升采用 Fieller 区间。",
    },
    estimate_delta,
    fits=("ratio",),
)

RATIO_CUPED = Estimator(
    "ratio_cuped",
    {
        "en": "Difference of ratios of sums with the delta method, adjusted for the same ratio before "
        "assignment (CUPED on the linearized ratio); relative lift with Fieller's interval.",
        "zh-CN": "合计之比的差，用 delta 方法并以分组前的同一比率校正（线性化比率上的 CUPED）；"
        "相对提升采用 Fieller 区间。",
    },
    estimate_cuped,
    fits=("ratio",),
    covariates=(2, 2),
)
