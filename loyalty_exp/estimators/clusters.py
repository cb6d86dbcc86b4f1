"""Differences of means and of ratios when whole households or stores were randomized."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loyalty_exp.estimators.estimator import Estimator
from loyalty_exp.estimators.ratio import with_parts
from loyalty_exp.stats.effect import Effect

if TYPE_CHECKING:
    from loyalty_exp.stats.cluster_moments import ClusterArm


def estimate_mean(
    treated: ClusterArm,
    control: ClusterArm,
    outcome: tuple[str, ...],
    covariates: tuple[str, ...],
    alpha: float,
) -> Effect:
    """Bell & McCaffrey (2002), Survey Methodology 28(2), 169-181, with Satterthwaite's degrees of freedom."""
    from loyalty_exp.stats.clusters import clustered

    (column,) = outcome
    return replace(clustered(treated, control, column, covariates, alpha), estimator="clusters")


def estimate_ratio(
    treated: ClusterArm,
    control: ClusterArm,
    outcome: tuple[str, ...],
    covariates: tuple[str, ...],
    alpha: float,
) -> Effect:
    """Deng, Knoblich, Lu (2018), KDD, on cluster randomization: both sums by cluster."""
    from loyalty_exp.stats.clusters import clustered
    from loyalty_exp.stats.moments import merge
    from loyalty_exp.stats.ratio import ratio_effect

    names = tuple(dict.fromkeys((*outcome, *covariates)))
    t, c = (merge((cell.select(names) for cell in arm.cells), names) for arm in (treated, control))
    numerator, denominator = outcome
    found = ratio_effect(t, c, numerator, denominator, alpha, covariates)
    found = replace(found, estimator="ratio_clusters", n_treated=treated.n, n_control=control.n)
    return with_parts(found, outcome, lambda part: clustered(treated, control, part, (), alpha).absolute)


CLUSTERS = Estimator(
    "clusters",
    {
        "en": "Difference of means over units with a variance robust to clusters (CR2, Bell and McCaffrey "
        "2002) and "
        "Satterthwaite's degrees of freedom, as whole clusters were randomized; relative lift with Fieller's "
        "interval.",
        "zh-CN": "单位均值之差，因按整群随机化而采用群稳健方差（CR2，Bell 与 McCaffrey 2002）与 "
        "Satterthwaite 自由度；相对提升采用 Fieller 区间。",
    },
    estimate_mean,
    "clusters",
    covariates=(0, 99),
    clustered=True,
)

RATIO_CLUSTERS = Estimator(
    "ratio_clusters",
    {
        "en": "Difference of ratios of sums with the delta method over clusters, as whole clusters were "
        "randomized; "
        "relative lift with Fieller's interval.",
        "zh-CN": "合计之比的差，因按整群随机化而在群上用 delta 方法；相对提升采用 Fieller 区间。",
    },
    estimate_ratio,
    "clusters",
    ("ratio",),
    covariates=(2, 2),
    clustered=True,
)
