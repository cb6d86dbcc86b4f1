"""Difference of two ratios of sums, plain and adjusted for the ratio before assignment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.difference import difference
from loyalty_exp.stats.effect import Difference, Effect
from loyalty_exp.stats.means import plain
from loyalty_exp.stats.moments import Moments
from loyalty_exp.stats.ratio import ratio_effect


def with_parts(found: Effect, outcome: tuple[str, ...], read: Callable[[str], Difference]) -> Effect:
    """Put the differences a unit of numerator and denominator beside that of the ratio.

    An offer may move the ratio by what it does to the denominator alone, so neither is read without them.

    Parameters
    ----------
    outcome : (numerator, denominator)
    read : callable
        From a column to the difference of its means.
    """
    facts: dict[str, float] = {}
    for part, column in zip(("numerator", "denominator"), outcome, strict=True):
        d = read(column)
        facts |= {part: d.estimate, f"{part}_lower": d.ci_lower, f"{part}_upper": d.ci_upper}
    return replace(found, facts=facts)


def estimate_delta(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Deng, Knoblich, Lu (2018), KDD, on cluster randomization; covariates are not used."""
    numerator, denominator = outcome
    found = ratio_effect(treated, control, numerator, denominator, alpha)
    return with_parts(found, outcome, _by_welch(treated, control, alpha))


def estimate_cuped(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Deng, Knoblich, Lu (2018), KDD, with CUPED on the linearized ratio; two covariates."""
    numerator, denominator = outcome
    if len(covariates) != 2:
        raise ValueError("a ratio is adjusted by a pre-period numerator and denominator")
    found = ratio_effect(treated, control, numerator, denominator, alpha, covariates)
    return with_parts(found, outcome, _by_welch(treated, control, alpha))


def _by_welch(treated: Moments, control: Moments, alpha: float) -> Callable[[str], Difference]:
    return lambda column: difference(plain(treated, (column,)), plain(control, (column,)), alpha)


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
