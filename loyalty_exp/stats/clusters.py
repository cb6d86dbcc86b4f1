"""Difference of two arms when whole households or stores were drawn and the outcomes are of their members.

The estimand is the mean over members, so an arm's mean is ``sum of cluster totals / sum of sizes``. Clusters
come grouped by size, each size with the moments of its cluster totals. That is enough for the exact
bias-reduced variance (CR2), because in a design with two arms the leverage of a cluster depends on its size
alone: ``m_g / n_arm``.

A ratio of two outcomes (orders per visit) with clusters is ``ratio.ratio_effect`` on the moments of cluster
rows: numerator and denominator summed by cluster. That is the same estimator with the correction
``g / (g - 1)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.cluster_moments import ClusterArm
from loyalty_exp.stats.difference import effect, known
from loyalty_exp.stats.effect import Difference, Effect
from loyalty_exp.stats.means import ArmMeans
from loyalty_exp.stats.slopes import pseudo_inverse

Correction = Literal["CR0", "CR1", "CR1S", "CR2", "CR3"]

FEW_CLUSTERS = 20
"""With fewer clusters than this in all, the reader is warned: degrees of freedom are few and fragile."""


def cluster_means(
    arm: ClusterArm, outcomes: Sequence[str], correction: Literal["CR0", "delta", "CR2", "CR3"] = "CR2"
) -> ArmMeans:
    """Means over members with a cluster-robust covariance matrix of the means.

    Parameters
    ----------
    arm : ClusterArm
    outcomes : sequence of str, length k
    correction : str
        ``delta`` multiplies by ``g / (g - 1)``, as the delta method for a ratio of cluster totals does; CR2
        divides each squared residual by one minus the leverage of its cluster, CR3 by the square of that.

    Returns
    -------
    ArmMeans
        ``n`` counts members; ``df`` is Satterthwaite's for the arm with CR2, else ``g - 1``.

    Raises
    ------
    NotEstimable
        With fewer than two clusters.

    References
    ----------
    Bell & McCaffrey (2002), Bias reduction in standard errors for linear regression with multi-stage samples,
    Survey Methodology 28(2), 169-181 (the bias-reduced linearization estimator); Deng, Knoblich, Lu
    (2018), KDD, on cluster randomization (delta).
    """
    _enough_clusters(arm, "an arm")
    power = {"CR0": 0, "delta": 0, "CR2": 1, "CR3": 2}[correction]
    n, g = arm.n, arm.n_clusters
    products = zip(arm.sizes, arm.residual_products(outcomes), strict=True)
    summed = sum((s / (1 - m / n) ** power for m, s in products), np.zeros((len(outcomes),) * 2))
    covariance = np.asarray(summed) / n**2 * (g / (g - 1) if correction == "delta" else 1.0)
    df = 1 / (n * n * _squared_trace(arm)) if correction == "CR2" else g - 1.0
    return ArmMeans(n, tuple(outcomes), arm.mean(outcomes), covariance, df)


def cr1s_factor(n_clusters: int, n_rows: int, n_coefficients: int) -> float:
    """Stata's factor on a cluster-robust variance, ``G/(G-1) * (N-1)/(N-k)``.

    Parameters
    ----------
    n_clusters, n_rows, n_coefficients : int
        G, N and k.

    References
    ----------
    Cameron & Miller (2015), A practitioner's guide to cluster-robust inference, Journal of Human Resources
    50(2), 317-372, on the finite-sample adjustment of Stata.
    """
    return n_clusters / (n_clusters - 1) * (n_rows - 1) / (n_rows - n_coefficients)


def satterthwaite_df(treated: ClusterArm, control: ClusterArm) -> float:
    """Degrees of freedom of the CR2 variance of the difference, from the cluster sizes alone.

    The working model is independent errors of equal variance, as in clubSandwich for least squares.

    References
    ----------
    Pustejovsky & Tipton (2018), Small-sample methods for cluster-robust variance estimation, Journal of
    Business & Economic Statistics 36(4), 672-683, section 3.1; closed here for two arms.
    """
    total = 1 / treated.n + 1 / control.n
    return total * total / (_squared_trace(treated) + _squared_trace(control))


def cluster_difference(
    treated: ClusterArm, control: ClusterArm, outcome: str, alpha: float, correction: Correction = "CR2"
) -> Difference:
    """Treated minus control, mean over members, with a cluster-robust t interval.

    CR2 is read against t with Satterthwaite's degrees of freedom, the others with ``G - 1``.

    Raises
    ------
    NotEstimable
        With fewer than two clusters in an arm.
    """
    means = _both(treated, control, (outcome,), correction)
    g, n = treated.n_clusters + control.n_clusters, treated.n + control.n
    factor = {"CR1": g / (g - 1), "CR1S": cr1s_factor(g, n, 2) if n > 2 else math.nan}.get(correction, 1.0)
    variance = factor * float(means[0].covariance[0, 0] + means[1].covariance[0, 0])
    df = satterthwaite_df(treated, control) if correction == "CR2" else g - 1.0
    return known(float(means[0].mean[0] - means[1].mean[0]), math.sqrt(variance), alpha, df)


def clustered(
    treated: ClusterArm, control: ClusterArm, outcome: str, covariates: Sequence[str], alpha: float
) -> Effect:
    """Effect on the mean over members, CR2, plain or adjusted for covariates known before assignment.

    Parameters
    ----------
    treated, control : ClusterArm
        With the totals of the outcome and of the covariates.
    covariates : sequence of str
        Adjusted with one slope common to both arms, as CUPED does for single units.

    Raises
    ------
    NotEstimable
        With fewer than two clusters in an arm.

    References
    ----------
    Bell & McCaffrey (2002), Survey Methodology 28(2), 169-181; Pustejovsky & Tipton (2018), JBES 36(4),
    672-683, section 3.1.
    """
    plain_means = _both(treated, control, (outcome,), "CR2")
    if covariates:
        treated, control = adjusted_clusters(treated, control, (outcome,), covariates)
    t, c = _both(treated, control, (outcome,), "CR2")
    absolute = cluster_difference(treated, control, outcome, alpha)
    return effect("clustered", t, c, alpha, plain_means if covariates else None, absolute)


def few_clusters(treated: ClusterArm, control: ClusterArm) -> bool:
    """Whether the reader should be warned: fewer than ``FEW_CLUSTERS`` clusters in both arms together."""
    return treated.n_clusters + control.n_clusters < FEW_CLUSTERS


def adjusted_clusters(
    treated: ClusterArm, control: ClusterArm, outcomes: Sequence[str], covariates: Sequence[str]
) -> tuple[ClusterArm, ClusterArm]:
    """Subtract ``theta' (total of x - size * mean of x)`` from every cluster total of each outcome.

    The slopes are those of cluster residuals over both arms merged, each outcome's own (Deng, Xu, Kohavi,
    Walker 2013, WSDM, equation 4, on the linearized ratio); covariates are centered on their member means
    over both arms merged. The covariates are no longer among the columns.
    """
    merged = treated + control
    k, names = len(outcomes), (*outcomes, *covariates)
    s = np.asarray(sum(merged.residual_products(names), np.zeros((len(names),) * 2)))
    theta = pseudo_inverse(s[k:, k:])[0] @ s[k:, :k]
    shift = dict(zip(outcomes, merged.mean(covariates) @ theta, strict=True))
    weights = {
        outcome: {outcome: 1.0} | {x: -float(b) for x, b in zip(covariates, theta[:, i], strict=True)}
        for i, outcome in enumerate(outcomes)
    }

    def moved(arm: ClusterArm) -> ClusterArm:
        pairs = zip(arm.sizes, arm.cells, strict=True)
        cells = (c.combine(weights, {o: float(x) * m for o, x in shift.items()}) for m, c in pairs)
        return ClusterArm(arm.sizes, tuple(cells))

    return moved(treated), moved(control)


def _both(
    treated: ClusterArm, control: ClusterArm, outcomes: Sequence[str], correction: Correction
) -> tuple[ArmMeans, ArmMeans]:
    _enough_clusters(treated, "the treatment arm")
    _enough_clusters(control, "the control arm")
    name = correction if correction in ("CR2", "CR3") else "CR0"
    return cluster_means(treated, outcomes, name), cluster_means(control, outcomes, name)


def _squared_trace(arm: ClusterArm) -> float:
    """Trace of the squared quadratic-form matrix of one arm's CR2 variance, error variance 1."""
    n = arm.n
    m, count = np.array(arm.sizes, dtype=float), np.array([c.n for c in arm.cells], dtype=float)
    q = (m / n) ** 2 / (1 - m / n)  # off the diagonal: q_g q_h / n^2
    off = float(count @ q) ** 2 - float(count @ q**2)
    return (float(count @ (m / n) ** 2) + max(off, 0.0)) / n**2


def _enough_clusters(arm: ClusterArm, name: str) -> None:
    if arm.n_clusters < 2:
        word = "one cluster" if arm.n_clusters else "no clusters"
        raise NotEstimable(f"{word} in {name}")
