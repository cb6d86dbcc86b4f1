"""Fisher's exact test of two proportions, beside the interval of the score method."""

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
    """Fisher (1935), JRSS 98, 39-82, two-sided; it has no interval of the difference of its own."""
    from loyalty_exp.stats.exact import fisher

    found = score_estimate(treated, control, outcome, (), alpha)
    (column,) = outcome
    if found.absolute.p_value is None:  # it happened to all or to nobody: there is nothing to test
        return replace(found, estimator="fisher")
    test = fisher(*successes(treated, column), *successes(control, column))
    absolute = replace(found.absolute, p_value=test.p_value, log_p_value=test.log_p_value)
    return replace(found, estimator="fisher", absolute=absolute)


FISHER = Estimator(
    "fisher",
    {
        "en": "Fisher's exact test (1935), beside the interval of Miettinen and Nurminen: for few events.",
        "zh-CN": "Fisher 精确检验（1935），区间取 Miettinen 与 Nurminen 法：适用于事件很少的情形。",
    },
    estimate,
    fits=("proportion",),
)
