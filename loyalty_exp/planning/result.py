"""What `size` answers, as frozen values and as plain JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SCHEMA = "loyalty-exp/sizing/v1"

Kind = Literal["metric", "guardrail", "survival", "net_benefit", "roi", "contrast"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One question of the test and what it takes to answer it.

    Attributes
    ----------
    kind : str
        ``metric``, ``guardrail``, ``survival``, ``net_benefit``, ``roi`` (above the hurdle), ``contrast``.
    id : str
        Metric or contrast; ``net_benefit`` for the money.
    treatment : str or None
        None for a contrast.
    role : str
    required : bool
        Whether the test must answer it: primary metrics, guardrails, and the money where the rule asks.
    test : str
        Test that the plan is for.
    alpha, sides, power_target
        Of one comparison, after allowing for several.
    baseline : dict or None
        ``mean, sd, sd_left, zero_share, correlation, icc, source``.
    design_effect, inflation : float
        Growth by clusters, and by looks.
    effect_absolute, effect_relative : float or None
        That is to be found; of a guardrail, the margin.
    n_treatment, n_control, n_total : int or None
        Units of the arm, of control, of all arms in the shares of the spec.
    power : float or None
        At the units there are.
    mde_absolute, mde_relative : float or None
        At the units there are.
    facts : dict
        Further numbers: ``hazard_ratio``, ``events``, ``clusters``.
    reason : str or None
        Why it cannot be sized.
    """

    kind: Kind
    id: str
    treatment: str | None
    role: str
    required: bool
    test: str
    alpha: float
    sides: int
    power_target: float
    baseline: dict[str, Any] | None = None
    design_effect: float = 1.0
    inflation: float = 1.0
    effect_absolute: float | None = None
    effect_relative: float | None = None
    n_treatment: int | None = None
    n_control: int | None = None
    n_total: int | None = None
    power: float | None = None
    mde_absolute: float | None = None
    mde_relative: float | None = None
    days_to_enrol: int | None = None
    days_to_answer: int | None = None
    answerable: bool | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """One reason why the test cannot answer: a code, the question, and the numbers (units of all arms)."""

    code: str
    kind: Kind
    id: str
    treatment: str | None
    needed: float | None = None
    there: float | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """One change that lets the test answer.

    Attributes
    ----------
    kind : str
        ``longer``, ``larger``, ``covariate``, ``narrower``, ``surrogate``, ``shares``, ``fewer_arms``.
    enough : bool
        Whether this change alone is enough.
    cost : float or None
        Money it adds; None where the cost of a unit is not known.
    days : float or None
        It adds.
    units : float or None
        All arms, after the change.
    value : float or None
        Correlation needed; share of the population; days of enrolment; treatment shares.
    detail : dict
    """

    kind: str
    enough: bool
    cost: float | None
    days: float | None
    units: float | None
    value: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MoneyPlan:
    """What the money will look like at the size of the test, for one treatment; money a unit unless total."""

    treatment: str
    units: int
    control_units: int
    benefit: float | None
    cost: float | None
    fixed: float | None
    net_benefit: float | None
    half_width: float | None
    roi: float | None
    roi_lower: float | None
    roi_upper: float | None
    roi_status: str | None
    probability_readable: float | None
    budget_at_risk: float | None
    control_cost: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Cheapest:
    """Shares that answer at least money, and what they save against the shares of the spec."""

    shares: dict[str, float]
    units: float | None
    cost: float | None
    cost_of_spec: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a curve: units of all arms, day from the start, and what is reached there."""

    units: float
    day: float | None
    power: float | None = None
    mde_absolute: float | None = None
    mde_relative: float | None = None


@dataclass(frozen=True, slots=True)
class Sizing:
    """All answers of one plan."""

    experiment: dict[str, Any]
    answerable: bool
    why: tuple[Why, ...]
    ways: tuple[Way, ...]
    available_units: int | None
    required_units: int | None
    test_units: int | None
    arms: tuple[dict[str, Any], ...]
    answers: tuple[Answer, ...]
    money: tuple[MoneyPlan, ...]
    cheapest: Cheapest | None
    power_curve: tuple[Point, ...]
    mde_curve: tuple[Point, ...]
    curve_of: dict[str, Any]
    calendar: tuple[dict[str, Any], ...]
    rule: dict[str, Any]
    history: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON values; what is not known is null."""
        return {"schema": SCHEMA, **_plain(asdict(self))}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and value != value:
        return None
    return value
