"""Differences of means and of ratios with the BCa interval of the bootstrap, for tests of moderate size."""

from __future__ import annotations

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.estimators.poisson_bootstrap import NOT_READ
from loyalty_exp.stats.effect import Difference, Effect, RelativeLift
from loyalty_exp.stats.unit_rows import UnitRows

MOST_UNITS = 5_000
"""Above this many units the jackknife, whose cost is their square, is not worth it."""


def estimate(
    treated: UnitRows,
    control: UnitRows,
    outcome: tuple[str, ...],
    covariates: tuple[str, ...],
    alpha: float,
    replicates: int = 2_000,
    seed: int = 0,
) -> Effect:
    """Efron (1987), JASA 82, 171-185: percentile limits corrected for bias and skewness.

    Raises
    ------
    NotEstimable
        With more than :data:`MOST_UNITS` units, and as :func:`loyalty_exp.stats.bootstrap.bootstrap`.
    """
    import numpy as np

    from loyalty_exp.errors import NotEstimable
    from loyalty_exp.stats import bootstrap as resampling
    from loyalty_exp.stats.replicates import bca_interval, p_value

    if treated.n + control.n > MOST_UNITS:
        raise NotEstimable(f"more than {MOST_UNITS:,} units; poisson_bootstrap reads them in one pass")
    arms = [np.column_stack([arm.values[c] for c in outcome]) for arm in (treated, control)]
    statistic = resampling.ratio_difference if len(outcome) == 2 else resampling.mean_difference
    found = resampling.bootstrap(arms, statistic, int(replicates), np.random.default_rng(int(seed)))
    low, high = bca_interval(found, resampling.acceleration(arms, statistic), alpha)
    means = [float(a[:, 0].sum() / (a[:, 1].sum() if a.shape[1] == 2 else len(a))) for a in arms]
    absolute = Difference(found.estimate, found.std_error, low, high, p_value(found))
    relative = RelativeLift(None, None, None, None, NOT_READ)
    return Effect("bootstrap", treated.n, control.n, means[0], means[1], absolute, relative)


BOOTSTRAP = Estimator(
    "bootstrap",
    {
        "en": "Bootstrap of units with the bias-corrected and accelerated interval (BCa, Efron 1987); the "
        "p-value is "
        "that of the percentile interval.",
        "zh-CN": "以单位为抽样对象的自助法，采用偏差校正加速区间（BCa，Efron 1987）；p 值取自百分位区间。",
    },
    estimate,
    "rows",
    ("mean", "proportion", "ratio"),
    {"replicates": 2_000, "seed": 0},
)
