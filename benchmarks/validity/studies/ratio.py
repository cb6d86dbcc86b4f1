"""V04: revenue an order when members are randomized, not orders."""

from __future__ import annotations

import math

import numpy as np

from loyalty_exp.estimators import ESTIMATORS
from validity.bands import Check, average, mean_of, nominal, number, reference, share, within, wrong
from validity.processes import AovRatio, Rng
from validity.study import Records, Study, covers, each

RATIO = ESTIMATORS["ratio_delta"].estimate
WELCH = ESTIMATORS["welch"].estimate


def coverage(scenario: str, process: AovRatio, expected: dict[str, float]) -> Study:
    """Does the delta method hold the truth, also when treatment changes the number of orders?"""
    runs, truth = 4_000, process.difference

    def one(rng: Rng) -> dict[str, float]:
        members, orders = process.draw(rng, 4_000)
        found = RATIO(*members, ("revenue", "orders"), (), 0.05).absolute
        naive = WELCH(*orders, ("value",), (), 0.05).absolute
        return {
            "estimate": found.estimate,
            "std_error": found.std_error,
            "covered": covers(found.ci_lower, found.ci_upper, truth),
            "naive": covers(naive.ci_lower, naive.ci_upper, truth),
        }

    def judge(r: Records) -> list[Check]:
        spread = float(np.std(r["estimate"], ddof=1))
        calibration, n = float(r["std_error"].mean()) / spread, len(r["estimate"])
        return [
            average("bias of the difference", r["estimate"] - truth, mean_of(0.0)),
            share("coverage, delta method", r["covered"], nominal(0.95)),
            share(
                "coverage, delta method, against the reference",
                r["covered"],
                reference(expected["delta"], runs),
            ),
            number(
                "mean SE / empirical SD", calibration, within(0.96, 1.04), n, calibration / math.sqrt(2 * n)
            ),
            share(
                "orders-as-independent, against the reference", r["naive"], reference(expected["naive"], runs)
            ),
            share("WRONG orders as independent", r["naive"], wrong(nominal(0.95))),
        ]

    return Study("V04", scenario, runs, each(one), judge)


STUDIES = (
    coverage("order value, no effect", AovRatio(), {"delta": 0.9525, "naive": 0.8840}),
    coverage(
        "order value, +15 % orders, +4 % value",
        AovRatio(lift_orders=0.15, lift_aov=0.04),
        {"delta": 0.9490, "naive": 0.8888},
    ),
)
