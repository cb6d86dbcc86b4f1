"""How the money summed up: net benefit by day since assignment, its band, and when it was back."""

from __future__ import annotations

from dataclasses import replace

from loyalty_exp.economics.displaced import cannibalization_facts, pulled_forward_facts
from loyalty_exp.economics.ledger import BENEFIT, COST, fixed_per_unit, own_fixed, sharing_units
from loyalty_exp.economics.money_means import money_means
from loyalty_exp.economics.payback import for_good, paid_back
from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.outcomes import Outcomes, OverTime, Sums
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.readout.figures import interval_of
from loyalty_exp.readout.over_time import OverTimeFacts, PaybackFacts, TimePoint
from loyalty_exp.readout.sequential import Look
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.benefit_cost import BenefitCost, benefit_cost, net_benefit
from loyalty_exp.stats.confidence_sequence import running_sequence
from loyalty_exp.stats.means import ArmMeans

ROUNDING = 1e-12
"""Part of the money moved within which a sum of 0 may miss 0."""


def over_time(
    experiment: Experiment, outcomes: Outcomes, look: Look | None = None
) -> tuple[OverTimeFacts, ...]:
    """Follow the money of every treatment; nothing where the data have no time, as a per-unit table."""
    if experiment.economics is None or outcomes.over_time is None:
        return ()
    return tuple(_facts(experiment, outcomes, outcomes.over_time, arm, look) for arm in experiment.treatments)


def on_day(outcomes: Outcomes, sums: Sums) -> Outcomes:
    """Give the outcomes as if the money had been read with these sums."""
    return replace(
        outcomes,
        overall={ECONOMICS: sums.overall or outcomes.overall[ECONOMICS]},
        strata={name: {ECONOMICS: arms} for name, arms in sums.strata.items()},
        evidence=replace(outcomes.evidence, clusters={None: {ECONOMICS: sums.clusters}}),
    )


def _facts(
    experiment: Experiment, outcomes: Outcomes, found: OverTime, treatment: str, look: Look | None
) -> OverTimeFacts:
    units = {arm: m.n for arm, m in outcomes.overall[ECONOMICS].items()}
    facts = OverTimeFacts(
        treatment=treatment,
        control=experiment.control,
        period_days=found.step,
        units_treatment=units[treatment],
        units_control=units[experiment.control],
        points=(),
        payback=None,
        pulled_forward=None,
        cannibalization=None,
    )
    fixed = own_fixed(experiment, fixed_per_unit(experiment, treatment, sharing_units(outcomes, look)))
    try:
        pairs = [_pair(experiment, on_day(outcomes, sums), treatment, fixed) for sums in found.at]
    except NotEstimable as reason:
        return replace(facts, not_estimable=str(reason))
    points, payback = curve(found.ends, pairs, experiment.analysis.alpha)
    beside = on_day(outcomes, found.beside) if found.beside is not None else None
    return replace(
        facts,
        points=points,
        payback=payback,
        pulled_forward=pulled_forward_facts(experiment, beside, found, treatment),
        cannibalization=cannibalization_facts(experiment, beside, found, treatment),
    )


def curve(
    ends: tuple[int, ...], pairs: list[BenefitCost], alpha: float
) -> tuple[tuple[TimePoint, ...], PaybackFacts]:
    """Turn benefit and cost up to each day into points of the curve, and say when the money was back.

    Parameters
    ----------
    ends : tuple of int, length t
        Days since assignment.
    pairs : list of BenefitCost, length t
        Summed up to each.
    alpha : float
        Two-sided.
    """
    net = [net_benefit(pair, alpha) for pair in pairs]
    band = running_sequence([m.estimate for m in net], [m.std_error for m in net], alpha)
    points = tuple(
        TimePoint(
            day,
            pair.delta_benefit,
            pair.total_cost,
            interval_of(m),
            b.ci_lower if b else None,
            b.ci_upper if b else None,
        )
        for day, pair, m, b in zip(ends, pairs, net, band, strict=True)
    )
    noise = ROUNDING * max(abs(p.delta_benefit) + abs(p.delta_cost) + abs(p.fixed) for p in pairs)
    found = paid_back([m.estimate for m in net], [m.std_error for m in net], alpha, noise)
    # Where nothing varies yet, the band is the estimate itself.
    lowest = [m.estimate if b is None else b.ci_lower for m, b in zip(net, band, strict=True)]

    def day(period: int | None) -> int | None:
        return None if period is None else ends[period - 1]

    return points, PaybackFacts(
        day(found.first_crossing),
        day(found.sustained),
        day(found.conservative),
        day(for_good(lowest, noise)),
    )


def _pair(experiment: Experiment, outcomes: Outcomes, treatment: str, fixed: float) -> BenefitCost:
    """Benefit and cost of one day, adjusted as the headline is."""
    assert experiment.economics is not None
    metric = experiment.library[experiment.economics.benefit.metric]
    covariates = metric.needs(experiment.shape, experiment.library).covariates
    treated, control = money_means(experiment, outcomes, treatment, (BENEFIT, COST), covariates)
    return benefit_cost(_named(treated), _named(control), fixed)


def _named(arm: ArmMeans) -> ArmMeans:
    """Name the columns as the arithmetic knows them."""
    return ArmMeans(arm.n, ("benefit", "cost"), arm.mean, arm.covariance, arm.df)
