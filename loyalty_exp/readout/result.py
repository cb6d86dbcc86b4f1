"""The readout: one frozen value with everything a page may say, and its form as `readout.json`."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

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
class Absolute:
    """A difference in the metric's own unit."""

    estimate: float
    std_error: float | None
    ci_lower: float | None
    ci_upper: float | None
    p_value: float | None
    p_value_adjusted: float | None
    log_p_value: float | None = None


@dataclass(frozen=True, slots=True)
class Relative:
    """A difference as a fraction of control; bounds are null when the set is unbounded, with the reason."""

    estimate: float | None
    std_error: float | None
    ci_lower: float | None
    ci_upper: float | None
    not_bounded: str | None = None


@dataclass(frozen=True, slots=True)
class GuardrailResult:
    """A guardrail: the allowed change for the worse, in the metric's own unit, and what the interval says.

    ``relative`` is a margin that was declared as a share of the control mean. That mean is an estimate, too,
    so it is the interval of the relative change that is held against it.
    """

    margin: float
    status: Literal["pass", "breached", "unsettled"]
    relative: float | None = None


@dataclass(frozen=True, slots=True)
class Sequential:
    """What may be read before the planned end: an interval and a p-value that hold at all looks together."""

    ci_lower: float
    ci_upper: float
    p_value: float
    p_value_adjusted: float | None
    log_p_value: float | None


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
class Interval:
    """A money estimate with its interval."""

    estimate: float
    std_error: float
    ci_lower: float
    ci_upper: float


@dataclass(frozen=True, slots=True)
class SequentialInterval:
    """Bounds of a money estimate that hold at all looks together."""

    ci_lower: float
    ci_upper: float


@dataclass(frozen=True, slots=True)
class RoiFacts:
    """Return on investment, or why there is none."""

    status: Literal["interval", "unbounded", "not_applicable"]
    quadrant: str
    estimate: float | None
    ci_lower: float | None
    ci_upper: float | None


@dataclass(frozen=True, slots=True)
class AddedMoney:
    """What one arm brings and costs more than another, a unit, fixed costs included; ROI is of what it adds.

    The return on a second factor on top of the first: together they may pay only because the first does.
    """

    benefit: Interval
    cost: Interval
    net_benefit: Interval
    probability_net_benefit_positive: float | None
    roi: RoiFacts


@dataclass(frozen=True, slots=True)
class CostLineFacts:
    """One cost line: what the treatment causes beyond control, per assigned unit and in total.

    ``per_unit`` and ``total`` are without what a partner pays, which is ``funded``; both together are gross.
    """

    id: str
    per_unit: float
    total: float
    name: Any
    funded: float = 0.0
    funded_total: float = 0.0


@dataclass(frozen=True, slots=True)
class ContractFacts:
    """Points of one arm in the books, in all: revenue put off at selling price, in no cost and no return.

    The price paid is split by stand-alone selling prices between goods and the points given with them;
    ``released`` follows the points redeemed so far, and ``liability`` is what is left. Both are null where
    nothing says what was redeemed, and where points from before were used.
    """

    price: float
    points: float
    deferred: float
    released: float | None
    liability: float | None


@dataclass(frozen=True, slots=True)
class PointsArmFacts:
    """Points of one arm in its windows, in all; null where no table of points says so.

    ``opening_balance_used`` is true where more was redeemed and expired than was issued: points from before
    were used, nothing is outstanding of these, and ``closing_liability`` is the change of what is owed.
    ``true_up`` is what the cost of all points would change by at the rates estimated by now, or at the
    nearest that the points used so far allow: it is in no cost line, so that past results keep their rates.
    """

    arm: str
    units: int
    issued_base: float | None
    issued_bonus: float | None
    clawed_back: float | None
    net_issued: float
    redeemed: float | None
    expired: float | None
    outstanding: float | None
    expected_future: float | None
    redemption_rate: float
    assumption_refuted: bool
    opening_balance_used: bool
    accrual_cost: float
    burn_cost: float | None
    closing_liability: float | None
    true_up: float | None = None
    contract: ContractFacts | None = None


@dataclass(frozen=True, slots=True)
class PointsDifference:
    """Points and their cost of the treatment less control; `accrual_cost = burn_cost + closing_liability`."""

    net_issued: float
    redeemed: float | None
    accrual_cost: float
    burn_cost: float | None
    closing_liability: float | None
    true_up: float | None = None


@dataclass(frozen=True, slots=True)
class BreakEvenFacts:
    """Where the net benefit is 0, as a share; null with a status that says what holds at every share."""

    value: float | None
    status: str


@dataclass(frozen=True, slots=True)
class PointsFacts:
    """Points of a treatment against control: whole arms, because bonus points displace base points in use.

    ``break_even`` is the redemption rate, the same for all points, at which the points pay for themselves.
    ``base_if_all_redeemed`` and ``bonus_if_all_redeemed`` are what the cost lines would count a unit if every
    point of a lot were redeemed, without what partners pay.
    """

    arms: tuple[PointsArmFacts, ...]
    per_unit: PointsDifference
    total: PointsDifference
    cost_per_point: float
    break_even: BreakEvenFacts
    base_if_all_redeemed: float = 0.0
    bonus_if_all_redeemed: float = 0.0


@dataclass(frozen=True, slots=True)
class CouponFacts:
    """Coupons of a treatment against control, per assigned unit unless it says total.

    ``incremental_share`` is the part of the redemptions that were extra orders; the subsidy of the others is
    ``deadweight_subsidy``. ``break_even`` is the share at which the coupons pay for themselves.
    """

    redemptions: float
    subsidy: float
    incremental_orders: float
    incremental_share: float | None
    deadweight_subsidy: float | None
    deadweight_subsidy_total: float | None
    cost_per_incremental_order: float | None
    break_even: BreakEvenFacts | None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class SpendFacts:
    """What the money spent brought, treatment less control: revenue and orders a unit, and over the cost.

    ``iroas`` is extra revenue for each unit of money spent, ``cost_per_order`` money for each extra order;
    null with a reason. Revenue is net of refunds and tax, before coupons and points that are a way to pay.
    """

    revenue: Interval | None = None
    iroas: Relative | None = None
    iroas_not_estimable: str | None = None
    orders: Interval | None = None
    cost_per_order: Relative | None = None
    cost_per_order_not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class EconomicsFacts:
    """Money of one treatment against control; per assigned unit unless it says total."""

    treatment: str
    control: str
    window: str
    benefit: Interval
    cost: Interval
    net_benefit: Interval
    net_benefit_total: Interval
    probability_net_benefit_positive: float | None
    probability_roi_above_hurdle: float | None
    roi: RoiFacts
    fixed_per_unit: float
    units: int
    cost_lines: tuple[CostLineFacts, ...]
    points: PointsFacts | None
    net_benefit_sequential: SequentialInterval | None = None
    coupons: CouponFacts | None = None
    spend: SpendFacts | None = None


@dataclass(frozen=True, slots=True)
class AcceptabilityFacts:
    """Probability that the return exceeds each hurdle; only the hurdle 0 where the cost is not above 0."""

    hurdles: tuple[float, ...]
    probabilities: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class AssumptionFacts:
    """One assumed number: its range, net benefit a unit at both ends, and its part of the total variance."""

    name: str
    low: float
    base: float
    high: float
    net_benefit_at_low: float
    net_benefit_at_high: float
    share_of_variance: float | None


@dataclass(frozen=True, slots=True)
class RolloutFacts:
    """Shipping to everyone eligible; fixed costs are those of the roll-out, not of the test.

    ``loss_if_shipped`` and ``loss_if_held`` are what either decision can be expected to lose, and
    ``value_of_information``, the smaller, the most that more data can be worth: money over all reached.
    """

    eligible: int | None
    coverage: float
    fixed: float
    net_benefit: Interval | None
    total: Interval | None
    probability_positive: float | None
    shrunk_total: Interval | None
    probability_shrunk_positive: float | None
    value_of_information: float | None
    not_estimable: str | None
    loss_if_shipped: float | None = None
    loss_if_held: float | None = None


@dataclass(frozen=True, slots=True)
class ScenarioFacts:
    """Net benefit a unit up to the horizon, if ``rho_monthly`` of the effect is left a month later."""

    rho_monthly: float
    weight: float
    value: Interval


@dataclass(frozen=True, slots=True)
class CustomerValueArm:
    """Projected value of a customer of one arm after the window, and how the models fit.

    ``backtest_error`` is that of purchases forecast from the first half of the history, as a share of those
    that came.
    """

    arm: str
    customers: int
    bought: int
    value: float
    parameters: Mapping[str, float]
    frequency_value_correlation: float | None
    backtest_error: float | None


@dataclass(frozen=True, slots=True)
class CustomerValueFacts:
    """Projected customer value, treatment less control, money a unit; a surrogate for what will be.

    The standard error of ``difference`` holds that of sampling, with the models fitted again in each of
    ``replicates`` resamples, and the error of the backtest.
    """

    washout_days: int
    history_days: int
    projected_days: int
    replicates: int
    arms: tuple[CustomerValueArm, ...] = ()
    difference: Interval | None = None
    sampling_std_error: float | None = None
    backtest_error: float | None = None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class HorizonFacts:
    """Net benefit a unit over a longer time: observed, discounted, and with declared ways that it goes on.

    ``mixture`` weighs the scenarios; its standard error holds the doubt between them, and
    ``sampling_std_error`` does not. ``extrapolated_share`` is the part of the mixture that was not observed.
    """

    days_observed: int | None
    days: int
    discount_annual: float
    period_days: int | None = None
    observed: Interval | None = None
    scenarios: tuple[ScenarioFacts, ...] = ()
    mixture: Interval | None = None
    sampling_std_error: float | None = None
    extrapolated_share: float | None = None
    not_estimable: str | None = None
    customer_value: CustomerValueFacts | None = None


@dataclass(frozen=True, slots=True)
class OutlookFacts:
    """Beyond the test, for one treatment.

    ``net_benefit_with_assumptions`` adds the doubt about assumptions to that of sampling.
    """

    treatment: str
    acceptability: AcceptabilityFacts
    assumptions: tuple[AssumptionFacts, ...]
    net_benefit_with_assumptions: Interval | None
    probability_with_assumptions: float | None
    rollout: RolloutFacts | None
    horizon: HorizonFacts | None = None


@dataclass(frozen=True, slots=True)
class NaiveFigureFacts:
    """One comparison that is not causal: the mean of one group and of the other, a unit.

    ``relative`` is a fraction of the other mean, null where that is not above 0. For ``before_after`` the
    other group is the same units before, in as many days; market-adjusted, what growth would have made of it.
    """

    comparison: str
    units: int | None = None
    units_other: int | None = None
    mean: float | None = None
    mean_other: float | None = None
    difference: float | None = None
    relative: float | None = None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class NaiveFacts:
    """Comparisons of one treatment that are not causal; the causal estimate of the same metric decides."""

    treatment: str
    control: str
    metric: str
    figures: tuple[NaiveFigureFacts, ...]


@dataclass(frozen=True, slots=True)
class TimePoint:
    """Money so many days after assignment, a unit, treatment less control; `cost` holds fixed costs.

    The interval is that of the day alone; the band holds at all days together, null where nothing varies yet.
    """

    day: int
    benefit: float
    cost: float
    net_benefit: Interval
    band_lower: float | None
    band_upper: float | None


@dataclass(frozen=True, slots=True)
class PaybackFacts:
    """Days after which the money was back, counted from assignment; null when not within what was observed.

    ``sustained`` is the first day from which on net benefit was never negative again; ``conservative`` says
    the same of the lower end of the interval of each day, ``always_valid`` of the lower end of the band.
    """

    first_crossing: int | None
    sustained: int | None
    conservative: int | None
    always_valid: int | None


@dataclass(frozen=True, slots=True)
class PulledForwardFacts:
    """Benefit a unit within the days of the offer and in the days after it, treatment less control.

    ``share`` is the part of the first that was taken back in the second; null with a reason.
    """

    offer_days: int | None = None
    post_days: int | None = None
    during: Interval | None = None
    after: Interval | None = None
    share: Relative | None = None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class CannibalizationFacts:
    """Benefit a unit within the promoted categories and in all others, treatment less control.

    ``share`` is the part of the first that the others lost; null with a reason.
    """

    categories: tuple[str, ...]
    within: Interval | None = None
    outside: Interval | None = None
    share: Relative | None = None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class OverTimeFacts:
    """How the money of one treatment summed up, for the same units on all days.

    What a unit did counts on the day of its order, and a refund on that of its order; costs that no event
    causes are spent at the start. The last point is the net benefit of the economics.
    """

    treatment: str
    control: str
    period_days: int
    units_treatment: int
    units_control: int
    points: tuple[TimePoint, ...]
    payback: PaybackFacts | None
    pulled_forward: PulledForwardFacts | None
    cannibalization: CannibalizationFacts | None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class ReachFacts:
    """Units of one arm that an offer reached; ``offer`` is the arm whose offer it is, null for any."""

    arm: str
    offer: str | None
    reached: int
    units: int
    share: float


@dataclass(frozen=True, slots=True)
class ComplierFacts:
    """Effect on units that the offer reached because they were assigned to it; the headline is ``assigned``.

    ``first_stage`` is what assignment made to the share that was reached, a fraction; its F is null where
    nothing varies within arms, and below 10 the interval of ``effect`` misleads. ``robust`` is the set that
    holds however weak it is (Anderson and Rubin); its bounds are null where it has none.
    """

    metric: str
    treatment: str
    control: str
    assigned: Absolute | None
    first_stage: Absolute | None
    first_stage_f: float | None
    weak: bool | None
    effect: Absolute | None
    robust: Relative | None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class TriggeredFacts:
    """One metric among units that came to the trigger; ``diluted`` is the same effect over all assigned."""

    metric: str
    treatment: str
    control: str
    units_treatment: int | None
    units_control: int | None
    share: float | None
    effect: Absolute | None
    diluted: Absolute | None
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True)
class TriggeredMoneyFacts:
    """Net benefit read among units that came to the trigger, over all assigned: one total, less noise."""

    treatment: str
    control: str
    net_benefit: Interval
    net_benefit_total: Interval
    roi: RoiFacts


@dataclass(frozen=True, slots=True)
class ExposureFacts:
    """Whom the offers reached, and what is read beside the headline because of it; nothing here decides."""

    reach: tuple[ReachFacts, ...]
    compliers: tuple[ComplierFacts, ...]
    triggered: tuple[TriggeredFacts, ...]
    triggered_money: tuple[TriggeredMoneyFacts, ...] = ()


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
