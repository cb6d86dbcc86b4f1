"""The values of every unit of an arm, for methods that moments do not serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.stats.moments import Vector


@dataclass(frozen=True, slots=True, eq=False)
class UnitRows:
    """One row a unit, in any order.

    Attributes
    ----------
    values : mapping of column to array, shape (n,)
        Finite, each in the unit of its column.
    hashes : array of uint64, shape (n,)
        Of the unit ids, evenly spread: what drawn weights are derived from.
    stratum : array of str, shape (n,), or None
        Stratum of the draw.
    """

    values: Mapping[str, Vector]
    hashes: npt.NDArray[np.uint64]
    stratum: npt.NDArray[np.str_] | None = None

    @property
    def n(self) -> int:
        """Units."""
        return len(self.hashes)
