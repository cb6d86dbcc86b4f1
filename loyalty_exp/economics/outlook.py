"""Beyond the test: the chance of any hurdle, what the answer owes to assumptions, and the roll-out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from loyalty_exp.economics.acceptability import acceptability
from loyalty_exp.economics.assumptions import Assumption, tornado, total_uncertainty
from loyalty_exp.economics.information import information_value
from loyalty_exp.economics.rollout import RollOut, Stratum, roll_out
from loyalty_exp.errors import NotEstimable
from loyalty_exp.readout.figures import interval_of
from loyalty_exp.readout.money import EconomicsFacts
from loyalty_exp.readout.outlook import AcceptabilityFacts, AssumptionFacts, OutlookFacts, RolloutFacts
from loyalty_exp.spec.economics import Economics
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.projection import Assumption as Assumed
from loyalty_exp.spec.projection import Rollout
from loyalty_exp.stats.bayes.normal import Prior
from loyalty_exp.stats.benefit_cost import BenefitCost
from loyalty_exp.stats.distributions import normal_quantile

RATES = ("redemption_rate_base", "redemption_rate_bonus")

StratumMoney = Callable[[str, str], tuple[float, float]]
"""Treatment and stratum to net benefit a unit before fixed costs, and its standard error."""


def outlook(
    experiment: Experiment, money: Iterable[EconomicsFacts], by_stratum: StratumMoney
) -> tuple[OutlookFacts, ...]:
    """Look beyond the test for every treatment whose money could be appraised.

    Parameters
    ----------
    by_stratum : callable
        Asked only when the roll-out names its eligible units by stratum.
    """
    economics = experiment.economics
    if economics is None:
        return ()
    return tuple(_outlook(experiment, economics, facts, by_stratum) for facts in money)


def pair_of(facts: EconomicsFacts) -> BenefitCost:
    """Give benefit and cost with their covariance back, from the three standard errors of the readout."""
    v_bb, v_cc = facts.benefit.std_error**2, facts.cost.std_error**2
    v_bc = (v_bb + v_cc - facts.net_benefit.std_error**2) / 2
    variable = facts.cost.estimate - facts.fixed_per_unit
    return BenefitCost(facts.benefit.estimate, variable, facts.fixed_per_unit, v_bb, v_bc, v_cc)


def _outlook(
    experiment: Experiment, economics: Economics, facts: EconomicsFacts, by_stratum: StratumMoney
) -> OutlookFacts:
    alpha = experiment.analysis.alpha
    curve = acceptability(pair_of(facts))
    asked = (*economics.assumptions, *_of_the_program(experiment))
    assumed = [a for a in (_assumption(a, experiment, facts) for a in asked) if a is not None]
    net = facts.net_benefit
    bars = {bar.name: bar for bar in tornado(net.estimate, assumed)}
    total = total_uncertainty(net.estimate, net.std_error, assumed, alpha) if assumed else None
    shares = dict(total.shares) if total else {}
    return OutlookFacts(
        treatment=facts.treatment,
        acceptability=AcceptabilityFacts(curve.hurdles, curve.probabilities),
        assumptions=tuple(
            AssumptionFacts(
                a.name, a.low, a.base, a.high, bars[a.name].at_low, bars[a.name].at_high, shares.get(a.name)
            )
            for a in sorted(assumed, key=lambda a: -bars[a.name].swing)
        ),
        net_benefit_with_assumptions=interval_of(total.net_benefit) if total else None,
        probability_with_assumptions=total.probability_positive if total else None,
        rollout=_rollout(economics.rollout, experiment, economics, facts, by_stratum)
        if economics.rollout
        else None,
    )


def _of_the_program(experiment: Experiment) -> list[Assumed]:
    """Redemption rates whose standard deviation the program gives, and of which the spec says nothing."""
    points, economics = experiment.program.points, experiment.economics
    if points is None or economics is None:
        return []
    rates = {"base": points.redemption_rate.base, "bonus": points.redemption_rate.bonus}
    given = {a.name for a in economics.assumptions}
    return [
        Assumed(name=f"redemption_rate_{lot}", sd=rate.sd)
        for lot, rate in rates.items()
        if rate is not None and rate.sd > 0 and f"redemption_rate_{lot}" not in given
    ]


def _assumption(asked: Assumed, experiment: Experiment, facts: EconomicsFacts) -> Assumption | None:
    """Find the value that was used and how net benefit depends on it; None where nothing depends on it."""
    found = _dependence(asked.name, experiment, facts)
    if found is None:
        return None
    base, slope = found
    sd = asked.sd
    if asked.low is not None and asked.high is not None:
        low, high = min(asked.low, base), max(asked.high, base)
        sd = sd if sd is not None else (asked.high - asked.low) / (2 * normal_quantile(0.975))
    else:
        assert sd is not None
        half = normal_quantile(0.975) * sd
        low, high = base - half, base + half
        if asked.name in RATES:
            low, high = max(low, 0.0), min(high, 1.0)
    return Assumption(asked.name, low, base, high, sd or 0.0, slope)


def _dependence(name: str, experiment: Experiment, facts: EconomicsFacts) -> tuple[float, float] | None:
    """Value used, and change of net benefit a unit for one more of it: net benefit is linear in each."""
    economics, points = experiment.economics, experiment.program.points
    assert economics is not None
    per_unit = {line.id: line.per_unit for line in facts.cost_lines}
    lines = [line for line in economics.costs if line.id in per_unit]
    if name == "margin":
        margin = economics.benefit.margin
        return None if margin is None else (margin, facts.benefit.estimate / margin)
    if name == "cost_to_face":
        cost = sum(per_unit[line.id] for line in lines if line.points is not None)
        return (points.cost_to_face, -cost / points.cost_to_face) if points and cost else None
    if name.startswith("redemption_rate_"):
        lot = name.removeprefix("redemption_rate_")
        rate = getattr(points.redemption_rate, lot, None) if points else None
        if rate is None or points is None or facts.points is None:
            return None
        counted = {"base": facts.points.base_if_all_redeemed, "bonus": facts.points.bonus_if_all_redeemed}
        # Bonus points without a rate of their own have that of base points.
        alike = lot == "base" and points.redemption_rate.bonus is None
        slope = -(sum(counted.values()) if alike else counted[lot])
        return (rate.mean, slope) if slope else None
    price = experiment.program.cost_prices.get(name)
    cost = sum(per_unit[line.id] for line in lines if _priced_by(line.id, name, experiment))
    return (price.price, -cost / price.price) if price is not None and price.price and cost else None


def _priced_by(line_id: str, price: str, experiment: Experiment) -> bool:
    """Tell whether a cost line is paid at a price of the program."""
    assert experiment.economics is not None
    return any(c.id == line_id and c.price_of == price for c in experiment.economics.costs)


def _rollout(
    asked: Rollout,
    experiment: Experiment,
    economics: Economics,
    facts: EconomicsFacts,
    by_stratum: StratumMoney,
) -> RolloutFacts:
    """Scale to everyone eligible: fixed costs of the roll-out take the place of those of the test."""
    fixed = asked.fixed + sum(
        line.fixed or 0.0
        for line in economics.costs
        if line.scope in {"rollout", "both"} and (line.arms is None or facts.treatment in line.arms)
    )
    prior = Prior(asked.prior.mean, asked.prior.sd) if asked.prior else None
    try:
        strata = _strata(asked.eligible, facts, by_stratum)
        found = roll_out(strata, asked.coverage, fixed, experiment.analysis.alpha, prior)
    except NotEstimable as reason:
        return RolloutFacts(None, asked.coverage, fixed, None, None, None, None, None, None, str(reason))
    return _rollout_facts(asked, fixed, found)


def _rollout_facts(asked: Rollout, fixed: float, found: RollOut) -> RolloutFacts:
    net = found.shrunk
    estimate = net.mean if net is not None else found.net_benefit.estimate
    spread = net.sd if net is not None else found.net_benefit.std_error or 0.0
    worth = information_value(estimate - fixed / found.reached, spread, found.reached)
    return RolloutFacts(
        eligible=found.eligible,
        coverage=asked.coverage,
        fixed=fixed,
        net_benefit=interval_of(found.net_benefit),
        total=interval_of(found.total),
        probability_positive=found.probability_positive,
        shrunk_total=interval_of(found.shrunk_total) if found.shrunk_total else None,
        probability_shrunk_positive=found.probability_shrunk_positive,
        value_of_information=worth.total,
        not_estimable=None,
        loss_if_shipped=worth.loss_if_shipped * found.reached,
        loss_if_held=worth.loss_if_held * found.reached,
    )


def _strata(
    eligible: int | Mapping[str, int], facts: EconomicsFacts, by_stratum: StratumMoney
) -> Sequence[Stratum]:
    """Net benefit before fixed costs of those that are eligible: as tested, or of each stratum."""
    if isinstance(eligible, int):
        net = facts.net_benefit
        return [Stratum("all", net.estimate + facts.fixed_per_unit, net.std_error, eligible)]
    return [
        Stratum(name, *by_stratum(facts.treatment, name), count) for name, count in eligible.items() if count
    ]
