"""Power when households or stores are randomized and members are measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.power.design import Level, Pair, Plan
from loyalty_exp.stats.power.reference import t_power
from loyalty_exp.stats.power.search import detectable, plan

TWO_SIDED = Level()


@dataclass(frozen=True, slots=True)
class Clusters:
    """What clusters look like.

    Attributes
    ----------
    size : float
        Mean members of a cluster.
    icc : float
        Intraclass correlation, in [0, 1].
    cv : float
        Standard deviation of the sizes over their mean; 0 for equal clusters.
    """

    size: float
    icc: float
    cv: float = 0.0

    def __post_init__(self) -> None:
        if not (self.size >= 1 and 0 <= self.icc <= 1 and self.cv >= 0):
            raise ValueError("a cluster has at least 1 member, an icc in [0, 1] and a cv of at least 0")

    @property
    def design_effect(self) -> float:
        """Variance of a mean over the variance of as many independent members.

        References
        ----------
        Eldridge, Ashby, Kerry (2006), Sample size for cluster randomized trials: effect of coefficient of
        variation of cluster size and analysis method, International Journal of Epidemiology 35, 1292-1300.
        """
        return 1 + ((1 + self.cv**2) * self.size - 1) * self.icc


def noncentrality(effect: float, sd: float, clusters: Pair, shape: Clusters) -> tuple[float, float]:
    """Effect over its standard error, and the degrees of freedom ``clusters - 2``.

    Parameters
    ----------
    effect : float
        True difference of means, in the unit of the metric.
    sd : float
        Standard deviation over all members of an arm, between and within clusters.
    clusters : pair of float
        Of treatment and control.
    shape : Clusters

    Raises
    ------
    NotEstimable
        With fewer than two clusters in an arm, or a standard deviation of 0.

    References
    ----------
    Donner & Klar (2000), Design and Analysis of Cluster Randomization Trials in Health Research, Arnold,
    chapter 5.
    """
    for k, name in zip(clusters, ("the treatment arm", "the control arm"), strict=True):
        if not k >= 2:
            raise NotEstimable(f"fewer than two clusters in {name}")
    if not (sd >= 0 and math.isfinite(sd)):
        raise ValueError(f"a standard deviation is finite and not negative, not {sd}")
    if sd == 0:
        raise NotEstimable("nothing varies")
    variance = sd * sd * shape.design_effect / shape.size * (1 / clusters[0] + 1 / clusters[1])
    return effect / math.sqrt(variance), clusters[0] + clusters[1] - 2


def power(
    effect: float,
    sd: float,
    clusters: Pair,
    shape: Clusters,
    level: Level = TWO_SIDED,
    reference: Literal["t", "normal"] = "t",
) -> float:
    """Chance that the test of a difference rejects, with the degrees of freedom of clusters.

    See :func:`noncentrality` for the parameters; ``normal`` is the limit for many clusters.
    """
    delta, df = noncentrality(effect, sd, clusters, shape)
    return t_power(abs(delta), df if reference == "t" else math.inf, level)


def sample_size(
    effect: float,
    sd: float,
    shape: Clusters,
    target: float = 0.8,
    level: Level = TWO_SIDED,
    share: float = 0.5,
    reference: Literal["t", "normal"] = "t",
) -> Plan:
    """CLUSTERS each arm needs: the units of this plan are clusters; times ``shape.size`` they are members.

    Parameters
    ----------
    effect : float
        In the unit of the metric.
    sd : float
        Of members.
    target : float
        Power aimed at, between the level and 1.
    share : float
        Part of the units that is treated, between 0 and 1.
    """
    return plan(lambda k: power(effect, sd, k, shape, level, reference), effect, target, level, share)


def detectable_effect(
    sd: float,
    clusters: Pair,
    shape: Clusters,
    target: float = 0.8,
    level: Level = TWO_SIDED,
    reference: Literal["t", "normal"] = "t",
) -> float:
    """Smallest difference that is found with the power aimed at, in the unit of the metric.

    Parameters
    ----------
    sd : float
        Of members.
    target : float
        Power aimed at, between the level and 1.
    """
    scale = 1 / noncentrality(1.0, sd, clusters, shape)[0]
    return detectable(lambda e: power(e, sd, clusters, shape, level, reference), target, level, scale)
