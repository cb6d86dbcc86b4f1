"""V07: the sample-ratio check raises no more alarms than promised, and finds loss as often as it should."""

from __future__ import annotations

import numpy as np

from loyalty_exp.stats.sample_ratio import sample_ratio
from loyalty_exp.stats.sample_ratio_sequential import sequential_sample_ratio
from validity.bands import Check, at_most, nominal, share, wrong
from validity.processes import Rng, Srm
from validity.study import Records, Study, each

THRESHOLD, UNITS = 0.001, 100_000


def alarms(scenario: str, process: Srm) -> Study:
    """Alarms at the threshold, against the power of the chi-square test from the true shares."""

    def one(rng: Rng) -> dict[str, float]:
        return {"p": sample_ratio(process.draw(rng, UNITS), process.expected).p_value}

    def judge(r: Records) -> list[Check]:
        power = chi_square_power(process.chi_square(UNITS), len(process.expected) - 1, THRESHOLD)
        name = "false alarms at .001" if not any(process.loss) else "alarms at .001"
        band = nominal(power) if any(process.loss) else at_most(THRESHOLD)
        return [share(name, r["p"] < THRESHOLD, band)]

    return Study("V07", scenario, 4_000, each(one), judge, chunk=2_000)


def chi_square_power(noncentrality: float, df: int, alpha: float) -> float:
    """Chance that a noncentral chi-square exceeds the critical value of the central one."""
    from scipy import special

    return float(1 - special.chndtr(special.chdtri(df, alpha), df, noncentrality))


def against_equal_shares() -> Study:
    """The negative control: sound 90/10 data tested against 50/50."""

    def one(rng: Rng) -> dict[str, float]:
        return {"p": sample_ratio(Srm((0.9, 0.1)).draw(rng, UNITS), (0.5, 0.5)).p_value}

    def judge(r: Records) -> list[Check]:
        return [share("WRONG 90/10 tested against 50/50", r["p"] < THRESHOLD, wrong(at_most(THRESHOLD)))]

    return Study("V07", "90/10", 4_000, each(one), judge, chunk=2_000)


def daily_checks() -> Study:
    """A sound experiment checked on each of 60 days, by the sequential test and by the fixed one."""

    def one(rng: Rng) -> dict[str, float]:
        arms = np.cumsum(rng.binomial(UNITS // 60, 0.5, 60))
        days = [(int(a), UNITS // 60 * day - int(a)) for day, a in enumerate(arms, 1)]
        return {
            "sequential": min(sequential_sample_ratio(counts, (0.5, 0.5)).p_value for counts in days),
            "fixed": min(sample_ratio(counts, (0.5, 0.5)).p_value for counts in days),
        }

    def judge(r: Records) -> list[Check]:
        return [
            share("false alarms at .001, sequential test", r["sequential"] < THRESHOLD, at_most(THRESHOLD)),
            share("WRONG chi-square every day", r["fixed"] < THRESHOLD, wrong(at_most(THRESHOLD))),
        ]

    return Study("V07", "checked on 60 days", 4_000, each(one), judge, chunk=500)


STUDIES = (
    alarms("no loss", Srm()),
    alarms("1 % loss in one arm", Srm(loss=(0.0, 0.01))),
    alarms("2 % loss in one arm", Srm(loss=(0.0, 0.02))),
    alarms("three arms, 2 % loss in the smallest", Srm((0.5, 0.3, 0.2), (0.0, 0.0, 0.02))),
    against_equal_shares(),
    daily_checks(),
)
