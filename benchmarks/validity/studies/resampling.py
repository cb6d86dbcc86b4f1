"""V10 and V23: bootstrap intervals and the exact randomization test."""

from __future__ import annotations

import numpy as np

from loyalty_exp.errors import NotEstimable
from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.bootstrap import acceleration, bootstrap, mean_difference
from loyalty_exp.stats.draws import Complete
from loyalty_exp.stats.moments import from_rows
from loyalty_exp.stats.poisson_bootstrap import difference_of_means, replicate_sums
from loyalty_exp.stats.randomization import randomization_test
from loyalty_exp.stats.replicates import Replicates, basic_interval, bca_interval, percentile_interval
from validity.bands import Check, at_most, average, nominal, number, reference, share, within, wrong
from validity.processes import AbSpend, Rng
from validity.study import Records, Study, covers, each

WELCH = ESTIMATORS["welch"].estimate
RUNS, REPLICATES = 1_000, 1_000
SPEND = AbSpend(lift_conv=0.1)


def spend_rows(rng: Rng, n: int, treated: bool) -> np.ndarray:
    """Spend of all members of an arm, shape (n, 1)."""
    spent = SPEND.spenders(rng, n, treated)
    return np.concatenate([spent, np.zeros(n - len(spent))])[:, None]


def lift(treated: np.ndarray, control: np.ndarray) -> np.ndarray:
    """Relative difference of the means of every resample."""
    return treated[..., 0].mean(axis=-1) / control[..., 0].mean(axis=-1) - 1


def intervals(rng: Rng) -> dict[str, float]:
    """All bootstrap intervals of one data set, and Welch's on the same."""
    n_t = int(rng.binomial(2_000, 0.5))
    t, c = spend_rows(rng, n_t, True), spend_rows(rng, 2_000 - n_t, False)
    truth = SPEND.relative * SPEND.control_mean
    found = bootstrap((t, c), mean_difference, REPLICATES, rng)
    relative = bootstrap((t, c), lift, REPLICATES, rng)
    welch = WELCH(*(from_rows({"y": arm[:, 0]}) for arm in (t, c)), ("y",), (), 0.05).absolute
    sums = [
        replicate_sums(rng.integers(2**64, size=len(arm), dtype=np.uint64), {"y": arm[:, 0]}, REPLICATES, 1)
        for arm in (t, c)
    ]
    poisson = difference_of_means(sums[0], sums[1], "y", 0.05)
    return {
        "percentile": covers(*percentile_interval(found, 0.05), truth),
        "basic": covers(*basic_interval(found, 0.05), truth),
        "bca": bca_covers(found, (t, c), truth),
        "lift": covers(*percentile_interval(relative, 0.05), SPEND.relative),
        "poisson": covers(poisson.ci_lower, poisson.ci_upper, truth),
        "welch": covers(welch.ci_lower, welch.ci_upper, truth),
        "se_ratio": found.std_error / welch.std_error,
        "poisson_se_ratio": poisson.std_error / welch.std_error,
    }


def bca_covers(found: Replicates, arms: tuple[np.ndarray, np.ndarray], truth: float) -> bool:
    """Whether the BCa interval holds the truth; one that is refused does not."""
    try:
        return covers(*bca_interval(found, acceleration(arms, mean_difference), 0.05), truth)
    except NotEstimable:
        return False


def judge_intervals(r: Records) -> list[Check]:
    loss = float(r["percentile"].mean() - r["bca"].mean())
    return [
        share("coverage, percentile", r["percentile"], reference(0.924, RUNS)),
        share("coverage, basic", r["basic"], reference(0.950, RUNS)),
        share("coverage of the lift, percentile", r["lift"], reference(0.924, RUNS)),
        share("coverage, Poisson bootstrap, percentile", r["poisson"], reference(0.924, RUNS)),
        share("coverage, Welch on the same data", r["welch"], reference(0.941, RUNS)),
        number("percentile minus BCa coverage", loss, within(-1.0, 0.02), len(r["bca"])),
        average("SE, bootstrap / Welch", r["se_ratio"], within(0.98, 1.02)),
        average("SE, Poisson bootstrap / Welch", r["poisson_se_ratio"], within(0.98, 1.02)),
    ]


def resampled_orders(rng: Rng) -> dict[str, float]:
    """The negative control: members with four equal orders each, and the orders are resampled."""
    n_t = int(rng.binomial(500, 0.5))
    arms = [np.repeat(rng.standard_normal(n), 4)[:, None] for n in (n_t, 500 - n_t)]
    found = bootstrap(arms, mean_difference, REPLICATES, rng)
    return {"covered": covers(*percentile_interval(found, 0.05), 0.0)}


def judge_orders(r: Records) -> list[Check]:
    return [share("WRONG rows finer than the unit are resampled", r["covered"], wrong(nominal(0.95)))]


def permutation(rng: Rng) -> dict[str, float]:
    """Five against five members, half of whom spend nothing."""
    y = AbSpend().mu + AbSpend().sigma * rng.standard_normal(10)
    y = np.where(rng.random(10) < 0.5, np.exp(y), 0.0)
    draw = Complete(10, 5)
    try:
        found = randomization_test(y, draw.sample(rng, 1)[0], draw)
    except NotEstimable:
        return {"p": 1.0, "strict": 1.0}
    # Without the assignments that tie with the one that took place, itself among them.
    return {"p": found.p_value, "strict": 2 * (1 - max(found.p_less, found.p_greater))}


def judge_permutation(r: Records) -> list[Check]:
    return [
        share("T1 at 5 %", r["p"] <= 0.05, at_most(0.05)),
        share("T1 at 10 %", r["p"] <= 0.10, at_most(0.10)),
        share("WRONG ties are not counted", r["strict"] <= 0.05, wrong(at_most(0.05))),
    ]


STUDIES = (
    Study("V10", "spend n=2,000, 1,000 resamples", RUNS, each(intervals), judge_intervals, chunk=50),
    Study("V10", "4 orders a member", RUNS, each(resampled_orders), judge_orders),
    Study("V23", "5 v 5 members, half spend 0", 4_000, each(permutation), judge_permutation),
)
