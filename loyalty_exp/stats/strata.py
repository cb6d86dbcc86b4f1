"""Differences within strata or blocks, weighted by the share of each stratum in the population.

Shares are those of both arms merged. Where blocks were drawn before assignment and the question is about
these units, the shares are fixed; where strata are read off a sample and the question is about the population
it came from, the shares are random too and add the multinomial term. Degrees of freedom are Satterthwaite's
over all cells by default, so that one stratum is Welch's test; ``residual`` is the rule ``N - 2 * strata`` of
the R package estimatr.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import known
from loyalty_exp.stats.distributions import t_quantile
from loyalty_exp.stats.effect import Effect, RelativeLift
from loyalty_exp.stats.means import ArmMeans, adjusted
from loyalty_exp.stats.moments import Matrix, Moments, Vector
from loyalty_exp.stats.relative import CONTROL_IS_ZERO, CONTROL_NEAR_ZERO, delta_variance, fieller, is_zero

DfRule = Literal["satterthwaite", "residual", "normal"]


@dataclass(frozen=True, slots=True, eq=False)
class StratifiedMeans:
    """Arm means weighted over strata, with what is needed to judge the difference.

    Attributes
    ----------
    treated, control : ArmMeans
        Weighted means; the covariance matrices are those within strata, shares taken as fixed.
    shares : array, shape (s,)
        Weight of each stratum, summing to 1.
    between : array, shape (2k, 2k)
        Covariance of (treated means, control means) that random shares add; zeros when shares are fixed.
    cells : tuple of (ArmMeans, ArmMeans), length s
        Each stratum's own means, treated first.
    """

    treated: ArmMeans
    control: ArmMeans
    shares: Vector
    between: Matrix
    cells: tuple[tuple[ArmMeans, ArmMeans], ...]


def stratified_means(
    treated: Sequence[Moments],
    control: Sequence[Moments],
    outcomes: Sequence[str],
    covariates: Sequence[str] = (),
    names: Sequence[str] = (),
    random_shares: bool = False,
) -> StratifiedMeans:
    """Means of each arm weighted by stratum shares.

    Parameters
    ----------
    treated, control : sequence of Moments, length s
        One for each stratum, in the same order. A stratum empty in both arms weighs nothing and is left out.
    outcomes : sequence of str, length k
    covariates : sequence of str
        Adjusted for within each stratum.
    names : sequence of str, optional
        Of the strata, for reasons in words.
    random_shares : bool
        Add the variance of multinomial shares.

    Raises
    ------
    NotEstimable
        When a stratum has fewer than two units in an arm; the reason names it. See :func:`collapse`.

    References
    ----------
    Miratrix, Sekhon, Yu (2013), Adjusting treatment effect estimates by post-stratification in randomized
    experiments, JRSS B 75(2), 369-396: the post-stratified estimator, its conditional
    variance, and sampling from a population.
    """
    if len(treated) != len(control) or (names and len(names) != len(treated)):
        raise ValueError("as many strata, and names, in one arm as in the other")
    cells, sizes = [], []
    for i, (t, c) in enumerate(zip(treated, control, strict=True)):
        if t.n + c.n == 0:
            continue
        try:
            cells.append(adjusted(t, c, outcomes, covariates))
        except NotEstimable as reason:
            label = repr(names[i]) if names else f"number {i + 1}"
            raise NotEstimable(f"stratum {label}: {reason}") from reason
        sizes.append(t.n + c.n)
    if not cells:
        raise NotEstimable("no units in any stratum")
    shares = np.array(sizes, dtype=float) / sum(sizes)
    sides = [_weighted([cell[side] for cell in cells], shares) for side in (0, 1)]
    between = np.zeros((2 * len(outcomes),) * 2)
    if random_shares:
        rows = np.array([np.concatenate([t.mean, c.mean]) for t, c in cells])
        centered = rows - shares @ rows
        between = (centered.T * shares) @ centered / sum(sizes)
    return StratifiedMeans(sides[0], sides[1], shares, between, tuple(cells))


def stratified(
    treated: Sequence[Moments],
    control: Sequence[Moments],
    outcome: str,
    covariates: Sequence[str],
    alpha: float,
    *,
    names: Sequence[str] = (),
    random_shares: bool = False,
    df_rule: DfRule = "satterthwaite",
) -> Effect:
    """Effect weighted by stratum shares, plain or adjusted for covariates within strata.

    Parameters are those of :func:`stratified_means`; ``alpha`` is two-sided.

    Raises
    ------
    NotEstimable
        When a stratum has fewer than two units in an arm, or its regression has no degrees of freedom left.

    References
    ----------
    Miratrix, Sekhon, Yu (2013), JRSS B 75(2), 369-396; Satterthwaite (1946), Biometrics Bulletin 2(6),
    110-114, equation 17.
    """
    found = stratified_means(treated, control, (outcome,), covariates, names, random_shares)
    t, c, b = found.treated, found.control, found.between
    v_t, v_c = float(t.covariance[0, 0] + b[0, 0]), float(c.covariance[0, 0] + b[1, 1])
    v_tc = float(b[0, 1])
    variance = max(v_t + v_c - 2 * v_tc, 0.0)
    df = _df(found, df_rule)
    mean_t, mean_c = float(t.mean[0]), float(c.mean[0])
    reduction = None
    if covariates:
        before = stratified_means(treated, control, (outcome,), (), names)
        unadjusted = float(before.treated.covariance[0, 0] + before.control.covariance[0, 0])
        within = float(t.covariance[0, 0] + c.covariance[0, 0])
        reduction = 1 - within / unadjusted if unadjusted > 0 else None
    return Effect(
        "stratified",
        t.n,
        c.n,
        mean_t,
        mean_c,
        known(mean_t - mean_c, math.sqrt(variance), alpha, df),
        _lift(mean_t, mean_c, (v_t, v_tc, v_c), alpha, df),
        reduction,
    )


def collapse(
    treated: Sequence[Moments], control: Sequence[Moments], names: Sequence[str], minimum: int = 2
) -> tuple[list[Moments], list[Moments], list[str]]:
    """Join the strata that are short of units in an arm, until none is.

    Only counts are looked at, never outcomes. All short strata become one, named by joining their names with
    ``+``; while that one is short itself, the smallest of the others joins it. Declare the use of this rule
    beforehand: it changes the estimator.

    Parameters
    ----------
    minimum : int
        Units a stratum needs in each arm.

    References
    ----------
    Miratrix, Sekhon, Yu (2013), JRSS B 75(2), 369-396, on small strata.
    """
    if not len(treated) == len(control) == len(names):
        raise ValueError("as many strata in one arm as in the other, each with a name")
    rows = [
        row for row in zip(range(len(names)), treated, control, names, strict=True) if row[1].n + row[2].n
    ]
    short = [row for row in rows if min(row[1].n, row[2].n) < minimum]
    whole = sorted((row for row in rows if row not in short), key=lambda row: row[1].n + row[2].n)
    while short:
        place, t, c, name = short[0]
        for _, t_other, c_other, name_other in short[1:]:
            t, c, name = t + t_other, c + c_other, f"{name}+{name_other}"
        short = [(place, t, c, name)]
        if min(t.n, c.n) >= minimum or not whole:
            whole, short = [*whole, *short], []
        else:
            short.append(whole.pop(0))
    whole.sort(key=lambda row: row[0])
    return [row[1] for row in whole], [row[2] for row in whole], [row[3] for row in whole]


def least_units(covariates: int) -> int:
    """Units that a stratum needs in each arm: two, and two more for each covariate adjusted for within it.

    Parameters
    ----------
    covariates : int
        How many.
    """
    return 2 + 2 * covariates


def _weighted(means: Sequence[ArmMeans], shares: Vector) -> ArmMeans:
    """Weighted mean over strata; degrees of freedom by Satterthwaite, for the first outcome."""
    mean = np.asarray(sum(w * m.mean for w, m in zip(shares, means, strict=True)))
    parts = [w * w * m.covariance for w, m in zip(shares, means, strict=True)]
    total = np.asarray(sum(parts))
    squares = math.fsum(float(p[0, 0]) ** 2 / m.df for p, m in zip(parts, means, strict=True))
    n = sum(m.n for m in means)
    df = float(total[0, 0]) ** 2 / squares if squares > 0 else float(n - len(means))
    return ArmMeans(n, means[0].columns, mean, total, df)


def _df(found: StratifiedMeans, rule: DfRule) -> float:
    if rule == "normal":
        return math.inf
    if rule == "residual":
        return float(found.treated.n + found.control.n - 2 * len(found.cells))
    v = [float(a.covariance[0, 0]) for a in (found.treated, found.control)]
    squares = v[0] ** 2 / found.treated.df + v[1] ** 2 / found.control.df
    # The multinomial term is known to order 1/N^2, so it counts as having no error of its own.
    extra = float(found.between[0, 0] + found.between[1, 1] - 2 * found.between[0, 1])
    return (sum(v) + max(extra, 0.0)) ** 2 / squares if squares > 0 else math.inf


def _lift(
    mean_t: float, mean_c: float, v: tuple[float, float, float], alpha: float, df: float
) -> RelativeLift:
    """Relative lift of means that may be correlated through their common shares."""
    if is_zero(mean_c, v[2]):
        return RelativeLift(None, None, None, None, CONTROL_IS_ZERO)
    size = abs(mean_c)
    estimate = (mean_t - mean_c) / size
    std_error = math.sqrt(delta_variance(mean_t, mean_c, *v))
    found = fieller(mean_t, mean_c, *v, t_quantile(1 - alpha / 2, df))
    if found.shape != "interval" or found.lower is None or found.upper is None:
        return RelativeLift(estimate, std_error, None, None, CONTROL_NEAR_ZERO)
    if mean_c > 0:
        return RelativeLift(estimate, std_error, found.lower - 1, found.upper - 1)
    return RelativeLift(estimate, std_error, 1 - found.upper, 1 - found.lower)
