"""What the answer owes to assumptions: how far each can move it, and the doubt they add to sampling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from loyalty_exp.stats.difference import known
from loyalty_exp.stats.distributions import normal_cdf
from loyalty_exp.stats.effect import Difference


@dataclass(frozen=True, slots=True)
class Assumption:
    """A number that was assumed, as a redemption rate or a margin.

    Attributes
    ----------
    name : str
    low, base, high : float
        In the unit of the assumption; ``base`` is what the net benefit was computed with.
    sd : float
        Its standard deviation, as a belief; 0 for what is only varied in the chart.
    slope : float
        Net benefit a member for one unit more of it, others kept: ``-(points * face value * cost to face)``
        for a redemption rate.
    """

    name: str
    low: float
    base: float
    high: float
    sd: float
    slope: float

    def __post_init__(self) -> None:
        if not self.low <= self.base <= self.high or not self.sd >= 0 or not math.isfinite(self.slope):
            raise ValueError(f"{self.name}: low, base and high ascend, the deviation is not negative")


@dataclass(frozen=True, slots=True)
class TornadoBar:
    """Net benefit a member with one assumption at its low, base and high value, others at their base."""

    name: str
    at_low: float
    at_base: float
    at_high: float

    @property
    def swing(self) -> float:
        """How far it moves the net benefit, money a member."""
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True, slots=True)
class TotalUncertainty:
    """Net benefit with sampling and assumptions in one standard error, money a member.

    Attributes
    ----------
    net_benefit : Difference
    sampling_std_error : float
    probability_positive, probability_positive_sampling : float or None
        Under both, and under the sampling error alone; None when nothing varies.
    shares : tuple of (str, float)
        Share of the total variance that each assumption brings, in the order given.
    """

    net_benefit: Difference
    sampling_std_error: float
    probability_positive: float | None
    probability_positive_sampling: float | None
    shares: tuple[tuple[str, float], ...]


def tornado(net_benefit: float, assumptions: Sequence[Assumption]) -> tuple[TornadoBar, ...]:
    """Vary one assumption at a time; widest bar first, equal ones in the order given.

    Parameters
    ----------
    net_benefit : float
        Money per member with all assumptions at their base.
    """
    bars = [
        TornadoBar(
            a.name,
            net_benefit + a.slope * (a.low - a.base),
            net_benefit,
            net_benefit + a.slope * (a.high - a.base),
        )
        for a in assumptions
    ]
    return tuple(sorted(bars, key=lambda bar: -bar.swing))


def total_uncertainty(
    net_benefit: float, std_error: float, assumptions: Sequence[Assumption], alpha: float
) -> TotalUncertainty:
    """Add the variance of independent assumptions, in which the net benefit is linear, to that of sampling.

    Parameters
    ----------
    net_benefit, std_error : float
        At the base values; money a member.
    assumptions : sequence of Assumption
    alpha : float
        Two-sided.

    References
    ----------
    JCGM 100:2008, Guide to the expression of uncertainty in measurement, equation 10.
    """
    if not std_error >= 0:
        raise ValueError("a standard error is not negative")
    parts = [(a.slope * a.sd) ** 2 for a in assumptions]
    total = std_error**2 + math.fsum(parts)
    root = math.sqrt(total)
    return TotalUncertainty(
        known(net_benefit, root, alpha),
        std_error,
        normal_cdf(net_benefit / root) if root else None,
        normal_cdf(net_benefit / std_error) if std_error else None,
        tuple((a.name, part / total if total else 0.0) for a, part in zip(assumptions, parts, strict=True)),
    )
