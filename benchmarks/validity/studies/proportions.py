"""V03: intervals and tests of two proportions, from exact binomial draws."""

from __future__ import annotations

import numpy as np

from loyalty_exp.stats.one_proportion import wilson
from loyalty_exp.stats.proportions import miettinen_nurminen, newcombe
from loyalty_exp.stats.risk_difference import agresti_caffo, wald
from validity.bands import Check, at_least, at_most, reference, share, wrong
from validity.processes import Rng
from validity.study import Records, Study, covers

RUNS = 200_000
NAMES = ("score", "newcombe", "agresti_caffo", "wald", "score_rejects", "pooled_rejects", "apart")


def coverage(p_c: float, p_t: float, n: int, expected: dict[str, float]) -> Study:
    """Do the intervals of ``p_t - p_c`` hold the truth, with ``n`` units an arm?"""
    truth = p_t - p_c

    def table(x_t: int, x_c: int) -> tuple[float, ...]:
        score = miettinen_nurminen(x_t, n, x_c, n, 0.05)
        plain, pooled = (wald(x_t, n, x_c, n, 0.05, pooled=is_pooled) for is_pooled in (False, True))
        return (
            covers(score.ci_lower, score.ci_upper, truth),
            covers(*newcombe(x_t, n, x_c, n, 0.05), truth),
            covers(*agresti_caffo(x_t, n, x_c, n, 0.05), truth),
            covers(plain.ci_lower, plain.ci_upper, truth),
            score.p_value is not None and score.p_value < 0.05,
            pooled.p_value is not None and pooled.p_value < 0.05,
            apart(wilson(x_t, n, 0.05), wilson(x_c, n, 0.05)),
        )

    def simulate(rng: Rng, replicates: int) -> Records:
        """Give each table that was drawn to the estimators once: they see nothing else, so that is exact."""
        drawn = np.column_stack([rng.binomial(n, p, replicates) for p in (p_t, p_c)])
        tables, at = np.unique(drawn, axis=0, return_inverse=True)
        found = np.array([table(int(x_t), int(x_c)) for x_t, x_c in tables], dtype=np.float64)[at.ravel()]
        return dict(zip(NAMES, found.T, strict=True))

    def judge(r: Records) -> list[Check]:
        checks = [
            share("coverage, Newcombe", r["newcombe"], reference(expected["newcombe"], RUNS)),
            share("coverage, Agresti-Caffo", r["agresti_caffo"], reference(expected["agresti_caffo"], RUNS)),
            share("coverage, Miettinen-Nurminen", r["score"], at_least(0.95)),
            share("coverage, Wald", r["wald"], reference(expected["wald"], RUNS)),
        ]
        if "pooled" in expected:
            checks.append(share("T1, score test", r["score_rejects"], at_most(0.05)))
            checks.append(share("T1, pooled z", r["pooled_rejects"], reference(expected["pooled"], RUNS)))
            apart_alone = wrong(reference(expected["pooled"], RUNS))
            checks.append(share("WRONG the two Wilson intervals do not touch", r["apart"], apart_alone))
        return checks

    return Study("V03", f"{p_c:g} v {p_t:g}, n={n:,} an arm", RUNS, simulate, judge, chunk=50_000)


def apart(first: tuple[float, float], second: tuple[float, float]) -> bool:
    """Whether two intervals have no point in common."""
    return first[0] > second[1] or second[0] > first[1]


STUDIES = (
    coverage(
        0.002, 0.002, 2_000, {"wald": 0.9550, "newcombe": 0.9627, "agresti_caffo": 0.9811, "pooled": 0.0450}
    ),
    coverage(0.002, 0.004, 5_000, {"wald": 0.9470, "newcombe": 0.9547, "agresti_caffo": 0.9553}),
    coverage(0.10, 0.11, 2_000, {"wald": 0.9493, "newcombe": 0.9496, "agresti_caffo": 0.9498}),
)
