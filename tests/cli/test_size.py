"""`size` on the command line: files, exit codes, JSON, and words for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def planned(workspace: Path) -> Path:
    path = workspace / "double_points.yaml"
    asked = "\nsizing: {relative_mde: 0.05, history: {as_of: 2026-04-20}, expected_cost_per_unit: 0.8}\n"
    path.write_text(path.read_text("utf-8") + asked, encoding="utf-8")
    return path


def test_a_plan_is_written_in_both_languages(call: Callable, planned: Path) -> None:  # type: ignore[type-arg]
    done = call("size", planned)
    assert done.code == 0
    assert "cannot answer" in done.out
    folder = planned.parent / "results" / "double_points"
    assert {p.name for p in folder.iterdir()} >= {"plan.en.html", "plan.zh-CN.html", "sizing.json"}


def test_json_has_the_verdict(call: Callable, planned: Path) -> None:  # type: ignore[type-arg]
    done = call("size", planned, "--json", "--quiet")
    facts = json.loads(done.out)
    assert facts["answerable"] is False and facts["history"]["units"] == 3170
    assert done.err == ""
    again = call("size", planned, "--json", "--quiet")
    assert again.out == done.out


def test_a_pipeline_may_stop_at_a_test_that_cannot_answer(call: Callable, planned: Path) -> None:  # type: ignore[type-arg]
    assert call("size", planned, "--fail-on", "not-answerable").code == 1


def test_a_plan_by_hand_needs_no_data(call: Callable, tmp_path: Path) -> None:  # type: ignore[type-arg]
    path = tmp_path / "s.yaml"
    path.write_text(
        """
experiment: by_hand
question: Does it pay?
unit: id
data: {units: not_there.parquet}
arms: {from_column: arm, control: c, treatments: [t]}
schedule: {outcome_days: 28}
metrics: [{id: spend, type: amount, column: spend, role: primary}]
sizing: {mde: {spend: 1.0}, baseline: {spend: {mean: 20.0, sd: 10.0}}, available_units: 4000}
""",
        encoding="utf-8",
    )
    done = call("size", path, "--fail-on", "not-answerable")
    assert done.code == 0 and "3,142 units answer the question" in done.out


@pytest.mark.parametrize(
    ("sizing", "code", "words"),
    [
        ("", 2, "the spec has no `sizing:` section"),
        ("sizing: {relative_mde: 0}", 2, "no number of units finds an effect of 0"),
        (
            "sizing: {relative_mde: 0.05, baseline: {spend: {mean: 1, sd: 1, correlation: 2}}}",
            2,
            "a correlation is in",
        ),
        (
            "sizing: {relative_mde: 0.05, history: {as_of: 2026-12-01}}",
            4,
            "the history is shorter than the window",
        ),
        ("sizing: {relative_mde: 0.05, history: {as_of: 2020-01-01}}", 4, "shorter than the pre-period"),
        (
            "sizing: {relative_mde: 0.05, baseline: {spend: {mean: 1, sd: 1}}, available_units: 3}",
            2,
            "at least 2",
        ),
    ],
)
def test_what_is_wrong_is_said(call: Callable, workspace: Path, sizing: str, code: int, words: str) -> None:  # type: ignore[type-arg]
    path = workspace / "double_points.yaml"
    path.write_text(path.read_text("utf-8") + f"\n{sizing}\n", encoding="utf-8")
    done = call("size", path)
    assert done.code == code
    assert words in done.err and "Traceback" not in done.err
