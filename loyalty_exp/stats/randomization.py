"""Randomization tests: the outcome stays as it is, the assignment is drawn again the way it was drawn.

A :class:`~loyalty_exp.stats.draws.Draw` is the scheme of assignment; the test asks how often it gives a
statistic as far out as the one seen. Few assignments are all listed, and the p-value is exact. Many are
drawn, and the one that took place counts as one more draw, so that the p-value is valid for any number of
draws and never 0.

The interval is the set of constant effects that two one-sided tests at alpha/2 do not reject. It needs no
search: each draw rejects effects beyond one value of its own, and the limits are order statistics of these
values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.draws import CELLS, Assignments, Draw
from loyalty_exp.stats.moments import Vector

Statistic = Callable[[Assignments, Vector], Vector]
"""Assignments of shape (draws, n) and outcome of shape (n,) to values of shape (draws,)."""

_TIE = 1e-10
"""Values closer than this share of the largest one are equal but for rounding."""
NOTHING_VARIES = "all outcomes are equal"


@dataclass(frozen=True, slots=True)
class RandomizationTest:
    """How far out the statistic lies among those of all assignments.

    Attributes
    ----------
    observed : float
        In the unit of the statistic.
    p_value : float
        Two-sided: statistics at least as large in size.
    p_greater, p_less : float
        One-sided: statistics at least as large, or at most as large.
    assignments : int
        Assignments listed, or drawn.
    exact : bool
        All assignments were listed.
    """

    observed: float
    p_value: float
    p_greater: float
    p_less: float
    assignments: int
    exact: bool


def mean_difference(assignments: Assignments, outcome: Vector) -> Vector:
    """Treated minus control mean.

    Parameters
    ----------
    assignments : array of bool, shape (draws, n)
        What is returned has shape (draws,).
    outcome : array, shape (n,)
    """
    z, y = assignments.astype(np.float64), outcome - outcome.min()  # far from 0, ties would be lost
    n_t = z.sum(axis=1)
    n_c, top = z.shape[1] - n_t, z @ y
    return np.asarray(top / n_t - (y.sum() - top) / n_c)


def studentized(assignments: Assignments, outcome: Vector) -> Vector:
    """Welch's statistic: valid in large samples also where only the means are equal, not the distributions.

    Parameters
    ----------
    assignments : array of bool, shape (draws, n)
        What is returned has shape (draws,).
    outcome : array, shape (n,)

    Raises
    ------
    NotEstimable
        If an assignment leaves fewer than two units in an arm.

    References
    ----------
    Wu & Ding (2021), Randomization tests for weak null hypotheses in randomized experiments, JASA 116,
    1898-1913.
    """
    y = outcome - outcome.mean()
    z = assignments.astype(np.float64)
    n_t = z.sum(axis=1)
    n_c, top, square = z.shape[1] - n_t, z @ y, z @ (y * y)
    if min(n_t.min(), n_c.min()) < 2:
        raise NotEstimable("an assignment with fewer than two units in an arm")
    bottom = y.sum() - top
    v_t = np.maximum(square - top**2 / n_t, 0.0) / (n_t - 1) / n_t
    v_c = np.maximum((y * y).sum() - square - bottom**2 / n_c, 0.0) / (n_c - 1) / n_c
    gap, variance = top / n_t - bottom / n_c, v_t + v_c
    noise = 1e-14 * float((y * y).mean()) / len(y)
    certain = np.where(gap == 0, 0.0, np.copysign(np.inf, gap))
    return np.asarray(np.where(variance > noise, gap / np.sqrt(np.maximum(variance, noise)), certain))


def within_blocks(blocks: Sequence[Sequence[int]]) -> Statistic:
    """Mean of the blocks' mean differences, weighted by their units: the statistic for ``Blocked`` draws.

    Parameters
    ----------
    blocks : sequence of sequences of int
        Places of the units of each block.
    """

    def statistic(assignments: Assignments, outcome: Vector) -> Vector:
        found = np.zeros(len(assignments))
        for block in blocks:
            at = list(block)
            found += len(at) * mean_difference(assignments[:, at], outcome[at])
        return found / sum(len(b) for b in blocks)

    return statistic


def monte_carlo_p(exceedances: int, draws: int) -> float:
    """p-value of a drawn reference distribution: the assignment that took place counts as one of them.

    Parameters
    ----------
    exceedances : int
        Draws at least as far out as the statistic seen.

    References
    ----------
    Phipson & Smyth (2010), Permutation p-values should never be zero, Statistical Applications in Genetics
    and Molecular Biology 9(1), article 39 (the upper bound ``p_u``).
    """
    if not 0 <= exceedances <= draws:
        raise ValueError(f"{exceedances} exceedances in {draws} draws")
    return (exceedances + 1) / (draws + 1)


def randomization_test(
    outcome: npt.ArrayLike,
    assigned: npt.ArrayLike,
    draw: Draw,
    *,
    statistic: Statistic = mean_difference,
    rng: np.random.Generator | None = None,
    draws: int = 9_999,
    list_up_to: int = 200_000,
) -> RandomizationTest:
    """Test that no unit's outcome depends on its arm.

    Parameters
    ----------
    outcome : array, shape (n,)
        In the unit of the metric.
    assigned : array of bool, shape (n,)
        The assignment that took place; one the scheme can give.
    draw : Draw
    statistic : callable
        :func:`mean_difference`, :func:`studentized`, :func:`within_blocks`, or another.
    rng : numpy.random.Generator, optional
        Needed where the assignments are drawn.
    draws : int
        How many are drawn.
    list_up_to : int
        Schemes with at most this many assignments are listed.

    Raises
    ------
    NotEstimable
        With an empty arm, or if all outcomes are equal.

    References
    ----------
    Fisher (1935), The Design of Experiments, Oliver & Boyd, section 21; Imbens & Rubin (2015), Causal
    Inference for Statistics, Social, and Biomedical Sciences, Cambridge, sections 5.5 and 5.8.
    """
    y, z = _checked(outcome, assigned, draw)
    observed = float(statistic(z[None], y)[0])
    values, probability, exact = _reference(draw, lambda batch: statistic(batch, y), rng, draws, list_up_to)
    finite = np.abs(values[np.isfinite(values)])
    slack = _TIE * max(float(finite.max(initial=0.0)), abs(observed) if math.isfinite(observed) else 0.0)
    far = (
        np.abs(values) >= abs(observed) - slack,
        values >= observed - slack,
        values <= observed + slack,
    )
    if exact:
        two, greater, less = (min(1.0, float(probability[f].sum() / probability.sum())) for f in far)
    else:
        two, greater, less = (monte_carlo_p(int(f.sum()), len(values)) for f in far)
    return RandomizationTest(observed, two, greater, less, len(values), exact)


def randomization_interval(
    outcome: npt.ArrayLike,
    assigned: npt.ArrayLike,
    draw: Draw,
    alpha: float,
    *,
    rng: np.random.Generator | None = None,
    draws: int = 9_999,
    list_up_to: int = 200_000,
) -> tuple[float, float]:
    """Constant effects on the mean that are rejected on neither side at alpha/2.

    Parameters
    ----------
    outcome, assigned, draw, rng, draws, list_up_to
        As :func:`randomization_test`.
    alpha : float
        Two-sided.

    Returns
    -------
    (float, float)
        In the unit of the metric. 0 lies outside exactly when the smaller one-sided p-value of the mean
        difference is at most alpha/2.

    Raises
    ------
    NotEstimable
        As :func:`randomization_test`; if the assignments are too few for alpha.

    References
    ----------
    Rosenbaum (2002), Observational Studies, 2nd edition, Springer, section 2.6.2; Garthwaite (1996),
    Confidence intervals from randomization tests, Biometrics 52(4), 1387-1393, whose search is not needed for
    a difference of means.
    """
    y, z = _checked(outcome, assigned, draw)
    observed = float(mean_difference(z[None], y)[0])

    def rejected_from(batch: Assignments) -> Vector:
        # With effect t taken away the statistic is A - t B, against observed - t: equal at this t.
        gap = mean_difference(batch, y - observed * z)
        room = 1 - mean_difference(batch, z.astype(np.float64))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(room > _TIE, observed - gap / room, np.nan)

    values, probability, exact = _reference(draw, rejected_from, rng, draws, list_up_to)
    always = float(probability[np.isnan(values)].sum()) + (0.0 if exact else 1.0)
    total = float(probability.sum()) + (0.0 if exact else 1.0)
    kept = ~np.isnan(values)
    values, probability = values[kept], probability[kept]
    low = _limit(values, probability, always, total * alpha / 2)
    return low, -_limit(-values, probability, always, total * alpha / 2)


def _limit(values: Vector, probability: Vector, always: float, threshold: float) -> float:
    """Smallest effect whose one-sided p-value passes the threshold."""
    order = np.argsort(values)
    reached = always + np.cumsum(probability[order])
    if always > threshold * (1 + _TIE) or not len(values):
        raise NotEstimable("too few assignments for an interval at this alpha")
    return float(values[order][int(np.searchsorted(reached, threshold * (1 + _TIE), side="right"))])


def _reference(
    draw: Draw,
    compute: Callable[[Assignments], Vector],
    rng: np.random.Generator | None,
    draws: int,
    list_up_to: int,
) -> tuple[Vector, Vector, bool]:
    """Values over all assignments, or over some drawn; their probabilities; whether it was all."""
    if draw.count <= list_up_to:
        listed = [(compute(z), p) for z, p in draw.every()]
        return np.concatenate([v for v, _ in listed]), np.concatenate([p for _, p in listed]), True
    if rng is None:
        raise ValueError("drawing assignments needs a generator")
    at_once = max(1, CELLS // draw.n)
    sizes = [min(at_once, draws - start) for start in range(0, draws, at_once)]
    values = np.concatenate([compute(draw.sample(rng, size)) for size in sizes])
    return values, np.ones(len(values)), False


def _checked(outcome: npt.ArrayLike, assigned: npt.ArrayLike, draw: Draw) -> tuple[Vector, Assignments]:
    y, z = np.asarray(outcome, dtype=np.float64), np.asarray(assigned, dtype=np.bool_)
    if y.ndim != 1 or y.shape != z.shape or len(y) != draw.n or not np.isfinite(y).all():
        raise ValueError("outcome and assignment need one finite value for each unit of the draw")
    if z.all() or not z.any():
        raise NotEstimable("no units in an arm")
    if y.min() == y.max():
        raise NotEstimable(NOTHING_VARIES)
    return y, z
