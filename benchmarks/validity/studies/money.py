"""V11: the intervals of net benefit and of return, also where the cost is close to 0."""

from __future__ import annotations

import math

from loyalty_exp.stats.benefit_cost import benefit_cost, net_benefit, roi_of
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.means import plain
from loyalty_exp.stats.relative import RatioSet, delta_variance, fieller
from validity.bands import Check, nominal, reference, share, up_to, wrong
from validity.processes import Rng, Roi
from validity.study import Records, Study, covers, each

Z95 = normal_quantile(0.975)
RUNS = 4_000


def returns(scenario: str, process: Roi, n: int, expected: dict[str, float]) -> Study:
    """Do the sets of return on cost hold the truth, and is the page silent where there is no interval?"""
    ratio, net = process.benefit / process.cost, process.benefit - process.cost

    def one(rng: Rng) -> dict[str, float]:
        t, c = (plain(arm, ("benefit", "cost")) for arm in process.draw(rng, n))
        pair = benefit_cost(t, c)
        profit, printed = net_benefit(pair, 0.05), roi_of(pair, 0.05)
        b, d, v = pair.delta_benefit, pair.total_cost, (pair.v_bb, pair.v_bc, pair.v_cc)
        found = fieller(b, d, *v, Z95)
        delta = Z95 * math.sqrt(delta_variance(b, d, *v)) if d > 0 else math.nan
        known = Z95 * math.sqrt(pair.v_bb) / d if d > 0 else math.nan
        center = b / d if d > 0 else math.nan
        return {
            "bounded": found.shape == "interval",
            "two_numbers": printed.ci_lower is not None or printed.ci_upper is not None,
            "unbounded": printed.status == "unbounded" or printed.quadrant == "zero_cost",
            "fieller": holds(found, ratio),
            "delta": covers(center - delta, center + delta, ratio),
            "known": covers(center - known, center + known, ratio),
            "profit": covers(profit.ci_lower, profit.ci_upper, net),
        }

    def judge(r: Records) -> list[Check]:
        bounded = expected["bounded"]
        near_zero = bounded < 0.5
        checks = [
            share("coverage of return, Fieller", r["fieller"], nominal(0.95)),
            share("coverage of net benefit", r["profit"], nominal(0.95)),
            share("Fieller set is bounded", r["bounded"], reference(bounded, RUNS)),
            share("no bounded return by the engine", r["unbounded"], reference(1 - bounded, RUNS)),
            share("delta method, against the reference", r["delta"], reference(expected["delta"], RUNS)),
            share(
                "cost taken as known, against the reference", r["known"], reference(expected["known"], RUNS)
            ),
        ]
        if near_zero:
            checks += [
                share("two finite numbers are printed", r["two_numbers"], up_to(reference(bounded, RUNS))),
                share("WRONG delta method with a cost near 0", r["delta"], wrong(nominal(0.95))),
            ]
        return checks

    return Study("V11", scenario, RUNS, each(one), judge)


def holds(found: RatioSet, ratio: float) -> bool:
    """Membership of a value in Fieller's set, whatever its shape."""
    if found.shape == "whole_line":
        return True
    low, high = found.lower, found.upper
    if found.shape == "interval":
        return low is not None and high is not None and covers(low, high, ratio)
    return (low is not None and ratio <= low) or (high is not None and ratio >= high)


STUDIES = (
    returns("default, n=20,000", Roi(), 20_000, {"bounded": 1.0, "delta": 0.9585, "known": 0.9610}),
    returns(
        "noisy cost, n=2,000",
        Roi(reward_cost=8.0, redeem_given_buy=0.05, contact_cost=0.0),
        2_000,
        {"bounded": 0.899, "delta": 0.9928, "known": 0.9510},
    ),
    returns(
        "cost near 0, n=2,000",
        Roi(reward_cost=5.0, redeem_given_buy=0.01, contact_cost=0.0),
        2_000,
        {"bounded": 0.046, "delta": 0.7163, "known": 0.680},
    ),
    returns(
        "no lift, n=20,000", Roi(lift_conv=0.0), 20_000, {"bounded": 1.0, "delta": 0.9517, "known": 0.9513}
    ),
)
