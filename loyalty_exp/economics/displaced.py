"""What was bought earlier instead of more, and what was bought here instead of there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from loyalty_exp.economics.ledger import Ledger
from loyalty_exp.economics.money_means import Book, money_means
from loyalty_exp.economics.pull_forward import (
    Share,
    TwoDifferences,
    cannibalization,
    pull_forward,
    two_differences,
)
from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.outcomes import OFFER, Outcomes, OverTime
from loyalty_exp.outcomes.over_time import scope_of
from loyalty_exp.outcomes.plan import ECONOMICS, money_column
from loyalty_exp.readout.figures import Interval, Relative, normal_interval
from loyalty_exp.readout.over_time import CannibalizationFacts, PulledForwardFacts
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.moments import Moments

NO_DAYS_AFTER = "the outcome window holds no days after the offer"
NO_CATEGORY = "no column of the transactions holds the category"

FIRST, SECOND = "$first", "$second"


def pulled_forward_facts(
    experiment: Experiment, beside: Outcomes | None, found: OverTime, treatment: str
) -> PulledForwardFacts | None:
    """Compare the days of the offer with those after it.

    None where no days after it are declared, and the arm lowers no price; an arm that does lower one, without
    such days, has a reason instead.

    Parameters
    ----------
    beside : Outcomes or None
        With the benefit and its parts in the place of the economics block.
    """
    economics, days = experiment.economics, experiment.schedule.outcome_days
    assert economics is not None
    offer = next(arm.intervention for arm in experiment.planned_arms if arm.id == treatment)
    if found.offer_days is None or beside is None or days is None:
        if economics.post_days is None and not (offer is not None and offer.lowers_price()):
            return None
        return PulledForwardFacts(not_estimable=NO_DAYS_AFTER)
    facts = PulledForwardFacts(found.offer_days, days - found.offer_days)
    try:
        pair = _pair(experiment, beside, treatment, OFFER)
        during, after = _intervals(pair, experiment.analysis.alpha)
        read = replace(facts, during=during, after=after)
        share = pull_forward(pair, experiment.analysis.alpha).share
    except NotEstimable as reason:
        return replace(facts, not_estimable=str(reason))
    return replace(read, share=_share(share), not_estimable=share.reason or None)


def cannibalization_facts(
    experiment: Experiment, beside: Outcomes | None, found: OverTime, treatment: str
) -> CannibalizationFacts | None:
    """Compare the promoted categories with the others; None where the offer is not confined to any."""
    scope = scope_of(experiment, treatment)
    if not scope:
        return None
    facts = CannibalizationFacts(scope)
    column = next((name for name, of in found.scopes.items() if of == scope), None)
    if column is None or beside is None:
        return replace(facts, not_estimable=NO_CATEGORY)
    try:
        pair = _pair(experiment, beside, treatment, column)
        within, outside = _intervals(pair, experiment.analysis.alpha)
        read = replace(facts, within=within, outside=outside)
        share = cannibalization(pair, experiment.analysis.alpha)
    except NotEstimable as reason:
        return replace(facts, not_estimable=str(reason))
    return replace(read, share=_share(share), not_estimable=share.reason or None)


def _pair(experiment: Experiment, beside: Outcomes, treatment: str, part: str) -> TwoDifferences:
    """Differences of a part of the benefit and of the rest, of the same units, in money."""
    economics = experiment.economics
    assert economics is not None
    whole = money_column(economics.benefit.metric, experiment)
    worth = economics.benefit.margin or economics.benefit.value or 1.0
    metric = experiment.library[economics.benefit.metric]
    covariates = metric.needs(experiment.shape, experiment.library).covariates
    weights: dict[str, Mapping[str, float]] = {
        FIRST: {part: worth},
        SECOND: {whole: worth, part: -worth},
        **{c: {c: 1.0} for c in covariates},
    }

    def opened(_: Experiment, arm: str, raw: Moments, covariates: tuple[str, ...]) -> Ledger:
        return Ledger(raw.combine(weights) if part in raw.columns else raw, {})

    book = Book(ECONOMICS, opened)
    means = money_means(experiment, beside, treatment, (FIRST, SECOND), covariates, book)
    return two_differences(*means, FIRST, SECOND)


def _intervals(pair: TwoDifferences, alpha: float) -> tuple[Interval, Interval]:
    """Give both differences with their intervals."""
    return normal_interval(pair.first, pair.v_11, alpha), normal_interval(pair.second, pair.v_22, alpha)


def _share(found: Share) -> Relative | None:
    if found.estimate is None:
        return None
    return Relative(found.estimate, None, found.found.lower, found.found.upper)
