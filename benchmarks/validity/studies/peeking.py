"""V06: looking at a running experiment again and again, by methods that allow it and by one that does not."""

from __future__ import annotations

import math

import numpy as np

from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.stats.confidence_sequence import confidence_sequence, mixture_scale, mixture_sprt
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.group_sequential import boundaries
from loyalty_exp.stats.horizon_sequence import horizon_sequence
from loyalty_exp.stats.moments import Moments
from loyalty_exp.stats.spending import obrien_fleming, pocock
from validity.bands import Check, at_least, at_most, nominal, number, reference, share, within, wrong
from validity.processes import AbSpend, Rng
from validity.study import Records, Study, covers, each

WELCH = ESTIMATORS["welch"].estimate
UNITS, EVERY, RUNS = 20_000, 200, 3_000
FIFTHS = tuple(i / 5 for i in range(1, 6))
RHO = mixture_scale(10_000, 0.05)
EARLY_CRITICAL = boundaries((0.01, 1.0), 0.05, obrien_fleming).critical_values[0]
CRITICAL = {f.__name__: boundaries(FIFTHS, 0.05, f).critical_values for f in (obrien_fleming, pocock)}
SD = {
    "normal": 1.0,
    "spend": math.sqrt(AbSpend().p * math.exp(2 * 3.2 + 2 * 1.1**2) - AbSpend().control_mean ** 2),
}
PLANNED = {
    name: (normal_quantile(0.975) + normal_quantile(0.8)) * 2 * sd / math.sqrt(UNITS)
    for name, sd in SD.items()
}
"""Effect that a fixed test of all units finds with power .80; the spread of the mSPRT's mixture."""


def looks(rng: Rng, outcome: str, effect: float) -> list[Difference]:
    """Welch's difference at every look, on the units that have come so far."""
    if outcome == "normal":
        y = rng.standard_normal(UNITS)
    else:
        y = np.where(
            rng.random(UNITS) < AbSpend().p, rng.lognormal(AbSpend().mu, AbSpend().sigma, UNITS), 0.0
        )
    treated = rng.random(UNITS) < 0.5
    y[treated] += effect
    arms = [so_far(y, chosen) for chosen in (treated, ~treated)]
    return [WELCH(t, c, ("y",), (), 0.05).absolute for t, c in zip(*arms, strict=True)]


def so_far(y: np.ndarray, chosen: np.ndarray) -> list[Moments]:
    """Moments of the chosen units up to each look."""
    n, total, square = (
        np.cumsum(np.where(chosen, x, 0.0).reshape(-1, EVERY).sum(axis=1)) for x in (np.ones(UNITS), y, y * y)
    )
    spread = square - total**2 / n
    return [
        Moments(int(a), ("y",), np.array([m]), np.array([[s]]))
        for a, m, s in zip(n, total / n, spread, strict=True)
    ]


def stops(z: np.ndarray, places: np.ndarray, critical: tuple[float, ...]) -> bool:
    """Whether a group-sequential test stops at one of its looks."""
    return bool((np.abs(z[places]) >= critical).any())


def sequential(rng: Rng, outcome: str, effect: float) -> dict[str, float]:
    """One experiment read by every method."""
    found = looks(rng, outcome, effect)
    z = np.array([d.estimate / d.std_error for d in found])
    units = EVERY * np.arange(1, len(z) + 1)
    sequence = [
        horizon_sequence(d.estimate, d.std_error, n, UNITS, 0.05) for d, n in zip(found, units, strict=True)
    ]
    mixture = [
        confidence_sequence(d.estimate, d.std_error, n, 0.05, RHO).p_value < 0.05
        for d, n in zip(found, units, strict=True)
    ]
    sprt = [mixture_sprt(d.estimate, d.std_error, PLANNED[outcome], 0.05).p_value < 0.05 for d in found]
    out = np.array([s.p_value < 0.05 for s in sequence])
    stopped = sequence[int(out.argmax()) if out.any() else -1]
    fifths = np.arange(1, 6) * len(z) // 5 - 1
    anytime = np.sort(rng.choice(len(z) - 1, size=4, replace=False))
    at = np.append(anytime, len(z) - 1)
    random_looks = boundaries(tuple(units[at] / UNITS), 0.05, obrien_fleming).critical_values
    last = found[-1].p_value
    return {
        "fixed": last is not None and last < 0.05,
        "peeking": bool((np.abs(z) > normal_quantile(0.975)).any()),
        "sprt": any(sprt),
        "sequence": bool(out.any()),
        "mixture": any(mixture),
        "covered": covers(stopped.ci_lower, stopped.ci_upper, effect),
        "obrien_fleming": stops(z, fifths, CRITICAL["obrien_fleming"]),
        "pocock": stops(z, fifths, CRITICAL["pocock"]),
        "random_looks": stops(z, at, random_looks),
        "first_look": bool(abs(z[0]) >= EARLY_CRITICAL),
    }


def no_effect(outcome: str, pocock_rate: float) -> Study:
    """A/A: how often does each method find something?"""

    def judge(r: Records) -> list[Check]:
        pocock_band = nominal(0.05) if outcome == "normal" else reference(pocock_rate, RUNS)
        return [
            share("T1, one look at the end", r["fixed"], nominal(0.05)),
            share("T1, mSPRT at 100 looks", r["sprt"], at_most(0.05)),
            share("T1, confidence sequence at 100 looks", r["sequence"], at_most(0.05)),
            share("T1, confidence sequence without an end, 100 looks", r["mixture"], at_most(0.05)),
            share("coverage of the confidence sequence when it stops", r["covered"], at_least(0.95)),
            share("T1, O'Brien-Fleming, 5 looks", r["obrien_fleming"], nominal(0.05)),
            share("T1, Pocock, 5 looks", r["pocock"], pocock_band),
            share("T1, O'Brien-Fleming, 5 looks at random times", r["random_looks"], at_most(0.05)),
            share("O'Brien-Fleming stops at 1 % information", r["first_look"], within(0, 0)),
            share("WRONG z test at each of 100 looks", r["peeking"], wrong(within(0, 0.30))),
        ]

    return Study(
        "V06", f"{outcome} A/A", RUNS, each(lambda rng: sequential(rng, outcome, 0.0)), judge, chunk=100
    )


def half_the_planned_effect() -> Study:
    """What always-valid inference costs, and that it holds the truth when it stops."""
    effect = PLANNED["normal"] / 2

    def judge(r: Records) -> list[Check]:
        loss = float(r["obrien_fleming"].mean() - r["sequence"].mean())
        return [
            share("coverage of the confidence sequence when it stops", r["covered"], at_least(0.95)),
            number(
                "power, O'Brien-Fleming minus confidence sequence", loss, within(-1, 0.10), len(r["covered"])
            ),
        ]

    return Study(
        "V06",
        "normal, half the planned effect",
        RUNS,
        each(lambda rng: sequential(rng, "normal", effect)),
        judge,
        chunk=100,
    )


STUDIES = (
    no_effect("normal", 0.0437),
    no_effect("spend", 0.0450),
    half_the_planned_effect(),
)
