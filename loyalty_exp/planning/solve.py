"""From a question to an answer: units needed, power and detectable effect at the units there are, days."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from loyalty_exp.errors import NotEstimable
from loyalty_exp.planning.families import Clustered, LogRank, Means, WithinMargin
from loyalty_exp.planning.looks import inflation
from loyalty_exp.planning.question import Question
from loyalty_exp.planning.result import Answer
from loyalty_exp.spec.analysis import AlwaysValid, GroupSequential
from loyalty_exp.stats.power.design import Pair, check_target
from loyalty_exp.stats.power.search import MOST_UNITS, least


@dataclass(frozen=True, slots=True)
class Terms:
    """What all questions of a plan share.

    Attributes
    ----------
    shares : mapping of arm to float
        Sum to 1.
    control : str
    target : float
        Power.
    plan : AlwaysValid or GroupSequential or None
        How results may be read before the end.
    available : float or None
        Units of all arms.
    entry_per_day : float or None
    enrol_days : int
        Days of enrolment where everyone is there from the start.
    after : int
        Days after the outcome window until its data are final.
    """

    shares: Mapping[str, float]
    control: str
    target: float
    plan: AlwaysValid | GroupSequential | None
    available: float | None
    entry_per_day: float | None
    enrol_days: int
    after: int

    def enrol(self, units: float) -> int:
        """Days until so many units are in."""
        if self.entry_per_day is None:
            return self.enrol_days
        return max(1, math.ceil(units / self.entry_per_day * (1 - 1e-12)))


def looked(question: Question, terms: Terms) -> AlwaysValid | GroupSequential | None:
    """Give the looks that a question allows for; contrasts, log-rank tests and ROI keep their level."""
    return terms.plan if question.kind in {"metric", "guardrail", "net_benefit"} else None


def growth(question: Question, terms: Terms, units: float) -> float:
    """Units with looks over units with one test at the end, where so many come in all arms."""
    return inflation(looked(question, terms), question.level, terms.target, units)


def sizes(question: Question, terms: Terms, units: float) -> Pair:
    """Units of treatment and control; of a contrast, two arms that give its variance."""
    if question.treatment is not None:
        return terms.shares[question.treatment] * units, terms.shares[terms.control] * units
    # Two arms of n have variance 2 sd^2 / n; a contrast has sd^2 sum w^2 / n_i.
    inverse = math.fsum(w * w / terms.shares[arm] for arm, w in question.weights.items() if w)
    return 2 * units / inverse, 2 * units / inverse


def power_at(question: Question, terms: Terms, units: float) -> float:
    """Power with so many units in all arms.

    Raises
    ------
    NotEstimable
        If it cannot be planned, or no effect is named.
    """
    if question.test is None or question.effect is None:
        raise NotEstimable(question.reason or "no effect is named")
    pair = sizes(question, terms, units / growth(question, terms, units))
    return question.test.power(question.effect(units), pair, question.level)


def detectable_at(question: Question, terms: Terms, units: float) -> float:
    """Smallest effect that is found with so many units in all arms."""
    if question.test is None:
        raise NotEstimable(question.reason or "it cannot be planned")
    pair = sizes(question, terms, units / growth(question, terms, units))
    return question.test.detectable(pair, terms.target, question.level)


def units_needed(question: Question, terms: Terms) -> float:
    """Units of all arms, unrounded, that the question needs.

    Raises
    ------
    NotEstimable
        If no number is enough.
    """
    check_target(terms.target, question.level)
    if question.effect is not None and question.effect(MOST_UNITS) <= 0:
        raise NotEstimable(
            "with the effect planned for, the offer would lose money however many units there are"
        )
    fewest = 2.0 * (1 + 1e-9) / min(sizes(question, terms, 1.0))
    test = question.test.inner if isinstance(question.test, WithinMargin) else question.test
    if isinstance(test, Clustered):
        fewest *= test.shape.size
    fewest *= growth(question, terms, fewest) * 1.01
    most, plan = MOST_UNITS, looked(question, terms)
    # Past its horizon an always-valid plan is read at wider bounds, so power falls there before it rises.
    if isinstance(plan, AlwaysValid) and plan.horizon > fewest:
        most = plan.horizon if power_at(question, terms, plan.horizon) >= terms.target else most
    found = least(lambda units: power_at(question, terms, units), terms.target, fewest, most)
    if found is None:
        raise NotEstimable(f"more than {MOST_UNITS:.0e} units would be needed")
    return found


def answer(question: Question, terms: Terms) -> Answer:
    """Answer one question."""
    level, known = question.level, question.known
    reason, needed = question.reason, None
    amount = question.effect
    if reason is None:
        try:
            if amount is None:
                detectable_at(question, terms, terms.available or 1e6)
                reason = "no effect is named: give sizing.mde or sizing.relative_mde"
            else:
                needed = units_needed(question, terms)
        except NotEstimable as why:
            reason = str(why)
    at = terms.available
    power = _tried(lambda: power_at(question, terms, at)) if at and amount is not None else None
    mde = _tried(lambda: detectable_at(question, terms, at)) if at else None
    effect = amount(needed or at or MOST_UNITS) if amount is not None else None
    mean = abs(question.mean) if question.mean else None
    n_t = n_c = total = None
    if needed is not None:
        total = whole(needed, terms.shares)
        if question.treatment is not None:
            n_t = math.ceil(needed * terms.shares[question.treatment] * (1 - 1e-12))
            n_c = math.ceil(needed * terms.shares[terms.control] * (1 - 1e-12))
    enrol = terms.enrol(total) if total is not None else None
    return Answer(
        kind=question.kind,
        id=question.id,
        treatment=question.treatment,
        role=question.role,
        required=question.required,
        test=question.name,
        alpha=level.alpha,
        sides=level.sides,
        power_target=terms.target,
        baseline=(asdict(known) | {"correlation": known.correlation})
        if known and question.role != "money"
        else None,
        design_effect=known.design_effect if known else 1.0,
        inflation=growth(question, terms, needed or at or 1e6),
        effect_absolute=effect,
        effect_relative=effect / mean if effect is not None and mean else None,
        n_treatment=n_t,
        n_control=n_c,
        n_total=total,
        power=power,
        mde_absolute=mde,
        mde_relative=mde / mean if mde is not None and mean else None,
        days_to_enrol=enrol,
        days_to_answer=enrol + question.days + terms.after if enrol is not None and question.days else None,
        answerable=reason is None and needed is not None and (at is None or needed <= at * (1 + 1e-12)),
        facts=_facts(question, terms, needed),
        reason=reason,
    )


def whole(units: float, shares: Mapping[str, float]) -> int:
    """Round up every arm."""
    return sum(math.ceil(units * share * (1 - 1e-12)) for share in shares.values())


def _tried(what: Callable[[], float]) -> float | None:
    try:
        return what()
    except NotEstimable:
        return None


def _facts(question: Question, terms: Terms, needed: float | None) -> dict[str, float]:
    test = question.test.inner if isinstance(question.test, WithinMargin) else question.test
    if isinstance(test, Clustered) and needed is not None:
        return {"clusters": math.ceil(needed / test.shape.size), "cluster_size": test.shape.size}
    if isinstance(test, LogRank) and question.effect is not None and needed is not None:
        effect = question.effect(needed)
        pair = sizes(question, terms, needed)
        p = test.share + (effect if test.direction == "increase" else -effect)
        return {
            "hazard_ratio": test.hazard_ratio(effect),
            "events": math.ceil(pair[0] * p + pair[1] * test.share),
        }
    return {"sd_treatment": test.sd[0], "sd_control": test.sd[1]} if isinstance(test, Means) else {}
