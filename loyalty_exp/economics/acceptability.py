"""The chance that the return clears a hurdle, over a grid of hurdles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loyalty_exp.stats.benefit_cost import BenefitCost, acceptability_curve

HURDLES = tuple(round(-1 + 0.05 * i, 2) for i in range(81))
"""From -100 % to +300 %."""


@dataclass(frozen=True, slots=True)
class Acceptability:
    """Probability that the return exceeds each hurdle.

    Attributes
    ----------
    hurdles : tuple of float
        As fractions (0.25 is 25 %). Only 0 where the cost is not above 0: there a return says nothing, and
        the probability is that of a positive net benefit.
    probabilities : tuple of float or None
        None where nothing varies.
    """

    hurdles: tuple[float, ...]
    probabilities: tuple[float | None, ...]


def acceptability(pair: BenefitCost, hurdles: Sequence[float] = HURDLES) -> Acceptability:
    """Read the chance off the difference ``benefit - (1 + hurdle) * cost``, never off ratios.

    Parameters
    ----------
    pair : BenefitCost
    hurdles : sequence of float
        Ascending, at least -1.

    References
    ----------
    van Hout, Al, Gordon, Rutten (1994), Costs, effects and C/E-ratios alongside a clinical trial, Health
    Economics 3, 309-319 (acceptability curve).
    """
    if list(hurdles) != sorted(set(hurdles)) or any(not h >= -1 for h in hurdles):
        raise ValueError("hurdles ascend and are at least -1")
    chosen = tuple(hurdles) if pair.total_cost > 0 else (0.0,)
    return Acceptability(chosen, acceptability_curve(pair, chosen))
