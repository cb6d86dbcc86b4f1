"""Fisher's exact test of two proportions, beside the interval of the score method."""

from __future__ import annotations

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.estimators.miettinen_nurminen import with_exact_test
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.moments import Moments


def estimate(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Fisher (1935), JRSS 98, 39-82, two-sided; it has no interval of the difference of its own."""
    from loyalty_exp.stats.exact import fisher

    return with_exact_test("fisher", fisher, treated, control, outcome, alpha)


FISHER = Estimator(
    "fisher",
    {
        "en": "Fisher's exact test (1935), beside the interval of Miettinen and Nurminen: for few events.",
        "zh-CN": "Fisher 精确检验（1935），区间取 Miettinen 与 Nurminen 法：适用于事件很少的情形。",
    },
    estimate,
    fits=("proportion",),
)
