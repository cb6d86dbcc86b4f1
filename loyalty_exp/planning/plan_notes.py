"""Notes of a plan: what looks, clusters, several comparisons and interactions take."""

from __future__ import annotations

from markupsafe import Markup

from loyalty_exp.planning.looks import READS
from loyalty_exp.planning.plan_words import Says

NEAR = 0.02
"""Part by which the units of the looks may miss those of the test."""


def notes(say: Says) -> tuple[Markup, ...]:
    """Give the notes under the questions, a sentence each."""
    words = say.words
    told = _looks(say)
    clustered = [a for a in say.facts["answers"] if a["design_effect"] > 1.0001]
    if clustered:
        most = max(clustered, key=lambda a: float(a["design_effect"]))
        told.append(
            words.say(
                "Units of a cluster are alike, which takes up to {factor} times the units.",
                factor=words.number(most["design_effect"]),
            )
        )
    if any(
        a["role"] == "primary" and a["alpha"] < say.facts["rule"]["alpha"] - 1e-12
        for a in say.facts["answers"]
    ):
        told.append(
            words.say("Several primary comparisons share the error rate, so each is held to a part of it.")
        )
    if say.facts["rule"]["multiplicity"] == "fixed_sequence":
        told.append(
            words.say(
                "Primary comparisons are tested in the order of the spec; the plan of each holds where those "
                "before it have passed."
            )
        )
    if sum(a["kind"] == "metric" and a["role"] == "secondary" for a in say.facts["answers"]) > 1:
        told.append(
            words.say(
                "Secondary metrics are planned one by one; the adjustment of the readout for all of them "
                "takes more units."
            )
        )
    if any(a["kind"] == "contrast" for a in say.facts["answers"]):
        told.append(
            words.say(
                "An interaction as large as a main effect takes about four times the units of that effect."
            )
        )
    return tuple(told)


def _looks(say: Says) -> list[Markup]:
    """Say what looks take, and whether they are planned for the units of the test."""
    words, plan, told = say.words, say.facts["rule"]["sequential"], []
    inflation = max((a["inflation"] for a in say.facts["answers"]), default=1.0)
    if plan is None or inflation <= 1.0001:
        return []
    factor, needed = words.number(inflation, step=-3), say.facts["required_units"]
    always = plan["method"] == "asymptotic_cs"
    if always:
        told.append(
            words.say(
                "Reading on any day takes up to {factor} times the units of one look. The plan is that of "
                "{reads} reads at even steps; more of them find a little more.",
                factor=factor,
                reads=words.count(READS),
            )
        )
    else:
        told.append(
            words.say("Looking before the end takes {factor} times the units of one look.", factor=factor)
        )
    planned = plan["horizon"] if always else plan["planned_units"]
    if needed and abs(planned / needed - 1) > NEAR:
        told.append(
            words.say(
                "The looks are planned for {planned} units, and the test needs {needed}: set {key} to the "
                "units that it will have.",
                planned=words.count(planned),
                needed=words.count(needed),
                key="analysis.sequential.horizon" if always else "analysis.sequential.planned_units",
            )
        )
    return told
