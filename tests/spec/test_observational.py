"""Specs without randomization: a design in place of arms, read, checked, not estimated by this version."""

from __future__ import annotations

from pathlib import Path

import pytest

from loyalty_exp.errors import Refused
from loyalty_exp.spec.observational import Observational
from loyalty_exp.spec.read import check_text, read_text, resolved_yaml

STARTERS = Path(__file__).parents[2] / "loyalty_exp" / "cli" / "starters"
TEXT = (STARTERS / "observational.yaml").read_text("utf-8").replace("program: program.yaml\n", "")
DESIGN = TEXT[TEXT.index("design:") : TEXT.index("schedule:")]

DESIGNS = {
    "regression_discontinuity": "running: spend_12m\n  cutoff: 8000\n  donut: 50",
    "weighting": "treated: {field: joined, op: ==, value: 1}\n  covariates: [spend_12m, tier]",
    "synthetic_control": "group: city\n  treated: [Hefei]\n  start: 2026-03-18\n  pre_periods: 26",
    "difference_in_differences": (
        "treated: {field: joined, op: ==, value: 1}\n  start: 2026-03-18\n  pre_periods: 8\n  post_periods: 8"
    ),
}


def changed(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def with_design(kind: str, lines: str) -> str:
    return changed(TEXT, (DESIGN, f"design:\n  type: {kind}\n  {lines}\n"))


def errors(text: str) -> list[tuple[str, str]]:
    return [(p.path, f"{p.message} | {p.hint}") for p in check_text(text)[1] if p.severity == "error"]


@pytest.mark.parametrize("kind", DESIGNS)
def test_every_design_is_read_told_of_and_not_run(kind: str) -> None:
    text = with_design(kind, DESIGNS[kind])
    spec, problems = check_text(text)
    assert isinstance(spec, Observational)
    assert (spec.design.type, spec.evidence_level) == (kind, "quasi_experimental")
    assert [(p.severity, p.path) for p in problems] == [("notice", "design")]
    assert "not yet run by this version" in problems[0].message
    assert check_text(resolved_yaml(spec))[0] == spec
    with pytest.raises(Refused, match="nothing was randomized"):
        read_text(text)


MISTAKES = [
    ("difference_in_differences", ("pre_periods: 8", "pre_periods: 1"), "design.pre_periods", "at least 2"),
    (
        "difference_in_differences",
        ("pre_periods: 8", "pre_periods: 3\n  anticipation_periods: 2"),
        "design",
        "raise pre_periods",
    ),
    ("difference_in_differences", ("  start: 2026-03-18\n", ""), "design.start", "is required"),
    ("difference_in_differences", ("treated:", "treatd:"), "design.treatd", "did you mean 'treated'?"),
    ("regression_discontinuity", ("donut: 50", "donut: 50\n  bandwidth: 40"), "design", "make it smaller"),
    ("regression_discontinuity", ("  cutoff: 8000\n", ""), "design.cutoff", "is required"),
    ("weighting", ("[spend_12m, tier]", "[]"), "design.covariates", "at least 1"),
    (
        "synthetic_control",
        ("[Hefei]", "[Hefei]\n  donors: [Hefei]"),
        "design",
        "cannot be treated and a donor",
    ),
    ("synthetic_control", ("group: city", "group: true"), "design.group", "quote it: 'true'"),
]


@pytest.mark.parametrize(("kind", "pair", "path", "words"), MISTAKES)
def test_a_mistake_is_told_at_its_place(kind: str, pair: tuple[str, str], path: str, words: str) -> None:
    found = errors(changed(with_design(kind, DESIGNS[kind]), pair))
    assert any(p == path and words in w for p, w in found), found


def test_an_unknown_design_and_arms_beside_a_design_are_refused() -> None:
    odd = changed(TEXT, ("type: difference_in_differences", "type: diff_in_diff"))
    assert errors(odd)[0][0] == "design.type"
    arms = changed(TEXT, ("schedule:", "arms: [{id: a, share: 0.5}, {id: b, share: 0.5}]\nschedule:"))
    ((path, words),) = errors(arms)
    assert path == "arms"
    assert words.startswith("'arms' is not a key of the spec | there are: experiment, name, question")


def test_sections_are_checked_against_each_other_as_in_an_experiment() -> None:
    assert errors(changed(TEXT, ("metric: margin", "metric: margn")))[0][0] == "economics.benefit.metric"
    assert errors(changed(TEXT, ("outcome_days: 56, ", "")))[0][0] == "schedule.outcome_days"
    controls = changed(TEXT, ("economics:", "negative_controls: [ordrs]\neconomics:"))
    assert errors(controls) == [
        ("negative_controls[0]", "'ordrs' is not a metric of this spec | did you mean 'orders'?")
    ]
    assert errors(changed(TEXT, ("role: primary", "role: secondary")))[0][0] == "metrics"
