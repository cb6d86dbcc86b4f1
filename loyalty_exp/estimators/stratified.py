"""Difference of means within the strata of the draw, weighted by their share of all units."""

from __future__ import annotations

from collections.abc import Sequence

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.moments import Moments


def estimate(
    treated: Sequence[Moments],
    control: Sequence[Moments],
    outcome: tuple[str, ...],
    covariates: tuple[str, ...],
    alpha: float,
) -> Effect:
    """Miratrix, Sekhon, Yu (2013), JRSS B 75(2), 369-396; covariates are adjusted for within strata.

    Strata with too few units in an arm for that are joined, by their counts alone.
    """
    from loyalty_exp.stats.strata import collapse, least_units, stratified

    (column,) = outcome
    names = [str(i + 1) for i in range(len(treated))]
    treated, control, kept = collapse(treated, control, names, least_units(len(covariates)))
    return stratified(treated, control, column, covariates, alpha, names=kept)


STRATIFIED = Estimator(
    "stratified",
    {
        "en": "Difference of means within the strata of the draw, weighted by the share of each stratum in "
        "all "
        "units, adjusted for covariates within strata where there are any (Miratrix, Sekhon, Yu 2013); "
        "relative "
        "lift with Fieller's interval.",
        "zh-CN": "在抽样分层内求均值差，按各层占全部单位的比例加权；有协变量时在层内校正"
        "（Miratrix、Sekhon、Yu 2013）；相对提升采用 Fieller 区间。",
    },
    estimate,
    "strata",
    covariates=(0, 99),
)
