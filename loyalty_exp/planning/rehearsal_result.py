"""What many rehearsals say together, as frozen values: the form of `rehearsal.json`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCHEMA_ID = "loyalty-exp/rehearsal/v1"

MONTE_CARLO = 0.05
"""Two-sided level of the intervals of the rates."""

UNIFORM = 0.001
"""P-value of the Kolmogorov-Smirnov test below which p-values are not uniform."""

ROUNDING = 1e-9
"""Part of the money beyond which a net benefit is not 0."""


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
        How often the interval held the truth: the one at the look where a run stops, where the spec plans
        looks at this metric.
    rejected : Rate or None
        How often the interval or test excluded no difference: false positives without an effect, each
        comparison for itself; with one the power, of a primary metric adjusted as the readout does. Where the
        spec plans looks at this metric, at any of them.
    planned_power : float or None
        What a plan with the standard error of the whole history promises of `rejected` with an effect, looks
        and the part of alpha allowed for; of a guardrail, of `held`.
    variance_reduction : float or None
        Median share of variance that covariates took away.
    uniform_p_value : float or None
        Of the Kolmogorov-Smirnov test that the p-values are uniform; without an effect only.
    not_estimable : int
    held : Rate or None
        Of a guardrail: how often its margin was shown to hold, at the look where a run stops.
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
    held: Rate | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """One planned look: the part of the units that it sees, and how often a rehearsal ended there."""

    share: float
    ended: Rate


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
    stops : tuple of Stop
        Of a plan with looks before the end.
    mean_units : float or None
        Units seen when a rehearsal ended, on average.
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
    stops: tuple[Stop, ...] = ()
    mean_units: float | None = None


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


def rate_of(count: int, of: int) -> Rate:
    """A rate with Wilson's interval."""
    from loyalty_exp.stats.one_proportion import wilson

    return Rate(count, of, count / of, *wilson(count, of, MONTE_CARLO))
