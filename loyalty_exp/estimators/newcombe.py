"""Difference of two proportions with an interval from the Wilson intervals of both."""

from __future__ import annotations

from dataclasses import replace

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.estimators.miettinen_nurminen import estimate as score_estimate
from loyalty_exp.estimators.miettinen_nurminen import successes
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.moments import Moments
from loyalty_exp.stats.proportions import newcombe


def estimate(
    treated: Moments, control: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...], alpha: float
) -> Effect:
    """Newcombe (1998), Statistics in Medicine 17, 873-890, method 10; it has no p-value of its own."""
    found = score_estimate(treated, control, outcome, (), alpha)
    counts = [successes(arm, outcome[0]) for arm in (treated, control)]
    low, high = newcombe(*counts[0], *counts[1], alpha)
    absolute = replace(found.absolute, ci_lower=low, ci_upper=high, p_value=None, log_p_value=None)
    return replace(found, estimator="newcombe", absolute=absolute)


NEWCOMBE = Estimator(
    "newcombe",
    {
        "en": "Difference of proportions with Newcombe's hybrid score interval (1998, method 10).",
        "zh-CN": "比例差，采用 Newcombe（1998，方法 10）混合得分区间。",
    },
    estimate,
    fits=("proportion",),
)
