"""What one factor adds on top of another: benefit and cost kept together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loyalty_exp.stats.benefit_cost import BenefitCost, NetBenefit, Roi, net_benefit, roi_of
from loyalty_exp.stats.factorial import Cell, simple_effect
from loyalty_exp.stats.means import ArmMeans


@dataclass(frozen=True, slots=True)
class Increment:
    """One cell of a factorial design against another, money a member."""

    to: Cell
    base: Cell
    pair: BenefitCost
    net_benefit: NetBenefit
    roi: Roi


def increment(
    cells: Mapping[Cell, ArmMeans],
    to: Cell,
    base: Cell,
    alpha: float,
    fixed: Mapping[Cell, float] | None = None,
) -> Increment:
    """Net benefit and return of going from one cell to another, as adding a perk to points.

    The return is of the ADDED money, ``(B11 - B10) / (D11 - D10) - 1``: a second factor can look good only
    because the first one pays for both.

    Parameters
    ----------
    cells : mapping of levels to ArmMeans
        Of the columns ``benefit`` and ``cost``.
    to, base : tuple of int
        As ``(1, 1)`` and ``(1, 0)``.
    alpha : float
        Two-sided.
    fixed : mapping of levels to float, optional
        Fixed cost a member of each cell; 0 where left out.

    Raises
    ------
    NotEstimable
        When one of the two cells is missing.
    """
    gap = simple_effect(cells, to, base)
    i, j = gap.columns.index("benefit"), gap.columns.index("cost")
    v, each = gap.covariance, fixed or {}
    pair = BenefitCost(
        float(gap.estimate[i]),
        float(gap.estimate[j]),
        each.get(to, 0.0) - each.get(base, 0.0),
        float(v[i, i]),
        float(v[i, j]),
        float(v[j, j]),
    )
    return Increment(to, base, pair, net_benefit(pair, alpha), roi_of(pair, alpha))
