"""From the records of many rehearsals to rates: what is kept of a readout, and what many of them say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from loyalty_exp.planning.promise import Promise
from loyalty_exp.planning.rehearsal_result import UNIFORM, Rate, Reading, Scenario, Stop, Truth, rate_of
from loyalty_exp.readout.result import Readout
from loyalty_exp.spec.experiment import Experiment

BAND = 3.3
"""Monte-Carlo standard errors by which a rate may miss what it promises."""

Record = Mapping[str, Any]


def record_of(readout: Readout, experiment: Experiment) -> dict[str, Any]:
    """Keep of one readout what the rates are made of, as plain JSON values."""
    overall = [e for e in readout.estimates if e.segment is None]
    money = {e.treatment: e for e in readout.economics}
    return {
        "action": readout.decision.action,
        "arm": readout.decision.arm,
        "metrics": [
            [a.estimate, a.std_error, a.ci_lower, a.ci_upper, a.p_value, e.variance_reduction,
             a.p_value_adjusted if e.role == "primary" else a.p_value,
             e.guardrail.status == "pass" if e.guardrail else None]
            if (a := e.absolute) is not None
            else None
            for e in overall
        ],
        "money": [
            [m.net_benefit.estimate, m.net_benefit.std_error, m.net_benefit.ci_lower, m.net_benefit.ci_upper,
             m.fixed_per_unit]
            if (m := money.get(arm)) is not None else None
            for arm in experiment.treatments
        ],
        "warnings": list(readout.warnings),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a readout is expected to be: names of its estimates, and their standard errors."""

    metrics: tuple[tuple[str, str, str, str, float | None], ...]
    money: tuple[float | None, ...]


def expectation_of(readout: Readout, experiment: Experiment) -> Expectation:
    """Read metric, role, treatment, estimator and standard error off the readout of the whole history."""
    money = {e.treatment: e.net_benefit.std_error for e in readout.economics}
    return Expectation(
        tuple(
            (e.metric, e.role, e.treatment, e.estimator, e.absolute.std_error if e.absolute else None)
            for e in readout.estimates
            if e.segment is None
        ),
        tuple(money.get(arm) for arm in experiment.treatments),
    )


def summarized(
    name: str,
    effects: Sequence[str],
    truth: Truth,
    expected: Expectation,
    records: Sequence[Record],
    experiment: Experiment,
    units: int,
) -> Scenario:
    """Turn the records of one scenario into rates."""
    alpha, null = experiment.analysis.alpha, name == "null"
    promise = Promise(experiment, units)
    readings = [
        _metric_reading(i, *about, truth, records, promise, null) for i, about in enumerate(expected.metrics)
    ]
    if experiment.economics is not None:
        readings += [
            _money_reading(i, arm, truth, expected.money[i], records, promise)
            for i, arm in enumerate(experiment.treatments)
        ]
    worth = worth_shipping(experiment, truth)
    times = len(records)
    shipped = [r["arm"] if r["action"] == "ship" else None for r in records]
    wrong = sum(arm is not None and arm not in worth for arm in shipped)
    all_worth = len(worth) == len(experiment.treatments)
    actions = Counter(r["action"] for r in records)
    checks = Counter(check for r in records for check in r["warnings"])
    return Scenario(
        id=name,
        effects=tuple(effects),
        worth_shipping=worth,
        false_ship=None if all_worth else rate_of(wrong, times),
        missed_ship=rate_of(sum(a is None for a in shipped), times) if worth else None,
        false_stop=rate_of(actions["stop"], times) if worth else None,
        verdicts={a: rate_of(n, times) for a, n in sorted(actions.items())},
        readings=tuple(readings),
        warnings={check: rate_of(n, times) for check, n in sorted(checks.items())},
        alarms=tuple(_alarms(readings, alpha, null, looks=experiment.analysis.sequential is not None)),
        stops=_stops(records),
        mean_units=math.fsum(r["units"] for r in records) / times if "units" in records[0] else None,
    )


def _stops(records: Sequence[Record]) -> tuple[Stop, ...]:
    """Looks by how often a rehearsal ended there; nothing where only the end is looked at."""
    if "looks" not in records[0]:
        return ()
    ended = Counter(r["look"] for r in records)
    shares = records[0]["looks"]
    return tuple(Stop(s, rate_of(ended[i], len(records))) for i, s in enumerate(shares))


def worth_shipping(experiment: Experiment, truth: Truth) -> tuple[str, ...]:
    """Treatments with a true net benefit above 0; without money, all if every primary metric gets better."""
    if experiment.economics is not None:
        return tuple(arm for arm, x in truth.net_benefit.items() if x > 0)
    better = [
        (truth.effects[m.id] or 0.0) * (1 if m.direction == "increase" else -1) > 0
        for m in experiment.metrics
        if m.role == "primary"
    ]
    return experiment.treatments if all(better) else ()


def uniform_p_value(p_values: Sequence[float]) -> float | None:
    """P-value of the Kolmogorov-Smirnov test that p-values are uniform.

    References
    ----------
    Stephens (1970), Use of the Kolmogorov-Smirnov, Cramer-von Mises and related statistics without extensive
    tables, JRSS B 32(1), 115-122, table 1 (the modified statistic).
    """
    if not p_values:
        return None
    from scipy import special

    x = np.sort(np.asarray(p_values))
    n = len(x)
    at = np.arange(1, n + 1) / n
    distance = float(max((at - x).max(), (x - at + 1 / n).max()))
    root = math.sqrt(n)
    return float(special.kolmogorov((root + 0.12 + 0.11 / root) * distance))


def _metric_reading(
    place: int,
    metric: str,
    role: str,
    treatment: str,
    estimator: str,
    std_error: float | None,
    truth: Truth,
    records: Sequence[Record],
    promise: Promise,
    null: bool,
) -> Reading:
    rows = [r["metrics"][place] for r in records]
    there = [r for r in rows if r is not None]
    looked = [r["read"][place] for r in records if r.get("read") and r["read"][place] is not None]
    effect, level = truth.effects[metric], truth.levels[metric]
    p_values = [r[4] for r in there if r[4] is not None]
    # Without an effect each comparison keeps its own level; with one, what decides shares alpha with others.
    at = 2 if null else 3
    crossed = [r[at] for r in looked] or [
        r[4 if null else 6] < promise.alpha for r in there if r[4] is not None
    ]
    bounds = [r[:2] for r in looked] or [r[2:4] for r in there]
    held = [r[-1] for r in (looked or there) if r[-1] is not None]
    guards = role == "guardrail"
    planned = (
        (promise.holds(metric, truth, std_error) if not looked else None)
        if guards
        else promise.power(effect, std_error, promise.level(role), looked=bool(looked))
    )
    return Reading(
        metric,
        role,
        treatment,
        estimator,
        effect,
        effect / level if effect is not None and level else None,
        *_spread(there),
        _coverage(bounds, [effect] * len(bounds)),
        rate_of(sum(crossed), len(crossed)) if crossed else None,
        planned,
        _median(r[5] for r in there),
        uniform_p_value(p_values) if null else None,
        len(rows) - len(there),
        rate_of(sum(held), len(held)) if guards and held else None,
    )


def _money_reading(
    place: int,
    arm: str,
    truth: Truth,
    std_error: float | None,
    records: Sequence[Record],
    promise: Promise,
) -> Reading:
    """Net benefit; its truth moves with the size of the arm, which shares the fixed cost."""
    rows = [r["money"][place] for r in records]
    there = [r for r in rows if r is not None]
    looked = [r["read_money"][place] for r in records if r.get("read_money") and r["read_money"][place]]
    true, fixed = truth.net_benefit[arm], [r[3] for r in looked] or [r[4] for r in there]
    bounds = [r[:2] for r in looked] or [r[2:4] for r in there]
    outside = [r[2] for r in looked] or [low > 0 or high < 0 for low, high in bounds]
    return Reading(
        "net_benefit",
        "money",
        arm,
        "net_benefit",
        true,
        None,
        *_spread(there),
        _coverage(bounds, [truth.variable[arm] - once for once in fixed]),
        rate_of(sum(outside), len(outside)) if outside else None,
        promise.power(true, std_error, promise.alpha, looked=bool(looked)),
        None,
        None,
        len(rows) - len(there),
    )


def _spread(rows: Sequence[Sequence[float | None]]) -> tuple[float | None, float | None, float | None]:
    estimates = [r[0] for r in rows if r[0] is not None]
    errors = [r[1] for r in rows if r[1] is not None]
    mean = math.fsum(estimates) / len(estimates) if estimates else None
    sd = float(np.std(estimates, ddof=1)) if len(estimates) > 1 else None
    return mean, sd, math.fsum(errors) / len(errors) if errors else None


def _coverage(bounds: Sequence[Sequence[float | None]], truths: Sequence[float | None]) -> Rate | None:
    held = [
        low <= true <= high
        for (low, high), true in zip(bounds, truths, strict=True)
        if true is not None and low is not None and high is not None
    ]
    return rate_of(sum(held), len(held)) if held else None


def _median(values: Iterable[float | None]) -> float | None:
    there = [x for x in values if x is not None]
    return float(np.median(there)) if there else None


def _alarms(readings: Sequence[Reading], alpha: float, null: bool, looks: bool) -> list[str]:
    """Say where the rehearsals do not keep what the analysis promises; looks may be more careful."""
    said = []
    for r in readings:
        who = f"{r.metric} ({r.treatment})"
        if r.uniform_p_value is not None and r.uniform_p_value < UNIFORM:
            said.append(f"{who}: p-values without an effect are not uniform, KS p = {r.uniform_p_value:.2g}")
        careful = looks and r.rejected is not None and r.rejected.rate <= alpha
        if null and r.role != "money" and r.rejected and not careful and _beyond(r.rejected, alpha):
            said.append(f"{who}: rejects {r.rejected.rate:.3f} of the time without an effect, not {alpha:g}")
        if r.coverage and r.coverage.rate < 1 - alpha and _beyond(r.coverage, 1 - alpha):
            said.append(
                f"{who}: the interval holds the truth {r.coverage.rate:.3f} of the time, not {1 - alpha:g}"
            )
    return said


def _beyond(rate: Rate, promised: float) -> bool:
    return abs(rate.rate - promised) > BAND * math.sqrt(promised * (1 - promised) / rate.of)
