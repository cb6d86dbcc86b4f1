"""The comparisons a spec asks for that are not causal, from the sufficient statistics.

They carry no interval and no p-value: precision would lend them a weight that they do not have. Nothing that
decides reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from loyalty_exp.economics.naive import (
    NaiveFigure,
    before_after,
    before_after_market_adjusted,
    members_vs_nonmembers,
    participants_vs_nonparticipants,
)
from loyalty_exp.errors import NotEstimable
from loyalty_exp.metrics.metric import Metric
from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.naive_columns import TOOK_PART, before, block_of, comparisons, measured
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.readout.naive import NaiveFacts, NaiveFigureFacts
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.naive import Naive

RATIOS = ("members_vs_nonmembers", "participants_vs_nonparticipants")
"""Figures whose value is a ratio and not a relative change."""


def naive_facts(experiment: Experiment, outcomes: Outcomes) -> tuple[NaiveFacts, ...]:
    """Give the comparisons of every treatment; none where the spec asks for none."""
    asked = comparisons(experiment)
    if not asked or experiment.economics is None:
        return ()
    return tuple(
        NaiveFacts(
            treatment,
            experiment.control,
            experiment.economics.benefit.metric,
            tuple(f for given in asked for f in _figures(given, experiment, outcomes, treatment)),
        )
        for treatment in experiment.treatments
    )


def _figures(
    given: Naive, experiment: Experiment, outcomes: Outcomes, treatment: str
) -> Iterator[NaiveFigureFacts]:
    read = {"before_after": _before_after, "participated": _participated, "members": _members}[given.compare]
    try:
        yield from read(given, experiment, outcomes, treatment)
    except NotEstimable as reason:
        yield NaiveFigureFacts(given.compare, not_estimable=str(reason))


def _before_after(
    given: Naive, experiment: Experiment, outcomes: Outcomes, treatment: str
) -> Iterator[NaiveFigureFacts]:
    """The treated arm with itself in as many days before."""
    value, earlier = measured(experiment), before(experiment)
    block = outcomes.overall[block_of("before_after")][treatment]
    mean = block.mean_of(value.id)
    was = block.mean_of(earlier.id) * _same_length(value, experiment)
    yield _figure("before_after", (block.n, mean), (block.n, was), lambda: before_after(was, mean))
    growth = given.market_growth
    if growth is not None:
        would_be = was * (1 + growth)
        yield _figure(
            "before_after_market_adjusted",
            (block.n, mean),
            (block.n, would_be),
            lambda: before_after_market_adjusted(was, mean, growth),
        )


def _same_length(value: UnitColumn, experiment: Experiment) -> float:
    """What sums before are multiplied by, where as many days were not watched before as after."""
    if experiment.shape == "units":
        return 1.0
    days, earlier = value.days or experiment.schedule.outcome_days or 0, experiment.schedule.pre_days
    if days != earlier and _metric(experiment).measure != "mean":
        raise NotEstimable(f"a share over {days} days does not compare with one over {earlier} days before")
    return days / earlier


def _metric(experiment: Experiment) -> Metric:
    assert experiment.economics is not None
    return experiment.library[experiment.economics.benefit.metric]


def _participated(
    given: Naive, experiment: Experiment, outcomes: Outcomes, treatment: str
) -> Iterator[NaiveFigureFacts]:
    """Those of the treated arm who took part with the rest: both means from one covariance."""
    block = outcomes.overall[block_of("participated")][treatment]
    name = measured(experiment).id
    share, mean = block.mean_of(TOOK_PART), block.mean_of(name)
    took_part = round(block.n * share)
    if took_part in (0, block.n):
        raise NotEstimable("nobody took part" if not took_part else "everybody took part")
    _large_enough(experiment, took_part, block.n - took_part)
    together = float(block.comoment[block.columns.index(name), block.columns.index(TOOK_PART)])
    inside = mean + together / took_part
    rest = mean - together / (block.n - took_part)
    yield _figure(
        "participated",
        (took_part, inside),
        (block.n - took_part, rest),
        lambda: participants_vs_nonparticipants(inside, rest),
    )


def _members(
    given: Naive, experiment: Experiment, outcomes: Outcomes, treatment: str
) -> Iterator[NaiveFigureFacts]:
    """The treated arm with people outside the program."""
    found = outcomes.outside
    if found is None or isinstance(found, NotEstimable):
        raise found or NotEstimable("people outside the program were not asked for")
    _large_enough(experiment, found.n)
    block = outcomes.overall[_metric(experiment).id][treatment]
    mean = block.mean_of(measured(experiment).id)
    yield _figure(
        "members", (block.n, mean), (found.n, found.mean), lambda: members_vs_nonmembers(mean, found.mean)
    )


def _large_enough(experiment: Experiment, *units: int) -> None:
    """Hide a group that is as small as a hidden segment: its mean could tell of a person."""
    least = experiment.analysis.min_cell
    if min(units) < least:
        raise NotEstimable(f"fewer than {least} units in a group")


def _figure(
    name: str, one: tuple[int, float], other: tuple[int, float], value: Callable[[], NaiveFigure]
) -> NaiveFigureFacts:
    """Put two means side by side; the relative figure is null where the other mean is not above 0."""
    try:
        found = value()
        relative = found.value - 1 if found.comparison in RATIOS else found.value
    except NotEstimable:
        relative = None
    return NaiveFigureFacts(name, one[0], other[0], one[1], other[1], one[1] - other[1], relative)
