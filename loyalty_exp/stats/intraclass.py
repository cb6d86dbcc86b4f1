"""How alike the members of a cluster are, and what that costs in sample size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.cluster_moments import ClusterArm


@dataclass(frozen=True, slots=True)
class DesignEffect:
    """What drawing whole clusters does to the variance of a mean.

    Attributes
    ----------
    mean_size : float
        Members a cluster.
    cv_sizes : float
        Coefficient of variation of the sizes (divisor G).
    design_effect : float
        Variance over that of as many members drawn one by one.
    effective_n : float
        Members drawn one by one that would tell as much.
    """

    mean_size: float
    cv_sizes: float
    design_effect: float
    effective_n: float


def design_effect(sizes: npt.ArrayLike, icc: float) -> DesignEffect:
    """Design effect of clusters of unequal size, ``1 + (sum m^2 / sum m - 1) * icc``.

    Parameters
    ----------
    sizes : array, shape (G,)
        Members in each cluster, at least 1.
    icc : float
        Intraclass correlation, at most 1.

    Raises
    ------
    NotEstimable
        If the correlation is too negative for clusters of this size.

    References
    ----------
    Kish (1965), Survey Sampling, section 8.2; Eldridge, Ashby, Kerry (2006), Sample size for cluster
    randomized trials: effect of coefficient of variation of cluster size, International Journal of
    Epidemiology 35, 1292-1300.
    """
    m = np.asarray(sizes, dtype=np.float64)
    if m.size == 0 or not (m >= 1).all() or not -1 <= icc <= 1:
        raise ValueError("clusters of at least one member, and an intraclass correlation from -1 to 1")
    deff = 1 + (float(m @ m) / float(m.sum()) - 1) * icc
    if deff <= 0:
        raise NotEstimable("an intraclass correlation too negative for clusters of this size")
    mean = float(m.mean())
    return DesignEffect(mean, float(m.std()) / mean, deff, float(m.sum()) / deff)


def intraclass_correlation(arms: Sequence[ClusterArm], column: str, within: float) -> float:
    """Share of the variance that lies between clusters of the same arm, by analysis of variance.

    May be negative, where members of a cluster are less alike than strangers.

    Parameters
    ----------
    arms : sequence of ClusterArm
        Differences between arms are left out of both parts.
    column : str
    within : float
        Sum over members of all arms of the squared distance to their own cluster's mean, from a second query.

    Raises
    ------
    NotEstimable
        When every cluster has one member, there are no more clusters than arms, or nothing varies.

    References
    ----------
    Donner & Koval (1980), The estimation of intraclass correlation in the analysis of family data, Biometrics
    36, 19-25 (the analysis of variance estimator).
    """
    if within < 0 or not math.isfinite(within):
        raise ValueError("a within-cluster sum of squares is a finite number of at least 0")
    n, g, a = sum(x.n for x in arms), sum(x.n_clusters for x in arms), len(arms)
    if g <= a:
        raise NotEstimable("no more clusters than arms")
    if n <= g:
        raise NotEstimable("every cluster has one member")
    between = uneven = 0.0
    for arm in arms:
        products = zip(arm.sizes, arm.residual_products((column,)), strict=True)
        between += math.fsum(float(s[0, 0]) / m for m, s in products)
        uneven += math.fsum(m * m * c.n for m, c in zip(arm.sizes, arm.cells, strict=True)) / arm.n
    ms_between, ms_within = between / (g - a), within / (n - g)
    size = (n - uneven) / (g - a)
    total = ms_between + (size - 1) * ms_within
    if total <= 0:
        raise NotEstimable("nothing varies")
    return (ms_between - ms_within) / total


def within_sum(values: npt.ArrayLike, cluster: npt.ArrayLike) -> float:
    """Sum of squared distances of member rows to the mean of their cluster.

    Parameters
    ----------
    values : array, shape (n,)
        One value a member.
    cluster : array, shape (n,)
        Id of the cluster of each member.
    """
    x = np.asarray(values, dtype=np.float64)
    _, at, sizes = np.unique(np.asarray(cluster), return_inverse=True, return_counts=True)
    centered = x - (np.bincount(at, x) / sizes)[at]
    return float(centered @ centered)
