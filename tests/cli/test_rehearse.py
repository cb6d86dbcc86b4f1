"""`rehearse` as people call it: files, streams, exit codes, and going on after an interruption."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.processes import start

Call = Callable[..., Any]


def test_rehearse_writes_a_file_and_says_the_rates(call: Call, workspace: Path) -> None:
    spec = workspace / "double_points.yaml"
    done = call("rehearse", spec, "--times", "30", "--effect", "nb=2")
    assert done.code == 0
    assert done.out == ""
    folder = workspace / "results" / "double_points"
    found = json.loads((folder / "rehearsal.json").read_text())
    assert found["schema"] == "loyalty-exp/rehearsal/v1"
    assert [s["id"] for s in found["scenarios"]] == ["null", "break_even", "planted"]
    assert found["scenarios"][2]["missed_ship"]["of"] == 30
    assert not (folder / "rehearsal.json.part").exists()
    for words in ("30 rehearsals of", "with nb=+2", "misses what is worth it", "covered", "verdicts"):
        assert words in done.err


def test_json_is_the_file_and_the_same_call_gives_the_same_bytes(call: Call, workspace: Path) -> None:
    spec = workspace / "double_points.yaml"
    first = call("rehearse", spec, "--times", "10", "--aa", "--json")
    written = (workspace / "results" / "double_points" / "rehearsal.json").read_text()
    second = call("--json", "rehearse", spec, "--aa", "--times", "10")
    assert first.out == second.out == written
    assert [s["id"] for s in json.loads(first.out)["scenarios"]] == ["null"]
    assert first.code == 0


def test_an_effect_and_aa_exclude_each_other(call: Call, workspace: Path) -> None:
    done = call("rehearse", workspace / "double_points.yaml", "--aa", "--effect", "nb=2")
    assert done.code == 2
    assert "plants nothing" in done.err
    wrong = call("rehearse", workspace / "double_points.yaml", "--effect", "spnd=+5%")
    assert wrong.code == 2
    assert "spend" in wrong.err
    moved = call("rehearse", workspace / "hillstrom_email.yaml", "--begins", "2026-01-01")
    assert moved.code == 2
    assert "--begins" in moved.err


def test_p_values_that_are_not_uniform_end_with_exit_code_1(
    call: Call, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loyalty_exp.planning.rehearsal_result.UNIFORM", 1.1)
    assert call("rehearse", workspace / "double_points.yaml", "--times", "20", "--aa").code == 1


def test_a_killed_run_goes_on_where_it_stopped(workspace: Path) -> None:
    spec = workspace / "double_points.yaml"
    arguments = ("rehearse", spec, "--times", "400", "--aa", "--json")
    whole = start(*arguments).communicate(timeout=120)[0]
    (workspace / "results" / "double_points" / "rehearsal.json").unlink()
    part = workspace / "results" / "double_points" / "rehearsal.json.part"
    process = start(*arguments)
    time.sleep(2.0)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    if process.returncode != 0:  # not already done
        assert process.returncode == 143
        assert not part.exists() or json.loads(part.read_text())["records"]["null"]
    assert start(*arguments).communicate(timeout=120)[0] == whole


@pytest.mark.parametrize(
    ("shares", "options", "code", "words"),
    [
        ((0.5, 0.5), ("--effect", "nb=5%"), 2, "nb=2 is money a unit"),
        ((0.5, 0.5), ("--effect", "spend=5"), 0, ""),
        ((0.5, 0.5), ("--effect", "basket=5"), 2, "write basket=+5%"),
        (
            (0.5, 0.5),
            ("--effect", "spent=+5%"),
            2,
            "with one of nb, basket, frequency, churn, redemption, spend",
        ),
        ((0.5, 0.5), ("--effect", "spend=-100%"), 2, "nothing falls by 100% or more"),
        ((0.5, 0.5), ("--begins", "2026-06-20"), 4, "Set --begins to"),
        ((0.5, 0.5), ("--begins", "2026-02-01"), 4, "shorter than the pre-period"),
        ((0.9999, 0.0001), (), 2, "an arm needs at least 2"),
    ],
)
def test_what_is_wrong_is_said(
    call: Call, workspace: Path, shares: tuple[float, ...], options: tuple[str, ...], code: int, words: str
) -> None:
    path = workspace / "double_points.yaml"
    text = path.read_text("utf-8")
    first, second, third = text.split("share: 0.5")
    text = f"{first}share: {shares[0]}{second}share: {shares[1]}{third}"
    path.write_text(text, encoding="utf-8")
    done = call("rehearse", path, "--times", "2", *options)
    assert done.code == code
    assert words in done.err and "Traceback" not in done.err
