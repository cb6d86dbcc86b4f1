"""V05: CUPED removes the variance it promises and nothing else."""

from __future__ import annotations

import math

import numpy as np

from loyalty_exp.estimators import ESTIMATORS
from validity.bands import Check, average, mean_of, nominal, number, reference, share, within, wrong
from validity.processes import CupedNormal, CupedSpend, Rng
from validity.study import Records, Study, covers, each

CUPED, WELCH = ESTIMATORS["cuped"].estimate, ESTIMATORS["welch"].estimate


def adjustment(scenario: str, process: CupedNormal | CupedSpend, rejections: float, useless: bool) -> Study:
    """Coverage, variance and power; ``useless`` where the covariate says nothing."""
    runs, truth, theory = 4_000, process.effect, process.variance_ratio

    def one(rng: Rng) -> dict[str, float]:
        t, c = process.draw(rng, 4_000)
        plain, found = WELCH(t, c, ("post",), (), 0.05), CUPED(t, c, ("post",), ("pre",), 0.05)
        absolute, reduction = found.absolute, found.variance_reduction
        assert reduction is not None and absolute.p_value is not None
        return {
            "plain": plain.absolute.estimate,
            "estimate": absolute.estimate,
            "ratio": 1 - reduction,
            "p": absolute.p_value,
            "covered": covers(absolute.ci_lower, absolute.ci_upper, truth),
        }

    def judge(r: Records) -> list[Check]:
        n, null = len(r["p"]), truth == 0
        empirical = float(np.var(r["estimate"], ddof=1) / np.var(r["plain"], ddof=1))
        # Both variances come from the same samples: the more they agree, the less their ratio varies.
        error = empirical * math.sqrt(4 * (1 - theory) / n)
        rejected = nominal(0.05) if null else reference(rejections, runs)
        checks = [
            average("bias of the difference", r["estimate"] - truth, mean_of(0.0)),
            share("coverage", r["covered"], nominal(0.95)),
            share("T1 at 5 %" if null else "power", r["p"] < 0.05, rejected),
            average("estimated variance ratio", r["ratio"], within(0.99 * theory, 1.01 * theory)),
        ]
        if useless:
            larger = float(np.sqrt(r["ratio"]).mean())
            return [*checks, number("SE ratio with a useless covariate", larger, within(0.99, 1.001), n)]
        half = 3.3 * theory * math.sqrt(4 * (1 - theory) / n)
        band = within(theory - half, theory + half)
        return [*checks, number("empirical variance ratio", empirical, band, n, error)]

    return Study("V05", scenario, runs, each(one), judge)


def after_exposure() -> Study:
    """The negative control: a covariate measured after exposure carries the effect, and takes it away."""
    process = CupedNormal(rho=0.7, effect=2.0)

    def one(rng: Rng) -> dict[str, float]:
        t, c = process.draw(rng, 4_000)
        # The treatment moved the covariate as well, by as many of its standard deviations.
        shift = {"pre": process.effect / process.sd * process.pre_sd}
        t = t.combine({"post": {"post": 1.0}, "pre": {"pre": 1.0}}, shift)
        found = CUPED(t, c, ("post",), ("pre",), 0.05).absolute
        return {"covered": covers(found.ci_lower, found.ci_upper, process.effect)}

    def judge(r: Records) -> list[Check]:
        return [share("WRONG covariate measured after exposure", r["covered"], wrong(nominal(0.95)))]

    return Study("V05", "covariate after exposure", 1_000, each(one), judge)


STUDIES = (
    adjustment("normal, rho=.7, effect=.5", CupedNormal(rho=0.7, effect=0.5), 0.1995, False),
    adjustment("normal, rho=0", CupedNormal(rho=0.0), 0.0525, True),
    adjustment("spend, no lift", CupedSpend(), 0.0520, False),
    adjustment("spend, lift=.05", CupedSpend(lift=0.05), 0.2530, False),
    after_exposure(),
)
