"""What goes where: data on standard output, words on standard error, the same bytes everywhere."""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import start

import loyalty_exp.cli.session
from loyalty_exp.cli.session import Session

HEAVY = ("pydantic", "duckdb", "sqlalchemy", "numpy", "pandas", "rich", "matplotlib", "ruamel")


def test_run_prints_the_verdict_in_one_line_and_paths_on_standard_error(call, spec: Path) -> None:
    done = call("run", spec)
    assert done.code == 0
    assert done.out == (
        "hillstrom_email: ship Mens E-Mail: net benefit $0.26 per customer_id (95% $0.14 to $0.37)\n"
    )
    folder = spec.parent / "results" / "hillstrom_email"
    for name in ("readout.json", "report.en.html", "report.zh-CN.html"):
        assert f"wrote {folder / name}" in done.err
        assert (folder / name).is_file()


@pytest.mark.parametrize("before", [True, False])
def test_json_is_one_object_and_nothing_else(call, spec: Path, before: bool) -> None:
    line = ("--json", "analyze", spec) if before else ("analyze", spec, "--json")
    done = call(*line)
    assert json.loads(done.out)["schema"] == "loyalty-exp/readout/v1"
    written = spec.parent / "results" / "hillstrom_email" / "readout.json"
    assert done.out == written.read_text(encoding="utf-8")


def test_quiet_leaves_standard_error_empty(call, spec: Path) -> None:
    for line in (("--quiet", "analyze", spec), ("analyze", spec, "--quiet")):
        done = call(*line)
        assert (done.code, done.err) == (0, "")
        assert done.out


def test_a_report_is_made_from_the_readout_alone(call, spec: Path) -> None:
    call("analyze", spec, "--quiet")
    (spec.parent / "data" / "hillstrom.parquet").unlink()
    done = call("report", spec, "--lang", "zh-CN", "--json")
    assert done.code == 0, done.err
    pages = json.loads(done.out)["pages"]
    assert list(pages) == ["zh-CN"]
    assert Path(pages["zh-CN"]).read_text(encoding="utf-8").startswith("<!")
    assert not (spec.parent / "results" / "hillstrom_email" / "report.en.html").exists()


def test_a_report_of_a_changed_spec_says_so(call, spec: Path) -> None:
    call("analyze", spec, "--quiet")
    spec.write_text(spec.read_text(encoding="utf-8").replace("0.95", "0.9"), encoding="utf-8")
    assert "has changed since the readout" in call("report", spec, "--lang", "en").err


def test_templates_of_the_user_override_and_their_faults_are_the_users(
    call, spec: Path, tmp_path: Path
) -> None:
    call("analyze", spec, "--quiet")
    own = spec.parent / "reports" / "templates"
    own.mkdir(parents=True)
    (own / "report.html.j2").write_text("mine: {{ r.nonsense }}", encoding="utf-8")
    faulty = call("report", spec, "--lang", "en")
    assert faulty.code == 2
    assert f"the templates in {own} cannot be used" in faulty.err
    (own / "report.html.j2").write_text("mine", encoding="utf-8")
    assert call("report", spec, "--lang", "en").code == 0
    page = spec.parent / "results" / "hillstrom_email" / "report.en.html"
    assert page.read_text(encoding="utf-8") == "mine"


def test_out_chooses_the_folder(call, spec: Path, tmp_path: Path) -> None:
    call("analyze", spec, "--out", tmp_path / "there")
    assert (tmp_path / "there" / "readout.json").is_file()
    assert not (spec.parent / "results").exists()


@pytest.mark.parametrize(("form", "start_of"), [("json", "["), ("github", "::error ")])
def test_validate_gives_problems_to_programs_on_standard_output(call, spec: Path, form, start_of) -> None:
    spec.write_text(spec.read_text(encoding="utf-8").replace("metrics:", "metrcs:"), encoding="utf-8")
    found = call("validate", spec, "--format", form)
    assert found.code == 2
    assert found.err == ""
    assert found.out.lstrip("{ ").startswith(start_of) or found.out.startswith("{")


def test_validate_reads_many_specs_and_resolves_one(call, spec: Path) -> None:
    many = call("validate", spec, spec.parent / "double_points.yaml")
    assert (many.code, many.out) == (0, "")
    resolved = call("validate", spec, "--resolved", "--quiet")
    again = spec.parent / "resolved.yaml"
    again.write_text(resolved.out, encoding="utf-8")
    assert call("validate", again, "--resolved", "--quiet").out == resolved.out


def test_validate_as_json_is_one_object(call, spec: Path) -> None:
    assert json.loads(call("validate", spec, "--json").out) == {"valid": True, "problems": []}


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_stream_closed_by_the_caller_is_no_error(spec: Path, closed: str) -> None:
    line = f"{shlex.quote(sys.executable)} -m loyalty_exp analyze {shlex.quote(str(spec))} {closed}"
    assert subprocess.run(["bash", "-c", line], check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals of POSIX")
def test_progress_is_shown_on_a_terminal_after_a_moment_and_not_before(monkeypatch) -> None:
    pty = pytest.importorskip("pty")
    monkeypatch.setattr(loyalty_exp.cli.session, "PATIENCE", 0.3)
    shown = []
    for seconds in (0.0, 0.8):
        ours, theirs = pty.openpty()
        with open(theirs, "w", encoding="utf-8") as terminal:  # noqa: PTH123
            monkeypatch.setattr(sys, "stderr", terminal)
            now = Session()
            now.progress("reading the spec")
            time.sleep(seconds)
            now.progress("estimating")
            now.rest()
            monkeypatch.setattr(sys, "stderr", sys.__stderr__)
            shown.append(os.read(ours, 4096) if select.select([ours], [], [], 0.5)[0] else b"")
    assert shown[0] == b""
    assert b"reading the spec" in shown[1]


@pytest.mark.parametrize("kind", ["experiment", "program", "readout"])
def test_schema_prints_a_schema(call, kind: str) -> None:
    assert "properties" in json.loads(call("schema", kind).out)


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from loyalty_exp.cli.main import run_cli; code = run_cli(sys.argv[1:]);"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    for line in (["--help"], ["analyze", "--help"], ["init", "--help"], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *line], capture_output=True, text=True, check=True
        )
        assert done.stderr.strip() == "[]"


def test_a_closed_standard_output_is_quiet(spec: Path) -> None:
    for line in (("schema",), ("analyze", spec, "--json"), ("--help",)):
        process = start(*line)
        assert process.stdout is not None
        process.stdout.close()
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0
        assert b"Traceback" not in err
        assert b"BrokenPipe" not in err


def test_locale_hash_seed_home_and_terminal_change_no_byte(spec: Path) -> None:
    results = []
    for environment in (
        {"LC_ALL": "C", "PYTHONHASHSEED": "0", "PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": "1", "TZ": "Asia/Shanghai"},
        {"LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "2", "HOME": "/nonexistent", "PYTHONUTF8": "0"},
    ):
        out = spec.parent / f"out{len(results)}"
        process = start("run", spec, "--out", out, env=environment)
        printed, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        results.append((printed, {p.name: p.read_bytes() for p in sorted(out.iterdir())}))
    assert results[0] == results[1] == results[2]
    assert not any(b"\r" in content for _, files in results for content in files.values())


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_soon_with_one_line_and_no_half_file(spec: Path, number: int, code: int) -> None:
    process = start("run", spec)
    time.sleep(0.8)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    if process.returncode == 0:
        pytest.skip("the run was over before the signal")
    assert process.returncode == code, err
    assert out == b""
    assert b"Traceback" not in err
    folder = spec.parent / "results" / "hillstrom_email"
    assert not folder.exists() or not [p for p in folder.iterdir() if p.suffix == ".tmp"]
