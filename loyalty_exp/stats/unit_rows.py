"""The values of every unit of an arm, for methods that moments do not serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.stats.moments import Matrix, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Balanced:
    """How the units of an arm were rerandomized.

    Attributes
    ----------
    where : array, shape (n, k)
        Covariates of the units, or of their clusters, in coordinates in which their covariance over all arms
        is the identity.
    distance : float
        Mahalanobis distance of all arms as they were drawn.
    threshold : float or None
    best_of : int or None
    share : float
        Planned part of this arm.
    arms : int
    complete : bool
        False when units of the draw have no outcome, so that the criterion cannot be taken again.
    """

    where: Matrix
    distance: float
    threshold: float | None
    best_of: int | None
    share: float
    arms: int
    complete: bool


@dataclass(frozen=True, slots=True, eq=False)
class UnitRows:
    """One row a unit, in any order.

    Attributes
    ----------
    values : mapping of column to array, shape (n,)
        Finite, each in the unit of its column.
    hashes : array of uint64, shape (n,)
        Of the unit ids, or of their clusters' where those were drawn, evenly spread: what drawn weights are
        derived from.
    stratum : array of str, shape (n,), or None
        Stratum of the draw.
    cluster : array of str, shape (n,), or None
        Household or store, where those were drawn.
    balanced : Balanced or None
        None where nothing was rerandomized.
    """

    values: Mapping[str, Vector]
    hashes: npt.NDArray[np.uint64]
    stratum: npt.NDArray[np.str_] | None = None
    cluster: npt.NDArray[np.str_] | None = None
    balanced: Balanced | None = None

    @property
    def n(self) -> int:
        """Units."""
        return len(self.hashes)
