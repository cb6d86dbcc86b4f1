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
            "at least 2. Raise its share, or take in more units",
        ),
        ("sizing: {mde: {spend: 0}}", 2, "hint: name the smallest effect worth finding"),
        ("sizing: {relative_mde: 0.05, icc: 1.5}", 2, "hint: write 0.05 for 5%"),
        ("sizing: {mde: {spent: 1}}", 2, "sizing.mde names 'spent', which is not a metric"),
        (
            "sizing: {relative_mde: 0.05, money: {sd_benefit: 1, sd_cost: 1, correlation: -1.01}}",
            2,
            "a correlation is in [-1, 1], not -1.01",
        ),
        ("sizing: {relative_mde: 0.05, history: {as_of: soon}}", 2, "as_of"),
    ],
)
def test_what_is_wrong_is_said(call: Callable, workspace: Path, sizing: str, code: int, words: str) -> None:  # type: ignore[type-arg]
    path = workspace / "double_points.yaml"
    path.write_text(path.read_text("utf-8") + f"\n{sizing}\n", encoding="utf-8")
    done = call("size", path)
    assert done.code == code
    assert words in done.err and "Traceback" not in done.err
    # A wrong value is shown where it stands.
    assert code != 2 or "available_units" in sizing or f"{path.name}:" in done.err


def test_nothing_that_varies_is_a_finding_and_no_error(call: Callable, workspace: Path) -> None:  # type: ignore[type-arg]
    path = workspace / "double_points.yaml"
    asked = "sizing: {relative_mde: 0.05, history: {}, baseline: {spend: {mean: 5, sd: 0}}}"
    path.write_text(path.read_text("utf-8") + f"\n{asked}\n", encoding="utf-8")
    done = call("size", path)
    assert done.code == 0
    assert "Spend: nothing varies in the baseline, so no test can be planned." in done.out


def test_without_a_section_the_data_say_what_can_be_found(call: Callable, workspace: Path) -> None:  # type: ignore[type-arg]
    done = call("size", workspace / "double_points.yaml")
    assert done.code == 0
    assert "how large an effect the test must find" in done.out
    assert "the units there find" in done.out
