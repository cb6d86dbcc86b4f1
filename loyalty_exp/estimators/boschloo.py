"""Boschloo's exact test of two proportions, beside the interval of the score method."""

from __future__ import annotations

from dataclasses import replace

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.estimators.miettinen_nurminen import estimate as score_estimate
from loyalty_exp.estimators.miettinen_nurminen import successes
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.moments import Moments


def estimate(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Boschloo (1970), Statistica Neerlandica 24, 1-9, two-sided; it has no interval of its own."""
    from loyalty_exp.stats.exact import boschloo

    found = score_estimate(treated, control, outcome, (), alpha)
    (column,) = outcome
    if found.absolute.p_value is None:  # it happened to all or to nobody: there is nothing to test
        return replace(found, estimator="boschloo")
    test = boschloo(*successes(treated, column), *successes(control, column))
    absolute = replace(found.absolute, p_value=test.p_value, log_p_value=test.log_p_value)
    return replace(found, estimator="boschloo", absolute=absolute)


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
