"""Chances that a test statistic, looked at several times, crosses its boundaries: recursive integration.

What is carried from look to look is not the density of the surviving paths but the chance of having survived,
given the score s = z sqrt(information) now. It lies between 0 and 1, is smooth, and does not depend on the
drift (the score is sufficient), so that tails of 1e-100 keep their relative accuracy. Its sharp places are
known: the shadows of earlier boundaries, as wide as the square root of the information since then. Panels of
Gauss-Legendre nodes shrink toward them, so looks that nearly coincide are as accurate as any.

References
----------
Armitage, McPherson, Rowe (1969), Repeated significance tests on accumulating data, JRSS A 132(2), 235-244.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from loyalty_exp.stats.moments import Matrix, Vector

_NODES = 14
_X, _W = np.polynomial.legendre.leggauss(_NODES)
_TO_SERIES = (np.polynomial.legendre.legvander(_X, _NODES - 1) * _W[:, None]).T * (
    np.arange(_NODES)[:, None] + 0.5
)
REACH = 9.0
"""Standard deviations beyond which a path has no weight."""
NEW_DATA = 1e-9
"""A relative gain of information below this counts as a look without new data."""


@dataclass(frozen=True, slots=True, eq=False)
class Survival:
    """The chance of no crossing so far, as a function of the score now.

    Attributes
    ----------
    time : float
        Information at this look.
    edges : array, shape (panels + 1,)
        Of the score, over the region in which the test goes on; no panels when it is empty.
    values : array, shape (panels, 14)
        The chance at the nodes of each panel.
    shadows : tuple of (float, float)
        Score and information of every boundary met so far.
    """

    time: float
    edges: Vector
    values: Matrix
    shadows: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Crossing:
    """Chances of a first crossing at each look.

    Attributes
    ----------
    upper, lower : tuple of float, length k
    """

    upper: tuple[float, ...]
    lower: tuple[float, ...]


START = Survival(0.0, np.zeros(1), np.zeros((0, _NODES)))
"""Before the first look the score is 0."""


def crossing(
    information: Sequence[float], upper: Sequence[float], lower: Sequence[float], drift: float = 0.0
) -> Crossing:
    """Chances of leaving ``(lower, upper)`` for the first time at each look.

    Parameters
    ----------
    information : sequence of float, length k
        Increasing; the statistic at look j has mean ``drift sqrt(information_j)`` and variance 1.
    upper, lower : sequence of float, length k
        Critical values of the statistic; infinite where nothing stops.
    drift : float
        Mean of the statistic at information 1.

    References
    ----------
    Armitage, McPherson, Rowe (1969), Repeated significance tests on accumulating data, JRSS A 132(2),
    235-244; Jennison & Turnbull (2000), Group Sequential Methods, Chapman & Hall, chapter 19.
    """
    if not len(information) == len(upper) == len(lower):
        raise ValueError("as many critical values as looks")
    check_information(information)
    finite = [abs(c) for c in (*upper, *lower) if math.isfinite(c)]
    reach = min(max([REACH, *(c + 2 for c in finite)]), 38.0)
    state, up, down = START, [], []
    for t, high, low in zip(information, upper, lower, strict=True):
        if math.isnan(high) or math.isnan(low) or low > high:
            raise ValueError(f"a lower critical value above the upper one: {low}, {high}")
        if no_new_data(state.time, t):
            up.append(0.0)
            down.append(0.0)
            continue
        x, mass = masses(state, t, drift)
        up.append(math.exp(log_tail((x, mass), state.time, t, high, drift)[0]))
        down.append(math.exp(log_tail((-x, mass), state.time, t, -low, -drift)[0]))
        state = advance(state, t, low, high, reach, drift)
    return Crossing(tuple(up), tuple(down))


def check_information(information: Sequence[float]) -> None:
    """Refuse looks that are out of order.

    Parameters
    ----------
    information : sequence of float, length k
        Of the looks, in order of time.

    Raises
    ------
    ValueError
        For no looks, or information that is not positive, not finite, or decreasing.
    """
    if not len(information):
        raise ValueError("at least one look is needed")
    if any(not (t > 0 and math.isfinite(t)) for t in information):
        raise ValueError("information must be positive and finite")
    if any(b < a for a, b in pairwise(information)):
        raise ValueError("information must not decrease from look to look")


def no_new_data(before: float, now: float) -> bool:
    """Whether a look sees what the look before it has seen.

    Parameters
    ----------
    before, now : float
        Information at two looks.
    """
    return now - before <= NEW_DATA * now


def masses(state: Survival, time: float, drift: float = 0.0) -> tuple[Vector, Vector]:
    """Scores after the look before, and how much probability of survival lies at each.

    Both have shape (m,).

    Parameters
    ----------
    time : float
        Information at the next look: the closer, the finer the scores.
    drift : float
        Mean of the statistic at information 1.
    """
    if state.time == 0:
        return np.zeros(1), np.ones(1)
    x, weight = _sources(state, 3 * math.sqrt(min(time - state.time, state.time)))
    z = (x - drift * state.time) / math.sqrt(state.time)
    return x, weight * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi * state.time)


def log_tail(
    carried: tuple[Vector, Vector], before: float, time: float, critical: float, drift: float = 0.0
) -> tuple[float, float]:
    """Logarithm of the chance of surviving so far and exceeding a critical value now, and its slope.

    Parameters
    ----------
    carried : pair of arrays
        From :func:`masses`.
    before, time : float
        Information at the look before and now.
    critical : float
        Of the statistic; the slope is per unit of it, and 0 where the chance is 0.
    drift : float
        Mean of the statistic at information 1.
    """
    from scipy import special

    (x, mass), gained = carried, time - before
    sd, root = math.sqrt(gained), math.sqrt(time)
    z = (critical * root - x - drift * gained) / sd
    logs = special.log_ndtr(-z)
    top = float(logs.max(initial=-math.inf))
    chance = float(mass @ np.exp(logs - top)) if math.isfinite(top) else 0.0
    if chance == 0:
        return -math.inf, 0.0
    density = float(mass @ np.exp(-0.5 * z * z - top)) * root / (sd * math.sqrt(2 * math.pi))
    return math.log(chance) + top, -density / chance


def advance(
    state: Survival, time: float, lower: float, upper: float, reach: float, drift: float = 0.0
) -> Survival:
    """Carry the chance of survival to the next look, inside ``(lower, upper)``.

    Given the score now, the score at the look before is normal (a Brownian bridge): mean ``s t0 / t1``,
    variance ``t0 (t1 - t0) / t1``. The chance now is the chance then, averaged over that distribution.

    Parameters
    ----------
    lower, upper : float
        Critical values of the statistic.
    reach : float
        Standard deviations after which an open region is cut off.
    time : float
        Information at the next look.
    drift : float
        Mean of the statistic at information 1.
    """
    root, center = math.sqrt(time), drift * time
    low = max(lower * root, min(center, 0.0) - reach * root)
    high = min(upper * root, max(center, 0.0) + reach * root)
    met = [(c * root, time) for c in (lower, upper) if math.isfinite(c)]
    shadows = (*state.shadows, *met)
    if not (low < high and (state.time == 0 or state.values.size)):
        return Survival(time, np.zeros(1), np.zeros((0, _NODES)), shadows)
    edges = _panels(low, high, time, state.shadows)
    half = np.diff(edges)[:, None] / 2
    targets = (edges[:-1, None] + half * (1 + _X)).ravel()
    values = np.ones_like(targets)
    if state.time > 0:
        ratio = state.time / time
        values = _bridged(state, targets * ratio, math.sqrt(ratio * (time - state.time)))
    return Survival(time, edges, values.reshape(-1, _NODES), shadows)


def _panels(low: float, high: float, time: float, shadows: tuple[tuple[float, float], ...]) -> Vector:
    """Edges of panels that are narrow where an earlier boundary casts its shadow."""
    at = np.array([s * time / t for s, t in shadows])
    width = np.array([math.sqrt(time / t * (time - t)) for _, t in shadows])
    edges, widest = [low], max((high - low) / 4, 1.5 * math.sqrt(time))
    while edges[-1] < high:
        steps = np.maximum(1.5 * width, np.abs(at - edges[-1]) / 2)
        step = min(widest, float(steps.min(initial=widest)))
        edges.append(edges[-1] + step if edges[-1] + 1.3 * step < high else high)
    return np.array(edges)


def _sources(state: Survival, step: float) -> tuple[Vector, Vector]:
    """Nodes of panels no wider than ``step``, and quadrature weight times chance of survival at each."""
    size = np.diff(state.edges)
    pieces = np.maximum(np.ceil(size / step), 1).astype(int)
    panel = np.repeat(np.arange(len(size)), pieces)
    within = np.arange(len(panel)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = 1 / pieces[panel]
    local = (2 * within + 1) * share - 1
    place = local[:, None] + share[:, None] * _X  # in (-1, 1) of the panel it was cut from
    series = state.values @ _TO_SERIES.T
    chance = np.einsum("pnj,pj->pn", np.polynomial.legendre.legvander(place, _NODES - 1), series[panel])
    x = state.edges[panel][:, None] + (1 + place) * size[panel][:, None] / 2
    weight = _W * (share * size[panel] / 2)[:, None]
    return x.ravel(), (weight * chance).ravel()


def _bridged(state: Survival, centers: Vector, sd: float) -> Vector:
    """Average the chance of survival over normal distributions; centers increase."""
    x, weight = _sources(state, 3 * sd)
    out = np.empty(len(centers))
    for some in np.array_split(np.arange(len(centers)), 1 + len(x) * len(centers) // 1_000_000):
        near = slice(*np.searchsorted(x, (centers[some[0]] - 12 * sd, centers[some[-1]] + 12 * sd)))
        z = (centers[some][:, None] - x[near]) / sd
        out[some] = np.exp(-0.5 * z * z) @ weight[near]
    return out / (sd * math.sqrt(2 * math.pi))
