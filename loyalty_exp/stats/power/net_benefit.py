"""How wide the intervals of net benefit and ROI will be, and whether that of ROI will be bounded at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.benefit_cost import BenefitCost, Roi, net_benefit, roi_of
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.power.design import Level, Pair, Plan, check_units
from loyalty_exp.stats.power.reference import normal_power
from loyalty_exp.stats.power.search import plan


@dataclass(frozen=True, slots=True)
class Spread:
    """How benefit and cost of one member vary, in one arm.

    Attributes
    ----------
    sd_benefit, sd_cost : float
        Money a member.
    correlation : float
        Of benefit and cost, in [-1, 1]; positive when those who buy are those who redeem.
    """

    sd_benefit: float
    sd_cost: float
    correlation: float = 0.0

    def __post_init__(self) -> None:
        if not (self.sd_benefit >= 0 and self.sd_cost >= 0):
            raise ValueError("standard deviations are not negative")
        if not -1 <= self.correlation <= 1:
            raise ValueError(f"a correlation is in [-1, 1], not {self.correlation}")

    @property
    def sd_net_benefit(self) -> float:
        """Standard deviation of benefit minus cost of one member."""
        shared = 2 * self.correlation * self.sd_benefit * self.sd_cost
        return math.sqrt(max(self.sd_benefit**2 + self.sd_cost**2 - shared, 0.0))


@dataclass(frozen=True, slots=True)
class RoiPlan:
    """What a readout of these sizes is expected to look like.

    Attributes
    ----------
    pair : BenefitCost
        Planned differences, with the variances these sizes give.
    half_width : float
        Of the interval of net benefit, money a member.
    roi : Roi
        Interval of the ROI if the estimates fall on the planned values.
    probability_bounded : float
        Chance that the cost is clearly not 0, so that the interval of the ROI exists.
    """

    pair: BenefitCost
    half_width: float
    roi: Roi
    probability_bounded: float


def roi_plan(
    delta_benefit: float,
    delta_cost: float,
    treatment: Spread,
    control: Spread,
    n: Pair,
    alpha: float = 0.05,
    fixed: float = 0.0,
) -> RoiPlan:
    """Intervals to expect.

    Parameters
    ----------
    delta_benefit, delta_cost : float
        Planned differences, money a member.
    treatment, control : Spread
    n : pair of float
        Units of treatment and control.
    alpha : float
        Two-sided.
    fixed : float
        Fixed cost a treated member.

    Raises
    ------
    NotEstimable
        With fewer than two units in an arm.

    References
    ----------
    Willan & Briggs (2006), Statistical Analysis of Cost-Effectiveness Data, Wiley, chapter 5; Fieller (1954),
    JRSS B 16(2), 175-185: the set is an interval exactly when the cost is significant.
    """
    check_units(n)
    (t, c), (n_t, n_c) = (treatment, control), n
    pair = BenefitCost(
        delta_benefit,
        delta_cost,
        fixed,
        t.sd_benefit**2 / n_t + c.sd_benefit**2 / n_c,
        t.correlation * t.sd_benefit * t.sd_cost / n_t + c.correlation * c.sd_benefit * c.sd_cost / n_c,
        t.sd_cost**2 / n_t + c.sd_cost**2 / n_c,
    )
    nb = net_benefit(pair, alpha)
    half = 0.5 * (nb.ci_upper - nb.ci_lower)
    return RoiPlan(pair, half, roi_of(pair, alpha), probability_bounded(pair, alpha))


def probability_bounded(pair: BenefitCost, alpha: float = 0.05) -> float:
    """Chance that Fieller's set of the ROI is an interval: ``P(|D| > z se)``.

    ``D`` is the cost difference with the fixed cost in it. 1 for a cost that does not vary, unless it is 0.

    Raises
    ------
    NotEstimable
        Without a cost.
    """
    if pair.v_cc <= 0:
        if pair.total_cost == 0:
            raise NotEstimable("there is no cost to divide by")
        return 1.0
    se = math.sqrt(pair.v_cc)
    return normal_power(pair.total_cost, se, se, Level(alpha))


def sample_size_for_width(
    half_width: float, treatment: Spread, control: Spread, alpha: float = 0.05, share: float = 0.5
) -> Pair:
    """Units of treatment and control, unrounded, at which net benefit is known to ``+- half_width``.

    ``n_t = (z / half_width)^2 (v_t + v_c share / (1 - share))``, with v the variance of benefit minus cost.

    Parameters
    ----------
    half_width : float
        Money a unit.
    share : float
        Part of the units that is treated, between 0 and 1.

    Raises
    ------
    NotEstimable
        If net benefit does not vary.
    """
    if not half_width > 0:
        raise ValueError(f"a half width is positive, not {half_width}")
    if not 0 < share < 1:
        raise ValueError(f"the treatment share is between 0 and 1, not {share}")
    unit = treatment.sd_net_benefit**2 / share + control.sd_net_benefit**2 / (1 - share)
    if unit == 0:
        raise NotEstimable("net benefit does not vary")
    total = unit * (normal_quantile(1 - alpha / 2) / half_width) ** 2
    return total * share, total * (1 - share)


def sample_size_for_bounds(
    total_cost: float,
    sd_cost: Pair,
    probability: float = 0.95,
    alpha: float = 0.05,
    share: float = 0.5,
) -> Plan:
    """Units at which the interval of the ROI is bounded with the probability asked for.

    Parameters
    ----------
    total_cost : float
        Planned cost difference with the fixed cost in it, money a member.
    sd_cost : pair of float
        Of treatment and control.
    probability : float
        Above alpha and below 1.
    share : float
        Part of the units that is treated, between 0 and 1.
    """
    from loyalty_exp.stats.power import means

    level = Level(alpha)
    return plan(
        lambda n: means.power(total_cost, sd_cost, n, level, "normal"), total_cost, probability, level, share
    )
