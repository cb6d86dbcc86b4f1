"""Difference of means after the largest values of both arms together are brought down to a cap."""

from __future__ import annotations

from dataclasses import replace

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.unit_rows import UnitRows


def estimate(
    treated: UnitRows,
    control: UnitRows,
    outcome: tuple[str, ...],
    covariates: tuple[str, ...],
    alpha: float,
    quantile: float = 0.99,
) -> Effect:
    """Welch's test of capped values; the cap is a quantile of both arms pooled, so that it favors none.

    Parameters
    ----------
    quantile : float
        Of both arms pooled, between 0 and 1: the cap.

    Raises
    ------
    NotEstimable
        If the cap is the smallest value, or an arm has fewer than two units.

    References
    ----------
    Tukey & McLaughlin (1963), Less vulnerable confidence and significance procedures for location based on a
    single sample, Sankhya A 25, 331-352.
    """
    import numpy as np

    from loyalty_exp.errors import NotEstimable
    from loyalty_exp.stats.difference import effect
    from loyalty_exp.stats.means import adjusted
    from loyalty_exp.stats.moments import from_rows
    from loyalty_exp.stats.quantiles import quantile as sample_quantile

    (column,) = outcome
    pooled = np.concatenate([treated.values[column], control.values[column]])
    cap = sample_quantile(pooled, quantile)
    if (pooled >= cap).all():
        raise NotEstimable(
            f"the {quantile:g} quantile is the smallest value, so that a cap would leave no variation"
        )
    t, c = (from_rows({column: np.minimum(arm.values[column], cap)}) for arm in (treated, control))
    found = effect("winsorized", *adjusted(t, c, (column,), ()), alpha)
    return replace(found, facts={"cap": cap, "capped": float((pooled > cap).sum())})


WINSORIZED = Estimator(
    "winsorized",
    {
        "en": "Difference of means after values above a quantile of all arms pooled were brought down to it, "
        "with "
        "Welch's t interval: how far the result hangs on a few large values.",
        "zh-CN": "将高于合并分位数的值压到该分位数后的均值差，采用 Welch t 区间，"
        "用以考察结果对少数极大值的依赖。",
    },
    estimate,
    "rows",
    ("mean",),
    {"quantile": 0.99},
)
