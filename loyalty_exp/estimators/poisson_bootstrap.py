"""Differences of means and of ratios with the percentile interval of a one-pass Poisson bootstrap."""

from __future__ import annotations

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.stats.effect import Effect, RelativeLift
from loyalty_exp.stats.unit_rows import UnitRows

NOT_READ = "the relative lift is read by the estimator of the metric"


def estimate(
    treated: UnitRows,
    control: UnitRows,
    outcome: tuple[str, ...],
    covariates: tuple[str, ...],
    alpha: float,
    replicates: int = 1_000,
    seed: int = 0,
) -> Effect:
    """Chamandy, Muralidharan, Najmi, Naidu (2012); weights come from ids and the seed alone.

    Where whole clusters were drawn, the ids are those of the clusters.
    """
    from loyalty_exp.stats import poisson_bootstrap as bootstrap
    from loyalty_exp.stats.relative import is_zero
    from loyalty_exp.stats.replicates import percentile_difference

    sums = [
        bootstrap.replicate_sums(arm.hashes, {c: arm.values[c] for c in outcome}, int(replicates), int(seed))
        for arm in (treated, control)
    ]
    read = bootstrap.ratio if len(outcome) == 2 else bootstrap.mean
    t, c = (read(s, *outcome) for s in sums)
    absolute = percentile_difference(t, c, alpha)
    means = t.estimate, c.estimate
    lift = None if is_zero(means[1], c.std_error**2) else (means[0] - means[1]) / abs(means[1])
    relative = RelativeLift(lift, None, None, None, NOT_READ)
    return Effect("poisson_bootstrap", treated.n, control.n, means[0], means[1], absolute, relative)


POISSON_BOOTSTRAP = Estimator(
    "poisson_bootstrap",
    {
        "en": "Percentile interval of a Poisson bootstrap whose weights follow from the ids of the units and "
        "a seed "
        "(Chamandy et al. 2012).",
        "zh-CN": "泊松自助法的百分位区间，权重仅由单位编号与种子决定（Chamandy 等 2012）。",
    },
    estimate,
    "rows",
    ("mean", "proportion", "ratio"),
    {"replicates": 1_000, "seed": 0},
    clustered=True,
)
