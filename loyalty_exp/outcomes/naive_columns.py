"""Which per-unit columns the comparisons need that are not causal: before, and who took part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from loyalty_exp.grammar import Predicate
from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.cost_columns import coupon_codes
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.naive import Naive

TOOK_PART = "$took_part"
"""1 for a unit that took part, else 0."""

BEFORE = "$before"
"""The benefit metric before, of a per-unit table."""


def block_of(compare: str) -> str:
    """Name of the block of one comparison."""
    return f"$naive:{compare}"


def is_naive(block: str) -> bool:
    """Tell whether a block is one of a comparison."""
    return block.startswith(block_of(""))


def measured(experiment: Experiment) -> UnitColumn:
    """Column of the metric that is compared: that of the benefit."""
    assert experiment.economics is not None
    metric = experiment.library[experiment.economics.benefit.metric]
    return metric.needs(experiment.shape, experiment.library).columns[0]


def before(experiment: Experiment) -> UnitColumn:
    """The same before assignment; on transactions it is what the covariate ``pre`` is."""
    value = measured(experiment)
    if experiment.shape == "transactions":
        return replace(value, id=f"{value.id}__pre", window="pre", missing="zero", check="")
    (given,) = [n for n in comparisons(experiment) if n.compare == "before_after"]
    return UnitColumn(BEFORE, "column", given.column)


def naive_blocks(experiment: Experiment) -> Iterator[tuple[str, tuple[UnitColumn, ...]]]:
    """Blocks and their columns; the mean of people outside the program is asked for apart."""
    for given in comparisons(experiment):
        if given.compare == "before_after":
            yield block_of(given.compare), (measured(experiment), before(experiment))
        elif given.compare == "participated":
            yield block_of(given.compare), (measured(experiment), _took_part(given, experiment))


def comparisons(experiment: Experiment) -> tuple[Naive, ...]:
    """Comparisons that the spec asks for."""
    return experiment.economics.naive if experiment.economics is not None else ()


def outside_predicates(experiment: Experiment) -> tuple[Predicate, ...]:
    """Who is not in the program; nothing where members are not compared with them."""
    return tuple(p for given in comparisons(experiment) for p in given.outside)


def _took_part(given: Naive, experiment: Experiment) -> UnitColumn:
    if experiment.shape == "units":
        return UnitColumn(TOOK_PART, "column", given.column, check="binary")
    exposures, coupons = experiment.data.exposures, experiment.data.coupons
    if given.table != "coupons" and exposures is not None:
        return UnitColumn(TOOK_PART, "any_event", table="exposures")
    assert coupons is not None
    redeemed = Predicate(field=coupons.subsidy, op=">", value=0.0)
    return UnitColumn(TOOK_PART, "any_event", where=(*coupon_codes(experiment), redeemed), table="coupons")
