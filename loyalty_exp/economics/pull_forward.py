"""What a campaign borrowed from the weeks after it, or from the shelves beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.difference import known
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.means import ArmMeans, enough_units
from loyalty_exp.stats.relative import RatioSet, fieller


@dataclass(frozen=True, slots=True)
class TwoDifferences:
    """Two differences between the same arms, with their covariance; per member.

    Attributes
    ----------
    first, second : float
    v_11, v_12, v_22 : float
        Variances and covariance of the two.
    """

    first: float
    second: float
    v_11: float
    v_12: float
    v_22: float

    def __post_init__(self) -> None:
        if min(self.v_11, self.v_22) < 0 or self.v_12**2 > self.v_11 * self.v_22 * (1 + 1e-9):
            raise ValueError("a covariance that no two quantities can have")


@dataclass(frozen=True, slots=True)
class Share:
    """A ratio of two differences.

    Attributes
    ----------
    estimate : float or None
        None where the denominator is not clearly different from 0.
    found : RatioSet
        All values the data do not contradict, by Fieller.
    reason : str
        Why there is no estimate; empty when there is one.
    """

    estimate: float | None
    found: RatioSet
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PullForward:
    """A campaign window and the window after it.

    Attributes
    ----------
    net : Difference
        Of both windows together: the one to decide on.
    share : Share
        Of the campaign effect that was taken back afterwards.
    retained : float or None
        1 minus that share.
    """

    net: Difference
    share: Share
    retained: float | None


def two_differences(treated: ArmMeans, control: ArmMeans, first: str, second: str) -> TwoDifferences:
    """Differences of two outcomes of the same members, as of two windows or two categories.

    Raises
    ------
    NotEstimable
        With no unit or one unit in an arm.
    """
    enough_units(treated, control)
    if treated.columns != control.columns:
        raise ValueError("both arms need the same columns in the same order")
    i, j = treated.columns.index(first), treated.columns.index(second)
    gap, v = treated.mean - control.mean, treated.covariance + control.covariance
    return TwoDifferences(float(gap[i]), float(gap[j]), float(v[i, i]), float(v[i, j]), float(v[j, j]))


def pull_forward(windows: TwoDifferences, alpha: float) -> PullForward:
    """Add the campaign window and the one after it, and tell what share came back.

    The window after should be at least one median time between purchases.

    References
    ----------
    Fieller (1954), Some problems in interval estimation, JRSS B 16(2), 175-185; van Heerde,
    Leeflang, Wittink (2000), The estimation of pre- and postpromotion dips with store-level scanner data,
    Journal of Marketing Research 37, 383-395.
    """
    share = _share(windows, alpha, "the effect of the campaign window")
    variance = max(windows.v_11 + 2 * windows.v_12 + windows.v_22, 0.0)
    net = known(windows.first + windows.second, math.sqrt(variance), alpha)
    return PullForward(net, share, None if share.estimate is None else 1 - share.estimate)


def cannibalization(categories: TwoDifferences, alpha: float) -> Share:
    """Share of the gain in the promoted category (first) lost in the others (second).

    References
    ----------
    Fieller (1954), JRSS B 16(2), 175-185.
    """
    return _share(categories, alpha, "the effect in the promoted category")


def cost_per_incremental(costs: TwoDifferences, fixed: float, alpha: float) -> Share:
    """Money for each extra order or new member: cost (first, plus fixed a member) over outcome (second).

    Both outcomes are counted in both arms, also those that nobody credits to the campaign.

    Parameters
    ----------
    fixed : float
        Fixed cost a member, in money.

    References
    ----------
    Fieller (1954), JRSS B 16(2), 175-185.
    """
    turned = TwoDifferences(costs.second, -(costs.first + fixed), costs.v_22, -costs.v_12, costs.v_11)
    return _share(turned, alpha, "the number of incremental outcomes")


def return_on_spend(revenues: TwoDifferences, fixed: float, alpha: float) -> Share:
    """Extra revenue for each unit of money spent (iROAS): revenue (first) over cost (second, plus fixed).

    Parameters
    ----------
    fixed : float
        Fixed cost a member, in money.

    References
    ----------
    Fieller (1954), JRSS B 16(2), 175-185.
    """
    cost = revenues.second + fixed
    turned = TwoDifferences(cost, -revenues.first, revenues.v_22, -revenues.v_12, revenues.v_11)
    return _share(turned, alpha, "the cost")


def _share(pair: TwoDifferences, alpha: float, what: str) -> Share:
    """Minus second over first, where first is clearly different from 0."""
    if pair.first == 0 and pair.v_11 == 0:
        raise NotEstimable(f"{what} is 0")
    z = normal_quantile(1 - alpha / 2)
    found = fieller(-pair.second, pair.first, pair.v_22, -pair.v_12, pair.v_11, z)
    if found.shape != "interval":
        return Share(None, found, f"{what} is not clearly different from 0")
    if pair.first < 0:
        return Share(None, found, f"{what} is negative")
    return Share(-pair.second / pair.first, found)
