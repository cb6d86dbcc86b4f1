"""The door of the plan: a spec and its baselines become answers, curves, a calendar and a verdict."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from loyalty_exp.errors import NotEstimable, UsageError
from loyalty_exp.grammar import canonical
from loyalty_exp.planning.answerable import binding_of, reasons, ways
from loyalty_exp.planning.baseline import Baselines
from loyalty_exp.planning.money_plan import cheapest, money_plans
from loyalty_exp.planning.one_arm import window_days
from loyalty_exp.planning.question import Question
from loyalty_exp.planning.questions import questions
from loyalty_exp.planning.result import Answer, Point, Sizing
from loyalty_exp.planning.solve import Terms, answer, detectable_at, power_at
from loyalty_exp.spec import sizing as spec_sizing
from loyalty_exp.spec.experiment import Experiment

POINTS = 40
"""Of a curve."""

NOTHING = Baselines(metrics={})


def size(experiment: Experiment, baselines: Baselines = NOTHING) -> Sizing:
    """Answer what the test takes, and whether it can be had.

    Raises
    ------
    UsageError
        If an arm would get fewer than two units.
    """
    asked = sizing_of(experiment)
    if experiment.cluster is None:
        # Units are drawn one by one, so how alike those of a household are changes nothing.
        asked = asked.model_copy(update={"icc": None, "cluster_size": None})
    if not experiment.analysis.alpha < asked.power:
        raise UsageError(f"sizing.power is {asked.power:g}; it must lie above analysis.alpha")
    terms, by_days = terms_of(experiment, asked, baselines)
    pairs = [(q, answer(q, terms)) for q in questions(experiment, asked, baselines)]
    answers = tuple(a for _, a in pairs)
    binding = binding_of(pairs)
    required = max((a.n_total or 0 for a in answers if a.required), default=0) or None
    why = reasons(answers, terms, by_days)
    test_units = _test_units(required, terms.available)
    shown = binding or next(((q, a) for q, a in pairs if q.test is not None), None)
    return Sizing(
        experiment=_facts(experiment),
        answerable=not why,
        why=why,
        ways=ways(experiment, asked, baselines, terms, pairs) if why else (),
        available_units=math.floor(terms.available) if terms.available is not None else None,
        required_units=required,
        test_units=test_units,
        arms=_arms(experiment, required, test_units),
        answers=answers,
        money=money_plans(experiment, asked, baselines, test_units),
        cheapest=cheapest(
            experiment, asked, baselines, terms, binding[0] if binding else None, test_units or 1.0
        ),
        power_curve=_curve(shown, terms, required, power=True),
        mde_curve=_curve(shown, terms, required, power=False),
        curve_of=_named(shown),
        calendar=_calendar(experiment, terms, answers, test_units),
        rule=_rule(experiment, asked),
        history=_history(baselines),
    )


def sizing_of(experiment: Experiment) -> spec_sizing.Sizing:
    """Give the section of a spec; without one, its own history is read and no effect is named."""
    return experiment.sizing or spec_sizing.Sizing(history=spec_sizing.History())


def terms_of(experiment: Experiment, asked: spec_sizing.Sizing, baselines: Baselines) -> tuple[Terms, bool]:
    """Collect what all questions share, and whether days and not units are what is short.

    Raises
    ------
    UsageError
        If an arm would get fewer than two units, or no day is left for enrolment.
    """
    schedule, maturity = experiment.schedule, experiment.program.maturity
    shares = {a.id: a.share for a in experiment.planned_arms}
    after = schedule.refund_days + (maturity.data_lag_days if maturity else 0)
    window = window_days(experiment)
    entry = asked.entry_per_day or baselines.entry_per_day
    available = float(asked.available_units) if asked.available_units is not None else None
    if available is None and entry is None and baselines.units is not None:
        available = float(baselines.units)
    by_days = False
    if asked.max_days is not None and asked.max_days <= window + after:
        raise UsageError(
            f"sizing.max_days is {asked.max_days}; outcomes alone take {window + after} days, so no day is "
            "left for anyone to enter"
        )
    spans = [asked.max_days - window - after] if asked.max_days is not None else []
    if schedule.start and schedule.end:
        spans.append((schedule.end - schedule.start).days + 1)
    if entry is not None and spans:
        reachable = entry * min(spans)
        by_days = available is None or reachable < available
        available = reachable if available is None else min(available, reachable)
    if available is not None:
        for arm, share in shares.items():
            if available * share < 2:
                raise UsageError(
                    f"arm '{arm}' with a share of {share:.4g} would get {available * share:.3g} of "
                    f"{available:.0f} units; an arm needs at least 2. Raise its share, or take in more units"
                )
    terms = Terms(
        shares, experiment.control, asked.power, experiment.analysis.sequential, available, entry, 1, after
    )
    return terms, by_days


def _test_units(required: int | None, available: float | None) -> int | None:
    there = math.floor(available) if available is not None else None
    if required is None:
        return there
    return required if there is None else min(required, there)


def _facts(experiment: Experiment) -> dict[str, Any]:
    program = experiment.program
    return {
        "id": experiment.experiment,
        "name": experiment.name or experiment.experiment.replace("_", " ").replace("-", " ").capitalize(),
        "question": experiment.question,
        "unit": experiment.unit,
        "cluster": experiment.cluster,
        "factors": list(experiment.factors),
        "currency": canonical(program.currency) if program.currency else None,
        "spec_hash": experiment.spec_hash,
        "metrics": [
            {"id": m.id, "name": m.name or m.id.replace("_", " ").capitalize(), "display": m.shown_as}
            for m in experiment.metrics
        ],
    }


def _arms(experiment: Experiment, required: int | None, test_units: int | None) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            "id": a.id,
            "name": a.name,
            "is_control": a.is_control,
            "share": a.share,
            "units_required": math.ceil(a.share * required * (1 - 1e-12)) if required else None,
            "units_test": math.floor(a.share * test_units + 1e-9) if test_units else None,
        }
        for a in experiment.planned_arms
    )


def _curve(
    shown: tuple[Question, Answer] | None, terms: Terms, required: int | None, *, power: bool
) -> tuple[Point, ...]:
    """Follow power, or the detectable effect, as units come in."""
    if shown is None:
        return ()
    question = shown[0]
    end = 1.25 * max(required or 0, terms.available or 0)
    if not power and terms.available:
        end = min(end, 3 * terms.available)
    points = []
    for i in range(1, POINTS + 1):
        units = end * i / POINTS
        day = units / terms.entry_per_day if terms.entry_per_day else None
        try:
            if power:
                points.append(Point(units, day, power=power_at(question, terms, units)))
            else:
                found = detectable_at(question, terms, units)
                mean = abs(question.mean) if question.mean else None
                points.append(
                    Point(units, day, mde_absolute=found, mde_relative=found / mean if mean else None)
                )
        except NotEstimable:
            continue
    return tuple(points)


def _named(shown: tuple[Question, Answer] | None) -> dict[str, Any]:
    if shown is None:
        return {}
    question, found = shown
    return {
        "kind": question.kind,
        "id": question.id,
        "treatment": question.treatment,
        "effect_absolute": found.effect_absolute,
        "effect_relative": found.effect_relative,
    }


def _calendar(
    experiment: Experiment, terms: Terms, answers: tuple[Answer, ...], test_units: int | None
) -> tuple[dict[str, Any], ...]:
    """Days of the test, counted from the first; dates where the spec gives the first."""
    if test_units is None:
        return ()
    start = experiment.schedule.start
    enrol = terms.enrol(test_units)
    window = window_days(experiment)
    steps = [("first_unit", 1), ("last_unit", enrol)]
    if experiment.analysis.sequential is not None and hasattr(experiment.analysis.sequential, "looks"):
        steps += [
            (f"look_{i}", terms.enrol(share * test_units) + window + terms.after)
            for i, share in enumerate(experiment.analysis.sequential.looks[:-1], 1)
        ]
    steps += [("outcomes_over", enrol + window)]
    if terms.after:
        steps += [("data_final", enrol + window + terms.after)]
    return tuple(
        {
            "step": step,
            "day": day,
            "date": (start + dt.timedelta(days=day - 1)).isoformat() if start else None,
        }
        for step, day in steps
    )


def _rule(experiment: Experiment, asked: spec_sizing.Sizing) -> dict[str, Any]:
    analysis = experiment.analysis
    return {
        "alpha": analysis.alpha,
        "power": asked.power,
        "multiplicity": analysis.multiplicity.primary,
        "primary": [m.id for m in experiment.metrics if m.role == "primary"],
        "guardrails": [m.id for m in experiment.metrics if m.role == "guardrail"],
        "sequential": canonical(analysis.sequential) if analysis.sequential else None,
        "ship_if": canonical(experiment.decision.ship_if) if experiment.decision.ship_if else None,
        "stop_if": canonical(experiment.decision.stop_if),
        "hurdle": experiment.economics.hurdle if experiment.economics else None,
        "max_days": asked.max_days,
        "entry_per_day": asked.entry_per_day,
    }


def _history(baselines: Baselines) -> dict[str, Any]:
    return {
        "as_of": baselines.as_of.isoformat() if baselines.as_of else None,
        "last_day": baselines.last_day.isoformat() if baselines.last_day else None,
        "units": baselines.units,
        "entry_per_day": baselines.entry_per_day,
        "cluster_size": baselines.cluster_size,
        "cluster_size_cv": baselines.cluster_cv,
        "engine": baselines.engine or None,
        "data_digest": baselines.digest or None,
        "not_known": dict(baselines.reasons),
    }
