"""Can the test answer what it is for; if not, why, and what would change that at least cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from loyalty_exp.errors import NotEstimable
from loyalty_exp.planning.baseline import Baselines
from loyalty_exp.planning.families import Clustered, Means, Proportions, WithinMargin
from loyalty_exp.planning.money_questions import expected_benefit, expected_cost
from loyalty_exp.planning.question import Question, constant
from loyalty_exp.planning.result import Answer, Way, Why
from loyalty_exp.planning.solve import Terms, units_needed, whole
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.sizing import Sizing
from loyalty_exp.stats.power.design import Level

BEST_CORRELATION = 0.95
"""No covariate known before the test is expected to do better."""

MOST_WAYS = 3

LONGEST = 3_660
"""Days; a test that takes longer than ten years is no way to an answer."""


def reasons(answers: tuple[Answer, ...], terms: Terms, limited_by_days: bool) -> tuple[Why, ...]:
    """Say for every question that must be answered why it cannot."""
    found = []
    for a in answers:
        if not a.required or a.answerable:
            continue
        if a.reason is not None:
            code = "no_effect_named" if a.reason.startswith("no effect is named") else "not_sizable"
            code = "loses_money" if "lose money" in a.reason else code
            found.append(Why(code, a.kind, a.id, a.treatment, words=a.reason))
            continue
        code = "too_few_days" if limited_by_days else "too_few_units"
        found.append(Why(code, a.kind, a.id, a.treatment, float(a.n_total or 0), terms.available))
    return tuple(found)


def binding_of(pairs: list[tuple[Question, Answer]]) -> tuple[Question, Answer] | None:
    """Find the required question that needs the most units; one that can be sized at all."""
    sized = [(q, a) for q, a in pairs if a.required and a.n_total is not None]
    return max(sized, key=lambda pair: pair[1].n_total or 0, default=None)


def ways(
    experiment: Experiment,
    sizing: Sizing,
    baselines: Baselines,
    terms: Terms,
    pairs: list[tuple[Question, Answer]],
) -> tuple[Way, ...]:
    """Give the cheapest changes that would let the test answer, those that suffice alone first."""
    return considered(experiment, sizing, baselines, terms, pairs)[:MOST_WAYS]


def considered(
    experiment: Experiment,
    sizing: Sizing,
    baselines: Baselines,
    terms: Terms,
    pairs: list[tuple[Question, Answer]],
) -> tuple[Way, ...]:
    """Give all changes that would bring an answer nearer, the cheapest that suffice alone first."""
    losing = next((q for q, a in pairs if a.required and a.reason and "lose money" in a.reason), None)
    found: list[Way] = list(_offer(experiment, sizing, baselines, losing)) if losing is not None else []
    cost = _cost(experiment, sizing, baselines)
    short = sorted(_short(pairs), key=lambda q: -units_needed(q, terms)) if terms.available else []
    kinds: set[str] = set()
    for i, question in enumerate(short):
        needed = float(whole(units_needed(question, terms), terms.shares))
        for way in WAYS:
            # The question that needs most comes first; of each kind of change its way counts. What helps
            # another one alone is not enough.
            new = list(way(experiment, sizing, baselines, terms, pairs, question, needed, cost))
            new = [replace(w, enough=w.enough and i == 0) for w in new]
            found += [w for w in new if w.kind not in kinds]
            kinds |= {w.kind for w in new}
    found.sort(key=_rank)
    return tuple(found)


def _rank(way: Way) -> tuple[bool, bool, float, float, float]:
    return (
        not way.enough,
        way.cost is None,
        way.cost if way.cost is not None else math.inf,
        way.days or 0.0,
        way.units if way.units is not None else math.inf,
    )


Cost = Callable[[dict[str, float], float], float | None]


def _cost(experiment: Experiment, sizing: Sizing, baselines: Baselines) -> Cost:
    """Variable cost of so many units in given shares; None where an arm's is not known."""
    each = {arm: expected_cost(experiment, sizing, baselines, arm) for arm in experiment.treatments}

    def cost(shares: dict[str, float], units: float) -> float | None:
        if any(c is None for c in each.values()):
            return None
        return units * math.fsum((each[arm] or 0.0) * shares.get(arm, 0.0) for arm in each)

    return cost


def _added(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before


def _longer(
    experiment: Experiment, sizing: Sizing, baselines: Baselines, terms: Terms,
    pairs: list[tuple[Question, Answer]], question: Question, needed: float, cost: Cost,
) -> Iterator[Way]:  # fmt: skip
    """Let units enter for longer; only where they enter day by day."""
    if terms.entry_per_day is None or terms.available is None:
        return
    there = sizing.available_units
    enough = there is None or needed <= there
    days = terms.enrol(needed)
    added = _added(cost(dict(terms.shares), needed), cost(dict(terms.shares), terms.available))
    more, total = days - terms.enrol(terms.available), days + question.days + terms.after
    if total > LONGEST:
        return
    yield Way("longer", enough, added, float(more), needed, float(days), {"total_days": total})


def _larger(
    experiment: Experiment, sizing: Sizing, baselines: Baselines, terms: Terms,
    pairs: list[tuple[Question, Answer]], question: Question, needed: float, cost: Cost,
) -> Iterator[Way]:  # fmt: skip
    """Take in more units: other regions, tiers, stores; more a day where they enter day by day."""
    assert terms.available
    added = _added(cost(dict(terms.shares), needed), cost(dict(terms.shares), terms.available))
    yield Way("larger", True, added, 0.0, needed, needed / terms.available)


def _covariate(
    experiment: Experiment, sizing: Sizing, baselines: Baselines, terms: Terms,
    pairs: list[tuple[Question, Answer]], question: Question, needed: float, cost: Cost,
) -> Iterator[Way]:  # fmt: skip
    """Adjust for something known before that goes with the metric more closely."""
    known = question.known
    short = _short(pairs)
    if known is None or not terms.available or any(q.known is None for q in short):
        return
    needs = [_correlation(q, units_needed(q, terms), terms.available) for q in short]
    correlation = _correlation(question, needed, terms.available)
    reached = min(correlation, BEST_CORRELATION)
    after = needed * (1 - reached**2) / (1 - known.correlation**2)
    name = question.id
    if question.role == "money" and experiment.economics is not None:
        name = experiment.economics.benefit.metric
    yield Way("covariate", max(needs) <= BEST_CORRELATION, 0.0, 0.0, after, reached,
              {"metric": name, "now": known.correlation})  # fmt: skip


def _correlation(question: Question, needed: float, there: float) -> float:
    """Correlation at which the units there are would do; covariates leave ``1 - rho^2`` of the variance."""
    assert question.known is not None
    return math.sqrt(max(0.0, 1 - (1 - question.known.correlation**2) * there / needed))


def _short(pairs: list[tuple[Question, Answer]]) -> list[Question]:
    """Questions that must be answered and have too few units."""
    return [q for q, a in pairs if a.required and not a.answerable and a.n_total is not None]


def _alone(question: Question, pairs: list[tuple[Question, Answer]]) -> bool:
    """Whether this question is the only one that is short, in all its arms."""
    return all(q.id == question.id and q.kind == question.kind for q in _short(pairs))


def _most(pairs: list[tuple[Question, Answer]], terms: Terms) -> float:
    """Units that all questions need which are short now, with other shares."""
    return max(units_needed(q, terms) for q in _short(pairs))


def _narrower(
    experiment: Experiment, sizing: Sizing, baselines: Baselines, terms: Terms,
    pairs: list[tuple[Question, Answer]], question: Question, needed: float, cost: Cost,
) -> Iterator[Way]:  # fmt: skip
    """Test those in whom the metric is less uneven, at the same effect relative to their mean."""
    if question.known is None or question.effect is None or not question.mean or not terms.available:
        return
    relative = question.effect(needed) / abs(question.mean)
    best: tuple[float, Way] | None = None
    for part in baselines.narrower.get(question.id, ()):
        k = part.known
        inner = question.test.inner if isinstance(question.test, WithinMargin) else question.test
        test: Means | Proportions | Clustered
        if isinstance(inner, Proportions):
            test = Proportions(k.mean, inner.direction)
        elif isinstance(inner, Clustered):
            test = Clustered(k.sd_left, inner.shape)
        else:
            test = Means((k.sd_left, k.sd_left))
        effect = constant(relative * abs(k.mean))
        whole = WithinMargin(test) if isinstance(question.test, WithinMargin) else test
        try:
            units = units_needed(replace(question, test=whole, effect=effect, mean=k.mean), terms)
        except NotEstimable:
            continue
        there = terms.available * part.share
        gain = units / there
        if gain >= needed / terms.available or (best is not None and best[0] <= gain):
            continue
        added = _added(cost(dict(terms.shares), min(units, there)), cost(dict(terms.shares), terms.available))
        detail = {"dimension": part.name[0], "value": part.name[1], "there": there}
        best = (
            gain,
            Way(
                "narrower", units <= there and _alone(question, pairs), added, 0.0, units, part.share, detail
            ),
        )
    if best is not None:
        yield best[1]


def _surrogate(
    experiment: Experiment, sizing: Sizing, baselines: Baselines, terms: Terms,
    pairs: list[tuple[Question, Answer]], question: Question, needed: float, cost: Cost,
) -> Iterator[Way]:  # fmt: skip
    """Decide by another metric of the spec that needs fewer units; of money, by what it is made of."""
    others = [
        (a.n_total, a.id)
        for q, a in pairs
        if q.kind == "metric" and a.treatment == question.treatment and a.n_total
        and (_stands_for_money(experiment, a) if question.role == "money" else not a.required)
    ]  # fmt: skip
    if question.kind not in {"metric", "net_benefit", "roi"} or not others or not terms.available:
        return
    units, name = min(others)
    if units < needed:
        yield Way(
            "surrogate",
            units <= terms.available and _alone(question, pairs),
            0.0,
            0.0,
            float(units),
            None,
            {"metric": name},
        )


def _stands_for_money(experiment: Experiment, answer: Answer) -> bool:
    economics = experiment.economics
    return answer.role == "primary" or (economics is not None and answer.id == economics.benefit.metric)


def _shares(
    experiment: Experiment, sizing: Sizing, baselines: Baselines, terms: Terms,
    pairs: list[tuple[Question, Answer]], question: Question, needed: float, cost: Cost,
) -> Iterator[Way]:  # fmt: skip
    """Make the arms equal."""
    equal = dict.fromkeys(terms.shares, 1 / len(terms.shares))
    if max(terms.shares.values()) - min(terms.shares.values()) < 0.02 or not terms.available:
        return
    units = _most(pairs, replace(terms, shares=equal))
    if units >= needed:
        return
    added = _added(cost(equal, min(units, terms.available)), cost(dict(terms.shares), terms.available))
    yield Way("shares", units <= terms.available, added, 0.0, units, 1 / len(equal))


def _fewer_arms(
    experiment: Experiment, sizing: Sizing, baselines: Baselines, terms: Terms,
    pairs: list[tuple[Question, Answer]], question: Question, needed: float, cost: Cost,
) -> Iterator[Way]:  # fmt: skip
    """Test one treatment against control, with all units in the two arms."""
    if len(experiment.treatments) < 2 or question.treatment is None or not terms.available:
        return
    two = {terms.control: 0.5, question.treatment: 0.5}
    alpha = question.level.alpha * (len(experiment.treatments) if question.role == "primary" else 1)
    level = Level(min(alpha, experiment.analysis.alpha), question.level.sides)
    if question.role == "money":
        level = question.level
    units = units_needed(replace(question, level=level), replace(terms, shares=two))
    added = _added(cost(two, min(units, terms.available)), cost(dict(terms.shares), terms.available))
    if units < needed:
        yield Way(
            "fewer_arms", units <= terms.available, added, 0.0, units, 2.0, {"treatment": question.treatment}
        )


WAYS = (_longer, _larger, _covariate, _narrower, _surrogate, _shares, _fewer_arms)


def _offer(experiment: Experiment, sizing: Sizing, baselines: Baselines, question: Question) -> Iterator[Way]:
    """Where the offer loses money at the effect planned for, more units change nothing: the offer must."""
    benefit = expected_benefit(experiment, sizing, baselines)
    hurdle = experiment.economics.hurdle if experiment.economics and question.kind == "roi" else 0.0
    arm = question.treatment or ""
    cost = expected_cost(experiment, sizing, baselines, arm)
    if benefit is None or cost is None:
        return
    if benefit > 0:
        yield Way("cheaper_offer", True, 0.0, 0.0, None, benefit / (1 + hurdle), {"now": cost})
        yield Way("larger_effect", True, 0.0, 0.0, None, (1 + hurdle) * cost / benefit, {"now": benefit})
