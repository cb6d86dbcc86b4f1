"""What each ending of a command is: its exit code, and words that say what, where, why and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import loyalty_exp.pipeline
from loyalty_exp.errors import DataError


def test_a_run_that_is_done_ends_with_0(call, spec: Path) -> None:
    assert call("analyze", spec).code == 0


def test_a_condition_that_holds_ends_with_1_and_says_which(call, spec: Path) -> None:
    held = call("analyze", spec, "--fail-on", "stop", "--fail-on", "health")
    assert held.code == 0
    assert call("analyze", spec, "--fail-on", "provisional").code == 0
    text = spec.read_text(encoding="utf-8").replace(
        "{No E-Mail: 1, Mens E-Mail: 1, Womens E-Mail: 1}", "{No E-Mail: 2, Mens E-Mail: 1, Womens E-Mail: 1}"
    )
    spec.write_text(text, encoding="utf-8")
    held = call("analyze", spec, "--fail-on", "srm", "--fail-on", "invalid")
    assert held.code == 1
    assert "--fail-on srm: the sample ratio differs from the plan" in held.err
    assert "--fail-on invalid" in held.err
    assert held.out.startswith("hillstrom_email: invalid: no effect is reported; failed: ")


def test_a_faulty_spec_ends_with_2_and_names_every_problem(call, spec: Path) -> None:
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text.replace("metrics:", "metrcs:").replace("unit:", "unot:"), encoding="utf-8")
    faulty = call("analyze", spec)
    assert (faulty.code, faulty.out) == (2, "")
    assert "metrcs" in faulty.err
    assert "unot" in faulty.err
    assert "Traceback" not in faulty.err
    assert not (spec.parent / "results").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyse",),
        ("analyze",),
        ("analyze", "x.yaml", "--lang", "en"),
        ("analyze", "x.yaml", "--as-of", "1.2.26"),
        ("analyze", "no-such.yaml"),
        ("report", "x.yaml", "--lang", "fr"),
        ("init", "--template", "lottery"),
        ("validate",),
        ("--no-such-option",),
    ],
)
def test_wrong_usage_ends_with_2(call, arguments: tuple[str, ...]) -> None:
    wrong = call(*arguments)
    assert wrong.code == 2
    assert wrong.out == ""
    assert wrong.err.strip()


def test_data_that_are_not_there_end_with_3(call, spec: Path) -> None:
    (spec.parent / "data" / "hillstrom.parquet").unlink()
    missing = call("run", spec)
    assert (missing.code, missing.out) == (3, "")
    assert "hillstrom.parquet" in missing.err
    assert "Traceback" not in missing.err


def test_a_report_without_a_readout_is_refused_with_4(call, spec: Path) -> None:
    refused = call("report", spec)
    assert (refused.code, refused.out) == (4, "")
    assert "there is no readout" in refused.err
    assert f"loyalty-exp analyze {spec}" in refused.err


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": "loyalty-exp/readout/v9"}', "\x00"])
def test_a_readout_that_is_not_whole_ends_with_3(call, spec: Path, content: str) -> None:
    folder = spec.parent / "results" / "hillstrom_email"
    folder.mkdir(parents=True)
    (folder / "readout.json").write_text(content, encoding="utf-8")
    broken = call("report", spec)
    assert broken.code == 3
    assert "Run: loyalty-exp analyze" in broken.err


def test_a_bug_is_one_line_and_the_way_to_its_traceback(call, spec: Path, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(loyalty_exp.pipeline, "compute", broken)
    bug = call("analyze", spec)
    assert (bug.code, bug.out) == (70, "")
    assert bug.err.splitlines() == [
        "loyalty-exp: this is a bug in loyalty-exp: ZeroDivisionError: oh",
        f"  To see where: loyalty-exp --debug analyze {spec}",
    ]
    for arguments in (("--debug", "analyze", spec), ("analyze", spec, "--debug")):
        told = call(*arguments)
        assert told.code == 70
        assert "Traceback (most recent call last)" in told.err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 3, "not enough memory"),
        (DataError("orders.ts: no"), 3, "loyalty-exp: orders.ts: no"),
    ],
)
def test_interruptions_and_shortage_are_one_line(
    call, spec: Path, monkeypatch, error: BaseException, code: int, words: str
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(loyalty_exp.pipeline, "compute", stopped)
    ended = call("analyze", spec)
    assert ended.code == code
    assert words in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_doctor_finds_this_machine_able(call) -> None:
    well = call("doctor", "--json")
    found = json.loads(well.out)
    assert well.code == 0, found
    assert {c["check"] for c in found["checks"]} >= {"python", "packages", "engine", "templates", "folder"}
