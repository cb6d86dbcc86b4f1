"""What many rehearsals say together: rates with Monte-Carlo intervals, and the form of `rehearsal.json`."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from loyalty_exp.readout.result import Readout
from loyalty_exp.spec.experiment import Experiment

SCHEMA_ID = "loyalty-exp/rehearsal/v1"

MONTE_CARLO = 0.05
"""Two-sided level of the intervals of the rates."""

UNIFORM = 0.001
"""P-value of the Kolmogorov-Smirnov test below which p-values are not uniform."""

BAND = 3.3
"""Monte-Carlo standard errors by which a rate may miss what it promises."""

ROUNDING = 1e-9
"""Part of the money beyond which a net benefit is not 0."""

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something happened in the rehearsals, with Wilson's 95% interval."""

    count: int
    of: int
    rate: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of one scenario.

    Attributes
    ----------
    effects : mapping of metric to float or None
        Difference in the unit of the metric; None where it is not defined.
    levels : mapping of metric to float or None
        Without treatment.
    variable : mapping of treatment to float
        Net benefit a unit before fixed costs.
    fixed : mapping of treatment to float
        Fixed cost a unit in arms of the planned size.
    """

    effects: Mapping[str, float | None]
    levels: Mapping[str, float | None]
    variable: Mapping[str, float]
    fixed: Mapping[str, float]

    @property
    def net_benefit(self) -> dict[str, float]:
        """All costs in it; what is left of rounding is 0."""
        found = {}
        for arm, x in self.variable.items():
            net = x - self.fixed[arm]
            found[arm] = net if abs(net) > ROUNDING * (abs(x) + abs(self.fixed[arm]) + 1e-3) else 0.0
        return found


@dataclass(frozen=True, slots=True)
class Reading:
    """One metric, or net benefit, of one treatment over all rehearsals.

    Attributes
    ----------
    metric : str
        ``net_benefit`` for the money.
    role, treatment, estimator : str
    truth, relative_truth : float or None
        True difference, and as a share of the level without treatment.
    mean_estimate, sd_estimate, mean_std_error : float or None
        Over rehearsals.
    coverage : Rate or None
        How often the interval held the truth.
    rejected : Rate or None
        How often the interval or test excluded no difference: false positives without an effect, power with
        one.
    planned_power : float or None
        What a plan with the standard error of the whole history promises.
    variance_reduction : float or None
        Median share of variance that covariates took away.
    uniform_p_value : float or None
        Of the Kolmogorov-Smirnov test that the p-values are uniform; without an effect only.
    not_estimable : int
    """

    metric: str
    role: str
    treatment: str
    estimator: str
    truth: float | None
    relative_truth: float | None
    mean_estimate: float | None
    sd_estimate: float | None
    mean_std_error: float | None
    coverage: Rate | None
    rejected: Rate | None
    planned_power: float | None
    variance_reduction: float | None
    uniform_p_value: float | None
    not_estimable: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """One world: nothing has an effect, the effect just pays for itself, or the planted effect is true.

    Attributes
    ----------
    id : str
        ``null``, ``break_even`` or ``planted``.
    effects : tuple of str
    worth_shipping : tuple of str
        Treatments that are truly worth it.
    false_ship : Rate or None
        Rehearsals that ship an arm that is not worth it; None where every arm is.
    missed_ship : Rate or None
        Rehearsals that do not ship; None where no arm is worth it.
    false_stop : Rate or None
        Rehearsals that stop; None where no arm is worth it.
    verdicts : mapping of action to Rate
    readings : tuple of Reading
    warnings : mapping of check to Rate
        Health checks that warned or failed.
    alarms : tuple of str
        What is not as promised, in words.
    """

    id: str
    effects: tuple[str, ...]
    worth_shipping: tuple[str, ...]
    false_ship: Rate | None
    missed_ship: Rate | None
    false_stop: Rate | None
    verdicts: Mapping[str, Rate]
    readings: tuple[Reading, ...]
    warnings: Mapping[str, Rate]
    alarms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """All rehearsals of one spec."""

    experiment: str
    spec_hash: str
    seed: int
    rehearsals: int
    units: int
    clusters: int | None
    shares: Mapping[str, float]
    first_day: str | None
    data_digest: str
    left_out: tuple[str, ...]
    scenarios: tuple[Scenario, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"schema": SCHEMA_ID, **dataclasses.asdict(self)}

    def to_json(self) -> str:
        """The same rehearsal gives the same bytes."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    @property
    def uniform(self) -> bool:
        """Whether all p-values without an effect may be uniform."""
        null = next(s for s in self.scenarios if s.id == "null")
        return all(r.uniform_p_value is None or r.uniform_p_value >= UNIFORM for r in null.readings)


def record_of(readout: Readout, experiment: Experiment) -> dict[str, Any]:
    """Keep of one readout what the rates are made of, as plain JSON values."""
    overall = [e for e in readout.estimates if e.segment is None]
    money = {e.treatment: e for e in readout.economics}
    return {
        "action": readout.decision.action,
        "arm": readout.decision.arm,
        "metrics": [
            [a.estimate, a.std_error, a.ci_lower, a.ci_upper, a.p_value, e.variance_reduction]
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
) -> Scenario:
    """Turn the records of one scenario into rates."""
    alpha, null = experiment.analysis.alpha, name == "null"
    readings = [
        _metric_reading(i, *about, truth, [r["metrics"][i] for r in records], alpha, null)
        for i, about in enumerate(expected.metrics)
    ]
    if experiment.economics is not None:
        readings += [
            _money_reading(arm, truth, expected.money[i], [r["money"][i] for r in records], alpha)
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
        alarms=tuple(_alarms(readings, alpha, null)),
    )


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


def rate_of(count: int, of: int) -> Rate:
    """A rate with Wilson's interval."""
    from loyalty_exp.stats.one_proportion import wilson

    return Rate(count, of, count / of, *wilson(count, of, MONTE_CARLO))


def planned_power(effect: float, std_error: float | None, alpha: float) -> float | None:
    """Chance that the test of a difference of this size rejects."""
    from loyalty_exp.stats.power.design import Level
    from loyalty_exp.stats.power.reference import normal_power

    return normal_power(effect, std_error, std_error, Level(alpha)) if std_error else None


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
    rows: Sequence[Sequence[float | None] | None],
    alpha: float,
    null: bool,
) -> Reading:
    there = [r for r in rows if r is not None]
    effect, level = truth.effects[metric], truth.levels[metric]
    p_values = [r[4] for r in there if r[4] is not None]
    return Reading(
        metric,
        role,
        treatment,
        estimator,
        effect,
        effect / level if effect is not None and level else None,
        *_spread(there),
        _coverage(there, [effect] * len(there)),
        rate_of(sum(p < alpha for p in p_values), len(p_values)) if p_values else None,
        planned_power(effect, std_error, alpha) if effect is not None else None,
        _median(r[5] for r in there),
        uniform_p_value(p_values) if null else None,
        len(rows) - len(there),
    )


def _money_reading(
    arm: str, truth: Truth, std_error: float | None, rows: Sequence[Sequence[float] | None], alpha: float
) -> Reading:
    """Net benefit; its truth moves with the size of the arm, which shares the fixed cost."""
    there = [r for r in rows if r is not None]
    true = truth.net_benefit[arm]
    outside = sum(r[2] > 0 or r[3] < 0 for r in there)
    return Reading(
        "net_benefit",
        "money",
        arm,
        "net_benefit",
        true,
        None,
        *_spread(there),
        _coverage(there, [truth.variable[arm] - r[4] for r in there]),
        rate_of(outside, len(there)) if there else None,
        planned_power(true, std_error, alpha),
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


def _coverage(rows: Sequence[Sequence[float | None]], truths: Sequence[float | None]) -> Rate | None:
    held = [
        r[2] <= true <= r[3]
        for r, true in zip(rows, truths, strict=True)
        if true is not None and r[2] is not None and r[3] is not None
    ]
    return rate_of(sum(held), len(held)) if held else None


def _median(values: Iterable[float | None]) -> float | None:
    there = [x for x in values if x is not None]
    return float(np.median(there)) if there else None


def _alarms(readings: Sequence[Reading], alpha: float, null: bool) -> list[str]:
    """Say where the rehearsals do not keep what the analysis promises."""
    said = []
    for r in readings:
        who = f"{r.metric} ({r.treatment})"
        if r.uniform_p_value is not None and r.uniform_p_value < UNIFORM:
            said.append(f"{who}: p-values without an effect are not uniform, KS p = {r.uniform_p_value:.2g}")
        if null and r.role != "money" and r.rejected and _beyond(r.rejected, alpha):
            said.append(f"{who}: rejects {r.rejected.rate:.3f} of the time without an effect, not {alpha:g}")
        if r.coverage and r.coverage.rate < 1 - alpha and _beyond(r.coverage, 1 - alpha):
            said.append(
                f"{who}: the interval holds the truth {r.coverage.rate:.3f} of the time, not {1 - alpha:g}"
            )
    return said


def _beyond(rate: Rate, promised: float) -> bool:
    return abs(rate.rate - promised) > BAND * math.sqrt(promised * (1 - promised) / rate.of)
