"""Difference of two quantiles, from order statistics around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.relative import relative_lift

if TYPE_CHECKING:
    from loyalty_exp.stats.quantiles import OrderStatistics


def estimate(
    treated: OrderStatistics,
    control: OrderStatistics,
    outcome: tuple[str, ...],
    covariates: tuple[str, ...],
    alpha: float,
) -> Effect:
    """Price & Bonett (2002), Journal of Statistical Computation and Simulation 72(2), 119-124."""
    from loyalty_exp.stats.quantiles import quantile_difference, std_error

    absolute = quantile_difference(treated, control, alpha)
    v_t, v_c = std_error(treated) ** 2, std_error(control) ** 2
    lift = relative_lift(treated.value, control.value, v_t, v_c, alpha, float("inf"))
    return Effect("quantile_difference", treated.n, control.n, treated.value, control.value, absolute, lift)


QUANTILE_DIFFERENCE = Estimator(
    "quantile_difference",
    {
        "en": "Difference of sample quantiles; their errors are read off order statistics around them (Price "
        "and "
        "Bonett 2002); relative lift with Fieller's interval.",
        "zh-CN": "样本分位数之差，误差由其附近的次序统计量得到（Price 与 Bonett 2002）；相对提升采用 Fieller "
        "区间。",
    },
    estimate,
    "order_statistics",
    ("quantile",),
)
