"""Compare the cost of inference from moments with that of SciPy's plain t test of as many summary statistics.

Three arms, twelve metrics with a covariate each, and twenty segments make 480 adjusted comparisons: CUPED,
Welch's test with the logarithm of its p-value, its interval, the relative lift with Fieller's interval, and
Holm's adjustment within a segment. SciPy does the unadjusted test alone. Both run in one process; imports are
not counted. Then sixty looks at twelve metrics, by either way of looking before the end.

::

    python benchmarks/inference.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from scipy import stats

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.group_sequential import boundaries
from loyalty_exp.stats.horizon_sequence import horizon_sequence
from loyalty_exp.stats.moments import Moments, from_rows
from loyalty_exp.stats.multiplicity import holm
from loyalty_exp.stats.repeated_inference import repeated_interval
from loyalty_exp.stats.spending import obrien_fleming

ARMS, SEGMENTS, UNITS, LOOKS = 3, 20, 2_000, 60
METRICS = tuple((f"metric_{i}",) for i in range(12))
COVARIATES = tuple((f"before_{i}",) for i in range(12))


def moments(rng: np.random.Generator) -> Moments:
    """Draw one arm in one segment."""
    before = rng.gamma(2.0, size=(len(COVARIATES), UNITS))
    after = before + rng.gamma(1.5, size=before.shape)
    pairs = zip(METRICS + COVARIATES, (*after, *before), strict=True)
    return from_rows({name: values for (name,), values in pairs})


def infer(groups: list[list[Moments]]) -> None:
    """Analyze every segment as the readout does."""
    for control, *treated in groups:
        p_values = []
        for arm in treated:
            for metric, covariate in zip(METRICS, COVARIATES, strict=True):
                effect = ESTIMATORS["cuped"].estimate(arm, control, metric, covariate, 0.05)
                p_values.append(effect.absolute.p_value)
        holm(p_values)


def peer(summaries: list[tuple[float, ...]]) -> None:
    """Run SciPy's Welch test on the same number of summaries."""
    for m_t, s_t, m_c, s_c in summaries:
        stats.ttest_ind_from_stats(m_t, s_t, UNITS, m_c, s_c, UNITS, equal_var=False)


def look_daily() -> None:
    """Read twelve metrics at sixty looks, by a sequence that holds at any look and by declared looks."""
    for look in range(1, LOOKS + 1):
        bounds = boundaries(tuple(k / LOOKS for k in range(1, look + 1)), 0.05, obrien_fleming)
        for metric in range(len(METRICS)):
            estimate, error = 0.01 * metric, 1.0 / look**0.5
            horizon_sequence(estimate, error, UNITS * look, UNITS * LOOKS, 0.05)
            repeated_interval(estimate, error, bounds)


def cpu(work: Callable[[], None], repeat: int = 15) -> float:
    """Median CPU seconds."""
    work()
    spent = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return statistics.median(spent)


def main() -> None:
    rng = np.random.default_rng(7)
    groups = [[moments(rng) for _ in range(ARMS)] for _ in range(SEGMENTS)]
    summaries = [
        (arm.mean_of(name), arm.variance(name) ** 0.5, control.mean_of(name), control.variance(name) ** 0.5)
        for control, *treated in groups
        for arm in treated
        for (name,) in METRICS
    ]
    ours, theirs = cpu(lambda: infer(groups)), cpu(lambda: peer(summaries))
    print(f"{len(summaries)} adjusted comparisons from moments: {ours * 1e3:.2f} ms of CPU time")
    print(f"{len(summaries)} calls of scipy.stats.ttest_ind_from_stats: {theirs * 1e3:.2f} ms")
    print(f"ratio {ours / theirs:.2f}")
    print(f"{LOOKS} looks at {len(METRICS)} metrics, both ways: {cpu(look_daily, 3):.2f} s of CPU time")
    shares = tuple(k / LOOKS for k in range(1, LOOKS + 1))
    once = cpu(lambda: boundaries(shares, 0.05, obrien_fleming) and None, 3)
    print(f"boundaries for {LOOKS} looks: {once:.3f} s of CPU time")


if __name__ == "__main__":
    main()
