"""V15: tiers treated with different shares."""

from __future__ import annotations

from functools import reduce

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.strata import stratified
from validity.bands import Check, average, mean_of, nominal, share, wrong
from validity.processes import Rng, Stratified
from validity.study import Records, Study, covers, each

WELCH = ESTIMATORS["welch"].estimate
TIERS = Stratified()


def post_stratified(rng: Rng) -> dict[str, float]:
    """Weigh the tiers by their shares, and pool them all the same."""
    cells = TIERS.draw(rng, 4_000)
    t, c = [cell[0] for cell in cells], [cell[1] for cell in cells]
    found = stratified(t, c, "value", (), 0.05, random_shares=True).absolute
    pooled = WELCH(reduce(lambda a, b: a + b, t), reduce(lambda a, b: a + b, c), ("value",), (), 0.05)
    return {
        "estimate": found.estimate,
        "covered": covers(found.ci_lower, found.ci_upper, TIERS.effect),
        "pooled": pooled.absolute.estimate,
    }


def judge(r: Records) -> list[Check]:
    return [
        average("bias, by stratum", r["estimate"] - TIERS.effect, mean_of(0.0)),
        share("coverage", r["covered"], nominal(0.95)),
        average("bias, pooled", r["pooled"] - TIERS.effect, mean_of(TIERS.pooled_limit - TIERS.effect)),
        average("WRONG pooled", r["pooled"] - TIERS.effect, wrong(mean_of(0.0))),
    ]


STUDIES = (Study("V15", "tiers treated at .5, .3, .7", 6_000, each(post_stratified), judge),)
