"""What a simulated rate may be: nominal and reference bands, and the verdict on a rate.

*Nominal* bands stand around the level that theory guarantees. *Reference* bands stand around the rate that a
correct independent estimator reached in its own simulation, counting the Monte-Carlo error of both: with
heavy tails a correct method is off the nominal level in finite samples, and an engine that is not is another.
A *negative control* is a wrong method that must fall outside its band: it shows that the study has power.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

Z = 3.3
"""Half-width of a band in Monte-Carlo standard errors: 60 checks raise a false alarm in under 6 % of runs."""

Kind = Literal["nominal", "reference", "negative_control"]


@dataclass(frozen=True, slots=True)
class Band:
    """From ``low`` to ``high``, both allowed."""

    low: float
    high: float
    kind: Kind


@dataclass(frozen=True, slots=True)
class Check:
    """One simulated number against its band.

    Attributes
    ----------
    name : str
    rate : float
        A share of the replicates, or a mean over them.
    mcse : float
        Monte-Carlo standard error of ``rate``; NaN where it has none.
    band : Band
    passed : bool
        Inside the band; outside of it for a negative control.
    """

    name: str
    rate: float
    mcse: float
    band: Band
    passed: bool


BandFor = Callable[[int, float], Band]
"""A band needs the number of replicates and the Monte-Carlo standard error of the simulated number."""


def nominal(p0: float) -> BandFor:
    """Around a share that theory guarantees."""

    def band(replicates: int, mcse: float) -> Band:
        half = Z * math.sqrt(p0 * (1 - p0) / replicates)
        return Band(max(p0 - half, 0.0), min(p0 + half, 1.0), "nominal")

    return band


def up_to(band: BandFor) -> BandFor:
    """A band without its lower limit."""
    return lambda replicates, mcse: replace(band(replicates, mcse), low=0.0)


def at_most(p0: float) -> BandFor:
    """Up to a share that theory bounds from above."""
    return up_to(nominal(p0))


def at_least(p0: float) -> BandFor:
    """From a share that theory bounds from below."""
    return lambda replicates, mcse: replace(nominal(p0)(replicates, mcse), high=1.0)


def reference(rate: float, replicates: int) -> BandFor:
    """Around the share that a correct estimator reached in ``replicates`` replicates of its own."""

    def band(own: int, mcse: float) -> Band:
        half = Z * math.sqrt(rate * (1 - rate) * (1 / own + 1 / replicates))
        return Band(max(rate - half, 0.0), min(rate + half, 1.0), "reference")

    return band


def reference_mean(value: float, replicates: int) -> BandFor:
    """Around a mean that a correct estimator reached in ``replicates`` replicates of its own.

    Its Monte-Carlo error is taken to be ours, scaled to its number of replicates.
    """

    def band(own: int, mcse: float) -> Band:
        half = Z * mcse * math.sqrt(1 + own / replicates)
        return Band(value - half, value + half, "reference")

    return band


def mean_of(truth: float) -> BandFor:
    """Around an expected value, by the Monte-Carlo standard error."""
    return lambda replicates, mcse: Band(truth - Z * mcse, truth + Z * mcse, "nominal")


def within(low: float, high: float) -> BandFor:
    """Limits that do not depend on the number of replicates."""
    return lambda replicates, mcse: Band(low, high, "nominal")


def wrong(band: BandFor) -> BandFor:
    """A band that a wrong method must miss."""
    return lambda replicates, mcse: replace(band(replicates, mcse), kind="negative_control")


def share(name: str, hits: npt.ArrayLike, band: BandFor) -> Check:
    """Check the share of replicates in which something happened."""
    x = np.asarray(hits, dtype=np.float64)
    rate = float(x.mean())
    return _check(name, rate, math.sqrt(rate * (1 - rate) / len(x)), len(x), band)


def average(name: str, values: npt.ArrayLike, band: BandFor) -> Check:
    """Check a mean over the replicates."""
    x = np.asarray(values, dtype=np.float64)
    return _check(name, float(x.mean()), float(x.std(ddof=1)) / math.sqrt(len(x)), len(x), band)


def number(name: str, value: float, band: BandFor, replicates: int, mcse: float = math.nan) -> Check:
    """Check any other number computed from all replicates together."""
    return _check(name, value, mcse, replicates, band)


def _check(name: str, rate: float, mcse: float, replicates: int, band_for: BandFor) -> Check:
    band = band_for(replicates, mcse)
    inside = band.low <= rate <= band.high
    return Check(name, rate, mcse, band, bool(inside) != (band.kind == "negative_control"))
