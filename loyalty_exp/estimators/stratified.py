"""Difference of means within the strata of the draw, weighted by their share of all units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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


def estimate_random_shares(
    treated: Sequence[Moments],
    control: Sequence[Moments],
    outcome: tuple[str, ...],
    covariates: tuple[str, ...],
    alpha: float,
) -> Effect:
    """Miratrix, Sekhon, Yu (2013), JRSS B 75(2), 369-396: shares of strata are a sample's, not the draw's.

    They add the variance of multinomial shares, as for all members that the tested ones stand for.
    """
    from loyalty_exp.stats.strata import collapse, least_units, stratified

    (column,) = outcome
    names = [str(i + 1) for i in range(len(treated))]
    treated, control, kept = collapse(treated, control, names, least_units(len(covariates)))
    found = stratified(treated, control, column, covariates, alpha, names=kept, random_shares=True)
    return replace(found, estimator="post_stratified")


POST_STRATIFIED = Estimator(
    "post_stratified",
    {
        "en": "Difference of means within strata, weighted by their shares in the sample, with the variance "
        "of these shares (Miratrix, Sekhon, Yu 2013): for the members that the tested ones stand for.",
        "zh-CN": "在分层内求均值差，按各层在样本中的比例加权，并计入比例本身的方差"
        "（Miratrix、Sekhon、Yu 2013）：结论推及样本所代表的会员。",
    },
    estimate_random_shares,
    "strata",
    covariates=(0, 99),
)

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
