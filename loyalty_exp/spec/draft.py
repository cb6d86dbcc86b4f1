"""Whatever could be read of a spec, section by section, so that one mistake does not hide another."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from loyalty_exp.grammar import Label
from loyalty_exp.metrics import AnyMetric, Metric
from loyalty_exp.spec.analysis import Contrast
from loyalty_exp.spec.arms import Arm, ArmsInColumn
from loyalty_exp.spec.data import Data
from loyalty_exp.spec.decision import Decision
from loyalty_exp.spec.economics import Benefit, CostLine
from loyalty_exp.spec.naive import Naive, NaiveComparison
from loyalty_exp.spec.population import Population, Segment
from loyalty_exp.spec.program import DEFAULT_PROGRAM, Program
from loyalty_exp.spec.projection import Assumption, Horizon, Rollout
from loyalty_exp.spec.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Draft:
    """The sections that could be read; None, or absent from a mapping by position, where one could not.

    Attributes
    ----------
    raw : dict
        The spec as plain data, written out in full.
    data, schedule, decision, benefit, population, program, horizon, rollout
        Sections, or None.
    arms : dict of int to Arm, or ArmsInColumn, or None
    metrics : dict of int to Metric
    metric_ids : dict of int to str
        Of all metrics, also of those that could not be read.
    costs : dict of int to CostLine
    prices : tuple of str or None
        Names of the cost book; None when the program could not be read.
    segments, contrasts, assumptions, naive : dict by position
    factors : dict of str to tuple of str, or None
    post_days : int or None
    """

    raw: dict[str, Any]
    data: Data | None
    schedule: Schedule | None
    decision: Decision | None
    benefit: Benefit | None
    arms: dict[int, Arm] | ArmsInColumn | None
    metrics: dict[int, Metric]
    metric_ids: dict[int, str]
    costs: dict[int, CostLine]
    prices: tuple[str, ...] | None
    population: Population | None
    program: Program | None
    segments: dict[int, Segment]
    contrasts: dict[int, Contrast]
    factors: dict[str, tuple[str, ...]] | None
    horizon: Horizon | None
    rollout: Rollout | None
    assumptions: dict[int, Assumption]
    naive: dict[int, Naive]
    post_days: int | None

    @property
    def observational(self) -> bool:
        """True when the spec has a design in place of arms."""
        return "design" in self.raw

    @property
    def all_costs_read(self) -> bool:
        """True when no cost line is missing here."""
        economics = self.raw.get("economics")
        costs = economics.get("costs", ()) if isinstance(economics, dict) else ()
        return isinstance(costs, (list, tuple)) and len(costs) == len(self.costs)

    @property
    def units_shape(self) -> bool:
        """True when the spec names a per-unit table."""
        return self.data is not None and self.data.units is not None

    @property
    def transactions_shape(self) -> bool:
        """True when the spec names members and transactions."""
        return self.data is not None and self.data.units is None

    @property
    def by_id(self) -> dict[str, Metric]:
        """Metrics that could be read, by id."""
        return {m.id: m for m in self.metrics.values()}

    @property
    def arm_ids(self) -> tuple[str, ...] | None:
        """Ids of all arms, None when they are not all known."""
        if isinstance(self.arms, ArmsInColumn):
            return (self.arms.control, *self.arms.treatments)
        if self.arms is None or len(self.arms) != len(self.raw["arms"]):
            return None
        return tuple(a.id for a in self.arms.values())


def draft(raw: dict[str, Any]) -> Draft:
    """Read each section by itself."""
    economics = raw.get("economics")
    money = economics if isinstance(economics, dict) else {}
    program, analysis = raw.get("program"), raw.get("analysis")
    contrasts = analysis.get("contrasts") if isinstance(analysis, dict) else None
    post_days = money.get("post_days")
    book = program.get("cost_prices") if isinstance(program, dict) else None
    return Draft(
        raw=raw,
        data=_read(Data, raw.get("data")),
        schedule=_read(Schedule, raw.get("schedule", {})),
        decision=_read(Decision, raw.get("decision", {})),
        benefit=_read(Benefit, money.get("benefit")),
        arms=_arms(raw.get("arms")),
        metrics=_items(AnyMetric, raw.get("metrics")),
        metric_ids=_ids(raw.get("metrics")),
        costs=_items(CostLine, money.get("costs")),
        prices=tuple(book) if isinstance(book, dict) else None if "program" in raw and not program else (),
        population=_read(Population, raw.get("population", {})),
        program=_read(Program, program) if "program" in raw else DEFAULT_PROGRAM,
        segments=_items(Segment, raw.get("segments")),
        contrasts=_items(Contrast, contrasts),
        factors=_read(dict[str, tuple[Label, ...]], raw.get("factors", {})),
        horizon=_read(Horizon, money.get("horizon")),
        rollout=_read(Rollout, money.get("rollout")),
        assumptions=_items(Assumption, money.get("assumptions")),
        naive=_items(NaiveComparison, money.get("naive")),
        post_days=post_days if type(post_days) is int and post_days > 0 else None,
    )


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _read(kind: Any, value: Any) -> Any:
    try:
        return _adapter(kind).validate_json(json.dumps(value))
    except ValidationError:
        return None


def _items(kind: Any, values: Any) -> dict[int, Any]:
    if not isinstance(values, list):
        return {}
    read = {i: _read(kind, value) for i, value in enumerate(values)}
    return {i: item for i, item in read.items() if item is not None}


def _ids(values: Any) -> dict[int, str]:
    items = values if isinstance(values, list) else []
    return {i: v["id"] for i, v in enumerate(items) if isinstance(v, dict) and isinstance(v.get("id"), str)}


def _arms(value: Any) -> dict[int, Arm] | ArmsInColumn | None:
    if isinstance(value, dict):
        arms: ArmsInColumn | None = _read(ArmsInColumn, value)
        return arms
    return _items(Arm, value) if isinstance(value, list) else None
