"""Planting an effect that is known: what every unit would have done under the treatment, with what it costs.

Each unit of the history gets a second row of values, those it would have under treatment; the history itself
is what it does without. Nothing else is made up: baskets grow by a factor, orders are those of other units of
the history, and whoever stays away is emptied. Money and costs of an order go with the order. The true effect
is the mean of the differences over all units, so it is known exactly, whatever was asked for and however it
fell.

``nb=2``
    Net benefit of 2 a treated unit after all costs of the spec, by larger baskets.
``basket=+5%``
    Every sum of money, and the costs that are sums over orders, grow by 5%.
``frequency=+10%``
    One unit in ten has the orders of another unit on top of its own; with a minus, one in ten has none.
``churn=-10%``
    One in ten of the units that did nothing does what a random active unit did; with a plus, as many of the
    active units as are a tenth of those do nothing.
``redemption=+20%``
    Cost events happen a fifth more often, among active units first; benefit stays.
``METRIC=+5%`` or ``METRIC=+1.5``
    The metric grows by so much: by baskets if it is money, by orders if it is a count, by units that act as
    those who did if it is a share. Other columns follow.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import UsageError
from loyalty_exp.metrics import Amount, Count, Margin, Ratio
from loyalty_exp.outcomes.plan import BALANCE, ECONOMICS, Plan, money_column
from loyalty_exp.planning.history import Column, History
from loyalty_exp.spec.experiment import Experiment

Kind = Literal["money", "count", "binary"]
Rows = dict[str, Column]

NET_BENEFIT = "nb"
WAYS = ("basket", "frequency", "churn", "redemption")

_FORM = re.compile(r"([A-Za-z0-9_.-]+)=([+-]?(?:\d+\.?\d*|\.\d+))(%?)")


@dataclass(frozen=True, slots=True)
class Wish:
    """One effect as asked for: ``spend=+5%`` is (``spend``, 0.05, relative)."""

    name: str
    value: float
    relative: bool

    @property
    def text(self) -> str:
        """As on the command line, in one spelling."""
        shown = f"{100 * self.value:+.10g}%" if self.relative else f"{self.value:+.10g}"
        return f"{self.name}={shown}"


def wishes_of(texts: Sequence[str], experiment: Experiment) -> tuple[Wish, ...]:
    """Read effects as they stand on the command line.

    Raises
    ------
    UsageError
        If one has another form, or names nothing of the spec.
    """
    known = [NET_BENEFIT, *WAYS, *experiment.library]
    found = []
    for text in texts:
        match = _FORM.fullmatch(text.strip())
        if match is None or match[1] not in known:
            raise UsageError(
                f"--effect {text!r} is not an effect; write nb=2, spend=+5% or churn=-10%, with one of "
                + ", ".join(known)
            )
        value, relative = float(match[2]), match[3] == "%"
        if match[1] in WAYS and not relative:
            raise UsageError(f"--effect {text}: {match[1]} changes by a share; write {match[1]}=+5%")
        if match[1] == NET_BENEFIT and (relative or experiment.economics is None):
            raise UsageError("--effect nb=2 is money a unit, and needs the section economics of the spec")
        if relative and value <= -100:
            raise UsageError(f"--effect {text}: nothing falls by 100% or more")
        found.append(Wish(match[1], value / 100 if relative else value, relative))
    if sum(w.name == NET_BENEFIT for w in found) and found[-1].name != NET_BENEFIT:
        found.sort(
            key=lambda w: w.name == NET_BENEFIT
        )  # what is left to reach is known when the rest is planted
    return tuple(found)


def kinds_of(experiment: Experiment, asked: Plan, history: History) -> dict[str, Kind]:
    """Say of each outcome column whether it is money, a count, or 0 and 1; covariates are not there."""
    outcome = {name for b in asked.blocks if b.name != BALANCE for name in b.outcome}
    counts = {
        name
        for m in experiment.metrics
        if isinstance(m, Count)
        for name in m.needs(experiment.shape, experiment.library).outcome
    }
    owned = {
        name for m in experiment.metrics for name in m.needs(experiment.shape, experiment.library).outcome
    }
    kinds: dict[str, Kind] = {}
    for c in asked.columns:
        if c.id not in outcome:
            continue
        x = history.columns[c.id]
        whole = bool((np.nan_to_num(x) == np.floor(np.nan_to_num(x))).all())
        if c.kind in {"any_order", "within"} or c.check == "binary":
            kinds[c.id] = "binary"
        elif c.kind in {"orders", "events"} or c.id.removesuffix("__uncapped") in counts:
            kinds[c.id] = "count"
        else:
            unnamed = c.kind == "column" and c.id not in owned and whole
            kinds[c.id] = "count" if unnamed else "money"
    return kinds


def planted(
    history: History,
    experiment: Experiment,
    asked: Plan,
    wishes: Sequence[Wish],
    seed: int,
    net_benefit: Callable[[Mapping[str, Column]], float],
) -> Rows:
    """Give the values of all units under treatment.

    Parameters
    ----------
    net_benefit : callable
        True net benefit a unit of given treated values, all costs of the spec in it.

    Returns
    -------
    mapping of column id to array, shape (n,)
        Outcome columns only, not capped.

    Raises
    ------
    UsageError
        If an effect cannot be planted on these data.
    """
    kinds = kinds_of(experiment, asked, history)
    rows: Rows = {name: history.columns[name] for name in kinds}
    for i, wish in enumerate(wishes):
        rng = np.random.default_rng([seed, 0x504C414E54, i])
        rows = _one(rows, kinds, wish, experiment, rng, net_benefit)
        rows = {k: np.where(np.isnan(history.columns[k]), np.nan, np.nan_to_num(x)) for k, x in rows.items()}
    return rows


def _one(
    rows: Rows,
    kinds: Mapping[str, Kind],
    wish: Wish,
    experiment: Experiment,
    rng: np.random.Generator,
    net_benefit: Callable[[Mapping[str, Column]], float],
) -> Rows:
    if wish.name == NET_BENEFIT:
        return _net_benefit(rows, kinds, wish.value, net_benefit)
    if wish.name == "basket":
        return basket(rows, kinds, wish.value)
    if wish.name == "frequency":
        return frequency(rows, kinds, wish.value, rng)
    if wish.name == "churn":
        return churn(rows, wish.value, rng)
    if wish.name == "redemption":
        return redemption(rows, kinds, wish.value, experiment, rng)
    metric = experiment.library[wish.name]
    column = metric.needs(experiment.shape, experiment.library).outcome[0]
    mean = float(np.nanmean(rows[column])) if len(rows[column]) else math.nan
    if not mean or not math.isfinite(mean):
        raise UsageError(
            f"--effect {wish.text}: the mean of {wish.name} is 0, so that it cannot be made larger"
        )
    change = wish.value if wish.relative else wish.value / _level(rows, metric, experiment)
    if isinstance(metric, (Amount, Margin, Ratio)) and kinds[column] == "money":
        return basket(rows, kinds, change)
    if kinds[column] == "binary":
        return share(rows, column, change, rng)
    return frequency(rows, kinds, change, rng)


def _level(rows: Rows, metric: object, experiment: Experiment) -> float:
    """Mean of a metric, or the ratio of its sums."""
    needs = metric.needs(experiment.shape, experiment.library)  # type: ignore[attr-defined]
    sums = [float(np.nanmean(rows[name])) for name in needs.outcome]
    return sums[0] if len(sums) == 1 else sums[0] / sums[1]


def basket(rows: Rows, kinds: Mapping[str, Kind], change: float) -> Rows:
    """Multiply money."""
    return {name: x * (1 + change) if kinds[name] == "money" else x for name, x in rows.items()}


def frequency(rows: Rows, kinds: Mapping[str, Kind], change: float, rng: np.random.Generator) -> Rows:
    """Give units the orders of others on top of their own, or empty them."""
    n = len(next(iter(rows.values())))
    if change < 0:
        return _emptied(rows, rng.random(n) < -change)
    out = dict(rows)
    for part in [1.0] * int(change) + [change % 1.0]:
        more, donor = rng.random(n) < part, rng.integers(0, n, size=n)
        for name, x in rows.items():
            gift = np.where(more, np.nan_to_num(x[donor]), 0.0)
            out[name] = np.maximum(out[name], gift) if kinds[name] == "binary" else out[name] + gift
    return out


def churn(rows: Rows, change: float, rng: np.random.Generator) -> Rows:
    """Change the number of units that did nothing."""
    idle = ~active(rows)
    count = round(abs(change) * int(idle.sum()))
    if not count or idle.all():
        raise UsageError("--effect churn: no unit did nothing, or all did; there is no churn to change")
    if change < 0:
        return _as_donors(rows, chosen(idle, count, rng), ~idle, rng)
    return _emptied(rows, chosen(~idle, count, rng))


def share(rows: Rows, column: str, change: float, rng: np.random.Generator) -> Rows:
    """Change the number of units for which it happened; their whole rows follow."""
    x = np.nan_to_num(rows[column])
    yes, no = x > 0, (x == 0) & ~np.isnan(rows[column])
    count = round(abs(change) * int(yes.sum()))
    if change < 0:
        return _emptied(rows, chosen(yes, count, rng))
    if count > no.sum():
        raise UsageError(f"--effect {column}: a share cannot grow beyond all units")
    return _as_donors(rows, chosen(no, count, rng), yes, rng)


def redemption(
    rows: Rows, kinds: Mapping[str, Kind], change: float, experiment: Experiment, rng: np.random.Generator
) -> Rows:
    """Change how often cost events happen; where all active units have one, each costs so much more."""
    if experiment.economics is None:
        raise UsageError("--effect redemption needs the section economics of the spec")
    from loyalty_exp.outcomes.plan import plan

    benefit = money_column(experiment.economics.benefit.metric, experiment)
    block = next(b for b in plan(experiment).blocks if b.name == ECONOMICS)
    costs = [name for name in block.outcome if name != benefit]
    if not costs:
        raise UsageError("--effect redemption: no cost of the spec counts events")
    out, acts = dict(rows), active(rows)
    for name in costs:
        x = np.nan_to_num(out[name])
        has, lacks = x != 0, (x == 0) & acts
        wanted = round(abs(change) * int(has.sum()))
        if change < 0:
            out[name] = np.where(chosen(has, wanted, rng), 0.0, x)
        elif wanted <= lacks.sum() and kinds[name] != "money":
            out[name] = np.where(chosen(lacks, wanted, rng), x[_donors(has, len(x), rng)], x)
        else:
            out[name] = x * (1 + change)
    return out


def _net_benefit(
    rows: Rows, kinds: Mapping[str, Kind], target: float, net_benefit: Callable[[Mapping[str, Column]], float]
) -> Rows:
    """Net benefit is linear in the factor of the baskets."""
    now = net_benefit(rows)
    slope = net_benefit(basket(rows, kinds, 1.0)) - now
    if abs(slope) < 1e-12 * (abs(now) + 1):
        raise UsageError(
            "--effect nb: larger baskets do not change net benefit, since the benefit is no money; "
            "plant the metric of the benefit instead"
        )
    change = (target - now) / slope
    if change <= -1:
        raise UsageError(
            f"--effect nb={target:g} is beyond what baskets can do; emptied ones give {now - slope:.4g}"
        )
    return basket(rows, kinds, change)


def active(rows: Rows) -> npt.NDArray[np.bool_]:
    """Units that did anything."""
    return np.asarray(np.logical_or.reduce([np.nan_to_num(x) != 0 for x in rows.values()]))


def chosen(among: npt.NDArray[np.bool_], count: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Choose so many of them at random; all of them where there are fewer."""
    at = np.flatnonzero(among)
    out = np.zeros(len(among), dtype=bool)
    out[rng.permutation(at)[:count]] = True
    return out


def _donors(among: npt.NDArray[np.bool_], n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    at = np.flatnonzero(among)
    return np.asarray(at[rng.integers(0, len(at), size=n)])


def _as_donors(
    rows: Rows, who: npt.NDArray[np.bool_], donors: npt.NDArray[np.bool_], rng: np.random.Generator
) -> Rows:
    """Let some units do what random donors did."""
    from_whom = _donors(donors, len(who), rng)
    return {name: np.where(who, np.nan_to_num(x[from_whom]), x) for name, x in rows.items()}


def _emptied(rows: Rows, who: npt.NDArray[np.bool_]) -> Rows:
    return {name: np.where(who, 0.0, x) for name, x in rows.items()}
