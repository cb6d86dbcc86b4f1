"""The readout: one frozen value with everything a page may say, and its form as `readout.json`."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from loyalty_exp.readout.figures import Absolute, GuardrailResult, Interval, Relative, Sequential
from loyalty_exp.readout.money import AddedMoney, EconomicsFacts

if TYPE_CHECKING:
    import pandas as pd

    from loyalty_exp.readout.naive import NaiveFacts
    from loyalty_exp.readout.outlook import OutlookFacts
    from loyalty_exp.readout.over_time import OverTimeFacts
    from loyalty_exp.readout.reached import ExposureFacts

SCHEMA_ID = "loyalty-exp/readout/v1"

Status = Literal["provisional", "mature", "invalid"]
Action = Literal["ship", "stop", "iterate", "extend", "not_settled", "invalid"]


@dataclass(frozen=True, slots=True)
class ExperimentFacts:
    """Which experiment, and how it came about. `lock` is null until the spec is locked."""

    id: str
    name: Any
    kind: Literal["randomized", "observational"]
    evidence_level: str
    lock: str | None
    spec_hash: str


@dataclass(frozen=True, slots=True)
class ArmFacts:
    """One arm as planned and as found; shares are fractions of all assigned units."""

    id: str
    is_control: bool
    units: int
    clusters: int | None
    share_planned: float
    share_observed: float
    name: Any
    receives: Any


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One check.

    ``detail`` holds the numbers the words on the page are made of, under names that the page knows.
    """

    check: str
    status: Literal["pass", "warn", "fail", "not_run"]
    p_value: float | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One metric, one treatment against control, for all units or for one segment cell.

    A cell that is ``suppressed`` has too few units for any figure, also for their number.
    ``facts`` are further numbers of the estimator by name, such as the cap or the prior that it read with.
    """

    metric: str
    role: str
    treatment: str
    control: str
    segment: Mapping[str, str] | None
    estimator: str
    units_treatment: int | None
    units_control: int | None
    mean_treatment: float | None
    mean_control: float | None
    absolute: Absolute | None
    relative: Relative | None
    sequential: Sequential | None
    not_estimable: str | None
    variance_reduction: float | None = None
    guardrail: GuardrailResult | None = None
    suppressed: bool = False
    facts: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Interaction:
    """Is the effect the same in all cells of a segment? Cochran's Q over the cells."""

    metric: str
    treatment: str
    dimension: str
    cells: int
    statistic: float | None
    df: int | None
    p_value: float | None
    p_value_adjusted: float | None
    not_estimable: str | None


@dataclass(frozen=True, slots=True)
class ContrastFacts:
    """A weighted difference of arms: declared, or a main effect or interaction of factors.

    ``metric`` is null for net benefit a unit, before fixed costs; ``added`` is then the money of going from
    one arm to another, where the contrast is of two arms.
    """

    id: str
    name: Any
    metric: str | None
    weights: Mapping[str, float]
    estimate: float | None = None
    std_error: float | None = None
    ci_lower: float | None = None
    ci_upper: float | None = None
    p_value: float | None = None
    p_value_adjusted: float | None = None
    not_estimable: str | None = None
    added: AddedMoney | None = None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Share of units that bought again within some days, with what the curve rests on."""

    day: int
    share: float
    ci_lower: float | None
    ci_upper: float | None
    at_risk: int


@dataclass(frozen=True, slots=True)
class RepurchaseFacts:
    """Time to the next purchase of one treatment against control, censored units counted as far as they go.

    ``rate_by_censoring`` and ``rate_of_mature_units`` are differences of the share that bought again within
    the
    days of the metric; ``restricted_mean`` is the difference of the mean number of days without a purchase up
    to that day; ``hazard_ratio`` assumes proportional hazards, of which ``proportional_p_value`` is the test.
    """

    metric: str
    treatment: str
    control: str
    within_days: int
    curves: Mapping[str, tuple[CurvePoint, ...]]
    rate_by_censoring: Absolute | None
    rate_of_mature_units: Absolute | None
    restricted_mean: Absolute | None
    log_rank_p_value: float | None
    hazard_ratio: Relative | None
    proportional_p_value: float | None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """What the registered rule says. `reasons` are codes with numbers; the page makes words of them.

    Each reason is a mapping with ``code`` and the numbers it speaks of.
    """

    action: Action
    arm: str | None
    rule: Mapping[str, Any]
    reasons: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Readout:
    """All answers of one experiment.

    ``plan`` carries the part of the resolved spec that the page needs: names in both languages, question,
    unit, currency, time zone, schedule, metrics with role, direction, display and definition, segments and
    people.
    """

    experiment: ExperimentFacts
    status: Status
    as_of: str | None
    data_to: str | None
    arms: tuple[ArmFacts, ...]
    health: tuple[HealthCheck, ...]
    estimates: tuple[Estimate, ...]
    interactions: tuple[Interaction, ...]
    readings: tuple[Estimate, ...]
    repurchase: tuple[RepurchaseFacts, ...]
    contrasts: tuple[ContrastFacts, ...]
    economics: tuple[EconomicsFacts, ...]
    outlook: tuple[OutlookFacts, ...]
    decision: DecisionFacts
    warnings: tuple[str, ...]
    plan: Mapping[str, Any]
    provenance: Mapping[str, Any]
    naive: tuple[NaiveFacts, ...] = ()
    over_time: tuple[OverTimeFacts, ...] = ()
    exposure: ExposureFacts | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the readout as plain JSON values; numbers are finite or null."""
        return {
            "schema": SCHEMA_ID,
            **{f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)},
        }

    def to_json(self) -> str:
        """Give the text of `readout.json`: the same readout, the same bytes."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    def to_frame(self) -> pd.DataFrame:
        """Give the estimates as a table, a row for each metric, treatment and segment cell."""
        import pandas as pd

        return pd.DataFrame([_row(e) for e in self.estimates])

    def economics_frame(self) -> pd.DataFrame:
        """Give the money as a table, a row for each treatment."""
        import pandas as pd

        rows = []
        for e in self.economics:
            row: dict[str, Any] = {"treatment": e.treatment, "control": e.control, "units": e.units}
            for name in ("benefit", "cost", "net_benefit", "net_benefit_total"):
                value: Interval = getattr(e, name)
                row |= {
                    name: value.estimate,
                    f"{name}_ci_lower": value.ci_lower,
                    f"{name}_ci_upper": value.ci_upper,
                }
            row |= {
                "probability_net_benefit_positive": e.probability_net_benefit_positive,
                "roi": e.roi.estimate,
                "roi_ci_lower": e.roi.ci_lower,
                "roi_ci_upper": e.roi.ci_upper,
                "iroas": e.spend.iroas.estimate if e.spend and e.spend.iroas else None,
                "cost_per_order": e.spend.cost_per_order.estimate
                if e.spend and e.spend.cost_per_order
                else None,
                "roi_status": e.roi.status,
                "quadrant": e.roi.quadrant,
            }
            rows.append(row)
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        from html import escape

        head = escape(
            f"{self.experiment.id}: {self.decision.action} {self.decision.arm or ''} ({self.status})"
        )
        return f"<p><strong>{head}</strong></p>{self.to_frame().to_html(index=False)}"


def _row(e: Estimate) -> dict[str, Any]:
    a, r = e.absolute, e.relative
    return {
        "metric": e.metric,
        "role": e.role,
        "treatment": e.treatment,
        "control": e.control,
        "dimension": e.segment["dimension"] if e.segment else None,
        "value": e.segment["value"] if e.segment else None,
        "estimator": e.estimator,
        "units_treatment": e.units_treatment,
        "units_control": e.units_control,
        "mean_treatment": e.mean_treatment,
        "mean_control": e.mean_control,
        "effect": a.estimate if a else None,
        "std_error": a.std_error if a else None,
        "ci_lower": a.ci_lower if a else None,
        "ci_upper": a.ci_upper if a else None,
        "p_value": a.p_value if a else None,
        "p_value_adjusted": a.p_value_adjusted if a else None,
        "relative": r.estimate if r else None,
        "relative_ci_lower": r.ci_lower if r else None,
        "relative_ci_upper": r.ci_upper if r else None,
        "not_estimable": e.not_estimable,
    }


def _plain(value: Any) -> Any:
    """Turn frozen values into JSON values; a number that is not finite becomes null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    number = float(value)
    return number if math.isfinite(number) else None
