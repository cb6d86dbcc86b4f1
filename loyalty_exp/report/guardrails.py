"""The guardrails: what must not get worse, each with its interval beside the allowed change."""

from __future__ import annotations

from dataclasses import dataclass, replace

from loyalty_exp.report.facts import Facts
from loyalty_exp.report.marks import IntervalMark, scale_of
from loyalty_exp.report.said import Said, change, level, said, step_of
from loyalty_exp.report.settled import bounded
from loyalty_exp.report.wording import Wording


@dataclass(frozen=True, slots=True)
class GuardrailRow:
    """A guardrail with the change that is still allowed."""

    metric: str
    arm: str
    control: str
    treatment: str
    said: Said
    allowed: str
    badge: str
    tone: str
    mark: IntervalMark | None


def guardrail_rows(facts: Facts) -> tuple[GuardrailRow, ...]:
    """Give the guardrails, every treatment."""
    words, rows = facts.words, []
    for estimate in facts.overall("guardrail"):
        metric, rail = facts.metric(estimate["metric"]), estimate["guardrail"]
        found, allowed, mark = estimate["absolute"], "–", None
        status = rail["status"] if rail else "unsettled"
        told = said(facts, estimate, this_look=True)
        if rail:
            sign = 1 if metric.get("direction") == "decrease" else -1
            worse = sign * rail["margin"]
            allowed = change(words, metric, worse, step_of(metric, worse, worse, worse))
            if rail.get("relative") and bounded(estimate["relative"]):
                # Of a margin that is a share of control, what decides is the relative change.
                found, worse = estimate["relative"], sign * rail["relative"]
                allowed = words.percent(worse, signed=True, step=-1)
                told = replace(told, difference=told.relative, interval=told.relative_interval)
            if found and found["ci_lower"] is not None and found["ci_upper"] is not None:
                scale = scale_of((found["ci_lower"], found["ci_upper"], worse))
                mark = scale.mark(found["estimate"], found["ci_lower"], found["ci_upper"], worse)
        word, tone = guardrail_badge(words, status)
        rows.append(
            GuardrailRow(
                metric=facts.metric_name(estimate["metric"]),
                arm=facts.arm(estimate["treatment"]),
                control=level(words, metric, estimate["mean_control"]),
                treatment=level(words, metric, estimate["mean_treatment"]),
                said=told,
                allowed=allowed,
                badge=word,
                tone=tone,
                mark=mark,
            )
        )
    return tuple(rows)


def guardrail_badge(words: Wording, status: str) -> tuple[str, str]:
    """Give the word and the tone of a guardrail."""
    if status == "pass":
        return str(words.say("Met")), "pass"
    return (
        (str(words.say("Breached")), "fail")
        if status == "breached"
        else (str(words.say("Unsettled")), "watch")
    )
