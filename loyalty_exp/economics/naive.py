"""Figures that circulate and are not causal, each beside the one that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loyalty_exp.errors import NotEstimable

Comparison = Literal[
    "members_vs_nonmembers",
    "before_after",
    "before_after_market_adjusted",
    "participants_vs_nonparticipants",
    "revenue_per_contact_cost",
    "attributed_roi",
]

NOT_CAUSAL = "not causal"


@dataclass(frozen=True, slots=True)
class NaiveFigure:
    """A figure that compares what is not comparable.

    Attributes
    ----------
    comparison : str
    value : float
        Relative (0.28 is +28 %), but for ``members_vs_nonmembers``, ``participants_vs_nonparticipants`` and
        ``revenue_per_contact_cost``, which are ratios.
    label : str
        To be printed with it, always.
    """

    comparison: Comparison
    value: float
    label: str = NOT_CAUSAL


@dataclass(frozen=True, slots=True)
class NaivePanel:
    """Naive figures beside the randomized one.

    Attributes
    ----------
    causal_lift : float
        Treated against control, relative to control (0.05 is +5 %).
    naive : tuple of NaiveFigure
    """

    causal_lift: float
    naive: tuple[NaiveFigure, ...]


def members_vs_nonmembers(members: float, nonmembers: float) -> NaiveFigure:
    """Ratio of means: those who join would have bought more without joining.

    Parameters
    ----------
    members, nonmembers : float
        Means of the two groups, in one unit.
    """
    return NaiveFigure("members_vs_nonmembers", _ratio(members, nonmembers, "non-member"))


def participants_vs_nonparticipants(participants: float, nonparticipants: float) -> NaiveFigure:
    """Ratio of means within the treated arm: those who take part chose to.

    Parameters
    ----------
    participants, nonparticipants : float
        Means of the two groups, in one unit.
    """
    return NaiveFigure(
        "participants_vs_nonparticipants", _ratio(participants, nonparticipants, "non-participant")
    )


def before_after(before: float, after: float) -> NaiveFigure:
    """Relative change of the treated, which holds the season, the market and regression to the mean.

    Parameters
    ----------
    before, after : float
        Means of the treated in windows of one length, in one unit.
    """
    return NaiveFigure("before_after", _ratio(after, before, "earlier") - 1)


def before_after_market_adjusted(before: float, after: float, market_growth: float) -> NaiveFigure:
    """The same, less the growth of the market (0.18 is +18 %): members are not the market.

    Parameters
    ----------
    before, after : float
        Means of the treated in windows of one length, in one unit.
    market_growth : float
        A fraction.
    """
    if not market_growth > -1:
        raise ValueError("a market cannot shrink by all there is")
    return NaiveFigure(
        "before_after_market_adjusted", _ratio(after, before * (1 + market_growth), "earlier") - 1
    )


def naive_panel(treated: float, control: float, naive: tuple[NaiveFigure, ...]) -> NaivePanel:
    """Put the randomized lift beside the naive figures.

    Parameters
    ----------
    treated, control : float
        Randomized means, in one unit.

    Raises
    ------
    NotEstimable
        If the control mean is not above 0.
    """
    return NaivePanel(_ratio(treated, control, "control") - 1, naive)


def _ratio(numerator: float, denominator: float, name: str) -> float:
    if not denominator > 0:
        raise NotEstimable(f"the {name} mean is not above 0")
    return numerator / denominator
