"""Net benefit and return on the money spent, from (benefit, cost) pairs that are kept together to the end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from loyalty_exp.stats.distributions import normal_cdf, normal_quantile
from loyalty_exp.stats.means import ArmMeans, enough_units
from loyalty_exp.stats.relative import delta_variance, fieller

Quadrant = Literal["invest", "dominant", "dominated", "save_tradeoff", "zero_cost", "unstable"]
RoiStatus = Literal["interval", "unbounded", "not_applicable"]


@dataclass(frozen=True, slots=True)
class BenefitCost:
    """What a member assigned to treatment brings and costs more than one assigned to control.

    Attributes
    ----------
    delta_benefit : float
        Difference of mean benefit, money a member.
    delta_cost : float
        Difference of mean variable cost, money a member.
    fixed : float
        Fixed cost a treated member; not random.
    v_bb, v_bc, v_cc : float
        Variances and covariance of the two differences, money squared.
    """

    delta_benefit: float
    delta_cost: float
    fixed: float
    v_bb: float
    v_bc: float
    v_cc: float

    @property
    def total_cost(self) -> float:
        """D: variable cost difference plus fixed cost, money a member."""
        return self.delta_cost + self.fixed


@dataclass(frozen=True, slots=True)
class NetBenefit:
    """Benefit minus all cost, money a member.

    Attributes
    ----------
    estimate, std_error, ci_lower, ci_upper : float
    probability_positive : float or None
        Under a flat prior; None when nothing varies.
    """

    estimate: float
    std_error: float
    ci_lower: float
    ci_upper: float
    probability_positive: float | None


@dataclass(frozen=True, slots=True)
class Roi:
    """Return on the money spent, as a fraction (0.25 is +25 %).

    Attributes
    ----------
    status : str
        ``interval``: there is an estimate with bounds. ``unbounded``: the set of values the data allow is not
        an interval. ``not_applicable``: a ratio is not the answer here; see the quadrant.
    quadrant : str
    estimate : float or None
        Kept for ``invest`` and, as a footnote, for ``dominated``; None elsewhere.
    ci_lower, ci_upper : float or None
    g : float
        Fieller's g; infinite for a cost of exactly 0 that varies, 0 for a cost that does not vary.
    std_error : float or None
        By the delta method; None where there is no estimate.
    given_up_per_saved : float or None
        ``save_tradeoff`` only: benefit given up for each unit of money saved.
    """

    status: RoiStatus
    quadrant: Quadrant
    estimate: float | None
    ci_lower: float | None
    ci_upper: float | None
    g: float
    std_error: float | None = None
    given_up_per_saved: float | None = None


def benefit_cost(treated: ArmMeans, control: ArmMeans, fixed: float = 0.0) -> BenefitCost:
    """Differences of benefit and cost with their covariance.

    Parameters
    ----------
    treated, control : ArmMeans
        Of the columns ``benefit`` and ``cost``, in any order.
    fixed : float
        Fixed cost a treated member.

    Raises
    ------
    NotEstimable
        With no unit or one unit in an arm.

    References
    ----------
    Willan & Briggs (2006), Statistical Analysis of Cost-Effectiveness Data, Wiley, section 2.2.
    """
    enough_units(treated, control)
    i, j = treated.columns.index("benefit"), treated.columns.index("cost")
    if control.columns != treated.columns:
        raise ValueError("both arms need the same columns in the same order")
    gap = treated.mean - control.mean
    v = treated.covariance + control.covariance
    return BenefitCost(float(gap[i]), float(gap[j]), fixed, float(v[i, i]), float(v[i, j]), float(v[j, j]))


def net_benefit(pair: BenefitCost, alpha: float) -> NetBenefit:
    """Benefit minus variable cost minus fixed cost.

    References
    ----------
    Stinnett & Mullahy (1998), Net health benefits, Medical Decision Making 18, S68-S80.
    """
    estimate = pair.delta_benefit - pair.total_cost
    variance = pair.v_bb - 2 * pair.v_bc + pair.v_cc
    std_error = math.sqrt(variance) if variance > 1e-14 * (pair.v_bb + pair.v_cc) else 0.0
    half = normal_quantile(1 - alpha / 2) * std_error
    return NetBenefit(estimate, std_error, estimate - half, estimate + half, probability_roi_above(0.0, pair))


def probability_roi_above(hurdle: float, pair: BenefitCost) -> float | None:
    """Probability that benefit exceeds ``1 + hurdle`` times the cost, under a flat prior.

    Computed on the difference, not on the ratio, so that it holds where the cost may be 0 or negative. Read
    it as a return only where the cost is positive. None when nothing varies.

    Parameters
    ----------
    hurdle : float
        A return, as a fraction: 0.25 is 25 %.

    References
    ----------
    van Hout, Al, Gordon, Rutten (1994), Costs, effects and C/E-ratios alongside a clinical trial, Health
    Economics 3, 309-319 (acceptability curve).
    """
    k = 1 + hurdle
    variance = pair.v_bb - 2 * k * pair.v_bc + k * k * pair.v_cc
    if variance <= 1e-14 * (pair.v_bb + k * k * pair.v_cc):
        return None
    return normal_cdf((pair.delta_benefit - k * pair.total_cost) / math.sqrt(variance))


def acceptability_curve(pair: BenefitCost, hurdles: Sequence[float]) -> tuple[float | None, ...]:
    """:func:`probability_roi_above` at several hurdles.

    Parameters
    ----------
    hurdles : sequence of float
        Returns, as fractions.
    """
    return tuple(probability_roi_above(h, pair) for h in hurdles)


def quadrant(delta_benefit: float, total_cost: float, v_cc: float, alpha: float) -> Quadrant:
    """Which kind of decision this is.

    ``zero_cost`` when the cost is 0 and does not vary; ``unstable`` when the interval of the cost spans 0;
    otherwise by the signs of benefit and cost.

    Parameters
    ----------
    delta_benefit : float
        Benefit over control, money a unit.
    total_cost : float
        Variable and fixed cost over control, money a unit.
    v_cc : float
        Variance of the variable cost.

    References
    ----------
    Black (1990), The CE plane, Medical Decision Making 10, 212-214.
    """
    half = normal_quantile(1 - alpha / 2) * math.sqrt(max(v_cc, 0.0))
    if total_cost == 0 and half == 0:
        return "zero_cost"
    if abs(total_cost) <= half:
        return "unstable"
    if total_cost > 0:
        return "invest" if delta_benefit > 0 else "dominated"
    return "dominant" if delta_benefit >= 0 else "save_tradeoff"


def roi(delta_b: float, d: float, v_bb: float, v_bc: float, v_cc: float, alpha: float) -> Roi:
    """Return on the money spent, ``delta_b / d - 1``, with Fieller's interval where it exists.

    Parameters
    ----------
    delta_b : float
        Difference of mean benefit.
    d : float
        Difference of mean cost with the fixed cost in it.
    v_bb, v_bc, v_cc : float
        Variances and covariance of the two.
    alpha : float
        Two-sided.

    References
    ----------
    Fieller (1954), Some problems in interval estimation, JRSS B 16(2), 175-185; Briggs, Mooney,
    Wonderling (1999), Constructing confidence intervals for cost-effectiveness ratios, Statistics in Medicine
    18, 3245-3262.
    """
    where = quadrant(delta_b, d, v_cc, alpha)
    found = fieller(delta_b, d, v_bb, v_bc, v_cc, normal_quantile(1 - alpha / 2))
    g = 0.0 if where == "zero_cost" else found.g
    if where == "unstable":
        return Roi("unbounded", where, None, None, None, g)
    if where in ("zero_cost", "dominant"):
        return Roi("not_applicable", where, None, None, None, g)
    if where == "save_tradeoff":
        return Roi("not_applicable", where, None, None, None, g, None, delta_b / d)
    std_error = math.sqrt(delta_variance(delta_b, d, v_bb, v_bc, v_cc))
    estimate = delta_b / d - 1
    if where == "dominated":
        return Roi("not_applicable", where, estimate, None, None, g, std_error)
    if found.shape != "interval" or found.lower is None or found.upper is None:
        return Roi("unbounded", where, None, None, None, g)
    return Roi("interval", where, estimate, found.lower - 1, found.upper - 1, g, std_error)


def roi_of(pair: BenefitCost, alpha: float) -> Roi:
    """:func:`roi` of a pair of differences."""
    return roi(pair.delta_benefit, pair.total_cost, pair.v_bb, pair.v_bc, pair.v_cc, alpha)
