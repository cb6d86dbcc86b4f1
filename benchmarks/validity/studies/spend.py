"""V01 and V02: Welch's test and the uplift interval on spend, of which most is 0."""

from __future__ import annotations

import math

import numpy as np

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.distributions import t_quantile
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.lift import delta_lift, log_lift
from loyalty_exp.stats.means import plain
from loyalty_exp.stats.moments import Moments
from loyalty_exp.stats.relative import fieller
from validity.bands import Check, average, mean_of, nominal, number, reference, share, within, wrong
from validity.processes import AbSpend, Rng
from validity.study import Records, Study, covers, each

WELCH = ESTIMATORS["welch"].estimate


def false_positives(process: AbSpend, n: int, runs: int, expected: dict[str, float], theory: bool) -> Study:
    """V01: A/A on heavy-tailed spend; ``theory`` where n is large enough for the nominal level."""

    def one(rng: Rng) -> dict[str, float]:
        found = WELCH(*process.draw(rng, n), ("spend",), (), 0.05).absolute
        return {"p": 1.0 if found.p_value is None else found.p_value, "estimate": found.estimate}

    def judge(r: Records) -> list[Check]:
        p, up = r["p"], r["estimate"] > 0
        checks = [
            share("T1 at 5 %", p < 0.05, nominal(0.05) if theory else reference(expected["5%"], runs)),
            share("false winners", (p < 0.05) & up, reference(expected["upper"], runs)),
            share("false losers", (p < 0.05) & ~up, reference(expected["lower"], runs)),
        ]
        if "1%" in expected:
            checks.append(share("T1 at 1 %", p < 0.01, reference(expected["1%"], runs)))
        if theory:
            checks.append(number("p-values are uniform (KS p)", uniformity(p), within(0.001, 1.0), len(p)))
            one_sided = share("WRONG one-sided p towards the estimate", p / 2 < 0.05, wrong(nominal(0.05)))
            checks.append(one_sided)
        return checks

    side = "" if process.share_t == 0.5 else f", {process.share_t:.0%} treated"
    return Study("V01", f"A/A spend n={n:,}{side}", runs, each(one), judge)


def uniformity(p: np.ndarray) -> float:
    """P-value of the Kolmogorov-Smirnov test that p-values are uniform."""
    from scipy import special

    x, n = np.sort(p), len(p)
    steps = np.arange(n) / n
    gap = max((x - steps).max(), (steps + 1 / n - x).max())
    return float(special.kolmogorov(math.sqrt(n) * gap))


def coverage(n: int, expected: dict[str, float]) -> Study:
    """V02: do the intervals of absolute and relative uplift hold the truth?"""
    process, runs = AbSpend(lift_conv=0.10, lift_size=0.05), 6_000
    absolute = process.control_mean * process.relative

    def one(rng: Rng) -> dict[str, float]:
        t, c = process.draw(rng, n)
        found = WELCH(t, c, ("spend",), (), 0.05)
        (top, v_t), (bottom, v_c) = (plain(arm, ("spend",)).at("spend") for arm in (t, c))
        delta = delta_lift(top, bottom, v_t, v_c, 0.05)
        log = log_lift(top, bottom, v_t, v_c, 0.05)
        return {
            "estimate": found.absolute.estimate,
            "covered": covers(found.absolute.ci_lower, found.absolute.ci_upper, absolute),
            "fieller": fieller_holds(found, t, c, process.relative),
            "log": covers(log.ci_lower, log.ci_upper, process.relative),
            "above": process.relative < delta.ci_lower,
            "below": process.relative > delta.ci_upper,
        }

    def judge(r: Records) -> list[Check]:
        delta = 1 - r["above"] - r["below"]
        checks = [
            average("bias of the difference", r["estimate"] - absolute, mean_of(0.0)),
            share("coverage of the difference", r["covered"], nominal(0.95)),
            share("coverage of the lift, Fieller", r["fieller"], nominal(0.95)),
            share("coverage of the lift, delta method", delta, reference(expected["delta"], runs)),
            share("coverage of the lift, log-delta method", r["log"], reference(expected["log"], runs)),
            share("delta method lies above the truth", r["above"], reference(expected["above"], runs)),
            share("delta method lies below the truth", r["below"], reference(expected["below"], runs)),
        ]
        if n <= 2_000:
            checks.append(share("WRONG delta method taken for exact", delta, wrong(nominal(0.95))))
        return checks

    return Study("V02", f"uplift n={n:,}", runs, each(one), judge)


def fieller_holds(found: Effect, t: Moments, c: Moments, lift: float) -> bool:
    """Whether Fieller's set holds the true lift, by membership where it is unbounded."""
    bounds = found.relative
    if bounds.ci_lower is not None and bounds.ci_upper is not None:
        return covers(bounds.ci_lower, bounds.ci_upper, lift)
    (top, v_t), (bottom, v_c) = (plain(arm, ("spend",)).at("spend") for arm in (t, c))
    quantile = t_quantile(0.975, found.absolute.df or math.inf)
    ratios = fieller(top, bottom, v_t, 0.0, v_c, quantile)
    low, high = ratios.lower, ratios.upper
    if ratios.shape == "whole_line":
        return True
    return (low is not None and 1 + lift <= low) or (high is not None and 1 + lift >= high)


STUDIES = (
    false_positives(
        AbSpend(), 500, 10_000, {"5%": 0.0368, "1%": 0.0034, "upper": 0.0197, "lower": 0.0171}, False
    ),
    false_positives(
        AbSpend(), 2_000, 10_000, {"5%": 0.0437, "1%": 0.0064, "upper": 0.0224, "lower": 0.0213}, False
    ),
    false_positives(
        AbSpend(), 10_000, 10_000, {"5%": 0.0461, "1%": 0.0079, "upper": 0.0225, "lower": 0.0236}, True
    ),
    false_positives(
        AbSpend(), 50_000, 3_000, {"5%": 0.0510, "1%": 0.0090, "upper": 0.0217, "lower": 0.0293}, True
    ),
    false_positives(
        AbSpend(share_t=0.1), 20_000, 6_000, {"5%": 0.0670, "upper": 0.0083, "lower": 0.0587}, False
    ),
    coverage(2_000, {"delta": 0.9267, "log": 0.9345, "above": 0.0077, "below": 0.0657}),
    coverage(10_000, {"delta": 0.9447, "log": 0.9483, "above": 0.0138, "below": 0.0415}),
)
