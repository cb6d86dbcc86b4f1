"""What a study is: a way to simulate replicates, and a judgement on all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from validity.bands import Check

Records = Mapping[str, npt.NDArray[np.float64]]
"""One array a quantity, one number a replicate."""

Simulate = Callable[[np.random.Generator, int], Records]


@dataclass(frozen=True, slots=True)
class Study:
    """One scenario of one study.

    Attributes
    ----------
    id : str
        As ``V01``.
    scenario : str
        What sets this scenario apart, as ``n=500``.
    replicates : int
        At full scale.
    simulate : callable
        ``(rng, replicates) -> Records``.
    judge : callable
        ``Records -> list of Check``.
    chunk : int
        Replicates that share a stream of random numbers and may run on a core of their own.
    """

    id: str
    scenario: str
    replicates: int
    simulate: Simulate
    judge: Callable[[Records], list[Check]]
    chunk: int = 250

    @property
    def key(self) -> str:
        """Name of the scenario, and the root of its random numbers."""
        return f"{self.id} {self.scenario}"


def each(one: Callable[[np.random.Generator], Mapping[str, float]]) -> Simulate:
    """Turn the simulation of one replicate into that of many."""

    def simulate(rng: np.random.Generator, replicates: int) -> Records:
        rows = [one(rng) for _ in range(replicates)]
        return {name: np.array([row[name] for row in rows], dtype=np.float64) for name in rows[0]}

    return simulate


def covers(lower: float, upper: float, truth: float) -> bool:
    """Whether an interval holds the truth."""
    return lower <= truth <= upper
