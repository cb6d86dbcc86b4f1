"""Difference of two quantiles with the percentile interval of the bootstrap, drawn by order statistics."""

from __future__ import annotations

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.estimators.poisson_bootstrap import NOT_READ
from loyalty_exp.stats.effect import Effect, RelativeLift
from loyalty_exp.stats.unit_rows import UnitRows


def estimate(
    treated: UnitRows,
    control: UnitRows,
    outcome: tuple[str, ...],
    covariates: tuple[str, ...],
    alpha: float,
    replicates: int = 2_000,
    seed: int = 0,
    level: float = 0.5,
) -> Effect:
    """Efron (1979), Annals of Statistics 7, 1-26; Maritz & Jarrett (1978): no resample is written out.

    Parameters
    ----------
    level : float
        The quantile of the metric, between 0 and 1.
    """
    import numpy as np

    from loyalty_exp.stats.arm_means import enough_units
    from loyalty_exp.stats.quantile_replicates import quantile_replicates
    from loyalty_exp.stats.relative import is_zero
    from loyalty_exp.stats.replicates import percentile_difference

    enough_units(treated, control)
    (column,) = outcome
    rng = np.random.default_rng(int(seed))
    t, c = (
        quantile_replicates(arm.values[column], level, int(replicates), rng) for arm in (treated, control)
    )
    absolute = percentile_difference(t, c, alpha)
    size = None if is_zero(c.estimate, c.std_error**2) else abs(c.estimate)
    lift = RelativeLift(absolute.estimate / size if size else None, None, None, None, NOT_READ)
    return Effect("quantile_bootstrap", treated.n, control.n, t.estimate, c.estimate, absolute, lift)


QUANTILE_BOOTSTRAP = Estimator(
    "quantile_bootstrap",
    {
        "en": "Difference of sample quantiles with the percentile interval of the bootstrap (Efron 1979), "
        "which also holds where many units share a value.",
        "zh-CN": "样本分位数之差，采用自助法百分位区间（Efron 1979），许多单位取值相同时亦适用。",
    },
    estimate,
    "rows",
    ("quantile",),
    {"replicates": 2_000, "seed": 0, "level": 0.5},
)
