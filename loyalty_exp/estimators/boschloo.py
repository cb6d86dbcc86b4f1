"""Boschloo's exact test of two proportions, beside the interval of the score method."""

from __future__ import annotations

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.estimators.miettinen_nurminen import with_exact_test
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.moments import Moments


def estimate(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Boschloo (1970), Statistica Neerlandica 24, 1-9, two-sided; it has no interval of its own."""
    from loyalty_exp.stats.exact import boschloo

    return with_exact_test("boschloo", boschloo, treated, control, outcome, alpha)


BOSCHLOO = Estimator(
    "boschloo",
    {
        "en": "Boschloo's exact test (1970), more powerful than Fisher's, beside the interval of Miettinen "
        "and Nurminen: for small arms.",
        "zh-CN": "Boschloo 精确检验（1970），功效高于 Fisher 检验，区间取 Miettinen 与 Nurminen 法："
        "适用于小样本。",
    },
    estimate,
    fits=("proportion",),
)
