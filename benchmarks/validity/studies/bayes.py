"""V17: what a declared prior promises is kept where the prior is true, and looking often is not free."""

from __future__ import annotations

import numpy as np

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.bayes.normal import Prior, expected_loss, interval, posterior, probability_above
from validity.bands import (
    Check,
    average,
    mean_of,
    nominal,
    number,
    reference,
    reference_mean,
    share,
    within,
    wrong,
)
from validity.processes import BayesPrior, Rng
from validity.studies.peeking import looks
from validity.study import Records, Study, covers, each

WELCH = ESTIMATORS["welch"].estimate
RUNS = 20_000
PROCESS = BayesPrior()
PRIOR = Prior(PROCESS.mu0, PROCESS.tau)


def reading(rng: Rng) -> dict[str, float]:
    """One experiment whose effect comes from the prior, read with this prior."""
    effect, (t, c) = PROCESS.draw(rng, 2_000)
    found = WELCH(t, c, ("value",), (), 0.05).absolute
    belief = posterior(found.estimate, found.std_error, PRIOR)
    loss, ships = expected_loss(belief), belief.mean > 0
    return {
        "covered": covers(*interval(belief, 0.05), effect),
        "probability": probability_above(belief)[0],
        "better": effect > 0,
        "promised": loss.ship if ships else loss.keep,
        "realized": max(-effect, 0.0) if ships else max(effect, 0.0),
    }


def judge(r: Records) -> list[Check]:
    return [
        share("coverage of the credible interval", r["covered"], nominal(0.95)),
        number("largest miscalibration of P(T>C), MCSE", miscalibration(r), within(0, 3.3), len(r["better"])),
        average("realized minus promised loss", r["realized"] - r["promised"], mean_of(0.0)),
        average("realized loss", r["realized"], reference_mean(0.0171, RUNS)),
        average("promised loss", r["promised"], reference_mean(0.0174, RUNS)),
    ]


def miscalibration(r: Records) -> float:
    """Largest gap over ten bins between predicted and observed share of better arms, in standard errors."""
    bins = np.minimum((10 * r["probability"]).astype(int), 9)
    gaps = []
    for b in np.unique(bins):
        p, better = r["probability"][bins == b], r["better"][bins == b]
        error = np.sqrt((p * (1 - p)).sum()) / len(p)
        gaps.append(abs(better.mean() - p.mean()) / error)
    return float(max(gaps))


def stopped_early(rng: Rng) -> dict[str, float]:
    """An A/A that is looked at 100 times and stopped when either arm is better with 95 %."""
    found = [probability_above(posterior(d.estimate, d.std_error))[0] for d in looks(rng, "normal", 0.0)]
    return {"stopped": any(p > 0.95 or p < 0.05 for p in found)}


def judge_stopped(r: Records) -> list[Check]:
    return [
        share("false winners, flat prior, 100 looks", r["stopped"], reference(0.605, 3_000)),
        share("WRONG flat prior and 100 looks", r["stopped"], wrong(within(0, 0.10))),
    ]


STUDIES = (
    Study("V17", "prior is true, n=2,000", RUNS, each(reading), judge, chunk=1_000),
    Study("V17", "peeking with a flat prior", 1_000, each(stopped_early), judge_stopped, chunk=50),
)
