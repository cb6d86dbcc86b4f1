"""The tests that the readout runs, as far as a plan cares: their power, and the effect they can find."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.power import clusters, means, noninferiority, proportions, survival
from loyalty_exp.stats.power.clusters import Clusters
from loyalty_exp.stats.power.design import Level, Pair, check_units
from loyalty_exp.stats.power.search import detectable


class Test(Protocol):
    """One comparison of a treatment with control; sizes are members, treatment first, fractions allowed."""

    def power(self, effect: float, n: Pair, level: Level) -> float:
        """Chance that the test says what it is asked for when the effect is true."""
        ...

    def detectable(self, n: Pair, target: float, level: Level) -> float:
        """Smallest effect that is found with the power aimed at; positive."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """Difference of means, adjusted or not, or of ratios: a column with a spread that is left."""

    sd: Pair
    reference: means.Reference = "welch"

    def power(self, effect: float, n: Pair, level: Level) -> float:
        """See :func:`.means.signed_power`; a one-sided test looks upwards."""
        return means.signed_power(effect, self.sd, n, level, self.reference)

    def detectable(self, n: Pair, target: float, level: Level) -> float:
        """See :func:`.means.detectable_effect`."""
        return means.detectable_effect(self.sd, n, target, level, self.reference)


@dataclass(frozen=True, slots=True)
class Proportions:
    """Difference of proportions by the score test."""

    share: float
    direction: Literal["increase", "decrease"] = "increase"

    def power(self, effect: float, n: Pair, level: Level) -> float:
        """See :func:`.proportions.power`."""
        return proportions.power(moved(self.share, effect, self.direction), self.share, n, level)

    def detectable(self, n: Pair, target: float, level: Level) -> float:
        """See :func:`.proportions.detectable_effect`."""
        return abs(proportions.detectable_effect(self.share, n, target, level, direction=self.direction))


@dataclass(frozen=True, slots=True)
class Clustered:
    """Difference of means over members when whole clusters are drawn, with degrees of freedom of clusters."""

    sd: float
    shape: Clusters

    def power(self, effect: float, n: Pair, level: Level) -> float:
        """See :func:`.clusters.power`; members become clusters here."""
        k = n[0] / self.shape.size, n[1] / self.shape.size
        return clusters.power(effect, self.sd, k, self.shape, level)

    def detectable(self, n: Pair, target: float, level: Level) -> float:
        """See :func:`.clusters.detectable_effect`."""
        k = n[0] / self.shape.size, n[1] / self.shape.size
        return clusters.detectable_effect(self.sd, k, self.shape, target, level)


@dataclass(frozen=True, slots=True)
class WithinMargin:
    """Non-inferiority of arms that are equal; the effect is the margin."""

    inner: Means | Proportions | Clustered

    def power(self, effect: float, n: Pair, level: Level) -> float:
        """See :mod:`loyalty_exp.stats.power.noninferiority`."""
        if isinstance(self.inner, Proportions):
            # A rate that must not rise is one whose opposite must not fall.
            p = self.inner.share if self.inner.direction == "increase" else 1 - self.inner.share
            return noninferiority.proportions_power(p, p, effect, n, level)
        if isinstance(self.inner, Means):
            return noninferiority.means_power(0.0, effect, self.inner.sd, n, level, self.inner.reference)
        return self.inner.power(effect, n, level)

    def detectable(self, n: Pair, target: float, level: Level) -> float:
        """Smallest margin that can be shown to hold."""
        check_units(n)
        sd = _spread(self.inner)
        return detectable(
            lambda e: self.power(e, n, level), target, level, sd * math.sqrt(1 / n[0] + 1 / n[1])
        )


@dataclass(frozen=True, slots=True)
class LogRank:
    """Time to the next purchase; the effect is that on the share by the end of the window.

    Hazards are taken as proportional, so that a share ``p`` by the end becomes the hazard ratio
    ``log(1 - p_t) / log(1 - p_c)``.
    """

    share: float
    direction: Literal["increase", "decrease"] = "increase"

    def hazard_ratio(self, effect: float) -> float:
        """Hazard ratio that moves the share by an effect."""
        p = moved(self.share, effect, self.direction)
        if not (0 < p < 1 and 0 < self.share < 1):
            raise NotEstimable("a hazard ratio needs shares between 0 and 1")
        return math.log1p(-p) / math.log1p(-self.share)

    def power(self, effect: float, n: Pair, level: Level) -> float:
        """See :func:`.survival.power`."""
        check_units(n)
        p = moved(self.share, effect, self.direction)
        events = n[0] * p + n[1] * self.share
        return survival.power(self.hazard_ratio(effect), events, level, n[0] / (n[0] + n[1]))

    def detectable(self, n: Pair, target: float, level: Level) -> float:
        """Smallest change of the share; the events that it brings are counted along."""
        room = (1 - self.share if self.direction == "increase" else self.share) * (1 - 1e-9)
        if self.power(room, n, level) < target:
            raise NotEstimable("no change of this share is detectable with these arms")
        return min(detectable(lambda e: self.power(min(e, room), n, level), target, level, 0.01), room)


def moved(share: float, effect: float, direction: Literal["increase", "decrease"]) -> float:
    """Move a share by an effect.

    Raises
    ------
    NotEstimable
        If it would leave [0, 1].
    """
    p = share + (effect if direction == "increase" else -effect)
    if not -1e-12 <= p <= 1 + 1e-12:
        raise NotEstimable("the effect would take the share below 0 or above 1")
    return min(max(p, 0.0), 1.0)


def _spread(inner: Means | Proportions | Clustered) -> float:
    if isinstance(inner, Proportions):
        return max(math.sqrt(inner.share * (1 - inner.share)), 1e-6)
    return max(inner.sd) if isinstance(inner, Means) else inner.sd
