"""V09: adjusted p-values keep the chance of a false discovery, and their order of power."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats import multiplicity
from loyalty_exp.stats.dunnett import critical_value, dunnett
from loyalty_exp.stats.moments import from_rows
from validity.bands import (
    Check,
    at_most,
    average,
    mean_of,
    number,
    reference,
    reference_mean,
    share,
    up_to,
    within,
    wrong,
)
from validity.processes import MultiArm, MultiMetric, Rng
from validity.study import Records, Study, each

WELCH = ESTIMATORS["welch"].estimate
RUNS = 3_000
METHODS = {
    "Bonferroni": multiplicity.bonferroni,
    "Holm": multiplicity.holm,
    "Hochberg": multiplicity.hochberg,
    "Hommel": multiplicity.hommel,
    "BH": multiplicity.benjamini_hochberg,
}
"""In order of power."""


def family(scenario: str, process: MultiMetric, power: dict[str, float]) -> Study:
    """Twenty correlated metrics, of which the first ``m_alt`` have an effect."""

    def one(rng: Rng) -> dict[str, float]:
        t, c = process.draw(rng, 4_000)
        raw = [WELCH(t, c, (name,), (), 0.05).absolute.p_value for name in t.columns]
        row = discoveries("unadjusted", raw, process.m_alt)
        for label, adjust in METHODS.items():
            row |= discoveries(label, adjust(raw), process.m_alt)
        return row

    def judge(r: Records) -> list[Check]:
        checks = [share(f"FWER, {m}", r[f"{m} false"] > 0, at_most(0.05)) for m in METHODS if m != "BH"]
        if not process.m_alt:
            checks.append(share("FWER, BH", r["BH false"] > 0, at_most(0.05)))
            checks.append(share("WRONG unadjusted", r["unadjusted false"] > 0, wrong(at_most(0.05))))
            return checks
        theory = 0.05 * (process.m - process.m_alt) / process.m
        proportion = r["BH false"] / np.maximum(r["BH false"] + r["BH true"], 1)
        checks.append(average("FDR, BH", proportion, up_to(mean_of(theory))))
        found = {m: r[f"{m} true"] / process.m_alt for m in METHODS}
        checks += [average(f"power, {m}", found[m], reference_mean(power[m], RUNS)) for m in power]
        steps = np.diff([values.mean() for values in found.values()])
        order = " <= ".join(METHODS)
        checks.append(
            number(f"smallest step of power, {order}", steps.min(), within(0, math.inf), len(r["BH true"]))
        )
        return checks

    return Study("V09", scenario, RUNS, each(one), judge)


def discoveries(method: str, p_values: Sequence[float | None], m_alt: int) -> dict[str, float]:
    """True and false discoveries at 5 %; the first ``m_alt`` metrics have an effect."""
    below = [p is not None and p < 0.05 for p in p_values]
    return {f"{method} true": sum(below[:m_alt]), f"{method} false": sum(below[m_alt:])}


def three_arms() -> Study:
    """Three arms against control, by Dunnett.

    The critical value depends on the sizes of the arms alone, which are fixed, so it is computed once; that
    :func:`dunnett` decides by it is checked on some replicates.
    """
    n, arm = 1_000, 250

    def simulate(rng: Rng, replicates: int) -> Records:
        critical = critical_value(np.full(3, math.sqrt(0.5)), 4.0 * (arm - 1), 0.05)
        largest = np.empty(replicates)
        for i in range(replicates):
            y = MultiArm().draw(rng, n)
            means, variance = y.mean(axis=1), y.var(axis=1, ddof=1).mean()
            largest[i] = np.abs(means[1:] - means[0]).max() / math.sqrt(variance * 2 / arm)
            if i % 500 == 0:
                control, *treated = (from_rows({"y": row}) for row in y)
                found = dunnett(treated, control, "y", 0.05)
                smallest = min(d.p_value for d in found.differences if d.p_value is not None)
                assert (smallest < 0.05) == (largest[i] > critical)
        return {"rejected": largest > critical, "unadjusted": largest > 1.96}

    def judge(r: Records) -> list[Check]:
        return [
            share("FWER, Dunnett", r["rejected"], at_most(0.05)),
            share("FWER, Dunnett, against the reference", r["rejected"], reference(0.0534, 10_000)),
            share("unadjusted, against the reference", r["unadjusted"], reference(0.1243, 10_000)),
            share("WRONG unadjusted", r["unadjusted"], wrong(at_most(0.05))),
        ]

    return Study("V09", "3 arms v control", 10_000, simulate, judge, chunk=500)


STUDIES = (
    family("20 metrics, no effect", MultiMetric(m_alt=0), {}),
    family(
        "20 metrics, 5 effects",
        MultiMetric(m_alt=5, effect=0.12),
        {"Bonferroni": 0.776, "Holm": 0.793, "Hommel": 0.795, "BH": 0.887},
    ),
    three_arms(),
)
