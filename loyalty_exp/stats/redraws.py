"""A draw that is made again until the arms are alike, so that its randomization test draws the same way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.draws import CELLS, COUNTLESS, Assignments, Draw
from loyalty_exp.stats.moments import Matrix, Vector
from loyalty_exp.stats.slopes import pseudo_inverse

MOST_CELLS = 4_000_000_000
"""Units times tries of all redraws together; beyond, they cost more than they tell."""

SLACK = 1e-9
"""Part of a threshold that rounding may add to a distance."""


@dataclass(frozen=True, slots=True, eq=False)
class Rerandomized:
    """Another draw is kept only if it meets the criterion, or if it is the best of a number.

    Attributes
    ----------
    draw : Draw
        One try.
    where : array, shape (n, k)
        Covariates less their mean over all units of the experiment, in coordinates in which their covariance
        is the identity: the distance of two arms is ``n_1 |m_1|^2 + n_0 |m_0|^2``.
    rest : float
        What arms that are not compared add to the distance.
    threshold : float or None
        Draws up to this distance are kept.
    best_of : int or None
        The most balanced of so many is kept.

    References
    ----------
    Morgan & Rubin (2012), Rerandomization to improve covariate balance in experiments, Annals of Statistics
    40(2), 1263-1282, section 2.2: the test draws only among acceptable assignments.
    """

    draw: Draw
    where: Matrix
    rest: float = 0.0
    threshold: float | None = None
    best_of: int | None = None

    @property
    def n(self) -> int:
        """Units."""
        return self.draw.n

    @property
    def count(self) -> int:
        """Few assignments are listed and sifted; the best of a number is drawn always."""
        return COUNTLESS if self.best_of else self.draw.count

    def distance(self, assignments: Assignments) -> Vector:
        """Mahalanobis distance of each assignment, shape (draws,).

        Parameters
        ----------
        assignments : array of bool, shape (draws, n)
        """
        z = assignments.astype(np.float64)
        n_t = z.sum(axis=1)
        top = z @ self.where
        bottom = self.where.sum(axis=0) - top
        found = (top * top).sum(axis=1) / n_t + (bottom * bottom).sum(axis=1) / (z.shape[1] - n_t)
        return np.asarray(found + self.rest)

    def accepts(self, assignments: Assignments) -> Assignments:
        """Whether each assignment meets the threshold.

        Parameters
        ----------
        assignments : array of bool, shape (draws, n)
            What is returned has shape (draws,).
        """
        assert self.threshold is not None
        return np.asarray(self.distance(assignments) <= self.threshold * (1 + SLACK))

    def every(self) -> Iterator[tuple[Assignments, Vector]]:
        """All acceptable assignments.

        Shapes (batch, n) and (batch,).
        """
        for z, p in self.draw.every():
            kept = self.accepts(z)
            yield z[kept], p[kept]

    def sample(self, rng: np.random.Generator, size: int) -> Assignments:
        """Draw until enough are acceptable, or take the best of each batch.

        Shape (size, n).

        Parameters
        ----------
        size : int
            How many draws.

        Raises
        ------
        NotEstimable
            If that would take too long.
        """
        if self.best_of:
            if size * self.best_of * self.n > MOST_CELLS:
                raise NotEstimable("redrawing the best of so many draws costs more than it tells")
            best = []
            for _ in range(size):
                tries = self.draw.sample(rng, self.best_of)
                best.append(tries[int(self.distance(tries).argmin())])
            return np.array(best)
        kept, tried, got = [], 0, 0
        at_once = max(1, min(CELLS // self.n, 4 * size))
        while got < size:
            if tried * self.n > MOST_CELLS:
                raise NotEstimable("so few draws are balanced enough that redrawing costs more than it tells")
            z = self.draw.sample(rng, at_once)
            tried += at_once
            kept.append(z[self.accepts(z)])
            got += len(kept[-1])
        return np.concatenate(kept)[:size]


def whitened(covariates: Matrix, arms: npt.NDArray[np.str_]) -> tuple[Matrix, float]:
    """Give coordinates in which the covariance of covariates is the identity, and the distance of the arms.

    Parameters
    ----------
    covariates : array, shape (n, k)
        Less their means; what is unknown is 0.
    arms : array of str, shape (n,)

    Returns
    -------
    array of shape (n, k), float
        And the sum over arms of ``n_a |mean_a|^2``, which is the distance of Morgan and Rubin.
    """
    inverse, _ = pseudo_inverse(covariates.T @ covariates / max(len(covariates) - 1, 1))
    values, vectors = np.linalg.eigh(inverse)
    where: Matrix = covariates @ (vectors * np.sqrt(np.maximum(values, 0.0)))
    sums = [where[arms == a].sum(axis=0) / np.sqrt((arms == a).sum()) for a in np.unique(arms)]
    return where, float(sum((s * s).sum() for s in sums))
